//! A count and a movement that no clock can tell apart are put in one order, and asked about.

use crate::world::{World, count, every_order, issue, receive, whole};
use serde_json::json;
use stillage_core::{
    action::{Action, Keep, Resolve, Reverse, Transfer},
    change::{Act, Change, ChangeResult, Cut},
    id::{InboxId, ItemId, LocationId, MovementId},
    record::{Kind, Record, Ref},
    stock::{Remarks, StockStatus},
};

const SECOND: i64 = 1_000_000;

/// An act on a clock that is so far off at most, by a device that has seen nothing of the others.
fn act(action: Action, at: i64, clock_error: i64) -> Act {
    Act { action, at, clock_error, cut: Cut::default(), person: None }
}

fn send(world: &mut World, device: usize, act: Act) -> ChangeResult {
    let change = world.seal_act(device, act);
    world.send(device, vec![change]).results.remove(0)
}

/// Ten received and, seven seconds later, seven counted by device 0 on a clock half a second off.
fn counted(devices: usize) -> (World, ItemId, LocationId) {
    let (mut world, item, bin) = World::new(devices);
    world.push(0, 2 * SECOND, receive(item, bin, 10));
    send(&mut world, 0, act(count(item, bin, 7), 9 * SECOND, SECOND / 2));
    (world, item, bin)
}

fn questions(world: &World) -> Vec<Record> {
    world.inbox().into_iter().filter(|row| row.text("kind") == Some("ambiguous_count")).collect()
}

fn answer(world: &mut World, keep: Keep) -> ChangeResult {
    let inbox = InboxId(questions(world)[0].of.id);
    let now = 100 * SECOND;
    world.push(0, now, Resolve { inbox, keep, value: json!(null) })
}

/// Received 10; counted 7 and issued 3 within the errors of their clocks; issued 1 long after.
fn four_devices() -> (World, ItemId, LocationId, Vec<Change>) {
    let (mut world, item, bin) = World::new(4);
    let acts = [
        act(receive(item, bin, 10), 2 * SECOND, 0),
        act(count(item, bin, 7), 5 * SECOND, SECOND / 2),
        act(issue(item, bin, 3), 5 * SECOND + 300_000, SECOND / 10),
        act(issue(item, bin, 1), 9 * SECOND, SECOND),
    ];
    let changes = acts.into_iter().enumerate().map(|(device, act)| world.seal_act(device, act)).collect();
    (world, item, bin, changes)
}

#[test]
fn a_close_movement_is_asked_about_once_and_the_same_way_in_every_order_of_arrival() {
    let mut asked = Vec::new();
    for order in every_order(4) {
        let (mut world, item, bin, changes) = four_devices();
        for &n in &order {
            world.send(n, vec![changes[n].clone()]);
        }
        assert_eq!(world.on_hand(item, bin), whole(3), "arriving as {order:?}");
        let rows = questions(&world);
        assert_eq!(rows.len(), 1, "arriving as {order:?}");
        assert_eq!(rows[0].reference("person"), Some(world.devices[1].facts.person.0), "whoever counted is asked");
        asked.extend(rows.into_iter().map(|row| (row.of, row.fields)));
    }
    let details = &asked[0].1["details"];
    assert_eq!(
        (&details["counted"], &details["moved"], &details["applied"]),
        (&json!("7"), &json!("-3"), &json!("after"))
    );
    asked.dedup();
    assert_eq!(asked.len(), 1, "the row does not tell who came first");
}

#[test]
fn the_other_way_round_gives_the_same_stock_in_every_order_of_arrival() {
    // The fourth has not arrived yet when the question is answered.
    for order in every_order(3) {
        let (mut world, item, bin, changes) = four_devices();
        for &n in &order {
            world.send(n, vec![changes[n].clone()]);
        }
        answer(&mut world, Keep::Theirs);
        assert_eq!(world.on_hand(item, bin), whole(7), "arriving as {order:?}");
        world.send(3, vec![changes[3].clone()]);
        assert_eq!(world.on_hand(item, bin), whole(6), "arriving as {order:?}");
        assert_eq!(world.record(questions(&world)[0].of).text("answer"), Some("theirs"));
    }
}

