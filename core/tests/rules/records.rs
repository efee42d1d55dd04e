//! Records of two people who did not know of each other.

use crate::world::{World, create, edit, issue, receive, save, whole};
use serde_json::json;
use stillage_core::{
    action::{Archive, Keep, Resolve},
    change::Outcome,
    id::{InboxId, ItemId},
    record::{Kind, Ref},
};

#[test]
fn two_names_for_one_item_keep_the_first_and_ask_the_second_person() {
    let (mut world, item, _) = World::new(2);
    let mine = world.seal(1, 2_000_000, save(item, vec![edit("name", json!("Bolt"), json!("Hex bolt"))]));
    world.push(0, 2_100_000, save(item, vec![edit("name", json!("Bolt"), json!("Bolt zinc"))]));
    assert_eq!(world.send(1, vec![mine]).results[0].outcome, Outcome::Merged);
    assert_eq!(world.record(item).text("name"), Some("Bolt zinc"));
    let row = &world.inbox()[0];
    assert_eq!((row.text("mine"), row.text("theirs")), (Some("Hex bolt"), Some("Bolt zinc")));
    assert_eq!(row.reference("person"), Some(world.devices[1].facts.person.0));
    assert_eq!(row.reference("theirs_by"), Some(world.devices[0].facts.person.0));
}

#[test]
fn keeping_mine_in_the_inbox_writes_it_and_closes_the_row() {
    let (mut world, item, _) = World::new(2);
    let mine = world.seal(1, 2_000_000, save(item, vec![edit("name", json!("Bolt"), json!("Hex bolt"))]));
    world.push(0, 2_100_000, save(item, vec![edit("name", json!("Bolt"), json!("Bolt zinc"))]));
    world.send(1, vec![mine]);
    let inbox = InboxId(world.inbox()[0].of.id);
    let answer = Resolve { inbox, keep: Keep::Mine, value: json!(null) };
    assert_eq!(world.push(1, 3_000_000, answer.clone()).outcome, Outcome::Applied);
    assert_eq!(world.record(item).text("name"), Some("Hex bolt"));
    assert_eq!(world.record(inbox).text("state"), Some("resolved"));
    assert_eq!(world.push(1, 4_000_000, answer).code.as_deref(), Some("ALREADY_RESOLVED"));
}

#[test]
fn a_sku_taken_by_another_device_is_accepted_without_it_and_asked_about() {
    let (mut world, _, bin) = World::new(2);
    let late = ItemId(world.mint());
    let made = world.create(1, late.into(), &[("sku", "bolt"), ("name", "Bolt too")]);
    assert_eq!(made.outcome, Outcome::Merged);
    assert_eq!(world.record(late).text("sku"), None);
    world.push(1, 2_000_000, receive(late, bin, 4));
    assert_eq!(world.on_hand(late, bin), whole(4), "pieces received under it are never refused");
}

#[test]
fn merging_the_loser_moves_its_stock_and_later_pieces_follow() {
    let (mut world, item, bin) = World::new(2);
    let late = ItemId(world.mint());
    world.create(1, late.into(), &[("sku", "bolt"), ("name", "Bolt too")]);
    world.push(1, 2_000_000, receive(late, bin, 4));
    let inbox = InboxId(world.inbox()[0].of.id);
    let merged = world.push(1, 3_000_000, Resolve { inbox, keep: Keep::Theirs, value: json!(null) });
    assert_eq!(merged.outcome, Outcome::Applied, "{merged:?}");
    assert_eq!((world.on_hand(item, bin), world.on_hand(late, bin)), (whole(4), whole(0)));
    world.push(0, 4_000_000, receive(late, bin, 1));
    assert_eq!(world.on_hand(item, bin), whole(5));
}

#[test]
fn items_counted_in_different_units_cannot_be_merged() {
    let (mut world, item, bin) = World::new(2);
    let late = ItemId(world.mint());
    world.create(1, late.into(), &[("sku", "bolt"), ("name", "Bolt by weight"), ("base_unit", "KGM")]);
    world.push(1, 2_000_000, receive(late, bin, 4));
    let inbox = InboxId(world.inbox()[0].of.id);
    let merged = world.push(1, 3_000_000, Resolve { inbox, keep: Keep::Theirs, value: json!(null) });
    assert_eq!(merged.code.as_deref(), Some("ANSWER_NOT_OFFERED"), "{merged:?}");
    assert_eq!((world.on_hand(item, bin), world.on_hand(late, bin)), (whole(0), whole(4)));
}

#[test]
fn a_merge_reads_the_other_items_stock_where_its_own_batch_brought_the_first() {
    let (mut world, item, bin) = World::new(2);
    let late = ItemId(world.mint());
    world.push(0, 2_000_000, receive(item, bin, 5));
    world.create(1, late.into(), &[("sku", "bolt"), ("name", "Bolt again")]);
    let inbox = InboxId(world.inbox()[0].of.id);
    let brought = world.seal(1, 2_100_000, receive(late, bin, 2));
    let merged = world.seal(1, 3_000_000, Resolve { inbox, keep: Keep::Theirs, value: json!(null) });
    let push = world.prepared(1, vec![brought, merged]);
    let asked = world.cells_asked_for(std::slice::from_ref(&push));
    assert!(asked.iter().any(|cell| cell.item == item && cell.location == bin), "{asked:?}");
    world.settle(vec![push]);
    assert_eq!((world.on_hand(item, bin), world.on_hand(late, bin)), (whole(7), whole(0)));
}

