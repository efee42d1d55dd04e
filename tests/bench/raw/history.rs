//! The movements of years without the engine: as columns packed with zstd, and as rows of a plain file.

use crate::{goods::Catalogue, mint::Mint};
use anyhow::Result;
use rusqlite::Connection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How hard it is packed; a desktop packs its requests as hard.
const LEVEL: i32 = 3;

/// A receipt, as little as there is to say of it.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    id: Uuid,
    item: u32,
    bin: u8,
    qty: u8,
    at: i64,
    item_id: Uuid,
    bin_id: Uuid,
}

/// Of items and into bins chosen at random, as receipts are.
pub fn movements(catalogue: &Catalogue, count: usize, mint: &mut Mint) -> Vec<Moved> {
    let movement = |_| {
        let (item, bin) = (mint.below(catalogue.items.len()), mint.below(catalogue.bins.len()));
        let (item_id, bin_id) = (catalogue.items[item].id.0, catalogue.bins[bin].0);
        let qty = u8::try_from(1 + mint.below(99)).unwrap_or(1);
        let (item, bin) = (u32::try_from(item).unwrap_or_default(), u8::try_from(bin).unwrap_or_default());
        Moved { id: mint.id(), item, bin, qty, at: mint.at(), item_id, bin_id }
    };
    (0..count).map(movement).collect()
}

/// How many bytes they are as columns, items and bins by their numbers, times as the steps between them.
pub fn packed(movements: &[Moved]) -> Result<f64> {
    let mut last = 0;
    let steps =
        movements.iter().flat_map(|movement| (movement.at - std::mem::replace(&mut last, movement.at)).to_le_bytes());
    let columns: [Vec<u8>; 5] = [
        movements.iter().flat_map(|movement| movement.id.into_bytes()).collect(),
        movements.iter().flat_map(|movement| movement.item.to_le_bytes()).collect(),
        movements.iter().map(|movement| movement.bin).collect(),
        movements.iter().map(|movement| movement.qty).collect(),
        steps.collect(),
    ];
    let mut bytes = 0;
    for column in columns {
        bytes += zstd::bulk::compress(&column, LEVEL)?.len();
    }
    Ok(bytes as f64)
}

/// One row for each cell.
pub fn balances(conn: &mut Connection, movements: &[Moved]) -> Result<()> {
    let mut cells: BTreeMap<(Uuid, Uuid), i64> = BTreeMap::new();
    for movement in movements {
        *cells.entry((movement.item_id, movement.bin_id)).or_default() += i64::from(movement.qty);
    }
    let tx = conn.transaction()?;
    tx.execute_batch(
        "CREATE TABLE balance (item BLOB NOT NULL, location BLOB NOT NULL, on_hand INTEGER NOT NULL,
         PRIMARY KEY (item, location)) STRICT, WITHOUT ROWID",
    )?;
    {
        let mut insert = tx.prepare("INSERT INTO balance (item, location, on_hand) VALUES (?1, ?2, ?3)")?;
        for ((item, location), on_hand) in cells {
            insert.execute((item, location, on_hand))?;
        }
    }
    Ok(tx.commit()?)
}

/// Rows first, then the two indexes by which they are looked up.
pub fn fill(conn: &mut Connection, movements: &[Moved]) -> Result<()> {
    let tx = conn.transaction()?;
    tx.execute_batch(
        "CREATE TABLE movement (id BLOB PRIMARY KEY, item BLOB NOT NULL, location BLOB NOT NULL, qty INTEGER NOT NULL,
         at INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID",
    )?;
    {
        let sql = "INSERT INTO movement (id, item, location, qty, at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let mut insert = tx.prepare(sql)?;
        for Moved { id, qty, at, item_id, bin_id, .. } in movements {
            let body = format!(
                r#"{{"at":{at},"id":"{id}","item":"{item_id}","kind":"receive","qty":"{qty}","to":"{bin_id}"}}"#
            );
            insert.execute((id, item_id, bin_id, qty, at, body))?;
        }
    }
    tx.execute_batch(
        "CREATE INDEX movement_item ON movement (item, at DESC);
         CREATE INDEX movement_to ON movement (item, location, at)",
    )?;
    Ok(tx.commit()?)
}