#[test]
fn a_movement_before_the_count_that_was_after_it_is_taken_off_todays_stock() {
    let (mut world, item, bin) = counted(2);
    send(&mut world, 1, act(issue(item, bin, 3), 9 * SECOND - 1, 0));
    assert_eq!(world.on_hand(item, bin), whole(7));
    answer(&mut world, Keep::Theirs);
    assert_eq!(world.on_hand(item, bin), whole(4));
    assert_eq!(questions(&world).len(), 2, "asked, and answered: the movement entered anew is no new question");
    // A later count overrules both.
    world.push(0, 200 * SECOND, count(item, bin, 5));
    assert_eq!(world.on_hand(item, bin), whole(5));
}

#[test]
fn keeping_the_order_or_counting_again_closes_the_question_and_moves_nothing() {
    for keep in [Keep::Mine, Keep::Recount] {
        let (mut world, item, bin) = counted(2);
        send(&mut world, 1, act(issue(item, bin, 3), 9 * SECOND + 1, 0));
        answer(&mut world, keep);
        assert_eq!(world.on_hand(item, bin), whole(4));
        let row = questions(&world).remove(0);
        assert_eq!(world.record(row.of).text("state"), Some("resolved"));
        assert_eq!(answer(&mut world, Keep::Theirs).code.as_deref(), Some("ALREADY_RESOLVED"));
    }
}

#[test]
fn exact_clocks_are_not_asked_about() {
    let (mut world, item, bin) = World::new(2);
    world.push(0, 2 * SECOND, receive(item, bin, 10));
    world.push(0, 3 * SECOND, count(item, bin, 9));
    world.push(1, 3 * SECOND, issue(item, bin, 1));
    assert_eq!(questions(&world), []);
}

#[test]
fn what_is_further_apart_than_both_clocks_are_off_is_not_asked_about() {
    let (mut world, item, bin) = counted(3);
    send(&mut world, 1, act(issue(item, bin, 1), 10 * SECOND, SECOND / 2));
    assert_eq!(questions(&world).len(), 0);
    send(&mut world, 2, act(issue(item, bin, 1), 10 * SECOND, SECOND / 2 + 1));
    assert_eq!(questions(&world).len(), 1);
}

#[test]
fn a_movement_that_the_counting_device_knew_is_not_asked_about() {
    let (mut world, item, bin) = World::new(2);
    send(&mut world, 0, act(receive(item, bin, 10), 5 * SECOND, SECOND));
    let cut = world.everything();
    send(&mut world, 1, Act { cut, ..act(count(item, bin, 10), 5 * SECOND, SECOND) });
    assert_eq!(questions(&world), []);
}

#[test]
fn a_count_that_the_moving_device_knew_is_not_asked_about() {
    let (mut world, item, bin) = counted(2);
    let cut = world.everything();
    send(&mut world, 1, Act { cut, ..act(issue(item, bin, 3), 9 * SECOND, SECOND) });
    assert_eq!(questions(&world), []);
    assert_eq!(world.on_hand(item, bin), whole(4));
}

#[test]
fn a_device_is_not_asked_about_the_order_of_its_own_acts() {
    let (mut world, item, bin) = counted(1);
    send(&mut world, 0, act(issue(item, bin, 3), 9 * SECOND, SECOND));
    send(&mut world, 0, act(count(item, bin, 4), 9 * SECOND, SECOND));
    assert_eq!(questions(&world), []);
}

