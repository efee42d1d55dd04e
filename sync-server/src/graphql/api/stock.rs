//! What is on hand in one cell: item, location, lot and status.

use super::{
    fault::Result,
    items::{Item, item_of},
    locations::Location,
    others::{Lot, record_of},
    scalars::{DateTime, Quantity},
};
use crate::store::queries::balances::Balance;
use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use stillage_core::{record::Kind, stock};

/// Whether stock may be promised and used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "stock::StockStatus")]
pub enum StockStatus {
    Available,
    Quarantine,
    Damaged,
    Hold,
}

/// One cell with what it holds.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct StockLevel {
    pub on_hand: Quantity,
    pub status: StockStatus,
    /// What the latest count saw.
    pub counted: Option<Quantity>,
    /// When it was counted.
    pub counted_at: Option<DateTime>,
    #[graphql(skip)]
    cell: stock::Cell,
}

impl From<Balance> for StockLevel {
    fn from(balance: Balance) -> Self {
        Self {
            on_hand: Quantity(balance.on_hand),
            status: balance.cell.status.into(),
            counted: balance.counted.map(|(counted, _)| Quantity(counted)),
            counted_at: balance.counted.map(|(_, at)| DateTime(at)),
            cell: balance.cell,
        }
    }
}

#[ComplexObject]
impl StockLevel {
    async fn item(&self, ctx: &Context<'_>) -> Result<Option<Item>> {
        item_of(ctx, self.cell.item).await
    }

    async fn location(&self, ctx: &Context<'_>) -> Result<Option<Location>> {
        record_of(ctx, Kind::Location, Some(self.cell.location.0)).await
    }

    /// Null when the item is not tracked.
    async fn lot(&self, ctx: &Context<'_>) -> Result<Option<Lot>> {
        record_of(ctx, Kind::Lot, self.cell.lot.map(|lot| lot.0)).await
    }
}
