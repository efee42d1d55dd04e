//! Answers `Needs` with set-based reads, in rounds, until the rules ask for nothing more.
//!
//! Each list of wanted keys is joined `LATERAL (… OFFSET 0)`: a table whose statistics are younger
//! than its rows would else be read whole and compared with every key.
//!
//! Locks come in one order: the organisation (shared by batches that only move stock, alone for
//! batches that edit records), devices, costs, cells. Records need no lock of their own: whoever
//! edits one holds the organisation's.

use super::{
    Tx, cells,
    records::{self, corrupt},
};
use sqlx::{Error, FromRow};
use std::collections::{BTreeSet, HashMap, HashSet};
use stillage_core::{
    change::{Digest, KnownChange},
    facts::{CellFacts, CostFacts, Facts, MovementFacts, Needs},
    id::{ChangeId, DeviceId, ItemId, LocationId, LotId, MovementId, PersonId, ReasonId, SupplierId},
    money::Money,
    order::OrderKey,
    quantity::Quantity,
    record::Ref,
    settle::Reading,
    stock::{Cell, Movement, Place, Remarks},
};
use uuid::Uuid;

/// More rounds than any chain of facts is long.
const ROUNDS: usize = 24;

/// Facts, and what the store must remember about them.
#[derive(Debug, Default)]
pub struct Loaded {
    pub facts: Facts,
    /// The version of every record that existed.
    pub versions: HashMap<Ref, u64>,
    /// Cells whose balance row is there, and locked.
    pub held: HashSet<Cell>,
    /// Cells that an answer named and whose balances are still to be read.
    named: BTreeSet<Cell>,
}

pub async fn load(tx: &mut Tx, batch: &Reading<'_>) -> Result<Loaded, Error> {
    let mut loaded = Loaded::default();
    // Which changes are known is asked first, for all of them; the rest of the first round is found meanwhile.
    let ids = batch.ids();
    let first = async { batch.needs(&Facts::default()) };
    let (known, mut first) = tokio::join!(biased; loaded.changes(tx, &ids), first);
    known?;
    first.changes.clear();
    let mut first = Some(first);
    for _ in 0..ROUNDS {
        let mut needs = first.take().unwrap_or_else(|| batch.needs(&loaded.facts));
        let cells = std::mem::take(&mut needs.cells);
        let tails = std::mem::take(&mut needs.tails);
        if !needs.is_empty() {
            loaded.answer(tx, &needs).await?;
            continue;
        }
        let mut wanted = std::mem::take(&mut loaded.named);
        wanted.extend(cells);
        wanted.retain(|cell| !loaded.facts.cells.contains_key(cell));
        if wanted.is_empty() && tails.is_empty() {
            return Ok(loaded);
        }
        if wanted.is_empty() {
            loaded.tails(tx, &tails).await?;
        } else {
            loaded.cells(tx, &wanted).await?;
        }
    }
    Err(corrupt("the rules never stop asking for facts"))
}

impl Loaded {
    async fn answer(&mut self, tx: &mut Tx, needs: &Needs) -> Result<(), Error> {
        self.changes(tx, &needs.changes).await?;
        if !needs.records.is_empty() {
            self.records(tx, &needs.records).await?;
        }
        if !needs.keys.is_empty() {
            self.facts.keys.extend(needs.keys.iter().map(|key| (key.clone(), None)));
            for (kind, key, of) in records::holders(tx, &needs.keys).await? {
                self.facts.keys.insert((kind, key), Some(of));
            }
        }
        if !needs.movements.is_empty() {
            self.movements(tx, &needs.movements).await?;
        }
        if !needs.stocked.is_empty() {
            let stocked = cells::stocked(tx, &needs.stocked).await?;
            let held = |of: &Ref| stocked.get(&of.id).copied().unwrap_or_default();
            self.facts.stocked.extend(needs.stocked.iter().map(|of| (*of, held(of))));
        }
        if !needs.cells_of.is_empty() {
            self.cells_of(tx, &needs.cells_of).await?;
        }
        if !needs.costs.is_empty() {
            self.costs(tx, &needs.costs).await?;
        }
        Ok(())
    }

