//! What a decision is made from. `Needs` names rows; a store loads them as `Facts`; what a store
//! was asked for and did not find is remembered as absent, so that it is asked once.

use crate::{
    change::KnownChange,
    id::{ChangeId, DeviceId, ItemId, MovementId, PersonId},
    order::OrderKey,
    quantity::Quantity,
    record::{Kind, Record, Ref},
    stock::{Cell, Entry, Movement, PostedCount},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows a decision wants to see.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Needs {
    pub records: BTreeSet<Ref>,
    /// Folded human keys: who has this SKU?
    pub keys: BTreeSet<(Kind, String)>,
    pub cells: BTreeSet<Cell>,
    /// Every cell that an item or a lot has stock in.
    pub cells_of: BTreeSet<Ref>,
    /// Whether an item or a location holds any stock.
    pub stocked: BTreeSet<Ref>,
    /// The entries of a cell from this `order_ts` on.
    pub tails: BTreeMap<Cell, i64>,
    pub movements: BTreeSet<MovementId>,
    pub changes: BTreeSet<ChangeId>,
    /// Items whose average cost is to be carried on (server only).
    pub costs: BTreeSet<ItemId>,
}

impl Needs {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn record(&mut self, of: impl Into<Ref>) {
        self.records.insert(of.into());
    }

    pub fn absorb(&mut self, other: Self) {
        self.records.extend(other.records);
        self.keys.extend(other.keys);
        self.cells.extend(other.cells);
        self.cells_of.extend(other.cells_of);
        self.stocked.extend(other.stocked);
        for (cell, from) in other.tails {
            let entry = self.tails.entry(cell).or_insert(from);
            *entry = from.min(*entry);
        }
        self.movements.extend(other.movements);
        self.changes.extend(other.changes);
        self.costs.extend(other.costs);
    }

    /// What of this the facts do not answer yet.
    #[must_use]
    pub fn missing(mut self, facts: &Facts) -> Self {
        self.records.retain(|of| !facts.records.contains_key(of));
        self.keys.retain(|key| !facts.keys.contains_key(key));
        self.cells.retain(|cell| !facts.cells.contains_key(cell));
        self.cells_of.retain(|of| !facts.cells_of.contains_key(of));
        self.stocked.retain(|of| !facts.stocked.contains_key(of));
        self.tails.retain(|cell, from| {
            facts.cells.get(cell).and_then(|known| known.tail_from).is_none_or(|have| have > *from)
        });
        self.movements.retain(|id| !facts.movements.contains_key(id));
        self.changes.retain(|id| !facts.changes.contains_key(id));
        self.costs.retain(|id| !facts.costs.contains_key(id));
        self
    }
}

impl Facts {
    /// Whether these rows were read, or cannot be there because what they hang on is new.
    #[must_use]
    pub fn answer(&self, needs: Needs) -> bool {
        let old =
            |of: &Ref| [self.before.records.get(of), self.records.get(of)].iter().all(|row| !matches!(row, Some(None)));
        let mut left = needs.missing(self);
        left.cells_of.retain(old);
        left.stocked.retain(old);
        left.costs.retain(|item| old(&Ref::from(*item)));
        left.is_empty()
    }
}

/// The latest posted count of a cell, in effective order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCount {
    pub change: ChangeId,
    pub order: OrderKey,
    pub counted: Quantity,
    /// Its number in the scope of the cell; `None` while it has none.
    pub log_seq: Option<u64>,
    /// How far off its clock may have been, and who counted. Only the server asks about close
    /// counts: a device keeps neither.
    pub clock_error: i64,
    pub person: Option<PersonId>,
}

impl LastCount {
    #[must_use]
    pub const fn of(count: &PostedCount, log_seq: Option<u64>) -> Self {
        let PostedCount { change, order, counted, clock_error, person, .. } = *count;
        Self { change, order, counted, log_seq, clock_error, person }
    }
}

/// One ledger entry of a cell, as far as ordering and counting care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TailEntry {
    pub movement: MovementId,
    pub order: OrderKey,
    /// How far off its clock may have been; a device does not read it back.
    pub clock_error: i64,
    pub delta: Quantity,
    pub variance: bool,
    /// Its number in the scope of the cell; `None` while it has none.
    pub log_seq: Option<u64>,
}

