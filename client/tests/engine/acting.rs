//! What a person does is there at once, whole, and stays.

use crate::ledger::Ledger;
use crate::world::{Desk, adjust, count, create, issue, receive};
use serde_json::json;
use stillage_client::{
    Code,
    store::{Durability, outbox, queries, record},
};
use stillage_core::{id::ItemId, quantity::Quantity};

#[test]
fn a_never_connected_device_keeps_everything() {
    let desk = Desk::new();
    let bin = desk.furnish();
    desk.act(vec![receive(&bin, 12)]).unwrap();
    desk.act(vec![issue(&bin, 5)]).unwrap();
    desk.act(vec![count(&bin, 6)]).unwrap();
    let desk = desk.reopened();
    assert_eq!(desk.on_hand(&bin), Quantity::whole(6));
    assert_eq!(desk.waiting(), 5);
}

#[test]
fn one_refused_line_refuses_the_whole_call() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let refused = desk.act(vec![receive(&bin, 1), receive(&bin, 0)]).unwrap_err();
    assert_eq!(refused.code.name(), "QUANTITY_OUT_OF_RANGE");
    assert_eq!(refused.details["index"], 1);
    assert_eq!(desk.on_hand(&bin), Quantity::ZERO);
    assert_eq!(desk.waiting(), 2);
}

#[test]
fn lines_of_one_call_see_each_other() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let lines = (1..=20).map(|units| receive(&bin, units)).chain([count(&bin, 210)]).collect();
    let acted = desk.act(lines).unwrap();
    assert_eq!(acted.len(), 21);
    assert!(acted[20].movements.is_empty(), "the count agreed with the book");
    assert_eq!(desk.on_hand(&bin), Quantity::whole(210));
}

#[test]
fn a_sku_is_taken_once() {
    let desk = Desk::new();
    desk.furnish();
    let twin = create(ItemId(desk.mint.id()), &[("sku", json!("bolt-8"))]);
    let refused = desk.act(vec![twin]).unwrap_err();
    assert_eq!(refused.code, Code::Rejected("KEY_TAKEN".into()));
}

#[test]
fn a_pending_item_is_found_by_any_part_of_a_word() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let found = desk.store.read(|conn| Ok(queries::search::find(conn, "olt")?)).unwrap();
    assert_eq!(found.ids, [bin.item.0]);
}

#[test]
fn an_adjustment_moves_the_book() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let acted = desk.act(vec![adjust(&bin, 3)]).unwrap();
    assert_eq!(acted[0].movements[0].id.0, acted[0].change_id.0);
    assert_eq!(desk.on_hand(&bin), Quantity::whole(3));
}

#[test]
fn what_was_counted_is_remembered_beside_one_open_database_until_a_record_changes() {
    let desk = Desk::new();
    desk.furnish();
    let total = |desk: &Desk| desk.store.read(|conn| Ok(desk.store.known.total(conn)?)).unwrap();
    assert_eq!(total(&desk), 1);
    // Behind the back of everything that would have moved the mark.
    let hide = "UPDATE pending_record SET key = NULL, archived = 1 WHERE kind = 'item'";
    desk.store.write(Durability::Normal, |tx| Ok(tx.execute(hide, [])?)).unwrap();
    assert_eq!(total(&desk), 1, "not counted again");
    let desk = desk.reopened();
    assert_eq!(total(&desk), 0, "another opening knows nothing of the first");
    desk.act(vec![create(ItemId(desk.mint.id()), &[("sku", json!("NUT")), ("name", json!("Nut"))])]).unwrap();
    assert_eq!(total(&desk), 1);
}

#[test]
fn what_goes_out_at_once_is_sealed_by_the_commit_that_records_it_once_the_device_holds_something() {
    let mut ledger = Ledger::new();
    let desk = Desk::new();
    let bin = desk.furnish();
    let act = |units| {
        let actions = vec![receive(&bin, units)];
        record::act_then(&desk.store, &desk.mint, actions, outbox::seal_at_once).unwrap();
        desk.count("SELECT count(*) FROM outbox WHERE state = 'sealed'")
    };
    assert_eq!(act(1), 0, "a device that holds nothing may still begin from a snapshot");
    desk.push(&mut ledger);
    desk.pull(&ledger).unwrap();
    assert_eq!(act(2), 1);
    desk.push(&mut ledger);
    desk.pull(&ledger).unwrap();
    assert_eq!((desk.on_hand(&bin), desk.waiting()), (Quantity::whole(3), 0));
}
