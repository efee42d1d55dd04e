//! From the scan to the beep: one receipt through the engine, on the disk when it is answered. Each is followed by one
//! row committed in the same way into a plain file beside it, so that both meet the same moods of the disk.

use crate::{
    goods::{Catalogue, receive},
    mint::{Mint, Watch},
    raw::sqlite,
    report::{Goal, Metric, Sample, percentile},
    world::World,
};
use anyhow::{Context, Result};
use stillage_client::Engine;
use stillage_core::action::Action;

pub const METRICS: &[Metric] = &[
    Metric { name: "scan_to_stored_p50", unit: "ms", goal: Goal::AtMost(None, Some(1.5)) },
    Metric { name: "scan_to_stored_p99", unit: "ms", goal: Goal::AtMost(None, Some(4.0)) },
];
const SCANS: usize = 2_000;
/// The first ones prepare statements and fill caches.
const WARM_UP: usize = 100;
const ITEMS: usize = 2_000;

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    let engine = world.new_desktop().await?;
    let catalogue = Catalogue::new(ITEMS, &mut world.mint);
    for saves in catalogue.saves().chunks(500) {
        engine.act(saves.to_vec()).await?;
    }
    let plain = sqlite::open(&engine.data_dir().join("plain.db"))?;
    sqlite::prepare_rows(&plain)?;
    let (mut scans, mut commits) = (Vec::with_capacity(SCANS), Vec::with_capacity(SCANS));
    for n in 0..WARM_UP + SCANS {
        let action = scanned(&catalogue, n, &mut world.mint);
        let body = serde_json::to_string(&action)?;
        let scan = stored(&engine, action).await?;
        let watch = Watch::start();
        sqlite::commit_row(&plain, &body)?;
        if n >= WARM_UP {
            scans.push(scan);
            commits.push(watch.ms());
        }
    }
    drop(plain);
    engine.close().await;
    let sample = |name, part| -> Result<Sample> {
        let at = |times: &[f64]| percentile(times.to_vec(), part).context("nothing was measured");
        Ok(Sample { name, value: at(&scans)?, raw: at(&commits)? })
    };
    Ok(vec![sample("scan_to_stored_p50", 0.5)?, sample("scan_to_stored_p99", 0.99)?])
}

fn scanned(catalogue: &Catalogue, n: usize, mint: &mut Mint) -> Action {
    receive(catalogue.items[n % catalogue.items.len()].id, catalogue.bins[n % catalogue.bins.len()], mint)
}

async fn stored(engine: &Engine, action: Action) -> Result<f64> {
    let watch = Watch::start();
    engine.act(vec![action]).await?;
    Ok(watch.ms())
}
