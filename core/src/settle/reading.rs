//! The acts of a batch, each body read once.
//!
//! The surprise: it is read before anything is known, and may be asked many times. What the rules need is found in
//! rounds, and every round asks every act; a body that was parsed in each of them was parsed five times.

use super::{Push, Read, Settled, Writes, ambiguous, needs_of, read, release, settle_push};
use crate::facts::{Facts, Needs};

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
        for (push, acts) in &self.0 {
            for (change, act) in push.changes.iter().zip(acts) {
                needs.changes.insert(change.id);
                release::needs(push, change, &mut needs);
                if let Ok(act) = act {
                    let own = needs_of(act, facts);
                    needs.absorb(ambiguous::needs(act, &own.cells, facts));
                    needs.absorb(own);
                }
            }
        }
        needs.missing(facts)
    }

    /// Decides every change of every push in turn, each seeing what those before it did.
    #[must_use]
    pub fn settle(self, facts: &mut Facts) -> (Vec<Settled>, Writes) {
        let mut writes = Writes::default();
        let settled = self.0.into_iter().map(|(push, acts)| settle_push(push, acts, facts, &mut writes)).collect();
        writes.close(facts);
        (settled, writes)
    }
}
