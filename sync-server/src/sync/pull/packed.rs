//! Long pages go as chunks of columns, as snapshots do: as texts, a movement says its ids and times several times over.

use crate::error::ServerError;
use base64::{Engine, engine::general_purpose::STANDARD};
use stillage_core::{
    snapshot::{Chunk, FORMAT, Row},
    wire::{PullAnswer, ScopePage},
};

/// Fewer entries than this go one by one: somebody waits for them, and they are short.
const WORTH: usize = 50;
const LEVEL: i32 = 3;

/// The answer as whoever asked reads it best. `chunks` is the format it knows.
pub async fn packed(mut answer: PullAnswer, chunks: Option<u32>) -> Result<PullAnswer, ServerError> {
    let is_long = |page: &ScopePage| page.entries.len() >= WORTH;
    if chunks != Some(FORMAT) || !answer.pages.iter().any(is_long) {
        return Ok(answer);
    }
    let packing = tokio::task::spawn_blocking(move || {
        answer.pages.iter_mut().filter(|page| is_long(page)).for_each(pack);
        answer
    });
    packing.await.map_err(|fault| ServerError::Internal(fault.into()))
}

/// What does not come back as it was stays as it is.
fn pack(page: &mut ScopePage) {
    let rows = page.entries.iter().cloned().map(|entry| Row::of(entry, false)).collect();
    let packed = Chunk::Rows(rows).encode().map_err(anyhow::Error::from);
    match packed.and_then(|bytes| Ok(zstd::bulk::compress(&bytes, LEVEL)?)) {
        Ok(bytes) => {
            page.chunk = Some(STANDARD.encode(bytes));
            page.entries.clear();
        }
        Err(fault) => tracing::warn!(%fault, scope = %page.scope, page.from, page.to, "a page goes entry by entry"),
    }
}
