//! The book is put right by a difference, with a reason.

use crate::{
    decide::{Context, Effects, Line},
    facts::{Facts, Needs},
    id::{ItemId, LocationId},
    quantity::Quantity,
    record::{Direction, Reason, Ref},
    rejection::Rejection,
    seed::Virtual,
    stock::{Cell, LotEntry, MovementKind, Remarks, StockStatus},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adjust {
    pub item: ItemId,
    pub location: LocationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<LotEntry>,
    #[serde(default)]
    pub status: StockStatus,
    /// Added when positive, taken away when negative.
    pub delta: Quantity,
    /// For an absolute set: what on hand must be for the difference to be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_on_hand: Option<Quantity>,
    #[serde(flatten)]
    pub remarks: Remarks,
}

impl Adjust {
    fn line(&self) -> Line<'_> {
        Line { item: self.item, lot: self.lot.as_ref(), qty: self.delta.abs(), remarks: &self.remarks }
    }

    pub(super) fn needs(&self, facts: &Facts) -> Needs {
        let mut needs = self.line().needs(facts, &[(self.location, self.status)]);
        needs.records.extend(self.remarks.reason.map(Ref::from));
        needs
    }

    pub(super) fn decide(&self, context: &Context, facts: &Facts) -> Result<Effects, Rejection> {
        self.check_reason(facts)?;
        let mut effects = Effects::default();
        let line = self.line().checked(context, facts, &mut effects)?;
        let place = context.place(facts, self.location, self.status)?;
        let cell = Cell { item: line.item, location: self.location, lot: line.lot, status: self.status };
        let current = facts.cell(&cell).on_hand;
        if let Some(expected) = self.expected_on_hand.filter(|expected| *expected != current) {
            return Err(Rejection::OnHandConflict { expected, current });
        }
        let other = Virtual::Adjustment.place();
        let places = if self.delta > Quantity::ZERO { (other, place) } else { (place, other) };
        effects.post(context, facts, line.movement(context, MovementKind::Adjust, places))?;
        Ok(effects)
    }

    fn check_reason(&self, facts: &Facts) -> Result<(), Rejection> {
        let id = self.remarks.reason.ok_or(Rejection::ReasonRequired)?;
        let record = facts.record(id).ok_or(Rejection::NotFound { subject: id.into() })?;
        let reason: Reason = record.read().map_err(|fault| Rejection::Malformed { reason: fault.to_string() })?;
        let fits = match reason.direction {
            Direction::Both => true,
            Direction::In => self.delta > Quantity::ZERO,
            Direction::Out => self.delta < Quantity::ZERO,
        };
        if !fits {
            return Err(Rejection::ReasonDirection);
        }
        if reason.note_required && self.remarks.note.as_deref().unwrap_or("").is_empty() {
            return Err(Rejection::NoteRequired);
        }
        Ok(())
    }
}
