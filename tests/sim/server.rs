//! The central server in memory: `settle` decides, this keeps what comes back the way the tables do, numbers it last,
//! and answers pulls from one state. The caller's batches are transactions: tried first, committed or not after.

mod commit;
pub use commit::check_cell;
mod heal;
pub use heal::Certificate;
mod kept;
mod pull;
pub use pull::Limits;
mod snapshots;
pub use snapshots::{Cut, Spoilt};

use crate::{book::Book, checks::Checks};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};
use stillage_core::{
    change::{Change, Digest, KnownChange},
    decide::Door,
    facts::{CostFacts, Facts},
    id::{ChangeId, DeviceId, EpochId, LocationId, PersonId},
    quantity::Quantity,
    record::Ref,
    scope::Scope,
    settle::{self, DeviceFacts, Healing, Push, Settled, Writes},
    stock::Cell,
    sum::Sum,
    wire::{Ack, LogEntry, PushInput},
};

/// One change in a device's chain.
#[derive(Debug, Clone)]
pub struct Link {
    pub change: ChangeId,
    pub chain: Digest,
    /// Set when the id had been another change's.
    pub own_code: Option<String>,
}

/// A device as the server knows it.
#[derive(Debug, Clone)]
pub struct Known {
    pub person: PersonId,
    /// `None` for every site.
    pub sites: Option<BTreeSet<LocationId>>,
    pub links: Vec<Link>,
    /// Not another id of one that was known before.
    pub first: bool,
}

#[derive(Debug, Clone)]
pub struct Server {
    pub epoch: EpochId,
    pub book: Book,
    pub changes: BTreeMap<ChangeId, KnownChange>,
    pub devices: BTreeMap<DeviceId, Known>,
    pub logs: BTreeMap<Scope, Vec<Rc<LogEntry>>>,
    pub sums: BTreeMap<Scope, Sum>,
    /// Where each change left rows.
    pub left: BTreeMap<ChangeId, Vec<(Scope, u64)>>,
    refused: BTreeMap<Ref, ChangeId>,
    /// Parked until what they stand on has come back.
    waits: BTreeMap<ChangeId, heal::Waiting>,
    costs: BTreeMap<stillage_core::id::ItemId, CostFacts>,
    snapshots: Vec<snapshots::Snapshot>,
    /// A fold broken on purpose, to see that it is noticed.
    pub broken: Option<Broken>,
}

/// What can be broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Late movements before a count are not taken out again.
    NoVariance,
    /// A balance forgets its last batch.
    StaleBalance,
}

/// A push as it waits for a writer.
#[derive(Debug, Clone)]
pub struct Request {
    pub input: PushInput,
    pub received_at: i64,
}

impl Request {
    /// What is left of it when the first changes were taken.
    pub fn after(&self, taken: usize) -> Self {
        let (first, rest) = self.input.changes.split_at(taken);
        let chain = first.iter().fold(self.input.prev_chain, |chain, change| chain.next(change.id, change.hash()));
        let first_seq = self.input.first_seq + first.len() as u64;
        let input = PushInput { first_seq, prev_chain: chain, changes: rest.to_vec(), ..self.input.clone() };
        Self { input, ..*self }
    }
}

/// What a batch would come to, before it is committed.
#[derive(Debug)]
pub struct Attempt {
    pub settled: Vec<Option<Settled>>,
    pub writes: Writes,
    cells: BTreeSet<Cell>,
    alone: bool,
}

impl Known {
    pub fn ack(&self, id: DeviceId) -> Ack {
        let chain = self.links.last().map_or(Digest::start(id), |link| link.chain);
        Ack { seq: self.links.len() as u64, chain }
    }

    fn chain_at(&self, id: DeviceId, seq: u64) -> Option<Digest> {
        if seq == 0 {
            return Some(Digest::start(id));
        }
        let at = usize::try_from(seq - 1).ok()?;
        self.links.get(at).map(|link| link.chain)
    }

    pub fn holds(&self, scope: Scope) -> bool {
        match scope {
            Scope::Catalogue => true,
            Scope::Inbox(person) => person == self.person,
            Scope::Site(site) => self.sites.as_ref().is_none_or(|sites| sites.contains(&site)),
        }
    }
}

