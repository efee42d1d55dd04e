//! What items have in stock, summed: for one item by its cells, for all in one pass.

use super::quantity;
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};
use stillage_core::quantity::Quantity;
use uuid::Uuid;

/// The stock of one item over all its cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stock {
    pub on_hand: Quantity,
    /// Of that, what may be promised and used.
    pub available: Quantity,
    /// The least a single cell holds; below zero when one is overdrawn.
    pub lowest: Quantity,
    /// Places that hold something.
    pub bins: u32,
    /// Something in stock was never counted where it lies.
    pub uncounted: bool,
    pub pending: bool,
}

const SUMS: &str = "sum(on_hand), sum(CASE status WHEN 'available' THEN on_hand ELSE 0 END), min(on_hand), \
     count(DISTINCT CASE WHEN on_hand <> 0 THEN location END), max(on_hand <> 0 AND count_ts IS NULL), max(pending)";

fn read(row: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<Stock> {
    Ok(Stock {
        on_hand: quantity(row, from)?,
        available: quantity(row, from + 1)?,
        lowest: quantity(row, from + 2)?,
        bins: row.get(from + 3)?,
        uncounted: row.get::<_, Option<bool>>(from + 4)?.unwrap_or(false),
        pending: row.get::<_, Option<bool>>(from + 5)?.unwrap_or(false),
    })
}

pub fn of(conn: &Connection, item: Uuid) -> rusqlite::Result<Stock> {
    let sql = format!("SELECT {SUMS} FROM balance_now WHERE item = ?1");
    conn.prepare_cached(&sql)?.query_row([item], |row| read(row, 0))
}

/// Of every item that has or had stock.
pub fn of_all(conn: &Connection) -> rusqlite::Result<HashMap<Uuid, Stock>> {
    let sql = format!("SELECT item, {SUMS} FROM balance_now GROUP BY item");
    conn.prepare_cached(&sql)?.query_map([], |row| Ok((row.get(0)?, read(row, 1)?)))?.collect()
}

/// Items with stock in a lot that expires on `until` or before.
pub fn expiring(conn: &Connection, until: &str) -> rusqlite::Result<HashSet<Uuid>> {
    let sql = "SELECT DISTINCT b.item FROM balance_now b \
         JOIN record_now l ON l.kind = 'lot' AND l.id = b.lot \
         WHERE b.on_hand > 0 AND b.lot <> x'' AND json_extract(l.body, '$.expiry') <= ?1";
    conn.prepare_cached(sql)?.query_map([until], |row| row.get(0))?.collect()
}

/// Movements that carry a document's reference.
pub fn count_of_reference(conn: &Connection, reference: &str) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM movement WHERE reference = ?1";
    conn.prepare_cached(sql)?.query_row([reference], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}
