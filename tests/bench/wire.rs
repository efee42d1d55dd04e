//! How many bytes a movement is on its way: up as a desktop pushes what it did while it was away, down as another one
//! pulls it, counted by the desktops themselves (bodies of requests and answers; headers are not in it). The raw limit is
//! what is in those bodies for a movement, as one frame of zstd.

use crate::{
    report::{Goal, Metric, Sample},
    world::{World, drain},
};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use stillage_client::{
    Engine,
    store::{outbox, settings},
};
use stillage_core::scope::Scope;

pub const METRICS: &[Metric] = &[
    Metric { name: "wire_up", unit: "B/movement", goal: Goal::AtMost(Some(35.0), None) },
    Metric { name: "wire_down", unit: "B/movement", goal: Goal::AtMost(Some(35.0), None) },
    Metric { name: "wire_up_json", unit: "B/movement", goal: Goal::AtMost(None, None) },
    Metric { name: "wire_down_json", unit: "B/movement", goal: Goal::AtMost(Some(274.0), None) },
];
const MOVEMENTS: usize = 5_000;
/// Rows of a page, and movements that are recorded at a time.
const PAGE: usize = 500;
/// As the server packs.
const LEVEL: i32 = 3;

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    let catalogue = world.catalogue().await?;
    let (here, there) = (world.desktop().await?, world.connected_desktop().await?);
    // A desktop that holds nothing of a long scope would begin from a snapshot.
    here.act(catalogue.receipts(1, &mut world.mint)).await?;
    for desktop in [&here, &there] {
        drain(desktop).await?;
    }
    let site = Scope::Site(catalogue.site);
    let before = here.read(settings::cursors).await?.get(&site).copied().unwrap_or(0);
    for _ in 0..MOVEMENTS / PAGE {
        here.act(catalogue.receipts(PAGE, &mut world.mint)).await?;
    }
    let (up_json, up_raw) = pushed(&here).await?;
    let sent = here.traffic().sent;
    drain(&here).await?;
    let up = (here.traffic().sent - sent) as f64;
    let received = there.traffic().received;
    let report = drain(&there).await?;
    ensure!(report.pulled >= MOVEMENTS as u64, "{} rows were pulled", report.pulled);
    let down = (there.traffic().received - received) as f64;
    there.close().await;
    let (down_json, down_raw) = pulled(world, (site, before)).await?;
    let each = |bytes: f64| bytes / MOVEMENTS as f64;
    Ok(vec![
        Sample { name: "wire_up", value: each(up), raw: each(up_raw) },
        Sample { name: "wire_down", value: each(down), raw: each(down_raw) },
        Sample { name: "wire_up_json", value: each(up_json), raw: each(up_raw) },
        Sample { name: "wire_down_json", value: each(down_json), raw: each(down_raw) },
    ])
}

/// What waits in the outbox as it will be pushed, and packed as one.
async fn pushed(engine: &Engine) -> Result<(f64, f64)> {
    let waiting = engine.read(|conn| outbox::queued(conn, MOVEMENTS)).await?;
    ensure!(waiting.len() == MOVEMENTS, "{} movements wait", waiting.len());
    let text = serde_json::to_vec(&waiting)?;
    Ok((text.len() as f64, zstd::bulk::compress(&text, LEVEL)?.len() as f64))
}

/// The same movements as they come down, in pages of 500: how long the texts are that desktops get, and entry by entry as
/// one frame.
async fn pulled(world: &mut World, (site, before): (Scope, u64)) -> Result<(f64, f64)> {
    let (_, shop, _) = world.shop().await?;
    // Of everything else it has all there is, so that pages are of the site alone.
    let heads = shop.loader.pull(&BTreeMap::new(), 1, true).await?.heads;
    let mut cursors: BTreeMap<Scope, u64> = heads.into_iter().map(|head| (head.scope, head.seq)).collect();
    cursors.insert(site, before);
    let (mut texts, end) = ([Vec::new(), Vec::new()], before + MOVEMENTS as u64);
    for (packed, text) in [true, false].into_iter().zip(&mut texts) {
        cursors.insert(site, before);
        while cursors[&site] < end {
            let answer = shop.loader.pull(&cursors, PAGE as u32, packed).await?;
            let page = answer.pages.into_iter().find(|page| page.scope == site).context("no page of the site")?;
            cursors.insert(site, page.to);
            text.extend_from_slice(&serde_json::to_vec(&page)?);
        }
    }
    let [sent, plain] = texts;
    Ok((sent.len() as f64, zstd::bulk::compress(&plain, LEVEL)?.len() as f64))
}
