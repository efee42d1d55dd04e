//! Loads what a decision asks for. Two views of the same rows: what people see now, with the
//! effects of pending changes, and the base alone, on which pending changes are decided again.

use super::movement;
use crate::Failure;
use rusqlite::{Connection, OptionalExtension, Row, types::Type};
use std::str::FromStr;
use stillage_core::{
    change::Act,
    facts::{CellFacts, CostFacts, Facts, LastCount, MovementFacts, Needs, TailEntry},
    id::{ChangeId, DeviceId, ItemId, LocationId, LotId, MovementId},
    order::OrderKey,
    quantity::Quantity,
    record::{Kind, Record, Ref, UNNUMBERED},
    settle::needs_of,
    stock::{Cell, StockStatus},
};
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    Now,
    Base,
}

/// Loads all that `act` needs, round by round, and says what that came to.
pub fn load_for(conn: &Connection, view: View, act: &Act, facts: &mut Facts) -> Result<Needs, Failure> {
    loop {
        let needs = needs_of(act, facts);
        let missing = needs.clone().missing(facts);
        if missing.is_empty() {
            return Ok(needs);
        }
        load(conn, view, &missing, facts)?;
    }
}

pub fn load(conn: &Connection, view: View, needs: &Needs, facts: &mut Facts) -> Result<(), Failure> {
    for &of in &needs.records {
        facts.records.insert(of, record(conn, view, of)?);
    }
    for (kind, key) in &needs.keys {
        facts.keys.insert((*kind, key.clone()), holder(conn, view, *kind, key)?);
    }
    for &of in &needs.cells_of {
        let cells = cells_of(conn, view, of)?;
        for cell in &cells {
            if !facts.cells.contains_key(cell) {
                facts.cells.insert(*cell, cell_facts(conn, view, cell)?);
            }
        }
        facts.cells_of.insert(of, cells);
    }
    for cell in &needs.cells {
        facts.cells.insert(*cell, cell_facts(conn, view, cell)?);
    }
    for (cell, from) in &needs.tails {
        let tail = tail(conn, view, cell, *from)?;
        let known = facts.cells.entry(*cell).or_default();
        // Entries of this batch are not in the store yet, and have no number.
        let unwritten: Vec<_> =
            known.tail.iter().filter(|e| !tail.iter().any(|t| t.movement == e.movement)).copied().collect();
        known.tail = tail;
        known.tail.extend(unwritten);
        known.tail_from = Some(*from);
    }
    for &of in &needs.stocked {
        facts.stocked.insert(of, stocked(conn, view, of)?);
    }
    for &id in &needs.movements {
        facts.movements.insert(id, movement(conn, view, id)?);
    }
    facts.changes.extend(needs.changes.iter().map(|id| (*id, None)));
    facts.costs.extend(needs.costs.iter().map(|id| (*id, CostFacts::default())));
    Ok(())
}

/// A record and its version in the base.
pub fn record(conn: &Connection, view: View, of: Ref) -> Result<Option<Record>, Failure> {
    let key = (of.kind.name(), of.id);
    let base = conn
        .prepare_cached("SELECT version, body FROM record WHERE kind = ?1 AND id = ?2")?
        .query_row(key, |row| Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let pending: Option<String> = match view {
        View::Base => None,
        View::Now => conn
            .prepare_cached("SELECT body FROM pending_record WHERE kind = ?1 AND id = ?2 ORDER BY n DESC LIMIT 1")?
            .query_row(key, |row| row.get(0))
            .optional()?,
    };
    let version = base.as_ref().map_or(UNNUMBERED, |(version, _)| *version);
    let body = pending.or(base.map(|(_, body)| body));
    Ok(body.map(|body| Record::from_body(of, version, &body)).transpose()?)
}

fn holder(conn: &Connection, view: View, kind: Kind, key: &str) -> Result<Option<Ref>, Failure> {
    let sql = match view {
        View::Now => "SELECT id FROM record_now WHERE kind = ?1 AND key = ?2 LIMIT 1",
        View::Base => "SELECT id FROM record WHERE kind = ?1 AND key = ?2 LIMIT 1",
    };
    let id: Option<Uuid> = conn.prepare_cached(sql)?.query_row((kind.name(), key), |row| row.get(0)).optional()?;
    Ok(id.map(|id| Ref { kind, id }))
}

/// The lot as a key holds it: nothing is an empty blob.
#[must_use]
pub fn lot_key(lot: Option<LotId>) -> Vec<u8> {
    lot.map(|lot| lot.0.as_bytes().to_vec()).unwrap_or_default()
}

pub fn read_lot(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<LotId>> {
    let bytes: Vec<u8> = row.get(column)?;
    Ok(Uuid::from_slice(&bytes).ok().map(LotId))
}

pub fn read_word<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let word: String = row.get(column)?;
    word.parse().map_err(|_| {
        let fault = format!("unknown word {word:?}");
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, fault.into())
    })
}

fn read_cell(row: &Row<'_>) -> rusqlite::Result<Cell> {
    Ok(Cell {
        item: ItemId(row.get(0)?),
        location: LocationId(row.get(1)?),
        lot: read_lot(row, 2)?,
        status: read_word::<StockStatus>(row, 3)?,
    })
}

