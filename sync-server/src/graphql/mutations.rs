//! Writing through the API: every mutation becomes a change and goes the way of a desktop's push.

pub mod catalogue;
pub mod entry;
pub mod inbox;
pub mod inputs;
pub mod items;
pub mod payloads;
pub mod stock;
pub mod user_errors;

use async_graphql::MergedObject;

/// The writing half of the API, to be merged into the root mutation.
#[derive(Debug, MergedObject, Default)]
pub struct ApiMutation(items::ItemMutation, catalogue::CatalogueMutation, stock::StockMutation, inbox::InboxMutation);
