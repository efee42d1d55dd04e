//! A server in memory: `settle` over facts, and a log per scope.

use std::collections::BTreeMap;
use stillage_core::{
    change::{ChangeResult, Digest},
    decide::Door,
    facts::Facts,
    id::{DeviceId, EpochId, PersonId},
    scope::Scope,
    seed,
    settle::{DeviceFacts, Push, Writes, settle},
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
            device: DeviceFacts { id: input.device, person: Self::person(input.device), ack, chain_before },
            chained: true,
            door: Door::Late,
            first_seq: input.first_seq,
            prev_chain: input.prev_chain,
            changes: input.changes,
            received_at: i64::MAX,
            healing: stillage_core::settle::Healing { orders: input.orders, ..Default::default() },
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

    pub fn pull(&self, input: &PullInput) -> PullAnswer {
        let inbox = Scope::Inbox(Self::person(input.device));
        let granted = self.log.iter().filter(|(scope, _)| !matches!(scope, Scope::Inbox(_)) || **scope == inbox);
        let (mut pages, mut heads) = (Vec::new(), Vec::new());
        for (&scope, log) in granted {
            let from = input.cursors.iter().find(|cursor| cursor.scope == scope).map_or(0, |cursor| cursor.seq);
            let entries = log[usize::try_from(from).unwrap()..].to_vec();
            heads.push(Cursor { scope, seq: log.len() as u64 });
            pages.push(ScopePage { scope, from, to: log.len() as u64, entries });
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
