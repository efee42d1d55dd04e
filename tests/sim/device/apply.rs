//! One answer of a pull in one transaction: rows, cursors and what is settled together, and pending changes decided
//! again on top. The same steps as the client's `store/absorb.rs`, with one difference: here everything that waits is
//! decided again, there only what stood on a touched row. Both must come to the same.

use super::{Disk, State};
use std::{collections::BTreeMap, rc::Rc};
use stillage_core::{
    absorb::{Absorbed, CellChange, Discard, Pending, absorb, rebase, rebase_needs},
    change::Outcome,
    facts::{Facts, LastCount},
    id::{LocationId, MovementId},
    order::OrderKey,
    record::Kind,
    scope::Scope,
    stock::Cell,
    sum::{Sum, SumChanges},
    wire::PullAnswer,
};

/// What an answer came to.
#[derive(Debug)]
pub struct Applied {
    pub new_scope: bool,
    pub cells: Vec<Cell>,
}

impl Disk {
    /// Applies an answer, or says why it is thrown away whole.
    pub fn apply(&mut self, answer: &PullAnswer) -> Result<Applied, Discard> {
        let done = self.apply_here(answer);
        let told = done.as_ref().map(|applied| applied.new_scope);
        self.twin.iter().for_each(|twin| twin.apply(answer, told));
        done
    }

    fn apply_here(&mut self, answer: &PullAnswer) -> Result<Applied, Discard> {
        let (reset, none) = (self.reset, BTreeMap::new());
        let absorbed = absorb(answer, if reset { &none } else { &self.cursors }, |seq| self.chain_at(seq))?;
        if reset {
            self.wipe();
        }
        for scope in &absorbed.removed {
            self.keep_orders(Some(*scope));
        }
        self.land(&absorbed);
        if let Some((seq, results)) = &absorbed.settled {
            self.settle(*seq, results);
        }
        self.end_parked(&absorbed);
        let mut sums = SumChanges::default();
        for record in absorbed.records.values() {
            if let Some(old) = self.base.records.get(&record.of) {
                sums.leave(Scope::of(old), Sum::of_record(old.of, old.version, &old.body()));
            }
            sums.enter(Scope::of(record), Sum::of_record(record.of, record.version, &record.body()));
            self.base.put_record(record.clone());
        }
        for arrived in absorbed.movements.values() {
            self.base.put_movement(&arrived.movement, &arrived.numbers);
        }
        for (count, _) in &absorbed.counts {
            self.base.counts.insert(count.change, Rc::new(count.clone()));
        }
        for (cell, change) in &absorbed.cells {
            let old = self.base.on_hand(cell);
            self.cell(*cell, change);
            sums.cell((change.scope, cell), old, self.base.on_hand(cell));
        }
        self.unknown.extend(absorbed.unknown.iter().map(|(scope, entry)| ((*scope, entry.seq), entry.clone())));
        self.outcomes(answer);
        let new_scope = self.scopes(answer, &absorbed);
        self.cursors.extend(absorbed.cursors.iter().filter(|(scope, _)| !absorbed.removed.contains(scope)));
        for (scope, change) in sums.0 {
            let sum = self.sums.entry(scope).or_default();
            *sum = sum.with(change);
        }
        // A snapshot that was given up half-way leaves records, over which the log writes.
        if answer.pages.iter().any(|page| page.scope == Scope::Catalogue && page.from == 0) {
            let records = self.base.records.values().filter(|record| Scope::of(record) == Scope::Catalogue);
            let sums = records.map(|record| Sum::of_record(record.of, record.version, &record.body()));
            self.sums.insert(Scope::Catalogue, sums.fold(Sum::EMPTY, Sum::with));
        }
        self.sums.retain(|scope, _| !absorbed.removed.contains(scope));
        self.epoch = answer.epoch;
        if reset || !answer.pages.is_empty() || absorbed.settled.is_some() || !absorbed.removed.is_empty() {
            self.decide_again();
        }
        Ok(Applied { new_scope, cells: absorbed.cells.keys().copied().collect() })
    }

    /// Takes back what is shown of own changes whose effects, or whose end, are in this answer.
    fn land(&mut self, absorbed: &Absorbed) {
        let device = Some(self.device);
        let settled = absorbed.settled.as_ref().map_or(0, |(seq, _)| *seq);
        for row in self.outbox.iter_mut().filter(|row| row.waits()) {
            if row.state == State::Sealed && row.device == device && row.seq <= settled {
                row.effects = None;
            }
            if let Some(outcome) = absorbed.outcomes.get(&row.change.id).filter(|_| row.outcome.is_none()) {
                (row.effects, row.outcome) = (None, Some(*outcome));
            }
        }
    }

    /// Own changes that were parked and have come to their end since.
    fn end_parked(&mut self, absorbed: &Absorbed) {
        for row in self.outbox.iter_mut().filter(|row| row.outcome == Some(Outcome::Parked)) {
            let ended = absorbed.outcomes.get(&row.change.id).filter(|outcome| **outcome != Outcome::Parked);
            let Some(outcome) = ended else { continue };
            row.outcome = Some(*outcome);
            if !row.waits() {
                row.state = if *outcome == Outcome::Rejected { State::Rejected } else { State::Settled };
                row.told_in = Some(self.epoch);
            }
        }
    }

