//! Physical facts are accepted and flagged; what may not be is refused.

use crate::world::{World, edit, issue, receive, save, whole};
use serde_json::json;
use stillage_core::{
    action::{Adjust, Receive, Transfer},
    change::Outcome,
    id::ItemId,
    money::Money,
    seed,
    stock::{LotEntry, Remarks, StockStatus, lot_id},
};

#[test]
fn going_below_zero_is_accepted_and_told_once_each_crossing() {
    let (mut world, item, bin) = World::new(1);
    world.push(0, 2_000_000, issue(item, bin, 2));
    world.push(0, 3_000_000, issue(item, bin, 2));
    assert_eq!(world.on_hand(item, bin), whole(-4));
    assert_eq!(world.inbox().len(), 1);
}

#[test]
fn a_bonded_location_refuses_to_go_below_zero() {
    let (mut world, item, bin) = World::new(1);
    world.push(0, 2_000_000, save(bin, vec![edit("negative", json!(null), json!("block"))]));
    assert_eq!(world.push(0, 3_000_000, issue(item, bin, 1)).code.as_deref(), Some("NOT_ENOUGH_STOCK"));
}

#[test]
fn a_change_of_status_moves_stock_within_its_place() {
    let (mut world, item, bin) = World::new(1);
    world.push(0, 2_000_000, receive(item, bin, 5));
    let damaged = Transfer {
        item,
        from: bin,
        to: bin,
        lot: None,
        status: StockStatus::Available,
        to_status: Some(StockStatus::Damaged),
        qty: whole(2),
        remarks: Remarks::default(),
    };
    world.push(0, 3_000_000, damaged.clone());
    assert_eq!(world.on_hand(item, bin), whole(3));
    let same = Transfer { to_status: None, ..damaged };
    assert_eq!(world.push(0, 4_000_000, same).code.as_deref(), Some("SAME_CELL"));
}

#[test]
fn an_adjustment_has_a_reason_that_fits_its_direction() {
    let (mut world, item, bin) = World::new(1);
    let adjust = |delta, reason: Option<&str>| Adjust {
        item,
        location: bin,
        lot: None,
        status: StockStatus::Available,
        delta: whole(delta),
        expected_on_hand: None,
        remarks: Remarks { reason: reason.map(seed::reason), ..Remarks::default() },
    };
    assert_eq!(world.push(0, 2_000_000, adjust(1, None)).code.as_deref(), Some("REASON_REQUIRED"));
    assert_eq!(world.push(0, 2_000_000, adjust(1, Some("THEFT"))).code.as_deref(), Some("REASON_DIRECTION"));
    assert_eq!(world.push(0, 2_000_000, adjust(1, Some("OTHER"))).code.as_deref(), Some("NOTE_REQUIRED"));
    assert_eq!(world.push(0, 2_000_000, adjust(3, Some("FOUND"))).outcome, Outcome::Applied);
    assert_eq!(world.on_hand(item, bin), whole(3));
}

#[test]
fn a_lot_met_by_two_devices_is_one_lot() {
    let (mut world, _, bin) = World::new(2);
    let item = ItemId(world.mint());
    world.create(0, item.into(), &[("sku", "MILK"), ("tracking", "lot")]);
    let received = |code: &str| Receive {
        item,
        location: bin,
        lot: Some(LotEntry { code: code.into(), expiry: Some("2027-04-30".into()) }),
        status: StockStatus::Available,
        qty: whole(2),
        unit_cost: None,
        supplier: None,
        remarks: Remarks::default(),
    };
    world.push(0, 2_000_000, received("22B"));
    world.push(1, 2_000_000, received("22b"));
    let lot = lot_id(item, "22B");
    let cell = world.facts.cells.iter().find(|(cell, _)| cell.lot == Some(lot)).unwrap();
    assert_eq!(cell.1.on_hand, whole(4));
    assert_eq!(world.record(lot).text("expiry"), Some("2027-04-30"));
    assert_eq!(world.push(0, 3_000_000, receive(item, bin, 1)).code.as_deref(), Some("LOT_REQUIRED"));
}

#[test]
fn a_serial_that_comes_in_twice_is_flagged() {
    let (mut world, _, bin) = World::new(1);
    let item = ItemId(world.mint());
    world.create(0, item.into(), &[("sku", "DRILL"), ("tracking", "serial")]);
    let received = |status, units| Receive {
        item,
        location: bin,
        lot: Some(LotEntry { code: "S1".into(), expiry: None }),
        status,
        qty: whole(units),
        unit_cost: None,
        supplier: None,
        remarks: Remarks::default(),
    };
    world.push(0, 2_000_000, received(StockStatus::Available, 1));
    world.push(0, 3_000_000, received(StockStatus::Quarantine, 1));
    assert_eq!(world.inbox()[0].text("kind"), Some("serial_elsewhere"));
    let two = world.push(0, 4_000_000, received(StockStatus::Available, 2));
    assert_eq!(two.code.as_deref(), Some("SERIAL_IS_ONE"));
}

#[test]
fn goods_do_not_come_in_for_less_than_nothing() {
    let (mut world, item, bin) = World::new(1);
    let costed = |minor| Receive {
        item,
        location: bin,
        lot: None,
        status: StockStatus::Available,
        qty: whole(1),
        unit_cost: Some(Money { minor, currency: "EUR".into() }),
        supplier: None,
        remarks: Remarks::default(),
    };
    let refused = world.push(0, 2_000_000, costed(-1));
    assert_eq!(refused.code.as_deref(), Some("FIELD"));
    assert_eq!((&refused.details["field"], &refused.details["problem"]), (&json!("unit_cost"), &json!("out_of_range")));
    assert_eq!(world.push(0, 3_000_000, costed(0)).outcome, Outcome::Applied);
    assert_eq!(world.on_hand(item, bin), whole(1));
}

#[test]
fn the_average_cost_moves_with_each_costed_receipt() {
    let (mut world, item, bin) = World::new(1);
    let costed = |units, minor| Receive {
        item,
        location: bin,
        lot: None,
        status: StockStatus::Available,
        qty: whole(units),
        unit_cost: Some(Money { minor, currency: "EUR".into() }),
        supplier: None,
        remarks: Remarks::default(),
    };
    world.push(0, 2_000_000, costed(10, 100));
    let first = world.log.last().unwrap().costs[&item].clone();
    world.facts.costs.insert(item, first);
    world.push(0, 3_000_000, costed(30, 200));
    assert_eq!(world.log.last().unwrap().costs[&item].average, 175 * 1_000_000);
}
