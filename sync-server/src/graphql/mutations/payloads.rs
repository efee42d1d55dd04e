//! What mutations answer: the thing as it stands now, what became of the change, and why not.

use super::{
    entry::{Entry, Settled},
    user_errors::UserError,
};
use crate::{
    graphql::api::{
        fault::Result,
        inbox::InboxRow,
        items::Item,
        locations::Location,
        movements::Movement,
        others::{Barcode, Category, Reason},
        stock::StockLevel,
    },
    store::queries::{
        Page,
        balances::{BalanceFilter, BalanceSort, balances_page},
        movements::movements_by_id,
    },
};
use async_graphql::{Enum, ID, SimpleObject};
use stillage_core::{
    change,
    id::MovementId,
    record::{Record, Ref},
    stock,
};
use uuid::Uuid;

/// The one end of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "change::Outcome")]
pub enum Outcome {
    Applied,
    /// Applied beside, or partly against, what somebody else did; the rest is in the inbox.
    Merged,
    Rejected,
    /// Kept whole until an admin decides it.
    Parked,
}

/// What became of a mutation.
#[derive(Debug, Clone, SimpleObject)]
pub struct ChangeEnd {
    pub id: ID,
    pub outcome: Outcome,
    /// The same request had been answered before; this is that answer.
    pub duplicate: bool,
}

fn end_of(settled: &Settled) -> Option<ChangeEnd> {
    settled.result.as_ref().map(|result| ChangeEnd {
        id: result.id.to_string().into(),
        outcome: result.outcome.into(),
        duplicate: result.duplicate,
    })
}

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $field:ident: $entity:ident };)*) => {$(
        $(#[$doc])*
        #[derive(Debug, SimpleObject)]
        pub struct $name {
            /// As it stands now, also when it was refused.
            pub $field: Option<$entity>,
            /// Null when it was refused before it became a change.
            pub change: Option<ChangeEnd>,
            /// Empty when it was done.
            pub user_errors: Vec<UserError>,
        }

        impl $name {
            /// The answer about one record.
            pub async fn of(entry: &Entry<'_>, settled: Settled, of: Option<Ref>) -> Result<Self> {
                let record = standing(entry, of).await?;
                Ok(Self {
                    $field: record.map($entity::from),
                    change: end_of(&settled),
                    user_errors: settled.errors,
                })
            }
        }
    )*};
}

payloads! {
    ItemPayload { item: Item };
    LocationPayload { location: Location };
    BarcodePayload { barcode: Barcode };
    CategoryPayload { category: Category };
    ReasonPayload { reason: Reason };
    InboxPayload { row: InboxRow };
}

async fn standing(entry: &Entry<'_>, of: Option<Ref>) -> Result<Option<Record>> {
    match of {
        Some(of) => entry.record(of).await,
        None => Ok(None),
    }
}

#[derive(Debug, SimpleObject)]
pub struct StockPayload {
    /// The movement that was made; null when nothing had to move, as after a count that agreed.
    pub movement: Option<Movement>,
    /// The cells it touched, or would have, as they stand now.
    pub stock: Vec<StockLevel>,
    /// Null when it was refused before it became a change.
    pub change: Option<ChangeEnd>,
    /// Empty when it was done.
    pub user_errors: Vec<UserError>,
}

impl StockPayload {
    /// The answer about the movement of this change. `cells` are looked at when nothing moved.
    pub async fn of(entry: &Entry<'_>, settled: Settled, cells: &[stock::Cell]) -> Result<Self> {
        let (own, variance) = (MovementId(entry.change.0), MovementId::derived(entry.change.0, "variance/0"));
        let mut found = if settled.done() && settled.result.is_some() {
            movements_by_id(&entry.reader, &[own.0, variance.0]).await?
        } else {
            std::collections::HashMap::new()
        };
        let movement = found.remove(&own).or_else(|| found.remove(&variance));
        let touched: Vec<stock::Cell> = match &movement {
            Some(row) => [row.from, row.to]
                .into_iter()
                .filter(|place| place.site.is_some())
                .map(|place| stock::Cell {
                    item: row.item,
                    location: place.location,
                    lot: row.lot,
                    status: place.status,
                })
                .collect(),
            None => cells.to_vec(),
        };
        Ok(Self {
            stock: levels(entry, &touched).await?,
            movement: movement.map(Into::into),
            change: end_of(&settled),
            user_errors: settled.errors,
        })
    }
}

async fn levels(entry: &Entry<'_>, cells: &[stock::Cell]) -> Result<Vec<StockLevel>> {
    if cells.is_empty() {
        return Ok(Vec::new());
    }
    let ids = |of: fn(&stock::Cell) -> Uuid| Some(cells.iter().map(of).collect::<Vec<_>>());
    let filter = BalanceFilter {
        items: ids(|cell| cell.item.0),
        locations: ids(|cell| cell.location.0),
        lots: ids(|cell| cell.lot.map_or(Uuid::nil(), |lot| lot.0)),
        zero: true,
        ..BalanceFilter::default()
    };
    let page = Page { limit: 8, ..Page::default() };
    let rows = balances_page(&entry.reader, &filter, (BalanceSort::Item, false), &page).await?;
    let touched = rows.rows.into_iter().filter(|(_, balance)| cells.contains(&balance.cell));
    Ok(touched.map(|(_, balance)| balance.into()).collect())
}
