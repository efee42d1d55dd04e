//! A server without a database: its facts are its state, and devices push to it.

use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use stillage_core::{
    absorb::{Pending, rebase, rebase_needs},
    action::{Action, Count, Issue, Receive, Save},
    change::{Act, Change, ChangeResult, Cut, Digest},
    decide::{Door, Effects},
    facts::{Facts, Needs},
    id::{ChangeId, DeviceId, ItemId, LocationId, PersonId},
    quantity::Quantity,
    record::{Kind, Record, Ref, merge::FieldChange},
    rejection::Rejection,
    scope::Scope,
    seed,
    settle::{DeviceFacts, Push, Settled, Writes, needs, release, settle},
    stock::{Cell, Remarks, StockStatus},
    wire::Ack,
};
use uuid::Uuid;

pub struct World {
    pub facts: Facts,
    stored: BTreeMap<Ref, Record>,
    pub devices: Vec<Device>,
    pub log: Vec<Writes>,
    heads: BTreeMap<Scope, u64>,
    minted: u128,
    pub now: i64,
}

#[derive(Clone)]
pub struct Device {
    pub facts: DeviceFacts,
    pub sent: Vec<Change>,
    pub chains: Vec<Digest>,
}

pub fn whole(units: i64) -> Quantity {
    Quantity::whole(units)
}

impl World {
    /// One site with a bin, one item, and so many devices.
    pub fn new(devices: usize) -> (Self, ItemId, LocationId) {
        let mut facts = Facts::default();
        for record in seed::records() {
            facts.keys.extend(record.key().map(|key| ((record.of.kind, key), Some(record.of))));
            facts.records.insert(record.of, Some(record));
        }
        let mut world = Self {
            facts,
            stored: BTreeMap::new(),
            devices: Vec::new(),
            log: Vec::new(),
            heads: BTreeMap::new(),
            minted: 1,
            now: 1_000_000,
        };
        for _ in 0..devices {
            let id = DeviceId(world.mint());
            let ack = Ack { seq: 0, chain: Digest::start(id) };
            let facts = DeviceFacts {
                id,
                person: PersonId(world.mint()),
                ack,
                chain_before: None,
                waiting: None,
                first_id: true,
            };
            world.devices.push(Device { facts, sent: Vec::new(), chains: vec![ack.chain] });
        }
        let (site, bin, item) = (world.mint(), LocationId(world.mint()), ItemId(world.mint()));
        world.create(0, Ref { kind: Kind::Location, id: site }, &[("code", "S"), ("role", "site")]);
        let parent = Ref { kind: Kind::Location, id: site }.to_string();
        world.create(0, bin.into(), &[("code", "A-1"), ("parent", &parent)]);
        world.create(0, item.into(), &[("sku", "BOLT"), ("name", "Bolt")]);
        (world, item, bin)
    }

    pub fn mint(&mut self) -> Uuid {
        self.minted += 1;
        Uuid::from_u128(self.minted)
    }

    pub fn create(&mut self, device: usize, of: Ref, fields: &[(&str, &str)]) -> ChangeResult {
        let action = create(of, fields);
        self.push(device, self.now, action)
    }

    /// Seals an action without sending it, on a device that has seen nothing of the others.
    pub fn seal(&mut self, device: usize, at: i64, action: impl Into<Action>) -> Change {
        self.seal_knowing(device, at, action, Cut::default())
    }

    /// What a device knows that has pulled everything.
    pub fn everything(&self) -> Cut {
        Cut { epoch: None, cursors: self.heads.clone() }
    }

    pub fn seal_knowing(&mut self, device: usize, at: i64, action: impl Into<Action>, cut: Cut) -> Change {
        self.seal_act(device, Act { action: action.into(), at, clock_error: 0, cut, person: None })
    }

    pub fn seal_act(&mut self, device: usize, act: Act) -> Change {
        let id = ChangeId(self.mint());
        let mut change = Change::write(id, &act);
        let device = &mut self.devices[device];
        change.seq = device.sent.len() as u64 + 1;
        device.chains.push(device.chains.last().unwrap().next(change.id, change.hash()));
        device.sent.push(change.clone());
        change
    }

    pub fn push(&mut self, device: usize, at: i64, action: impl Into<Action>) -> ChangeResult {
        let change = self.seal(device, at, action);
        self.send(device, vec![change]).results.remove(0)
    }

