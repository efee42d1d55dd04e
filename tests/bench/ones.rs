//! Movements that come one by one: through the API, and from many desktops at once. The raw limit writes balance, log
//! and ledger of one movement in one statement, over sixteen connections.

use crate::{
    crowd::{Jobs, Pace, pace, sessions},
    device::Device,
    http::{Connection, field, graphql},
    raw::postgres,
    report::{Goal, Metric, Sample},
    world::World,
};
use anyhow::{Context, Result, ensure};
use hyper::body::Bytes;
use serde_json::json;
use std::sync::Arc;
use stillage_core::seed;

pub const ADJUST: &[Metric] = &[
    Metric { name: "adjust_api", unit: "requests/s", goal: Goal::AtLeast(Some(9_000.0), None) },
    Metric { name: "adjust_api_p99", unit: "ms", goal: Goal::AtMost(Some(5.0), None) },
];
pub const PUSH: &[Metric] =
    &[Metric { name: "push_1_x128", unit: "movements/s", goal: Goal::AtLeast(None, Some(1.0)) }];
const CONNECTIONS: usize = 16;
/// A token has 2,000 points at once, and one request of these costs some twelve.
const TOKENS: usize = 16;
const ADJUSTMENTS: usize = 1_600;
const DEVICES: usize = 128;
/// Enough that what comes once for each device, the look for its token, is little of it.
const EACH: usize = 200;

const ADJUSTED: &str = "mutation($input: StockAdjustInput!) { stockAdjust(input: $input) {
    change { outcome } userErrors { code } } }";

/// `stockAdjust`, a new key each time.
pub async fn adjust(world: &mut World) -> Result<Vec<Sample>> {
    let (server, shop, mint) = world.shop().await?;
    let catalogue = Arc::clone(&shop.catalogue);
    let mut callers = Vec::with_capacity(TOKENS);
    for n in 0..TOKENS {
        callers.push(Connection::open(&server.url, Some(&server.token(&format!("Integration {n}"))?)).await?);
    }
    let reason = seed::reason("FOUND");
    let request = |_| {
        let item = catalogue.items[mint.below(catalogue.items.len())].id;
        let place = catalogue.bins[mint.below(catalogue.bins.len())];
        let input = json!({ "idempotencyKey": mint.id(), "itemId": item, "locationId": place, "delta": "1", "reasonId": reason });
        graphql(ADJUSTED, &json!({ "input": input }))
    };
    let requests: Vec<Bytes> = (0..ADJUSTMENTS).map(request).collect();
    let cpu = server.cpu()?;
    let Pace { rate, p99_ms } = pace(callers, Jobs::Shared(ADJUSTMENTS), move |caller, n| {
        let request = requests[n].clone();
        Box::pin(async move {
            let answer = field(&caller.post(request).await?, "stockAdjust")?;
            ensure!(answer["change"]["outcome"] == "APPLIED", "not adjusted: {answer}");
            Ok(())
        })
    })
    .await?;
    eprintln!("adjust_api: the server itself used {:.3} ms each", (server.cpu()? - cpu) * 1e3 / ADJUSTMENTS as f64);
    let raw = written(world, ADJUSTMENTS).await?;
    Ok(vec![
        Sample { name: "adjust_api", value: rate, raw: raw.rate },
        Sample { name: "adjust_api_p99", value: p99_ms, raw: raw.p99_ms },
    ])
}

/// Many desktops, each handing over one movement at a time.
pub async fn push(world: &mut World) -> Result<Vec<Sample>> {
    let (server, shop, mint) = world.shop().await?;
    let mut callers = Vec::with_capacity(DEVICES);
    for n in 0..DEVICES {
        let mut device = Device::enrol(server, &format!("Desk {n}"), mint).await?;
        let actions = shop.catalogue.receipts(EACH, mint);
        let mut requests = device.sealed(actions, 1, mint);
        requests.reverse();
        callers.push((device, requests));
    }
    let done = pace(callers, Jobs::Each(EACH), |(device, requests), _| {
        Box::pin(async move {
            let request = requests.pop().context("too few requests were sealed")?;
            let answers = device.push(vec![request]).await?;
            if requests.is_empty() { device.check(&answers) } else { Ok(()) }
        })
    })
    .await?;
    let raw = written(world, DEVICES * EACH).await?;
    Ok(vec![Sample { name: "push_1_x128", value: done.rate, raw: raw.rate }])
}

async fn written(world: &mut World, count: usize) -> Result<Pace> {
    let (server, shop, mint) = world.shop().await?;
    postgres::prepare(&mut server.postgres().await?).await?;
    let batches = postgres::batches(&shop.catalogue, (1, count), 1, mint);
    let callers = sessions(server, CONNECTIONS).await?;
    let batches: Arc<[_]> = batches.into();
    pace(callers, Jobs::Shared(count), move |caller, n| {
        let batches = Arc::clone(&batches);
        Box::pin(async move { batches[n].write_at_once(caller).await })
    })
    .await
}