impl Server {
    pub fn new(epoch: EpochId) -> Self {
        Self {
            epoch,
            book: Book::born(),
            changes: BTreeMap::new(),
            devices: BTreeMap::new(),
            logs: BTreeMap::new(),
            sums: BTreeMap::new(),
            left: BTreeMap::new(),
            refused: BTreeMap::new(),
            waits: BTreeMap::new(),
            costs: BTreeMap::new(),
            snapshots: Vec::new(),
            broken: None,
        }
    }

    pub fn head(&self, scope: Scope) -> u64 {
        self.logs.get(&scope).map_or(0, |log| log.len() as u64)
    }

    fn push(&self, request: &Request) -> Option<Push> {
        let PushInput { device, first_seq, prev_chain, ref changes, ref orders, .. } = request.input;
        let known = self.devices.get(&device)?;
        let chain_before = known.chain_at(device, first_seq.saturating_sub(1));
        let (person, ack, waiting) = (known.person, known.ack(device), self.last_waiting(device));
        let facts = DeviceFacts { id: device, person, ack, chain_before, waiting, first_id: known.first };
        Some(Push {
            device: facts,
            chained: true,
            door: Door::Late,
            first_seq,
            prev_chain,
            changes: changes.clone(),
            received_at: request.received_at,
            healing: Healing { epoch: Some(self.epoch), orders: orders.clone(), parked: false },
        })
    }

    /// Decides a batch on what is committed now.
    pub fn attempt(&self, requests: &[Request]) -> Attempt {
        let pushes: Vec<Option<Push>> = requests.iter().map(|request| self.push(request)).collect();
        let known: Vec<bool> = pushes.iter().map(Option::is_some).collect();
        let batch: Vec<Push> = pushes.into_iter().flatten().collect();
        let mut facts = Facts::default();
        self.load(&batch, &mut facts);
        let cells = facts.cells.keys().copied().collect();
        let (settled, writes) = settle::settle(&batch, &mut facts);
        let mut settled = settled.into_iter();
        let settled = known.into_iter().map(|known| if known { settled.next() } else { None }).collect();
        let changes = requests.iter().flat_map(|request| &request.input.changes);
        let alone = { changes }.any(|change: &Change| !change.kind.starts_with("stock."));
        Attempt { settled, writes, cells, alone }
    }

    fn load(&self, batch: &[Push], facts: &mut Facts) {
        loop {
            let needs = settle::needs(batch, facts);
            if needs.is_empty() {
                return;
            }
            self.book.load(&needs, &[], facts);
            for id in &needs.changes {
                facts.changes.insert(*id, self.changes.get(id).cloned());
            }
            for of in needs.records.iter().filter(|of| !self.book.records.contains_key(of)) {
                let Some(root) = self.refused.get(of) else { continue };
                facts.refused_creates.insert(*of, *root);
                // Whether the root was refused for good, or may come free.
                facts.changes.entry(*root).or_insert_with(|| self.changes.get(root).cloned());
            }
            for item in &needs.costs {
                let held = self.book.cells.iter().filter(|(cell, _)| cell.item == *item);
                let on_hand = Quantity(held.map(|(_, level)| level.on_hand.0).sum());
                let cost = self.costs.get(item).cloned().unwrap_or_default();
                facts.costs.insert(*item, CostFacts { on_hand, ..cost });
            }
        }
    }

    /// What the locks of the real server keep apart: two writers that would touch the same rows.
    pub fn crosses(a: &Attempt, b: &Attempt) -> bool {
        let devices = a.writes.devices.keys().any(|device| b.writes.devices.contains_key(device));
        let costs = a.writes.costs.keys().any(|item| b.writes.costs.contains_key(item));
        // A lot that both have made: the later one meets its key and decides again.
        let records = a.writes.records.keys().any(|of| b.writes.records.contains_key(of));
        a.alone || b.alone || devices || costs || records || !a.cells.is_disjoint(&b.cells)
    }

    /// Commits what a batch came to.
    pub fn commit(&mut self, attempt: &Attempt, checks: &mut Checks) {
        self.commit_writes(&attempt.writes, checks);
        self.set_free(&attempt.writes);
    }

    pub fn commit_writes(&mut self, writes: &Writes, checks: &mut Checks) {
        commit::Commit { server: self, checks }.run(writes);
    }
}
