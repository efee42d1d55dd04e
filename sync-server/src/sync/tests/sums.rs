//! The sums of scopes, and what `verify --deep` finds.

use super::world::{MINUTE, NOON, Shelf, World};
use crate::store::{audit, sums, verify};
use std::collections::BTreeSet;
use stillage_core::{change::Outcome, scope::Scope};

#[tokio::test]
async fn a_pull_that_ends_at_the_heads_brings_the_sums_of_the_rows() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    anna.act(shelf.receive(10), NOON).await;
    anna.act(shelf.count(8), NOON + MINUTE).await;
    let part = anna.pull(2).await;
    assert!(part.sums.is_empty(), "{:?}", part.sums);
    let rest = anna.pull(5000).await;
    let mut tx = world.app.store.snapshot(world.app.org).await.unwrap();
    let real = sums::of_rows(&mut tx).await.unwrap();
    assert!(rest.sums.iter().any(|told| told.scope == Scope::Site(shelf.site)));
    for told in &rest.sums {
        assert_eq!((anna.cursors[&told.scope], real[&told.scope]), (told.seq, told.sum), "{}", told.scope);
    }
    world.check().await;
}

#[tokio::test]
async fn scopes_from_before_sums_are_told_without_one_until_they_are_added_up() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    anna.act(shelf.receive(10), NOON).await;
    sqlx::query("UPDATE scope SET sum = NULL").execute(&world.app.pool).await.unwrap();
    anna.act(shelf.issue(3), NOON + MINUTE).await;
    assert!(anna.pull(5000).await.sums.is_empty());
    assert!(sums::fill(&world.app.store, world.app.org).await.unwrap() >= 2);
    assert_eq!(sums::fill(&world.app.store, world.app.org).await.unwrap(), 0);
    anna.act(shelf.issue(7), NOON + 2 * MINUTE).await;
    assert_eq!(anna.pull(5000).await.sums.len(), 1);
    world.check().await;
}

/// Each damage with a rule that must see it.
const DAMAGES: [(&str, &str); 18] = [
    ("UPDATE scope SET sum = sum + 1", "sum_is_that_of_its_rows"),
    ("UPDATE balance SET on_hand = on_hand + 1", "sum_is_that_of_its_rows"),
    ("UPDATE record SET body = replace(body, 'Bolt', 'Nail')", "sum_is_that_of_its_rows"),
    ("UPDATE balance SET on_hand = on_hand + 1", "balance_is_the_sum_of_its_entries"),
    ("UPDATE posted_count SET counted = counted + 1", "counted_cell_holds_its_count_and_what_followed"),
    ("UPDATE balance SET count_change = NULL", "balance_knows_its_last_count"),
    ("UPDATE balance SET count_log_seq = 99 WHERE count_change IS NOT NULL", "balance_numbers_its_last_count"),
    ("DELETE FROM log WHERE kind = 'movement' AND seq = 1", "log_is_gapless_up_to_its_head"),
    ("UPDATE record SET body = replace(body, 'Bolt', 'Nail')", "record_is_its_last_log_row"),
    ("DELETE FROM record WHERE kind = 'item'", "newest_log_row_is_its_record"),
    ("UPDATE device SET ack_seq = ack_seq + 1 WHERE ack_seq > 0", "chain_is_gapless_up_to_its_ack"),
    ("UPDATE chain_link SET chain = hash FROM change WHERE id = change", "link_follows_from_its_change"),
    ("UPDATE change SET body = body || ' '", "change_has_the_hash_of_its_body"),
    ("UPDATE movement SET qty = qty + 1", "logged_movement_is_in_the_ledger"),
    ("UPDATE movement SET to_seq = to_seq + 1 WHERE to_site IS NOT NULL", "movement_is_logged_in_its_sites"),
    ("UPDATE log SET kind = 'counted' WHERE kind = 'count'", "count_is_logged_in_its_site"),
    ("DELETE FROM record WHERE kind = 'inbox'", "refused_change_is_in_an_inbox"),
    ("DELETE FROM log WHERE kind IN ('movement', 'count')", "change_left_what_its_outcome_says"),
];

#[tokio::test]
async fn a_deep_look_finds_every_damage() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    anna.act(shelf.receive(10), NOON).await;
    anna.act(shelf.count(8), NOON + MINUTE).await;
    let nowhere = Shelf::new(&world.app);
    assert_eq!(anna.act(nowhere.issue(1), NOON + MINUTE).await, Outcome::Rejected);
    world.check().await;
    let ends = ("UPDATE change SET outcome = 'MERGED' WHERE outcome = 'APPLIED'", "log_row_has_its_changes_end");
    for (damage, rule) in DAMAGES.into_iter().chain([ends]) {
        // Looked at where it is done, and taken back.
        let mut tx = world.app.store.write(world.app.org).await.unwrap();
        sqlx::query(damage).execute(tx.conn()).await.unwrap();
        let violations = verify::verify_deep(&mut tx).await.unwrap();
        let rules: BTreeSet<String> = violations.into_iter().map(|violation| violation.rule).collect();
        assert!(rules.contains(rule), "{damage} is not seen as {rule}: {rules:?}");
    }
    world.check().await;
}

#[tokio::test]
async fn the_audit_runs_once_a_day_whichever_server_comes_first_and_keeps_what_it_found() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    anna.act(shelf.receive(10), NOON).await;
    let (store, org) = (&world.app.store, world.app.org);
    let founded = world.app.mint.now();
    assert!(audit::daily(store, org, || founded).await.unwrap().is_none());
    let tomorrow = founded + 25 * 60 * MINUTE;
    let (one, other) = tokio::join!(audit::daily(store, org, || tomorrow), audit::daily(store, org, || tomorrow + 1));
    let both = [one.unwrap(), other.unwrap()];
    assert_eq!(both.iter().flatten().map(|audit| audit.ok).collect::<Vec<_>>(), [true]);
    sqlx::query("UPDATE scope SET sum = sum + 1").execute(&world.app.pool).await.unwrap();
    let later = tomorrow + 25 * 60 * MINUTE;
    assert!(!audit::daily(store, org, || later).await.unwrap().unwrap().ok);
    let mut tx = store.snapshot(org).await.unwrap();
    let last = audit::last(&mut tx).await.unwrap().unwrap();
    assert_eq!(
        (last.at, last.ok, last.violations[0]["check"].as_str()),
        (later, false, Some("sum_is_that_of_its_rows"))
    );
}
