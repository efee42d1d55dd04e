//! A count and a movement of its cell that lie closer together than their clocks are good, made on
//! two devices that did not know of each other. Their order decides all the same, and the same way
//! everywhere; whether it was the true one is asked of whoever counted, once a pair. Two counts that close are
//! asked about too, when they do not come to the same.
//!
//! Looked at is the one that arrives second: the first cannot have known of it.

use super::{Push, writes::new_row};
use crate::{
    action::Action,
    change::{Act, MAX_CLOCK_ERROR},
    decide::{Effects, InboxKind, knew},
    facts::{CellFacts, Facts, LastCount, Needs, TailEntry},
    id::InboxId,
    order::OrderKey,
    quantity::Quantity,
    record::{Record, Ref},
    stock::{Cell, Movement, PostedCount},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How far back a count looks: it does not know how far off the others' clocks were. A movement
/// needs nothing, the last count comes with its cell.
pub(super) fn needs(act: &Act, cells: &BTreeSet<Cell>, facts: &Facts) -> Needs {
    let mut needs = Needs::default();
    let Action::Count(_) = act.action else { return needs };
    let back = if seeded!(CountLooksNotBack) { 0 } else { MAX_CLOCK_ERROR };
    let from = act.at.saturating_sub(act.error()).saturating_sub(back);
    for cell in cells {
        if facts.cells.get(cell).is_some_and(|known| known.last_order >= from) {
            needs.tails.insert(*cell, from);
        }
    }
    needs
}

/// The questions that a change raises, as inbox rows. The facts are those it was decided on.
pub(super) fn rows(push: &Push, act: &Act, effects: &Effects, facts: &Facts) -> Vec<Record> {
    // The answer to such a question enters a movement beside the count on purpose.
    if matches!(act.action, Action::Resolve(_)) || seeded!(NothingAmbiguous) {
        return Vec::new();
    }
    let twice = effects.counts.iter().filter_map(|count| beside_last(count, facts));
    let twice = twice.filter(|pair| !knew(facts.cut_of(&pair.cell, &act.cut.cursors), pair.first_seq));
    let counted = effects.counts.iter().flat_map(|count| beside_count(count, facts));
    let moved = effects.movements.iter().flat_map(|movement| beside_movement(movement, facts));
    counted
        .chain(moved)
        .filter(|pair| !knew(facts.cut_of(&pair.cell, &act.cut.cursors), pair.first_seq()))
        .map(|pair| pair.row(push))
        .chain(twice.map(|pair| pair.row(push)))
        .collect()
}

/// A count and a movement of its cell.
struct Pair {
    cell: Cell,
    count: LastCount,
    moved: TailEntry,
}

/// A count that a later one has overtaken no longer says what the cell holds. Where both come to the same, what moved
/// after the later one may still have moved before the other.
fn beside_count(count: &PostedCount, facts: &Facts) -> Vec<Pair> {
    let cell = count.cell();
    let known = facts.cell(&cell);
    let count = LastCount::of(count, None);
    let overtaken = known.count.filter(|last| last.order > count.order);
    if overtaken.is_some_and(|last| !agree(known, &count, &last)) {
        return Vec::new();
    }
    let said = |entry: &TailEntry| overtaken.is_some_and(|last| entry.order < last.order);
    let moved = net(known).filter(|entry| !said(entry) && close(&count, entry));
    moved.map(|moved| Pair { cell, count, moved }).collect()
}

/// What was moved in a cell. A reversal has the order of what it takes back: together they are nothing to ask about.
fn net(known: &CellFacts) -> impl Iterator<Item = TailEntry> {
    let mut moved: BTreeMap<OrderKey, TailEntry> = BTreeMap::new();
    for entry in known.tail.iter().filter(|entry| !entry.variance) {
        let add = |sum: &mut TailEntry| sum.delta = sum.delta.checked_add(entry.delta).unwrap_or(sum.delta);
        moved.entry(entry.order).and_modify(add).or_insert(*entry);
    }
    moved.into_values().filter(|entry| entry.delta != Quantity::ZERO)
}

fn beside_movement(movement: &Movement, facts: &Facts) -> Vec<Pair> {
    if movement.is_variance() || movement.reverses.is_some() {
        return Vec::new();
    }
    let pair = |cell, moved| Some(Pair { cell, count: facts.cell(&cell).count?, moved });
    movement
        .entries()
        .filter_map(|entry| pair(entry.cell, TailEntry::of(movement, &entry)))
        .filter(|pair| close(&pair.count, &pair.moved))
        .collect()
}

/// Two counts of a cell; the one that is later in order says what the cell holds.
struct Twice {
    cell: Cell,
    other: LastCount,
    last: LastCount,
    /// The number of the one that arrived first.
    first_seq: Option<u64>,
}

/// The last count, unless the one that arrives comes to the same, net of what was moved in between.
fn beside_last(count: &PostedCount, facts: &Facts) -> Option<Twice> {
    let cell = count.cell();
    let known = facts.cell(&cell);
    let (arrived, there) = (LastCount::of(count, None), known.count?);
    if !unsure((arrived.order, arrived.clock_error), (there.order, there.clock_error)) {
        return None;
    }
    let (other, last) = if arrived.order < there.order { (arrived, there) } else { (there, arrived) };
    (!agree(known, &other, &last)).then_some(Twice { cell, other, last, first_seq: there.log_seq })
}

/// Whether two counts come to the same, net of what was moved in between. They only seem to where what was moved may
/// just as well have been there already when the earlier one was made.
fn agree(known: &CellFacts, other: &LastCount, last: &LastCount) -> bool {
    let mut between = net(known).filter(|entry| other.order < entry.order && entry.order < last.order);
    let sum = |sum: Quantity, entry: TailEntry| sum.checked_add(entry.delta).filter(|_| !close(other, &entry));
    between.try_fold(other.counted, sum) == Some(last.counted)
}

fn close(count: &LastCount, moved: &TailEntry) -> bool {
    let counted = if seeded!(OneClockError) { 0 } else { count.clock_error };
    unsure((count.order, counted), (moved.order, moved.clock_error))
}

/// Whether only the clocks say which came first, and they are not good enough to. A device knows the order of its own
/// acts. Nothing is moved down, so the earlier of the two can be later only as far as its clock is off.
fn unsure(one: (OrderKey, i64), other: (OrderKey, i64)) -> bool {
    let (first, last) = if one.0 < other.0 { (one, other) } else { (other, one) };
    let error = first.1.min(MAX_CLOCK_ERROR).saturating_add(last.1);
    last.0.ts.abs_diff(first.0.ts) < error.unsigned_abs() && first.0.device != last.0.device
}

impl Pair {
    /// The number of the one that arrived first; the other has none yet.
    fn first_seq(&self) -> Option<u64> {
        self.count.log_seq.or(self.moved.log_seq)
    }

    /// But for the time at which it came up, the same whichever arrived first.
    fn row(&self, push: &Push) -> Record {
        let Self { cell, count, moved } = self;
        let id = InboxId::derived(count.change.0, &format!("ambiguous/{}", moved.movement));
        let applied = if moved.order < count.order { "before" } else { "after" };
        let details = json!({
            "count": count.change, "counted": count.counted, "counted_at": count.order.ts,
            "movement": moved.movement, "moved": moved.delta, "moved_at": moved.order.ts, "applied": applied,
            "location": cell.location, "lot": cell.lot, "status": cell.status.name(),
        });
        question(push, id, (cell, count), details)
    }
}

impl Twice {
    /// For whoever is booked to have counted last.
    fn row(&self, push: &Push) -> Record {
        let Self { cell, other, last, .. } = self;
        let id = InboxId::derived(last.change.0, &format!("ambiguous/{}", other.change));
        let details = json!({
            "count": last.change, "counted": last.counted, "counted_at": last.order.ts,
            "other": other.change, "other_counted": other.counted, "other_at": other.order.ts, "applied": "before",
            "location": cell.location, "lot": cell.lot, "status": cell.status.name(),
        });
        question(push, id, (cell, last), details)
    }
}

fn question(push: &Push, id: InboxId, (cell, count): (&Cell, &LastCount), details: Value) -> Record {
    let pairs = [
        ("kind", json!(InboxKind::AmbiguousCount)),
        ("state", json!("open")),
        ("person", json!(count.person.unwrap_or(push.device.person))),
        ("change", json!(count.change)),
        ("at", json!(push.received_at)),
        ("acted_at", json!(count.order.ts)),
        ("subject", json!(Ref::from(cell.item))),
        ("details", details),
    ];
    new_row(id, pairs)
}
