//! What must hold of a device after every answer, and of everybody when faults have stopped and all is sent.

mod equal;
mod orders;
mod sums;
mod truth;

use super::{Event, World};
use crate::{
    checks::{Check, Checks},
    device::{Disk, Stage, State},
    server::Server,
};
use std::collections::{BTreeMap, BTreeSet};
use stillage_core::{
    change::Outcome, decide::Effects, quantity::Quantity, record::Kind, scope::Scope, settle::awaited, stock::Cell,
    wire::PullAnswer,
};

/// More new ids than this are a loop: an image and a copy may each cost a few.
const MOST_FORKS: u32 = 12;

impl World<'_> {
    pub(super) fn calm_down(&mut self) {
        self.calm = true;
        self.say(|| "faults stop".into());
        self.join();
        for device in 0..self.devices.len() {
            self.after(2000, Event::Poke { device });
        }
    }

    pub(super) fn is_at_rest(&self) -> bool {
        let rests = |at: usize| {
            let device = &self.devices[at];
            let idle = device.stage == Stage::Idle && !device.again && !device.forked;
            idle && device.online
                && self.has_met(at)
                && device.disk.owing().is_empty()
                && device.keyring == device.disk.device
                && device.disk.waiting() == 0
                && self.is_at_head(at)
        };
        self.waiting.is_empty() && (0..self.devices.len()).all(rests)
    }

    fn is_at_head(&self, at: usize) -> bool {
        let (Some(heads), cursors) = (self.heads_of(at), &self.devices[at].disk.cursors) else { return false };
        let known = self.server.devices.get(&self.devices[at].disk.device);
        // A site that nobody has written to has no head; a device that was told of it once stands at 0.
        let held = |scope: &Scope| known.is_some_and(|known| known.holds(*scope));
        heads.iter().all(|(scope, head)| cursors.get(scope) == Some(head))
            && cursors.iter().all(|(scope, at)| heads.contains_key(scope) || held(scope) && *at == 0)
    }

    /// The heads of every scope granted to a device.
    fn heads_of(&self, at: usize) -> Option<BTreeMap<Scope, u64>> {
        let known = self.server.devices.get(&self.devices[at].disk.device)?;
        let logged = self.server.logs.keys().copied().filter(|scope| known.holds(*scope));
        let granted = known.sites.iter().flatten().map(|site| Scope::Site(*site));
        let own = [Scope::Catalogue, Scope::Inbox(known.person)];
        Some(logged.chain(granted).chain(own).map(|scope| (scope, self.server.head(scope))).collect())
    }

    /// What one answer may do to a device.
    pub(super) fn check_applied(
        &mut self,
        at: usize,
        answer: &PullAnswer,
        (before, cells): (&BTreeMap<Scope, u64>, &[Cell]),
    ) {
        let (disk, checks) = (&self.devices[at].disk, &mut self.checks);
        // Of a history that is no more the rest is not there to be compared with.
        let here = answer.epoch == self.server.epoch;
        for (scope, old) in before {
            let now = disk.cursors.get(scope);
            let held = now.is_some_and(|now| now >= old) || answer.removed.contains(scope);
            checks.hold(Check::CursorsNeverGoBack, held, || format!("{scope} went from {old} to {now:?}"));
        }
        for page in &answer.pages {
            let log = self.server.logs.get(&page.scope).map_or(0, Vec::len) as u64;
            let now = disk.cursors.get(&page.scope).copied();
            let tiles = page.entries.len() as u64 == page.to - page.from
                && (page.to <= log || !here)
                && (now == Some(page.to) || answer.removed.contains(&page.scope));
            checks.hold(Check::PagesTile, tiles, || format!("{} from {} to {}", page.scope, page.from, page.to));
        }
        // The whole file is looked through when a scope went, and now and then.
        if self.mode.every || !answer.removed.is_empty() || self.served.is_multiple_of(16) {
            let beyond = disk.holds_beyond(|scope| disk.cursors.contains_key(&scope));
            checks.hold(Check::HoldsOnlyGranted, beyond.is_none(), || format!("device {at} holds {beyond:?}"));
        }
        let owing = disk.owing();
        for cell in cells {
            // Until history is in, entries do not come to what was there before them.
            if scope_of(disk, cell).is_some_and(|scope| owing.contains_key(&scope)) {
                continue;
            }
            let Some(level) = disk.base.cells.get(cell) else { continue };
            let entries = disk.base.entries.get(cell).into_iter().flatten().filter(|entry| entry.log_seq.is_some());
            let sum: i64 = entries.map(|entry| entry.delta.0).sum();
            checks.hold(Check::BalancesAreSums, level.on_hand.0 == sum, || {
                format!("device {at}: {cell:?} holds {} and its entries sum to {}", level.on_hand, Quantity(sum))
            });
        }
        sums::check_told(at, (disk, answer), checks);
        check_shown(at, disk, checks);
        if here {
            check_owing(at, disk, &self.server, checks);
        }
        check_once(at, disk, checks);
        let Some(ack) = &answer.ack else { return };
        let own = disk.chain_at(ack.seq) == Some(ack.chain);
        checks.hold(Check::GapFreePrefix, own, || format!("device {at} believes another chain at {}", ack.seq));
        // What waited for others may have come free since this was said.
        let said = ack.results.iter().filter(|result| here && awaited(result).is_none());
        for result in said {
            let left = self.server.left.get(&result.id).into_iter().flatten();
            for (scope, seq) in left {
                let seen = disk.cursors.get(scope).is_none_or(|cursor| cursor >= seq);
                checks.hold(Check::AckCoversEffects, seen, || format!("{} is settled before {scope} {seq}", result.id));
            }
        }
    }

    pub(super) fn check_rest(&mut self) {
        self.check_server();
        self.check_stores(true);
        for at in 0..self.devices.len() {
            let device = &self.devices[at];
            let (waits, forks) = (device.disk.waiting(), device.forks);
            self.checks.hold(Check::OutboxesDrain, waits == 0, || format!("{waits} changes wait on device {at}"));
            self.checks.hold(Check::NoResetLoops, forks <= MOST_FORKS, || format!("device {at} took {forks} ids"));
            let there = self.is_at_head(at);
            let (heads, cursors) = (self.heads_of(at), &self.devices[at].disk.cursors);
            self.checks.hold(Check::PokesEndAtHead, there, || format!("device {at} is at {cursors:?} of {heads:?}"));
            let known = self.server.devices.get(&self.devices[at].disk.device);
            let beyond = self.devices[at].disk.holds_beyond(|scope| known.is_some_and(|known| known.holds(scope)));
            self.checks.hold(Check::HoldsOnlyGranted, beyond.is_none(), || format!("device {at} holds {beyond:?}"));
            if self.checks.breach.is_none() {
                self.check_equal(at);
            }
        }
        self.check_ends();
        self.check_came_back();
        self.check_sums();
        self.check_truth();
        self.check_orders();
    }

    /// Every change that was ever recorded has an end that somebody sees.
    fn check_ends(&mut self) {
        let inbox = self.server.book.records.values().filter(|record| record.of.kind == Kind::Inbox);
        let about: BTreeSet<&str> = inbox.filter_map(|record| record.text("change")).collect();
        for (change, _) in &self.recorded {
            let known = self.server.changes.get(change);
            let ended = known.is_some() || self.destroyed.contains(change);
            self.checks.hold(Check::EveryChangeEnds, ended, || format!("{change} has no end"));
            let Some(known) = known else { continue };
            let refused = matches!(known.outcome, Outcome::Rejected | Outcome::Parked);
            let told = !refused || about.contains(change.to_string().as_str());
            self.checks.hold(Check::EveryChangeEnds, told, || format!("{change} was refused and nobody is asked"));
        }
        for device in &self.devices {
            for row in device.disk.outbox.iter().filter(|row| row.state != State::Queued && !row.waits()) {
                let end = self.server.changes.get(&row.change.id).map(|known| known.outcome);
                let same = end.is_some() && (row.outcome == end || self.is_of_lost(row));
                let id = row.change.id;
                self.checks.hold(Check::OutcomesNeverChange, same, || format!("{id} is {:?} and {end:?}", row.outcome));
            }
        }
        for change in &self.poisoned {
            let outcome = self.server.changes.get(change).map(|known| known.outcome);
            let aside = matches!(outcome, Some(Outcome::Parked | Outcome::Rejected)) || self.destroyed.contains(change);
            self.checks.hold(Check::PoisonDelaysNobody, aside, || format!("{change} came to {outcome:?}"));
        }
    }
}

