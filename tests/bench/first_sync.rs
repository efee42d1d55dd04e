//! A new desktop begins with a catalogue and no movements: how fast it has everything, when people can begin to count,
//! and what travelled. It begins as every desktop does whose server has more than a page for it, by snapshot.
//!
//! The raw limit puts the same items into a plain file: rows in one transaction, then a unique index and a trigram index
//! in another. Its share of usable is when the rows are in.

use crate::{
    mint::Watch,
    raw::sqlite,
    report::{Goal, Metric, Sample},
    snapshot::{Began, begin, check, ready, said},
    world::World,
};
use anyhow::Result;
use stillage_core::scope::Scope;

pub const METRICS: &[Metric] = &[
    Metric { name: "first_sync", unit: "rows/s", goal: Goal::AtLeast(Some(140_000.0), Some(0.58)) },
    Metric { name: "first_sync_usable", unit: "of the whole", goal: Goal::AtMost(Some(0.333), None) },
    Metric { name: "first_sync_bytes", unit: "B/item", goal: Goal::AtMost(Some(50.0), None) },
];

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
        Sample { name: "first_sync", value: count as f64 / whole, raw: count as f64 / raw_whole },
        Sample { name: "first_sync_usable", value: usable / whole, raw: raw_usable / raw_whole },
        Sample { name: "first_sync_bytes", value: bytes, raw: said(&catalogue.items) },
    ])
}
