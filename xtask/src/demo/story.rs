//! The story the demo tells: two people cut off from the network touch the same bin and the same items, go online,
//! and agree; what only a person can decide lies in an inbox and is decided.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::warehouse::{Desk, Warehouse};

#[derive(Debug)]
pub struct Verdict {
    pub agree: bool,
    pub conflicts: usize,
    pub resolved: usize,
    /// Acknowledged on a device, and unknown to the server when everything is settled.
    pub lost: usize,
}

/// Tells each step as it happens, on stderr when stdout is for a machine.
struct Teller {
    json: bool,
}

impl Teller {
    fn say(&self, line: &str) {
        if self.json {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    }
}

pub fn play(warehouse: &mut Warehouse, json: bool) -> Result<Verdict> {
    let teller = Teller { json };
    teller.say("\nAnna and Ben are pulled off the network.");
    for desk in &mut warehouse.desks {
        desk.call("app.cut", &json!({ "cut": true }))?;
    }
    apart(warehouse, &teller)?;
    for desk in &mut warehouse.desks {
        let status = desk.call("app.status", &json!({}))?;
        teller.say(&format!("  {} has {} changes nobody else knows of.", desk.person, status["outbox"]["count"]));
    }

    teller.say("Both go online.");
    for desk in &mut warehouse.desks {
        desk.call("app.cut", &json!({ "cut": false }))?;
    }
    warehouse.settle()?;
    let agreed_at_once = agree(warehouse, &teller)?;
    let (conflicts, resolved) = resolve(warehouse, &teller)?;
    warehouse.settle()?;
    let agree = agree(warehouse, &teller)? && agreed_at_once;
    let lost = lost(warehouse)?;
    Ok(Verdict { agree, conflicts, resolved, lost })
}

/// What each does alone: moves from one bin and counts it, names of one item, two fields of another.
fn apart(warehouse: &mut Warehouse, teller: &Teller) -> Result<()> {
    let [anna, ben] = &mut warehouse.desks;
    let bolt = item(anna, "BOLT-M8")?;
    let hinge = item(anna, "HINGE-80")?;
    let bins = bins(anna)?;
    let at = |qty: &str, to: Option<&str>| json!({ "item": bolt, "location": bins["A1"], "qty": qty, "to": to.map(|bin| &bins[bin]) });
    let count = |qty: &str| json!({ "item": bolt, "location": bins["A1"], "qty": qty });
    anna.call("stock.move", &at("6", Some("A2")))?;
    let seen = anna.call("stock.count", &count("33"))?;
    teller
        .say(&format!("  Anna moves 6 BOLT-M8 from A1 to A2 and counts A1: 33. Her screen says {}.", seen["on_hand"]));
    ben.call("stock.move", &at("1 BOX", Some("B1")))?;
    let seen = ben.call("stock.count", &count("22"))?;
    teller
        .say(&format!("  Ben moves a box of 12 from A1 to B1 and counts A1: 22. His screen says {}.", seen["on_hand"]));

    let save = |item: &str, field: &str, value: &str| json!({ "id": item, "fields": { field: value } });
    anna.call("items.save", &save(&bolt, "name", "Hexagon bolt M8 x 40"))?;
    ben.call("items.save", &save(&bolt, "name", "Bolt M8, 40 mm, zinc plated"))?;
    teller.say("  Both rename BOLT-M8, each in their own way.");
    anna.call("items.save", &save(&hinge, "name", "Hinge 80 mm, stainless"))?;
    ben.call("items.save", &save(&hinge, "reorder_point", "25"))?;
    teller.say("  Anna renames HINGE-80, Ben raises its reorder point.");
    Ok(())
}

/// Byte for byte: what both devices and the server hold.
fn agree(warehouse: &mut Warehouse, teller: &Teller) -> Result<bool> {
    let server = warehouse.server_dump()?;
    let mut agree = true;
    for desk in &warehouse.desks {
        let same = desk.dump()? == server;
        let word = if same { "exactly what the server holds" } else { "something else than the server" };
        teller.say(&format!("  {} holds {word}.", desk.person));
        agree &= same;
    }
    let anna = &mut warehouse.desks[0];
    for sku in ["BOLT-M8", "HINGE-80"] {
        let id = item(anna, sku)?;
        let card = anna.call("items.get", &json!({ "id": id }))?;
        let cells = card["cells"].as_array().into_iter().flatten();
        let cells: Vec<String> =
            cells.map(|cell| format!("{} {}", plain(&cell["location"]["code"]), plain(&cell["on_hand"]))).collect();
        teller.say(&format!(
            "  {sku} is {}, reorder point {}, in {}.",
            card["name"],
            plain(&card["reorder_point"]),
            cells.join(", ")
        ));
    }
    Ok(agree)
}

/// Answers every open conflict with one's own value; counts a card once, whoever sees it.
fn resolve(warehouse: &mut Warehouse, teller: &Teller) -> Result<(usize, usize)> {
    let mut cards: BTreeMap<String, (usize, Value)> = BTreeMap::new();
    for (at, desk) in warehouse.desks.iter_mut().enumerate() {
        let open = desk.call("inbox.list", &json!({ "state": "open" }))?;
        for card in open.as_array().into_iter().flatten().filter(|card| card["kind"] == "conflict") {
            cards.entry(plain(&card["id"])).or_insert((at, card.clone()));
        }
    }
    for (id, (at, card)) in &cards {
        let desk = &mut warehouse.desks[*at];
        teller.say(&format!(
            "{}'s inbox: {} of {}: was {}, mine {}, theirs {} ({}).",
            desk.person,
            plain(&card["field"]),
            plain(&card["subject"]["label"]),
            card["base"],
            card["mine"],
            card["theirs"],
            plain(&card["theirs_by"])
        ));
        desk.call("inbox.resolve", &json!({ "id": id, "keep": "mine" }))?;
        teller.say(&format!("  {} keeps the own one.", desk.person));
    }
    warehouse.settle()?;
    let mut still_open = 0;
    for desk in &mut warehouse.desks {
        let open = desk.call("inbox.list", &json!({ "state": "open" }))?;
        let ids = open.as_array().into_iter().flatten().map(|card| plain(&card["id"]));
        still_open += ids.filter(|id| cards.contains_key(id)).count();
    }
    Ok((cards.len(), cards.len().saturating_sub(still_open)))
}

/// Acknowledged changes that are neither in what everybody holds nor in anybody's inbox: a change
/// whose every value lost is a question there and nowhere else.
fn lost(warehouse: &mut Warehouse) -> Result<usize> {
    let mut known = warehouse.server_dump()?;
    for desk in &mut warehouse.desks {
        for state in ["open", "resolved"] {
            let cards = desk.call("inbox.list", &json!({ "state": state }))?;
            known.extend(cards.as_array().into_iter().flatten().map(|card| plain(&card["change"])));
        }
    }
    let all = warehouse.desks.iter().flat_map(|desk| &desk.acknowledged);
    Ok(all.filter(|change| !known.contains(change.as_str())).count())
}

fn item(desk: &mut Desk, sku: &str) -> Result<String> {
    let page = desk.call("items.list", &json!({ "search": sku, "offset": 0, "limit": 5 }))?;
    let rows = page["rows"].as_array().into_iter().flatten();
    let row = rows.into_iter().find(|row| row["sku"] == sku).with_context(|| format!("no item {sku}"))?;
    Ok(plain(&row["id"]))
}

fn bins(desk: &mut Desk) -> Result<BTreeMap<String, String>> {
    let rows = desk.call("locations.list", &json!({}))?;
    let rows = rows.as_array().into_iter().flatten();
    Ok(rows.map(|row| (plain(&row["code"]), plain(&row["id"]))).collect())
}

/// A text without its quotes; nothing as a dash.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}
