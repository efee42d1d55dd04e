//! The device's whole pull as pure functions: what an answer comes to, and which of the device's
//! own pending changes must be decided again on top of it.

use crate::{
    change::{Act, ChangeResult, Digest, Outcome},
    decide::{Door, Effects},
    facts::{Facts, LastCount, Needs},
    id::{ChangeId, DeviceId},
    order::OrderKey,
    quantity::Quantity,
    record::{Record, Ref},
    rejection::Rejection,
    scope::Scope,
    settle::{context, needs_of},
    stock::{Cell, Movement, PostedCount},
    wire::{LogEntry, PullAnswer, ScopePage, entry},
};
use std::collections::{BTreeMap, BTreeSet};

/// Why an answer is not applied. It is thrown away whole, its ack with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Discard {
    #[error("page of {scope} starts at {from} and the cursor is at {cursor}")]
    NotAtCursor { scope: Scope, from: u64, cursor: u64 },
    #[error("page of {scope} has a hole before {seq}")]
    Hole { scope: Scope, seq: u64 },
    #[error("the server acknowledges a chain this device does not have at {seq}")]
    ForeignChain { seq: u64 },
    #[error("entry {seq} of {scope} cannot be read: {reason}")]
    Unreadable { scope: Scope, seq: u64, reason: String },
}

/// How the pages change one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct CellChange {
    /// The scope the cell is in.
    pub scope: Scope,
    pub delta: Quantity,
    pub last_order: i64,
    pub count: Option<LastCount>,
}

/// A movement with its number in each scope that brought it.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    pub movement: Movement,
    /// As it came: a newer server may say more of it than this version reads.
    pub body: String,
    pub numbers: BTreeMap<Scope, u64>,
}

/// Rows to write, all in one transaction, together with the cursors.
#[derive(Debug, Clone, Default)]
pub struct Absorbed {
    pub records: BTreeMap<Ref, Record>,
    pub movements: BTreeMap<crate::id::MovementId, Arrived>,
    /// Counts, each with its body as it came.
    pub counts: Vec<(PostedCount, String)>,
    pub cells: BTreeMap<Cell, CellChange>,
    /// Entries of a newer version, to be kept and read after an upgrade.
    pub unknown: Vec<(Scope, LogEntry)>,
    /// Outcome of every change that had an effect in these pages.
    pub outcomes: BTreeMap<ChangeId, Outcome>,
    pub cursors: BTreeMap<Scope, u64>,
    pub removed: Vec<Scope>,
    /// Own changes up to here are settled and leave the outbox's pending part.
    pub settled: Option<(u64, Vec<ChangeResult>)>,
}

/// Checks an answer against the cursors and the device's own chain, and reads it.
/// `chain_at(seq)` is the device's own chain at `seq`.
pub fn absorb(
    answer: &PullAnswer,
    cursors: &BTreeMap<Scope, u64>,
    chain_at: impl Fn(u64) -> Option<Digest>,
) -> Result<Absorbed, Discard> {
    let mut absorbed = Absorbed { removed: answer.removed.clone(), ..Absorbed::default() };
    absorbed.removed.retain(|_| !seeded!(RemovedScopeKept));
    for page in &answer.pages {
        let cursor = cursors.get(&page.scope).copied().unwrap_or(0);
        absorbed.page(page, cursor)?;
    }
    if let Some(ack) = &answer.ack {
        if chain_at(ack.seq) != Some(ack.chain) && !seeded!(ChainAdopted) {
            return Err(Discard::ForeignChain { seq: ack.seq });
        }
        let seq = if seeded!(AckTooFar) { ack.seq + 1 } else { ack.seq };
        absorbed.settled = Some((seq, ack.results.clone()));
    }
    Ok(absorbed)
}

impl Absorbed {
    fn page(&mut self, page: &ScopePage, cursor: u64) -> Result<(), Discard> {
        let scope = page.scope;
        if page.from != cursor && !seeded!(StalePageAccepted) {
            return Err(Discard::NotAtCursor { scope, from: page.from, cursor });
        }
        let mut next = page.from;
        for entry in &page.entries {
            next += 1;
            if entry.seq != next && !seeded!(HoleAccepted) {
                return Err(Discard::Hole { scope, seq: next });
            }
            self.entry(scope, entry).map_err(|reason| Discard::Unreadable { scope, seq: entry.seq, reason })?;
        }
        if next != page.to && !seeded!(ShortPageAccepted) {
            return Err(Discard::Hole { scope, seq: next + 1 });
        }
        self.cursors.insert(scope, page.to);
        Ok(())
    }

