//! A server in memory: `settle` over facts, and a log per scope.

use std::collections::BTreeMap;
use stillage_core::{
    change::{ChangeResult, Digest},
    decide::Door,
    facts::{Facts, LastCount},
    id::{DeviceId, EpochId, LocationId, OrganisationId, PersonId},
    scope::Scope,
    seed,
    settle::{DeviceFacts, Healing, Push, Writes, settle},
    snapshot::{Balance, Chunk, ChunkName, FORMAT, Manifest, Part, Row, What},
    sum::{Sum, SumChanges},
    wire::{
        Ack, Cursor, LogEntry, PullAnswer, PullInput, PushAnswer, PushInput, ScopePage, ScopeSum, SettledAck, entry,
    },
};
use uuid::Uuid;

#[derive(Default)]
pub struct Ledger {
    facts: Facts,
    log: BTreeMap<Scope, Vec<LogEntry>>,
    chains: BTreeMap<DeviceId, Vec<(Digest, ChangeResult)>>,
    pub sums: BTreeMap<Scope, Sum>,
    pub server_time: i64,
}

impl Ledger {
    pub fn new() -> Self {
        let mut ledger = Self::default();
        for record in seed::records() {
            if let Some(key) = record.key() {
                ledger.facts.keys.insert((record.of.kind, key), Some(record.of));
            }
            ledger.facts.records.insert(record.of, Some(record));
        }
        ledger
    }

    pub fn person(device: DeviceId) -> PersonId {
        PersonId::derived(device.0, "person")
    }

    /// Gives up what was written over, as a server does below the horizon of a scope.
    pub fn trim(&mut self, scope: Scope, horizon: u64) {
        let log = self.log.get_mut(&scope).unwrap();
        let newest: BTreeMap<String, u64> = log.iter().map(|entry| (entry.id.clone(), entry.seq)).collect();
        let below = |entry: &&mut LogEntry| entry.kind == entry::RECORD && entry.seq <= horizon;
        for entry in log.iter_mut().filter(below).filter(|entry| newest[&entry.id] > entry.seq) {
            entry::GONE.clone_into(&mut entry.kind);
            entry.body.clear();
        }
    }

    fn ack(&self, device: DeviceId) -> Ack {
        match self.chains.get(&device).filter(|links| !links.is_empty()) {
            Some(links) => Ack { seq: links.len() as u64, chain: links[links.len() - 1].0 },
            None => Ack { seq: 0, chain: Digest::start(device) },
        }
    }

    pub fn push(&mut self, input: PushInput) -> PushAnswer {
        let ack = self.ack(input.device);
        let links = self.chains.entry(input.device).or_default();
        let chain_before = match input.first_seq {
            1 => Some(Digest::start(input.device)),
            seq => links.get(usize::try_from(seq).unwrap().saturating_sub(2)).map(|link| link.0),
        };
        let push = Push {
            device: DeviceFacts {
                id: input.device,
                person: Self::person(input.device),
                ack,
                chain_before,
                waiting: None,
                first_id: true,
            },
            chained: true,
            door: Door::Late,
            first_seq: input.first_seq,
            prev_chain: input.prev_chain,
            changes: input.changes,
            received_at: i64::MAX,
            healing: Healing { epoch: Some(epoch()), orders: input.orders, parked: false },
        };
        let (settled, writes) = settle(&[push], &mut self.facts);
        let (before, records, cells) = (writes.before.clone(), writes.records.clone(), writes.cells.clone());
        let moved = writes.movements.clone();
        let mut numbers = BTreeMap::new();
        for row in writes.changes {
            self.chains.entry(row.device).or_default().push((row.chain, row.result));
        }
        for row in writes.log {
            let log = self.log.entry(row.scope).or_default();
            let seq = log.len() as u64 + 1;
            if let Some(of) = row.record
                && let Some(Some(record)) = self.facts.records.get_mut(&of)
            {
                record.version = seq;
                numbers.insert(of, seq);
            }
            log.push(LogEntry {
                seq,
                kind: row.kind.to_owned(),
                id: row.id,
                version: entry::VERSION,
                change: row.change,
                outcome: row.outcome,
                body: row.body,
            });
        }
        let summed = Writes { before, records, cells, movements: moved, ..Writes::default() };
        for (scope, change) in SumChanges::of(&summed, |of| numbers.get(&of).copied()).0 {
            let sum = self.sums.entry(scope).or_default();
            *sum = sum.with(change);
        }
        let settled = settled.into_iter().next().unwrap();
        PushAnswer {
            epoch: epoch(),
            server_time: 0,
            ack: settled.ack,
            results: settled.results,
            refusal: settled.refusal,
        }
    }