/// What is shown of what waits is not in the base already.
pub(super) fn check_once(at: usize, disk: &Disk, checks: &mut Checks) {
    for row in disk.outbox.iter().filter(|row| row.waits()) {
        let shown = row.effects.iter().flat_map(|effects| &effects.movements);
        let once = shown.into_iter().all(|movement| !disk.base.movements.contains_key(&movement.id));
        checks.hold(Check::OneEffect, once, || format!("device {at} shows {} twice", row.change.id));
    }
}

/// Where history is still owed, a cell holds what the log comes to at the cursor: the snapshot and what came after it.
pub(super) fn check_owing(at: usize, disk: &Disk, server: &Server, checks: &mut Checks) {
    let owing = disk.owing();
    if owing.is_empty() {
        return;
    }
    for (cell, level) in disk.base.cells.iter() {
        let scope = scope_of(disk, cell).filter(|scope| owing.contains_key(scope));
        let Some(cursor) = scope.and_then(|scope| disk.cursors.get(&scope)) else { continue };
        let due = server.on_hand_at(cell, *cursor);
        checks.hold(Check::SnapshotEqualsLog, level.on_hand == due, || {
            format!("device {at}: {cell:?} holds {} and the log comes to {due} at {cursor}", level.on_hand)
        });
    }
}

