//! An item's movements, newest first: those the server settled and those still waiting.

use super::{
    labels::{ItemLabel, Labels, LotLabel, ReasonLabel},
    people::People,
    rfc3339,
};
use crate::store::movement;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use stillage_core::stock::{Movement, Place};
use ts_rs::TS;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct End {
    pub id: String,
    pub code: String,
    /// Outside of the stock: a supplier, a customer, a correction.
    #[serde(rename = "virtual")]
    pub is_virtual: bool,
    #[ts(type = "StockStatus")]
    pub status: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MovementState {
    Waiting,
    Settled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MovementRow {
    pub id: String,
    #[ts(type = "MovementKind")]
    pub kind: String,
    #[ts(inline)]
    pub item: ItemLabel,
    #[ts(inline)]
    pub from: End,
    #[ts(inline)]
    pub to: End,
    #[ts(inline)]
    pub lot: Option<LotLabel>,
    /// More than zero.
    pub qty: String,
    /// What was typed, `3 BOX + 7 EA`.
    pub entered: Option<String>,
    #[ts(inline)]
    pub reason: Option<ReasonLabel>,
    pub note: Option<String>,
    pub reference: Option<String>,
    /// A name; null for what this device did itself before it knew its person.
    pub person: Option<String>,
    pub at: String,
    #[ts(inline)]
    pub state: MovementState,
    pub reversed: bool,
}

/// A movement with what has become of it.
struct Found {
    movement: Movement,
    pending: bool,
    reversed: bool,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Found> {
    let (pending, reversed) = (row.get(movement::WIDTH)?, row.get(movement::WIDTH + 1)?);
    Ok(Found { movement: movement::read(row)?, pending, reversed })
}

/// `limit` movements before the movement `before`, or the newest ones.
pub fn of_item(conn: &Connection, item: Uuid, before: Option<Uuid>, limit: u32) -> rusqlite::Result<Vec<MovementRow>> {
    let from: Option<i64> = match before {
        Some(id) => conn
            .prepare_cached("SELECT at FROM movement WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?,
        None => None,
    };
    let sql = format!(
        "SELECT {}, n IS NOT NULL, EXISTS (SELECT 1 FROM movement r WHERE r.reverses = m.id) FROM movement m \
         WHERE m.item = ?1 AND m.at <= ?2 AND (m.at < ?2 OR ?3 IS NULL OR m.id < ?3) \
         ORDER BY m.at DESC, m.id DESC LIMIT ?4",
        movement::COLUMNS
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let after = before.filter(|_| from.is_some());
    let found = statement.query_map((item, from.unwrap_or(i64::MAX), after, limit), read)?;
    let mut labels = Labels::new(conn);
    let mut people = People::default();
    found.map(|found| shown(conn, &mut labels, &mut people, found?)).collect()
}

fn shown(
    conn: &Connection,
    labels: &mut Labels<'_>,
    people: &mut People,
    found: Found,
) -> rusqlite::Result<MovementRow> {
    let Found { movement, pending, reversed } = found;
    let remarks = movement.remarks;
    Ok(MovementRow {
        id: movement.id.to_string(),
        kind: movement.kind.name().to_owned(),
        item: labels.item(movement.item.0)?,
        from: end(labels, movement.from)?,
        to: end(labels, movement.to)?,
        lot: movement.lot.map(|id| labels.lot(id.0)).transpose()?,
        qty: movement.qty.to_string(),
        entered: remarks.entered,
        reason: remarks.reason.map(|id| labels.reason(id.0)).transpose()?,
        note: remarks.note,
        reference: remarks.reference,
        person: movement.person.map(|id| people.name(conn, id)).transpose()?.flatten(),
        at: rfc3339(movement.at),
        state: if pending { MovementState::Waiting } else { MovementState::Settled },
        reversed,
    })
}

fn end(labels: &mut Labels<'_>, place: Place) -> rusqlite::Result<End> {
    let placed = labels.location(place.location.0)?;
    Ok(End {
        id: placed.label.id,
        code: placed.label.code,
        is_virtual: placed.is_virtual,
        status: place.status.name().to_owned(),
    })
}

/// Where a movement was booked, for the answer to its reversal.
pub fn ends(conn: &Connection, movement: Uuid) -> rusqlite::Result<Option<(Uuid, Vec<Uuid>)>> {
    let sql = "SELECT item, from_location, from_site IS NOT NULL, to_location, to_site IS NOT NULL \
         FROM movement WHERE id = ?1";
    conn.prepare_cached(sql)?
        .query_row([movement], |row| {
            let real = [(row.get(1)?, row.get(2)?), (row.get(3)?, row.get(4)?)];
            let real = real.into_iter().filter(|(_, stored): &(Uuid, bool)| *stored).map(|(id, _)| id).collect();
            Ok((row.get(0)?, real))
        })
        .optional()
}
