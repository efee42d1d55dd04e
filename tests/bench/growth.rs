//! How the cost of a first sync and of catching up grows with what there is: one server a size, each with its own
//! catalogue, up to `--items`; and with `--full` histories up to `--movements`. A rate that stays the same says that the
//! cost of a row does not depend on how many there are.

use crate::{
    catch_up, first_sync, history,
    report::{Goal, Metric, Sample},
    world::World,
};
use anyhow::{Context, Result};

/// What is only looked at has no goal.
const SEEN: Goal = Goal::AtLeast(None, None);
const fn rate(name: &'static str) -> Metric {
    Metric { name, unit: "rows/s", goal: SEEN }
}

pub const METRICS: &[Metric] = &[
    rate("growth_first_sync_10k"),
    rate("growth_first_sync_30k"),
    rate("growth_first_sync_100k"),
    rate("growth_first_sync_300k"),
    rate("growth_first_sync_1m"),
    rate("growth_catch_up_10k"),
    rate("growth_catch_up_30k"),
    rate("growth_catch_up_100k"),
    rate("growth_catch_up_300k"),
    rate("growth_catch_up_1m"),
    rate("growth_history_1m"),
    rate("growth_history_3m"),
    rate("growth_history_10m"),
];
const ITEMS: [(usize, &str, &str); 5] = [
    (10_000, "growth_first_sync_10k", "growth_catch_up_10k"),
    (30_000, "growth_first_sync_30k", "growth_catch_up_30k"),
    (100_000, "growth_first_sync_100k", "growth_catch_up_100k"),
    (300_000, "growth_first_sync_300k", "growth_catch_up_300k"),
    (1_000_000, "growth_first_sync_1m", "growth_catch_up_1m"),
];
const MOVEMENTS: [(usize, &str); 3] =
    [(1_000_000, "growth_history_1m"), (3_000_000, "growth_history_3m"), (10_000_000, "growth_history_10m")];

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    let most = world.items;
    for (items, first, catch) in ITEMS.into_iter().filter(|(items, ..)| *items <= most) {
        let mut other = world.other(items)?;
        let (begun, caught) = (first_sync::measure(&mut other).await, catch_up::measure(&mut other).await);
        other.stop().await?;
        samples.extend(
            begun?.into_iter().filter(|sample| sample.name == "first_sync").map(|s| Sample { name: first, ..s }),
        );
        let rows = |ms: f64| catch_up::ROWS as f64 / ms * 1000.0;
        samples.extend(caught?.into_iter().map(|s| Sample { name: catch, value: rows(s.value), raw: rows(s.raw) }));
        tell(&samples)?;
    }
    if world.full {
        let mut other = world.other(world.items)?;
        let grown = histories(&mut other, world.movements, &mut samples).await;
        other.stop().await?;
        grown?;
    }
    Ok(samples)
}

/// One server, whose history becomes longer and longer.
async fn histories(world: &mut World, most: usize, samples: &mut Vec<Sample>) -> Result<()> {
    for (movements, name) in MOVEMENTS.into_iter().filter(|(movements, _)| *movements <= most) {
        world.movements = movements;
        let rows = (movements + world.items) as f64;
        let measured = history::measure(world).await?;
        let whole = measured.first().context("nothing was measured")?;
        samples.push(Sample { name, value: rows / whole.value, raw: rows / whole.raw });
        tell(samples)?;
    }
    Ok(())
}

/// The next size may take minutes.
fn tell(samples: &[Sample]) -> Result<()> {
    let Sample { name, value, raw } = samples.last().context("nothing was measured")?;
    eprintln!("{name}: {value:.0} (raw {raw:.0})");
    Ok(())
}
