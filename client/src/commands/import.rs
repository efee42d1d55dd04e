//! Files of items, locations and opening stock: check one, or bring it in.

use crate::{
    Engine, Failure,
    import::{self, ImportKind, ImportReport, Order},
};
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};
use ts_rs::TS;

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub path: String,
    #[serde(default)]
    #[ts(optional = nullable)]
    pub kind: Option<ImportKind>,
    /// Heading of a column to the field it means; to "", when the column is to be left alone.
    #[serde(default)]
    #[ts(optional, type = "Record<string, string>")]
    pub map: Option<BTreeMap<String, String>>,
}

fn order(args: Source) -> Order {
    Order { path: PathBuf::from(args.path), kind: args.kind, map: args.map.unwrap_or_default() }
}

pub async fn preview(engine: &Engine, args: Source) -> Result<ImportReport, Failure> {
    import::preview(engine, order(args)).await
}

pub async fn run(engine: &Engine, args: Source) -> Result<ImportReport, Failure> {
    import::run(engine, order(args)).await
}
