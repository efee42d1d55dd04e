//! Anything by its id alone: the prefix says what it is.

use super::{
    fault::{ApiFault, Result},
    inbox::InboxRow,
    items::Item,
    loads,
    locations::Location,
    movements::Movement,
    others::{Barcode, Category, Lot, Person, Reason, Supplier},
    page::MAX_PAGE,
    scalars::Seq,
};
use crate::app::Principal;
use async_graphql::{Context, ID, Interface, Object};
use stillage_core::{
    id::MovementId,
    record::{Kind, Record, Ref},
};

/// Whatever has an id.
#[expect(clippy::large_enum_variant, reason = "it lives for one field of one answer")]
#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "&ID"))]
pub enum Node {
    Item(Item),
    Barcode(Barcode),
    Category(Category),
    Location(Location),
    Lot(Lot),
    Reason(Reason),
    Supplier(Supplier),
    Person(Person),
    InboxRow(InboxRow),
    Movement(Movement),
}

/// A record: it changes, and says by its version when it last did.
#[derive(Debug, Interface)]
#[graphql(
    field(name = "id", ty = "&ID"),
    field(name = "version", ty = "&Seq", desc = "Grows with every change; send it as expectedVersion."),
    field(name = "archived", ty = "&bool")
)]
pub enum Versioned {
    Item(Item),
    Barcode(Barcode),
    Category(Category),
    Location(Location),
    Lot(Lot),
    Reason(Reason),
    Supplier(Supplier),
    Person(Person),
    InboxRow(InboxRow),
}

impl Versioned {
    /// The record as what it is; a device is none of the API's business.
    #[must_use]
    pub fn of(record: Record) -> Option<Self> {
        Some(match record.of.kind {
            Kind::Item => Self::Item(record.into()),
            Kind::Barcode => Self::Barcode(record.into()),
            Kind::Category => Self::Category(record.into()),
            Kind::Location => Self::Location(record.into()),
            Kind::Lot => Self::Lot(record.into()),
            Kind::Reason => Self::Reason(record.into()),
            Kind::Supplier => Self::Supplier(record.into()),
            Kind::Person => Self::Person(record.into()),
            Kind::Inbox => Self::InboxRow(record.into()),
            Kind::Device => return None,
        })
    }
}

impl From<Versioned> for Node {
    fn from(record: Versioned) -> Self {
        match record {
            Versioned::Item(it) => Self::Item(it),
            Versioned::Barcode(it) => Self::Barcode(it),
            Versioned::Category(it) => Self::Category(it),
            Versioned::Location(it) => Self::Location(it),
            Versioned::Lot(it) => Self::Lot(it),
            Versioned::Reason(it) => Self::Reason(it),
            Versioned::Supplier(it) => Self::Supplier(it),
            Versioned::Person(it) => Self::Person(it),
            Versioned::InboxRow(it) => Self::InboxRow(it),
        }
    }
}

#[derive(Debug, Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Anything by its id; null when there is no such thing, or not for you.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        one(ctx, &id).await
    }

    /// Several by their ids, in their order, at most 250. Null where there is no such thing.
    async fn nodes(&self, ctx: &Context<'_>, ids: Vec<ID>) -> Result<Vec<Option<Node>>> {
        if ids.len() > usize::try_from(MAX_PAGE).unwrap_or(0) {
            return Err(ApiFault::request(
                "TOO_MANY_IDS",
                format!("{} ids were asked for; the most is {MAX_PAGE}.", ids.len()),
                "Ask in several requests.",
            ));
        }
        let found = futures_util::future::join_all(ids.iter().map(|id| one(ctx, id))).await;
        found.into_iter().collect()
    }
}

async fn one(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let principal = Principal::of(ctx)?;
    if let Ok(id) = id.parse::<MovementId>() {
        return Ok(loads(ctx)?.load_one(id).await?.map(|row| Node::Movement(row.into())));
    }
    let of: Ref = id.parse().map_err(|fault| ApiFault::id("id", &fault))?;
    let Some(record) = loads(ctx)?.load_one(of).await? else { return Ok(None) };
    if of.kind == Kind::Inbox && !InboxRow::is_for(&record, principal.person) {
        return Ok(None);
    }
    Ok(Versioned::of(record).map(Node::from))
}
