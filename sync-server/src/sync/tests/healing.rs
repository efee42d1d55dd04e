//! What devices offer again to a server that lost a part of its history.

use super::world::{Desk, MINUTE, NOON, Shelf, World, create};
use crate::store::backup;
use serde_json::json;
use std::collections::BTreeMap;
use stillage_core::{
    action::Action,
    change::{Act, Change, Cut, Outcome},
    id::{ChangeId, EpochId, ItemId},
    quantity::Quantity,
    wire::PUSH_CHANGES,
};

/// The next changes of a device, made in a history that this server has not.
pub fn lost(desk: &Desk, actions: impl IntoIterator<Item = Action>) -> Vec<Change> {
    let cut = Cut { epoch: Some(EpochId(desk.principal.device.0)), cursors: BTreeMap::new() };
    let seal = |(seq, action): (u64, Action)| {
        let at = NOON + i64::try_from(seq).unwrap();
        let act = Act { action, at, clock_error: 0, cut: cut.clone(), person: None };
        Change { seq, ..Change::write(ChangeId(desk.app.mint.uuid()), &act) }
    };
    (desk.ack.seq + 1..).zip(actions).map(seal).collect()
}

async fn outcome(world: &World, change: ChangeId) -> String {
    let row = sqlx::query_scalar("SELECT outcome FROM change WHERE id = $1").bind(change.0);
    row.fetch_one(&world.app.pool).await.unwrap()
}

#[tokio::test]
async fn thousands_that_never_come_free_hold_nobody_up() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut ben = world.desk("Ben").await;
    for _ in 0..9 {
        let nowhere = (0..PUSH_CHANGES).map(|_| Shelf::new(&world.app).receive(1));
        let answer = ben.push(lost(&ben, nowhere)).await;
        assert!(answer.results.iter().all(|result| result.outcome == Outcome::Parked));
    }
    let nut = Shelf { item: ItemId(world.app.mint.uuid()), ..shelf };
    let waits = lost(&ben, [nut.receive(7)]);
    ben.push(waits.clone()).await;
    assert_eq!(outcome(&world, waits[0].id).await, "PARKED");
    anna.act(create(nut.item, &[("sku", json!("NUT")), ("name", json!("Nut"))]), NOON).await;
    assert_eq!(outcome(&world, waits[0].id).await, "APPLIED");
    assert_eq!(world.on_hand(&nut).await, Quantity::whole(7));
    world.check().await;
}

#[tokio::test]
async fn what_a_stopped_server_had_set_free_is_decided_at_the_next_start() {
    let world = World::start().await;
    let (_, shelf) = world.furnished().await;
    let mut ben = world.desk("Ben").await;
    let nut = Shelf { item: ItemId(world.app.mint.uuid()), ..shelf };
    let waits = lost(&ben, [nut.receive(7)]);
    ben.push(waits.clone()).await;
    // As if its server had ended between the commit and what follows it.
    let sql = "UPDATE change SET waits_for = '' WHERE waits_for IS NOT NULL";
    assert_eq!(sqlx::query(sql).execute(&world.app.pool).await.unwrap().rows_affected(), 1);
    let next = crate::config::open_url(world.database.url()).await.unwrap();
    let looked = "SELECT waits_for FROM change WHERE id = $1";
    while sqlx::query_scalar::<_, String>(looked).bind(waits[0].id.0).fetch_one(&next.pool).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let name: String = sqlx::query_scalar(looked).bind(waits[0].id.0).fetch_one(&next.pool).await.unwrap();
    assert_eq!(name, nut.item.to_string());
}

#[tokio::test]
async fn an_order_from_this_history_is_not_taken_from_a_device() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let change = anna.seal(shelf.receive(5), (NOON, 0));
    let mut input = anna.input(vec![change.clone()]);
    input.orders.insert(change.id, NOON + 5 * MINUTE);
    let answer = anna.app.pusher.push(&anna.principal, input).await.unwrap();
    anna.ack = answer.ack;
    let order: i64 = sqlx::query_scalar("SELECT order_ts FROM movement WHERE change = $1")
        .bind(change.id.0)
        .fetch_one(&world.app.pool)
        .await
        .unwrap();
    assert_eq!(order, NOON);
}

#[tokio::test]
async fn what_a_backup_holds_of_a_chain_is_safe_and_what_came_since_is_not() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let (app, device) = (&world.app, anna.principal.device);
    assert_eq!(backup::safe_seq(&app.pool, app.org, device).await.unwrap(), 0);
    let mut tx = app.store.write(app.org).await.unwrap();
    let acks = backup::acks(&mut tx).await.unwrap();
    backup::note(&mut tx, &acks, NOON).await.unwrap();
    tx.commit().await.unwrap();
    let held = anna.ack.seq;
    anna.act(shelf.receive(1), NOON + MINUTE).await;
    assert_eq!(backup::safe_seq(&app.pool, app.org, device).await.unwrap(), held);
    assert!(held > 0 && held < anna.ack.seq);
}
