//! The effects of pending changes: what people see before the server has spoken. Every row
//! carries the change's place `n`, so that a change's effects can be taken back and decided again.

use super::{facts::lot_key, movement, search::Stale};
use crate::Failure;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use stillage_core::{
    action::Action,
    decide::Effects,
    facts::{LastCount, Needs},
    id::MovementId,
    quantity::Quantity,
    record::{Kind, Record, Ref},
    stock::{Cell, PostedCount},
};

/// Writes what change `n` does, and which rows it was decided from.
pub fn write(conn: &Connection, n: u64, effects: &Effects, stale: &mut Stale) -> Result<(), Failure> {
    for record in &effects.records {
        write_record(conn, n, record)?;
        stale.record(record);
    }
    let mut insert = movement::Insert::new(conn)?;
    for moved in &effects.movements {
        insert.run(Some(n), (moved, None), |_| None)?;
    }
    for (cell, change) in cell_changes(effects) {
        write_cell(conn, n, &cell, &change)?;
    }
    for count in &effects.counts {
        write_count(conn, Some(n), (count, &count.body()))?;
    }
    Ok(())
}

/// Takes back everything change `n` shows.
pub fn erase(conn: &Connection, n: u64, stale: &mut Stale) -> Result<(), Failure> {
    let mut records = conn.prepare_cached("SELECT kind, id, parent FROM pending_record WHERE n = ?1")?;
    let mut rows = records.query([n])?;
    while let Some(row) = rows.next()? {
        stale.named(&row.get::<_, String>(0)?, row.get(1)?, row.get(2)?);
    }
    for sql in [
        "DELETE FROM pending_record WHERE n = ?1",
        "DELETE FROM movement WHERE n = ?1",
        "DELETE FROM pending_balance WHERE n = ?1",
        "DELETE FROM posted_count WHERE n = ?1",
        "DELETE FROM pending_need WHERE n = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([n])?;
    }
    Ok(())
}

fn write_record(conn: &Connection, n: u64, record: &Record) -> Result<(), Failure> {
    let sql = "INSERT OR REPLACE INTO pending_record (n, kind, id, archived, key, name, parent, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let kind = record.of.kind.name();
    let (key, name, parent) = (record.key(), record.name(), record.parent());
    let row = (n, kind, record.of.id, record.archived, key, name, parent, record.body());
    conn.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// What one change does to a cell.
struct CellDelta {
    delta: Quantity,
    last_order: i64,
    count: Option<LastCount>,
}

fn cell_changes(effects: &Effects) -> BTreeMap<Cell, CellDelta> {
    let mut cells: BTreeMap<Cell, CellDelta> = BTreeMap::new();
    let blank = || CellDelta { delta: Quantity::ZERO, last_order: 0, count: None };
    for movement in &effects.movements {
        for line in movement.entries() {
            let cell = cells.entry(line.cell).or_insert_with(blank);
            cell.delta = cell.delta.checked_add(line.delta).unwrap_or(cell.delta);
            cell.last_order = cell.last_order.max(movement.order.ts);
        }
    }
    for count in &effects.counts {
        let cell = cells.entry(count.cell()).or_insert_with(blank);
        cell.last_order = cell.last_order.max(count.order.ts);
        cell.count = Some(LastCount::of(count, None));
    }
    cells
}

fn write_cell(conn: &Connection, n: u64, cell: &Cell, change: &CellDelta) -> Result<(), Failure> {
    let sql = "INSERT INTO pending_balance (n, item, location, lot, status, delta, last_order,
            count_change, count_ts, count_device, count_seq, counted)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let count = change.count;
    conn.prepare_cached(sql)?.execute((
        n,
        cell.item.0,
        cell.location.0,
        lot_key(cell.lot),
        cell.status.name(),
        change.delta.0,
        change.last_order,
        count.map(|count| count.change.0),
        count.map(|count| count.order.ts),
        count.map(|count| count.order.device.0),
        count.map(|count| count.order.seq),
        count.map(|count| count.counted.0),
    ))?;
    Ok(())
}

