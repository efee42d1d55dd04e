//! Keeps what a batch came to. Every rule a table of the real server enforces by a key is a check here, and every sum
//! that must come out is looked at for the rows that were touched.

use super::{Broken, Link, Server};
use crate::{
    book::Level,
    checks::{Check, Checks},
};
use std::{collections::BTreeMap, rc::Rc};
use stillage_core::{
    change::Outcome,
    facts::{CellFacts, LastCount},
    id::{ChangeId, MovementId},
    quantity::Quantity,
    record::{Record, Ref},
    scope::Scope,
    settle::{ChangeRow, LogRow, Writes},
    stock::Cell,
    sum::SumChanges,
    wire::{LogEntry, entry},
};

pub struct Commit<'a> {
    pub server: &'a mut Server,
    pub checks: &'a mut Checks,
}

/// The numbers that the rows of one batch got.
#[derive(Default)]
struct Numbers {
    records: BTreeMap<Ref, u64>,
    movements: BTreeMap<MovementId, BTreeMap<Scope, u64>>,
    counts: BTreeMap<ChangeId, u64>,
}

impl Commit<'_> {
    pub fn run(mut self, writes: &Writes) {
        self.nothing_lost(writes);
        self.changes(writes);
        self.rows(writes);
    }

    /// New ends of changes that were parked: their links stand.
    pub fn released(mut self, writes: &Writes) {
        self.nothing_lost(writes);
        for row in &writes.changes {
            let id = row.change.id;
            let Some(known) = self.server.changes.get_mut(&id) else { continue };
            let parked = known.outcome == Outcome::Parked;
            self.checks
                .hold(Check::OutcomesNeverChange, parked, || format!("{id} was not parked and is decided again"));
            known.outcome = row.result.outcome;
            (known.code, known.details) = (row.result.code.clone(), row.result.details.clone());
            self.refused(row);
        }
        self.rows(writes);
    }

    fn rows(&mut self, writes: &Writes) {
        self.times(writes);
        let numbers = self.log(&writes.log);
        for (scope, change) in SumChanges::of(writes, |of| numbers.records.get(&of).copied()).0 {
            let sum = self.server.sums.entry(scope).or_default();
            *sum = sum.with(change);
        }
        self.records(writes, &numbers);
        for movement in &writes.movements {
            let once = !self.server.book.movements.contains_key(&movement.id);
            self.checks.hold(Check::OneEffect, once, || format!("{} is entered twice", movement.id));
            if let Some(original) = movement.reverses {
                let once = !self.server.book.reversed.contains_key(&original);
                self.checks.hold(Check::OneEffect, once, || format!("{original} is taken back twice"));
            }
            if self.server.broken == Some(Broken::NoVariance) && movement.is_variance() {
                continue;
            }
            let none = BTreeMap::new();
            let own = numbers.movements.get(&movement.id).unwrap_or(&none);
            self.server.book.put_movement(movement, own);
        }
        for count in &writes.counts {
            let once = self.server.book.counts.insert(count.change, Rc::new(count.clone())).is_none();
            self.checks.hold(Check::OneEffect, once, || format!("{} is counted twice", count.change));
        }
        self.cells(writes, &numbers);
        self.server.costs.extend(writes.costs.iter().map(|(item, cost)| (*item, cost.clone())));
    }

    /// Nothing happened later than it was heard of.
    fn times(&mut self, writes: &Writes) {
        let heard: BTreeMap<ChangeId, i64> =
            writes.changes.iter().map(|row| (row.change.id, row.received_at)).collect();
        let moved = writes.movements.iter().filter(|movement| movement.reverses.is_none());
        let moved = moved.map(|movement| (movement.change, movement.at));
        let counted = writes.counts.iter().map(|count| (count.change, count.at));
        for (change, at) in moved.chain(counted) {
            let past = heard.get(&change).is_none_or(|received| at <= *received);
            self.checks.hold(Check::NothingFromTheFuture, past, || format!("{change} is of {at}"));
        }
    }

    fn changes(&mut self, writes: &Writes) {
        for row in &writes.changes {
            let Some(known) = self.server.devices.get_mut(&row.device) else { continue };
            let before = known.ack(row.device);
            let fits =
                row.change.seq == before.seq + 1 && row.chain == before.chain.next(row.change.id, row.change.hash());
            self.checks.hold(Check::GapFreePrefix, fits, || format!("{} is no next link", row.change.id));
            let own_code = if row.repeat && !row.result.duplicate { row.result.code.clone() } else { None };
            known.links.push(Link { change: row.change.id, chain: row.chain, own_code });
            if row.repeat {
                continue;
            }
            let settled = stillage_core::change::KnownChange {
                hash: row.change.hash(),
                device: row.device,
                outcome: row.result.outcome,
                code: row.result.code.clone(),
                details: row.result.details.clone(),
            };
            let once = self.server.changes.insert(row.change.id, settled).is_none();
            self.checks.hold(Check::OneEffect, once, || format!("{} is decided twice", row.change.id));
            self.refused(row);
            self.server.park(row);
        }
        for (id, ack) in &writes.devices {
            let same = self.server.devices.get(id).map(|known| known.ack(*id)) == Some(*ack);
            self.checks.hold(Check::GapFreePrefix, same, || format!("{id} is acknowledged where its chain is not"));
        }
    }

    /// What a refused change would have made is known by it.
    fn refused(&mut self, row: &ChangeRow) {
        let Some(of) = row.creates else { return };
        if matches!(row.result.outcome, Outcome::Rejected | Outcome::Parked) {
            let root = row.result.details.get("root").and_then(|root| root.as_str()).and_then(|r| r.parse().ok());
            self.server.refused.insert(of, root.unwrap_or(row.change.id));
        } else if self.server.refused.get(&of) == Some(&row.change.id) {
            self.server.refused.remove(&of);
        }
    }

    /// Numbers come last: head + offset, in the order in which the rows stand.
    fn log(&mut self, rows: &[LogRow]) -> Numbers {
        let mut numbers = Numbers::default();
        for row in rows {
            let log = self.server.logs.entry(row.scope).or_default();
            let seq = log.len() as u64 + 1;
            log.push(Rc::new(LogEntry {
                seq,
                kind: row.kind.to_owned(),
                id: row.id.clone(),
                version: entry::VERSION,
                change: row.change,
                outcome: row.outcome,
                body: row.body.clone(),
            }));
            self.server.left.entry(row.change).or_default().push((row.scope, seq));
            if let Some(of) = row.record {
                numbers.records.insert(of, seq);
            }
            if let Some(movement) = row.movement {
                numbers.movements.entry(movement).or_default().insert(row.scope, seq);
            }
            if row.kind == entry::COUNT {
                numbers.counts.insert(row.change, seq);
            }
        }
        numbers
    }

    fn records(&mut self, writes: &Writes, numbers: &Numbers) {
        for (of, record) in &writes.records {
            let version = numbers.records.get(of).copied().unwrap_or(record.version);
            let old = self.server.book.records.get(of).cloned();
            if let Some(old) = old.filter(|old| old.archived) {
                let meant = record.archived || brought_back(writes, record);
                self.checks.hold(Check::TombstoneStaysDead, meant, || format!("{} came back", old.of));
            }
            if let Some(key) = record.key() {
                let holder = self.server.book.keys.get(&(of.kind, key.clone())).copied();
                let freed = |other: Ref| writes.records.get(&other).is_some_and(|r| r.key().as_ref() != Some(&key));
                let alone = holder.is_none_or(|other| other == *of || freed(other));
                self.checks.hold(Check::KeysAreUnique, alone, || format!("{of} and {holder:?} both are {key}"));
            }
            self.server.book.put_record(Record { version, ..record.clone() });
        }
    }

    fn cells(&mut self, writes: &Writes, numbers: &Numbers) {
        for (cell, state) in &writes.cells {
            if self.server.broken == Some(Broken::StaleBalance) && state.last_order % 7 == 0 {
                continue;
            }
            let CellFacts { mut on_hand, last_order, mut count, .. } = *state;
            if self.server.broken == Some(Broken::NoVariance) {
                let entries = self.server.book.entries.get(cell).into_iter().flatten();
                on_hand = Quantity(entries.map(|entry| entry.delta.0).sum());
            }
            if let Some(last) = &mut count {
                last.log_seq = last.log_seq.or_else(|| numbers.counts.get(&last.change).copied());
            }
            self.server.book.cells.insert(*cell, Level { on_hand, last_order, count });
            check_cell(self.server, cell, self.checks);
        }
    }
}

