//! What is really there. People act on the shelf at a true time that no clock of theirs need know; what they booked of
//! it, and what they saw when they counted, is noted beside it. From that alone follows what the book should say.

use crate::server::Server;
use std::collections::{BTreeMap, BTreeSet};
use stillage_core::{
    change::Outcome,
    decide::Effects,
    id::ChangeId,
    quantity::ONE,
    record::{Kind, Record},
    stock::{Cell, MovementKind},
};

/// A movement somebody booked in a cell.
#[derive(Debug, Clone, Copy)]
pub struct Booked {
    pub t: i64,
    pub delta: i64,
    pub change: ChangeId,
}

/// A count: what somebody saw.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub t: i64,
    pub held: i64,
    pub change: ChangeId,
}

#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Micro-units on the shelf now.
    pub held: i64,
    pub booked: Vec<Booked>,
    pub seen: Vec<Seen>,
}

/// The true time of an act, and what its device believed.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub t: i64,
    pub at: i64,
    pub error: i64,
}

impl Known {
    /// Whether the clock was as good as it said.
    pub fn honest(&self) -> bool {
        (self.at - self.t).abs() <= self.error
    }
}

#[derive(Debug, Default)]
pub struct Shelf {
    pub places: BTreeMap<Cell, Place>,
    pub acts: BTreeMap<ChangeId, Known>,
    /// Bookings of what never happened, to be reversed.
    pub mistakes: Vec<ChangeId>,
    /// Which change takes which one back.
    pub reversals: Vec<(ChangeId, ChangeId)>,
    /// Items somebody made one on their device, also where the server had it otherwise: until they heard of that, they
    /// booked what they called by one name under the other.
    pub joined: BTreeSet<uuid::Uuid>,
}

impl Shelf {
    pub fn held(&self, cell: &Cell) -> i64 {
        self.places.get(cell).map_or(0, |place| place.held)
    }

    pub fn units(&self, cell: &Cell) -> i64 {
        self.held(cell) / ONE
    }

    /// Something left or came without a word.
    pub fn hidden(&mut self, cell: Cell, delta: i64) {
        self.places.entry(cell).or_default().held += delta;
    }

    /// Notes what was recorded, and moves the goods unless it was a mistake.
    pub fn acted(&mut self, change: ChangeId, known: Known, effects: &Effects, mistake: bool) {
        self.acts.insert(change, known);
        for movement in &effects.movements {
            if matches!(movement.kind, MovementKind::CountVariance) {
                continue;
            }
            if let Some(original) = movement.reverses {
                self.reversals.push((ChangeId(original.0), change));
                continue;
            }
            // What a merge or an answer books moves no goods.
            if movement.id.0 != change.0 {
                continue;
            }
            for line in movement.entries() {
                let place = self.places.entry(line.cell).or_default();
                place.booked.push(Booked { t: known.t, delta: line.delta.0, change });
                if !mistake {
                    place.held += line.delta.0;
                }
            }
        }
        if mistake {
            self.mistakes.push(change);
        }
        let aliases = effects.records.iter().filter_map(|record| Some([record.of.id, record.alias_of()?]));
        self.joined.extend(aliases.flatten());
        // Who says which of two counts was the later one has not looked again.
        for count in effects.counts.iter().filter(|_| !answers(effects)) {
            let place = self.places.entry(count.cell()).or_default();
            place.seen.push(Seen { t: known.t, held: count.counted.0, change });
        }
    }

    /// What a counted cell must hold: what was seen last, and what was booked since, both as far as the server took it.
    pub fn due(&self, cell: &Cell, server: &Server) -> Option<(Seen, i64)> {
        let place = self.places.get(cell)?;
        let last = place.seen.iter().filter(|seen| accepted(server, seen.change)).max_by_key(|seen| seen.t)?;
        let after = place.booked.iter().filter(|booked| booked.t > last.t && self.counts(booked, server));
        Some((*last, last.held + after.map(|booked| booked.delta).sum::<i64>()))
    }

    /// Whether a booking stands: taken by the server and not taken back.
    pub fn counts(&self, booked: &Booked, server: &Server) -> bool {
        let void = |(of, by): &(ChangeId, ChangeId)| *of == booked.change && accepted(server, *by);
        accepted(server, booked.change) && !self.reversals.iter().any(void)
    }
}

/// Whether it answers a question of the inbox.
pub fn answers(effects: &Effects) -> bool {
    effects.records.iter().any(|record| record.of.kind == Kind::Inbox)
}

pub fn accepted(server: &Server, change: ChangeId) -> bool {
    let outcome = server.changes.get(&change).map(|known| known.outcome);
    matches!(outcome, Some(Outcome::Applied | Outcome::Merged))
}

/// Items that were merged with others: their goods are one heap, and nobody saw it whole.
pub fn merged(server: &Server) -> BTreeSet<uuid::Uuid> {
    let aliases = server
        .book
        .records
        .values()
        .filter_map(|record: &std::rc::Rc<Record>| record.alias_of().map(|winner| [record.of.id, winner]));
    aliases.flatten().collect()
}