    fn cell(&mut self, cell: Cell, change: &CellChange) {
        let level = self.base.cells.entry(cell).or_default();
        level.on_hand = level.on_hand.checked_add(change.delta).unwrap_or(level.on_hand);
        level.last_order = level.last_order.max(change.last_order);
        if let Some(count) = change.count
            && level.count.is_none_or(|last| last.order < count.order)
        {
            // Only the server asks about close counts.
            level.count = Some(LastCount { clock_error: 0, person: None, ..count });
        }
    }

    fn outcomes(&mut self, answer: &PullAnswer) {
        for page in answer.pages.iter().filter(|page| !matches!(page.scope, Scope::Inbox(_))) {
            self.outcomes.extend(page.entries.iter().map(|entry| (entry.change, entry.outcome)));
        }
    }

    /// Starts scopes that were granted and drops those that were taken away.
    fn scopes(&mut self, answer: &PullAnswer, absorbed: &Absorbed) -> bool {
        let mut new_scope = false;
        for head in &answer.heads {
            if !self.cursors.contains_key(&head.scope) && !absorbed.cursors.contains_key(&head.scope) {
                self.cursors.insert(head.scope, 0);
                new_scope |= head.seq > 0;
            }
        }
        for scope in &absorbed.removed {
            self.drop_scope(*scope);
        }
        new_scope
    }

    pub(super) fn drop_scope(&mut self, scope: Scope) {
        self.cursors.remove(&scope);
        self.sums.remove(&scope);
        self.forget(scope);
        self.unknown.retain(|(of, _), _| *of != scope);
        match scope {
            Scope::Catalogue => {}
            Scope::Inbox(_) => {
                let rows = self.base.records.values().filter(|record| record.of.kind == Kind::Inbox);
                let gone: Vec<_> = rows.filter(|record| Scope::of(record) == scope).map(|record| record.of).collect();
                gone.into_iter().for_each(|of| self.base.drop_record(of));
            }
            Scope::Site(_) => self.drop_site(scope),
        }
    }

    fn drop_site(&mut self, scope: Scope) {
        let base = &mut self.base;
        let site_of = |cell: &Cell| {
            let record = base.records.get(&cell.location.into());
            let site = record.and_then(|record| record.reference("site"));
            site.map(|site| Scope::Site(LocationId(site))).or_else(|| self.absent.get(&cell.location).copied())
        };
        let gone: Vec<Cell> = base.cells.keys().filter(|cell| site_of(cell) == Some(scope)).copied().collect();
        base.cells.retain(|cell, _| !gone.contains(cell));
        self.absent.retain(|_, site| *site != scope);
        base.counts.retain(|_, count| count.place.site.map(Scope::Site) != Some(scope));
        let moved: Vec<_> = base.movements.values().filter(|kept| kept.numbers.contains_key(&scope)).cloned().collect();
        for kept in moved {
            let mut numbers: BTreeMap<Scope, u64> = kept.numbers.clone();
            numbers.remove(&scope);
            base.drop_movement(kept.movement.id);
            // A movement between two sites stays as long as the other one is held.
            if !numbers.is_empty() {
                base.put_movement(&kept.movement, &numbers);
            }
        }
    }

    /// Decides what waits again, on the base alone.
    pub(super) fn decide_again(&mut self) {
        let mut facts = Facts::default();
        let landed = self.landed();
        for at in 0..self.outbox.len() {
            let row = &self.outbox[at];
            if !row.waits() || row.outcome.is_some() || self.outcomes.contains_key(&row.change.id) {
                continue;
            }
            let Some(act) = row.act() else { continue };
            // Numbers of a history that the server lost are not those of the base.
            let act = act.within(Some(self.history()));
            let later = landed.iter().filter(|(n, _)| *n > row.n).map(|(_, order)| *order).collect();
            let one = [Pending { change: row.change.id, device: self.device, n: row.n, act, later }];
            loop {
                let needs = rebase_needs(&one, &facts);
                if needs.is_empty() {
                    break;
                }
                self.base.load(&needs, &[], &mut facts);
            }
            for (_, decided) in rebase(&one, &mut facts) {
                self.outbox[at].effects = decided.ok().map(Rc::new);
            }
        }
    }

    /// Where in the base stands what was done here after the first change that waits.
    fn landed(&self) -> Vec<(u64, OrderKey)> {
        let after = self.outbox.iter().skip_while(|row| !row.waits() || row.outcome.is_some());
        let landed = after.filter_map(|row| {
            let moved = self.base.movements.get(&MovementId(row.change.id.0)).map(|kept| kept.movement.order);
            let counted = || self.base.counts.get(&row.change.id).map(|count| count.order);
            Some((row.n, moved.or_else(counted)?))
        });
        landed.collect()
    }
}