/// Three issued by device 0, and a count of ten by device 1 at the same moment that is still under way.
fn issued() -> (World, ItemId, LocationId, Reverse, Change) {
    let (mut world, item, bin) = World::new(2);
    world.push(0, 2 * SECOND, receive(item, bin, 10));
    let issued = send(&mut world, 0, act(issue(item, bin, 3), 5 * SECOND, SECOND));
    let counting = world.seal_act(1, act(count(item, bin, 10), 5 * SECOND, SECOND));
    (world, item, bin, Reverse { movement: MovementId(issued.id.0), note: None }, counting)
}

#[test]
fn a_movement_that_was_taken_back_before_is_not_asked_about() {
    let (mut world, item, bin, undo, counting) = issued();
    world.push(0, 6 * SECOND, undo);
    world.send(1, vec![counting]);
    assert_eq!(questions(&world), []);
    assert_eq!(world.on_hand(item, bin), whole(10));
}

#[test]
fn a_movement_that_was_taken_back_since_stays_where_it_was() {
    let (mut world, item, bin, undo, counting) = issued();
    world.send(1, vec![counting]);
    world.push(0, 6 * SECOND, undo);
    assert_eq!(questions(&world).len(), 1);
    assert_eq!(answer(&mut world, Keep::Theirs).code.as_deref(), Some("ALREADY_REVERSED"));
    assert_eq!(world.on_hand(item, bin), whole(10));
}

#[test]
fn a_transfer_between_two_counted_bins_is_asked_about_in_each() {
    let (mut world, item, bin) = counted(3);
    let other = LocationId(world.mint());
    let parent = world.record(bin).fields["parent"].clone();
    world.create(
        0,
        Ref { kind: Kind::Location, id: other.0 },
        &[("code", "B-1"), ("parent", parent.as_str().unwrap())],
    );
    send(&mut world, 1, act(count(item, other, 0), 9 * SECOND, SECOND / 2));
    let (qty, status, remarks) = (whole(2), StockStatus::Available, Remarks::default());
    let moved = Transfer { item, from: bin, to: other, lot: None, status, to_status: None, qty, remarks };
    send(&mut world, 2, act(moved.into(), 9 * SECOND + 1, 0));
    assert_eq!(questions(&world).len(), 2);
    assert_eq!((world.on_hand(item, bin), world.on_hand(item, other)), (whole(5), whole(2)));
}

/// Ten received; seven counted by device 1 and, half a second later by clocks that are no better, nine by device 2;
/// one issued long after.
fn counted_twice() -> (World, ItemId, LocationId, Vec<Change>) {
    let (mut world, item, bin) = World::new(4);
    let acts = [
        act(receive(item, bin, 10), 2 * SECOND, 0),
        act(count(item, bin, 7), 5 * SECOND, SECOND / 2),
        act(count(item, bin, 9), 5 * SECOND + 500_000, SECOND / 2),
        act(issue(item, bin, 1), 9 * SECOND, SECOND),
    ];
    let changes = acts.into_iter().enumerate().map(|(device, act)| world.seal_act(device, act)).collect();
    (world, item, bin, changes)
}

#[test]
fn two_close_counts_that_differ_are_asked_about_once_and_the_same_way_in_every_order_of_arrival() {
    let mut asked = Vec::new();
    for order in every_order(4) {
        let (mut world, item, bin, changes) = counted_twice();
        for &n in &order {
            world.send(n, vec![changes[n].clone()]);
        }
        assert_eq!(world.on_hand(item, bin), whole(8), "arriving as {order:?}");
        let rows = questions(&world);
        assert_eq!(rows.len(), 1, "arriving as {order:?}");
        assert_eq!(rows[0].reference("person"), Some(world.devices[2].facts.person.0), "whoever speaks is asked");
        asked.extend(rows.into_iter().map(|row| (row.of, row.fields)));
    }
    let details = &asked[0].1["details"];
    assert_eq!((&details["counted"], &details["other_counted"]), (&json!("9"), &json!("7")));
    asked.dedup();
    assert_eq!(asked.len(), 1, "the row does not tell who came first");
}

