//! Rows in memory: what a database of either side holds of records, cells and movements, and the answers it gives to
//! `Needs`. What SQL does with `WHERE`, this does with maps; no rule of stock is in here.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Deref, DerefMut},
    rc::Rc,
};
use stillage_core::{
    decide::Effects,
    facts::{CellFacts, Facts, LastCount, MovementFacts, Needs, TailEntry},
    id::{ChangeId, MovementId},
    quantity::Quantity,
    record::{Kind, Record, Ref, UNNUMBERED},
    scope::Scope,
    stock::{Cell, Movement, PostedCount},
};

/// A balance row.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Level {
    pub on_hand: Quantity,
    pub last_order: i64,
    pub count: Option<LastCount>,
}

/// A movement with its number in each scope that is known here.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub movement: Movement,
    pub numbers: BTreeMap<Scope, u64>,
}

#[derive(Debug, Clone, Default)]
pub struct Book {
    pub records: Shared<BTreeMap<Ref, Rc<Record>>>,
    pub keys: Shared<BTreeMap<(Kind, String), Ref>>,
    pub cells: Shared<BTreeMap<Cell, Level>>,
    pub entries: Shared<BTreeMap<Cell, Vec<TailEntry>>>,
    pub movements: Shared<BTreeMap<MovementId, Rc<Kept>>>,
    pub reversed: Shared<BTreeMap<MovementId, MovementId>>,
    pub counts: Shared<BTreeMap<ChangeId, Rc<PostedCount>>>,
}

/// A copy costs nothing until one of both is written to: disks are copied at every commit that the power may not take back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shared<T>(Rc<T>);

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Rc::make_mut(&mut self.0)
    }
}

/// Effects that are shown on top of a book, in their order.
pub type Over<'a> = [&'a Effects];

thread_local! {
    /// Made once a thread: every schedule begins with it several times.
    static BORN: Book = {
        let mut book = Book::default();
        stillage_core::seed::records().into_iter().for_each(|record| book.put_record(record));
        book
    };
}

impl Book {
    /// What every installation is born with.
    pub fn born() -> Self {
        BORN.with(Self::clone)
    }

    pub fn put_record(&mut self, record: Record) {
        let old = self.records.get(&record.of).and_then(|old| old.key());
        let key = record.key();
        if let Some(old) = old.filter(|old| key.as_ref() != Some(old))
            && self.keys.get(&(record.of.kind, old.clone())) == Some(&record.of)
        {
            self.keys.remove(&(record.of.kind, old));
        }
        if let Some(key) = key {
            self.keys.insert((record.of.kind, key), record.of);
        }
        self.records.insert(record.of, Rc::new(record));
    }

    pub fn drop_record(&mut self, of: Ref) {
        if let Some(old) = self.records.remove(&of)
            && let Some(key) = old.key()
        {
            self.keys.remove(&(of.kind, key));
        }
    }

    /// Numbers a movement already has in other scopes stay. It is an entry where it is numbered: at its other end it
    /// counts for nothing before that scope's page is here.
    pub fn put_movement(&mut self, movement: &Movement, numbers: &BTreeMap<Scope, u64>) {
        let mut all = self.movements.get(&movement.id).map(|kept| kept.numbers.clone()).unwrap_or_default();
        all.extend(numbers);
        for line in movement.entries() {
            let Some(log_seq) = all.get(&line.scope).copied() else { continue };
            let entry = TailEntry { log_seq: Some(log_seq), ..TailEntry::of(movement, &line) };
            let entries = self.entries.entry(line.cell).or_default();
            match entries.iter_mut().find(|known| known.movement == movement.id && known.delta == entry.delta) {
                Some(known) => *known = entry,
                None => entries.push(entry),
            }
        }
        if let Some(original) = movement.reverses {
            self.reversed.insert(original, movement.id);
        }
        self.movements.insert(movement.id, Rc::new(Kept { movement: movement.clone(), numbers: all }));
    }

    pub fn drop_movement(&mut self, id: MovementId) {
        let Some(kept) = self.movements.remove(&id) else { return };
        for line in kept.movement.entries() {
            if let Some(entries) = self.entries.get_mut(&line.cell) {
                entries.retain(|entry| entry.movement != id);
            }
        }
        if let Some(original) = kept.movement.reverses {
            self.reversed.remove(&original);
        }
    }

    pub fn on_hand(&self, cell: &Cell) -> Quantity {
        self.cells.get(cell).map_or(Quantity::ZERO, |level| level.on_hand)
    }

    pub fn record(&self, of: Ref, over: &Over<'_>) -> Option<Record> {
        let base = self.records.get(&of);
        let shown = over.iter().rev().find_map(|effects| effects.records.iter().rev().find(|record| record.of == of));
        let version = base.map_or(UNNUMBERED, |record| record.version);
        match shown {
            Some(record) => Some(Record { version, ..record.clone() }),
            None => base.map(|record| Record::clone(record)),
        }
    }

