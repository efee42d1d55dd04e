//! What a scanned code stands for.

use crate::{
    Engine, Failure,
    store::queries::scan::{self, ScanHit},
};
use serde::Deserialize;
use ts_rs::TS;

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    pub code: String,
}

pub async fn resolve(engine: &Engine, args: Scan) -> Result<ScanHit, Failure> {
    engine.read(move |conn| Ok(scan::resolve(conn, &args.code)?)).await
}