    pub fn send(&mut self, device: usize, changes: Vec<Change>) -> Settled {
        let push = self.prepared(device, changes);
        self.settle(vec![push]).remove(0)
    }

    pub fn prepared(&self, device: usize, changes: Vec<Change>) -> Push {
        let known = &self.devices[device];
        let first = changes.first().map_or(1, |change| change.seq);
        let before = usize::try_from(first).unwrap() - 1;
        let mut facts = known.facts;
        facts.chain_before = (first <= facts.ack.seq).then(|| known.chains[before]);
        Push {
            device: facts,
            chained: true,
            door: Door::Late,
            first_seq: first,
            prev_chain: known.chains[before],
            changes,
            received_at: i64::MAX,
            healing: stillage_core::settle::Healing::default(),
        }
    }

    /// Facts hold only what was asked for, as a database would give it.
    pub fn settle(&mut self, batch: Vec<Push>) -> Vec<Settled> {
        self.load(&batch);
        let (settled, writes) = settle(&batch, &mut self.facts);
        for (id, ack) in &writes.devices {
            self.devices.iter_mut().filter(|d| d.facts.id == *id).for_each(|d| d.facts.ack = *ack);
        }
        self.keep(writes);
        settled
    }

    /// Decides parked changes again; gives those that wait on, and for what.
    pub fn release(&mut self, parked: &[Push]) -> Vec<(ChangeId, Option<String>)> {
        self.load(parked);
        let released = release(parked, &mut self.facts);
        self.keep(released.writes);
        released.still
    }

    /// What a device that has everything shows of a change of its own that waits.
    pub fn shown(&mut self, pending: Pending) -> Result<Effects, Rejection> {
        let pending = [pending];
        self.load_all(|facts| rebase_needs(&pending, facts));
        rebase(&pending, &mut self.facts).remove(0).1
    }

    fn load(&mut self, batch: &[Push]) {
        self.load_all(|facts| needs(batch, facts));
    }

    fn load_all(&mut self, needs: impl Fn(&Facts) -> Needs) {
        self.forget_records();
        loop {
            let missing = needs(&self.facts);
            if missing.is_empty() {
                return;
            }
            self.answer(missing);
        }
    }

    fn keep(&mut self, writes: Writes) {
        self.number(&writes);
        self.log.push(writes);
        self.forget_records();
        self.check();
    }

    /// The cells that a server which knows none yet looks up for these pushes.
    pub fn cells_asked_for(&mut self, batch: &[Push]) -> BTreeSet<Cell> {
        self.forget_records();
        let known = std::mem::take(&mut self.facts.cells);
        let mut asked = BTreeSet::new();
        loop {
            let missing = needs(batch, &self.facts);
            if missing.is_empty() {
                self.facts.cells = known;
                return asked;
            }
            asked.extend(missing.cells.iter().copied());
            let cells_of = missing.cells_of.clone();
            self.answer(missing);
            // A table lists only cells that have been: what the batch itself brings is not among them yet.
            for of in cells_of {
                let cells = known.keys().filter(|cell| of == cell.item.into()).copied().collect();
                self.facts.cells_of.insert(of, cells);
            }
        }
    }

    fn forget_records(&mut self) {
        self.facts.stocked.clear();
        self.facts.cells_of.clear();
        let known = std::mem::take(&mut self.facts.records);
        self.stored.extend(known.into_iter().filter_map(|(of, record)| Some((of, record?))));
    }

    fn answer(&mut self, needs: Needs) {
        let facts = &mut self.facts;
        for of in needs.records {
            facts.records.insert(of, self.stored.get(&of).cloned());
        }
        needs.keys.into_iter().for_each(|key| {
            facts.keys.entry(key).or_insert(None);
        });
        needs.cells.into_iter().for_each(|cell| {
            facts.cells.entry(cell).or_default();
        });
        needs.movements.into_iter().for_each(|id| {
            facts.movements.entry(id).or_insert(None);
        });
        needs.changes.into_iter().for_each(|id| {
            facts.changes.entry(id).or_insert(None);
        });
        needs.costs.into_iter().for_each(|id| {
            facts.costs.entry(id).or_default();
        });
        for cell in needs.tails.into_keys() {
            facts.cells.entry(cell).or_default().tail_from = Some(i64::MIN);
        }
        let owned = |of: Ref, cell: &Cell| {
            of == cell.item.into() || of == cell.location.into() || cell.lot.is_some_and(|lot| of == lot.into())
        };
        for of in needs.cells_of {
            let cells = facts.cells.keys().filter(|cell| owned(of, cell)).copied().collect();
            facts.cells_of.insert(of, cells);
        }
        for of in needs.stocked {
            let held = facts.cells.iter().filter(|(cell, known)| owned(of, cell) && known.on_hand != Quantity::ZERO);
            facts.stocked.insert(of, held.count() as u64);
        }
    }

