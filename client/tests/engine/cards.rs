//! Cards of the inbox about a change that was not done: what the person wanted, as data.

use crate::world::{Bin, Desk, adjust, count, create, edit, issue, patch, receive};
use serde_json::{Value, json};
use stillage_client::store::{
    Durability,
    queries::inbox::{self, InboxCard, InboxState},
    record,
};
use stillage_core::{
    action::{Action, Archive, Keep, Resolve, Reverse, Save, Transfer},
    change::{Act, Change, Cut},
    decide::{Draft, InboxKind},
    id::{CategoryId, ChangeId, InboxId, LocationId, MovementId, PersonId, SupplierId},
    quantity::Quantity,
    settle::inbox_row,
    stock::{Remarks, StockStatus},
};

/// The card that a desk shows when the server did not do this.
fn card(desk: &Desk, kind: InboxKind, action: Action) -> InboxCard {
    let act = Act { action, at: 1, clock_error: 0, cut: Cut::default(), person: None };
    undone(desk, kind, Change::write(ChangeId(desk.mint.id()), &act))
}

fn undone(desk: &Desk, kind: InboxKind, change: Change) -> InboxCard {
    let draft = Draft::undone(kind, None, &change, "FIELD".into());
    let row = inbox_row(&change, 0, draft, (PersonId(desk.mint.id()), 2));
    desk.store.write(Durability::Normal, |tx| record::write_base(tx, &row)).unwrap();
    let cards = desk.store.read(|conn| Ok(inbox::list(conn, InboxState::Open)?)).unwrap();
    cards.into_iter().find(|card| card.id == row.of.to_string()).unwrap()
}

fn deed(desk: &Desk, action: Action) -> Value {
    let card = card(desk, InboxKind::Rejected, action);
    assert_eq!(card.mine, None, "no text that a program would have to read");
    json!(card.deed)
}

fn goods(qty: &str, to: Option<&str>) -> Value {
    json!({ "sku": "BOLT-8", "qty": qty, "unit": "EA", "scale": 0, "location": "MAIN", "to": to })
}

fn move_to(bin: &Bin, to: LocationId) -> Action {
    let (qty, status, remarks) = (Quantity::whole(2), StockStatus::Available, Remarks::default());
    Transfer { item: bin.item, from: bin.location, to, lot: None, status, to_status: None, qty, remarks }.into()
}

#[test]
fn goods_that_were_to_move_are_told_with_amount_item_and_places() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let to = LocationId(desk.mint.id());
    desk.act(vec![create(to, &[("code", json!("A-1")), ("parent", json!(bin.location))])]).unwrap();
    for (action, kind, qty) in [
        (receive(&bin, 40), "receive", "40"),
        (issue(&bin, 4), "issue", "4"),
        (adjust(&bin, -3), "adjust", "-3"),
        (count(&bin, 12), "count", "12"),
    ] {
        assert_eq!(deed(&desk, action), json!({ "do": kind, "goods": goods(qty, None) }));
    }
    let moved = json!({ "do": "transfer", "goods": goods("2", Some("A-1")) });
    assert_eq!(deed(&desk, move_to(&bin, to)), moved);
}

#[test]
fn a_reversal_is_told_with_what_it_would_take_back() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let movement = desk.act(vec![receive(&bin, 5)]).unwrap()[0].movements[0].id;
    let reverse = |movement| Reverse { movement, note: None }.into();
    assert_eq!(deed(&desk, reverse(movement)), json!({ "do": "reverse", "goods": goods("5", None) }));
    let unknown = MovementId(desk.mint.id());
    assert_eq!(deed(&desk, reverse(unknown)), json!({ "do": "reverse", "goods": null }));
}

#[test]
fn an_edit_is_told_field_by_field_as_people_read_it() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let category = CategoryId(desk.mint.id());
    desk.act(vec![create(category, &[("name", json!("Iron"))])]).unwrap();
    let patch = [
        ("name", json!("Bolt, M8 = long")),
        ("min", json!(null)),
        ("category", json!(category)),
        ("supplier", json!(SupplierId(desk.mint.id()))),
        ("packs", json!([{ "code": "BOX", "numerator": 12, "denominator": 1 }])),
        ("newer", json!({ "of": "a newer version" })),
    ]
    .map(|(field, value)| patch(field, Value::Null, value));
    let save =
        Save { record: bin.item.into(), create: false, base_version: 0, expected_version: None, patch: patch.into() };
    let told = deed(&desk, save.into());
    assert_eq!((&told["do"], &told["created"]), (&json!("save"), &json!(false)));
    let fields: Vec<&Value> = told["fields"].as_array().unwrap().iter().map(|field| &field["value"]).collect();
    let box_of_12 = json!([{ "code": "BOX", "numerator": 12, "denominator": 1 }]);
    let packs = json!({ "is": "packs", "packs": box_of_12, "unit": "EA" });
    let unreadable = json!({ "is": "unreadable" });
    let read = [json!("Bolt, M8 = long"), json!(null), json!("Iron"), unreadable.clone(), packs, unreadable];
    assert_eq!(fields, read.iter().collect::<Vec<_>>());
}

#[test]
fn putting_away_and_answering_are_told_as_well() {
    let desk = Desk::new();
    let bin = desk.furnish();
    for archived in [true, false] {
        let archive = Archive { record: bin.item.into(), archived, expected_version: None };
        let told = json!({ "do": "archive", "archived": archived, "label": "BOLT-8 Bolt" });
        assert_eq!(deed(&desk, archive.into()), told);
    }
    let resolve = Resolve { inbox: InboxId(desk.mint.id()), keep: Keep::Theirs, value: Value::Null };
    assert_eq!(deed(&desk, resolve.into()), json!({ "do": "resolve", "keep": "theirs" }));
}

#[test]
fn an_edit_of_what_was_archived_is_a_deed_and_a_change_of_the_future_is_none() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let edited = card(&desk, InboxKind::ArchivedEdit, edit(bin.item, "name", "Bolt", "Hex bolt"));
    assert_eq!(json!(edited.deed)["fields"], json!([{ "field": "name", "value": "Hex bolt" }]));
    let body = r#"{"action":{"do":"stock.teleport"}}"#.to_owned();
    let change = Change { id: ChangeId(desk.mint.id()), seq: 1, kind: "stock.teleport".into(), version: 9, body };
    let parked = undone(&desk, InboxKind::Parked, change);
    assert_eq!((parked.mine, parked.deed), (None, None));
}
