//! Items: the list in windows, one item whole, its history, and edits.

use super::{
    Nothing,
    save::{Archive, Save, Saved},
    stock::Recorded,
};
use crate::{
    Code, Engine, Failure,
    store::queries::{
        self,
        history::{self, MovementRow},
        items::{self, ItemCard, ItemCounts, ItemFilter, ItemPage, ItemSort, Wanted},
    },
};
use serde::Deserialize;
use stillage_core::{
    id::{ItemId, MovementId},
    record::Kind,
};
use ts_rs::TS;

/// The largest window of a list.
const WINDOW: u32 = 1000;
/// A lot that expires within so many days counts as expiring.
const SOON_DAYS: i64 = 30;

#[derive(Debug, Clone, Default, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ListItems {
    #[serde(default)]
    #[ts(optional)]
    pub search: Option<String>,
    #[serde(default)]
    #[ts(optional)]
    pub filter: Option<ItemFilter>,
    #[serde(default)]
    #[ts(optional)]
    pub sort: Option<ItemSort>,
    #[serde(default)]
    #[ts(optional)]
    pub descending: Option<bool>,
    pub offset: u32,
    pub limit: u32,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct GetItem {
    #[ts(type = "string")]
    pub id: ItemId,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct History {
    #[ts(type = "string")]
    pub id: ItemId,
    /// The last movement of the window before.
    #[serde(default)]
    #[ts(optional = nullable, type = "string | null")]
    pub before: Option<MovementId>,
    pub limit: u32,
}

fn soon(engine: &Engine) -> String {
    queries::day(engine.mint().now(), SOON_DAYS)
}

pub async fn list(engine: &Engine, args: ListItems) -> Result<ItemPage, Failure> {
    let soon = soon(engine);
    engine
        .read_knowing(move |conn, known| {
            let wanted = Wanted {
                search: args.search.as_deref().unwrap_or_default(),
                filter: args.filter.unwrap_or_default(),
                sort: args.sort.unwrap_or_default(),
                descending: args.descending.unwrap_or(false),
                soon: &soon,
                known,
            };
            Ok(items::list(conn, &wanted, (args.offset, args.limit.min(WINDOW)))?)
        })
        .await
}

pub async fn counts(engine: &Engine, _: Nothing) -> Result<ItemCounts, Failure> {
    let soon = soon(engine);
    engine.read_knowing(move |conn, known| Ok(items::counts(conn, known, &soon)?)).await
}

pub async fn get(engine: &Engine, args: GetItem) -> Result<ItemCard, Failure> {
    engine
        .read(move |conn| {
            let found = queries::scan::standing(conn, args.id)?.ok_or_else(|| not_found(args.id))?;
            Ok(items::card(conn, &found)?)
        })
        .await
}

pub async fn history(engine: &Engine, args: History) -> Result<Vec<MovementRow>, Failure> {
    engine
        .read(move |conn| {
            let item = queries::scan::standing(conn, args.id)?.ok_or_else(|| not_found(args.id))?.of.id;
            let before = args.before.map(|id| id.0);
            Ok(history::of_item(conn, item, before, args.limit.min(WINDOW))?)
        })
        .await
}

pub async fn save(engine: &Engine, args: Save) -> Result<Saved, Failure> {
    super::save::save(engine, Kind::Item, args).await
}

pub async fn archive(engine: &Engine, args: Archive) -> Result<Recorded, Failure> {
    super::save::archive(engine, Kind::Item, args).await
}

fn not_found(id: ItemId) -> Failure {
    Failure::new(Code::NotFound, format!("There is no item {id}."), "Choose it from the list again.")
}