    fn holder(&self, kind: Kind, key: &str, over: &Over<'_>) -> Option<Ref> {
        let mut shown: BTreeMap<Ref, Option<String>> = BTreeMap::new();
        for record in over.iter().flat_map(|effects| &effects.records).filter(|record| record.of.kind == kind) {
            shown.insert(record.of, record.key());
        }
        let base = self.keys.get(&(kind, key.to_owned())).copied().filter(|of| !shown.contains_key(of));
        base.or_else(|| shown.into_iter().find(|(_, held)| held.as_deref() == Some(key)).map(|(of, _)| of))
    }

    pub fn level(&self, cell: &Cell, over: &Over<'_>) -> Level {
        let mut level = self.cells.get(cell).copied().unwrap_or_default();
        for effects in over {
            for movement in &effects.movements {
                for line in movement.entries().filter(|line| line.cell == *cell) {
                    level.on_hand = level.on_hand.checked_add(line.delta).unwrap_or(level.on_hand);
                    level.last_order = level.last_order.max(movement.order.ts);
                }
            }
            for count in effects.counts.iter().filter(|count| count.cell() == *cell) {
                level.last_order = level.last_order.max(count.order.ts);
                if level.count.is_none_or(|last| last.order < count.order) {
                    level.count = Some(LastCount::of(count, None));
                }
            }
        }
        level
    }

    pub fn tail(&self, cell: &Cell, from: i64, over: &Over<'_>) -> Vec<TailEntry> {
        let base = self.entries.get(cell).into_iter().flatten().copied();
        let shown = over.iter().flat_map(|effects| &effects.movements).flat_map(|movement| {
            movement.entries().filter(|line| line.cell == *cell).map(|line| TailEntry::of(movement, &line))
        });
        base.chain(shown).filter(|entry| entry.order.ts >= from).collect()
    }

    /// Every cell with a row, here or in what is shown.
    pub fn all_cells(&self, over: &Over<'_>) -> BTreeSet<Cell> {
        let moved = over.iter().flat_map(|effects| &effects.movements).flat_map(Movement::entries);
        let mut cells: BTreeSet<Cell> = moved.map(|line| line.cell).collect();
        cells.extend(over.iter().flat_map(|effects| &effects.counts).map(stillage_core::stock::PostedCount::cell));
        cells.extend(self.cells.keys());
        cells
    }

    fn movement(&self, id: MovementId, over: &Over<'_>) -> Option<MovementFacts> {
        let shown = || over.iter().flat_map(|effects| &effects.movements);
        let kept = self.movements.get(&id).map(|kept| kept.movement.clone());
        let movement = kept.or_else(|| shown().find(|movement| movement.id == id).cloned())?;
        let pending = || shown().find(|movement| movement.reverses == Some(id)).map(|movement| movement.id);
        let reversed_by = self.reversed.get(&id).copied().or_else(pending);
        Some(MovementFacts { movement, reversed_by })
    }

    fn facts(&self, cell: &Cell, over: &Over<'_>) -> CellFacts {
        let Level { on_hand, last_order, count } = self.level(cell, over);
        CellFacts { on_hand, last_order, count, tail: Vec::new(), tail_from: None }
    }

    /// Answers what was asked. Entries of changes decided in the same go are in `facts` already and stay.
    pub fn load(&self, needs: &Needs, over: &Over<'_>, facts: &mut Facts) {
        for &of in &needs.records {
            facts.records.insert(of, self.record(of, over));
        }
        for (kind, key) in &needs.keys {
            facts.keys.insert((*kind, key.clone()), self.holder(*kind, key, over));
        }
        let owns = |of: Ref, cell: &Cell| of == cell.item.into() || cell.lot.is_some_and(|lot| of == lot.into());
        for &of in &needs.cells_of {
            let cells: Vec<Cell> = self.all_cells(over).into_iter().filter(|cell| owns(of, cell)).collect();
            for cell in &cells {
                facts.cells.entry(*cell).or_insert_with(|| self.facts(cell, over));
            }
            facts.cells_of.insert(of, cells);
        }
        for cell in &needs.cells {
            facts.cells.insert(*cell, self.facts(cell, over));
        }
        for (cell, from) in &needs.tails {
            let tail = self.tail(cell, *from, over);
            let known = facts.cells.entry(*cell).or_default();
            let unwritten: Vec<_> =
                known.tail.iter().filter(|e| !tail.iter().any(|t| t.movement == e.movement)).copied().collect();
            known.tail = tail;
            known.tail.extend(unwritten);
            known.tail_from = Some(*from);
        }
        for &of in &needs.stocked {
            let here = |cell: &Cell| owns(of, cell) || of == cell.location.into();
            let held = |cell: &Cell| self.level(cell, over).on_hand != Quantity::ZERO;
            let stocked = self.all_cells(over).iter().filter(|cell| here(cell) && held(cell)).count();
            facts.stocked.insert(of, stocked as u64);
        }
        for &id in &needs.movements {
            facts.movements.insert(id, self.movement(id, over));
        }
        for &id in &needs.changes {
            facts.changes.entry(id).or_insert(None);
        }
        for &id in &needs.costs {
            facts.costs.entry(id).or_default();
        }
    }
}
