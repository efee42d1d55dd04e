//! What every stock action has in common: an item, perhaps a lot, an amount, and remarks.

use super::{Context, Door, Effects, limited, missing, note, read};
use crate::{
    facts::{Facts, Needs},
    id::{ItemId, LocationId, LotId},
    quantity::{LIMIT, Quantity},
    record::{Fields, Item, Record, Ref, Tracking, UNNUMBERED, fields::is_date},
    rejection::{FieldProblem, Rejection},
    stock::{Cell, LotEntry, Movement, MovementKind, Place, Remarks, StockStatus, lot_id},
    text,
};
use serde_json::json;

/// A stock line as it was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    pub item: ItemId,
    pub lot: Option<&'a LotEntry>,
    pub qty: Quantity,
    pub remarks: &'a Remarks,
}

/// A stock line that fits its item, with aliases followed and the lot named.
#[derive(Debug, Clone)]
pub struct CheckedLine {
    pub item: ItemId,
    pub lot: Option<LotId>,
    pub tracking: Tracking,
    pub qty: Quantity,
    pub remarks: Remarks,
}

impl Line<'_> {
    #[must_use]
    pub fn lot_id(&self, item: ItemId) -> Option<LotId> {
        self.lot.map(|lot| lot_id(item, &lot.code))
    }

    #[must_use]
    pub fn needs(&self, facts: &Facts, places: &[(LocationId, StockStatus)]) -> Needs {
        let mut needs = Needs::default();
        let item = facts.resolved(self.item);
        needs.record(self.item);
        needs.record(item);
        let lot = self.lot_id(item);
        needs.records.extend(lot.map(Ref::from));
        for &(location, status) in places {
            needs.record(location);
            needs.cells.insert(Cell { item, location, lot, status });
        }
        needs
    }

    /// Checks the line for a movement: something must move.
    pub fn checked(&self, context: &Context, facts: &Facts, effects: &mut Effects) -> Result<CheckedLine, Rejection> {
        if self.qty <= Quantity::ZERO || self.qty.0 > LIMIT {
            return Err(Rejection::QuantityOutOfRange);
        }
        self.checked_count(context, facts, effects)
    }

    /// Checks the line for a count, where zero is an answer. The lot's record is written when it
    /// is new or learned its expiry.
    pub fn checked_count(
        &self,
        context: &Context,
        facts: &Facts,
        effects: &mut Effects,
    ) -> Result<CheckedLine, Rejection> {
        let item = facts.resolved(self.item);
        let record = facts.record(item).ok_or_else(|| missing(facts, item.into()))?;
        let view: Item = read(record)?;
        if context.door == Door::Direct {
            if record.archived {
                return Err(Rejection::Archived { subject: record.of });
            }
            if self.qty.scale() > view.display_scale {
                return Err(Rejection::QuantityTooPrecise { scale: view.display_scale });
            }
        }
        match (view.tracking, self.lot) {
            (Tracking::None, Some(_)) => return Err(Rejection::LotNotKept { item }),
            (Tracking::Lot, None) => return Err(Rejection::LotRequired { item }),
            (Tracking::Serial, None) => return Err(Rejection::SerialRequired { item }),
            (Tracking::Serial, Some(_)) if self.qty > Quantity::whole(1) => {
                return Err(Rejection::SerialIsOne { item });
            }
            _ => {}
        }
        let lot = match self.lot {
            Some(lot) => Some(write_lot(facts, effects, (item, view.tracking), lot)?),
            None => None,
        };
        let remarks = Remarks {
            reason: self.remarks.reason,
            note: note(self.remarks.note.as_deref())?,
            reference: limited("reference", self.remarks.reference.as_deref(), 200)?,
            entered: limited("entered", self.remarks.entered.as_deref(), 100)?,
        };
        Ok(CheckedLine { item, lot, tracking: view.tracking, qty: self.qty, remarks })
    }
}

fn write_lot(
    facts: &Facts,
    effects: &mut Effects,
    (item, tracking): (ItemId, Tracking),
    lot: &LotEntry,
) -> Result<LotId, Rejection> {
    let id = lot_id(item, &lot.code);
    let refuse =
        |field: &str, problem| Rejection::Field { kind: crate::record::Kind::Lot, field: field.to_owned(), problem };
    let code = text::required(&lot.code, 64).map_err(|_| refuse("code", FieldProblem::Missing))?;
    if lot.expiry.as_deref().is_some_and(|date| !is_date(date)) {
        return Err(refuse("expiry", FieldProblem::NotADate));
    }
    let known = facts.record(id);
    let expiry_is_new = lot.expiry.is_some() && known.is_none_or(|record| record.text("expiry").is_none());
    if known.is_some() && !expiry_is_new {
        return Ok(id);
    }
    let mut record = known.cloned().unwrap_or_else(|| Record {
        of: id.into(),
        version: UNNUMBERED,
        archived: false,
        fields: Fields::from([("item".to_owned(), json!(item)), ("code".to_owned(), json!(code))]),
    });
    if tracking == Tracking::Serial {
        record.fields.insert("serial".into(), json!(true));
    }
    if let Some(expiry) = &lot.expiry {
        record.fields.insert("expiry".into(), json!(expiry));
    }
    effects.records.push(record);
    Ok(id)
}

impl CheckedLine {
    #[must_use]
    pub fn movement(&self, context: &Context, kind: MovementKind, (from, to): (Place, Place)) -> Movement {
        Movement {
            id: context.movement_id(),
            change: context.change,
            kind,
            item: self.item,
            lot: self.lot,
            from,
            to,
            qty: self.qty,
            order: context.order,
            at: context.at,
            clock_error: context.clock_error,
            person: context.person,
            remarks: self.remarks.clone(),
            unit_cost: None,
            supplier: None,
            reverses: None,
            count: None,
        }
    }
}
