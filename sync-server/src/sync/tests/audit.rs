//! `verify` and `dump`.

use super::world::{MINUTE, NOON, World};
use crate::store::{dump, verify};

#[tokio::test]
async fn the_audit_finds_a_balance_that_is_not_its_ledger() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    anna.act(shelf.receive(10), NOON).await;
    anna.act(shelf.count(8), NOON + MINUTE).await;
    world.check().await;
    sqlx::query("UPDATE balance SET on_hand = on_hand + 1").execute(&world.app.pool).await.unwrap();
    let mut tx = world.app.store.snapshot(world.app.org).await.unwrap();
    let mut rules: Vec<String> = verify::verify(&mut tx).await.unwrap().into_iter().map(|v| v.rule).collect();
    rules.sort();
    assert_eq!(rules, ["balance_is_the_sum_of_its_entries", "counted_cell_holds_its_count_and_what_followed"]);
}

#[tokio::test]
async fn the_dump_lists_every_section_in_order() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    anna.act(shelf.receive(10), NOON).await;
    let mut out = Vec::new();
    let mut tx = world.app.store.snapshot(world.app.org).await.unwrap();
    dump::canonical(&mut tx, &mut out).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut sections: Vec<&str> = lines.iter().filter_map(|line| line[0].as_str()).collect();
    sections.dedup();
    assert_eq!(sections, ["balance", "item", "location", "movement", "outcome"]);
    let cell = serde_json::json!(["balance", shelf.item, shelf.bin, null, "available", "10"]);
    assert_eq!(lines[0], cell);
}
