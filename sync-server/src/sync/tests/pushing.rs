//! What a push comes to, seen from the devices.

use super::world::{MINUTE, NOON, Shelf, World, create};
use serde_json::{Value, json};
use stillage_core::{
    action::{Keep, Resolve},
    change::Outcome,
    id::{InboxId, ItemId},
    quantity::Quantity,
    wire::PushRefusal,
};

#[tokio::test]
async fn two_devices_move_one_cell_and_the_sum_is_right() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut ben = world.desk("Ben").await;
    assert_eq!(anna.act(shelf.receive(10), NOON + MINUTE).await, Outcome::Applied);
    assert_eq!(ben.act(shelf.issue(3), NOON + 2 * MINUTE).await, Outcome::Applied);
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(7));
    world.check().await;
}

#[tokio::test]
async fn a_push_sent_twice_has_one_effect_and_the_same_outcomes() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let input = anna.input(anna.seal_all([shelf.receive(5), shelf.issue(2)], NOON));
    let first = anna.push(input.changes.clone()).await;
    let second = anna.app.pusher.push(&anna.principal, input).await.unwrap();
    assert_eq!(second.refusal, None);
    assert_eq!(second.ack, first.ack);
    assert!(second.results.iter().all(|result| result.duplicate && result.outcome == Outcome::Applied));
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(3));
    world.check().await;
}

#[tokio::test]
async fn a_copied_device_is_refused_and_nothing_of_it_is_stored() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut copy = anna.clone();
    anna.act(shelf.receive(5), NOON + MINUTE).await;
    let change = copy.seal(shelf.receive(50), (NOON + MINUTE, 0));
    assert_eq!(copy.push(vec![change]).await.refusal, Some(PushRefusal::DeviceForked));
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(5));
    world.check().await;
}

#[tokio::test]
async fn a_change_id_with_another_content_is_rejected_and_the_chain_goes_on() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let first = anna.seal(shelf.receive(5), (NOON, 0));
    anna.push(vec![first.clone()]).await;
    let mut reused = anna.seal(shelf.receive(9), (NOON, 0));
    reused.id = first.id;
    let answer = anna.push(vec![reused]).await;
    assert_eq!(answer.results[0].code.as_deref(), Some("CHANGE_ID_REUSED"));
    assert_eq!(anna.act(shelf.issue(1), NOON + MINUTE).await, Outcome::Applied);
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(4));
    let settled = anna.pull(5000).await.ack.unwrap();
    assert_eq!(settled.results[4].code.as_deref(), Some("CHANGE_ID_REUSED"));
    world.check().await;
}

#[tokio::test]
async fn another_epoch_is_refused() {
    let world = World::start().await;
    let (anna, shelf) = world.furnished().await;
    let mut input = anna.input(anna.seal_all([shelf.receive(5)], NOON));
    input.epoch = Some(world.app.mint.uuid().into());
    let answer = anna.app.pusher.push(&anna.principal, input).await.unwrap();
    assert_eq!(answer.refusal, Some(PushRefusal::EpochChanged));
    assert_eq!(answer.epoch, world.app.epoch);
}

#[tokio::test]
async fn a_late_movement_before_a_count_leaves_the_stock_as_counted() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut ben = world.desk("Ben").await;
    anna.act(shelf.receive(10), NOON).await;
    anna.act(shelf.count(8), NOON + 10 * MINUTE).await;
    assert_eq!(ben.act(shelf.issue(2), NOON + 5 * MINUTE).await, Outcome::Applied);
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(8));
    assert_eq!(ben.act(shelf.issue(1), NOON + 15 * MINUTE).await, Outcome::Applied);
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(7));
    world.check().await;
}

#[tokio::test]
async fn a_count_that_arrives_late_counts_what_followed_it() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut ben = world.desk("Ben").await;
    anna.act(shelf.receive(10), NOON).await;
    anna.act(shelf.issue(4), NOON + 10 * MINUTE).await;
    assert_eq!(ben.act(shelf.count(7), NOON + 5 * MINUTE).await, Outcome::Applied);
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(3));
    world.check().await;
}

#[tokio::test]
async fn a_sku_that_another_device_took_is_accepted_blank_and_flagged() {
    let world = World::start().await;
    let (mut anna, _) = world.furnished().await;
    let mut ben = world.desk("Ben").await;
    let (first, second) = (ItemId(world.app.mint.uuid()), ItemId(world.app.mint.uuid()));
    anna.act(create(first, &[("sku", json!("A-1"))]), NOON).await;
    let outcome = ben.act(create(second, &[("sku", json!("a-1")), ("name", json!("Mine"))]), NOON).await;
    assert!(matches!(outcome, Outcome::Applied | Outcome::Merged), "{outcome:?}");
    let pulled = ben.pull(5000).await;
    let flagged = pulled.pages.iter().flat_map(|page| &page.entries).any(|entry| entry.body.contains("sku_taken"));
    assert!(flagged);
    world.check().await;
}

#[tokio::test]
async fn a_program_that_repeats_its_change_gets_the_same_answer() {
    let world = World::start().await;
    let (_, shelf) = world.furnished().await;
    let made = crate::sync::enrol::token(&world.app, "Shop", true).await.unwrap();
    let principal = world.principal(&made.token).await.unwrap();
    let shop = super::world::Desk::new(world.app.clone(), principal);
    let change = shop.seal(shelf.receive(6), (NOON, 0));
    let first = world.app.pusher.submit(&shop.principal, change.clone()).await.unwrap();
    let again = world.app.pusher.submit(&shop.principal, change).await.unwrap();
    assert_eq!((first.outcome, first.duplicate), (Outcome::Applied, false));
    assert_eq!((again.outcome, again.duplicate), (Outcome::Applied, true));
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(6));
    world.check().await;
}

#[tokio::test]
async fn a_token_that_may_only_read_may_not_push() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    anna.principal.may_write = false;
    let input = anna.input(anna.seal_all([shelf.receive(1)], NOON));
    let refused = anna.app.pusher.push(&anna.principal, input).await.unwrap_err();
    assert_eq!(refused.code(), "FORBIDDEN");
}

/// A device that comes back to a restored server sends all of it at once: the question that its item raises is not there yet when
/// the rows for the push are read.
#[tokio::test]
async fn an_item_made_one_with_another_in_the_push_that_brings_it_adds_to_what_that_one_has() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    anna.act(shelf.receive(8), NOON).await;
    let mut ben = world.desk("Ben").await;
    let twin = Shelf { item: ItemId(world.app.mint.uuid()), ..shelf };
    let made =
        ben.seal(create(twin.item, &[("sku", json!(shelf.item.to_string())), ("name", json!("Nut"))]), (NOON, 0));
    let inbox = InboxId::derived(made.id.0, "inbox/0");
    let joined = ben.seal(Resolve { inbox, keep: Keep::Theirs, value: Value::Null }.into(), (NOON, 1));
    let received = ben.seal(twin.receive(2), (NOON, 2));
    let answer = ben.push(vec![made, joined, received]).await;
    assert_eq!(answer.results.len(), 3);
    assert!(answer.results.iter().all(|result| result.outcome != Outcome::Rejected), "{:?}", answer.results);
    assert_eq!((answer.ack.seq, answer.refusal), (3, None));
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(10));
    world.check().await;
}