    fn entry(&mut self, scope: Scope, logged: &LogEntry) -> Result<(), String> {
        if !seeded!(ShownTwice) {
            self.outcomes.insert(logged.change, logged.outcome);
        }
        let readable = |fault: serde_json::Error| fault.to_string();
        match (logged.kind.as_str(), logged.version) {
            (entry::RECORD, entry::VERSION) => match logged.id.parse::<Ref>() {
                Ok(of) => {
                    let record = Record::from_body(of, logged.seq, &logged.body).map_err(readable)?;
                    self.records.insert(of, record);
                }
                Err(_) => self.unknown.push((scope, logged.clone())),
            },
            (entry::MOVEMENT, entry::VERSION) => {
                let movement = serde_json::from_str(&logged.body).map_err(readable)?;
                self.movement(scope, logged, movement);
            }
            (entry::COUNT, entry::VERSION) => {
                let count = serde_json::from_str(&logged.body).map_err(readable)?;
                self.count(scope, logged, count);
            }
            (entry::GONE, _) => {}
            _ if seeded!(UnknownEntryDropped) => {}
            _ => self.unknown.push((scope, logged.clone())),
        }
        Ok(())
    }

    /// A page changes only the cells of its own scope, even of a movement between two sites.
    fn movement(&mut self, scope: Scope, logged: &LogEntry, movement: Movement) {
        for line in movement.entries().filter(|line| line.scope == scope || seeded!(OtherScopesCells)) {
            let cell = self.cell(line.cell, line.scope);
            cell.delta = cell.delta.checked_add(line.delta).unwrap_or(cell.delta);
            cell.last_order = cell.last_order.max(if seeded!(AbsorbedRaisesNoOrder) { 0 } else { movement.order.ts });
        }
        let body = || logged.body.clone();
        let arrived = self.movements.entry(movement.id);
        let arrived = arrived.or_insert_with(|| Arrived { movement, body: body(), numbers: BTreeMap::new() });
        arrived.numbers.insert(scope, logged.seq);
    }

    fn count(&mut self, scope: Scope, logged: &LogEntry, count: PostedCount) {
        let last = LastCount::of(&count, Some(logged.seq).filter(|_| !seeded!(CountNumberLost)));
        let cell = self.cell(count.cell(), scope);
        cell.last_order = cell.last_order.max(last.order.ts);
        if cell.count.is_none_or(|known| known.order < last.order || seeded!(OldCountAbsorbed)) {
            cell.count = Some(last);
        }
        self.counts.push((count, logged.body.clone()));
    }

    fn cell(&mut self, cell: Cell, scope: Scope) -> &mut CellChange {
        let scope = self.cells.values().next().filter(|_| seeded!(SumOfFirstScope)).map_or(scope, |first| first.scope);
        self.cells.entry(cell).or_insert(CellChange { scope, delta: Quantity::ZERO, last_order: 0, count: None })
    }

    /// Rows whose pending changes must be decided again.
    #[must_use]
    pub fn touched(&self) -> (BTreeSet<Ref>, BTreeSet<Cell>) {
        (self.records.keys().copied().collect(), self.cells.keys().copied().collect())
    }
}

/// A change of this device that the server has not settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    pub change: ChangeId,
    pub device: DeviceId,
    /// Its place among the device's changes, sealed or not.
    pub n: u64,
    pub act: Act,
    /// Where in the base stands what the device did after it, and has back before it.
    pub later: Vec<OrderKey>,
}

/// Rows needed to decide these pending changes, as far as the facts at hand tell.
#[must_use]
pub fn rebase_needs(pending: &[Pending], facts: &Facts) -> Needs {
    let mut needs = Needs::default();
    for change in pending {
        needs.absorb(needs_of(&change.act, facts));
    }
    needs.missing(facts)
}

/// Decides pending changes again, in their order, on facts of the base alone. A rejection here is
/// a forecast: the change stays in the outbox, shows no effect, and the server has the word.
#[must_use]
pub fn rebase(pending: &[Pending], facts: &mut Facts) -> Vec<(ChangeId, Result<Effects, Rejection>)> {
    pending
        .iter()
        .map(|change| {
            let cells = change.act.action.needs(facts).cells;
            let place = (change.change, change.device, change.n);
            facts.later.clone_from(&change.later);
            let context = context(&change.act, place, &cells, facts, Door::Late);
            let decided = change.act.action.decide(&context, facts);
            if let Ok(effects) = &decided
                && !seeded!(PendingNotCarried)
            {
                facts.apply(effects);
            }
            (change.change, decided)
        })
        .collect()
}
