//! Where stock is: a tree of sites and what is in them, and the virtual ends of movements.

use super::{
    fault::Result,
    loaders::Under,
    loads,
    others::record_of,
    page::{List, Owner, PageArgs, Total, connection},
    scalars::Seq,
    stock::StockLevel,
};
use crate::store::queries::{
    Rows,
    records::{RecordSort, key_fits},
};
use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use stillage_core::{
    id::LocationId,
    record::{Kind, Record, views},
};

/// What a location is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "views::LocationRole")]
pub enum LocationRole {
    Site,
    Storage,
    Virtual,
}

/// What happens when something would take a cell below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "views::Level")]
pub enum NegativeStock {
    Allow,
    /// It is taken, and a person is told.
    Warn,
    Block,
}

/// A place.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct Location {
    pub id: ID,
    pub version: Seq,
    pub archived: bool,
    pub code: Option<String>,
    pub name: String,
    pub role: LocationRole,
    pub negative_stock: NegativeStock,
    #[graphql(skip)]
    of: LocationId,
    #[graphql(skip)]
    record: Record,
}

impl From<Record> for Location {
    fn from(record: Record) -> Self {
        let view: views::Location = record.read().unwrap_or_default();
        Self {
            id: record.of.to_string().into(),
            version: Seq(record.version),
            archived: record.archived,
            code: (!view.code.is_empty()).then_some(view.code),
            name: view.name,
            role: view.role.into(),
            negative_stock: view.negative.into(),
            of: LocationId(record.of.id),
            record,
        }
    }
}

#[ComplexObject]
#[expect(clippy::too_many_arguments, reason = "the arguments of a GraphQL field")]
impl Location {
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<Location>> {
        record_of(ctx, Kind::Location, self.record.parent()).await
    }

    /// The root it stands under; itself for a site, null for a virtual location.
    async fn site(&self, ctx: &Context<'_>) -> Result<Option<Location>> {
        record_of(ctx, Kind::Location, self.record.reference("site")).await
    }

    /// The locations right below it, by code.
    async fn children(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<Location>> {
        let fits = |key: &_| key_fits(RecordSort::Key, key);
        let page = PageArgs::new(first, after, last, before).page("location.children", fits)?;
        let found = loads(ctx)?.load_one(Under(Kind::Location, self.of.0, page.clone())).await?;
        let rows = found.unwrap_or(Rows { rows: Vec::new(), more: false });
        let total = Total::Under(Kind::Location, self.of.0);
        Ok(connection(&page, "location.children", rows, total, Location::from))
    }

    /// What is on hand right here, not below. Cells at zero are left out.
    async fn stock(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<StockLevel>> {
        let args = PageArgs::new(first, after, last, before);
        StockLevel::list_of(ctx, Owner::Location, self.of.0, &args).await
    }
}
