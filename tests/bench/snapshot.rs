//! A new desktop begins by snapshot, which the server has ready: how fast it has everything, when people can begin to
//! count, and what travelled. The raw limit puts the same rows into a plain file; its share of usable is when the rows
//! are in and indexes and search are still to be made.
//!
//! The surprise: usable is taken when the desktop itself would let people work - every chunk of records and balances
//! is in and the catalogue has a cursor - and not when a screen was painted.

use crate::{
    first_sync::{check, said, sync_files},
    mint::Watch,
    raw::{history as plain, sqlite},
    report::{Goal, Metric, Sample},
    world::{PATIENCE, World},
};
use anyhow::{Context, Result, ensure};
use std::time::Duration;
use stillage_client::Engine;
use stillage_core::{
    scope::Scope,
    snapshot::{Manifest, Part},
};
use tokio::sync::broadcast::error::RecvError;

pub const METRICS: &[Metric] = &[
    Metric { name: "first_sync_snapshot", unit: "rows/s", goal: Goal::AtLeast(Some(140_000.0), None) },
    Metric { name: "first_sync_usable", unit: "of the whole", goal: Goal::AtMost(Some(0.333), None) },
    Metric { name: "first_sync_snapshot_bytes", unit: "B/item", goal: Goal::AtMost(Some(50.0), None) },
];
pub const HISTORY: &[Metric] = &[
    Metric { name: "first_sync_history", unit: "s", goal: Goal::AtMost(Some(15.0), None) },
    Metric { name: "first_sync_history_usable", unit: "s", goal: Goal::AtMost(Some(3.0), None) },
    Metric { name: "first_sync_history_bytes", unit: "B/movement", goal: Goal::AtMost(Some(22.0), None) },
];
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// Movements that are sealed and handed over at a time.
const PORTION: usize = 20_000;

/// What one desktop did.
struct Began {
    engine: Engine,
    usable: f64,
    whole: f64,
}

/// The catalogue alone.
pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    let catalogue = world.catalogue().await?;
    let count = catalogue.items.len();
    let manifest = ready(world, vec![Scope::Catalogue]).await?;
    let Began { engine, usable, whole } = begin(world, &manifest).await?;
    let bytes = engine.traffic().received as f64 / count as f64;
    check(&engine, &catalogue.items).await?;
    world.keep(engine).await;

    let path = world.fresh("plain").with_extension("db");
    let items = catalogue.items.clone();
    let raw = tokio::task::spawn_blocking(move || -> Result<(f64, f64)> {
        let mut conn = sqlite::open(&path)?;
        let watch = Watch::start();
        sqlite::rows(&mut conn, &items)?;
        let usable = watch.seconds();
        sqlite::searchable(&mut conn)?;
        Ok((usable, watch.seconds()))
    });
    let (raw_usable, raw_whole) = raw.await??;
    Ok(vec![
        Sample { name: "first_sync_snapshot", value: count as f64 / whole, raw: count as f64 / raw_whole },
        Sample { name: "first_sync_usable", value: usable / whole, raw: raw_usable / raw_whole },
        Sample { name: "first_sync_snapshot_bytes", value: bytes, raw: said(&catalogue.items) },
    ])
}

/// With the movements of years.
pub async fn history(world: &mut World) -> Result<Vec<Sample>> {
    fill(world).await?;
    let catalogue = world.catalogue().await?;
    let manifest = ready(world, vec![Scope::Catalogue, Scope::Site(catalogue.site)]).await?;
    let Began { engine, usable, whole } = begin(world, &manifest).await?;
    let held: usize =
        engine.read(|conn| Ok(conn.query_row("SELECT count(*) FROM movement", [], |row| row.get(0))?)).await?;
    ensure!(held == world.moved, "{held} movements came, {} are there", world.moved);
    check(&engine, &catalogue.items).await?;
    engine.close().await;
    let chunks = manifest.chunks.iter().filter(|chunk| chunk.part == Part::History);
    let (rows, bytes) = chunks.fold((0, 0), |(rows, bytes), chunk| (rows + chunk.rows, bytes + chunk.bytes));

    let movements = plain::movements(&catalogue, held, &mut world.mint);
    let said = plain::packed(&movements)? / held as f64;
    let path = world.fresh("plain").with_extension("db");
    let raw = tokio::task::spawn_blocking(move || -> Result<(f64, f64)> {
        let mut conn = sqlite::open(&path)?;
        let watch = Watch::start();
        sqlite::rows(&mut conn, &catalogue.items)?;
        plain::balances(&mut conn, &movements)?;
        let usable = watch.seconds();
        sqlite::searchable(&mut conn)?;
        plain::fill(&mut conn, &movements)?;
        Ok((usable, watch.seconds()))
    });
    let (raw_usable, raw_whole) = raw.await??;
    Ok(vec![
        Sample { name: "first_sync_history", value: whole, raw: raw_whole },
        Sample { name: "first_sync_history_usable", value: usable, raw: raw_usable },
        Sample { name: "first_sync_history_bytes", value: bytes as f64 / rows as f64, raw: said },
    ])
}

/// Hands over as many movements as are still missing, as devices do.
async fn fill(world: &mut World) -> Result<()> {
    let watch = Watch::start();
    let missing = world.movements.saturating_sub(world.moved);
    for done in (0..missing).step_by(PORTION) {
        let (_, shop, mint) = world.shop().await?;
        let receipts = shop.catalogue.receipts(PORTION.min(missing - done), mint);
        let count = receipts.len();
        shop.loader.hand_over(receipts, mint).await?;
        world.moved += count;
    }
    eprintln!("{missing} movements handed over to the server in {:.1} s", watch.seconds());
    Ok(())
}

/// Has the server make snapshots of these scopes, as the first desktop that asks would, and waits for them.
async fn ready(world: &mut World, scopes: Vec<Scope>) -> Result<Manifest> {
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
async fn begin(world: &mut World, manifest: &Manifest) -> Result<Began> {
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
        sync_files(engine.data_dir())?;
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
