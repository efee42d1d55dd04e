//! What every action is decided with: the context of the change, the checks all stock lines
//! share, and the effects that come out. Nothing here writes; `Facts::apply` only carries effects
//! over to the facts of the next decision.

mod effects;
mod line;

pub use effects::{Draft, Effects, InboxKind};
pub use line::{CheckedLine, Line};

use crate::{
    facts::{CellFacts, Facts, LastCount, TailEntry},
    id::{ChangeId, DeviceId, LocationId, MovementId, PersonId},
    order::OrderKey,
    quantity::Quantity,
    record::{Kind, Location, LocationRole, Record, Ref},
    rejection::{FieldProblem, Rejection},
    scope::Scope,
    stock::{Cell, Place, StockStatus},
    text,
};

/// Through which door a change came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A person or program waits for the answer and can choose otherwise: a taken SKU is refused.
    Direct,
    /// It happened already, somewhere without a network: what is a fact is accepted and flagged.
    Late,
    /// It was taken once, in a history that the server has lost: what it found there at its place was enough.
    Again,
}

/// What a decision knows of the change it decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Context {
    pub change: ChangeId,
    pub order: OrderKey,
    pub person: Option<PersonId>,
    /// Effective time in microseconds since 1970.
    pub at: i64,
    /// How far off `at` may be, in microseconds.
    pub clock_error: i64,
    pub door: Door,
}

impl Context {
    /// The movement a change makes has the change's own number.
    #[must_use]
    pub const fn movement_id(&self) -> MovementId {
        MovementId(self.change.0)
    }

    /// A place that can hold stock.
    pub fn place(&self, facts: &Facts, location: LocationId, status: StockStatus) -> Result<Place, Rejection> {
        let record = facts.record(location).ok_or_else(|| missing(facts, location.into()))?;
        let view: Location = read(record)?;
        if self.door == Door::Direct && record.archived {
            return Err(Rejection::Archived { subject: record.of });
        }
        match (view.role, view.site) {
            (LocationRole::Virtual, _) | (_, None) => Err(Rejection::LocationNotStorable { location }),
            (_, site) => Ok(Place { location, site, status }),
        }
    }
}

/// Why a record that should be there is not: it never was, or the change that would have made it
/// was refused.
#[must_use]
pub fn missing(facts: &Facts, subject: Ref) -> Rejection {
    match facts.refused_creates.get(&subject) {
        Some(&root) => Rejection::DependsOnRejected { root },
        None => Rejection::NotFound { subject },
    }
}

/// The typed view of a record, or a rejection that says which record is unreadable.
pub fn read<T: serde::de::DeserializeOwned>(record: &Record) -> Result<T, Rejection> {
    record.read().map_err(|fault| Rejection::Malformed { reason: format!("{}: {fault}", record.of) })
}

/// A note in the form it is kept in.
pub fn note(text: Option<&str>) -> Result<Option<String>, Rejection> {
    limited("note", text, 1000)
}

pub(crate) fn limited(field: &str, text: Option<&str>, max: usize) -> Result<Option<String>, Rejection> {
    let Some(text) = text else { return Ok(None) };
    let problem = match text::clean(text, max) {
        Ok(clean) => return Ok((!clean.is_empty()).then_some(clean)),
        Err(text::TextFault::TooLong { max }) => FieldProblem::TooLong { max },
        Err(text::TextFault::Control | text::TextFault::Empty) => FieldProblem::ControlCharacter,
    };
    Err(Rejection::Field { kind: Kind::Item, field: field.to_owned(), problem })
}

/// The order stamp of something done at `at` by `device`: its time, moved up past every entry and
/// the last count of the same cells that the device made itself or already knew when it acted.
/// The count by itself: one that agreed with the book left no entry. What the device did `later` is not before it.
#[must_use]
pub fn order_ts(at: i64, (device, later): (DeviceId, &[OrderKey]), cells: &[(&CellFacts, Option<u64>)]) -> i64 {
    let before = |(cell, cut): &(&CellFacts, Option<u64>)| {
        let entries = cell.tail.iter().map(|entry| (entry.order, entry.log_seq));
        let stamps =
            entries.chain(cell.count.filter(|_| !seeded!(OrderIgnoresCount)).map(|count| (count.order, count.log_seq)));
        let own = |order: OrderKey| order.device == device && !later.contains(&order) && !seeded!(OrderIgnoresOwn);
        let knew = |seq| knew(*cut, seq) && !seeded!(OrderIgnoresKnown);
        stamps.filter(|(order, seq)| own(*order) || knew(*seq)).map(|(order, _)| order.ts).max()
    };
    cells.iter().filter_map(before).map(|ts| ts.saturating_add(1)).fold(at, i64::max)
}

