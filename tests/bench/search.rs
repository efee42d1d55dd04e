//! What a person types into the search field, answered with the first twenty items of a hundred thousand. The raw limit
//! asks a plain trigram index for the same words: no order, no stock, no total.

use crate::{
    goods::Item,
    mint::{Mint, Watch},
    raw::sqlite,
    report::{Goal, Metric, Sample, percentile},
    world::World,
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use stillage_client::Engine;

pub const METRICS: &[Metric] = &[Metric { name: "search_p99", unit: "ms", goal: Goal::AtMost(Some(16.0), None) }];
const QUERIES: usize = 500;
/// So many of the slowest are named.
const SLOWEST: usize = 8;

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    let engine = world.desktop().await?;
    let catalogue = world.catalogue().await?;
    let mint = &mut world.mint;
    let typed: Vec<String> =
        (0..QUERIES).map(|n| typed(&catalogue.items[mint.below(catalogue.items.len())], n, mint)).collect();
    let value = found(&engine, &typed).await?;
    let path = world.fresh("plain").with_extension("db");
    let raw = tokio::task::spawn_blocking(move || -> Result<f64> {
        let mut conn = sqlite::open(&path)?;
        sqlite::fill(&mut conn, &catalogue.items)?;
        matched(&conn, &typed)
    });
    Ok(vec![Sample { name: "search_p99", value, raw: raw.await?? }])
}

/// A whole code, the beginning of one, words of a name in another order, or the middle of a name, by turns.
fn typed(item: &Item, n: usize, mint: &mut Mint) -> String {
    match n % 4 {
        0 => item.sku.clone(),
        1 => item.sku.chars().take(4 + mint.below(4)).collect(),
        2 => {
            let mut words: Vec<&str> = item.name.split(' ').collect();
            words.reverse();
            words.truncate(3);
            words.join(" ")
        }
        _ => item.name.chars().skip(1 + mint.below(4)).take(4 + mint.below(5)).collect::<String>().trim().to_owned(),
    }
}

async fn found(engine: &Engine, typed: &[String]) -> Result<f64> {
    let mut times = Vec::with_capacity(typed.len());
    for text in typed {
        let args = json!({ "search": text, "offset": 0, "limit": 20 });
        let watch = Watch::start();
        let page = engine.call("items.list", args).await?;
        times.push((watch.ms(), text));
        ensure!(page["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "nothing is found for {text:?}");
    }
    times.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (ms, text) in times.iter().take(SLOWEST) {
        eprintln!("slow: {ms:.1} ms for {text:?}");
    }
    percentile(times.into_iter().map(|(ms, _)| ms).collect(), 0.99).context("nothing was typed")
}

fn matched(conn: &rusqlite::Connection, typed: &[String]) -> Result<f64> {
    let mut times = Vec::with_capacity(typed.len());
    for text in typed {
        // The index knows nothing shorter than three letters.
        let words: Vec<String> =
            text.split_whitespace().filter(|word| word.chars().count() >= 3).map(str::to_owned).collect();
        if words.is_empty() {
            continue;
        }
        let watch = Watch::start();
        let count = sqlite::search(conn, &words)?;
        times.push(watch.ms());
        ensure!(count > 0, "nothing is found for {text:?}");
    }
    percentile(times, 0.99).context("nothing was typed")
}