    async fn changes(&mut self, tx: &mut Tx, ids: &BTreeSet<ChangeId>) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        self.facts.changes.extend(ids.iter().map(|id| (*id, None)));
        let rows: Vec<ChangeKnownRow> = sqlx::query_as(
            "SELECT c.id, c.hash, c.device, c.outcome, c.code, c.details FROM UNNEST($2::uuid[]) AS w(id)
             CROSS JOIN LATERAL (SELECT * FROM change c WHERE c.org = $1 AND c.id = w.id OFFSET 0) c",
        )
        .bind(tx.org.0)
        .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
        .fetch_all(tx.conn())
        .await?;
        for row in rows {
            self.facts.changes.insert(ChangeId(row.id), Some(row.known()?));
        }
        Ok(())
    }

    async fn records(&mut self, tx: &mut Tx, refs: &BTreeSet<Ref>) -> Result<(), Error> {
        let mut absent = refs.clone();
        for record in records::find(tx, refs).await? {
            absent.remove(&record.of);
            self.versions.insert(record.of, record.version);
            self.facts.records.insert(record.of, Some(record));
        }
        if absent.is_empty() {
            return Ok(());
        }
        self.facts.records.extend(absent.iter().map(|of| (*of, None)));
        let rows: Vec<(String, Uuid, String)> = sqlx::query_as(
            "SELECT c.refused_create, c.id, c.details FROM UNNEST($2::text[]) AS w(of)
             CROSS JOIN LATERAL (SELECT * FROM change c WHERE c.org = $1 AND c.refused_create = w.of
                                   AND c.refused_create IS NOT NULL OFFSET 0) c",
        )
        .bind(tx.org.0)
        .bind(absent.iter().map(Ref::to_string).collect::<Vec<_>>())
        .fetch_all(tx.conn())
        .await?;
        let mut roots = BTreeSet::new();
        for (of, id, details) in rows {
            let (of, root): (Ref, _) = (of.parse().map_err(corrupt)?, root_of(id, &details));
            self.facts.refused_creates.insert(of, root);
            roots.insert(root);
        }
        // Whether the root was refused for good, or may come free.
        roots.retain(|root| !self.facts.changes.contains_key(root));
        self.changes(tx, &roots).await
    }

    async fn movements(&mut self, tx: &mut Tx, ids: &BTreeSet<MovementId>) -> Result<(), Error> {
        self.facts.movements.extend(ids.iter().map(|id| (*id, None)));
        let rows: Vec<MovementRow> = sqlx::query_as(
            "SELECT m.*, r.id AS reversed_by FROM UNNEST($2::uuid[]) AS w(id)
             CROSS JOIN LATERAL (SELECT * FROM movement m WHERE m.org = $1 AND m.id = w.id OFFSET 0) m
             LEFT JOIN LATERAL (SELECT r.id FROM movement r WHERE r.org = $1 AND r.reverses = w.id
                                  AND r.reverses IS NOT NULL OFFSET 0) r ON true",
        )
        .bind(tx.org.0)
        .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
        .fetch_all(tx.conn())
        .await?;
        for row in rows {
            let known = MovementFacts { reversed_by: row.reversed_by.map(MovementId), movement: row.movement()? };
            self.facts.movements.insert(known.movement.id, Some(known));
        }
        Ok(())
    }

    async fn cells_of(&mut self, tx: &mut Tx, owners: &BTreeSet<Ref>) -> Result<(), Error> {
        let found = cells::of(tx, owners).await?;
        for of in owners {
            let theirs =
                found.iter().filter(|cell| Ref::from(cell.item) == *of || cell.lot.map(Ref::from) == Some(*of));
            self.facts.cells_of.insert(*of, theirs.copied().collect());
        }
        self.named.extend(found);
        Ok(())
    }

    /// The cost row is locked, made if need be, so that two receipts are averaged one after the other.
    async fn costs(&mut self, tx: &mut Tx, items: &BTreeSet<ItemId>) -> Result<(), Error> {
        let ids: Vec<Uuid> = items.iter().map(|id| id.0).collect();
        sqlx::query(
            "INSERT INTO item_cost (org, item, average, currency)
             SELECT $1, w.id, 0, '' FROM UNNEST($2::uuid[]) AS w(id) ORDER BY w.id ON CONFLICT DO NOTHING",
        )
        .bind(tx.org.0)
        .bind(&ids)
        .execute(tx.conn())
        .await?;
        let locked: Vec<(Uuid, i64, String)> = sqlx::query_as(
            "SELECT item, average, currency FROM item_cost WHERE org = $1 AND item = ANY($2) ORDER BY item FOR UPDATE",
        )
        .bind(tx.org.0)
        .bind(&ids)
        .fetch_all(tx.conn())
        .await?;
        let held: Vec<(Uuid, i64)> = sqlx::query_as(
            "SELECT item, sum(on_hand)::bigint FROM balance WHERE org = $1 AND item = ANY($2) GROUP BY item",
        )
        .bind(tx.org.0)
        .bind(&ids)
        .fetch_all(tx.conn())
        .await?;
        let held: HashMap<Uuid, i64> = held.into_iter().collect();
        self.facts.costs.extend(locked.into_iter().map(|(item, average, currency)| {
            let on_hand = Quantity(held.get(&item).copied().unwrap_or(0));
            (ItemId(item), CostFacts { on_hand, average, currency })
        }));
        Ok(())
    }

    /// A cell without a row is empty. If another writer makes the row meanwhile, ours cannot be inserted, and the
    /// batch is settled again.
    async fn cells(&mut self, tx: &mut Tx, wanted: &BTreeSet<Cell>) -> Result<(), Error> {
        let found = cells::lock(tx, wanted.iter().collect()).await?;
        self.held.extend(found.keys());
        self.facts.cells.extend(wanted.iter().map(|cell| (*cell, CellFacts::default())));
        self.facts.cells.extend(found);
        Ok(())
    }

    async fn tails(&mut self, tx: &mut Tx, wanted: &std::collections::BTreeMap<Cell, i64>) -> Result<(), Error> {
        for (cell, tail) in cells::tails(tx, wanted).await? {
            let known = self.facts.cells.entry(cell).or_default();
            known.tail = tail;
            known.tail_from = wanted.get(&cell).copied();
        }
        Ok(())
    }
}

