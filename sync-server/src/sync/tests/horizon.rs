//! Which part of a log nobody needs any more.

use super::world::{Desk, MINUTE, NOON, Shelf, World, edit};
use crate::store::{Tx, devices, horizon};
use stillage_core::{
    change::Outcome,
    scope::Scope,
    wire::{Cursor, LogEntry, entry},
};

const DAY: i64 = 24 * 60 * MINUTE;

async fn note(world: &World, at: i64) {
    let mut tx = world.app.store.write(world.app.org).await.unwrap();
    horizon::note_heads(&mut tx, at).await.unwrap();
    tx.commit().await.unwrap();
}

/// The device has asked from here, at that time.
async fn asked(world: &World, desk: &Desk, cursors: &[(Scope, u64)], at: i64) {
    let cursors: Vec<Cursor> = cursors.iter().map(|&(scope, seq)| Cursor { scope, seq }).collect();
    let came = [(desk.principal.device, (cursors, at))];
    let came = came.iter().map(|(device, came)| (device, came));
    devices::save_cursors(&world.app.pool, world.app.org, came).await.unwrap();
}

async fn horizon_of(tx: &mut Tx, scope: Scope, now: i64) -> u64 {
    horizon::horizons(tx, now).await.unwrap()[&scope]
}

#[tokio::test]
async fn a_horizon_is_where_the_slowest_device_is_that_still_comes() {
    let world = World::start().await;
    let (mut anna, one) = world.furnished().await;
    let two = Shelf::new(&world.app);
    for action in two.creates() {
        anna.act(action, NOON).await;
    }
    let ben = world.desk_of("Ben", &[one.site.to_string()]).await;
    for (shelf, times) in [(one, 6), (two, 4)] {
        for at in 0..times {
            anna.act(shelf.receive(1), NOON + at).await;
        }
    }
    let (first, second) = (Scope::Site(one.site), Scope::Site(two.site));
    let start = world.app.mint.now();
    note(&world, start).await;
    asked(&world, &anna, &[(first, 5), (second, 3)], start).await;
    let mut tx = world.app.store.snapshot(world.app.org).await.unwrap();
    // Everything is younger than 30 days.
    assert_eq!(horizon_of(&mut tx, first, start + DAY).await, 0);
    // Ben may see the first site and has not come so far as to ask for it; the second is not his.
    assert_eq!(horizon_of(&mut tx, first, start + 31 * DAY).await, 0);
    assert_eq!(horizon_of(&mut tx, second, start + 31 * DAY).await, 3);
    asked(&world, &ben, &[(first, 2)], start).await;
    asked(&world, &anna, &[(first, 6), (second, 4)], start + 20 * DAY).await;
    let mut tx = world.app.store.snapshot(world.app.org).await.unwrap();
    assert_eq!(horizon_of(&mut tx, first, start + 31 * DAY).await, 2);
    assert_eq!(horizon_of(&mut tx, second, start + 31 * DAY).await, 4);
    // Ben has been silent for 90 days, then everybody.
    assert_eq!(horizon_of(&mut tx, first, start + 95 * DAY).await, 6);
    assert_eq!(horizon_of(&mut tx, first, start + 300 * DAY).await, 6);
}

#[tokio::test]
async fn what_came_after_the_last_old_note_is_never_given_up() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let (scope, start) = (Scope::Site(shelf.site), world.app.mint.now());
    for day in 0..40 {
        anna.act(shelf.receive(1), NOON + day).await;
        note(&world, start + day * DAY).await;
    }
    asked(&world, &anna, &[(scope, 40)], start + 40 * DAY).await;
    let mut tx = world.app.store.snapshot(world.app.org).await.unwrap();
    assert_eq!(horizon_of(&mut tx, scope, start + 39 * DAY).await, 10);
    let notes: i64 = sqlx::query_scalar("SELECT count(*) FROM head_note WHERE scope = $1")
        .bind(scope.to_string())
        .fetch_one(&world.app.pool)
        .await
        .unwrap();
    assert_eq!(notes, 31);
}

#[tokio::test]
async fn a_device_that_asks_is_seen_once_a_day_though_nothing_is_new() {
    let world = World::start().await;
    let (anna, _) = world.furnished().await;
    let start = world.app.mint.now();
    for (at, seen) in [(start, start), (start + MINUTE, start), (start + 2 * DAY, start + 2 * DAY)] {
        asked(&world, &anna, &[(Scope::Catalogue, 3)], at).await;
        let kept: i64 =
            sqlx::query_scalar("SELECT max(seen_at) FROM device_cursor").fetch_one(&world.app.pool).await.unwrap();
        assert_eq!(kept, seen);
    }
}

/// The catalogue as the log tells it from its start.
async fn catalogue(world: &World) -> Vec<LogEntry> {
    let mut reader = world.desk("Carl").await;
    let answer = reader.pull(5_000).await;
    answer.pages.into_iter().find(|page| page.scope == Scope::Catalogue).unwrap().entries
}

fn gone(entries: &[LogEntry]) -> Vec<u64> {
    entries.iter().filter(|entry| entry.kind == entry::GONE).map(|entry| entry.seq).collect()
}

#[tokio::test]
async fn below_the_horizon_only_the_end_is_left_of_what_was_written_over_and_the_log_still_tells_the_rest() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let start = world.app.mint.now();
    for (at, names) in (0..).zip(["Bolt", "Carriage bolt", "Coach bolt", "Eye bolt"].windows(2)) {
        assert_eq!(anna.act(edit(shelf.item, "name", (names[0], names[1])), NOON + at).await, Outcome::Applied);
    }
    let before = catalogue(&world).await;
    let of_item: Vec<u64> =
        before.iter().filter(|entry| entry.id == shelf.item.to_string()).map(|entry| entry.seq).collect();
    let [first, second, third, fourth] = of_item[..] else { panic!("{of_item:?}") };
    note(&world, start).await;
    sqlx::query("UPDATE device SET revoked_at = 1 WHERE device <> $1")
        .bind(anna.principal.device.0)
        .execute(&world.app.pool)
        .await
        .unwrap();
    asked(&world, &anna, &[(Scope::Catalogue, second)], start).await;
    assert_eq!(horizon::trim(&world.app.store, world.app.org, start + 29 * DAY).await.unwrap(), 0);
    assert_eq!(horizon::trim(&world.app.store, world.app.org, start + 31 * DAY).await.unwrap(), 2);
    let after = catalogue(&world).await;
    assert_eq!(gone(&after), [first, second]);
    assert_eq!(after[third as usize - 1], before[third as usize - 1]);
    for (before, after) in before.iter().zip(&after).filter(|(_, after)| after.kind == entry::GONE) {
        assert_eq!((after.change, after.outcome, after.body.as_str()), (before.change, before.outcome, ""));
    }
    let newest = &after[fourth as usize - 1];
    assert!(newest.body.contains("Eye bolt"), "{newest:?}");
    world.check().await;
}
