//! A desktop that has the catalogue was away while ten thousand items were edited; how long until it has them all, on
//! the disk. The raw limit upserts the same rows into a plain file with two indexes and no search.
//!
//! The surprise: what is edited is the description, which nobody searches, so that the searches measured later find
//! what they did. The desktop does not know that and looks at the search text of each of these items.

use crate::{
    goods::{Item, described},
    mint::Watch,
    raw::sqlite,
    report::{Goal, Metric, Sample},
    snapshot::sync_database,
    world::{PATIENCE, World},
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use stillage_client::Engine;

pub const METRICS: &[Metric] = &[Metric { name: "catch_up", unit: "ms", goal: Goal::AtMost(Some(250.0), None) }];
pub const ROWS: usize = 10_000;

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    let engine = world.desktop().await?;
    let catalogue = world.catalogue().await?;
    ensure!(catalogue.items.len() >= ROWS, "catch_up needs a catalogue of {ROWS} items: --items {ROWS}");
    let edited: Vec<Item> = catalogue.items.iter().step_by(catalogue.items.len() / ROWS).take(ROWS).cloned().collect();
    engine.sync(PATIENCE).await?;
    world.edits += 1;
    let edit = world.edits;
    let (_, shop, mint) = world.shop().await?;
    let saves = edited.iter().map(|item| described(item, edit)).collect();
    shop.loader.hand_over(saves, mint).await.context("editing the catalogue")?;

    let watch = Watch::start();
    let report = engine.sync(PATIENCE).await?;
    sync_database(engine.data_dir())?;
    let value = watch.ms();
    ensure!(report.pulled >= ROWS as u64, "only {} rows were pulled", report.pulled);
    check(&engine, &edited, edit).await?;

    let path = world.fresh("plain").with_extension("db");
    let raw = tokio::task::spawn_blocking(move || -> Result<f64> {
        let mut conn = sqlite::open(&path)?;
        sqlite::records(&mut conn, &catalogue.items)?;
        let watch = Watch::start();
        sqlite::edit(&mut conn, &edited, edit)?;
        Ok(watch.ms())
    });
    Ok(vec![Sample { name: "catch_up", value, raw: raw.await?? }])
}

async fn check(engine: &Engine, edited: &[Item], edit: u32) -> Result<()> {
    for item in [edited.first(), edited.last()].into_iter().flatten() {
        let id = item.id.0;
        let body: String = engine
            .read(move |conn| {
                let sql = "SELECT body FROM record WHERE kind = 'item' AND id = ?1";
                Ok(conn.query_row(sql, [id], |row| row.get(0))?)
            })
            .await?;
        let body: serde_json::Value = serde_json::from_str(&body)?;
        ensure!(body["description"] == json!(crate::goods::description(edit)), "{} was not edited: {body}", item.sku);
    }
    Ok(())
}
