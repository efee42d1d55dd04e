//! The two other questions an integration asks: one item with what is on hand where, and what a person typed. The raw
//! limits are one statement each, over as many connections to Postgres.

use crate::{
    crowd::{Jobs, Pace, connections, pace, sessions},
    goods::Item,
    http::{field, graphql},
    list::stocked,
    raw::list as raw,
    report::{Goal, Metric, Sample},
    world::World,
};
use anyhow::{Context, Result, ensure};
use hyper::body::Bytes;
use serde_json::json;
use std::sync::Arc;
use stillage_core::text;

pub const ITEM: &[Metric] = &[
    Metric { name: "item_by_id", unit: "requests/s", goal: Goal::AtLeast(Some(17_000.0), None) },
    Metric { name: "item_by_id_p99", unit: "ms", goal: Goal::AtMost(Some(8.0), None) },
];
pub const SEARCH: &[Metric] =
    &[Metric { name: "search_server", unit: "requests/s", goal: Goal::AtLeast(Some(1_600.0), None) }];
const ITEM_CONNECTIONS: usize = 64;
const SEARCH_CONNECTIONS: usize = 16;
const REQUESTS: usize = 4_000;
const SEARCHES: usize = 1_000;

const ONE: &str = "query($id: ID!) { item(id: $id) { id sku name baseUnit onHand
    stock(first: 10) { edges { node { onHand status } } } } }";
const FOUND: &str = "query($query: String!) { items(first: 20, query: $query) { edges { node { id sku name } } } }";

/// `item(id:)` with its stock.
pub async fn item(world: &mut World) -> Result<Vec<Sample>> {
    let (_, items) = stocked(world).await?;
    let (server, shop, _) = world.shop().await?;
    let requests: Arc<[Bytes]> = items.iter().map(|id| graphql(ONE, &json!({ "id": id }))).collect();
    let callers = connections(server, shop.loader.token(), ITEM_CONNECTIONS).await?;
    let cpu = server.cpu()?;
    let Pace { rate, p99_ms } = pace(callers, Jobs::Shared(REQUESTS), move |caller, n| {
        let requests = Arc::clone(&requests);
        Box::pin(async move {
            let answer = caller.post(requests[n % requests.len()].clone()).await?;
            if n % 100 == 0 {
                let item = field(&answer, "item")?;
                ensure!(item["stock"]["edges"].as_array().is_some_and(|cells| !cells.is_empty()), "no stock: {item}");
            }
            Ok(())
        })
    })
    .await?;
    eprintln!("item_by_id: the server itself used {:.3} ms a request", (server.cpu()? - cpu) * 1e3 / REQUESTS as f64);
    let callers = sessions(server, ITEM_CONNECTIONS).await?;
    let items: Arc<[_]> = items.into();
    let raw = pace(callers, Jobs::Shared(REQUESTS), move |caller, n| {
        let id = items[n % items.len()];
        Box::pin(async move {
            ensure!(raw::item(caller, id.0).await?, "{id} is not there");
            Ok(())
        })
    })
    .await?;
    Ok(vec![
        Sample { name: "item_by_id", value: rate, raw: raw.rate },
        Sample { name: "item_by_id_p99", value: p99_ms, raw: raw.p99_ms },
    ])
}

/// `items(query:)`: whole codes, and two words of a name, by turns.
pub async fn search(world: &mut World) -> Result<Vec<Sample>> {
    let (server, shop, mint) = world.shop().await?;
    let items = &shop.catalogue.items;
    let typed: Vec<String> = (0..SEARCHES).map(|n| typed(&items[mint.below(items.len())], n)).collect();
    let requests: Arc<[Bytes]> = typed.iter().map(|text| graphql(FOUND, &json!({ "query": text }))).collect();
    let callers = connections(server, shop.loader.token(), SEARCH_CONNECTIONS).await?;
    let found = pace(callers, Jobs::Shared(SEARCHES), move |caller, n| {
        let request = requests[n].clone();
        Box::pin(async move {
            let answer = caller.post(request).await?;
            if n % 100 == 0 {
                let items = field(&answer, "items")?;
                ensure!(items["edges"].as_array().is_some_and(|edges| !edges.is_empty()), "nothing is found: {items}");
            }
            Ok(())
        })
    })
    .await?;
    let callers = sessions(server, SEARCH_CONNECTIONS).await?;
    let raw = pace(callers, Jobs::Shared(SEARCHES), move |caller, n| {
        let folded = text::fold(&typed[n]);
        let patterns: Vec<String> = folded.split(' ').map(|word| format!("%{word}%")).collect();
        Box::pin(async move {
            let first = patterns.first().context("nothing was typed")?;
            let hits = raw::search(caller, first, patterns.last().unwrap_or(first)).await?;
            ensure!(hits > 0, "nothing is found for {folded:?}");
            Ok(())
        })
    })
    .await?;
    Ok(vec![Sample { name: "search_server", value: found.rate, raw: raw.rate }])
}

fn typed(item: &Item, n: usize) -> String {
    if n.is_multiple_of(2) {
        return item.sku.clone();
    }
    let words: Vec<&str> = item.name.split(' ').collect();
    // The kind of thing and its size: a handful of items have both.
    let size = words.iter().find(|word| word.starts_with('M') && word.contains('x')).copied().unwrap_or_default();
    format!("{size} {}", words.get(1).copied().unwrap_or_default()).trim().to_owned()
}