    fn number(&mut self, writes: &Writes) {
        for row in &writes.log {
            let head = self.heads.entry(row.scope).or_insert(0);
            *head += 1;
            if let Some(of) = row.record
                && let Some(Some(record)) = self.facts.records.get_mut(&of)
            {
                record.version = *head;
            }
        }
        let site = self.heads.iter().find(|(scope, _)| matches!(scope, Scope::Site(_)));
        let head = site.map(|(_, head)| *head);
        for known in self.facts.cells.values_mut() {
            known.tail.iter_mut().filter(|entry| entry.log_seq.is_none()).for_each(|entry| entry.log_seq = head);
            known.count.iter_mut().filter(|count| count.log_seq.is_none()).for_each(|count| count.log_seq = head);
        }
    }

    /// What must hold after every batch: balances are sums of entries, and a counted cell holds
    /// what was counted plus what happened since.
    pub fn check(&self) {
        for (cell, known) in &self.facts.cells {
            let sum: i64 = known.tail.iter().map(|entry| entry.delta.0).sum();
            assert_eq!(known.on_hand.0, sum, "balance of {cell:?} is not the sum of its entries");
            if let Some(last) = &known.count {
                assert_eq!(Some(known.on_hand), known.desired(last), "{cell:?} forgot its count");
            }
        }
    }

    pub fn on_hand(&self, item: ItemId, location: LocationId) -> Quantity {
        self.facts.cell(&Cell { item, location, lot: None, status: StockStatus::Available }).on_hand
    }

    pub fn record(&self, of: impl Into<Ref>) -> &Record {
        &self.stored[&of.into()]
    }

    /// Every inbox row written so far, oldest first.
    pub fn inbox(&self) -> Vec<Record> {
        let rows = self.log.iter().flat_map(|writes| writes.records.values());
        rows.filter(|record| record.of.kind == Kind::Inbox).cloned().collect()
    }
}

pub fn create(of: Ref, fields: &[(&str, &str)]) -> Action {
    let patch = fields.iter().map(|(name, value)| edit(name, json!(null), json!(value))).collect();
    Save { record: of, create: true, base_version: 0, expected_version: None, patch }.into()
}

pub fn edit(field: &str, base: serde_json::Value, value: serde_json::Value) -> FieldChange {
    FieldChange { field: field.to_owned(), base, value }
}

pub fn save(of: impl Into<Ref>, patch: Vec<FieldChange>) -> Action {
    Save { record: of.into(), create: false, base_version: 0, expected_version: None, patch }.into()
}

pub fn receive(item: ItemId, location: LocationId, units: i64) -> Action {
    let (qty, status, remarks) = (whole(units), StockStatus::Available, Remarks::default());
    Receive { item, location, lot: None, status, qty, unit_cost: None, supplier: None, remarks }.into()
}

pub fn issue(item: ItemId, location: LocationId, units: i64) -> Action {
    let (qty, status, remarks) = (whole(units), StockStatus::Available, Remarks::default());
    Issue { item, location, lot: None, status, qty, remarks }.into()
}

pub fn count(item: ItemId, location: LocationId, units: i64) -> Action {
    let (counted, status, remarks) = (whole(units), StockStatus::Available, Remarks::default());
    Count { item, location, lot: None, status, counted, remarks }.into()
}

/// The numbers below `n` in every order.
pub fn every_order(n: usize) -> Vec<Vec<usize>> {
    let insert = |order: Vec<usize>, next: usize| {
        (0..=next).map(move |at| {
            let mut longer = order.clone();
            longer.insert(at, next);
            longer
        })
    };
    (0..n).fold(vec![vec![]], |orders, next| orders.into_iter().flat_map(|order| insert(order, next)).collect())
}
