//! A new desktop begins with the movements of years. The raw limit puts the same rows into a plain file; usable are its
//! rows of items and balances, without index and search.

use crate::{
    mint::Watch,
    raw::{history as plain, sqlite},
    report::{Goal, Metric, Sample},
    snapshot::{Began, begin, check, ready},
    world::World,
};
use anyhow::{Result, ensure};
use stillage_core::{scope::Scope, snapshot::Part};

pub const METRICS: &[Metric] = &[
    Metric { name: "first_sync_history", unit: "s", goal: Goal::AtMost(Some(15.0), None) },
    Metric { name: "first_sync_history_usable", unit: "s", goal: Goal::AtMost(Some(3.0), None) },
    Metric { name: "first_sync_history_bytes", unit: "B/movement", goal: Goal::AtMost(Some(22.0), None) },
];
/// Movements that are sealed and handed over at a time.
const PORTION: usize = 20_000;

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    fill(world).await?;
    let catalogue = world.catalogue().await?;
    let manifest = ready(world, vec![Scope::Catalogue, Scope::Site(catalogue.site)]).await?;
    let Began { engine, usable, whole } = begin(world, &manifest).await?;
    let held: usize =
        engine.read(|conn| Ok(conn.query_row("SELECT count(*) FROM movement", [], |row| row.get(0))?)).await?;
    // Others may have handed over some before.
    ensure!(held >= world.moved, "{held} movements came, {} are there", world.moved);
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