impl TailEntry {
    /// An entry that has no number yet.
    #[must_use]
    pub const fn of(movement: &Movement, entry: &Entry) -> Self {
        Self {
            movement: movement.id,
            order: movement.order,
            clock_error: movement.clock_error,
            delta: entry.delta,
            variance: movement.is_variance(),
            log_seq: None,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct CellFacts {
    pub on_hand: Quantity,
    /// The greatest `order_ts` of its entries and counts; 0 when it has none.
    pub last_order: i64,
    pub count: Option<LastCount>,
    /// Its entries from `tail_from` on, if they were asked for, in any order.
    pub tail: Vec<TailEntry>,
    pub tail_from: Option<i64>,
}

static UNUSED: CellFacts =
    CellFacts { on_hand: Quantity::ZERO, last_order: 0, count: None, tail: Vec::new(), tail_from: None };

/// A movement and what has become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct MovementFacts {
    pub movement: Movement,
    pub reversed_by: Option<MovementId>,
}

/// The moving average cost of an item, carried by the server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CostFacts {
    /// On hand over all places.
    pub on_hand: Quantity,
    /// Value of one base unit in millionths of the currency's minor unit.
    pub average: i64,
    pub currency: String,
}

/// Answers to `Needs`. `None` means: asked, and not there.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub records: HashMap<Ref, Option<Record>>,
    pub keys: HashMap<(Kind, String), Option<Ref>>,
    pub cells: HashMap<Cell, CellFacts>,
    /// As the store has them; `Facts::cells_of` adds what has been carried over since.
    pub cells_of: HashMap<Ref, Vec<Cell>>,
    /// In how many cells there is stock, as the store has it; `Facts::holds_stock` is what holds now.
    pub stocked: HashMap<Ref, u64>,
    pub movements: HashMap<MovementId, Option<MovementFacts>>,
    pub changes: HashMap<ChangeId, Option<KnownChange>>,
    pub costs: HashMap<ItemId, CostFacts>,
    /// Records that a rejected or parked change would have created, with that change.
    pub refused_creates: HashMap<Ref, ChangeId>,
    /// The latest place among the changes of each device that wait for others.
    pub waiting: HashMap<DeviceId, i64>,
    /// On a device: where stands what it did after the change that is decided, and has back before it, as a page of
    /// another scope brought it.
    pub later: Vec<OrderKey>,
    /// What stood where something has been carried over since.
    pub before: Before,
}

/// Rows as they were before a batch, of those that it changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Before {
    pub records: BTreeMap<Ref, Option<Record>>,
    pub cells: BTreeMap<Cell, Quantity>,
}

impl Facts {
    #[must_use]
    pub fn record(&self, of: impl Into<Ref>) -> Option<&Record> {
        self.records.get(&of.into()).and_then(Option::as_ref)
    }

    #[must_use]
    pub fn holder(&self, kind: Kind, key: &str) -> Option<Ref> {
        self.keys.get(&(kind, key.to_owned())).copied().flatten()
    }

    /// A cell nobody asked for is as empty as one that was never used. Borrowed: a busy cell's
    /// tail is long.
    #[must_use]
    pub fn cell(&self, cell: &Cell) -> &CellFacts {
        self.cells.get(cell).unwrap_or(&UNUSED)
    }

    /// Every cell of an item or a lot, in one order wherever this is asked.
    #[must_use]
    pub fn cells_of(&self, owner: Ref) -> BTreeSet<Cell> {
        let owns = |cell: &&Cell| owner == cell.item.into() || cell.lot.is_some_and(|lot| owner == lot.into());
        let stored = self.cells_of.get(&owner).into_iter().flatten();
        stored.chain(self.before.cells.keys().filter(owns)).copied().collect()
    }

    /// Whether an item or a location holds any stock.
    #[must_use]
    pub fn holds_stock(&self, owner: Ref) -> bool {
        let mut held = self.stocked.get(&owner).copied().unwrap_or_default();
        for (cell, before) in &self.before.cells {
            if owner == cell.item.into() || owner == cell.location.into() {
                held += u64::from(self.cell(cell).on_hand != Quantity::ZERO);
                held = held.saturating_sub(u64::from(*before != Quantity::ZERO));
            }
        }
        held > 0
    }

    /// The item that an id stands for now: itself, or the one it was merged into.
    #[must_use]
    pub fn resolved(&self, item: ItemId) -> ItemId {
        let mut at = item;
        for _ in 0..if seeded!(AliasNotFollowed) { 0 } else { 8 } {
            match self.record(at).and_then(Record::alias_of) {
                Some(next) => at = ItemId(next),
                None => break,
            }
        }
        at
    }
}
