//! Exactly once, in order, whatever is sent again.

use crate::world::{World, issue, receive, whole};
use stillage_core::{absorb::Pending, change::Outcome, decide::Door, id::MovementId, settle::Push, wire::PushRefusal};

/// One page of another site brings a transfer to this one, while the receipt before it is still to come.
#[test]
fn what_a_device_did_later_and_has_back_already_is_not_before_what_it_did_earlier() {
    for (is_later, expected) in [(true, 11), (false, 14)] {
        let (mut world, item, bin) = World::new(1);
        let device = world.devices[0].facts.id;
        let earlier = world.seal(0, 11, receive(item, bin, 5));
        let later = world.seal(0, 13, receive(item, bin, 3));
        let push = Push { changes: vec![later.clone()], chained: false, ..world.prepared(0, Vec::new()) };
        world.settle(vec![push]);
        let movement = &world.facts.movements[&MovementId(later.id.0)].as_ref().unwrap().movement;
        let later = if is_later { vec![movement.order] } else { Vec::new() };
        let pending = Pending { change: earlier.id, device, n: earlier.seq, act: earlier.read().unwrap(), later };
        let made = world.shown(pending).unwrap();
        assert_eq!(made.movements[0].order.ts, expected);
    }
}

#[test]
fn a_push_that_is_sent_again_changes_nothing_and_says_so() {
    let (mut world, item, bin) = World::new(1);
    let change = world.seal(0, 2_000_000, receive(item, bin, 5));
    world.send(0, vec![change.clone()]);
    let again = world.send(0, vec![change]);
    assert!(again.results[0].duplicate);
    assert_eq!(again.results[0].outcome, Outcome::Applied);
    assert_eq!(world.on_hand(item, bin), whole(5));
}

#[test]
fn a_copied_database_that_writes_on_is_refused_as_forked() {
    let (mut world, item, bin) = World::new(1);
    let copy = world.devices[0].clone();
    world.push(0, 2_000_000, receive(item, bin, 5));
    let ack = world.devices[0].facts.ack;
    world.devices[0] = stillage_device(copy, ack);
    let other = world.seal(0, 3_000_000, receive(item, bin, 7));
    assert_eq!(world.send(0, vec![other]).refusal, Some(PushRefusal::DeviceForked));
    assert_eq!(world.on_hand(item, bin), whole(5));
}

fn stillage_device(mut copy: crate::world::Device, ack: stillage_core::wire::Ack) -> crate::world::Device {
    copy.facts.ack = ack;
    copy
}

#[test]
fn a_forked_device_keeps_its_change_ids_and_nothing_happens_twice() {
    let (mut world, item, bin) = World::new(2);
    let change = world.seal(0, 2_000_000, receive(item, bin, 5));
    world.send(0, vec![change.clone()]);
    // The same change under the other device's numbering.
    let mut renumbered = change;
    renumbered.seq = 1;
    let device = &mut world.devices[1];
    device.chains.push(device.chains[0].next(renumbered.id, renumbered.hash()));
    device.sent.push(renumbered.clone());
    let settled = world.send(1, vec![renumbered]);
    assert!(settled.results[0].duplicate);
    assert_eq!(settled.ack.seq, 1);
    assert_eq!(world.on_hand(item, bin), whole(5));
}

#[test]
fn a_server_that_is_behind_the_device_says_that_its_history_is_another() {
    let (mut world, item, bin) = World::new(1);
    world.seal(0, 2_000_000, receive(item, bin, 5));
    let second = world.seal(0, 3_000_000, receive(item, bin, 5));
    assert_eq!(world.send(0, vec![second]).refusal, Some(PushRefusal::EpochChanged));
}

#[test]
fn a_rejected_change_does_not_block_those_behind_it() {
    let (mut world, item, bin) = World::new(1);
    let bad = world.seal(0, 2_000_000, issue(item, bin, 0));
    let good = world.seal(0, 2_100_000, receive(item, bin, 5));
    let settled = world.send(0, vec![bad, good]);
    assert_eq!(settled.results[0].code.as_deref(), Some("QUANTITY_OUT_OF_RANGE"));
    assert_eq!(settled.results[1].outcome, Outcome::Applied);
    assert_eq!(world.inbox().len(), 1);
}

#[test]
fn only_a_refusal_that_nobody_waited_for_is_told_in_the_inbox() {
    for (door, rows) in [(Door::Direct, 0), (Door::Late, 1)] {
        let (mut world, item, bin) = World::new(1);
        let bad = world.seal(0, 2_000_000, issue(item, bin, 0));
        let push = Push { door, ..world.prepared(0, vec![bad]) };
        let settled = world.settle(vec![push]).remove(0);
        assert_eq!(settled.results[0].code.as_deref(), Some("QUANTITY_OUT_OF_RANGE"));
        assert_eq!(world.inbox().len(), rows, "{door:?}");
    }
}

#[test]
fn what_is_parked_waits_in_the_inbox_whoever_asked() {
    let (mut world, item, bin) = World::new(1);
    let mut change = world.seal(0, 2_000_000, receive(item, bin, 5));
    change.version = 99;
    let push = Push { door: Door::Direct, chained: false, ..world.prepared(0, vec![change]) };
    assert_eq!(world.settle(vec![push])[0].results[0].outcome, Outcome::Parked);
    assert_eq!(world.inbox()[0].text("code"), Some("UNKNOWN_ACTION"));
}

#[test]
fn a_change_of_a_newer_version_is_parked_whole() {
    let (mut world, item, bin) = World::new(1);
    let mut change = world.seal(0, 2_000_000, receive(item, bin, 5));
    change.version = 99;
    let start = world.devices[0].chains[change.seq as usize - 1];
    world.devices[0].chains[change.seq as usize] = start.next(change.id, change.hash());
    let settled = world.send(0, vec![change]);
    assert_eq!(settled.results[0].outcome, Outcome::Parked);
    assert_eq!(world.inbox()[0].text("kind"), Some("parked"));
}

#[test]
fn two_pushes_of_one_device_in_one_batch_follow_each_other() {
    let (mut world, item, bin) = World::new(1);
    let first = world.seal(0, 2_000_000, receive(item, bin, 5));
    let second = world.seal(0, 3_000_000, issue(item, bin, 2));
    let batch = vec![world.prepared(0, vec![first]), world.prepared(0, vec![second])];
    let settled = world.settle(batch);
    assert!(settled.iter().all(|s| s.refusal.is_none()));
    assert_eq!(world.on_hand(item, bin), whole(3));
}
