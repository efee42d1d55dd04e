//! A count is a statement about the shelf at a moment.

use crate::world::{World, count, every_order, issue, receive, whole};
use stillage_core::{action::Reverse, change::Outcome, id::MovementId};

#[test]
fn a_count_brings_the_book_to_the_shelf() {
    let (mut world, item, bin) = World::new(1);
    world.push(0, 2_000_000, receive(item, bin, 10));
    world.push(0, 3_000_000, count(item, bin, 8));
    assert_eq!(world.on_hand(item, bin), whole(8));
}

#[test]
fn a_movement_before_the_count_that_arrives_after_it_leaves_the_stock_as_counted() {
    let (mut world, item, bin) = World::new(2);
    world.push(0, 2_000_000, receive(item, bin, 10));
    world.push(0, 5_000_000, count(item, bin, 7));
    world.push(1, 4_000_000, issue(item, bin, 3));
    assert_eq!(world.on_hand(item, bin), whole(7));
}

#[test]
fn a_movement_after_the_count_that_arrives_before_it_still_counts() {
    let (mut world, item, bin) = World::new(2);
    world.push(0, 2_000_000, receive(item, bin, 10));
    let counted = world.seal(0, 4_000_000, count(item, bin, 9));
    world.push(1, 6_000_000, issue(item, bin, 4));
    world.send(0, vec![counted]);
    assert_eq!(world.on_hand(item, bin), whole(5));
}

#[test]
fn an_older_count_that_arrives_late_changes_nothing() {
    let (mut world, item, bin) = World::new(2);
    let older = world.seal(1, 2_000_000, count(item, bin, 99));
    world.push(0, 3_000_000, count(item, bin, 4));
    assert_eq!(world.send(1, vec![older]).results[0].outcome, Outcome::Applied);
    assert_eq!(world.on_hand(item, bin), whole(4));
}

#[test]
fn every_order_of_arrival_gives_the_same_stock() {
    let acts: [(i64, fn(_, _, _) -> _, i64); 4] =
        [(2_000_000, receive, 20), (3_000_000, issue, 5), (4_000_000, count, 12), (5_000_000, issue, 2)];
    assert_eq!(every_order(4).len(), 24);
    for order in every_order(4) {
        let (mut world, item, bin) = World::new(4);
        for &n in &order {
            let (at, verb, units) = acts[n];
            world.push(n, at, verb(item, bin, units));
        }
        assert_eq!(world.on_hand(item, bin), whole(10), "arriving as {order:?}");
    }
}

#[test]
fn a_count_made_knowing_a_movement_comes_after_it_whatever_its_clock_says() {
    let (mut world, item, bin) = World::new(2);
    world.push(0, 9_000_000, receive(item, bin, 10));
    // Sealed with the head that holds the receipt, on a clock that is seconds slow.
    let cut = world.everything();
    let counted = world.seal_knowing(1, 5_000_000, count(item, bin, 6), cut);
    world.send(1, vec![counted]);
    assert_eq!(world.on_hand(item, bin), whole(6));
}

#[test]
fn a_movement_made_knowing_a_count_that_agreed_comes_after_it_whatever_its_clock_says() {
    let (mut world, item, bin) = World::new(2);
    world.push(0, 2_000_000, receive(item, bin, 10));
    world.push(0, 9_000_000, count(item, bin, 10));
    let cut = world.everything();
    let issued = world.seal_knowing(1, 5_000_000, issue(item, bin, 4), cut);
    world.send(1, vec![issued]);
    assert_eq!(world.on_hand(item, bin), whole(6));
    // Nor does a clock that was put right take a device's own act back before its count.
    world.push(0, 6_000_000, issue(item, bin, 1));
    assert_eq!(world.on_hand(item, bin), whole(5));
}

#[test]
fn a_reversal_takes_the_order_of_what_it_reverses() {
    let (mut world, item, bin) = World::new(2);
    let receipt = world.push(0, 2_000_000, receive(item, bin, 10));
    world.push(0, 3_000_000, count(item, bin, 10));
    let undo = Reverse { movement: MovementId(receipt.id.0), note: None };
    world.push(1, 4_000_000, undo.clone());
    assert_eq!(world.on_hand(item, bin), whole(10), "the counter saw the shelf after the receipt");
    let again = world.push(1, 5_000_000, undo);
    assert_eq!(again.code.as_deref(), Some("ALREADY_REVERSED"));
}

#[test]
fn a_variance_is_recounted_and_not_reversed() {
    let (mut world, item, bin) = World::new(1);
    world.push(0, 2_000_000, count(item, bin, 3));
    let variance = world.log.last().unwrap().movements[0].id;
    let refused = world.push(0, 3_000_000, Reverse { movement: variance, note: None });
    assert_eq!(refused.code.as_deref(), Some("NOT_REVERSIBLE"));
}

#[test]
fn a_count_that_agrees_is_recorded_without_a_movement() {
    let (mut world, item, bin) = World::new(1);
    world.push(0, 2_000_000, receive(item, bin, 3));
    world.push(0, 3_000_000, count(item, bin, 3));
    let writes = world.log.last().unwrap();
    assert_eq!((writes.counts.len(), writes.movements.len()), (1, 0));
}
