//! The judge against dumps made by hand: one that is right, and one for each way of being wrong.

use super::*;
use crate::replay::{read::read, schedule::Edit};
use serde_json::json;

const ROWS: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,a,HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,UK
2,A,HOLDER,2,2010-12-01 08:27:00,2.55,17850.0,UK
C3,a,HOLDER,-1,2010-12-01 08:28:00,2.55,17850.0,UK
4,a,damaged,-1,2010-12-01 08:29:00,0.0,,UK
";

/// Opening 8, then out 6, out 2, back 1, out 1: the bin ends empty. Two more stand by so that it does not.
fn plan() -> Plan {
    let mut plan = Plan::of(&read(ROWS.as_bytes(), None).unwrap(), 1);
    plan.items[0].opening = 10;
    plan
}

fn dump_of(plan: &Plan, movements: &[(&str, i64)], on_hand: &str) -> Dump {
    let bin = BINS[plan.items[0].bin];
    let mut text = format!("{}\n", json!(["balance", "item_1", "loc_1", null, "available", on_hand]));
    text += &format!("{}\n", json!(["item", "item_1", { "sku": "a", "name": "HOLDER", "reorder_point": "5" }]));
    text += &format!("{}\n", json!(["location", "loc_1", { "code": bin, "role": "storage" }]));
    for (at, (reference, delta)) in movements.iter().enumerate() {
        let (from, to) = if *delta < 0 { ("loc_1", "outside") } else { ("outside", "loc_1") };
        let body = json!({
            "item": "item_1", "qty": delta.abs().to_string(), "reference": reference, "change": format!("change_{at}"),
            "from": { "location": from }, "to": { "location": to },
        });
        text += &format!("{}\n", json!(["movement", format!("mov_{at}"), body]));
        text += &format!("{}\n", json!(["outcome", format!("change_{at}"), "APPLIED"]));
    }
    Dump::read(text.as_bytes()).unwrap()
}

const TRUE: [(&str, i64); 5] = [("opening/a", 10), ("1/1", -6), ("2/2", -2), ("C3/3", 1), ("4/4", -1)];

fn check(movements: &[(&str, i64)], on_hand: &str, acknowledged: &[&str], clashes: Vec<Clash>) -> Vec<String> {
    let plan = plan();
    let acknowledged: Vec<String> = acknowledged.iter().map(|a| (*a).to_owned()).collect();
    let schedule = Schedule { clashes, ..Schedule::default() };
    let items = ["item_1".to_owned()];
    let case = Case {
        plan: &plan,
        schedule: &schedule,
        items: &items,
        acknowledged: &acknowledged,
        edits: &[],
        inbox: &BTreeMap::new(),
    };
    case.check(&dump_of(&plan, movements, on_hand))
}

#[test]
fn the_fold_is_opening_less_sales_plus_returns_less_write_offs() {
    let plan = plan();
    let cell = ("a".to_owned(), BINS[plan.items[0].bin].to_owned());
    assert_eq!(fold(&plan), Levels::from([(cell, 2_000_000)]));
}

#[test]
fn a_dump_that_holds_every_line_once_agrees() {
    assert_eq!(check(&TRUE, "2", &["change_0", "change_4"], vec![]), Vec::<String>::new());
}

#[test]
fn a_balance_that_is_not_the_fold_differs_and_no_longer_sums_to_zero() {
    let differences = check(&TRUE, "3", &[], vec![]);
    assert!(differences.iter().any(|d| d.contains("3 instead of 2")), "{differences:?}");
    assert!(differences.iter().any(|d| d.contains("item_1 sums to 1000000")), "{differences:?}");
}

#[test]
fn a_line_that_is_missing_and_one_that_is_there_twice_differ() {
    let missing = check(&TRUE[..4], "3", &[], vec![]);
    assert!(missing.iter().any(|d| d == "4/4 has no movement"), "{missing:?}");
    let doubled = check(&[&TRUE[..], &TRUE[4..]].concat(), "1", &[], vec![]);
    assert!(doubled.iter().any(|d| d.contains("times: 2")), "{doubled:?}");
    assert!(doubled.iter().any(|d| d == "6 movements instead of 5"), "{doubled:?}");
}

#[test]
fn an_acknowledged_change_without_an_outcome_differs() {
    let differences = check(&TRUE, "2", &["change_9"], vec![]);
    assert_eq!(differences, ["change_9 was acknowledged and has 0 outcomes"]);
}

#[test]
fn edits_of_two_fields_must_both_stand_and_of_one_field_exactly_one() {
    let edit = |field, value: &str| Edit { item: 0, field, value: value.into() };
    let clash = |left, right| Clash { item: 0, edits: [left, right] };
    let both = clash(edit(Field::Name, "HOLDER"), edit(Field::ReorderPoint, "5"));
    let one = clash(edit(Field::Name, "HOLDER"), edit(Field::Name, "LAMP"));
    assert!(check(&TRUE, "2", &[], vec![both, one]).is_empty());
    let lost = clash(edit(Field::Name, "HOLDER"), edit(Field::ReorderPoint, "9"));
    let neither = clash(edit(Field::Name, "CLOCK"), edit(Field::Name, "LAMP"));
    assert_eq!(check(&TRUE, "2", &[], vec![lost, neither]).len(), 2);
}

fn card(item: &str) -> BTreeMap<String, Value> {
    let subject = json!({ "kind": "item", "id": item });
    let card =
        json!({ "kind": "conflict", "change": "change_9", "mine": "LAMP", "theirs": "HOLDER", "subject": subject });
    BTreeMap::from([("inbox_1".to_owned(), card)])
}

/// The judge's words on one rename that lost, acknowledged as `change_9`, with this inbox.
fn on_a_lost_rename(inbox: &BTreeMap<String, Value>) -> Vec<String> {
    let plan = plan();
    let edit = |value: &str| Edit { item: 0, field: Field::Name, value: value.into() };
    let clash = Clash { item: 0, edits: [edit("HOLDER"), edit("LAMP")] };
    let schedule = Schedule { clashes: vec![clash], ..Schedule::default() };
    let edits = [("change_0".to_owned(), edit("HOLDER")), ("change_9".to_owned(), edit("LAMP"))];
    let items = ["item_1".to_owned()];
    let case = Case { plan: &plan, schedule: &schedule, items: &items, acknowledged: &[], edits: &edits, inbox };
    let mut differences = case.check(&dump_of(&plan, &TRUE, "2"));
    differences.extend(case.unseen_conflicts());
    differences
}

#[test]
fn a_lost_edit_is_answered_for_by_its_card_in_an_inbox() {
    assert_eq!(on_a_lost_rename(&card("item_1")), Vec::<String>::new());
}

#[test]
fn an_edit_that_lost_without_anybody_being_told_is_a_loss() {
    for inbox in [BTreeMap::new(), card("item_2")] {
        let differences = on_a_lost_rename(&inbox);
        assert_eq!(differences.len(), 2, "{differences:?}");
        assert!(differences[0].starts_with("change_9 was acknowledged and has 0 outcomes"), "{differences:?}");
        assert!(differences[1].starts_with("no inbox tells of"), "{differences:?}");
    }
}

#[test]
fn files_that_differ_in_one_byte_differ_at_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let one = file("one", "a\nb\nc\n");
    assert_eq!(first_difference(&one, &file("same", "a\nb\nc\n")).unwrap(), None);
    assert_eq!(first_difference(&one, &file("other", "a\nb\nd\n")).unwrap(), Some(3));
    assert_eq!(first_difference(&one, &file("longer", "a\nb\nc\nd\n")).unwrap(), Some(4));
}
