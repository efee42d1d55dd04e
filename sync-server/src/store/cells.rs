//! Balances: one row per cell, locked in the order of the key, and the entries of a cell from a
//! moment on.

use super::{Tx, records::corrupt};
use sqlx::{Error, FromRow};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use stillage_core::{
    facts::{CellFacts, LastCount, TailEntry},
    id::{ChangeId, DeviceId, ItemId, LocationId, LotId, MovementId, PersonId},
    order::OrderKey,
    quantity::Quantity,
    record::{Kind, Ref},
    stock::Cell,
};
use uuid::Uuid;

/// The key columns of many cells.
#[derive(Debug, Default)]
pub struct CellColumns {
    pub items: Vec<Uuid>,
    pub locations: Vec<Uuid>,
    /// Nil where there is no lot.
    pub lots: Vec<Uuid>,
    pub statuses: Vec<&'static str>,
}

impl<'a> FromIterator<&'a Cell> for CellColumns {
    fn from_iter<I: IntoIterator<Item = &'a Cell>>(cells: I) -> Self {
        let mut columns = Self::default();
        for cell in cells {
            columns.items.push(cell.item.0);
            columns.locations.push(cell.location.0);
            columns.lots.push(cell.lot.map_or(Uuid::nil(), |lot| lot.0));
            columns.statuses.push(cell.status.name());
        }
        columns
    }
}

#[derive(Debug, FromRow)]
pub struct KeyRow {
    item: Uuid,
    location: Uuid,
    lot: Uuid,
    status: String,
}

impl KeyRow {
    pub fn cell(&self) -> Result<Cell, Error> {
        Ok(Cell {
            item: ItemId(self.item),
            location: LocationId(self.location),
            lot: (!self.lot.is_nil()).then_some(LotId(self.lot)),
            status: self.status.parse().map_err(|()| corrupt(format!("status {}", self.status)))?,
        })
    }
}

#[derive(Debug, FromRow)]
struct BalanceRow {
    #[sqlx(flatten)]
    key: KeyRow,
    on_hand: i64,
    last_order: i64,
    count_change: Option<Uuid>,
    count_ts: Option<i64>,
    count_device: Option<Uuid>,
    count_seq: Option<i64>,
    counted: Option<i64>,
    count_error: Option<i64>,
    count_person: Option<Uuid>,
    count_log_seq: Option<i64>,
}

impl BalanceRow {
    fn facts(&self) -> CellFacts {
        let count = (|| {
            let order = OrderKey {
                ts: self.count_ts?,
                device: DeviceId(self.count_device?),
                seq: self.count_seq?.unsigned_abs(),
            };
            Some(LastCount {
                change: ChangeId(self.count_change?),
                order,
                counted: Quantity(self.counted?),
                log_seq: self.count_log_seq.map(i64::unsigned_abs),
                clock_error: self.count_error.unwrap_or(0),
                person: self.count_person.map(PersonId),
            })
        })();
        let on_hand = Quantity(self.on_hand);
        CellFacts { on_hand, last_order: self.last_order, count, tail: Vec::new(), tail_from: None }
    }
}

/// Locks those of these cells that have a row, and reads them.
pub async fn lock(tx: &mut Tx, wanted: CellColumns) -> Result<BTreeMap<Cell, CellFacts>, Error> {
    let rows: Vec<BalanceRow> = sqlx::query_as(
        "SELECT b.item, b.location, b.lot, b.status, b.on_hand, b.last_order,
                b.count_change, b.count_ts, b.count_device, b.count_seq, b.counted,
                b.count_error, b.count_person, b.count_log_seq
         FROM (SELECT * FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::text[]) AS c(item, location, lot, status)
               ORDER BY c.item, c.location, c.lot, c.status) c
         CROSS JOIN LATERAL (SELECT * FROM balance b WHERE b.org = $1 AND b.item = c.item AND b.location = c.location
                               AND b.lot = c.lot AND b.status = c.status FOR UPDATE) b",
    )
    .bind(tx.org.0)
    .bind(wanted.items)
    .bind(wanted.locations)
    .bind(wanted.lots)
    .bind(wanted.statuses)
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(|row| Ok((row.key.cell()?, row.facts()))).collect()
}

