//! The API for everyone else: integrations, the admin console, scripts. Reading is here; writing is in
//! `mutations` and goes through the same `decide` as a desktop's push.

pub mod catalogue;
pub mod cost;
pub mod documents;
pub mod fault;
pub mod filters;
pub mod gather;
pub mod inbox;
pub mod items;
pub mod limits;
pub mod lists;
pub mod loaders;
pub mod locations;
pub mod movements;
pub mod node;
pub mod others;
pub mod page;
pub mod scalars;
pub mod stock;
pub mod throttle;

use crate::{
    app::{App, Principal},
    store::queries::Reader,
};
use async_graphql::{Context, MergedObject, dataloader::DataLoader};
use fault::ApiFault;
use loaders::Loads;

/// The reading half of the API, to be merged into the root query.
#[derive(Debug, MergedObject, Default)]
pub struct ApiQuery(node::NodeQuery, lists::ListQuery, catalogue::CatalogueQuery);

/// The server behind a request.
pub fn app<'a>(ctx: &Context<'a>) -> Result<&'a App, ApiFault> {
    ctx.data_opt::<App>().ok_or_else(|| ApiFault::internal("the schema was built without its App"))
}

/// The reader of a request: who asks, and what they may see.
pub fn reader(ctx: &Context<'_>) -> Result<Reader, ApiFault> {
    let principal = Principal::of(ctx)?;
    Ok(loaders::reader(app(ctx)?, principal))
}

/// The loaders of a request.
pub fn loads<'a>(
    ctx: &Context<'a>,
) -> Result<&'a DataLoader<Loads, async_graphql::dataloader::HashMapCache>, ApiFault> {
    Principal::of(ctx)?;
    ctx.data_opt().ok_or_else(|| ApiFault::internal("the request came without its loaders"))
}