#[test]
fn what_builds_on_a_rejected_create_shares_its_fate_under_one_root() {
    let (mut world, _, bin) = World::new(1);
    let item = ItemId(world.mint());
    let bad = world.create(0, item.into(), &[("name", "No SKU")]);
    assert_eq!(bad.outcome, Outcome::Rejected);
    let then = world.push(0, 2_000_000, receive(item, bin, 1));
    assert_eq!(then.code.as_deref(), Some("DEPENDS_ON_REJECTED"));
    assert_eq!(then.details["root"], json!(bad.id));
}

#[test]
fn an_edit_of_an_archived_item_offers_to_restore_it() {
    let (mut world, item, _) = World::new(2);
    let of = Ref::from(item);
    let mine = world.seal(1, 2_000_000, save(item, vec![edit("name", json!("Bolt"), json!("Hex bolt"))]));
    world.push(0, 2_100_000, Archive { record: of, archived: true, expected_version: None });
    assert_eq!(world.send(1, vec![mine]).results[0].code.as_deref(), Some("ARCHIVED"));
    let inbox = InboxId(world.inbox()[0].of.id);
    world.push(1, 3_000_000, Resolve { inbox, keep: Keep::Mine, value: json!(null) });
    assert!(!world.record(item).archived);
    assert_eq!(world.record(item).text("name"), Some("Hex bolt"));
}

#[test]
fn a_location_does_not_stand_under_itself_and_stays_in_its_site() {
    let (mut world, _, bin) = World::new(1);
    let under = Ref { kind: Kind::Location, id: world.mint() };
    world.create(0, under, &[("code", "A-1-1"), ("parent", &bin.to_string())]);
    let parent = world.record(bin).fields["parent"].clone();
    let looped = world.push(0, 2_000_000, save(bin, vec![edit("parent", parent, json!(under))]));
    assert_eq!(looped.code.as_deref(), Some("TREE_LOOP"));
    let other = Ref { kind: Kind::Location, id: world.mint() };
    world.create(0, other, &[("code", "S2"), ("role", "site")]);
    let moved = world.push(0, 3_000_000, save(under, vec![edit("parent", json!(bin), json!(other))]));
    assert_eq!(moved.code.as_deref(), Some("OTHER_SITE"));
}

#[test]
fn stock_keeps_its_place_from_being_archived() {
    let (mut world, item, bin) = World::new(1);
    world.push(0, 2_000_000, receive(item, bin, 1));
    let refused = world.push(0, 3_000_000, Archive { record: bin.into(), archived: true, expected_version: None });
    assert_eq!(refused.code.as_deref(), Some("NOT_EMPTY"));
}

#[test]
fn what_is_emptied_in_a_push_is_archived_in_it() {
    let (mut world, item, bin) = World::new(1);
    world.push(0, 2_000_000, receive(item, bin, 1));
    let put_away = |record: Ref| Archive { record, archived: true, expected_version: None };
    let emptied = world.seal(0, 3_000_000, issue(item, bin, 1));
    let archived = [put_away(item.into()), put_away(bin.into())].map(|action| world.seal(0, 4_000_000, action));
    let settled = world.send(0, [vec![emptied], archived.to_vec()].concat());
    let outcomes = settled.results.iter().map(|result| result.outcome);
    assert!(outcomes.eq([Outcome::Applied; 3]), "{:?}", settled.results);
}

#[test]
fn what_is_filled_in_a_push_is_not_archived_in_it() {
    let (mut world, item, bin) = World::new(1);
    let filled = world.seal(0, 2_000_000, receive(item, bin, 1));
    let put_away = Archive { record: item.into(), archived: true, expected_version: None };
    let put_away = world.seal(0, 3_000_000, put_away);
    let settled = world.send(0, vec![filled, put_away]);
    assert_eq!(settled.results[1].code.as_deref(), Some("NOT_EMPTY"));
}

#[test]
fn a_new_record_with_a_bad_field_is_refused_by_name() {
    let (mut world, ..) = World::new(1);
    let of = Ref { kind: Kind::Item, id: world.mint() };
    let refused = world.push(0, 2_000_000, create(of, &[("sku", "X"), ("min", "many")]));
    assert_eq!(refused.details["field"], "min");
}

#[test]
fn a_location_is_edited_without_naming_its_parent_again() {
    let (mut world, _, bin) = World::new(1);
    let edited = world.push(0, 2_000_000, save(bin, vec![edit("negative", json!(null), json!("block"))]));
    assert_eq!(edited.outcome, Outcome::Applied, "{edited:?}");
    assert!(world.record(bin).reference("site").is_some());
}
