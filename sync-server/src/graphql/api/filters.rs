//! Filters and sort keys of the lists, and how they are read.

use super::{
    fault::{ApiFault, Result},
    inbox::InboxKind,
    locations::LocationRole,
    movements::MovementKind,
    scalars::{DateTime, Quantity, Seq},
    stock::StockStatus,
};
use crate::store::queries::{balances::BalanceFilter, movements::MovementFilter};
use async_graphql::{Enum, ID, InputObject};
use stillage_core::{
    id::{IdFault, ItemId, LocationId, LotId, PersonId, ReasonId},
    stock,
};
use uuid::Uuid;

/// The most values of one filter.
const MAX_VALUES: usize = 250;

/// By what items are sorted. RELEVANCE needs `query`, and is the order when there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ItemSortKey {
    Sku,
    Name,
    /// When they last changed.
    Version,
    Relevance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LocationSortKey {
    Code,
    Name,
    Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum StockSortKey {
    /// Cell by cell of one item after the other.
    Item,
    /// By the code of the location.
    Location,
}

/// Which items. What is left out does not narrow.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ItemFilter {
    pub ids: Option<Vec<ID>>,
    /// Archived ones alone, or none of them; neither when null.
    #[graphql(default_with = "Some(false)")]
    pub archived: Option<bool>,
    pub categories: Option<Vec<ID>>,
    pub suppliers: Option<Vec<ID>>,
    /// Changed after this version.
    pub changed_after: Option<Seq>,
}

/// Which locations.
#[derive(Debug, Clone, Default, InputObject)]
pub struct LocationFilter {
    pub ids: Option<Vec<ID>>,
    #[graphql(default_with = "Some(false)")]
    pub archived: Option<bool>,
    pub parents: Option<Vec<ID>>,
    pub sites: Option<Vec<ID>>,
    pub roles: Option<Vec<LocationRole>>,
}

/// Which cells.
#[derive(Debug, Clone, Default, InputObject)]
pub struct StockFilter {
    pub items: Option<Vec<ID>>,
    pub locations: Option<Vec<ID>>,
    /// These locations and everything below them.
    pub under: Option<Vec<ID>>,
    pub sites: Option<Vec<ID>>,
    pub lots: Option<Vec<ID>>,
    pub statuses: Option<Vec<StockStatus>>,
    /// Cells that have come to zero too.
    #[graphql(default = false)]
    pub include_zero: bool,
    pub less_than: Option<Quantity>,
    pub more_than: Option<Quantity>,
}

/// Which movements.
#[derive(Debug, Clone, Default, InputObject)]
pub struct MovementsFilter {
    pub items: Option<Vec<ID>>,
    /// At either end.
    pub locations: Option<Vec<ID>>,
    pub sites: Option<Vec<ID>>,
    pub lots: Option<Vec<ID>>,
    pub kinds: Option<Vec<MovementKind>>,
    pub reasons: Option<Vec<ID>>,
    pub persons: Option<Vec<ID>>,
    /// The document, exactly.
    pub reference: Option<String>,
    /// From this moment on.
    pub since: Option<DateTime>,
    /// Before this moment.
    pub until: Option<DateTime>,
}

/// Which inbox rows.
#[derive(Debug, Clone, Default, InputObject)]
pub struct InboxFilter {
    /// Answered ones alone, or none of them; both when null.
    #[graphql(default_with = "Some(false)")]
    pub resolved: Option<bool>,
    pub kinds: Option<Vec<InboxKind>>,
}

/// Ids of one kind out of a filter.
pub fn ids<T>(name: &str, given: Option<&Vec<ID>>) -> Result<Option<Vec<T>>>
where
    T: std::str::FromStr<Err = IdFault>,
{
    let Some(given) = given else { return Ok(None) };
    if given.len() > MAX_VALUES {
        return Err(ApiFault::request(
            "TOO_MANY_IDS",
            format!("{name} holds {} values; the most is {MAX_VALUES}.", given.len()),
            "Ask in several requests.",
        ));
    }
    let read = |id: &ID| id.parse().map_err(|fault| ApiFault::id(name, &fault));
    given.iter().map(read).collect::<Result<Vec<T>>>().map(Some)
}

/// The same without their kind.
pub fn uuids<T>(name: &str, given: Option<&Vec<ID>>, uuid: impl Fn(T) -> Uuid) -> Result<Option<Vec<Uuid>>>
where
    T: std::str::FromStr<Err = IdFault>,
{
    Ok(ids(name, given)?.map(|list| list.into_iter().map(uuid).collect()))
}

/// The same as they stand in a record.
pub fn texts<T>(name: &str, given: Option<&Vec<ID>>) -> Result<Option<Vec<String>>>
where
    T: std::str::FromStr<Err = IdFault> + ToString,
{
    Ok(ids::<T>(name, given)?.map(|list| list.iter().map(T::to_string).collect()))
}

/// The cells a filter lets through.
pub fn cells(given: &StockFilter) -> Result<BalanceFilter> {
    let status = |status: &StockStatus| stock::StockStatus::from(*status).name().to_owned();
    Ok(BalanceFilter {
        items: uuids("items", given.items.as_ref(), |id: ItemId| id.0)?,
        locations: uuids("locations", given.locations.as_ref(), |id: LocationId| id.0)?,
        under: uuids("under", given.under.as_ref(), |id: LocationId| id.0)?,
        sites: texts::<LocationId>("sites", given.sites.as_ref())?,
        lots: uuids("lots", given.lots.as_ref(), |id: LotId| id.0)?,
        statuses: given.statuses.as_ref().map(|list| list.iter().map(status).collect()),
        zero: given.include_zero,
        below: given.less_than.map(|quantity| quantity.0.0),
        above: given.more_than.map(|quantity| quantity.0.0),
    })
}

/// The movements a filter lets through.
pub fn moved(given: MovementsFilter) -> Result<MovementFilter> {
    let kind = |kind: &MovementKind| stock::MovementKind::from(*kind).name().to_owned();
    Ok(MovementFilter {
        items: uuids("items", given.items.as_ref(), |id: ItemId| id.0)?,
        locations: uuids("locations", given.locations.as_ref(), |id: LocationId| id.0)?,
        sites: uuids("sites", given.sites.as_ref(), |id: LocationId| id.0)?,
        lots: uuids("lots", given.lots.as_ref(), |id: LotId| id.0)?,
        kinds: given.kinds.as_ref().map(|list| list.iter().map(kind).collect()),
        reasons: uuids("reasons", given.reasons.as_ref(), |id: ReasonId| id.0)?,
        persons: uuids("persons", given.persons.as_ref(), |id: PersonId| id.0)?,
        reference: given.reference,
        from: given.since.map(|at| at.0),
        before: given.until.map(|at| at.0),
    })
}