fn scope_of(disk: &Disk, cell: &Cell) -> Option<Scope> {
    let site = disk.base.records.get(&cell.location.into())?.reference("site")?;
    Some(Scope::Site(stillage_core::id::LocationId(site)))
}

/// What people see of a counted cell, with what waits on top of it, is what was counted and what followed. A page may
/// end between a count and its variance: until the rest has come, the base says nothing.
fn check_shown(at: usize, disk: &Disk, checks: &mut Checks) {
    let shown = disk.shown();
    let waiting = shown.iter().flat_map(|effects| &effects.movements).flat_map(|movement| movement.entries());
    let owing = disk.owing();
    let held = waiting.filter(|line| disk.cursors.contains_key(&line.scope) && !owing.contains_key(&line.scope));
    let cells: BTreeSet<Cell> = held.map(|line| line.cell).collect();
    for cell in cells {
        // One end of a movement between two sites may have come before the other.
        let half = disk.base.entries.get(&cell).into_iter().flatten().any(|entry| entry.log_seq.is_none());
        if half || due(disk, &cell, &[]).is_some_and(|due| due != disk.base.on_hand(&cell).0) {
            continue;
        }
        let level = disk.base.level(&cell, &shown);
        let Some(due) = due(disk, &cell, &shown) else { continue };
        checks.hold(Check::CountsAreKept, level.on_hand.0 == due, || {
            format!("device {at} shows {} of {cell:?}, which was counted to {}", level.on_hand, Quantity(due))
        });
    }
}

fn due(disk: &Disk, cell: &Cell, shown: &[&Effects]) -> Option<i64> {
    let last = disk.base.level(cell, shown).count?;
    let tail = disk.base.tail(cell, i64::MIN, shown);
    let after = tail.iter().filter(|entry| !entry.variance && entry.order > last.order);
    Some(last.counted.0 + after.map(|entry| entry.delta.0).sum::<i64>())
}