/// A balance is the sum of its entries, and a counted one holds what was counted and what followed.
pub fn check_cell(server: &Server, cell: &Cell, checks: &mut Checks) {
    let level = server.book.cells.get(cell).copied().unwrap_or_default();
    let entries = server.book.entries.get(cell).map_or(&[][..], Vec::as_slice);
    let sum: i64 = entries.iter().map(|entry| entry.delta.0).sum();
    checks.hold(Check::BalancesAreSums, level.on_hand.0 == sum, || {
        format!("server: {cell:?} holds {} and its entries sum to {}", level.on_hand, Quantity(sum))
    });
    let Some(last) = level.count else { return };
    let after = entries.iter().filter(|entry| !entry.variance && entry.order > last.order);
    let due = last.counted.0 + after.map(|entry| entry.delta.0).sum::<i64>();
    checks.hold(Check::CountsAreKept, level.on_hand.0 == due, || {
        format!("server: {cell:?} holds {} and was counted to {}", level.on_hand, Quantity(due))
    });
    let numbered = last_count(server, cell) == Some((last.change, last.order));
    checks.hold(Check::CountsAreKept, numbered, || format!("server: {cell:?} forgot its last count"));
}

fn last_count(server: &Server, cell: &Cell) -> Option<(ChangeId, stillage_core::order::OrderKey)> {
    let level = server.book.cells.get(cell)?.count?;
    let own = |last: &LastCount| server.book.counts.get(&last.change).map(|count| count.order);
    let order = own(&level)?;
    let later = server.book.counts.values().any(|count| count.cell() == *cell && count.order > order);
    (!later).then_some((level.change, order))
}

/// Somebody asked for the record back, in so many words; perhaps edited it in the same batch.
fn brought_back(writes: &Writes, record: &Record) -> bool {
    let rows = writes.log.iter().filter(|row| row.record == Some(record.of));
    let by: Vec<ChangeId> = rows.map(|row| row.change).collect();
    let mut changes = writes.changes.iter().filter(|row| by.contains(&row.change.id));
    changes.any(|row| matches!(row.change.kind.as_str(), "record.archive" | "inbox.resolve"))
}