/// A create that was refused because of another shares that other's root.
fn root_of(id: Uuid, details: &str) -> ChangeId {
    let details: serde_json::Value = serde_json::from_str(details).unwrap_or_default();
    let root = details.get("root").and_then(|root| root.as_str()).and_then(|root| root.parse().ok());
    root.unwrap_or(ChangeId(id))
}

#[derive(Debug, FromRow)]
struct ChangeKnownRow {
    id: Uuid,
    hash: Vec<u8>,
    device: Uuid,
    outcome: String,
    code: Option<String>,
    details: String,
}

impl ChangeKnownRow {
    fn known(self) -> Result<KnownChange, Error> {
        Ok(KnownChange {
            hash: digest(&self.hash)?,
            device: DeviceId(self.device),
            outcome: self.outcome.parse().map_err(|()| corrupt(format!("outcome {}", self.outcome)))?,
            code: self.code,
            details: serde_json::from_str(&self.details).map_err(corrupt)?,
        })
    }
}

pub fn digest(bytes: &[u8]) -> Result<Digest, Error> {
    bytes.try_into().map(Digest).map_err(|_| corrupt("a digest that is not 16 bytes"))
}

/// One movement as the table holds it.
#[derive(Debug, FromRow)]
struct MovementRow {
    id: Uuid,
    change: Uuid,
    kind: String,
    item: Uuid,
    lot: Option<Uuid>,
    from_location: Uuid,
    from_site: Option<Uuid>,
    from_status: String,
    to_location: Uuid,
    to_site: Option<Uuid>,
    to_status: String,
    qty: i64,
    order_ts: i64,
    order_device: Uuid,
    order_seq: i64,
    at: i64,
    clock_error: i64,
    person: Option<Uuid>,
    reason: Option<Uuid>,
    note: Option<String>,
    reference: Option<String>,
    entered: Option<String>,
    cost_minor: Option<i64>,
    cost_currency: Option<String>,
    supplier: Option<Uuid>,
    reverses: Option<Uuid>,
    count: Option<Uuid>,
    reversed_by: Option<Uuid>,
}

impl MovementRow {
    fn movement(self) -> Result<Movement, Error> {
        let place = |location, site: Option<Uuid>, status: &str| {
            let status = status.parse().map_err(|()| corrupt(format!("status {status}")))?;
            Ok::<_, Error>(Place { location: LocationId(location), site: site.map(LocationId), status })
        };
        let unit_cost = self.cost_minor.zip(self.cost_currency);
        Ok(Movement {
            id: MovementId(self.id),
            change: ChangeId(self.change),
            kind: self.kind.parse().map_err(|()| corrupt(format!("movement kind {}", self.kind)))?,
            item: ItemId(self.item),
            lot: self.lot.map(LotId),
            from: place(self.from_location, self.from_site, &self.from_status)?,
            to: place(self.to_location, self.to_site, &self.to_status)?,
            qty: Quantity(self.qty),
            order: OrderKey {
                ts: self.order_ts,
                device: DeviceId(self.order_device),
                seq: self.order_seq.unsigned_abs(),
            },
            at: self.at,
            clock_error: self.clock_error,
            person: self.person.map(PersonId),
            remarks: Remarks {
                reason: self.reason.map(ReasonId),
                note: self.note,
                reference: self.reference,
                entered: self.entered,
            },
            unit_cost: unit_cost.map(|(minor, currency)| Money { minor, currency }),
            supplier: self.supplier.map(SupplierId),
            reverses: self.reverses.map(MovementId),
            count: self.count.map(ChangeId),
        })
    }
}
