//! Goods go from one location or stock status to another.

use crate::{
    decide::{Context, Effects, Line},
    facts::{Facts, Needs},
    id::{ItemId, LocationId},
    quantity::Quantity,
    rejection::Rejection,
    stock::{LotEntry, MovementKind, Remarks, StockStatus},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    pub item: ItemId,
    pub from: LocationId,
    pub to: LocationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<LotEntry>,
    #[serde(default)]
    pub status: StockStatus,
    /// The status at the new place; the same when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_status: Option<StockStatus>,
    pub qty: Quantity,
    #[serde(flatten)]
    pub remarks: Remarks,
}

impl Transfer {
    fn line(&self) -> Line<'_> {
        Line { item: self.item, lot: self.lot.as_ref(), qty: self.qty, remarks: &self.remarks }
    }

    fn ends(&self) -> [(LocationId, StockStatus); 2] {
        [(self.from, self.status), (self.to, self.to_status.unwrap_or(self.status))]
    }

    pub(super) fn needs(&self, facts: &Facts) -> Needs {
        self.line().needs(facts, &self.ends())
    }

    pub(super) fn decide(&self, context: &Context, facts: &Facts) -> Result<Effects, Rejection> {
        let [from, to] = self.ends();
        if from == to {
            return Err(Rejection::SameCell);
        }
        let mut effects = Effects::default();
        let line = self.line().checked(context, facts, &mut effects)?;
        let places = (context.place(facts, from.0, from.1)?, context.place(facts, to.0, to.1)?);
        effects.post(context, facts, line.movement(context, MovementKind::Transfer, places))?;
        Ok(effects)
    }
}
