//! The base as canonical lines, the same byte for byte on the server and on every settled device
//! that holds all sites. Pending effects are left out.

use super::{
    facts::{read_lot, read_word},
    movement,
};
use crate::Failure;
use rusqlite::Connection;
use serde_json::{Value, json};
use stillage_core::{
    id::{ChangeId, ItemId, LocationId, LotId, MovementId},
    quantity::Quantity,
    stock::StockStatus,
    text,
};
use uuid::Uuid;

/// Calls `line` with each line, without its end.
pub fn dump(conn: &Connection, mut line: impl FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
    balances(conn, &mut line)?;
    records(conn, "item", |id| ItemId(id).to_string(), &mut line)?;
    records(conn, "location", |id| LocationId(id).to_string(), &mut line)?;
    movements(conn, &mut line)?;
    outcomes(conn, &mut line)
}

type Line<'a> = &'a mut dyn FnMut(&str) -> Result<(), Failure>;

fn balances(conn: &Connection, line: Line<'_>) -> Result<(), Failure> {
    let sql = "SELECT item, location, lot, status, on_hand FROM balance WHERE on_hand <> 0
        ORDER BY item, location, lot, status";
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let lot: Option<LotId> = read_lot(row, 2)?;
        let status: StockStatus = read_word(row, 3)?;
        let cell = (ItemId(row.get(0)?), LocationId(row.get(1)?), lot, status.name());
        let value = json!(["balance", cell.0, cell.1, cell.2, cell.3, Quantity(row.get(4)?)]);
        line(&text::canonical(&value))?;
    }
    Ok(())
}

fn records(conn: &Connection, kind: &str, name: impl Fn(Uuid) -> String, line: Line<'_>) -> Result<(), Failure> {
    let mut statement = conn.prepare("SELECT id, body FROM record WHERE kind = ?1 ORDER BY id")?;
    let mut rows = statement.query([kind])?;
    while let Some(row) = rows.next()? {
        let body: Value = serde_json::from_str(&row.get::<_, String>(1)?)?;
        line(&text::canonical(&json!([kind, name(row.get(0)?), body])))?;
    }
    Ok(())
}

fn movements(conn: &Connection, line: Line<'_>) -> Result<(), Failure> {
    let mut statement =
        conn.prepare(&format!("SELECT {} FROM movement WHERE n IS NULL ORDER BY id", movement::COLUMNS))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let body: Value = serde_json::from_str(&movement::body(row)?)?;
        line(&text::canonical(&json!(["movement", MovementId(row.get(0)?), body])))?;
    }
    Ok(())
}

fn outcomes(conn: &Connection, line: Line<'_>) -> Result<(), Failure> {
    let mut statement = conn.prepare("SELECT change, outcome FROM outcome ORDER BY change")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let value = json!(["outcome", ChangeId(row.get(0)?), row.get::<_, String>(1)?]);
        line(&text::canonical(&value))?;
    }
    Ok(())
}
