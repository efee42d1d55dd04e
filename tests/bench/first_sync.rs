//! A new desktop pulls the whole catalogue, until every item can be searched and is on the disk. The raw limit puts
//! the same items into a plain file with a unique index and a trigram index, in one transaction. The bytes are what came
//! over the network, beside what the items say.

use crate::{
    goods::Item,
    mint::Watch,
    raw::sqlite,
    report::{Goal, Metric, Sample},
    world::{World, drain},
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::{fs::File, path::Path};
use stillage_client::Engine;

pub const METRICS: &[Metric] = &[
    Metric { name: "first_sync", unit: "rows/s", goal: Goal::AtLeast(Some(140_000.0), None) },
    Metric { name: "first_sync_bytes", unit: "B/item", goal: Goal::AtMost(Some(50.0), None) },
];

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    let catalogue = world.catalogue().await?;
    let count = catalogue.items.len();
    let engine = world.connected_desktop().await?;
    let watch = Watch::start();
    drain(&engine).await?;
    sync_files(engine.data_dir())?;
    let value = count as f64 / watch.seconds();
    let bytes = engine.traffic().received as f64 / count as f64;
    check(&engine, &catalogue.items).await?;
    world.keep(engine).await;

    let folder = world.fresh("plain");
    let items = catalogue.items.clone();
    let raw = tokio::task::spawn_blocking(move || -> Result<f64> {
        std::fs::create_dir(&folder)?;
        let mut conn = sqlite::open(&folder.join("plain.db"))?;
        let watch = Watch::start();
        sqlite::fill(&mut conn, &items)?;
        sync_files(&folder)?;
        Ok(items.len() as f64 / watch.seconds())
    });
    let raw = raw.await??;
    Ok(vec![
        Sample { name: "first_sync", value, raw },
        Sample { name: "first_sync_bytes", value: bytes, raw: said(&catalogue.items) },
    ])
}

/// What an item says, unpacked: its id, its SKU and its name.
pub fn said(items: &[Item]) -> f64 {
    let bytes: usize = items.iter().map(|item| 16 + item.sku.len() + item.name.len()).sum();
    bytes as f64 / items.len() as f64
}

/// Puts on the disk whatever the system still holds of the files in this folder.
pub fn sync_files(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            File::open(entry.path())?.sync_data()?;
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
