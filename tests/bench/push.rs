//! Ten thousand movements that one device made while it was away, handed over in batches. The raw limit writes the
//! rows of as many movements - log, ledger, balance - and leaves out idempotency, chain, rules and HTTP.

use crate::{
    device::Device,
    mint::Watch,
    raw::postgres,
    report::{Goal, Metric, Sample},
    world::World,
};
use anyhow::Result;

pub const METRICS: &[Metric] = &[
    Metric { name: "push_100", unit: "movements/s", goal: Goal::AtLeast(Some(25_000.0), Some(0.65)) },
    Metric { name: "push_500", unit: "movements/s", goal: Goal::AtLeast(Some(25_000.0), Some(0.65)) },
];
const CHANGES: usize = 10_000;

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for (name, size) in [("push_100", 100), ("push_500", 500)] {
        let value = pushed(world, size).await?;
        let raw = written(world, size).await?;
        samples.push(Sample { name, value, raw });
    }
    Ok(samples)
}

async fn pushed(world: &mut World, size: usize) -> Result<f64> {
    let (server, shop, mint) = world.shop().await?;
    let mut device = Device::enrol(server, "Pusher", mint).await?;
    let actions = shop.catalogue.receipts(CHANGES, mint);
    let requests = device.sealed(actions, size, mint);
    let (watch, cpu) = (Watch::start(), server.cpu()?);
    let answers = device.push(requests).await?;
    let (seconds, cpu) = (watch.seconds(), server.cpu()? - cpu);
    eprintln!("push_{size}: the server itself used {:.1} us a movement", cpu * 1e6 / CHANGES as f64);
    device.check(&answers)?;
    Ok(CHANGES as f64 / seconds)
}

async fn written(world: &mut World, size: usize) -> Result<f64> {
    let (server, shop, mint) = world.shop().await?;
    let mut conn = server.postgres().await?;
    postgres::prepare(&mut conn).await?;
    let batches = postgres::batches(&shop.catalogue, (1, CHANGES), size, mint);
    let watch = Watch::start();
    for batch in &batches {
        batch.write(&mut conn).await?;
    }
    Ok(CHANGES as f64 / watch.seconds())
}
