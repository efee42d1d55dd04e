//! Goods come in from a supplier, or back from a customer.

use crate::{
    decide::{Context, Effects, Line},
    facts::{Facts, Needs},
    id::{ItemId, LocationId, SupplierId},
    money::Money,
    quantity::Quantity,
    record::{Kind, Tracking, fields::tracking},
    rejection::{FieldProblem, Rejection},
    seed::Virtual,
    stock::{Cell, LotEntry, MovementKind, Remarks, StockStatus},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receive {
    pub item: ItemId,
    pub location: LocationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<LotEntry>,
    #[serde(default)]
    pub status: StockStatus,
    pub qty: Quantity,
    /// Per base unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<SupplierId>,
    #[serde(flatten)]
    pub remarks: Remarks,
}

impl Receive {
    fn line(&self) -> Line<'_> {
        Line { item: self.item, lot: self.lot.as_ref(), qty: self.qty, remarks: &self.remarks }
    }

    pub(super) fn needs(&self, facts: &Facts) -> Needs {
        let mut needs = self.line().needs(facts, &[(self.location, self.status)]);
        let item = facts.resolved(self.item);
        if let Some(lot) = self.line().lot_id(item)
            && facts.record(item).is_some_and(|record| tracking(record) == Tracking::Serial)
        {
            needs.cells_of.insert(lot.into());
        }
        if self.unit_cost.is_some() {
            needs.costs.insert(item);
        }
        needs
    }

    pub(super) fn decide(&self, context: &Context, facts: &Facts) -> Result<Effects, Rejection> {
        if !self.unit_cost.as_ref().is_none_or(Money::is_cost) {
            return Err(Rejection::Field {
                kind: Kind::Item,
                field: "unit_cost".into(),
                problem: FieldProblem::OutOfRange,
            });
        }
        let mut effects = Effects::default();
        let line = self.line().checked(context, facts, &mut effects)?;
        let to = context.place(facts, self.location, self.status)?;
        let mut movement = line.movement(context, MovementKind::Receive, (Virtual::Supplier.place(), to));
        movement.unit_cost = self.unit_cost.clone();
        movement.supplier = self.supplier;
        if let Some(lot) = line.lot
            && line.tracking == Tracking::Serial
        {
            let here = Cell { item: line.item, location: self.location, lot: Some(lot), status: self.status };
            let known = facts.cells_of(lot.into());
            for cell in known.into_iter().filter(|cell| *cell != here && facts.cell(cell).on_hand > Quantity::ZERO) {
                effects.serial_elsewhere(context, lot, &cell);
            }
        }
        effects.post(context, facts, movement)?;
        Ok(effects)
    }
}
