//! Counts and movements that no clock can tell apart, through the database.

use super::world::{Desk, MINUTE, NOON, Shelf, World};
use serde_json::Value;
use stillage_core::{
    action::{Action, Keep, Resolve},
    change::{Act, Change, Cut, Outcome},
    id::ChangeId,
    quantity::Quantity,
    record::Ref,
};

const SECOND: i64 = 1_000_000;

/// Acts on a clock that is two seconds off, knowing what was pulled.
async fn act(desk: &mut Desk, action: Action, at: i64) {
    let cut = Cut { epoch: None, cursors: desk.cursors.clone() };
    let act = Act { action, at, clock_error: 2 * SECOND, cut, person: None };
    let change = Change::write(ChangeId(desk.app.mint.uuid()), &act);
    let answer = desk.push(vec![Change { seq: desk.ack.seq + 1, ..change }]).await;
    assert_eq!(answer.results[0].outcome, Outcome::Applied);
}

/// The questions among what this desk had not pulled yet.
async fn asked(desk: &mut Desk) -> Vec<(Ref, Value)> {
    let pulled = desk.pull(5000).await;
    let entries = pulled.pages.iter().flat_map(|page| &page.entries);
    let questions = entries.filter(|entry| entry.body.contains("ambiguous_count"));
    questions.map(|entry| (entry.id.parse().unwrap(), serde_json::from_str(&entry.body).unwrap())).collect()
}

async fn another(world: &World, desk: &mut Desk) -> Shelf {
    let shelf = Shelf::new(&world.app);
    for action in shelf.creates() {
        assert_eq!(desk.act(action, NOON).await, Outcome::Applied);
    }
    desk.act(shelf.receive(10), NOON).await;
    shelf
}

#[tokio::test]
async fn whoever_counted_is_asked_once_whichever_arrived_first_and_can_turn_the_order_round() {
    let world = World::start().await;
    let (mut anna, mut ben) = (world.desk("Anna").await, world.desk("Ben").await);
    for counted_first in [true, false] {
        let shelf = another(&world, &mut anna).await;
        asked(&mut anna).await;
        let at = NOON + 10 * MINUTE;
        if counted_first {
            act(&mut anna, shelf.count(7), at).await;
            act(&mut ben, shelf.issue(3), at + SECOND).await;
        } else {
            act(&mut ben, shelf.issue(3), at + SECOND).await;
            act(&mut anna, shelf.count(7), at).await;
        }
        assert_eq!(world.on_hand(&shelf).await, Quantity::whole(4));
        assert_eq!(asked(&mut ben).await, []);
        ben.cursors.clear();
        let questions = asked(&mut anna).await;
        assert_eq!(questions.len(), 1);
        assert_eq!(questions[0].1["details"]["applied"], "after");
        let answer = Resolve { inbox: questions[0].0.id.into(), keep: Keep::Theirs, value: Value::Null };
        act(&mut anna, answer.into(), at + MINUTE).await;
        assert_eq!(world.on_hand(&shelf).await, Quantity::whole(7));
        world.check().await;
    }
}

#[tokio::test]
async fn what_was_pulled_before_is_in_order_and_not_asked_about() {
    let world = World::start().await;
    let (mut anna, mut ben) = (world.desk("Anna").await, world.desk("Ben").await);
    let shelf = another(&world, &mut anna).await;
    // A count that agrees leaves no entry; its number alone says that Ben knew it.
    act(&mut anna, shelf.count(10), NOON + 10 * MINUTE).await;
    ben.pull(5000).await;
    act(&mut ben, shelf.issue(3), NOON + 10 * MINUTE - SECOND).await;
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(7));
    anna.pull(5000).await;
    act(&mut anna, shelf.count(7), NOON + 10 * MINUTE - SECOND).await;
    assert_eq!(asked(&mut anna).await, []);
    assert_eq!(asked(&mut ben).await, []);
    world.check().await;
}
