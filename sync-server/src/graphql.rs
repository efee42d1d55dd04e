//! One schema for devices, the admin console and integrations.

pub mod api;
pub mod mutations;
pub mod sync;

use crate::app::{App, Principal};
use api::{limits::Guarded, throttle::Limits};
use async_graphql::{MergedObject, MergedSubscription, Request};

#[derive(Debug, Default, MergedObject)]
pub struct Query(sync::SyncQuery, api::ApiQuery);

#[derive(Debug, Default, MergedObject)]
pub struct Mutation(sync::SyncMutation, mutations::ApiMutation);

#[derive(Debug, Default, MergedSubscription)]
pub struct Subscription(sync::SyncSubscription);

pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema that answers for `app`, behind its guard.
#[must_use]
pub fn schema(app: &App) -> Guarded {
    Guarded::new(builder().data(app.clone()).finish(), app.clone(), Limits::default())
}

/// A request with whoever sent it.
#[must_use]
pub fn with_principal(request: Request, principal: Option<Principal>) -> Request {
    match principal {
        Some(principal) => request.data(principal),
        None => request,
    }
}

/// The schema as text, for generators and for reading.
#[must_use]
pub fn sdl() -> String {
    builder().finish().sdl()
}

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
}
