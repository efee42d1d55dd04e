//! Movements as rows. What the columns of a row say is not said again by its body: kept whole, the body would be three
//! quarters of a history.
//!
//! The surprise: the body is `{}` when it can be written again from the columns, and the whole movement as it came when
//! it cannot: a newer server said more of it, or the row is from before there was a column for all of it.

use super::facts::read_word;
use crate::Failure;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, types::Type};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use stillage_core::{
    id::{ChangeId, DeviceId, ItemId, LocationId, LotId, MovementId, PersonId, ReasonId, SupplierId},
    money::Money,
    order::OrderKey,
    quantity::Quantity,
    scope::Scope,
    stock::{Movement, Place, Remarks},
};

/// What `read` and `body` want, at the beginning of a row; more may follow.
pub const COLUMNS: &str = "id, change, kind, item, lot, from_location, from_site, from_status, to_location, to_site, \
    to_status, qty, order_ts, order_device, order_seq, at, reference, reverses, person, beyond, body";
/// How many these are.
pub const WIDTH: usize = 21;
const BEYOND: usize = 19;
const BODY: usize = 20;
const BUILT: &str = "{}";

/// What has no column of its own: most movements have none of it.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Beyond {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock_error: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<ChangeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entered: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    supplier: Option<SupplierId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit_cost: Option<Money>,
}

impl Beyond {
    fn of(movement: &Movement) -> Self {
        Self {
            clock_error: Some(movement.clock_error).filter(|error| *error != 0),
            count: movement.count,
            entered: movement.remarks.entered.clone(),
            note: movement.remarks.note.clone(),
            reason: movement.remarks.reason,
            supplier: movement.supplier,
            unit_cost: movement.unit_cost.clone(),
        }
    }

    fn text(&self) -> Result<Option<String>, Failure> {
        Ok(if *self == Self::default() { None } else { Some(serde_json::to_string(self)?) })
    }
}

/// Writes movements of the base, or of change `n`; with their bodies as they came, when those are not what
/// `Movement::body` writes. A movement of the base takes the place of the pending one with the same id; numbers it got in
/// other scopes stay. Found once for many: to find a statement that is so long costs as much as to bind it.
pub struct Insert<'a>(CachedStatement<'a>);

impl<'a> Insert<'a> {
    pub fn new(conn: &'a Connection) -> Result<Self, Failure> {
        let sql = "INSERT INTO movement (id, n, change, kind, item, lot, from_location, from_site, from_status, from_seq,
                to_location, to_site, to_status, to_seq, qty, order_ts, order_device, order_seq, at, reference, reverses,
                person, beyond, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                ?23, ?24)
            ON CONFLICT (id) DO UPDATE SET n = excluded.n, change = excluded.change, kind = excluded.kind,
                item = excluded.item, lot = excluded.lot,
                from_location = excluded.from_location, from_site = excluded.from_site,
                from_status = excluded.from_status, from_seq = coalesce(excluded.from_seq, from_seq),
                to_location = excluded.to_location, to_site = excluded.to_site, to_status = excluded.to_status,
                to_seq = coalesce(excluded.to_seq, to_seq),
                qty = excluded.qty, order_ts = excluded.order_ts, order_device = excluded.order_device,
                order_seq = excluded.order_seq, at = excluded.at, reference = excluded.reference,
                reverses = excluded.reverses, person = excluded.person, beyond = excluded.beyond, body = excluded.body";
        Ok(Self(conn.prepare_cached(sql)?))
    }

    /// With the number it has in each scope.
    pub fn run(
        &mut self,
        n: Option<u64>,
        (movement, body): (&Movement, Option<&str>),
        number: impl Fn(Scope) -> Option<u64>,
    ) -> Result<(), Failure> {
        let number = |site: Option<_>| site.and_then(|site| number(Scope::Site(site)));
        self.0.execute(rusqlite::params![
            movement.id.0,
            n,
            movement.change.0,
            movement.kind.name(),
            movement.item.0,
            movement.lot.map(|lot| lot.0),
            movement.from.location.0,
            movement.from.site.map(|site| site.0),
            movement.from.status.name(),
            number(movement.from.site),
            movement.to.location.0,
            movement.to.site.map(|site| site.0),
            movement.to.status.name(),
            number(movement.to.site),
            movement.qty.0,
            movement.order.ts,
            movement.order.device.0,
            movement.order.seq,
            movement.at,
            movement.remarks.reference,
            movement.reverses.map(|id| id.0),
            movement.person.map(|id| id.0),
            Beyond::of(movement).text()?,
            body.unwrap_or(BUILT),
        ])?;
        Ok(())
    }
}

/// The movement with this id, of the base or pending.
pub fn find(conn: &Connection, id: MovementId) -> rusqlite::Result<Option<Movement>> {
    let sql = format!("SELECT {COLUMNS} FROM movement WHERE id = ?1");
    conn.prepare_cached(&sql)?.query_row([id.0], read).optional()
}

