//! What comes back to a server that lost a part of its history: the orders it had, what it waits
//! for, and how it comes free.

use crate::world::{World, count, create, issue, receive, whole};
use stillage_core::{
    action::{Action, Reverse},
    change::{Act, Change, ChangeResult, Cut, Outcome},
    decide::Door,
    id::{EpochId, ItemId, LocationId, MovementId},
    record::{Kind, Ref},
    settle::{Healing, Push, awaited},
};
use uuid::Uuid;

const SECOND: i64 = 1_000_000;

fn own() -> EpochId {
    EpochId(Uuid::from_u128(1))
}

fn lost() -> EpochId {
    EpochId(Uuid::from_u128(2))
}

/// A change that was made in this history, or before there was any.
fn made_in(world: &mut World, epoch: Option<EpochId>, (device, at): (usize, i64), action: Action) -> Change {
    let cut = Cut { epoch, ..world.everything() };
    world.seal_act(device, Act { action, at, clock_error: 0, cut, person: None })
}

/// The push of one change that says which order it had.
fn healing(world: &World, device: usize, change: &Change, order: Option<i64>) -> Push {
    let orders = order.map(|ts| (change.id, ts)).into_iter().collect();
    let healing = Healing { epoch: Some(own()), orders, parked: false };
    Push { received_at: 1000 * SECOND, healing, ..world.prepared(device, vec![change.clone()]) }
}

fn offer(world: &mut World, device: usize, change: &Change, order: Option<i64>) -> ChangeResult {
    let push = healing(world, device, change, order);
    world.settle(vec![push]).remove(0).results.remove(0)
}

fn again(world: &World, device: usize, change: &Change) -> Push {
    let mut push = healing(world, device, change, None);
    push.healing.parked = true;
    Push { door: Door::Late, ..push }
}

fn order_of(world: &World, change: &Change) -> i64 {
    let id = MovementId(change.id.0);
    world.facts.movements[&id].as_ref().unwrap().movement.order.ts
}

#[test]
fn only_an_order_of_a_lost_history_is_believed_and_none_from_after_its_receipt() {
    let (at, said) = (10 * SECOND, 20 * SECOND);
    let cases = [
        (Some(lost()), said, said),
        (Some(own()), said, at),
        (None, said, at),
        // Of a clock that was ahead of the first receipt.
        (Some(lost()), 9 * SECOND, 9 * SECOND),
        (Some(lost()), 1001 * SECOND, at),
    ];
    for (epoch, said, expected) in cases {
        let (mut world, item, bin) = World::new(1);
        let change = made_in(&mut world, epoch, (0, at), receive(item, bin, 5));
        assert_eq!(offer(&mut world, 0, &change, Some(said)).outcome, Outcome::Applied);
        assert_eq!(order_of(&world, &change), expected, "{epoch:?} {said}");
        let moved = &world.facts.movements[&MovementId(change.id.0)].as_ref().unwrap().movement;
        assert_eq!(moved.at, at.min(expected), "{epoch:?} {said}");
    }
}

#[test]
fn numbers_of_a_lost_history_say_nothing_about_this_one() {
    let (mut world, item, bin) = World::new(2);
    world.push(0, 30 * SECOND, receive(item, bin, 5));
    for (epoch, expected) in [(lost(), 20 * SECOND), (own(), 30 * SECOND + 1)] {
        let change = made_in(&mut world, Some(epoch), (1, 20 * SECOND), issue(item, bin, 1));
        offer(&mut world, 1, &change, None);
        assert_eq!(order_of(&world, &change), expected);
    }
}

#[test]
fn a_pair_that_knew_of_each_other_by_lost_numbers_alone_is_asked_about() {
    for (epoch, asked) in [(lost(), 1), (own(), 0)] {
        let (mut world, item, bin) = World::new(2);
        world.push(0, 2 * SECOND, receive(item, bin, 10));
        world.push(0, 9 * SECOND, count(item, bin, 7));
        let cut = Cut { epoch: Some(epoch), ..world.everything() };
        let act = Act { action: issue(item, bin, 1), at: 9 * SECOND + 5, clock_error: SECOND, cut, person: None };
        let change = world.seal_act(1, act);
        offer(&mut world, 1, &change, None);
        let rows = world.inbox();
        assert_eq!(rows.iter().filter(|row| row.text("kind") == Some("ambiguous_count")).count(), asked, "{epoch:?}");
    }
}