pub fn write_count(conn: &Connection, n: Option<u64>, (count, body): (&PostedCount, &str)) -> Result<(), Failure> {
    let sql = "INSERT OR REPLACE INTO posted_count (change, n, item, location, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    conn.prepare_cached(sql)?.execute((count.change.0, n, count.item.0, count.place.location.0, body))?;
    Ok(())
}

/// The name of a row in `pending_need`.
#[must_use]
pub fn record_row(of: Ref) -> Vec<u8> {
    format!("r{of}").into_bytes()
}

#[must_use]
pub fn key_row(kind: Kind, key: &str) -> Vec<u8> {
    format!("k{kind}/{key}").into_bytes()
}

#[must_use]
pub fn cell_row(cell: &Cell) -> Vec<u8> {
    [b"c", cell.item.0.as_bytes().as_slice(), cell.location.0.as_bytes()].concat()
}

/// A movement that is taken back, which nobody may have heard of yet.
#[must_use]
pub fn movement_row(id: MovementId) -> Vec<u8> {
    [b"m", id.0.as_bytes().as_slice()].concat()
}

/// Whether anything is in stock of an item, or at a place.
#[must_use]
pub fn stock_row(id: uuid::Uuid) -> Vec<u8> {
    [b"s", id.as_bytes().as_slice()].concat()
}

/// The item and the place of a cell's row.
#[must_use]
pub fn stock_rows(row: &[u8]) -> Option<[Vec<u8>; 2]> {
    let (item, location) = row.strip_prefix(b"c")?.split_at_checked(16)?;
    Some([item, location].map(|id| [b"s", id].concat()))
}

/// The keys that a record has without change `n`: in the base, and as changes before it leave it.
fn keys_before(conn: &Connection, n: u64, of: Ref) -> Result<Vec<String>, Failure> {
    let sql = "SELECT key FROM record WHERE kind = ?1 AND id = ?2 AND key IS NOT NULL
        UNION SELECT key FROM pending_record WHERE kind = ?1 AND id = ?2 AND n < ?3 AND key IS NOT NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let keys = statement.query_map((of.kind.name(), of.id, n), |row| row.get(0))?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// The rows that change `n` was decided from, and whether it may write them.
pub fn needs(conn: &Connection, n: u64) -> Result<Vec<(Vec<u8>, bool)>, Failure> {
    let mut statement = conn.prepare_cached("SELECT row, writes FROM pending_need WHERE n = ?1 ORDER BY row")?;
    let needs = statement.query_map([n], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(needs.collect::<Result<_, _>>()?)
}

/// Notes which rows change `n` was decided from, and which of them it may write.
pub fn write_needs(conn: &Connection, n: u64, action: &Action, needs: &Needs) -> Result<(), Failure> {
    let mut rows: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
    for &of in &needs.records {
        let answers = matches!(action, Action::Resolve(_));
        let edits = matches!(action, Action::Save(_) | Action::Archive(_)) && action.subject() == Some(of);
        rows.insert(record_row(of), answers || edits || of.kind == Kind::Lot);
        if answers || edits {
            // What it gives up, others may take.
            rows.extend(keys_before(conn, n, of)?.into_iter().map(|key| (key_row(of.kind, &key), true)));
        }
    }
    for (kind, key) in &needs.keys {
        rows.insert(key_row(*kind, key), true);
    }
    // What is to be taken back. Whose movement that is, `rebase` knows by the change's id.
    rows.extend(needs.movements.iter().map(|id| (movement_row(*id), true)));
    let named: BTreeSet<&Cell> = needs.cells.iter().chain(needs.tails.keys()).collect();
    for cell in named {
        rows.insert(cell_row(cell), true);
    }
    // Who moves goods is not named here, or all that moves in one place would hang together: `rebase` looks at its cells.
    rows.extend(needs.stocked.iter().filter(|_| !seeded!(StoreStockUnasked)).map(|of| (stock_row(of.id), false)));
    rows.extend(needs.cells_of.iter().map(|of| (stock_row(of.id), false)));
    let mut insert = conn.prepare_cached("INSERT OR REPLACE INTO pending_need (row, n, writes) VALUES (?1, ?2, ?3)")?;
    for (row, writes) in rows {
        insert.execute((row, n, writes))?;
    }
    Ok(())
}