#[test]
fn the_other_count_speaks_for_the_cell_when_it_was_the_later_one_in_every_order_of_arrival() {
    for order in every_order(3) {
        let (mut world, item, bin, changes) = counted_twice();
        for &n in &order {
            world.send(n, vec![changes[n].clone()]);
        }
        answer(&mut world, Keep::Theirs);
        assert_eq!(world.on_hand(item, bin), whole(7), "arriving as {order:?}");
        world.send(3, vec![changes[3].clone()]);
        assert_eq!(world.on_hand(item, bin), whole(6), "arriving as {order:?}");
        assert_eq!(questions(&world).len(), 2, "asked, and answered: the answer is no new question");
        // A later count overrules both.
        world.push(0, 200 * SECOND, count(item, bin, 5));
        assert_eq!(world.on_hand(item, bin), whole(5));
    }
}

#[test]
fn the_other_count_leaves_what_happened_since_as_it_is() {
    let (mut world, item, bin, changes) = counted_twice();
    for (n, change) in changes.into_iter().enumerate() {
        world.send(n, vec![change]);
    }
    answer(&mut world, Keep::Theirs);
    assert_eq!(world.on_hand(item, bin), whole(6));
}

#[test]
fn two_close_counts_that_come_to_the_same_are_not_asked_about() {
    let (mut world, item, bin) = World::new(3);
    world.push(0, 2 * SECOND, receive(item, bin, 10));
    send(&mut world, 1, act(count(item, bin, 9), 5 * SECOND, SECOND));
    send(&mut world, 2, act(count(item, bin, 9), 5 * SECOND + 500_000, SECOND));
    assert_eq!(questions(&world), []);
    assert_eq!(world.on_hand(item, bin), whole(9));
}

/// Seed 24649 of the simulated fleets.
#[test]
fn what_moved_after_the_later_of_two_counts_that_agree_is_asked_about_when_the_earlier_comes_in() {
    let (mut world, item, bin) = World::new(3);
    send(&mut world, 1, act(count(item, bin, 0), 5 * SECOND + 100_000, SECOND));
    send(&mut world, 1, act(receive(item, bin, 1), 5 * SECOND + 200_000, SECOND));
    send(&mut world, 2, act(count(item, bin, 0), 5 * SECOND, SECOND));
    assert_eq!(world.on_hand(item, bin), whole(1));
    assert_eq!(questions(&world).len(), 1);
    answer(&mut world, Keep::Theirs);
    assert_eq!(world.on_hand(item, bin), whole(0), "the receipt came before both counts");
}

/// Seeds 712970 and 713792 of the simulated fleets.
#[test]
fn two_counts_that_agree_only_through_a_movement_that_may_have_come_before_both_are_asked_about() {
    let (mut world, item, bin) = World::new(3);
    send(&mut world, 1, act(receive(item, bin, 1), 5 * SECOND + 100_000, SECOND));
    send(&mut world, 1, act(count(item, bin, 1), 5 * SECOND + 200_000, SECOND));
    send(&mut world, 2, act(count(item, bin, 0), 5 * SECOND, SECOND));
    assert_eq!(world.on_hand(item, bin), whole(1));
    assert_eq!(questions(&world).len(), 1);
    answer(&mut world, Keep::Theirs);
    assert_eq!(world.on_hand(item, bin), whole(0), "the empty bin was seen last");
}

#[test]
fn a_count_that_knew_the_other_or_is_far_from_it_is_not_asked_about() {
    let (mut world, item, bin) = counted(3);
    let cut = world.everything();
    send(&mut world, 1, Act { cut, ..act(count(item, bin, 9), 9 * SECOND, SECOND) });
    send(&mut world, 2, act(count(item, bin, 5), 11 * SECOND, 0));
    assert_eq!(questions(&world), []);
    assert_eq!(world.on_hand(item, bin), whole(5));
}
