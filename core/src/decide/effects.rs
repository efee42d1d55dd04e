//! What a decision comes to.

use super::{Context, Door, read};
use crate::{
    change::Change,
    facts::{CellFacts, Facts},
    id::{ChangeId, LotId, MovementId, PersonId},
    quantity::Quantity,
    record::{Level, Location, Record, Ref, merge::FieldConflict},
    rejection::Rejection,
    seed::Virtual,
    stock::{Cell, Entry, Movement, MovementKind, Place, PostedCount, Remarks},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Why a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxKind {
    /// Two values for one field.
    Conflict,
    Rejected,
    Parked,
    SkuTaken,
    BarcodeTaken,
    /// A cell went below zero.
    Negative,
    /// An edit of a record that had been archived.
    ArchivedEdit,
    /// A serial that came in is booked at another place.
    SerialElsewhere,
    /// A count and a movement of its cell that no clock could tell apart.
    AmbiguousCount,
}

impl InboxKind {
    #[must_use]
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// An inbox row before it has an owner: the server adds the person and the time.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub kind: InboxKind,
    pub subject: Option<Ref>,
    pub field: Option<String>,
    pub base: Value,
    pub mine: Value,
    pub theirs: Value,
    pub theirs_by: Option<PersonId>,
    pub theirs_at: Option<i64>,
    pub code: Option<String>,
    pub details: Value,
}

impl Draft {
    #[must_use]
    pub const fn new(kind: InboxKind, subject: Option<Ref>) -> Self {
        Self {
            kind,
            subject,
            field: None,
            base: Value::Null,
            mine: Value::Null,
            theirs: Value::Null,
            theirs_by: None,
            theirs_at: None,
            code: None,
            details: Value::Null,
        }
    }

    /// A change that was not done, whole as it came.
    #[must_use]
    pub fn undone(kind: InboxKind, subject: Option<Ref>, change: &Change, code: String) -> Self {
        let mine = serde_json::from_str(&change.body).unwrap_or(Value::Null);
        Self { mine, code: Some(code), ..Self::new(kind, subject) }
    }

    /// Two values for one field of `current`, of which the server's stands.
    #[must_use]
    pub fn conflict(current: &Record, conflict: FieldConflict) -> Self {
        Self {
            field: Some(conflict.field),
            base: conflict.base,
            mine: conflict.mine,
            theirs: conflict.theirs,
            theirs_by: current.reference("changed_by").map(PersonId),
            theirs_at: current.fields.get("changed_at").and_then(Value::as_i64),
            ..Self::new(InboxKind::Conflict, Some(current.of))
        }
    }
}

/// Rows to write for one change. Whole records, not patches: the merge is done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    pub records: Vec<Record>,
    pub movements: Vec<Movement>,
    pub counts: Vec<PostedCount>,
    pub inbox: Vec<Draft>,
    /// Somebody else's work on the same record was taken into account.
    pub merged: bool,
}

impl Effects {
    /// Enters a movement. Where a later count already spoke for a cell, a variance takes the
    /// movement out again: the counter saw the shelf after it happened.
    pub fn post(&mut self, context: &Context, facts: &Facts, movement: Movement) -> Result<(), Rejection> {
        let mut variances = Vec::new();
        for entry in movement.entries() {
            let known = facts.cell(&entry.cell);
            let counted_later = known.count.filter(|count| movement.order < count.order && !seeded!(LateNotTakenOut));
            if let Some(count) = counted_later {
                let place = if entry.delta < Quantity::ZERO || seeded!(LateVariancePlace) {
                    movement.from
                } else {
                    movement.to
                };
                let delta = if seeded!(LateVarianceSign) { entry.delta } else { entry.delta.negated() };
                variances.push((entry.cell, place, count.change, delta));
            } else {
                self.watch_level(context, facts, &entry, known)?;
            }
        }
        self.movements.push(movement);
        for (cell, place, count, delta) in variances {
            self.push_variance(context, cell, place, (count, delta, Remarks::default()));
        }
        Ok(())
    }

    /// Brings the book to what was counted. A zero variance writes nothing.
    pub fn variance(&mut self, context: &Context, place: Place, count: &PostedCount, delta: Quantity) {
        if delta != Quantity::ZERO {
            self.push_variance(context, count.cell(), place, (count.change, delta, count.remarks.clone()));
        }
    }

    fn push_variance(
        &mut self,
        context: &Context,
        cell: Cell,
        place: Place,
        (count, delta, remarks): (ChangeId, Quantity, Remarks),
    ) {
        let other = Virtual::CountVariance.place();
        let (from, to) = if delta > Quantity::ZERO { (other, place) } else { (place, other) };
        let salt = format!("variance/{}", self.movements.len());
        self.movements.push(Movement {
            id: MovementId::derived(context.change.0, &salt),
            change: context.change,
            kind: MovementKind::CountVariance,
            item: cell.item,
            lot: cell.lot,
            from,
            to,
            qty: delta.abs(),
            order: context.order,
            at: context.at,
            clock_error: context.clock_error,
            person: context.person,
            remarks: Remarks { entered: None, ..remarks },
            unit_cost: None,
            supplier: None,
            reverses: None,
            count: Some(count),
        });
    }

    fn watch_level(
        &mut self,
        context: &Context,
        facts: &Facts,
        entry: &Entry,
        known: &CellFacts,
    ) -> Result<(), Rejection> {
        let after = known.on_hand.checked_add(entry.delta).ok_or(Rejection::Overflow)?;
        if entry.delta > Quantity::ZERO || after >= Quantity::ZERO {
            return Ok(());
        }
        let cell = entry.cell;
        let level = match facts.record(cell.location) {
            Some(record) => read::<Location>(record)?.negative,
            None => Level::Warn,
        };
        let there = known.before(context.order).filter(|_| context.door == Door::Again);
        let enough_there = there.and_then(|there| there.checked_add(entry.delta)) >= Some(Quantity::ZERO);
        match level {
            Level::Block if !enough_there => {
                Err(Rejection::NotEnoughStock { item: cell.item, location: cell.location, on_hand: known.on_hand })
            }
            Level::Block | Level::Warn if known.on_hand >= Quantity::ZERO && !seeded!(NegativeNotFlagged) => {
                let mut draft = Draft::new(InboxKind::Negative, Some(cell.item.into()));
                draft.details = json!({
                    "location": cell.location, "lot": cell.lot, "status": cell.status.name(),
                    "on_hand": after, "at": context.at,
                });
                self.inbox.push(draft);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A serial can only be in one place; the person is asked which.
    pub fn serial_elsewhere(&mut self, context: &Context, lot: LotId, cell: &Cell) {
        let mut draft = Draft::new(InboxKind::SerialElsewhere, Some(lot.into()));
        draft.details = json!({
            "item": cell.item, "location": cell.location, "status": cell.status.name(), "at": context.at,
        });
        self.inbox.push(draft);
    }
}
