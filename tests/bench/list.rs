//! The page every list screen of an integration asks for: fifty items with what is on hand where, over sixteen
//! connections at once. The raw limit is one statement with the same answer, over as many connections to Postgres.

use crate::{
    goods::receive,
    http::{Connection, field, graphql},
    mint::Watch,
    raw::list::{Place, page},
    report::{Goal, Metric, Sample, percentile},
    server::Server,
    world::World,
};
use anyhow::{Context, Result, ensure};
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use stillage_core::id::ItemId;
use tokio::task::JoinSet;

pub const METRICS: &[Metric] = &[
    Metric { name: "list_50", unit: "requests/s", goal: Goal::AtLeast(Some(10_000.0), None) },
    Metric { name: "list_50_p99", unit: "ms", goal: Goal::AtMost(Some(5.0), None) },
];
const CONNECTIONS: usize = 16;
const REQUESTS: usize = 4_000;
/// How many different pages are asked for.
const PAGES: usize = 40;
const CELLS: usize = 3;

const QUERY: &str =
    "query($after: String) { items(first: 50, after: $after) { edges { node { id sku name baseUnit onHand
    stock(first: 10) { edges { node { onHand status } } } } } pageInfo { endCursor hasNextPage } } }";

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    let places = stocked(world).await?;
    let (server, shop, _) = world.shop().await?;
    let requests: Vec<Bytes> = places.iter().map(|place| graphql(QUERY, &json!({ "after": place.cursor }))).collect();
    let (rate, p99) = asked(server, shop.loader.token(), requests.into()).await?;
    let (raw_rate, raw_p99) = selected(server, places.into()).await?;
    Ok(vec![
        Sample { name: "list_50", value: rate, raw: raw_rate },
        Sample { name: "list_50_p99", value: p99, raw: raw_p99 },
    ])
}

/// Walks the pages once, and sees to it that their items have stock.
async fn stocked(world: &mut World) -> Result<Vec<Place>> {
    let (server, shop, mint) = world.shop().await?;
    let mut connection = Connection::open(&server.url, Some(shop.loader.token())).await?;
    let mut places = vec![Place::default()];
    let mut empty: Vec<ItemId> = Vec::new();
    while places.len() <= PAGES {
        let cursor = places.last().and_then(|place| place.cursor.clone());
        let answer = connection.post(graphql(QUERY, &json!({ "after": cursor }))).await?;
        let items = field(&answer, "items")?;
        let nodes: Vec<&Value> = items["edges"].as_array().into_iter().flatten().map(|edge| &edge["node"]).collect();
        let last = nodes.last().context("an empty page")?;
        places.push(Place {
            cursor: items["pageInfo"]["endCursor"].as_str().map(str::to_owned),
            key: last["sku"].as_str().unwrap_or_default().to_lowercase(),
            id: last["id"].as_str().context("no id")?.parse::<ItemId>()?.0,
        });
        for node in nodes.iter().filter(|node| node["stock"]["edges"].as_array().is_none_or(Vec::is_empty)) {
            empty.push(node["id"].as_str().context("no id")?.parse()?);
        }
    }
    let bins = shop.catalogue.bins.clone();
    let receipts = empty.iter().flat_map(|item| bins.iter().take(CELLS).map(|bin| (*item, *bin)));
    let receipts: Vec<_> = receipts.collect::<Vec<_>>().into_iter().map(|(i, b)| receive(i, b, mint)).collect();
    if !receipts.is_empty() {
        shop.loader.hand_over(receipts, mint).await.context("stocking the first pages")?;
    }
    Ok(places)
}

/// Requests a second and the slow end of their times.
async fn asked(server: &Server, token: &str, requests: Arc<[Bytes]>) -> Result<(f64, f64)> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(&server.url, Some(token)).await?);
    }
    let watch = Watch::start();
    for mut connection in connections {
        let (next, requests) = (Arc::clone(&next), Arc::clone(&requests));
        tasks.spawn(async move {
            let (mut times, mut last) = (Vec::new(), Bytes::new());
            while let Some(n) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < REQUESTS) {
                let watch = Watch::start();
                last = connection.post(requests[n % requests.len()].clone()).await?;
                times.push(watch.ms());
            }
            let items = field(&last, "items")?;
            ensure!(items["edges"].as_array().is_some_and(|edges| edges.len() == 50), "not a page of 50: {items}");
            Ok(times)
        });
    }
    summed(tasks, watch).await
}

async fn selected(server: &Server, places: Arc<[Place]>) -> Result<(f64, f64)> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(server.postgres().await?);
    }
    let watch = Watch::start();
    for mut connection in connections {
        let (next, places) = (Arc::clone(&next), Arc::clone(&places));
        tasks.spawn(async move {
            let mut times = Vec::new();
            while let Some(n) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < REQUESTS) {
                let watch = Watch::start();
                let rows = page(&mut connection, &places[n % places.len()]).await?;
                times.push(watch.ms());
                ensure!(rows == 50, "{rows} rows and not 50");
            }
            Ok(times)
        });
    }
    summed(tasks, watch).await
}

async fn summed(mut tasks: JoinSet<Result<Vec<f64>>>, watch: Watch) -> Result<(f64, f64)> {
    let mut times = Vec::with_capacity(REQUESTS);
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    let seconds = watch.seconds();
    let count = times.len() as f64;
    Ok((count / seconds, percentile(times, 0.99).context("nothing was asked")?))
}