fn cells_of(conn: &Connection, view: View, of: Ref) -> Result<Vec<Cell>, Failure> {
    let sql = match (view, of.kind) {
        (View::Now, Kind::Lot) => "SELECT item, location, lot, status FROM balance_now WHERE lot = ?1 AND lot <> x''",
        (View::Now, _) => "SELECT item, location, lot, status FROM balance_now WHERE item = ?1",
        (View::Base, Kind::Lot) => "SELECT item, location, lot, status FROM balance WHERE lot = ?1 AND lot <> x''",
        (View::Base, _) => "SELECT item, location, lot, status FROM balance WHERE item = ?1",
    };
    let mut statement = conn.prepare_cached(sql)?;
    let cells = statement.query_map([of.id], read_cell)?.collect::<Result<_, _>>()?;
    Ok(cells)
}

fn cell_facts(conn: &Connection, view: View, cell: &Cell) -> Result<CellFacts, Failure> {
    const BASE: &str =
        "SELECT on_hand, last_order, count_change, count_ts, count_device, count_seq, counted, count_log_seq
        FROM balance WHERE item = ?1 AND location = ?2 AND lot = ?3 AND status = ?4";
    // A cell may have thousands of pending rows: they are summed where they lie.
    const PENDING: &str = "SELECT sum(delta), max(last_order), NULL
        FROM pending_balance WHERE item = ?1 AND location = ?2 AND lot = ?3 AND status = ?4 HAVING count(*) > 0";
    const COUNTED: &str = "SELECT 0, last_order, count_change, count_ts, count_device, count_seq, counted, NULL
        FROM pending_balance WHERE item = ?1 AND location = ?2 AND lot = ?3 AND status = ?4 AND count_ts IS NOT NULL
        ORDER BY count_ts DESC, count_device DESC, count_seq DESC LIMIT 1";
    let mut known = CellFacts::default();
    let layers: &[&str] = if view == View::Now { &[BASE, PENDING, COUNTED] } else { &[BASE] };
    let lot = lot_key(cell.lot);
    for sql in layers {
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query((cell.item.0, cell.location.0, &lot, cell.status.name()))?;
        let Some(row) = rows.next()? else { continue };
        let on_hand = known.on_hand.checked_add(Quantity(row.get(0)?));
        known.on_hand = on_hand.ok_or(stillage_core::rejection::Rejection::Overflow)?;
        known.last_order = known.last_order.max(row.get(1)?);
        if let Some(count) = read_count(row)?
            && known.count.is_none_or(|last| last.order < count.order)
        {
            known.count = Some(count);
        }
    }
    Ok(known)
}

fn read_count(row: &Row<'_>) -> rusqlite::Result<Option<LastCount>> {
    let Some(change) = row.get::<_, Option<Uuid>>(2)? else { return Ok(None) };
    let order = OrderKey { ts: row.get(3)?, device: DeviceId(row.get(4)?), seq: row.get(5)? };
    let (counted, log_seq) = (Quantity(row.get(6)?), row.get(7)?);
    Ok(Some(LastCount { change: ChangeId(change), order, counted, log_seq, clock_error: 0, person: None }))
}

/// What the balance is the sum of. A movement between two sites that came with the page of the one is no entry of the
/// other before that one's page is here.
fn tail(conn: &Connection, view: View, cell: &Cell, from: i64) -> Result<Vec<TailEntry>, Failure> {
    let sql = "SELECT qty, order_ts, order_device, order_seq, kind = 'count_variance', seq, movement FROM entry
        WHERE item = ?1 AND location = ?2 AND order_ts >= ?3 AND status = ?4 AND coalesce(lot, x'') = ?5
          AND (?6 AND n IS NOT NULL OR n IS NULL AND (seq IS NOT NULL OR ?7))";
    let mut statement = conn.prepare_cached(sql)?;
    let lot = lot_key(cell.lot);
    let (now, half) = (view == View::Now, seeded!(StoreHalfIsEntry));
    let key = (cell.item.0, cell.location.0, from, cell.status.name(), lot, now, half);
    let rows = statement.query_map(key, |row| {
        Ok(TailEntry {
            movement: MovementId(row.get(6)?),
            clock_error: 0,
            order: OrderKey { ts: row.get(1)?, device: DeviceId(row.get(2)?), seq: row.get(3)? },
            delta: Quantity(row.get(0)?),
            variance: row.get(4)?,
            log_seq: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// In how many cells of an item, or at a location, there is stock.
fn stocked(conn: &Connection, view: View, of: Ref) -> Result<u64, Failure> {
    let sql = match (view, of.kind) {
        (View::Now, Kind::Location) => "SELECT count(*) FROM balance_now WHERE location = ?1 AND on_hand <> 0",
        (View::Now, _) => "SELECT count(*) FROM balance_now WHERE item = ?1 AND on_hand <> 0",
        (View::Base, Kind::Location) => "SELECT count(*) FROM balance WHERE location = ?1 AND on_hand <> 0",
        (View::Base, _) => "SELECT count(*) FROM balance WHERE item = ?1 AND on_hand <> 0",
    };
    Ok(conn.prepare_cached(sql)?.query_row([of.id], |row| row.get(0))?)
}

fn movement(conn: &Connection, view: View, id: MovementId) -> Result<Option<MovementFacts>, Failure> {
    let now = view == View::Now;
    let sql = format!("SELECT {} FROM movement WHERE id = ?1 AND (?2 OR n IS NULL)", movement::COLUMNS);
    let found = conn.prepare_cached(&sql)?.query_row((id.0, now), movement::read).optional()?;
    let Some(movement) = found else { return Ok(None) };
    let reversed_by: Option<Uuid> = conn
        .prepare_cached("SELECT id FROM movement WHERE reverses = ?1 AND (?2 OR n IS NULL) LIMIT 1")?
        .query_row((id.0, now), |row| row.get(0))
        .optional()?;
    Ok(Some(MovementFacts { movement, reversed_by: reversed_by.map(MovementId) }))
}
