//! The acts of a batch, each body read once.
//!
//! The surprise: it is read before anything is known, and may be asked many times. What the rules need is found in
//! rounds, and every round asks every act; a body that was parsed in each of them was parsed five times.

use super::{Push, Read, Settled, Writes, ambiguous, needs_of, read, release, settle_push, tails_of};
use crate::{
    action::Action,
    change::Act,
    facts::{Facts, Needs},
    id::ItemId,
    stock::Cell,
};
use std::collections::{BTreeMap, BTreeSet};

/// A batch with what its bodies say.
#[derive(Debug)]
pub struct Reading<'a>(Vec<(&'a Push, Vec<Read>)>);

impl<'a> Reading<'a> {
    #[must_use]
    pub fn of(batch: &'a [Push]) -> Self {
        let acts = |push: &Push| push.changes.iter().map(|change| read(push, change)).collect();
        Self(batch.iter().map(|push| (push, acts(push))).collect())
    }

    /// Rows the batch must see, as far as the facts at hand tell. Asked until nothing is missing.
    #[must_use]
    pub fn needs(&self, facts: &Facts) -> Needs {
        let mut needs = Needs::default();
        let joined = self.joined(facts);
        for (push, acts) in &self.0 {
            for (change, act) in push.changes.iter().zip(acts) {
                needs.changes.insert(change.id);
                release::needs(push, change, &mut needs);
                if let Ok(act) = act {
                    let own = needs_of(act, facts);
                    let theirs = elsewhere(&own.cells, &joined);
                    // One that comes back has the place it had, which may lie before its own time.
                    let since =
                        push.healing.order(change.id, act, push.received_at).map_or(act.at, |ts| ts.min(act.at));
                    needs.absorb(tails_of(act.at, &theirs, facts));
                    needs.absorb(tails_of(since, &own.cells, facts));
                    for cells in [&own.cells, &theirs] {
                        needs.absorb(ambiguous::needs(act, cells, facts));
                    }
                    needs.absorb(own);
                }
            }
        }
        needs.missing(facts)
    }

    /// Items that a change of this batch makes one: what comes after it finds its cells under the other name.
    fn joined(&self, facts: &Facts) -> BTreeMap<ItemId, ItemId> {
        let acts = self.0.iter().flat_map(|(_, acts)| acts).flatten();
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
        let settled = self.0.into_iter().map(|(push, acts)| settle_push(push, acts, facts, &mut writes)).collect();
        writes.close(facts);
        (settled, writes)
    }
}

fn elsewhere(cells: &BTreeSet<Cell>, joined: &BTreeMap<ItemId, ItemId>) -> BTreeSet<Cell> {
    cells.iter().filter_map(|cell| Some(Cell { item: *joined.get(&cell.item)?, ..*cell })).collect()
}