/// Reads the movement at the beginning of a row.
pub fn read(row: &Row<'_>) -> rusqlite::Result<Movement> {
    let whole = row.get_ref(BODY)?.as_str()?;
    if whole != BUILT {
        return parsed(BODY, whole);
    }
    let beyond: Beyond = match row.get_ref(BEYOND)?.as_str_or_null()? {
        Some(text) => parsed(BEYOND, text)?,
        None => Beyond::default(),
    };
    Ok(Movement {
        id: MovementId(row.get(0)?),
        change: ChangeId(row.get(1)?),
        kind: read_word(row, 2)?,
        item: ItemId(row.get(3)?),
        lot: row.get::<_, Option<_>>(4)?.map(LotId),
        from: place(row, 5)?,
        to: place(row, 8)?,
        qty: Quantity(row.get(11)?),
        order: OrderKey { ts: row.get(12)?, device: DeviceId(row.get(13)?), seq: row.get(14)? },
        at: row.get(15)?,
        clock_error: beyond.clock_error.unwrap_or(0),
        person: row.get::<_, Option<_>>(18)?.map(PersonId),
        remarks: Remarks { reason: beyond.reason, note: beyond.note, reference: row.get(16)?, entered: beyond.entered },
        unit_cost: beyond.unit_cost,
        supplier: beyond.supplier,
        reverses: row.get::<_, Option<_>>(17)?.map(MovementId),
        count: beyond.count,
    })
}

/// The whole body of the movement at the beginning of a row.
pub fn body(row: &Row<'_>) -> rusqlite::Result<String> {
    match row.get_ref(BODY)?.as_str()? {
        BUILT => Ok(read(row)?.body()),
        whole => Ok(whole.to_owned()),
    }
}

fn place(row: &Row<'_>, column: usize) -> rusqlite::Result<Place> {
    let site = row.get::<_, Option<_>>(column + 1)?.map(LocationId);
    Ok(Place { location: LocationId(row.get(column)?), site, status: read_word(row, column + 2)? })
}

fn parsed<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|fault| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(fault)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate::migrate;
    use stillage_core::stock::{MovementKind, StockStatus};
    use uuid::Uuid;

    fn place(n: u128) -> Place {
        let (location, site) = (LocationId(Uuid::from_u128(n)), LocationId(Uuid::from_u128(n + 1)));
        Place { location, site: Some(site), status: StockStatus::Hold }
    }

    fn bare() -> Movement {
        let id = Uuid::from_u128(7);
        Movement {
            id: MovementId(id),
            change: ChangeId(id),
            kind: MovementKind::Receive,
            item: ItemId(Uuid::from_u128(8)),
            lot: None,
            from: Place { site: None, ..place(20) },
            to: place(30),
            qty: Quantity(2_500_000),
            order: OrderKey { ts: 5, device: DeviceId(Uuid::from_u128(9)), seq: 3 },
            at: 4,
            clock_error: 0,
            person: None,
            remarks: Remarks::default(),
            unit_cost: None,
            supplier: None,
            reverses: None,
            count: None,
        }
    }

    fn full() -> Movement {
        let id = Uuid::from_u128;
        let text = |text: &str| Some(text.to_owned());
        let (note, reference, entered) = (text("to the \"left\""), text("PO-1"), text("3 BOX"));
        Movement {
            id: MovementId(id(6)),
            lot: Some(LotId(id(40))),
            from: place(50),
            clock_error: 12,
            person: Some(PersonId(id(41))),
            remarks: Remarks { reason: Some(ReasonId(id(42))), note, reference, entered },
            unit_cost: Some(Money { minor: -3, currency: "EUR".to_owned() }),
            supplier: Some(SupplierId(id(43))),
            reverses: Some(MovementId(id(44))),
            count: Some(ChangeId(id(45))),
            ..bare()
        }
    }

    #[test]
    fn a_movement_is_read_from_its_columns_as_it_was_written_or_whole_as_it_came() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
        let sql = format!("SELECT {COLUMNS}, body FROM movement WHERE id = ?1");
        for movement in [bare(), full()] {
            let newer = movement.body().replacen('{', r#"{"aisle":"7","#, 1);
            for (kept, said) in [(None, movement.body()), (Some(newer.as_str()), newer.clone())] {
                Insert::new(&conn).unwrap().run(None, (&movement, kept), |_| None).unwrap();
                let found = conn
                    .query_row(&sql, [movement.id.0], |row| Ok((read(row)?, body(row)?, row.get::<_, String>(WIDTH)?)));
                assert_eq!(found.unwrap(), (movement.clone(), said, kept.unwrap_or(BUILT).to_owned()));
            }
        }
    }
}
