//! The bodies of movements and counts as they are stored, sent and hashed, written straight from their fields.
//!
//! The surprise: the fields stand here in the order of the alphabet, which makes what serde writes the canonical text.

use super::{Movement, MovementKind, Place, PostedCount, is_exact};
use crate::{
    id::{ChangeId, DeviceId, ItemId, LotId, MovementId, PersonId, ReasonId, SupplierId},
    money::Money,
    order::OrderKey,
    quantity::Quantity,
};
use serde::Serialize;

#[derive(Serialize)]
struct MovementBody<'a> {
    at: i64,
    change: ChangeId,
    #[serde(skip_serializing_if = "is_exact")]
    clock_error: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<ChangeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entered: Option<&'a str>,
    from: Place,
    id: MovementId,
    item: ItemId,
    kind: MovementKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    lot: Option<LotId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    order: OrderBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<PersonId>,
    qty: Quantity,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverses: Option<MovementId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<SupplierId>,
    to: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_cost: Option<CostBody<'a>>,
}

#[derive(Serialize)]
struct CountBody<'a> {
    at: i64,
    change: ChangeId,
    #[serde(skip_serializing_if = "is_exact")]
    clock_error: i64,
    counted: Quantity,
    #[serde(skip_serializing_if = "Option::is_none")]
    entered: Option<&'a str>,
    item: ItemId,
    #[serde(skip_serializing_if = "Option::is_none")]
    lot: Option<LotId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    order: OrderBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<PersonId>,
    place: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

#[derive(Serialize)]
struct OrderBody {
    device: DeviceId,
    seq: u64,
    ts: i64,
}

#[derive(Serialize)]
struct CostBody<'a> {
    currency: &'a str,
    minor: String,
}

impl From<OrderKey> for OrderBody {
    fn from(OrderKey { ts, device, seq }: OrderKey) -> Self {
        Self { device, seq, ts }
    }
}

impl<'a> From<&'a Money> for CostBody<'a> {
    fn from(cost: &'a Money) -> Self {
        Self { currency: &cost.currency, minor: cost.minor.to_string() }
    }
}

fn written(body: &impl Serialize) -> String {
    // What these are made of can always be written.
    serde_json::to_string(body).unwrap_or_default()
}

impl Movement {
    /// The body that is stored, sent and hashed.
    #[must_use]
    pub fn body(&self) -> String {
        let remarks = &self.remarks;
        written(&MovementBody {
            at: self.at,
            change: self.change,
            clock_error: self.clock_error,
            count: self.count,
            entered: remarks.entered.as_deref(),
            from: self.from,
            id: self.id,
            item: self.item,
            kind: self.kind,
            lot: self.lot,
            note: remarks.note.as_deref(),
            order: self.order.into(),
            person: self.person,
            qty: self.qty,
            reason: remarks.reason,
            reference: remarks.reference.as_deref(),
            reverses: self.reverses,
            supplier: self.supplier,
            to: self.to,
            unit_cost: self.unit_cost.as_ref().map(CostBody::from),
        })
    }
}

impl PostedCount {
    /// The body that is stored, sent and hashed.
    #[must_use]
    pub fn body(&self) -> String {
        let remarks = &self.remarks;
        written(&CountBody {
            at: self.at,
            change: self.change,
            clock_error: self.clock_error,
            counted: self.counted,
            entered: remarks.entered.as_deref(),
            item: self.item,
            lot: self.lot,
            note: remarks.note.as_deref(),
            order: self.order.into(),
            person: self.person,
            place: self.place,
            reason: remarks.reason,
            reference: remarks.reference.as_deref(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::LocationId,
        money::Money,
        stock::{Remarks, StockStatus},
        text,
    };
    use uuid::Uuid;

    fn bare() -> Movement {
        let id = Uuid::from_u128(7);
        let place = Place { location: LocationId(id), site: None, status: StockStatus::Available };
        Movement {
            id: MovementId(id),
            change: ChangeId(id),
            kind: MovementKind::CountVariance,
            item: ItemId(id),
            lot: None,
            from: place,
            to: Place { site: Some(LocationId(id)), status: StockStatus::Hold, ..place },
            qty: Quantity(1_500_000),
            order: OrderKey { ts: 3, device: DeviceId(id), seq: 2 },
            at: 3,
            clock_error: 0,
            person: None,
            remarks: Remarks::default(),
            unit_cost: None,
            supplier: None,
            reverses: None,
            count: None,
        }
    }

    #[test]
    fn a_body_is_the_canonical_text_of_its_movement() {
        let id = Uuid::from_u128(9);
        let text = |text: &str| Some(text.to_owned());
        let remarks = Remarks {
            reason: Some(ReasonId(id)),
            note: text("a \"note\"\n\u{e9}"),
            reference: text("PO 1"),
            entered: text("3 BOX"),
        };
        let full = Movement {
            lot: Some(LotId(id)),
            clock_error: 5,
            person: Some(PersonId(id)),
            remarks,
            unit_cost: Some(Money { minor: 250, currency: "EUR".into() }),
            supplier: Some(SupplierId(id)),
            reverses: Some(MovementId(id)),
            count: Some(ChangeId(id)),
            ..bare()
        };
        for movement in [bare(), full] {
            assert_eq!(movement.body(), text::canonical(&serde_json::to_value(&movement).unwrap()));
        }
    }
}
