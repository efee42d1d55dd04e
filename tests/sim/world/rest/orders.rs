//! What was counted and moved in a cell gives the same level in whatever order it arrives: the rules decide it again on
//! empty facts, in an order of arrival that never was.

use crate::{checks::Check, shelf::merged, world::World};
use stillage_core::{
    action::{Action, Count},
    decide::{Context, Door, Effects},
    facts::Facts,
    quantity::Quantity,
    record::Ref,
    stock::{Cell, LotEntry, Movement, PostedCount, Remarks},
};

/// One row of a cell, as it may arrive.
enum Row {
    Moved(Movement),
    Counted(PostedCount),
}

impl World<'_> {
    pub(super) fn check_orders(&mut self) {
        let merged = merged(&self.server);
        let counted = self
            .server
            .book
            .cells
            .iter()
            .filter(|(cell, level)| level.count.is_some() && !merged.contains(&cell.item.0));
        let cells: Vec<Cell> = counted.map(|(cell, _)| *cell).collect();
        for _ in 0..2 {
            let Some(cell) = self.dice.pick(&cells).copied() else { return };
            let mut rows = self.rows_of(&cell);
            self.dice.shuffle(&mut rows);
            let Some(level) = self.arrived(&cell, &rows) else { continue };
            let held = self.server.book.on_hand(&cell);
            self.checks.hold(Check::AnyArrivalOrder, level == held, || {
                format!("{cell:?} holds {held}, and {level} had {} rows come otherwise", rows.len())
            });
        }
    }

    fn rows_of(&self, cell: &Cell) -> Vec<Row> {
        let book = &self.server.book;
        let entries = book.entries.get(cell).into_iter().flatten().filter(|entry| !entry.variance);
        let moved = entries.filter_map(|entry| book.movements.get(&entry.movement)).map(|kept| kept.movement.clone());
        let counts = book.counts.values().filter(|count| count.cell() == *cell);
        moved.map(Row::Moved).chain(counts.map(|count| Row::Counted(PostedCount::clone(count)))).collect()
    }

    /// `None` where a place that may not go below zero has its own mind about orders.
    fn arrived(&self, cell: &Cell, rows: &[Row]) -> Option<Quantity> {
        let mut facts = Facts::default();
        let book = &self.server.book;
        let named = [Some(Ref::from(cell.item)), Some(cell.location.into()), cell.lot.map(Ref::from)];
        for of in named.into_iter().flatten() {
            facts.records.insert(of, book.records.get(&of).map(|record| record.as_ref().clone()));
        }
        let lot = cell.lot.and_then(|lot| book.records.get(&lot.into())).and_then(|record| record.text("code"));
        for row in rows {
            let effects = match row {
                Row::Moved(movement) => {
                    let mut effects = Effects::default();
                    let context = Context {
                        change: movement.change,
                        order: movement.order,
                        person: movement.person,
                        at: movement.at,
                        clock_error: movement.clock_error,
                        door: Door::Late,
                    };
                    effects.post(&context, &facts, movement.clone()).ok()?;
                    effects
                }
                Row::Counted(count) => counted(&facts, count, lot)?,
            };
            facts.apply(&effects);
        }
        Some(facts.cell(cell).on_hand)
    }
}

fn counted(facts: &Facts, count: &PostedCount, lot: Option<&str>) -> Option<Effects> {
    let context = Context {
        change: count.change,
        order: count.order,
        person: count.person,
        at: count.at,
        clock_error: count.clock_error,
        door: Door::Late,
    };
    let action = Action::from(Count {
        item: count.item,
        location: count.place.location,
        lot: lot.map(|code| LotEntry { code: code.to_owned(), expiry: None }),
        status: count.place.status,
        counted: count.counted,
        remarks: Remarks::default(),
    });
    action.decide(&context, facts).ok()
}
