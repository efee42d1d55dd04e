//! A pull that brings far more than is here puts indexes and search aside, and everything is in its place afterwards.

use crate::{
    ledger::Ledger,
    world::{Bin, Desk, create, edit, receive},
};
use serde_json::json;
use stillage_client::store::{queries::search, staged};
use stillage_core::{id::ItemId, quantity::Quantity};

const INDEXES: &str = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";

/// A desk that was told that a hundred thousand rows are coming, and got the first few.
fn loading() -> (Desk, Ledger, Bin) {
    let (first, mut ledger) = (Desk::new(), Ledger::new());
    let bin = first.furnish();
    let more = (0..5).map(|n| {
        let fields = [("sku", json!(format!("NUT-{n}"))), ("name", json!("Wing nut"))];
        create(ItemId(first.mint.id()), &fields)
    });
    first.act(more.chain([receive(&bin, 7)]).collect()).unwrap();
    first.sync(&mut ledger);
    let desk = Desk::new();
    let mut answer = desk.asked(&ledger);
    answer.heads[0].seq += 100_000;
    answer.has_more = true;
    desk.apply(&answer).unwrap();
    (desk, ledger, bin)
}

fn found(desk: &Desk, typed: &str) -> usize {
    desk.store.read(|conn| Ok(search::find(conn, typed)?)).unwrap().ids.len()
}

#[test]
fn a_long_first_pull_ends_with_every_index_in_place_and_every_item_found() {
    let (desk, ledger, bin) = loading();
    assert!(desk.count(INDEXES) < Desk::new().count(INDEXES));
    assert_eq!(found(&desk, "ing"), 0);
    desk.pull(&ledger).unwrap();
    while staged::step(&desk.store).unwrap() {}
    assert_eq!(desk.count(INDEXES), Desk::new().count(INDEXES));
    assert_eq!(found(&desk, "ing"), 5);
    assert_eq!(desk.on_hand(&bin), Quantity::whole(7));
    assert!(!staged::step(&desk.store).unwrap());
}

#[test]
fn what_is_done_while_many_rows_come_in_is_found_afterwards() {
    let (desk, ledger, bin) = loading();
    let fields = [("sku", json!("HOOK-1")), ("name", json!("Ceiling hook"))];
    desk.act(vec![create(ItemId(desk.mint.id()), &fields), receive(&bin, 2)]).unwrap();
    desk.pull(&ledger).unwrap();
    assert!(staged::step(&desk.store).unwrap());
    desk.act(vec![edit(bin.item, "name", "Bolt", "Carriage bolt")]).unwrap();
    while staged::step(&desk.store).unwrap() {}
    assert_eq!((found(&desk, "eiling"), found(&desk, "arriage")), (1, 1));
    assert_eq!(desk.on_hand(&bin), Quantity::whole(9));
}

#[test]
fn a_crash_after_any_step_loses_no_index_and_no_item() {
    let (mut desk, _, _) = loading();
    loop {
        desk = desk.reopened();
        if !staged::step(&desk.store).unwrap() {
            break;
        }
    }
    assert_eq!(desk.count(INDEXES), Desk::new().count(INDEXES));
    assert_eq!(found(&desk, "ing"), 5);
}

#[test]
fn an_item_that_was_archived_is_not_found() {
    let desk = Desk::new();
    let bin = desk.furnish();
    assert_eq!(found(&desk, "bolt"), 1);
    let archive = stillage_core::action::Archive { record: bin.item.into(), archived: true, expected_version: None };
    desk.act(vec![archive.into()]).unwrap();
    assert_eq!((found(&desk, "bolt"), found(&desk, "BOLT-8")), (0, 0));
}

#[test]
fn nothing_is_put_aside_while_changes_wait_for_the_server() {
    let (first, mut ledger) = (Desk::new(), Ledger::new());
    let bin = first.furnish();
    first.push(&mut ledger);
    first.act(vec![receive(&bin, 2)]).unwrap();
    let mut answer = first.asked(&ledger);
    answer.heads[0].seq += 100_000;
    first.apply(&answer).unwrap();
    assert_eq!(first.count(INDEXES), Desk::new().count(INDEXES));
}
