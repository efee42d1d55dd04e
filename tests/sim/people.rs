//! What people want to do, from what their screen shows and what lies before them. They take no more from a shelf than is
//! there, count what they see, and sometimes book what never happened and take it back later.

use crate::{device::Disk, dice::Dice, shelf::Shelf};
use serde_json::{Value, json};
use stillage_core::{
    action::{Action, Adjust, Archive, Count, Issue, Keep, Receive, Resolve, Reverse, Save, Transfer},
    decide::InboxKind,
    id::{BarcodeId, ChangeId, InboxId, ItemId, LocationId, MovementId},
    money::Money,
    quantity::Quantity,
    record::{Kind, Record, Ref, Tracking, merge::FieldChange},
    scope::Scope,
    seed,
    stock::{Cell, LotEntry, Remarks, StockStatus, lot_id},
};

/// What there is to work with.
#[derive(Debug, Default)]
pub struct Land {
    pub sites: Vec<LocationId>,
    /// Each with its site.
    pub bins: Vec<(LocationId, LocationId)>,
    pub items: Vec<(ItemId, Tracking)>,
}

/// What somebody is about to record.
#[derive(Debug)]
pub struct Intent {
    pub action: Action,
    /// It never happened.
    pub mistake: bool,
    /// Goods that go or come without a word just before.
    pub hidden: Option<(Cell, i64)>,
}

/// One person before one screen.
pub struct Person<'a> {
    pub dice: &'a mut Dice,
    pub land: &'a Land,
    pub disk: &'a Disk,
    pub shelf: &'a Shelf,
}

/// A cell as a person names it.
#[derive(Debug, Clone)]
pub struct Spot {
    pub cell: Cell,
    pub lot: Option<LotEntry>,
}

pub fn create(of: Ref, fields: &[(&str, Value)]) -> Action {
    let change = |(name, value): &(&str, Value)| edit(name, Value::Null, value.clone());
    let patch = fields.iter().map(change).collect();
    Save { record: of, create: true, base_version: 0, expected_version: None, patch }.into()
}

fn edit(field: &str, base: Value, value: Value) -> FieldChange {
    FieldChange { field: field.to_owned(), base, value }
}

pub fn count(spot: &Spot, held: i64) -> Action {
    let Cell { item, location, status, .. } = spot.cell;
    let (lot, counted) = (spot.lot.clone(), Quantity(held.max(0)));
    Count { item, location, lot, status, counted, remarks: Remarks::default() }.into()
}

/// One more of what is kept there.
pub fn receive(spot: &Spot) -> Action {
    let Cell { item, location, status, .. } = spot.cell;
    let (lot, qty, remarks) = (spot.lot.clone(), Quantity::whole(1), Remarks::default());
    Receive { item, location, lot, status, qty, unit_cost: None, supplier: None, remarks }.into()
}

