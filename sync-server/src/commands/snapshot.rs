//! `snapshot`: everything but inboxes as files, for a site that a network hardly reaches.

use super::report::{Exit, Report};
use crate::{app::App, error::ServerError, store::snapshots, sync};
use serde_json::json;
use std::path::{Path, PathBuf};
use stillage_core::snapshot::MANIFEST_FILE;

/// Writes the manifest last: a folder that has one is whole.
pub async fn snapshot(app: &App, out: PathBuf, report: Report) -> Result<Exit, ServerError> {
    let unwritable =
        |fault: std::io::Error| ServerError::BadInput(format!("{}: {fault}; choose another", out.display()));
    std::fs::create_dir_all(&out).map_err(unwritable)?;
    let manifest = sync::snapshot::whole(app).await?;
    for chunk in &manifest.chunks {
        let found = snapshots::body(&app.pool, app.org, (chunk.snapshot, chunk.n)).await?;
        let found = found.ok_or_else(|| anyhow::anyhow!("a chunk is gone"))?;
        write(&out.join(chunk.file()), &found.bytes).map_err(unwritable)?;
    }
    let text = serde_json::to_vec_pretty(&manifest).map_err(|fault| ServerError::Internal(fault.into()))?;
    write(&out.join(MANIFEST_FILE), &text).map_err(unwritable)?;
    let (bytes, rows) = manifest.chunks.iter().fold((0, 0), |sum, chunk| (sum.0 + chunk.bytes, sum.1 + chunk.rows));
    let document = json!({
        "dir": out, "organisation": manifest.organisation, "epoch": manifest.epoch, "scopes": manifest.scopes,
        "chunks": manifest.chunks.len(), "rows": rows, "bytes": bytes,
    });
    Ok(report.done(&document, &format!("{}: {rows} rows in {bytes} bytes.", out.display())))
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    std::io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}
