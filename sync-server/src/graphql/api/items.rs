//! What is stocked.

use super::{
    fault::Result,
    loaders::{AverageCost, CellsOf, MovementsOf, OnHand, Under},
    loads,
    movements::Movement,
    others::{Barcode, Category, Supplier, record_of},
    page::{List, Owner, PageArgs, Total, connection},
    scalars::{Money, Quantity, Seq},
    stock::StockLevel,
};
use crate::store::queries::{Page, Rows, balances, movements};
use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use stillage_core::{
    id::ItemId,
    record::{Kind, Record, Ref, views},
};

/// What one unit of an item's stock is told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "views::Tracking")]
pub enum Tracking {
    None,
    Lot,
    Serial,
}

/// A named multiple of the base unit: one `code` is `numerator / denominator` base units.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct Pack {
    pub code: String,
    /// A whole number as a string.
    pub numerator: String,
    /// A whole number as a string.
    pub denominator: String,
}

/// Something that is stocked.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct Item {
    pub id: ID,
    pub version: Seq,
    pub archived: bool,
    /// Null when another item holds the SKU it asked for.
    pub sku: Option<String>,
    pub name: String,
    pub description: Option<String>,
    /// What it is counted in.
    pub base_unit: String,
    /// Decimal places people see and may type.
    pub display_scale: i32,
    pub packs: Vec<Pack>,
    pub tracking: Tracking,
    /// Below this there is too little.
    pub minimum: Option<Quantity>,
    /// At this it is ordered again.
    pub reorder_point: Option<Quantity>,
    /// Other spellings under which it is found.
    pub aliases: Vec<String>,
    #[graphql(skip)]
    of: ItemId,
    #[graphql(skip)]
    record: Record,
}

impl From<Record> for Item {
    fn from(record: Record) -> Self {
        let view: views::Item = record.read().unwrap_or_default();
        let packs = view.packs.into_iter().map(|pack| Pack {
            code: pack.code,
            numerator: pack.numerator.to_string(),
            denominator: pack.denominator.to_string(),
        });
        Self {
            id: record.of.to_string().into(),
            version: Seq(record.version),
            archived: record.archived,
            sku: (!view.sku.is_empty()).then_some(view.sku),
            name: view.name,
            description: record.text("description").map(str::to_owned),
            base_unit: view.base_unit,
            display_scale: i32::try_from(view.display_scale).unwrap_or(0),
            packs: packs.collect(),
            tracking: view.tracking.into(),
            minimum: view.min.map(Quantity),
            reorder_point: view.reorder_point.map(Quantity),
            aliases: view.aliases,
            of: ItemId(record.of.id),
            record,
        }
    }
}

#[ComplexObject]
#[expect(clippy::too_many_arguments, reason = "the arguments of a GraphQL field")]
impl Item {
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        record_of(ctx, Kind::Category, self.record.reference("category")).await
    }

    async fn supplier(&self, ctx: &Context<'_>) -> Result<Option<Supplier>> {
        record_of(ctx, Kind::Supplier, self.record.reference("supplier")).await
    }

    /// The item this one was merged into.
    async fn alias_of(&self, ctx: &Context<'_>) -> Result<Option<Item>> {
        record_of(ctx, Kind::Item, self.record.alias_of()).await
    }

    /// Its barcodes, at most 250.
    async fn barcodes(&self, ctx: &Context<'_>) -> Result<Vec<Barcode>> {
        let page = Page { limit: 250, ..Page::default() };
        let found = loads(ctx)?.load_one(Under(Kind::Barcode, self.of.0, page)).await?;
        Ok(found.into_iter().flat_map(|rows| rows.rows).map(|(_, record)| record.into()).collect())
    }

    /// On hand over all places the caller may see.
    async fn on_hand(&self, ctx: &Context<'_>) -> Result<Quantity> {
        Ok(Quantity(loads(ctx)?.load_one(OnHand(self.of)).await?.unwrap_or_default()))
    }

    /// The moving average cost of one base unit, from costed receipts.
    async fn average_cost(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        Ok(loads(ctx)?.load_one(AverageCost(self.of)).await?.map(Money::from))
    }

    /// What is on hand where, by the codes of the locations. Cells at zero are left out.
    async fn stock(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<StockLevel>> {
        let args = PageArgs::new(first, after, last, before);
        StockLevel::list_of(ctx, Owner::Item, self.of.0, &args).await
    }

    /// Its history, newest first.
    async fn movements(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<Movement>> {
        let page = PageArgs::new(first, after, last, before).page("item.movements", movements::key_fits)?;
        let found = loads(ctx)?.load_one(MovementsOf(self.of.0, page.clone())).await?;
        let rows = found.unwrap_or(Rows { rows: Vec::new(), more: false });
        Ok(connection(&page, "item.movements", rows, Total::MovementsOf(self.of.0), Into::into))
    }
}

/// The item of an id that must exist: the ledger names no item that was never made.
pub async fn item_of(ctx: &Context<'_>, id: ItemId) -> Result<Option<Item>> {
    Ok(loads(ctx)?.load_one(Ref::from(id)).await?.map(Item::from))
}

impl StockLevel {
    /// A page of the cells of one owner, loaded together with those of its neighbours in a list.
    pub async fn list_of(ctx: &Context<'_>, owner: Owner, id: uuid::Uuid, args: &PageArgs) -> Result<List<Self>> {
        let page = args.page("stock.of", |key| balances::key_fits_owner(owner, key))?;
        let found = loads(ctx)?.load_one(CellsOf(owner, id, page.clone())).await?;
        let rows = found.unwrap_or(Rows { rows: Vec::new(), more: false });
        Ok(connection(&page, "stock.of", rows, Total::CellsOf(owner, id), Self::from))
    }
}