/// A bin and an item that Ana has not offered again yet, and Ben's receipt there.
fn waiting() -> (World, [Change; 2], Change, (ItemId, LocationId)) {
    let (mut world, ..) = World::new(2);
    let (item, bin) = (ItemId(world.mint()), LocationId(world.mint()));
    let site = Ref { kind: Kind::Location, id: world.mint() };
    world.create(0, site, &[("code", "T"), ("role", "site")]);
    let makes_item = create(item.into(), &[("sku", "NUT"), ("name", "Nut")]);
    let makes_bin = create(bin.into(), &[("code", "B-1"), ("parent", &site.to_string())]);
    let hers = [makes_item, makes_bin].map(|action| made_in(&mut world, Some(lost()), (0, 5 * SECOND), action));
    let his = made_in(&mut world, Some(lost()), (1, 10 * SECOND), receive(item, bin, 4));
    (world, hers, his, (item, bin))
}

#[test]
fn what_stands_on_something_missing_waits_for_it_by_name_and_is_then_done_once() {
    let (mut world, hers, his, (item, bin)) = waiting();
    let mut names = vec![Ref::from(item).to_string(), Ref::from(bin).to_string()];
    let parked = offer(&mut world, 1, &his, None);
    let first = awaited(&parked).unwrap().to_owned();
    names.retain(|name| *name != first);
    assert_eq!(names.len(), 1, "{first}");
    let push = again(&world, 1, &his);
    assert_eq!(world.release(std::slice::from_ref(&push)), [(his.id, Some(first.clone()))]);
    for (n, change) in hers.iter().enumerate() {
        assert_eq!(offer(&mut world, 0, change, None).outcome, Outcome::Applied);
        let brought = world.log.last().unwrap().brought();
        assert!(brought.contains(&first) || brought.contains(&names[0]), "{brought:?}");
        let still = world.release(std::slice::from_ref(&push));
        assert_eq!(still.len(), 1 - n, "{still:?}");
    }
    assert_eq!(world.on_hand(item, bin), whole(4));
    assert!(world.inbox().iter().any(|row| row.text("state") == Some("resolved")));
    // Its row is closed: nobody decides it again.
    assert_eq!(world.release(&[push]), [(his.id, None)]);
    assert_eq!(world.on_hand(item, bin), whole(4));
}

#[test]
fn what_stands_on_something_parked_comes_free_with_it_in_either_order() {
    for turned in [false, true] {
        let (mut world, hers, his, (item, bin)) = waiting();
        let back = made_in(&mut world, Some(lost()), (1, 11 * SECOND), issue(item, bin, 1));
        let results = [&his, &back].map(|change| offer(&mut world, 1, change, None).outcome);
        assert_eq!(results, [Outcome::Parked; 2]);
        hers.iter().for_each(|change| drop(offer(&mut world, 0, change, None)));
        let mut parked = vec![again(&world, 1, &his), again(&world, 1, &back)];
        if turned {
            parked.reverse();
        }
        assert_eq!(world.release(&parked), []);
        assert_eq!(world.on_hand(item, bin), whole(3));
    }
}

#[test]
fn where_nothing_may_go_below_zero_what_left_waits_for_what_came() {
    let (mut world, item, _) = World::new(2);
    let bin = bonded(&mut world);
    let hers = made_in(&mut world, Some(lost()), (0, 5 * SECOND), receive(item, bin, 5));
    let his = made_in(&mut world, Some(lost()), (1, 6 * SECOND), issue(item, bin, 4));
    let parked = offer(&mut world, 1, &his, None);
    assert_eq!(awaited(&parked), Some(item.to_string().as_str()));
    let push = again(&world, 1, &his);
    assert_eq!(offer(&mut world, 0, &hers, None).outcome, Outcome::Applied);
    assert!(world.log.last().unwrap().brought().contains(&item.to_string()));
    assert_eq!(world.release(&[push]), []);
    assert_eq!(world.on_hand(item, bin), whole(1));
}

/// Ana received 5, Ben issued them, Ana took that back and issued 4. She comes back first, and only then he does.
#[test]
fn what_had_enough_at_its_place_comes_back_where_nothing_may_go_below_zero_and_somebody_is_asked() {
    let (mut world, item, _) = World::new(2);
    let bin = bonded(&mut world);
    let received = made_in(&mut world, Some(lost()), (0, 5 * SECOND), receive(item, bin, 5));
    let issued = made_in(&mut world, Some(lost()), (1, 6 * SECOND), issue(item, bin, 5));
    let back = Reverse { movement: MovementId(issued.id.0), note: None };
    let taken_back = made_in(&mut world, Some(lost()), (0, 7 * SECOND), back.into());
    let again_issued = made_in(&mut world, Some(lost()), (0, 8 * SECOND), issue(item, bin, 4));
    let hers = [&received, &taken_back, &again_issued].map(|change| offer(&mut world, 0, change, None).outcome);
    assert_eq!(hers, [Outcome::Applied, Outcome::Parked, Outcome::Applied]);
    assert_eq!(offer(&mut world, 1, &issued, Some(6 * SECOND)).outcome, Outcome::Applied);
    assert_eq!(world.on_hand(item, bin), whole(-4));
    assert!(world.inbox().iter().any(|row| row.text("kind") == Some("negative")));
    world.facts.movements.retain(|_, known| known.is_some());
    let push = again(&world, 0, &taken_back);
    assert_eq!(world.release(&[push]), []);
    assert_eq!(world.on_hand(item, bin), whole(1));
}

