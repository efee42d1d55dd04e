//! The catalogue: items with their search, locations, and the small lists beside them.

use super::{
    fault::{ApiFault, Result},
    filters::{ItemFilter, ItemSortKey, LocationFilter, LocationSortKey, texts, uuids},
    items::{Item, item_of},
    lists::RecordList,
    locations::{Location, LocationRole},
    others::{Category, Lot, Reason, Supplier},
    page::{List, PageArgs},
    reader,
};
use crate::store::queries::records::{RecordFilter, RecordSort, Search, items_named, record_by_key};
use async_graphql::{Context, ID, Object};
use stillage_core::{
    id::{CategoryId, ItemId, LocationId, SupplierId},
    record::Kind,
    text,
};

/// The longest search, and the most words of it that are looked at.
const MAX_QUERY: usize = 200;
const MAX_WORDS: usize = 8;

/// What was typed, and what it names exactly. Nothing at all is no search.
async fn search(ctx: &Context<'_>, query: Option<&str>) -> Result<Option<Search>> {
    let Some(typed) = query.map(text::fold).filter(|typed| !typed.is_empty()) else { return Ok(None) };
    if typed.chars().count() > MAX_QUERY {
        return Err(ApiFault::request(
            "BAD_INPUT",
            format!("query is longer than {MAX_QUERY} characters."),
            "Search for fewer words.",
        ));
    }
    let exact = items_named(&reader(ctx)?, &typed).await?;
    let tokens = typed.split_whitespace().take(MAX_WORDS).map(str::to_owned).collect();
    Ok(Some(Search { tokens, exact, text: typed }))
}

#[derive(Debug, Default)]
pub struct CatalogueQuery;

#[Object]
#[expect(clippy::too_many_arguments, reason = "the arguments of a GraphQL field")]
impl CatalogueQuery {
    /// One item.
    async fn item(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Item>> {
        let id: ItemId = id.parse().map_err(|fault| ApiFault::id("id", &fault))?;
        item_of(ctx, id).await
    }

    /// The item of that SKU, whatever its case.
    async fn item_by_sku(&self, ctx: &Context<'_>, sku: String) -> Result<Option<Item>> {
        let record = record_by_key(&reader(ctx)?, Kind::Item, &text::fold(&sku)).await?;
        Ok(record.map(Item::from))
    }

    /// The item that carries that barcode.
    async fn item_by_barcode(&self, ctx: &Context<'_>, code: String) -> Result<Option<Item>> {
        let barcode = record_by_key(&reader(ctx)?, Kind::Barcode, &text::fold(&code)).await?;
        match barcode.and_then(|barcode| barcode.reference("item")) {
            Some(item) => item_of(ctx, ItemId(item)).await,
            None => Ok(None),
        }
    }

    /// Items, by SKU unless something is searched for. `query` finds the exact SKU or barcode first, then what begins
    /// with it, then every item that has all of its words somewhere in its SKU, name or aliases.
    async fn items(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<ItemFilter>,
        query: Option<String>,
        sort_key: Option<ItemSortKey>,
        #[graphql(default = false)] reverse: bool,
    ) -> Result<List<Item>> {
        let given = filter.unwrap_or(ItemFilter { archived: Some(false), ..ItemFilter::default() });
        let search = search(ctx, query.as_deref()).await?;
        let sort = match (sort_key, &search) {
            (Some(ItemSortKey::Sku), _) | (None, None) => RecordSort::Key,
            (Some(ItemSortKey::Name), _) => RecordSort::Name,
            (Some(ItemSortKey::Version), _) => RecordSort::Version,
            (Some(ItemSortKey::Relevance) | None, Some(_)) => RecordSort::Relevance,
            (Some(ItemSortKey::Relevance), None) => {
                let next = "Give query, or choose another sortKey.";
                return Err(ApiFault::request("BAD_INPUT", "RELEVANCE needs something to search for.", next));
            }
        };
        let mut fields = Vec::new();
        fields.extend(texts::<CategoryId>("categories", given.categories.as_ref())?.map(|ids| ("category", ids)));
        fields.extend(texts::<SupplierId>("suppliers", given.suppliers.as_ref())?.map(|ids| ("supplier", ids)));
        let filter = RecordFilter {
            archived: given.archived,
            ids: uuids("ids", given.ids.as_ref(), |id: ItemId| id.0)?,
            fields,
            changed_after: given.changed_after.map(|seq| i64::try_from(seq.0).unwrap_or(i64::MAX)),
            search,
            ..RecordFilter::default()
        };
        let list = RecordList { kind: Kind::Item, filter, sort, reverse };
        list.page(ctx, &PageArgs::new(first, after, last, before)).await
    }

    /// Locations, by code.
    async fn locations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<LocationFilter>,
        #[graphql(default_with = "LocationSortKey::Code")] sort_key: LocationSortKey,
        #[graphql(default = false)] reverse: bool,
    ) -> Result<List<Location>> {
        let given = filter.unwrap_or(LocationFilter { archived: Some(false), ..LocationFilter::default() });
        let sort = match sort_key {
            LocationSortKey::Code => RecordSort::Key,
            LocationSortKey::Name => RecordSort::Name,
            LocationSortKey::Version => RecordSort::Version,
        };
        let mut fields = Vec::new();
        fields.extend(texts::<LocationId>("sites", given.sites.as_ref())?.map(|ids| ("site", ids)));
        fields.extend(given.roles.map(|roles| ("role", roles.into_iter().map(role_name).collect())));
        let filter = RecordFilter {
            archived: given.archived,
            ids: uuids("ids", given.ids.as_ref(), |id: LocationId| id.0)?,
            parents: uuids("parents", given.parents.as_ref(), |id: LocationId| id.0)?,
            fields,
            ..RecordFilter::default()
        };
        let list = RecordList { kind: Kind::Location, filter, sort, reverse };
        list.page(ctx, &PageArgs::new(first, after, last, before)).await
    }

    /// The lots and serials of some items.
    async fn lots(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        items: Vec<ID>,
    ) -> Result<List<Lot>> {
        let parents = uuids("items", Some(&items), |id: ItemId| id.0)?;
        let filter = RecordFilter { archived: Some(false), parents, ..RecordFilter::default() };
        let list = RecordList { kind: Kind::Lot, filter, sort: RecordSort::Name, reverse: false };
        list.page(ctx, &PageArgs::new(first, after, last, before)).await
    }

    /// Reason codes, by code.
    async fn reasons(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<Reason>> {
        standing(Kind::Reason, RecordSort::Key).page(ctx, &PageArgs::new(first, after, last, before)).await
    }

    /// Categories, by name.
    async fn categories(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<Category>> {
        standing(Kind::Category, RecordSort::Name).page(ctx, &PageArgs::new(first, after, last, before)).await
    }

    /// Suppliers, by code.
    async fn suppliers(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<Supplier>> {
        standing(Kind::Supplier, RecordSort::Key).page(ctx, &PageArgs::new(first, after, last, before)).await
    }
}

fn role_name(role: LocationRole) -> String {
    match role {
        LocationRole::Site => "site",
        LocationRole::Storage => "storage",
        LocationRole::Virtual => "virtual",
    }
    .to_owned()
}

/// Every record of a kind that is not archived.
fn standing(kind: Kind, sort: RecordSort) -> RecordList {
    let filter = RecordFilter { archived: Some(false), ..RecordFilter::default() };
    RecordList { kind, filter, sort, reverse: false }
}
