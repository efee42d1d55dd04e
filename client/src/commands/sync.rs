//! Syncing when asked to, besides the loop that does it by itself.

use super::{Nothing, app};
use crate::{Engine, Failure, engine::SyncReport};
use serde::Deserialize;
use std::time::Duration;
use ts_rs::TS;

/// How long "sync now" may take before it answers with how things stand.
const NOW: Duration = Duration::from_secs(30);
/// The longest a program may ask to wait.
const LONGEST: u64 = 24 * 60 * 60;

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    pub timeout_s: u64,
}

/// Being offline is a state and not a failure: the status says it.
pub async fn now(engine: &Engine, _: Nothing) -> Result<app::Status, Failure> {
    match engine.sync(NOW).await {
        Ok(_) => {}
        Err(failure) if failure.code.exit() == 3 => {}
        Err(failure) => return Err(failure),
    }
    app::status(engine, Nothing {}).await
}

pub async fn drain(engine: &Engine, args: Drain) -> Result<SyncReport, Failure> {
    engine.sync(Duration::from_secs(args.timeout_s.min(LONGEST))).await
}
