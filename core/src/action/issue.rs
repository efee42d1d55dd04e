//! Goods go out: sold, used up, given away.

use crate::{
    decide::{Context, Effects, Line},
    facts::{Facts, Needs},
    id::{ItemId, LocationId},
    quantity::Quantity,
    rejection::Rejection,
    seed::Virtual,
    stock::{LotEntry, MovementKind, Remarks, StockStatus},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    pub item: ItemId,
    pub location: LocationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<LotEntry>,
    #[serde(default)]
    pub status: StockStatus,
    pub qty: Quantity,
    #[serde(flatten)]
    pub remarks: Remarks,
}

impl Issue {
    fn line(&self) -> Line<'_> {
        Line { item: self.item, lot: self.lot.as_ref(), qty: self.qty, remarks: &self.remarks }
    }

    pub(super) fn needs(&self, facts: &Facts) -> Needs {
        self.line().needs(facts, &[(self.location, self.status)])
    }

    pub(super) fn decide(&self, context: &Context, facts: &Facts) -> Result<Effects, Rejection> {
        let mut effects = Effects::default();
        let line = self.line().checked(context, facts, &mut effects)?;
        let from = context.place(facts, self.location, self.status)?;
        let movement = line.movement(context, MovementKind::Issue, (from, Virtual::Customer.place()));
        effects.post(context, facts, movement)?;
        Ok(effects)
    }
}
