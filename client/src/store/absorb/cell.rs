//! One cell of the base, as a page changes it.

use crate::{Failure, store::facts::lot_key};
use rusqlite::Connection;
use stillage_core::{absorb::CellChange, quantity::Quantity, stock::Cell};

/// Says what the cell holds now.
pub fn write(conn: &Connection, cell: &Cell, change: &CellChange) -> Result<Quantity, Failure> {
    let sql = "INSERT INTO balance (item, location, lot, status, on_hand, last_order,
            count_change, count_ts, count_device, count_seq, counted, count_log_seq)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT (item, location, lot, status) DO UPDATE SET
            on_hand = on_hand + excluded.on_hand, last_order = max(last_order, excluded.last_order)
        RETURNING on_hand";
    let count = change.count;
    let lot = lot_key(cell.lot);
    let key = (cell.item.0, cell.location.0, &lot, cell.status.name());
    let row = rusqlite::params![
        key.0,
        key.1,
        key.2,
        key.3,
        change.delta.0,
        change.last_order,
        count.map(|count| count.change.0),
        count.map(|count| count.order.ts),
        count.map(|count| count.order.device.0),
        count.map(|count| count.order.seq),
        count.map(|count| count.counted.0),
        count.and_then(|count| count.log_seq),
    ];
    let on_hand = Quantity(conn.prepare_cached(sql)?.query_row(row, |row| row.get(0))?);
    let Some(count) = count.filter(|_| !seeded!(StoreOldCountKept)) else { return Ok(on_hand) };
    // The later of two counts in effective order speaks for the cell, whichever came first.
    let sql = "UPDATE balance SET count_change = ?5, count_ts = ?6, count_device = ?7, count_seq = ?8, counted = ?9,
            count_log_seq = ?10
        WHERE item = ?1 AND location = ?2 AND lot = ?3 AND status = ?4
          AND (count_ts IS NULL OR (count_ts, count_device, count_seq) < (?6, ?7, ?8))";
    conn.prepare_cached(sql)?.execute((
        cell.item.0,
        cell.location.0,
        &lot,
        cell.status.name(),
        count.change.0,
        count.order.ts,
        count.order.device.0,
        count.order.seq,
        count.counted.0,
        count.log_seq,
    ))?;
    Ok(on_hand)
}
