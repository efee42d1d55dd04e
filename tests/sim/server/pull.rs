//! The way down: heads, pages and the ack of one answer come from one state. Short pages on purpose.

use super::{Known, Server};
use crate::checks::{Check, Checks};
use std::collections::{BTreeMap, BTreeSet};
use stillage_core::{
    change::{ChangeResult, Digest, Outcome},
    id::{DeviceId, PersonId},
    record::{Fields, Record, Ref},
    scope::Scope,
    settle::LogRow,
    settle::Writes,
    wire::{Ack, Cursor, PullAnswer, PullInput, PushAnswer, PushRefusal, ScopePage, ScopeSum, SettledAck, entry},
};

/// How much fits in one answer.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub rows: usize,
    pub results: usize,
}

impl Server {
    /// Everything after the device's cursors, as far as there is room; nothing for a stranger.
    pub fn pull(&self, input: &PullInput, limits: Limits, now: i64, checks: &mut Checks) -> Option<PullAnswer> {
        let known = self.devices.get(&input.device)?;
        let same = input.epoch.is_none_or(|epoch| epoch == self.epoch);
        let cursors = if same { input.cursors.as_slice() } else { &[] };
        let at: BTreeMap<Scope, u64> = cursors.iter().map(|cursor| (cursor.scope, cursor.seq)).collect();
        let heads = self.granted_heads(known);
        let mut room = limits.rows.min(input.max_rows as usize).max(1);
        let (mut pages, mut has_more) = (Vec::new(), false);
        for (scope, head) in &heads {
            let from = at.get(scope).copied().unwrap_or(0);
            checks.hold(Check::LogIsWhole, from <= *head, || format!("cursor {from} of {scope} is past head {head}"));
            if from >= *head {
                continue;
            }
            if room == 0 {
                has_more = true;
                continue;
            }
            let page = self.page(*scope, from, &mut room);
            has_more |= page.to < *head;
            pages.push(page);
        }
        let mut ack = None;
        if !has_more && same {
            (ack, has_more) = self.settled(known, input.device, (input.settled_seq, limits.results));
        }
        let removed = at.keys().filter(|scope| !known.holds(**scope)).copied().collect();
        let heads = heads.into_iter().map(|(scope, seq)| Cursor { scope, seq }).collect();
        let ends = pages.iter().filter(|page| page.to == self.head(page.scope));
        let sum = |scope| self.sums.get(&scope).copied().unwrap_or_default();
        let sums = ends.map(|page| ScopeSum { scope: page.scope, seq: page.to, sum: sum(page.scope) }).collect();
        Some(PullAnswer { epoch: self.epoch, server_time: now, pages, removed, heads, has_more, ack, sums })
    }

    fn granted_heads(&self, known: &Known) -> BTreeMap<Scope, u64> {
        let mut scopes: BTreeSet<Scope> = self.logs.keys().copied().filter(|scope| known.holds(*scope)).collect();
        scopes.extend(known.sites.iter().flatten().map(|site| Scope::Site(*site)));
        scopes.extend([Scope::Catalogue, Scope::Inbox(known.person)]);
        scopes.into_iter().map(|scope| (scope, self.head(scope))).collect()
    }

    fn page(&self, scope: Scope, from: u64, room: &mut usize) -> ScopePage {
        let log = self.logs.get(&scope).map_or(&[][..], Vec::as_slice);
        let start = usize::try_from(from).unwrap_or(usize::MAX).min(log.len());
        let entries: Vec<_> = log[start..].iter().take(*room).map(|row| row.as_ref().clone()).collect();
        *room -= entries.len();
        ScopePage { scope, from, to: from + entries.len() as u64, entries, chunk: None }
    }

    fn settled(&self, known: &Known, device: DeviceId, (after, most): (u64, usize)) -> (Option<SettledAck>, bool) {
        let ack = known.ack(device);
        let bare = |ack: Ack| Some(SettledAck { seq: ack.seq, chain: ack.chain, results: Vec::new() });
        if ack.seq <= after {
            return (bare(ack), false);
        }
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        let rows: Vec<(ChangeResult, Digest)> = (after + 1..)
            .zip(known.links.iter().skip(skip).take(most))
            .map(|(seq, link)| (self.result(seq, link), link.chain))
            .collect();
        let Some((seq, chain)) = rows.last().map(|(result, chain)| (result.seq, *chain)) else {
            return (bare(ack), false);
        };
        let results = rows.into_iter().map(|(result, _)| result).collect();
        (Some(SettledAck { seq, chain, results }), seq < ack.seq)
    }

    fn result(&self, seq: u64, link: &super::Link) -> ChangeResult {
        let known = self.changes.get(&link.change);
        let (outcome, code, details) = match (&link.own_code, known) {
            (Some(code), _) => (Outcome::Rejected, Some(code.clone()), serde_json::Value::Null),
            (None, Some(known)) => (known.outcome, known.code.clone(), known.details.clone()),
            (None, None) => (Outcome::Parked, Some("INTERNAL".into()), serde_json::Value::Null),
        };
        ChangeResult { id: link.change, seq, outcome, duplicate: false, code, details }
    }

    pub fn answer(&self, settled: stillage_core::settle::Settled, now: i64) -> PushAnswer {
        let stillage_core::settle::Settled { ack, results, refusal, .. } = settled;
        PushAnswer { epoch: self.epoch, server_time: now, ack, results, refusal }
    }

    /// A push from another history: nothing of it is looked at.
    pub fn other_epoch(&self, device: DeviceId, now: i64) -> PushAnswer {
        let ack = Ack { seq: 0, chain: Digest::start(device) };
        let refusal = Some(PushRefusal::EpochChanged);
        PushAnswer { epoch: self.epoch, server_time: now, ack, results: Vec::new(), refusal }
    }

    /// Makes a device known: a new one, or a known one under a new id. Its record goes into the catalogue.
    pub fn enrol(&mut self, id: DeviceId, known: Known, change: uuid::Uuid, checks: &mut Checks) {
        if let Some(had) = self.devices.get_mut(&id) {
            had.first &= known.first;
            return;
        }
        let person = known.person;
        self.devices.insert(id, known);
        let of = Ref::from(id);
        let fields: Fields = [("name", "device".to_owned()), ("person", PersonId::to_string(&person))]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), serde_json::Value::String(value)))
            .collect();
        let record = Record { of, version: stillage_core::record::UNNUMBERED, archived: false, fields };
        let mut writes = Writes::default();
        writes.log.push(LogRow {
            scope: Scope::Catalogue,
            kind: entry::RECORD,
            id: of.to_string(),
            change: stillage_core::id::ChangeId(change),
            outcome: Outcome::Applied,
            body: record.body(),
            record: Some(of),
            movement: None,
        });
        writes.records.insert(of, record);
        self.commit_writes(&writes, checks);
    }
}
