//! The book beside the shelf. With exact clocks every counted cell holds what was seen and what was booked since. With
//! others a cell may be wrong, but then somebody is asked about the pair that no clock could tell apart: a count and a
//! movement, or two counts.

use crate::{
    checks::Check,
    server::Server,
    shelf::{Booked, Known, Place, Seen, merged},
    world::World,
};
use std::collections::{BTreeMap, BTreeSet};
use stillage_core::{
    id::{ChangeId, MovementId},
    order::OrderKey,
    quantity::Quantity,
    record::Kind,
    scope::Scope,
    stock::{Cell, PostedCount},
};

impl World<'_> {
    pub(super) fn check_truth(&mut self) {
        let mut merged = merged(&self.server);
        merged.extend(&self.shelf.joined);
        let flagged = flagged(&self.server);
        let exact = self.plan.exact();
        let cells: Vec<Cell> = self.shelf.places.keys().copied().collect();
        for cell in cells.into_iter().filter(|cell| !merged.contains(&cell.item.0)) {
            let Some((last, due)) = self.shelf.due(&cell, &self.server) else { continue };
            let held = self.server.book.on_hand(&cell);
            let right = held.0 == due;
            let what = || format!("{cell:?} holds {held}, the shelf says {}", Quantity(due));
            if !right && self.mode.trace {
                let told = self.told_of(&cell, last);
                self.say(|| told);
            }
            if exact {
                self.checks.hold(Check::CountedEqualsShelf, right, what);
                continue;
            }
            let fair = right || self.is_excused(&cell, last, &flagged);
            self.checks.hold(Check::WrongIsFlagged, fair, what);
        }
    }

    /// What happened there, as it was and as it is booked.
    fn told_of(&self, cell: &Cell, last: Seen) -> String {
        let booked = self.shelf.places[cell].booked.iter();
        let rows = booked.map(|booked| {
            let order = self.order_of(booked).map(|order| order.ts);
            format!("\n  {} {:+} at {}, booked {order:?}", booked.change, booked.delta, booked.t)
        });
        let counted = self.server.book.cells.get(cell).and_then(|level| level.count);
        format!("  {cell:?}: last seen {last:?}, counted {counted:?}{}", rows.collect::<String>())
    }

    /// Whether every movement on the wrong side of the last count is asked about, or a clock was worse than it said.
    fn is_excused(&self, cell: &Cell, last: Seen, flagged: &Flagged) -> bool {
        let told = self.server.book.cells.get(cell).and_then(|level| level.count);
        let (Some(told), Some(order)) = (told, self.order_of_count(&last)) else { return false };
        let place = &self.shelf.places[cell];
        let every = self.shelf.acts.values().all(Known::honest);
        // What is done knowing an act of a lying clock is moved up past it, whatever its own clock says.
        let honest = |change, order: OrderKey| {
            self.shelf.acts.get(&change).is_some_and(|known| known.honest() && (every || order.ts <= known.at))
        };
        // Two counts in the wrong order, of which one says something else than the other.
        let alike = self.alike(cell, last.change);
        if told.change != last.change && !alike.contains(&told.change) {
            let asked = alike.iter().any(|count| flagged.counts.contains(count));
            let parted = || {
                let mut parted = self.parted(place, told.change, told.order);
                parted.any(|(id, own)| flagged.movements.contains(&id) || !honest(ChangeId(id.0), own))
            };
            let after = || self.came_after(told.change, (last, order), place);
            return asked || parted() || after() || !honest(told.change, told.order) || !honest(last.change, order);
        }
        // Another count speaks. It has a lying clock, and everything was compared with the time it claims; or somebody
        // was asked whether the last one was the later when it did not agree yet with those there were.
        if told.change != last.change && (flagged.counts.contains(&last.change) || !honest(told.change, told.order)) {
            return true;
        }
        place.booked.iter().filter(|booked| self.shelf.counts(booked, &self.server)).all(|booked| {
            let Some(own) = self.order_of(booked) else { return false };
            let right = (own > order) == (booked.t > last.t);
            let asked = flagged.movements.contains(&MovementId(booked.change.0));
            right
                || asked
                || self.came_after(booked.change, (last, order), place)
                || !honest(booked.change, own)
                || !honest(last.change, order)
        })
    }

    /// Movements that the book has on the wrong side of a count. Two counts that agreed when they came in may part
    /// through one of these that came in later; it is that one that somebody is asked about, unless its clock was worse
    /// than it said.
    fn parted(&self, place: &Place, count: ChangeId, order: OrderKey) -> impl Iterator<Item = (MovementId, OrderKey)> {
        let seen = place.seen.iter().find(|seen| seen.change == count).copied();
        let of = |booked: &Booked| Some((self.order_of(booked)?, booked.t, MovementId(booked.change.0)));
        let booked: Vec<_> = place.booked.iter().filter_map(of).collect();
        let wrong = move |own: OrderKey, t| seen.is_some_and(|seen| (own > order) != (t > seen.t));
        booked.into_iter().filter(move |(own, t, _)| wrong(*own, *t)).map(|(own, _, id)| (id, own))
    }

    /// A count and the others of its cell that come to the same, net of what was moved in between.
    fn alike(&self, cell: &Cell, count: ChangeId) -> BTreeSet<ChangeId> {
        let book = &self.server.book;
        let Some(one) = book.counts.get(&count) else { return BTreeSet::new() };
        let agrees = |other: &PostedCount| {
            let (first, last) = if one.order < other.order { (one.as_ref(), other) } else { (other, one.as_ref()) };
            let entries = book.entries.get(cell).into_iter().flatten().filter(|entry| !entry.variance);
            let between = entries.filter(|entry| first.order < entry.order && entry.order < last.order);
            first.counted.0 + between.map(|entry| entry.delta.0).sum::<i64>() == last.counted.0
        };
        let here = book.counts.values().filter(|other| other.cell() == *cell);
        here.filter(|other| agrees(other)).map(|other| other.change).collect()
    }

    /// Whether something came in when two counts that agree were there. It is compared with the one that is booked as
    /// the later, and not with the one that was.
    fn came_after(&self, change: ChangeId, (last, order): (Seen, OrderKey), place: &Place) -> bool {
        let numbers = |change: &ChangeId| self.server.left.get(change).into_iter().flatten().copied();
        // Both counts stand in the log of one site.
        let own: BTreeMap<Scope, u64> = numbers(&change).collect();
        let before = |seen: &Seen| {
            let mut sites = numbers(&seen.change).filter(|(scope, _)| matches!(scope, Scope::Site(_)));
            sites.any(|(scope, seq)| own.get(&scope).is_some_and(|own| seq < *own))
        };
        let later = |seen: &Seen| self.order_of_count(seen).is_some_and(|of| of > order);
        before(&last) && place.seen.iter().any(|seen| later(seen) && before(seen))
    }

    fn order_of(&self, booked: &Booked) -> Option<OrderKey> {
        self.server.book.movements.get(&MovementId(booked.change.0)).map(|kept| kept.movement.order)
    }

    fn order_of_count(&self, seen: &Seen) -> Option<OrderKey> {
        self.server.book.counts.get(&seen.change).map(|count| count.order)
    }
}

/// What somebody is or was asked about.
struct Flagged {
    movements: BTreeSet<MovementId>,
    counts: BTreeSet<ChangeId>,
}

fn flagged(server: &Server) -> Flagged {
    let rows = server.book.records.values().filter(|record| record.of.kind == Kind::Inbox);
    let ambiguous = rows.filter(|row| row.text("kind") == Some("ambiguous_count"));
    let details: Vec<_> = ambiguous.filter_map(|row| row.fields.get("details")).collect();
    let text = |name| details.iter().filter_map(move |details| details.get(name)?.as_str());
    let pairs = details.iter().filter(|details| details.get("other").is_some());
    let counts = pairs.flat_map(|pair| [pair.get("count"), pair.get("other")]).flatten();
    let counts = counts.filter_map(|count| count.as_str()?.parse().ok()).collect();
    Flagged { movements: text("movement").filter_map(|id| id.parse().ok()).collect(), counts }
}
