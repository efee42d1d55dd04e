//! The ledger: stock going from one place to another.

use super::{
    fault::Result,
    items::{Item, item_of},
    loaders::ReversalOf,
    loads,
    locations::Location,
    others::{Lot, Person, Reason, Supplier, record_of},
    scalars::{DateTime, Money, Quantity},
    stock::StockStatus,
};
use crate::store::queries::movements::MovementRow;
use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use stillage_core::{record::Kind, stock};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "stock::MovementKind")]
pub enum MovementKind {
    Receive,
    Issue,
    Transfer,
    Adjust,
    CountVariance,
    Reversal,
}

/// One end of a movement. Suppliers, customers and the like are virtual locations.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct Place {
    pub status: StockStatus,
    #[graphql(skip)]
    place: stock::Place,
}

#[ComplexObject]
impl Place {
    async fn location(&self, ctx: &Context<'_>) -> Result<Option<Location>> {
        record_of(ctx, Kind::Location, Some(self.place.location.0)).await
    }
}

impl From<stock::Place> for Place {
    fn from(place: stock::Place) -> Self {
        Self { status: place.status.into(), place }
    }
}

/// Immutable; undone only by a reversing movement.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct Movement {
    pub id: ID,
    /// The change that made it.
    pub change_id: ID,
    pub kind: MovementKind,
    pub from: Place,
    pub to: Place,
    /// More than zero.
    pub quantity: Quantity,
    /// When it happened.
    pub at: DateTime,
    /// When the server took it.
    pub recorded_at: DateTime,
    pub note: Option<String>,
    /// A document of the outside world: an order, an invoice.
    pub reference: Option<String>,
    /// What was typed, when it was not the plain quantity.
    pub entered: Option<String>,
    /// What one base unit cost, on receipts.
    pub unit_cost: Option<Money>,
    #[graphql(skip)]
    row: MovementRow,
}

impl From<MovementRow> for Movement {
    fn from(row: MovementRow) -> Self {
        Self {
            id: row.id.to_string().into(),
            change_id: row.change.to_string().into(),
            kind: row.kind.into(),
            from: row.from.into(),
            to: row.to.into(),
            quantity: Quantity(row.qty),
            at: DateTime(row.at),
            recorded_at: DateTime(row.recorded_at),
            note: row.note.clone(),
            reference: row.reference.clone(),
            entered: row.entered.clone(),
            unit_cost: row.unit_cost.clone().map(Money::from),
            row,
        }
    }
}

#[ComplexObject]
impl Movement {
    async fn item(&self, ctx: &Context<'_>) -> Result<Option<Item>> {
        item_of(ctx, self.row.item).await
    }

    async fn lot(&self, ctx: &Context<'_>) -> Result<Option<Lot>> {
        record_of(ctx, Kind::Lot, self.row.lot.map(|id| id.0)).await
    }

    async fn reason(&self, ctx: &Context<'_>) -> Result<Option<Reason>> {
        record_of(ctx, Kind::Reason, self.row.reason.map(|id| id.0)).await
    }

    async fn supplier(&self, ctx: &Context<'_>) -> Result<Option<Supplier>> {
        record_of(ctx, Kind::Supplier, self.row.supplier.map(|id| id.0)).await
    }

    async fn person(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        record_of(ctx, Kind::Person, self.row.person.map(|id| id.0)).await
    }

    /// The movement this one undoes.
    async fn reverses(&self, ctx: &Context<'_>) -> Result<Option<Movement>> {
        let Some(id) = self.row.reverses else { return Ok(None) };
        Ok(loads(ctx)?.load_one(id).await?.map(Into::into))
    }

    /// The movement that undid this one.
    async fn reversed_by(&self, ctx: &Context<'_>) -> Result<Option<Movement>> {
        Ok(loads(ctx)?.load_one(ReversalOf(self.row.id)).await?.map(Into::into))
    }
}
