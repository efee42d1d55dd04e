//! A count and a movement too close together for their clocks, or two counts, as a card tells of them.

use super::{labels::Labels, unreadable};
use crate::store::movement;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde_json::Value;
use stillage_core::{
    id::{ChangeId, LocationId, LotId, MovementId, PersonId},
    quantity::Quantity,
    record::Ref,
    stock::{MovementKind, PostedCount},
};
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct CloseCount {
    pub counted: String,
    /// What the movement added to the place; negative took away. Nothing where the pair is two counts.
    pub moved: String,
    /// What the other of two counts said.
    pub other: Option<String>,
    pub unit: String,
    /// Decimal places people see.
    pub scale: u32,
    /// The code of the place.
    pub location: String,
    pub lot: Option<String>,
    /// What kind of movement it was, where this device holds it.
    #[ts(type = "MovementKind | null")]
    pub kind: Option<MovementKind>,
    /// Whether it is booked as if the movement, or the other count, came before the count.
    pub before: bool,
}

/// The pair that a card's details name, and who made the movement or the other count.
pub fn read(
    conn: &Connection,
    labels: &mut Labels<'_>,
    subject: Option<Ref>,
    details: &Value,
) -> rusqlite::Result<(Option<CloseCount>, Option<PersonId>)> {
    let text = |name: &str| details.get(name).and_then(Value::as_str);
    let movement = match text("movement").map(str::parse::<MovementId>) {
        Some(Ok(id)) => movement::find(conn, id)?,
        _ => None,
    };
    let person = match (&movement, text("other").map(str::parse::<ChangeId>)) {
        (None, Some(Ok(change))) => counter(conn, change)?,
        (movement, _) => movement.as_ref().and_then(|movement| movement.person),
    };
    let qty = |name| text(name)?.parse::<Quantity>().ok();
    let place = text("location").and_then(|id| id.parse::<LocationId>().ok());
    let other = qty("other_counted");
    let moved = qty("moved").or(other.map(|_| Quantity::ZERO));
    let (Some(item), Some(counted), Some(moved), Some(place)) = (subject, qty("counted"), moved, place) else {
        return Ok((None, person));
    };
    let item = labels.item(item.id)?;
    let lot = text("lot").and_then(|id| id.parse::<LotId>().ok());
    let pair = CloseCount {
        counted: counted.to_string(),
        moved: moved.to_string(),
        other: other.map(|other| other.to_string()),
        unit: item.unit,
        scale: item.scale,
        location: labels.location(place.0)?.label.code,
        lot: lot.map(|lot| labels.lot(lot.0)).transpose()?.map(|lot| lot.code),
        kind: movement.map(|movement| movement.kind),
        before: text("applied") == Some("before"),
    };
    Ok((Some(pair), person))
}

fn counter(conn: &Connection, change: ChangeId) -> rusqlite::Result<Option<PersonId>> {
    let sql = "SELECT body FROM posted_count WHERE change = ?1";
    let body: Option<String> = conn.prepare_cached(sql)?.query_row([change.0], |row| row.get(0)).optional()?;
    let count = body.map(|body| serde_json::from_str::<PostedCount>(&body)).transpose();
    Ok(count.map_err(|fault| unreadable(0, fault))?.and_then(|count| count.person))
}
