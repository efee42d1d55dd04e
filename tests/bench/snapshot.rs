//! How a new desktop begins, from the first question until everything is there, searchable, and on the disk. The server
//! has its snapshots ready: what making them costs is paid once for all desktops.
//!
//! The surprise: usable is taken when the desktop itself would let people work - every chunk of records and balances
//! is in and the catalogue has a cursor - and not when a screen was painted.

use crate::{
    goods::Item,
    mint::Watch,
    world::{PATIENCE, World},
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::{fs::File, io::ErrorKind, path::Path, time::Duration};
use stillage_client::{Engine, store::FILE};
use stillage_core::{scope::Scope, snapshot::Manifest};
use tokio::sync::broadcast::error::RecvError;

const ASK_AGAIN: Duration = Duration::from_millis(100);

/// What one desktop did, in seconds.
pub struct Began {
    pub engine: Engine,
    pub usable: f64,
    pub whole: f64,
}

/// Has the server make snapshots of these scopes, as the first desktop that asks would, and waits for them.
pub async fn ready(world: &mut World, scopes: Vec<Scope>) -> Result<Manifest> {
    let (_, shop, _) = world.shop().await?;
    let watch = Watch::start();
    loop {
        let manifest = shop.loader.manifest(scopes.clone()).await?;
        if !manifest.making {
            ensure!(manifest.scopes.len() == scopes.len(), "no snapshot of {scopes:?}: too few rows?");
            eprintln!("the snapshots were ready after {:.2} s", watch.seconds());
            return Ok(manifest);
        }
        ensure!(watch.elapsed() < PATIENCE, "no snapshot was made");
        tokio::time::sleep(ASK_AGAIN).await;
    }
}

/// From the first question of a new desktop until everything is there, searchable, and on the disk.
pub async fn begin(world: &mut World, manifest: &Manifest) -> Result<Began> {
    let engine = world.connected_desktop().await?;
    let mut changes = engine.changes();
    let (before, watch) = (engine.traffic().received, Watch::start());
    let usable = async {
        while !is_usable(&engine).await? {
            if matches!(changes.recv().await, Err(RecvError::Closed)) {
                anyhow::bail!("the desktop is closed");
            }
        }
        Ok(watch.seconds())
    };
    let whole = async {
        let report = engine.sync(PATIENCE).await?;
        ensure!(report.drained, "the sync did not end: {:?}", report.failure);
        sync_database(engine.data_dir())?;
        Ok(watch.seconds())
    };
    let (usable, whole) = tokio::try_join!(usable, whole)?;
    let chunks: u64 = manifest.chunks.iter().map(|chunk| chunk.bytes).sum();
    let received = engine.traffic().received - before;
    ensure!(received >= chunks, "{received} bytes came, the chunks have {chunks}: it did not begin by snapshot");
    eprintln!("usable after {usable:.3} s of {whole:.3} s; {received} bytes came, {chunks} of them chunks");
    Ok(Began { engine, usable, whole })
}

async fn is_usable(engine: &Engine) -> Result<bool> {
    let usable = engine.read(|conn| {
        let sql = "SELECT EXISTS (SELECT 1 FROM cursor WHERE scope = 'catalogue' AND seq > 0)
                   AND NOT EXISTS (SELECT 1 FROM snapshot_chunk WHERE NOT loaded AND NOT history)";
        Ok(conn.query_row(sql, [], |row| row.get(0))?)
    });
    usable.await.context("whether people can work")
}

/// What an item says, unpacked: its id, its SKU and its name.
pub fn said(items: &[Item]) -> f64 {
    let bytes: usize = items.iter().map(|item| 16 + item.sku.len() + item.name.len()).sum();
    bytes as f64 / items.len() as f64
}

/// Puts on the disk whatever the system still holds of the database in this folder and of its log.
pub fn sync_database(folder: &Path) -> Result<()> {
    for name in [FILE.to_owned(), format!("{FILE}-wal")] {
        match File::open(folder.join(name)) {
            Ok(file) => file.sync_data()?,
            Err(fault) if fault.kind() == ErrorKind::NotFound => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(())
}

/// All items are there, and the last one is found.
pub async fn check(engine: &Engine, items: &[Item]) -> Result<()> {
    let last = items.last().context("no items")?;
    let page = engine.call("items.list", json!({ "search": last.sku, "offset": 0, "limit": 5 })).await?;
    ensure!(page["rows"][0]["sku"] == last.sku.as_str(), "{} is not found: {page}", last.sku);
    let all = engine.call("items.list", json!({ "offset": 0, "limit": 1 })).await?;
    ensure!(all["total"].as_u64() == Some(items.len() as u64), "{} items expected: {all}", items.len());
    Ok(())
}
