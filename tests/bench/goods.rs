//! A made-up catalogue: items with codes and names of several words, as a shop of fasteners would have them, one site
//! and its bins. The same for the same seed.

use crate::mint::Mint;
use serde_json::{Value, json};
use stillage_core::{
    action::{Action, Receive, Save},
    id::{ItemId, LocationId},
    quantity::Quantity,
    record::{Ref, merge::FieldChange},
    stock::{Remarks, StockStatus},
};

const MAKES: [&str; 12] = [
    "Hex",
    "Pan",
    "Countersunk",
    "Carriage",
    "Eye",
    "Wing",
    "Socket",
    "Slotted",
    "Flanged",
    "Shoulder",
    "Self-tapping",
    "Expansion",
];
const THINGS: [&str; 14] = [
    "bolt", "screw", "nut", "washer", "rivet", "anchor", "hook", "bracket", "hinge", "clamp", "stud", "pin", "plug",
    "bushing",
];
const FINISHES: [&str; 8] =
    ["zinc", "stainless A2", "stainless A4", "brass", "black oxide", "galvanised", "nylon", "chrome"];

pub const BINS: usize = 50;

#[derive(Debug, Clone)]
pub struct Item {
    pub id: ItemId,
    pub sku: String,
    pub name: String,
}

#[derive(Debug)]
pub struct Catalogue {
    pub site: LocationId,
    pub bins: Vec<LocationId>,
    pub items: Vec<Item>,
}

impl Catalogue {
    pub fn new(items: usize, mint: &mut Mint) -> Self {
        let bins = (0..BINS).map(|_| LocationId(mint.id())).collect();
        let items = (0..items).map(|n| item(n, mint)).collect();
        Self { site: LocationId(mint.id()), bins, items }
    }

    /// The actions that bring it into being: site and bins first.
    pub fn saves(&self) -> Vec<Action> {
        let place = |id: LocationId, pairs: &[(&str, Value)]| save(id.into(), pairs);
        let site = place(self.site, &[("code", json!("BENCH")), ("name", json!("Bench")), ("role", json!("site"))]);
        let bins = self.bins.iter().enumerate().map(|(n, id)| {
            let code = json!(format!("BIN-{n:02}"));
            place(*id, &[("code", code), ("parent", json!(self.site)), ("role", json!("storage"))])
        });
        let items = self.items.iter().map(|item| {
            let pairs = [("sku", json!(item.sku)), ("name", json!(item.name)), ("base_unit", json!("EA"))];
            save(item.id.into(), &pairs)
        });
        [site].into_iter().chain(bins).chain(items).collect()
    }

    /// So many receipts of items and into bins chosen at random.
    pub fn receipts(&self, count: usize, mint: &mut Mint) -> Vec<Action> {
        (0..count).map(|_| self.receipt(mint)).collect()
    }

    pub fn receipt(&self, mint: &mut Mint) -> Action {
        let item = self.items[mint.below(self.items.len())].id;
        receive(item, self.bins[mint.below(self.bins.len())], mint)
    }
}

pub fn receive(item: ItemId, location: LocationId, mint: &mut Mint) -> Action {
    let units = i64::try_from(1 + mint.below(99)).unwrap_or(1);
    Action::from(Receive {
        item,
        location,
        lot: None,
        status: StockStatus::Available,
        qty: Quantity::whole(units),
        unit_cost: None,
        supplier: None,
        remarks: Remarks::default(),
    })
}

/// What is written about an item the nth time somebody edits it.
pub fn description(edit: u32) -> String {
    format!("As the maker of fasteners describes it in list {edit} of this year")
}

/// The nth edit of what is written about an item; the one before it is what the person saw.
pub fn described(item: &Item, edit: u32) -> Action {
    let before = edit.checked_sub(1).filter(|before| *before > 0).map(|before| json!(description(before)));
    let patch = vec![FieldChange {
        field: "description".to_owned(),
        base: before.unwrap_or_default(),
        value: json!(description(edit)),
    }];
    let (record, base_version) = (item.id.into(), u64::from(edit));
    Action::from(Save { record, create: false, base_version, expected_version: None, patch })
}

fn item(n: usize, mint: &mut Mint) -> Item {
    let pick = |mint: &mut Mint, words: &[&'static str]| words[mint.below(words.len())];
    let (make, thing, finish) = (pick(mint, &MAKES), pick(mint, &THINGS), pick(mint, &FINISHES));
    let (thickness, length) = (2 + mint.below(29), 4 + 2 * mint.below(98));
    let initials: String = [make, thing].iter().filter_map(|word| word.chars().next()).collect();
    // Scattered, so that neighbours in the list are strangers in the catalogue.
    let number = (n * 7919) % 1_000_003;
    Item {
        id: ItemId(mint.id()),
        sku: format!("{}-{number:07}", initials.to_uppercase()),
        name: format!("{make} {thing} M{thickness}x{length} {finish}"),
    }
}

fn save(record: Ref, pairs: &[(&str, Value)]) -> Action {
    let patch = pairs.iter().map(|(field, value)| FieldChange {
        field: (*field).to_owned(),
        base: Value::Null,
        value: value.clone(),
    });
    Action::from(Save { record, create: true, base_version: 0, expected_version: None, patch: patch.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_hundred_thousand_items_have_as_many_codes() {
        let catalogue = Catalogue::new(100_000, &mut Mint::new(1));
        let codes: BTreeSet<String> = catalogue.items.iter().map(|item| item.sku.to_lowercase()).collect();
        assert_eq!(codes.len(), 100_000);
    }
}