/// The cells that each item or lot has stock in.
pub async fn of(tx: &mut Tx, owners: &BTreeSet<Ref>) -> Result<Vec<Cell>, Error> {
    let ids = |kind| -> Vec<Uuid> { owners.iter().filter(|of| of.kind == kind).map(|of| of.id).collect() };
    let rows: Vec<KeyRow> = sqlx::query_as(
        "SELECT item, location, lot, status FROM balance WHERE org = $1 AND item = ANY($2) AND on_hand <> 0
         UNION
         SELECT item, location, lot, status FROM balance
         WHERE org = $1 AND lot = ANY($3) AND lot <> '00000000-0000-0000-0000-000000000000' AND on_hand <> 0",
    )
    .bind(tx.org.0)
    .bind(ids(Kind::Item))
    .bind(ids(Kind::Lot))
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(KeyRow::cell).collect()
}

/// In how many cells of each of these items, or at each of these locations, there is stock.
pub async fn stocked(tx: &mut Tx, owners: &BTreeSet<Ref>) -> Result<HashMap<Uuid, u64>, Error> {
    let ids: Vec<Uuid> = owners.iter().map(|of| of.id).collect();
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(
        "SELECT w.id, i.held + l.held FROM UNNEST($2::uuid[]) AS w(id)
         CROSS JOIN LATERAL (SELECT count(*) AS held FROM balance b
                             WHERE b.org = $1 AND b.item = w.id AND b.on_hand <> 0) i
         CROSS JOIN LATERAL (SELECT count(*) AS held FROM balance b
                             WHERE b.org = $1 AND b.location = w.id AND b.on_hand <> 0) l",
    )
    .bind(tx.org.0)
    .bind(ids)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(id, held)| (id, held.unsigned_abs())).collect())
}

#[derive(Debug, FromRow)]
struct TailRow {
    n: i32,
    movement: Uuid,
    clock_error: i64,
    order_ts: i64,
    order_device: Uuid,
    order_seq: i64,
    delta: i64,
    variance: bool,
    seq: Option<i64>,
}

/// The entries of each cell from its moment on.
pub async fn tails(tx: &mut Tx, wanted: &BTreeMap<Cell, i64>) -> Result<BTreeMap<Cell, Vec<TailEntry>>, Error> {
    let cells: Vec<Cell> = wanted.keys().copied().collect();
    let columns: CellColumns = cells.iter().collect();
    let rows: Vec<TailRow> = sqlx::query_as(TAILS)
        .bind(tx.org.0)
        .bind(columns.items)
        .bind(columns.locations)
        .bind(columns.lots)
        .bind(columns.statuses)
        .bind(wanted.values().copied().collect::<Vec<i64>>())
        .fetch_all(tx.conn())
        .await?;
    let mut tails: BTreeMap<Cell, Vec<TailEntry>> = cells.iter().map(|cell| (*cell, Vec::new())).collect();
    for row in rows {
        let order =
            OrderKey { ts: row.order_ts, device: DeviceId(row.order_device), seq: row.order_seq.unsigned_abs() };
        let entry = TailEntry {
            movement: MovementId(row.movement),
            order,
            clock_error: row.clock_error,
            delta: Quantity(row.delta),
            variance: row.variance,
            log_seq: row.seq.map(i64::unsigned_abs),
        };
        let cell = usize::try_from(row.n - 1).ok().and_then(|at| cells.get(at)).ok_or_else(|| corrupt("tail"))?;
        tails.entry(*cell).or_default().push(entry);
    }
    Ok(tails)
}

const TAILS: &str = "
WITH c AS (
  SELECT * FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[])
    WITH ORDINALITY AS c(item, location, lot, status, since, n))
SELECT c.n::int, m.id AS movement, m.clock_error, m.order_ts, m.order_device, m.order_seq, -m.qty AS delta,
       m.kind = 'count_variance' AS variance, m.from_seq AS seq
FROM c CROSS JOIN LATERAL (
  SELECT * FROM movement m WHERE m.org = $1 AND m.item = c.item AND m.from_location = c.location
    AND m.order_ts >= c.since AND m.from_site IS NOT NULL AND m.from_status = c.status
    AND coalesce(m.lot, '00000000-0000-0000-0000-000000000000') = c.lot OFFSET 0) m
UNION ALL
SELECT c.n::int, m.id, m.clock_error, m.order_ts, m.order_device, m.order_seq, m.qty, m.kind = 'count_variance',
       m.to_seq
FROM c CROSS JOIN LATERAL (
  SELECT * FROM movement m WHERE m.org = $1 AND m.item = c.item AND m.to_location = c.location
    AND m.order_ts >= c.since AND m.to_site IS NOT NULL AND m.to_status = c.status
    AND coalesce(m.lot, '00000000-0000-0000-0000-000000000000') = c.lot OFFSET 0) m";