impl Person<'_> {
    pub fn intend(&mut self) -> Option<Intent> {
        let plain = |action: Action| Intent { action, mistake: false, hidden: None };
        match self.dice.below(100) {
            0..22 => self.receive(),
            22..40 => self.issue(),
            40..52 => self.transfer(),
            52..58 => self.adjust(),
            58..74 => self.counted(),
            74..80 => self.reverse().map(plain),
            80..86 => self.edited(false).map(plain),
            86..90 => self.barcode().map(plain),
            90..92 => self.archive().map(plain),
            92..95 => self.new_item().map(plain),
            _ => self.resolve().map(plain),
        }
    }

    /// A bin of a site this device holds, and an item.
    pub fn spot(&mut self) -> Option<Spot> {
        let held = |(_, site): &&(LocationId, LocationId)| self.disk.cursors.contains_key(&Scope::Site(*site));
        let bins: Vec<_> = self.land.bins.iter().filter(held).collect();
        let location = self.dice.pick(&bins)?.0;
        let (item, tracking) = self.item()?;
        let lot = match tracking {
            Tracking::None => None,
            Tracking::Lot => Some(format!("L{}", self.dice.below(2))),
            Tracking::Serial => Some(format!("S{}", self.dice.below(3))),
        };
        let lot = lot.map(|code| LotEntry { code, expiry: self.dice.chance(100).then(|| "2027-05-01".to_owned()) });
        let status = if self.dice.chance(60) { StockStatus::Quarantine } else { StockStatus::Available };
        let cell = Cell { item, location, lot: lot.as_ref().map(|lot| lot_id(item, &lot.code)), status };
        Some(Spot { cell, lot })
    }

    /// One of those that were there from the start, or one that somebody made since.
    fn item(&mut self) -> Option<(ItemId, Tracking)> {
        if self.dice.chance(850) {
            return self.dice.pick(&self.land.items).copied();
        }
        let records = self.disk.base.records.range(Ref { kind: Kind::Item, id: uuid::Uuid::nil() }..);
        let items = records.take_while(|(of, _)| of.kind == Kind::Item).map(|(of, _)| ItemId(of.id));
        let first = |item: &ItemId| self.land.items.iter().any(|(of, _)| of == item);
        let made: Vec<(ItemId, Tracking)> =
            items.filter(|item| !first(item)).map(|item| (item, Tracking::None)).collect();
        self.dice.pick(if made.is_empty() { &self.land.items } else { &made }).copied()
    }

    fn units(&mut self, spot: &Spot, most: i64) -> Option<Quantity> {
        let serial = self.land.items.contains(&(spot.cell.item, Tracking::Serial));
        let most = if serial { most.min(1) } else { most };
        (most > 0).then(|| Quantity::whole(self.dice.between(1, most + 1)))
    }

    fn mistake(&mut self) -> bool {
        self.dice.chance(80)
    }

    fn receive(&mut self) -> Option<Intent> {
        let spot = self.spot()?;
        let qty = self.units(&spot, 9)?;
        let Cell { item, location, status, .. } = spot.cell;
        let paid = self.dice.chance(200).then(|| Money { minor: self.dice.between(1, 900), currency: "EUR".into() });
        let remarks = Remarks::default();
        let action = Receive { item, location, lot: spot.lot, status, qty, unit_cost: paid, supplier: None, remarks };
        Some(Intent { action: action.into(), mistake: self.mistake(), hidden: None })
    }

    fn issue(&mut self) -> Option<Intent> {
        let spot = self.spot()?;
        let mistake = self.mistake();
        let there = if mistake { 5 } else { self.shelf.units(&spot.cell) };
        let qty = self.units(&spot, there.min(9))?;
        let Cell { item, location, status, .. } = spot.cell;
        let action = Issue { item, location, lot: spot.lot, status, qty, remarks: Remarks::default() };
        Some(Intent { action: action.into(), mistake, hidden: None })
    }

    fn transfer(&mut self) -> Option<Intent> {
        let spot = self.spot()?;
        let qty = self.units(&spot, self.shelf.units(&spot.cell).min(9))?;
        let (to, _) = *self.dice.pick(&self.land.bins)?;
        let Cell { item, location: from, status, .. } = spot.cell;
        let to_status = self.dice.chance(150).then_some(StockStatus::Quarantine);
        let action = Transfer { item, from, to, lot: spot.lot, status, to_status, qty, remarks: Remarks::default() };
        Some(Intent { action: action.into(), mistake: false, hidden: None })
    }

    fn adjust(&mut self) -> Option<Intent> {
        let spot = self.spot()?;
        let out = self.dice.chance(500);
        let most = if out { self.shelf.units(&spot.cell).min(4) } else { 4 };
        let qty = self.units(&spot, most)?;
        let (delta, code) = if out { (qty.negated(), "DAMAGED") } else { (qty, "FOUND") };
        let Cell { item, location, status, .. } = spot.cell;
        let remarks = Remarks { reason: Some(seed::reason(code)), ..Remarks::default() };
        let action = Adjust { item, location, lot: spot.lot, status, delta, expected_on_hand: None, remarks };
        Some(Intent { action: action.into(), mistake: self.mistake(), hidden: None })
    }

    fn counted(&mut self) -> Option<Intent> {
        let spot = self.spot()?;
        let there = self.shelf.held(&spot.cell);
        let lost = if self.dice.chance(250) { -Quantity::whole(1).0 } else { 0 };
        let hidden = (lost < 0 && there + lost >= 0).then_some((spot.cell, lost));
        let held = there + hidden.map_or(0, |(_, delta)| delta);
        Some(Intent { action: count(&spot, held), mistake: false, hidden })
    }

    fn reverse(&mut self) -> Option<Action> {
        let change = *self.dice.pick(&self.shelf.mistakes)?;
        Some(Reverse { movement: MovementId(change.0), note: None }.into())
    }

    fn shown(&mut self, kind: Kind) -> Option<Record> {
        let records = self.disk.base.records.range(Ref { kind, id: uuid::Uuid::nil() }..);
        let of: Vec<Ref> = records.take_while(|(of, _)| of.kind == kind).map(|(of, _)| *of).collect();
        let of = *self.dice.pick(&of)?;
        self.disk.base.record(of, &self.disk.shown())
    }

    /// A new name, level or spelling; with a field that only a newer version knows, if asked for.
    pub fn edited(&mut self, unknown: bool) -> Option<Action> {
        let record = self.shown(Kind::Item)?;
        let stored = |name: &str| record.fields.get(name).cloned().unwrap_or(Value::Null);
        let number = self.dice.below(1000);
        let (field, value) = match self.dice.below(4) {
            0 | 1 => ("name", json!(format!("name {number}"))),
            2 => ("reorder_point", json!(number.to_string())),
            _ => ("aliases", json!([format!("alias {}", number % 5), format!("alias {}", number % 7)])),
        };
        let mut patch = vec![edit(field, stored(field), value)];
        if unknown {
            patch.push(edit("from_the_future", stored("from_the_future"), json!({ "n": number })));
        }
        let base_version = record.version;
        Some(Save { record: record.of, create: false, base_version, expected_version: None, patch }.into())
    }

    fn barcode(&mut self) -> Option<Action> {
        let (item, _) = *self.dice.pick(&self.land.items)?;
        let code = format!("400{}", self.dice.below(5));
        let of = Ref::from(BarcodeId(self.dice.uuid()));
        Some(create(of, &[("item", json!(item)), ("code", json!(code))]))
    }

    fn new_item(&mut self) -> Option<Action> {
        let of = Ref::from(ItemId(self.dice.uuid()));
        let sku = format!("NEW-{}", self.dice.below(3));
        Some(create(of, &[("sku", json!(sku)), ("name", json!("new"))]))
    }

    fn archive(&mut self) -> Option<Action> {
        let kind = [Kind::Barcode, Kind::Barcode, Kind::Item, Kind::Location][self.dice.index(4)];
        let record = self.shown(kind)?;
        let archived = !record.archived;
        Some(Archive { record: record.of, archived, expected_version: None }.into())
    }

    fn resolve(&mut self) -> Option<Action> {
        let record = (0..4).find_map(|_| self.shown(Kind::Inbox).filter(|row| row.text("state") == Some("open")))?;
        let kind: InboxKind = serde_json::from_value(record.fields.get("kind")?.clone()).ok()?;
        let keep = match kind {
            InboxKind::AmbiguousCount => self.truth(&record)?,
            _ => *self.dice.pick(Keep::offered(kind))?,
        };
        let value = if keep == Keep::Value { json!(format!("value {}", self.dice.below(1000))) } else { Value::Null };
        Some(Resolve { inbox: InboxId(record.of.id), keep, value }.into())
    }

    /// Whoever counted remembers what came first.
    fn truth(&self, row: &Record) -> Option<Keep> {
        let details = row.fields.get("details")?;
        let change = |name: &str| details.get(name)?.as_str()?.parse::<ChangeId>().ok();
        let moved = || details.get("movement")?.as_str()?.parse::<MovementId>().ok();
        let other = moved().map(|movement| ChangeId(movement.0)).or_else(|| change("other"))?;
        let (seen, other) = (self.shelf.acts.get(&change("count")?)?, self.shelf.acts.get(&other)?);
        let before = if other.t < seen.t { "before" } else { "after" };
        Some(if details.get("applied")? == before { Keep::Mine } else { Keep::Theirs })
    }
}
