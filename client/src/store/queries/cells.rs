//! Cells: how much of an item lies where, of which lot, in which status.

use super::{
    labels::{ItemLabel, Labels, LocationLabel, LotLabel},
    lot, quantity, rfc3339,
};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};
use stillage_core::quantity::Quantity;
use ts_rs::TS;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CellRow {
    #[ts(inline)]
    pub item: ItemLabel,
    #[ts(inline)]
    pub location: LocationLabel,
    #[ts(inline)]
    pub lot: Option<LotLabel>,
    #[ts(type = "StockStatus")]
    pub status: String,
    pub on_hand: String,
    pub last_counted: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Contents {
    pub rows: Vec<CellRow>,
    pub total: u32,
}

const COLUMNS: &str = "SELECT item, location, lot, status, on_hand, count_ts FROM balance_now";

struct Found {
    item: Uuid,
    location: Uuid,
    lot: Option<Uuid>,
    status: String,
    on_hand: Quantity,
    counted: Option<i64>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        item: row.get(0)?,
        location: row.get(1)?,
        lot: lot(row, 2)?,
        status: row.get(3)?,
        on_hand: quantity(row, 4)?,
        counted: row.get(5)?,
    })
}

fn labelled(labels: &mut Labels<'_>, cell: Found) -> rusqlite::Result<CellRow> {
    Ok(CellRow {
        item: labels.item(cell.item)?,
        location: labels.location(cell.location)?.label,
        lot: cell.lot.map(|id| labels.lot(id)).transpose()?,
        status: cell.status,
        on_hand: cell.on_hand.to_string(),
        last_counted: cell.counted.map(rfc3339),
    })
}

/// Every cell of an item that holds something, by location.
pub fn of_item(conn: &Connection, item: Uuid) -> rusqlite::Result<Vec<CellRow>> {
    let mut statement = conn.prepare_cached(&format!("{COLUMNS} WHERE item = ?1 AND on_hand <> 0"))?;
    let found: Vec<Found> = statement.query_map([item], read)?.collect::<rusqlite::Result<_>>()?;
    let mut labels = Labels::new(conn);
    let mut rows = found.into_iter().map(|cell| labelled(&mut labels, cell)).collect::<rusqlite::Result<Vec<_>>>()?;
    rows.sort_by(|a, b| a.location.code.cmp(&b.location.code).then_with(|| lot_code(a).cmp(lot_code(b))));
    Ok(rows)
}

fn lot_code(row: &CellRow) -> &str {
    row.lot.as_ref().map_or("", |lot| lot.code.as_str())
}

/// A window of what lies in these locations, in their order and there by SKU.
pub fn in_locations(conn: &Connection, locations: &[Uuid], (offset, limit): (u32, u32)) -> rusqlite::Result<Contents> {
    let mut statement = conn.prepare_cached(&format!("{COLUMNS} WHERE location = ?1 AND on_hand <> 0"))?;
    let mut found: Vec<(usize, String, Found)> = Vec::new();
    let mut labels = Labels::new(conn);
    for (place, location) in locations.iter().enumerate() {
        for cell in statement.query_map([location], read)? {
            let cell = cell?;
            found.push((place, labels.item(cell.item)?.sku.to_lowercase(), cell));
        }
    }
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let total = u32::try_from(found.len()).unwrap_or(u32::MAX);
    let window = found.into_iter().skip(offset as usize).take(limit as usize);
    let rows = window.map(|(_, _, cell)| labelled(&mut labels, cell)).collect::<rusqlite::Result<_>>()?;
    Ok(Contents { rows, total })
}

/// What one cell holds, for the answer to something that was just recorded.
pub fn on_hand(conn: &Connection, item: Uuid, location: Uuid) -> rusqlite::Result<Quantity> {
    let sql = "SELECT sum(on_hand) FROM balance_now WHERE item = ?1 AND location = ?2";
    conn.prepare_cached(sql)?.query_row((item, location), |row| quantity(row, 0))
}
