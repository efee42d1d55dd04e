//! The page every list screen of an integration asks for: fifty items with what is on hand where, over sixteen
//! connections at once. The raw limit is one statement with the same answer, over as many connections to Postgres.

use crate::{
    crowd::{Jobs, connections, pace, sessions},
    goods::receive,
    http::{Connection, field, graphql},
    raw::list::{Place, page},
    report::{Goal, Metric, Sample},
    world::World,
};
use anyhow::{Context, Result, ensure};
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use stillage_core::id::ItemId;

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
    let (places, _) = stocked(world).await?;
    let (server, shop, _) = world.shop().await?;
    let requests: Arc<[Bytes]> = asked_for(&places).into();
    let callers = connections(server, shop.loader.token(), CONNECTIONS).await?;
    let cpu = server.cpu()?;
    let asked = pace(callers, Jobs::Shared(REQUESTS), move |caller, n| {
        let requests = Arc::clone(&requests);
        Box::pin(async move {
            let answer = caller.post(requests[n % requests.len()].clone()).await?;
            if n % 100 == 0 {
                let items = field(&answer, "items")?;
                ensure!(items["edges"].as_array().is_some_and(|edges| edges.len() == 50), "not a page of 50: {items}");
            }
            Ok(())
        })
    })
    .await?;
    eprintln!("list_50: the server itself used {:.3} ms a request", (server.cpu()? - cpu) * 1e3 / REQUESTS as f64);
    let callers = sessions(server, CONNECTIONS).await?;
    let places: Arc<[Place]> = places.into();
    let raw = pace(callers, Jobs::Shared(REQUESTS), move |caller, n| {
        let places = Arc::clone(&places);
        Box::pin(async move {
            let rows = page(caller, &places[n % places.len()]).await?;
            ensure!(rows == 50, "{rows} rows and not 50");
            Ok(())
        })
    })
    .await?;
    Ok(vec![
        Sample { name: "list_50", value: asked.rate, raw: raw.rate },
        Sample { name: "list_50_p99", value: asked.p99_ms, raw: raw.p99_ms },
    ])
}

fn asked_for(places: &[Place]) -> Vec<Bytes> {
    places.iter().map(|place| graphql(QUERY, &json!({ "after": place.cursor }))).collect()
}

/// The requests for all pages.
pub async fn pages(world: &mut World) -> Result<Vec<Bytes>> {
    Ok(asked_for(&stocked(world).await?.0))
}

/// Walks the pages once, and sees to it that their items have stock: where each starts, and the items of all.
pub async fn stocked(world: &mut World) -> Result<(Vec<Place>, Vec<ItemId>)> {
    let (server, shop, mint) = world.shop().await?;
    let mut connection = Connection::open(&server.url, Some(shop.loader.token())).await?;
    let mut places = vec![Place::default()];
    let (mut items, mut empty) = (Vec::new(), Vec::<ItemId>::new());
    while places.len() <= PAGES {
        let cursor = places.last().and_then(|place| place.cursor.clone());
        let answer = connection.post(graphql(QUERY, &json!({ "after": cursor }))).await?;
        let page = field(&answer, "items")?;
        let nodes: Vec<&Value> = page["edges"].as_array().into_iter().flatten().map(|edge| &edge["node"]).collect();
        let last = nodes.last().context("an empty page")?;
        places.push(Place {
            cursor: page["pageInfo"]["endCursor"].as_str().map(str::to_owned),
            key: last["sku"].as_str().unwrap_or_default().to_lowercase(),
            id: last["id"].as_str().context("no id")?.parse::<ItemId>()?.0,
        });
        for node in nodes {
            let id = node["id"].as_str().context("no id")?.parse()?;
            items.push(id);
            if node["stock"]["edges"].as_array().is_none_or(Vec::is_empty) {
                empty.push(id);
            }
        }
    }
    let bins = shop.catalogue.bins.clone();
    let receipts = empty.iter().flat_map(|item| bins.iter().take(CELLS).map(|bin| (*item, *bin)));
    let receipts: Vec<_> = receipts.collect::<Vec<_>>().into_iter().map(|(i, b)| receive(i, b, mint)).collect();
    if !receipts.is_empty() {
        shop.loader.hand_over(receipts, mint).await.context("stocking the first pages")?;
    }
    Ok((places, items))
}
