//! Locations: the tree, what lies where, and edits.

use super::{
    save::{Archive, Save, Saved},
    stock::Recorded,
};
use crate::{
    Engine, Failure,
    store::queries::{
        cells::{self, Contents},
        locations::{self, LocationRow},
    },
};
use serde::Deserialize;
use stillage_core::{id::LocationId, record::Kind};
use ts_rs::TS;

#[derive(Debug, Clone, Default, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ListLocations {
    /// Archived ones too.
    #[serde(default)]
    #[ts(optional)]
    pub archived: Option<bool>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct LocationContents {
    #[ts(type = "string")]
    pub id: LocationId,
    /// With everything under it.
    pub below: bool,
    pub offset: u32,
    pub limit: u32,
}

pub async fn list(engine: &Engine, args: ListLocations) -> Result<Vec<LocationRow>, Failure> {
    engine.read(move |conn| Ok(locations::list(conn, args.archived.unwrap_or(false))?)).await
}

pub async fn contents(engine: &Engine, args: LocationContents) -> Result<Contents, Failure> {
    engine
        .read(move |conn| {
            let places = if args.below { locations::below(conn, args.id.0)? } else { vec![args.id.0] };
            Ok(cells::in_locations(conn, &places, (args.offset, args.limit))?)
        })
        .await
}

pub async fn save(engine: &Engine, args: Save) -> Result<Saved, Failure> {
    super::save::save(engine, Kind::Location, args).await
}

pub async fn archive(engine: &Engine, args: Archive) -> Result<Recorded, Failure> {
    super::save::archive(engine, Kind::Location, args).await
}