/// Whether a device whose cursor stood at `cut` had the row that is numbered `seq`.
#[must_use]
pub fn knew(cut: Option<u64>, seq: Option<u64>) -> bool {
    seq.is_some_and(|seq| cut.is_some_and(|cut| seq <= cut || seeded!(OrderByArrival)))
}

impl CellFacts {
    /// What the shelf holds if `last` is the latest word on it: what was counted, and every
    /// movement after it; variances are corrections of the book and not movements of goods.
    #[must_use]
    pub fn desired(&self, last: &LastCount) -> Option<Quantity> {
        self.tail
            .iter()
            .filter(|entry| !entry.variance || seeded!(DesiredAddsVariances))
            .filter(|entry| entry.order > last.order && !seeded!(CountSetsNow))
            .try_fold(last.counted, |sum, entry| sum.checked_add(entry.delta))
    }

    /// What was there at this place among its entries.
    #[must_use]
    pub fn before(&self, order: OrderKey) -> Option<Quantity> {
        let later = self.tail.iter().filter(|entry| entry.order > order);
        later.map(|entry| entry.delta.negated()).try_fold(self.on_hand, Quantity::checked_add)
    }

    fn enter(&mut self, entry: TailEntry) {
        self.on_hand = self.on_hand.checked_add(entry.delta).unwrap_or(self.on_hand);
        self.last_order = self.last_order.max(if seeded!(MovementRaisesNoOrder) { 0 } else { entry.order.ts });
        self.tail.push(entry);
    }
}

impl Facts {
    /// Carries what a change did over to the facts, so that the next change of the same batch is
    /// decided as if the store had been written and read again.
    pub fn apply(&mut self, effects: &Effects) {
        for record in &effects.records {
            self.apply_record(record);
        }
        for movement in &effects.movements {
            for entry in movement.entries() {
                let cell = self.cells.entry(entry.cell).or_default();
                self.before.cells.entry(entry.cell).or_insert(cell.on_hand);
                cell.enter(TailEntry::of(movement, &entry));
            }
            let known = crate::facts::MovementFacts { movement: movement.clone(), reversed_by: None };
            self.movements.insert(movement.id, Some(known));
            if let Some(original) = movement.reverses
                && let Some(Some(known)) = self.movements.get_mut(&original)
            {
                known.reversed_by = Some(movement.id);
            }
        }
        for count in &effects.counts {
            let cell = self.cells.entry(count.cell()).or_default();
            cell.last_order = cell.last_order.max(if seeded!(CountRaisesNoOrder) { 0 } else { count.order.ts });
            if cell.count.is_none_or(|last| last.order < count.order || seeded!(OldCountReplaces)) {
                cell.count = Some(LastCount::of(count, None));
            }
        }
    }

    fn apply_record(&mut self, record: &Record) {
        let old = self.records.insert(record.of, Some(record.clone())).flatten();
        let old_key = old.as_ref().and_then(Record::key);
        let new_key = record.key();
        self.before.records.entry(record.of).or_insert(old);
        if old_key == new_key {
            return;
        }
        if let Some(key) = old_key {
            self.keys.insert((record.of.kind, key), None);
        }
        if let Some(key) = new_key.filter(|_| !seeded!(KeyOfBatchUnseen)) {
            self.keys.insert((record.of.kind, key), Some(record.of));
        }
    }

    /// The number up to which a device had applied the scope of a cell when it acted.
    #[must_use]
    pub fn cut_of(&self, cell: &Cell, cursors: &std::collections::BTreeMap<Scope, u64>) -> Option<u64> {
        let site = self.record(cell.location)?.reference("site")?;
        cursors.get(&Scope::Site(LocationId(site))).copied()
    }
}