/// A bin that may not go below zero.
fn bonded(world: &mut World) -> LocationId {
    let (site, bin) = (Ref { kind: Kind::Location, id: world.mint() }, LocationId(world.mint()));
    world.create(0, site, &[("code", "T"), ("role", "site")]);
    world.create(0, bin.into(), &[("code", "B-1"), ("parent", &site.to_string()), ("negative", "block")]);
    bin
}

#[test]
fn what_a_device_did_after_something_that_waits_stands_behind_it_whatever_its_clock_says() {
    let (mut world, item, _) = World::new(2);
    let bin = bonded(&mut world);
    let waits = made_in(&mut world, Some(lost()), (1, 20 * SECOND), issue(item, bin, 4));
    let later = made_in(&mut world, Some(lost()), (1, 10 * SECOND), receive(item, bin, 5));
    let push = world.prepared(1, vec![waits.clone(), later.clone()]);
    let healing = Healing { epoch: Some(own()), ..Healing::default() };
    let results = world.settle(vec![Push { received_at: 1000 * SECOND, healing, ..push }]).remove(0).results;
    assert_eq!([results[0].outcome, results[1].outcome], [Outcome::Parked, Outcome::Applied]);
    assert_eq!(order_of(&world, &later), 20 * SECOND + 1);
}

#[test]
fn a_place_that_was_only_foreseen_is_behind_what_the_device_did_before() {
    let (mut world, item, bin) = World::new(1);
    let before = made_in(&mut world, Some(own()), (0, 30 * SECOND), receive(item, bin, 5));
    assert_eq!(offer(&mut world, 0, &before, None).outcome, Outcome::Applied);
    let after = made_in(&mut world, Some(lost()), (0, 10 * SECOND), issue(item, bin, 1));
    offer(&mut world, 0, &after, Some(20 * SECOND));
    assert_eq!(order_of(&world, &after), 30 * SECOND + 1);
}

#[test]
fn a_reversal_waits_for_its_movement() {
    let (mut world, item, bin) = World::new(2);
    let moved = made_in(&mut world, Some(lost()), (0, 5 * SECOND), receive(item, bin, 4));
    let movement = MovementId(moved.id.0);
    let undo = made_in(&mut world, Some(lost()), (1, 6 * SECOND), Reverse { movement, note: None }.into());
    assert_eq!(awaited(&offer(&mut world, 1, &undo, None)), Some(movement.to_string().as_str()));
    assert_eq!(offer(&mut world, 0, &moved, None).outcome, Outcome::Applied);
    assert!(world.log.last().unwrap().brought().contains(&movement.to_string()));
    world.facts.movements.retain(|_, known| known.is_some());
    let push = again(&world, 1, &undo);
    assert_eq!(world.release(&[push]), []);
    assert_eq!(world.on_hand(item, bin), whole(0));
}

#[test]
fn what_stands_on_a_create_that_is_refused_for_good_is_refused_too() {
    let (mut world, ..) = World::new(2);
    let item = ItemId(world.mint());
    let (_, bin) = (0, LocationId(world.mint()));
    let unnamed = made_in(&mut world, Some(lost()), (0, 5 * SECOND), create(item.into(), &[("name", "No SKU")]));
    let his = made_in(&mut world, Some(lost()), (1, 10 * SECOND), receive(item, bin, 4));
    assert_eq!(offer(&mut world, 1, &his, None).outcome, Outcome::Parked);
    assert_eq!(offer(&mut world, 0, &unnamed, None).outcome, Outcome::Rejected);
    assert!(world.log.last().unwrap().brought().contains(&Ref::from(item).to_string()));
    let push = again(&world, 1, &his);
    assert_eq!(world.release(&[push]), []);
    let known = world.facts.changes[&his.id].as_ref().unwrap();
    assert_eq!((known.outcome, known.code.as_deref()), (Outcome::Rejected, Some("DEPENDS_ON_REJECTED")));
}
