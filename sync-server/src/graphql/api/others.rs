//! The small records: barcodes, categories, lots, reasons, suppliers and people.

use super::{
    fault::Result,
    items::Item,
    loads,
    page::{List, Owner, PageArgs},
    scalars::{Date, Quantity, Seq},
    stock::StockLevel,
};
use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use stillage_core::record::{Kind, Record, Ref, views};
use uuid::Uuid;

/// The record an edge points at.
pub async fn record_of<T: From<Record>>(ctx: &Context<'_>, kind: Kind, id: Option<Uuid>) -> Result<Option<T>> {
    let Some(id) = id else { return Ok(None) };
    Ok(loads(ctx)?.load_one(Ref { kind, id }).await?.map(T::from))
}

/// A scannable code of an item.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct Barcode {
    pub id: ID,
    pub version: Seq,
    pub archived: bool,
    /// Null when another barcode holds the code it asked for.
    pub code: Option<String>,
    /// What one scan stands for; null is the base unit.
    pub unit: Option<String>,
    /// Base units of one scan.
    pub units_per_scan: Quantity,
    #[graphql(skip)]
    record: Record,
}

impl From<Record> for Barcode {
    fn from(record: Record) -> Self {
        let units = record.text("units_per_scan").and_then(|text| text.parse().ok());
        Self {
            id: record.of.to_string().into(),
            version: Seq(record.version),
            archived: record.archived,
            code: record.text("code").map(str::to_owned),
            unit: record.text("unit").map(str::to_owned),
            units_per_scan: Quantity(units.unwrap_or(stillage_core::quantity::Quantity::whole(1))),
            record,
        }
    }
}

#[ComplexObject]
impl Barcode {
    async fn item(&self, ctx: &Context<'_>) -> Result<Option<Item>> {
        record_of(ctx, Kind::Item, self.record.reference("item")).await
    }
}

/// A shelf in the catalogue.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct Category {
    pub id: ID,
    pub version: Seq,
    pub archived: bool,
    pub name: String,
    #[graphql(skip)]
    record: Record,
}

impl From<Record> for Category {
    fn from(record: Record) -> Self {
        Self {
            id: record.of.to_string().into(),
            version: Seq(record.version),
            archived: record.archived,
            name: record.name().to_owned(),
            record,
        }
    }
}

#[ComplexObject]
impl Category {
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        record_of(ctx, Kind::Category, self.record.parent()).await
    }
}

/// A tracked batch, or a tracked single unit.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct Lot {
    pub id: ID,
    pub version: Seq,
    pub archived: bool,
    pub code: String,
    pub expiry: Option<Date>,
    /// Whether it is one unit with a serial number.
    pub serial: bool,
    #[graphql(skip)]
    record: Record,
}

impl From<Record> for Lot {
    fn from(record: Record) -> Self {
        Self {
            id: record.of.to_string().into(),
            version: Seq(record.version),
            archived: record.archived,
            code: record.text("code").unwrap_or_default().to_owned(),
            expiry: record.text("expiry").map(|day| Date(day.to_owned())),
            serial: record.fields.get("serial").and_then(serde_json::Value::as_bool).unwrap_or(false),
            record,
        }
    }
}

#[ComplexObject]
#[expect(clippy::too_many_arguments, reason = "the arguments of a GraphQL field")]
impl Lot {
    async fn item(&self, ctx: &Context<'_>) -> Result<Option<Item>> {
        record_of(ctx, Kind::Item, self.record.reference("item")).await
    }

    /// Where it is on hand. Cells at zero are left out.
    async fn stock(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<StockLevel>> {
        let args = PageArgs::new(first, after, last, before);
        StockLevel::list_of(ctx, Owner::Lot, self.record.of.id, &args).await
    }
}

/// Which way stock may go under a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "views::Direction")]
pub enum Direction {
    In,
    Out,
    Both,
}

/// Why a movement was made.
#[derive(Debug, Clone, SimpleObject)]
pub struct Reason {
    pub id: ID,
    pub version: Seq,
    pub archived: bool,
    pub code: Option<String>,
    pub name: String,
    pub direction: Direction,
    /// Whether it wants a note.
    pub note_required: bool,
}

impl From<Record> for Reason {
    fn from(record: Record) -> Self {
        let view: views::Reason = record.read().unwrap_or_default();
        Self {
            id: record.of.to_string().into(),
            version: Seq(record.version),
            archived: record.archived,
            code: (!view.code.is_empty()).then_some(view.code),
            name: view.name,
            direction: view.direction.into(),
            note_required: view.note_required,
        }
    }
}

/// Whoever goods come from.
#[derive(Debug, Clone, SimpleObject)]
pub struct Supplier {
    pub id: ID,
    pub version: Seq,
    pub archived: bool,
    pub code: Option<String>,
    pub name: String,
}

impl From<Record> for Supplier {
    fn from(record: Record) -> Self {
        Self {
            id: record.of.to_string().into(),
            version: Seq(record.version),
            archived: record.archived,
            code: record.text("code").map(str::to_owned),
            name: record.name().to_owned(),
        }
    }
}

/// A human.
#[derive(Debug, Clone, SimpleObject)]
pub struct Person {
    pub id: ID,
    pub version: Seq,
    pub archived: bool,
    pub name: String,
}

impl From<Record> for Person {
    fn from(record: Record) -> Self {
        Self {
            id: record.of.to_string().into(),
            version: Seq(record.version),
            archived: record.archived,
            name: record.name().to_owned(),
        }
    }
}
