//! A movement is undone by its opposite, in the order of what it undoes.

use crate::{
    decide::{Context, Effects},
    facts::{Facts, Needs},
    id::MovementId,
    record::{Kind, Ref},
    rejection::Rejection,
    stock::{Movement, MovementKind},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reverse {
    pub movement: MovementId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Reverse {
    pub(super) fn needs(&self, facts: &Facts) -> Needs {
        let mut needs = Needs::default();
        needs.movements.insert(self.movement);
        if let Some(Some(known)) = facts.movements.get(&self.movement) {
            for entry in known.movement.entries() {
                needs.cells.insert(entry.cell);
                needs.records.insert(Ref { kind: Kind::Location, id: entry.cell.location.0 });
            }
        }
        needs
    }

    pub(super) fn decide(&self, context: &Context, facts: &Facts) -> Result<Effects, Rejection> {
        let known = facts
            .movements
            .get(&self.movement)
            .and_then(Option::as_ref)
            .ok_or(Rejection::MovementNotFound { movement: self.movement })?;
        if let Some(by) = known.reversed_by.filter(|_| !seeded!(ReversedTwice)) {
            return Err(Rejection::AlreadyReversed { movement: self.movement, by });
        }
        let original = &known.movement;
        if matches!(original.kind, MovementKind::CountVariance | MovementKind::Reversal) {
            return Err(Rejection::NotReversible { movement: self.movement });
        }
        let mut remarks = original.remarks.clone();
        remarks.note = crate::decide::note(self.note.as_deref())?;
        remarks.entered = None;
        let reversal = Movement {
            id: context.movement_id(),
            change: context.change,
            kind: MovementKind::Reversal,
            from: if seeded!(ReversedSameWay) { original.from } else { original.to },
            to: if seeded!(ReversedSameWay) { original.to } else { original.from },
            order: if seeded!(ReversedNow) { context.order } else { original.order },
            at: context.at,
            person: context.person,
            remarks,
            unit_cost: None,
            supplier: None,
            reverses: Some(original.id),
            count: None,
            ..original.clone()
        };
        let mut effects = Effects::default();
        effects.post(context, facts, reversal)?;
        Ok(effects)
    }
}
