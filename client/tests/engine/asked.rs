//! Cards of the inbox about two values for one field, two items with one SKU, two acts at one moment.

use crate::world::{Bin, Desk, create, edit, issue, receive};
use serde_json::{Value, json};
use stillage_client::store::{
    Durability,
    queries::inbox::{self, InboxCard, InboxState},
    record,
};
use stillage_core::{
    change::{Act, Change, Cut},
    decide::{Draft, InboxKind},
    id::{BarcodeId, ChangeId, ItemId, LocationId, MovementId, PersonId},
    record::Ref,
    settle::inbox_row,
};

/// The card that a desk shows of a row the server wrote.
fn card(desk: &Desk, draft: Draft) -> InboxCard {
    let action = edit(ItemId(desk.mint.id()), "name", "", "any");
    let act = Act { action, at: 1, clock_error: 0, cut: Cut::default(), person: None };
    let row = inbox_row(&Change::write(ChangeId(desk.mint.id()), &act), 0, draft, (PersonId(desk.mint.id()), 2));
    desk.store.write(Durability::Normal, |tx| record::write_base(tx, &row)).unwrap();
    let cards = desk.store.read(|conn| Ok(inbox::list(conn, InboxState::Open)?)).unwrap();
    cards.into_iter().find(|card| card.id == row.of.to_string()).unwrap()
}

fn conflict(desk: &Desk, of: impl Into<Ref>, field: &str, mine: Value) -> Value {
    let draft = Draft { field: Some(field.into()), mine, ..Draft::new(InboxKind::Conflict, Some(of.into())) };
    json!(card(desk, draft))
}

fn taken(desk: &Desk, kind: InboxKind, mine: impl Into<Ref>, theirs: impl Into<Ref>) -> Value {
    let draft = Draft { mine: json!("BOLT-8"), theirs: json!(theirs.into()), ..Draft::new(kind, Some(mine.into())) };
    json!(card(desk, draft))
}

/// An item without a SKU, as it stands when the one it asked for was taken.
fn nameless(desk: &Desk, fields: &[(&str, Value)]) -> ItemId {
    let item = ItemId(desk.mint.id());
    let made = [&[("sku", json!("LATE")), ("name", json!("Bolt too"))], fields].concat();
    desk.act(vec![create(item, &made)]).unwrap();
    item
}

#[test]
fn a_value_of_ones_own_is_offered_only_where_one_can_be_typed() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let packs = json!([{ "code": "BOX", "numerator": 12, "denominator": 1 }]);
    for (field, mine) in [("name", json!("x")), ("sku", json!("x")), ("min", json!("3")), ("display_scale", json!(2))] {
        assert_eq!(conflict(&desk, bin.item, field, mine)["keeps"], json!(["mine", "theirs", "value"]), "{field}");
    }
    for (field, mine) in [("packs", packs), ("category", json!(null)), ("tracking", json!("lot")), ("newer", json!(1))]
    {
        assert_eq!(conflict(&desk, bin.item, field, mine)["keeps"], json!(["mine", "theirs"]), "{field}");
    }
    for (field, mine) in [("negative", json!("warn")), ("parent", json!(null)), ("role", json!("site"))] {
        assert_eq!(conflict(&desk, bin.location, field, mine)["keeps"], json!(["mine", "theirs"]), "{field}");
    }
}

