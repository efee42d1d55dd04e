//! What the server takes: links that agree, and an order in which nothing stands before its cause. What somebody did or knew before they acted comes before the act, whatever their clock said: of one device in one
//! cell, and of what its cursors covered.

use super::World;
use crate::{
    checks::Check,
    plan::Fault,
    server::{Attempt, Request},
    shelf::answers,
};
use std::collections::{BTreeMap, BTreeSet};
use stillage_core::{
    decide::Effects,
    id::{ChangeId, MovementId},
    order::OrderKey,
    settle::{Settled, Writes},
    stock::{Cell, MovementKind},
    wire::PushInput,
};

/// What a device had of a cell when somebody acted there.
#[derive(Debug, Clone, Copy, Default)]
struct Had {
    /// The last of the entries that had come.
    entry: i64,
    /// The last count that had come, and when it was.
    count: Option<(ChangeId, i64)>,
    /// What was done there on the same device just before.
    own: Option<ChangeId>,
}

#[derive(Debug, Default)]
pub(super) struct Causes {
    had: BTreeMap<(ChangeId, Cell), Had>,
    last: BTreeMap<(usize, Cell), ChangeId>,
    /// Where each was put at first: after a restore it has its place again, whoever has come back by then.
    placed: BTreeMap<(ChangeId, Cell), i64>,
}

impl World<'_> {
    /// Says whether something that was parked came free by it.
    pub(super) fn commit(&mut self, attempt: &Attempt) -> bool {
        self.server.commit(attempt, &mut self.checks);
        self.check_causes(&attempt.writes);
        let released = self.server.release(&mut self.checks);
        released.iter().for_each(|writes| self.check_causes(writes));
        !released.is_empty()
    }

    /// What stands on rows that only the batch itself has named goes on when that is committed.
    pub(super) fn finished(&mut self, requests: &[Request], mut settled: Vec<Option<Settled>>) -> Vec<Option<Settled>> {
        for (request, settled) in requests.iter().zip(&mut settled) {
            let Some(whole) = settled.as_mut().filter(|whole| whole.refusal.is_none()) else { continue };
            while whole.taken < request.input.changes.len() {
                let attempt = self.server.attempt(&[request.after(whole.taken)]);
                self.commit(&attempt);
                let Some(Some(more)) = attempt.settled.into_iter().next() else { break };
                self.checks.hold(Check::GapFreePrefix, more.taken > 0, || "the rest of a push is not taken".into());
                if more.taken == 0 {
                    break;
                }
                (whole.ack, whole.taken) = (more.ack, whole.taken + more.taken);
                whole.results.extend(more.results);
            }
        }
        settled
    }

    /// What was taken stands in the chain as the device has it; what was not taken again is known by what it says and
    /// not by its number.
    pub(super) fn check_links(&mut self, requests: &[Request], settled: &[Option<Settled>]) {
        for (request, settled) in requests.iter().zip(settled) {
            let PushInput { device, prev_chain, ref changes, .. } = request.input;
            let taken = settled.as_ref().is_some_and(|settled| settled.refusal.is_none());
            let Some(known) = self.server.devices.get(&device).filter(|_| taken) else { continue };
            let mut chain = prev_chain;
            for change in changes {
                chain = chain.next(change.id, change.hash());
                let link = usize::try_from(change.seq - 1).ok().and_then(|at| known.links.get(at));
                let same = link.is_some_and(|link| link.chain == chain);
                let known = || self.server.changes.get(&change.id).is_some_and(|known| known.hash == change.hash());
                let held = same || known();
                self.checks.hold(Check::GapFreePrefix, held, || format!("{} is another link there", change.id));
            }
        }
    }

    /// Notes what was known when `change` was recorded. A reversal stands where its movement does, and
    /// what an answer enters where that says.
    pub(super) fn knew(&mut self, device: usize, change: ChangeId, effects: &Effects) {
        let base = &self.devices[device].disk.base;
        let moved = effects.movements.iter().filter(|m| m.id.0 == change.0 && m.kind != MovementKind::Reversal);
        let mut cells: BTreeSet<Cell> = moved.flat_map(|m| m.entries().map(|line| line.cell)).collect();
        if !answers(effects) {
            cells.extend(effects.counts.iter().map(|count| count.cell()));
        }
        for cell in cells {
            let entries = base.entries.get(&cell).into_iter().flatten().filter(|entry| entry.log_seq.is_some());
            let count = base.cells.get(&cell).and_then(|level| level.count);
            let had = Had {
                entry: entries.map(|entry| entry.order.ts).max().unwrap_or(0),
                count: count.map(|count| (count.change, count.order.ts)),
                own: self.causes.last.insert((device, cell), change),
            };
            self.causes.had.insert((change, cell), had);
        }
    }

    /// Where the server has put what it took. A count that another has overtaken moves nothing any more.
    pub(super) fn check_causes(&mut self, writes: &Writes) {
        let counted = writes.counts.iter().map(|count| (count.change, count.cell(), count.order));
        let moved = writes.movements.iter().filter(|m| m.id.0 == m.change.0 && m.kind != MovementKind::Reversal);
        let moved = moved.flat_map(|m| m.entries().map(|line| (m.change, line.cell, m.order)));
        for (change, cell, order) in counted.chain(moved) {
            let Some(had) = self.causes.had.get(&(change, cell)).copied() else { continue };
            let last = self.server.book.cells.get(&cell).and_then(|level| level.count).map(|count| count.change);
            let count = had.count.filter(|(of, _)| last == Some(*of)).map_or(0, |(_, ts)| ts);
            let own = had.own.filter(|own| self.counted(*own).is_none() || last == Some(*own));
            let own = own.and_then(|own| self.moved(own).or_else(|| self.counted(own)));
            let own = own.filter(|own| own.device == order.device).map_or(0, |own| own.ts);
            let before = had.entry.max(count).max(own);
            let first = *self.causes.placed.entry((change, cell)).or_insert(order.ts);
            if first == order.ts && self.fired[Fault::Restore.at()] > 0 {
                continue;
            }
            let what = || format!("{change} is put at {} and what was known at {before}", order.ts);
            self.checks.hold(Check::CauseComesFirst, order.ts > before, what);
        }
    }

    fn moved(&self, change: ChangeId) -> Option<OrderKey> {
        self.server.book.movements.get(&MovementId(change.0)).map(|kept| kept.movement.order)
    }

    fn counted(&self, change: ChangeId) -> Option<OrderKey> {
        self.server.book.counts.get(&change).map(|count| count.order)
    }
}
