//! Changes without a network: out of the outbox into a file, and out of a file to where they belong.

use crate::{
    Engine, Failure,
    sync::carry::{Exported, Imported},
};
use serde::Deserialize;
use ts_rs::TS;

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// An absolute path.
    pub file: String,
}

pub async fn export(engine: &Engine, args: Carried) -> Result<Exported, Failure> {
    engine.export_outbox(args.file.into()).await
}

pub async fn import(engine: &Engine, args: Carried) -> Result<Imported, Failure> {
    engine.import_outbox(args.file.into()).await
}