#[test]
fn values_are_told_as_what_they_are() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let mine = |of: Ref, field: &str, value: Value| conflict(&desk, of, field, value)["mine"].clone();
    let packs = json!([{ "code": "BOX", "numerator": 12, "denominator": 1 }]);
    let told = mine(bin.item.into(), "packs", packs.clone());
    assert_eq!(told, json!({ "is": "packs", "packs": packs, "unit": "EA" }));
    let amount = mine(bin.item.into(), "reorder_point", json!("12.5"));
    assert_eq!(amount, json!({ "is": "amount", "qty": "12.5", "unit": "EA", "scale": 0 }));
    let rule = mine(bin.location.into(), "negative", json!("block"));
    assert_eq!(rule, json!({ "is": "choice", "word": "block" }));
    assert_eq!(mine(bin.item.into(), "name", json!("Hex bolt")), json!("Hex bolt"));
    assert_eq!(mine(bin.item.into(), "packs", json!([])), json!(null));
    assert_eq!(mine(bin.location.into(), "parent", json!(bin.location)), json!("MAIN"));
    let unknown = json!(LocationId(desk.mint.id()));
    assert_eq!(mine(bin.location.into(), "parent", unknown), json!({ "is": "unreadable" }));
    assert_eq!(mine(bin.item.into(), "newer", json!({ "a": 1 })), json!({ "is": "unreadable" }));
}

#[test]
fn a_taken_sku_names_both_items_and_what_is_there_of_each() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let late = nameless(&desk, &[]);
    desk.act(vec![receive(&Bin { item: late, ..bin }, 4)]).unwrap();
    let card = taken(&desk, InboxKind::SkuTaken, late, bin.item);
    let stock = |qty: &str| json!({ "qty": qty, "unit": "EA", "scale": 0 });
    let mine = json!({ "code": "LATE", "name": "Bolt too", "stock": stock("4") });
    let theirs = json!({ "code": "BOLT-8", "name": "Bolt", "stock": stock("0") });
    assert_eq!(card["taken"], json!({ "mine": mine, "theirs": theirs, "joins": true }));
    assert_eq!((&card["mine"], &card["keeps"]), (&json!("BOLT-8"), &json!(["theirs", "value"])));
}

#[test]
fn items_that_are_kept_differently_are_not_offered_to_be_joined() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let by_weight = nameless(&desk, &[("base_unit", json!("KGM"))]);
    let card = taken(&desk, InboxKind::SkuTaken, by_weight, bin.item);
    assert_eq!((&card["taken"]["joins"], &card["keeps"]), (&json!(false), &json!(["value"])));
    let unheld = taken(&desk, InboxKind::SkuTaken, bin.item, ItemId(desk.mint.id()));
    assert_eq!((&unheld["taken"], &unheld["keeps"]), (&json!(null), &json!(["value"])));
}

#[test]
fn a_taken_barcode_names_the_items_it_would_be_on() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let late = nameless(&desk, &[]);
    let barcodes = [late, bin.item].map(|item| (BarcodeId(desk.mint.id()), item));
    for (n, (barcode, item)) in barcodes.iter().enumerate() {
        let code = json!(format!("CODE-{n}"));
        desk.act(vec![create(*barcode, &[("item", json!(item)), ("code", code)])]).unwrap();
    }
    let card = taken(&desk, InboxKind::BarcodeTaken, barcodes[0].0, barcodes[1].0);
    let codes = (&card["taken"]["mine"]["code"], &card["taken"]["theirs"]["code"], &card["taken"]["joins"]);
    assert_eq!(codes, (&json!("LATE"), &json!("BOLT-8"), &json!(false)));
    assert_eq!(card["keeps"], json!(["theirs", "value"]));
}

#[test]
fn a_close_count_says_how_much_of_what_where_and_what_moved_it() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let issued = desk.act(vec![receive(&bin, 5), issue(&bin, 3)]).unwrap().pop().unwrap().movements[0].id;
    let told = |movement: MovementId| {
        let details = json!({
            "counted": "12", "moved": "-3", "movement": movement, "applied": "before", "location": bin.location,
            "lot": null, "status": "available",
        });
        json!(card(&desk, Draft { details, ..Draft::new(InboxKind::AmbiguousCount, Some(bin.item.into())) }))["close"]
            .clone()
    };
    let known = json!({
        "counted": "12", "moved": "-3", "other": null, "unit": "EA", "scale": 0, "location": "MAIN", "lot": null,
        "kind": "issue", "before": true,
    });
    assert_eq!(told(issued), known);
    let mut unheld = known;
    unheld["kind"] = Value::Null;
    assert_eq!(told(MovementId(desk.mint.id())), unheld);
}
