//! Two desktops on the same stock: nothing lost, nothing twice, nothing silently overwritten.

use crate::world::{World, furnish, two_in_step};
use serde_json::json;

#[test]
fn two_offline_desktops_on_one_bin_agree_afterwards() {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    ana.cut(true);
    ben.cut(true);
    ana.stock("issue", &shelf.item, &shelf.bin, "3");
    ben.stock("issue", &shelf.item, &shelf.bin, "4");
    ben.stock("receive", &shelf.item, &shelf.bin, "10");
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "17");
    assert_eq!(ben.on_hand(&shelf.item, &shelf.bin), "26");
    ana.cut(false);
    ben.cut(false);
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "23");
    assert_eq!(ben.on_hand(&shelf.item, &shelf.bin), "23");
}

#[test]
fn a_movement_before_a_count_that_syncs_after_it_leaves_the_shelf_as_counted() {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    ben.cut(true);
    ben.stock("issue", &shelf.item, &shelf.bin, "3");
    ana.stock("count", &shelf.item, &shelf.bin, "17");
    ana.drain();
    ben.cut(false);
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "17");
    ben.stock("issue", &shelf.item, &shelf.bin, "2");
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "15");
}

#[test]
fn two_names_for_one_item_become_one_and_a_question_that_is_answered() {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    ana.cut(true);
    ben.cut(true);
    ana.rename(&shelf.item, "Bolt zinc");
    ben.rename(&shelf.item, "Hex bolt");
    ana.cut(false);
    ana.drain();
    ben.cut(false);
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ben.call("items.get", json!({ "id": shelf.item }))["name"], "Bolt zinc");
    assert!(ana.inbox().is_empty());
    let asked = ben.inbox();
    assert_eq!(asked.len(), 1);
    let row = &asked[0];
    assert_eq!(
        (&row["kind"], &row["base"], &row["mine"], &row["theirs"], &row["theirs_by"]),
        (&json!("conflict"), &json!("Bolt"), &json!("Hex bolt"), &json!("Bolt zinc"), &json!("Ana"))
    );
    // Answering works offline, too.
    ben.cut(true);
    ben.call("inbox.resolve", json!({ "id": row["id"], "keep": "mine" }));
    assert!(ben.inbox().is_empty());
    ben.cut(false);
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ana.call("items.get", json!({ "id": shelf.item }))["name"], "Hex bolt");
}

#[test]
fn a_new_name_and_a_new_reorder_point_merge() {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    ana.cut(true);
    ben.cut(true);
    ana.rename(&shelf.item, "Hex bolt");
    ben.call("items.save", json!({ "id": shelf.item, "fields": { "reorder_point": "12" } }));
    ana.cut(false);
    ben.cut(false);
    world.check(&mut [&mut ana, &mut ben]);
    let card = ana.call("items.get", json!({ "id": shelf.item }));
    assert_eq!((&card["name"], &card["reorder_point"]), (&json!("Hex bolt"), &json!("12")));
    assert!(ana.inbox().is_empty() && ben.inbox().is_empty());
}

#[test]
fn a_desktop_that_worked_alone_hands_everything_over_when_it_is_connected() {
    let world = World::start();
    let mut ana = world.lone_desktop("Ana");
    let shelf = furnish(&mut ana);
    ana.stock("issue", &shelf.item, &shelf.bin, "1");
    world.connect(&mut ana, "Ana");
    let mut ben = world.desktop("Ben");
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ben.on_hand(&shelf.item, &shelf.bin), "19");
}

#[test]
fn one_sku_made_on_two_desktops_is_kept_twice_and_merged_when_asked() {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    ana.cut(true);
    ben.cut(true);
    let winner = ana.save("items", json!({ "sku": "NUT-8", "name": "Nut" }));
    let loser = ben.save("items", json!({ "sku": "nut-8", "name": "Nut too" }));
    ben.stock("receive", &loser, &shelf.bin, "6");
    ana.cut(false);
    ana.drain();
    ben.cut(false);
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ben.on_hand(&loser, &shelf.bin), "6", "pieces received under it are not lost");
    let row = ben.inbox().remove(0);
    assert_eq!(row["kind"], "sku_taken");
    ben.call("inbox.resolve", json!({ "id": row["id"], "keep": "theirs" }));
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ana.on_hand(&winner, &shelf.bin), "6");
}

#[test]
fn a_rejected_change_blocks_nothing_and_is_in_the_inbox() {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    ben.cut(true);
    ben.stock("issue", &shelf.item, &shelf.bin, "5");
    // Meanwhile the bin becomes bonded and almost empty.
    ana.stock("count", &shelf.item, &shelf.bin, "2");
    ana.call("locations.save", json!({ "id": shelf.bin, "fields": { "negative": "block" } }));
    ana.drain();
    ben.stock("issue", &shelf.item, &shelf.bin, "9");
    ben.stock("receive", &shelf.item, &shelf.bin, "1");
    ben.cut(false);
    world.check(&mut [&mut ana, &mut ben]);
    let rejected: Vec<_> = ben.inbox().into_iter().filter(|row| row["kind"] == "rejected").collect();
    assert_eq!(rejected.len(), 1, "the first issue was before the count, the second could not be");
    assert_eq!(rejected[0]["code"], "NOT_ENOUGH_STOCK");
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "3");
}

#[test]
fn bad_input_has_a_code_a_sentence_and_a_next_step() {
    let world = World::start();
    let mut ana = world.lone_desktop("Ana");
    let shelf = furnish(&mut ana);
    for (name, args, code) in [
        ("no.such", json!({}), "UNKNOWN_COMMAND"),
        ("stock.issue", json!({ "item": 7 }), "BAD_INPUT"),
        ("stock.issue", json!({ "item": shelf.item, "location": shelf.bin, "qty": "0" }), "QUANTITY_OUT_OF_RANGE"),
        ("stock.issue", json!({ "item": shelf.item, "location": shelf.bin, "qty": "1.5" }), "QUANTITY_TOO_PRECISE"),
        ("items.save", json!({ "id": null, "fields": { "sku": "bolt-8" } }), "KEY_TAKEN"),
        ("items.save", json!({ "id": null, "fields": { "sku": "A\u{0}B" } }), "FIELD"),
    ] {
        let error = ana.try_call(name, args).expect_err(name);
        assert_eq!(error["code"], code, "{error}");
        assert!(!error["message"].as_str().unwrap().is_empty() && !error["next"].as_str().unwrap().is_empty());
    }
}
