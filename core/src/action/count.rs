//! A count says what was on the shelf at one moment. It is no difference and not "set now": what
//! happened after it still counts, and what happened before it but arrives later does not.

use crate::{
    decide::{Context, Effects, Line},
    facts::{Facts, LastCount, Needs},
    id::{ItemId, LocationId},
    quantity::{LIMIT, Quantity},
    rejection::Rejection,
    stock::{Cell, LotEntry, PostedCount, Remarks, StockStatus},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Count {
    pub item: ItemId,
    pub location: LocationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<LotEntry>,
    #[serde(default)]
    pub status: StockStatus,
    /// Zero or more.
    pub counted: Quantity,
    #[serde(flatten)]
    pub remarks: Remarks,
}

impl Count {
    fn line(&self) -> Line<'_> {
        Line { item: self.item, lot: self.lot.as_ref(), qty: self.counted, remarks: &self.remarks }
    }

    pub(super) fn needs(&self, facts: &Facts) -> Needs {
        self.line().needs(facts, &[(self.location, self.status)])
    }

    pub(super) fn decide(&self, context: &Context, facts: &Facts) -> Result<Effects, Rejection> {
        if self.counted < Quantity::ZERO || self.counted.0 > LIMIT {
            return Err(Rejection::QuantityOutOfRange);
        }
        let mut effects = Effects::default();
        let line = self.line().checked_count(context, facts, &mut effects)?;
        let place = context.place(facts, self.location, self.status)?;
        let count = PostedCount {
            change: context.change,
            item: line.item,
            lot: line.lot,
            place,
            counted: self.counted,
            order: context.order,
            at: context.at,
            clock_error: context.clock_error,
            person: context.person,
            remarks: self.remarks.clone(),
        };
        let cell: Cell = count.cell();
        let known = facts.cell(&cell);
        if known.count.is_none_or(|last| last.order < count.order || seeded!(OldCountOverrides)) {
            let last = LastCount::of(&count, None);
            let desired = known.desired(&last).ok_or(Rejection::Overflow)?;
            effects.variance(context, place, &count, desired.checked_sub(known.on_hand).ok_or(Rejection::Overflow)?);
        }
        effects.counts.push(count);
        Ok(effects)
    }
}
