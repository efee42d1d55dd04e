//! The acts of a batch, each body read once.
//!
//! The surprise: it is read before anything is known, and may be asked many times. What the rules need is found in
//! rounds, and every round asks every act; a body that was parsed in each of them was parsed five times.

use super::{Push, Settled, Writes, ambiguous, needs_of, release, settle_push, tails_of};
use crate::{
    action::Action,
    change::{Act, Change, Digest},
    facts::{Facts, Needs},
    id::{ChangeId, ItemId},
    rejection::Rejection,
    stock::Cell,
};
use std::collections::{BTreeMap, BTreeSet};

/// A change read once: what its content is told by, and what its body says, or why that cannot be read.
#[derive(Debug)]
pub struct Read {
    pub(super) hash: Digest,
    pub(super) act: Result<Act, Rejection>,
}

impl Read {
    #[must_use]
    pub fn of(change: &Change) -> Self {
        Self { hash: change.hash(), act: change.read() }
    }

    /// As the server takes it: nothing happens later than it is heard of, and it was done by whoever the device
    /// belongs to.
    pub(super) fn taken(self, push: &Push) -> Self {
        let latest = if seeded!(ReceiptClampMissing) { i64::MAX } else { push.received_at };
        let act = self.act.map(|act| {
            let act = act.within(push.healing.epoch);
            Act { at: act.at.min(latest), person: Some(push.device.person), ..act }
        });
        Self { act, ..self }
    }
}

/// A batch with what its bodies say.
#[derive(Debug)]
pub struct Reading<'a>(Vec<(&'a Push, Vec<Read>)>);

impl<'a> Reading<'a> {
    #[must_use]
    pub fn of(batch: &'a [Push]) -> Self {
        Self::with(batch, batch.iter().map(|push| push.changes.iter().map(Read::of).collect()))
    }

    /// The same, of changes that were read before anything was known of their devices.
    #[must_use]
    pub fn with(batch: &'a [Push], reads: impl IntoIterator<Item = Vec<Read>>) -> Self {
        let taken =
            |(push, reads): (&'a Push, Vec<Read>)| (push, reads.into_iter().map(|read| read.taken(push)).collect());
        Self(batch.iter().zip(reads).map(taken).collect())
    }

    /// Its changes, which are looked for whatever they say.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<ChangeId> {
        self.0.iter().flat_map(|(push, _)| &push.changes).map(|change| change.id).collect()
    }

    /// Rows the batch must see, as far as the facts at hand tell. Asked until nothing is missing.
    #[must_use]
    pub fn needs(&self, facts: &Facts) -> Needs {
        let mut needs = Needs::default();
        let joined = self.joined(facts);
        for (push, reads) in &self.0 {
            for (change, read) in push.changes.iter().zip(reads) {
                needs.changes.insert(change.id);
                release::needs(push, change, &mut needs);
                if let Ok(act) = &read.act {
                    let own = needs_of(act, facts);
                    // One that comes back has the place it had, which may lie before its own time.
                    if let Some(ts) = push.healing.order(change.id, act, push.received_at) {
                        needs.absorb(tails_of(ts.min(act.at), &own.cells, facts));
                    }
                    needs.absorb(ambiguous::needs(act, &own.cells, facts));
                    if !joined.is_empty() {
                        let theirs = elsewhere(&own.cells, &joined);
                        needs.absorb(tails_of(act.at, &theirs, facts));
                        needs.absorb(ambiguous::needs(act, &theirs, facts));
                    }
                    needs.absorb(own);
                }
            }
        }
        needs.missing(facts)
    }

    /// Items that a change of this batch makes one: what comes after it finds its cells under the other name.
    fn joined(&self, facts: &Facts) -> BTreeMap<ItemId, ItemId> {
        let acts = self.0.iter().flat_map(|(_, reads)| reads).filter_map(|read| read.act.as_ref().ok());
        let joins = |act: &Act| match &act.action {
            Action::Resolve(resolve) => resolve.joins(facts),
            _ => None,
        };
        acts.filter_map(joins).collect()
    }

    /// Decides every change of every push in turn, each seeing what those before it did.
    #[must_use]
    pub fn settle(self, facts: &mut Facts) -> (Vec<Settled>, Writes) {
        let mut writes = Writes::default();
        let waiting = self.0.iter().filter_map(|(push, _)| Some((push.device.id, push.device.waiting?)));
        facts.waiting.extend(waiting);
        let settled = self.0.into_iter().map(|(push, reads)| settle_push(push, reads, facts, &mut writes)).collect();
        writes.close(facts);
        (settled, writes)
    }
}

fn elsewhere(cells: &BTreeSet<Cell>, joined: &BTreeMap<ItemId, ItemId>) -> BTreeSet<Cell> {
    cells.iter().filter_map(|cell| Some(Cell { item: *joined.get(&cell.item)?, ..*cell })).collect()
}
