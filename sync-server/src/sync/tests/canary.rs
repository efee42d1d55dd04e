//! The second reader of the log finds what the first one would miss.

use super::world::{NOON, World};
use crate::store::{audit, canary::Canary};
use sqlx::Connection as _;
use stillage_core::scope::Scope;

impl Canary {
    async fn rules(&mut self, world: &World) -> Vec<String> {
        let found = self.look(&world.app.store, world.app.org).await.unwrap();
        found.into_iter().map(|violation| violation.rule).collect()
    }
}

/// A row of the log as a writer would leave it that had taken its number before its turn.
const ROW: &str = "INSERT INTO log (org, version, scope, seq, kind, id, change, outcome, body)
    SELECT org, version, scope, seq + $2, kind, id, change, outcome, body FROM log
    WHERE scope = $1 ORDER BY seq DESC LIMIT 1";
const HEAD: &str = "UPDATE scope SET head = head + 2 WHERE scope = $1";

#[tokio::test]
async fn what_is_written_as_it_should_be_is_read_the_same_a_second_time() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut canary = Canary::default();
    for n in 1..6 {
        assert!(canary.rules(&world).await.is_empty());
        anna.act(shelf.receive(n), NOON + n).await;
        anna.act(shelf.count(n), NOON + n + 1).await;
    }
    assert!(canary.rules(&world).await.is_empty());
}

#[tokio::test]
async fn a_row_that_comes_below_a_number_that_was_read_is_found_and_audited_at_once() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    anna.act(shelf.receive(1), NOON).await;
    let site = Scope::Site(shelf.site).to_string();
    let mut canary = Canary::default();
    assert!(canary.rules(&world).await.is_empty());
    let mut late = world.app.pool.acquire().await.unwrap();
    let mut late = late.begin().await.unwrap();
    sqlx::query(ROW).bind(&site).bind(1_i64).execute(&mut *late).await.unwrap();
    sqlx::query(ROW).bind(&site).bind(2_i64).execute(&world.app.pool).await.unwrap();
    sqlx::query(HEAD).bind(&site).execute(&world.app.pool).await.unwrap();
    assert_eq!(canary.rules(&world).await, ["log_is_whole_up_to_its_head"]);
    late.commit().await.unwrap();
    let found = canary.look(&world.app.store, world.app.org).await.unwrap();
    let rules: Vec<&str> = found.iter().map(|violation| violation.rule.as_str()).collect();
    assert_eq!(rules, ["log_row_comes_before_readers_pass"]);
    let kept = audit::at_once(&world.app.store, world.app.org, found, || world.app.mint.now()).await.unwrap();
    assert!(!kept.ok && kept.violations[0]["check"] == "log_row_comes_before_readers_pass", "{kept:?}");
    assert!(canary.rules(&world).await.is_empty());
}

#[tokio::test]
async fn a_row_that_changes_or_goes_while_somebody_may_read_it_is_found() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut canary = Canary::default();
    assert!(canary.rules(&world).await.is_empty());
    // Somebody is still at work: nothing is known yet.
    let mut long = world.app.pool.acquire().await.unwrap();
    let mut long = long.begin().await.unwrap();
    sqlx::query("SELECT pg_current_xact_id()").execute(&mut *long).await.unwrap();
    anna.act(shelf.receive(1), NOON).await;
    assert!(canary.rules(&world).await.is_empty());
    let other = "UPDATE log SET change = gen_random_uuid() WHERE kind = 'movement'";
    sqlx::query(other).execute(&world.app.pool).await.unwrap();
    assert_eq!(canary.rules(&world).await, ["log_row_stays_what_it_was"]);
    sqlx::query("DELETE FROM log WHERE kind = 'movement'").execute(&world.app.pool).await.unwrap();
    assert_eq!(canary.rules(&world).await, ["log_is_whole_up_to_its_head"]);
    long.rollback().await.unwrap();
}