    /// Snapshots of the catalogue and of every site, in chunks of three rows.
    pub fn snapshot(&self) -> (Manifest, Vec<Chunk>) {
        let mut parts: Vec<(Part, Scope, Chunk)> = Vec::new();
        let mut scopes = Vec::new();
        for (&scope, log) in self.log.iter().filter(|(scope, _)| !matches!(scope, Scope::Inbox(_))) {
            scopes.push(Cursor { scope, seq: log.len() as u64 });
            for balances in self.balances(scope).chunks(3) {
                parts.push((Part::Balances, scope, Chunk::Balances(balances.to_vec())));
            }
            let later = |entry: &LogEntry| log.iter().any(|other| other.seq > entry.seq && other.id == entry.id);
            let rows = log.iter().map(|entry| Row::of(entry.clone(), entry.kind == entry::RECORD && later(entry)));
            let (records, history): (Vec<_>, Vec<_>) = rows.partition(|row| matches!(row.what, What::Record { .. }));
            parts.extend(records.chunks(3).map(|rows| (Part::Records, scope, Chunk::Rows(rows.to_vec()))));
            parts.extend(history.chunks(3).map(|rows| (Part::History, scope, Chunk::Rows(rows.to_vec()))));
        }
        parts.sort_by_key(|(part, scope, _)| (*part, *scope));
        let name = |(n, (part, scope, chunk)): (u32, &(Part, Scope, Chunk))| {
            let bytes = chunk.encode().unwrap();
            let (rows, digest) = (chunk.len() as u64, Digest::of(&[&bytes]));
            let snapshot = Uuid::from_u128(u128::from(scopes.iter().map(|cursor| cursor.seq).sum::<u64>()));
            ChunkName { snapshot, n, scope: *scope, part: *part, rows, bytes: bytes.len() as u64, digest }
        };
        let chunks = (0..).zip(&parts).map(name).collect();
        let organisation = OrganisationId(Uuid::from_u128(8));
        let (format, server_time, making, ack) = (FORMAT, 0, false, None);
        let told = |at: &Cursor| ScopeSum { scope: at.scope, seq: at.seq, sum: self.sums[&at.scope] };
        let sums = scopes.iter().map(told).collect();
        let manifest =
            Manifest { format, organisation, epoch: epoch(), server_time, scopes, sums, chunks, ack, making };
        (manifest, parts.into_iter().map(|(_, _, chunk)| chunk).collect())
    }

    fn balances(&self, scope: Scope) -> Vec<Balance> {
        let site = |location: LocationId| {
            let record = self.facts.records.get(&location.into()).and_then(Option::as_ref);
            record.and_then(|record| record.reference("site")).map(|site| Scope::Site(LocationId(site)))
        };
        let held = self.facts.cells.iter().filter(|(cell, _)| site(cell.location) == Some(scope));
        // A server writes the number of a count beside it when the log has dealt it out.
        let number = |change| {
            let counts = self.log[&scope].iter().filter(|entry| entry.kind == entry::COUNT);
            counts.filter(|entry| entry.change == change).map(|entry| entry.seq).next()
        };
        let kept = held.filter(|(_, facts)| facts.last_order > 0).map(|(cell, facts)| Balance {
            cell: *cell,
            on_hand: facts.on_hand,
            last_order: facts.last_order,
            count: facts.count.map(|count| LastCount {
                log_seq: number(count.change),
                clock_error: 0,
                person: None,
                ..count
            }),
        });
        let mut balances: Vec<Balance> = kept.collect();
        balances.sort_by_key(|balance| balance.cell);
        balances
    }

    pub fn pull(&self, input: &PullInput) -> PullAnswer {
        let inbox = Scope::Inbox(Self::person(input.device));
        let granted = self.log.iter().filter(|(scope, _)| !matches!(scope, Scope::Inbox(_)) || **scope == inbox);
        let (mut pages, mut heads) = (Vec::new(), Vec::new());
        for (&scope, log) in granted {
            let from = input.cursors.iter().find(|cursor| cursor.scope == scope).map_or(0, |cursor| cursor.seq);
            let entries = log[usize::try_from(from).unwrap()..].to_vec();
            heads.push(Cursor { scope, seq: log.len() as u64 });
            pages.push(ScopePage { scope, from, to: log.len() as u64, entries, chunk: None });
        }
        let sums = pages.iter().map(|page| self.sum(page.scope, page.to)).collect();
        let ack = self.ack(input.device);
        let links = self.chains.get(&input.device).cloned().unwrap_or_default();
        let results = links.into_iter().map(|(_, result)| result).filter(|r| r.seq > input.settled_seq).collect();
        PullAnswer {
            epoch: epoch(),
            server_time: self.server_time,
            pages,
            removed: Vec::new(),
            heads,
            has_more: false,
            ack: Some(SettledAck { seq: ack.seq, chain: ack.chain, results }),
            sums,
        }
    }

    fn sum(&self, scope: Scope, seq: u64) -> ScopeSum {
        ScopeSum { scope, seq, sum: self.sums.get(&scope).copied().unwrap_or_default() }
    }
}

fn epoch() -> EpochId {
    EpochId(Uuid::from_u128(7))
}
