//! Items from a file: by SKU, whatever its case. Spellings that differ only by case are one item,
//! the first one its SKU and the others its aliases. Barcodes and categories come along.

use super::{Mints, Plan, Step, cells::Cells, cells::Sheet};
use crate::{
    Failure,
    commands::save::patch,
    store::queries::{self, items::barcodes, search},
};
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use stillage_core::{
    action::Action,
    record::{Kind, Record, Ref},
    text::fold,
};
use uuid::Uuid;

/// Fields that are taken as they stand, and whether an empty cell takes the value away.
const TEXTS: &[(&str, bool)] = &[("name", true), ("description", true), ("base_unit", false)];

const TRACKING: &[(&str, &str)] = &[
    ("none", "none"),
    ("lot", "lot"),
    ("serial", "serial"),
    ("keine", "none"),
    ("charge", "lot"),
    ("seriennummer", "serial"),
];

/// One item as the file wants it.
struct Wanted {
    row: u32,
    sku: String,
    fields: Map<String, Value>,
    /// Other spellings in this file.
    twins: Vec<String>,
    barcodes: Vec<Scannable>,
    category: Option<String>,
}

struct Scannable {
    code: String,
    unit: String,
    units: String,
}

pub fn plan(conn: &Connection, sheet: &Sheet, mint: Mints<'_>) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut by_sku: HashMap<String, usize> = HashMap::new();
    let mut codes: HashMap<String, (u32, String)> = HashMap::new();
    for mut cells in sheet.rows() {
        let item = read(&mut cells);
        claim_codes(conn, &mut cells, &mut codes, &item)?;
        keep_fixed(conn, &mut cells, &item)?;
        let twin = by_sku.get(&fold(&item.sku)).copied();
        duplicate(&mut cells, twin.map(|at| &wanted[at]), &item.sku);
        match twin {
            _ if !cells.bad.is_empty() => plan.bad.append(&mut cells.bad),
            Some(at) => wanted[at].join(item),
            None => {
                by_sku.insert(fold(&item.sku), wanted.len());
                wanted.push(item);
            }
        }
    }
    let mut categories = Categories::load(conn)?;
    for item in wanted {
        plan.steps.push(step(conn, sheet, item, (&mut categories, mint))?);
    }
    Ok(plan)
}

/// Reads a row to its end, so that everything wrong with it is said at once.
fn read(cells: &mut Cells<'_>) -> Wanted {
    let mut fields = Map::new();
    let sku = cells.text("sku").unwrap_or_default();
    if sku.is_empty() {
        cells.complain("sku", "MISSING", "Every item needs a SKU.");
    } else {
        cells.unmangled("sku", sku);
        fields.extend(cells.checked(Kind::Item, "sku", json!(sku)).map(|value| ("sku".to_owned(), value)));
    }
    for &(field, clears) in TEXTS {
        let text = cells.text(field);
        if cells.has(field) && (clears || text.is_some()) {
            let value = cells.checked(Kind::Item, field, text.map_or(Value::Null, |text| json!(text)));
            fields.extend(value.map(|value| (field.to_owned(), value)));
        }
    }
    for field in ["min", "reorder_point"] {
        if cells.has(field) {
            let number = cells.plain(field).map_or(Value::Null, Value::String);
            let value = cells.checked(Kind::Item, field, number);
            fields.extend(value.map(|value| (field.to_owned(), value)));
        }
    }
    if let Some(scale) = cells.text("display_scale") {
        let number = scale.parse::<i64>().map_or(json!(scale), |number| json!(number));
        let value = cells.checked(Kind::Item, "display_scale", number);
        fields.extend(value.map(|value| ("display_scale".to_owned(), value)));
    }
    if let Some(tracking) = cells.word("tracking", TRACKING) {
        fields.insert("tracking".into(), json!(tracking));
    }
    if cells.has("packs") {
        fields.extend(packs(cells).map(|value| ("packs".to_owned(), value)));
    }
    if cells.has("aliases") {
        let aliases: Vec<&str> = parts(cells.text("aliases")).collect();
        let value = if aliases.is_empty() { Value::Null } else { json!(aliases) };
        let value = cells.checked(Kind::Item, "aliases", value);
        fields.extend(value.map(|value| ("aliases".to_owned(), value)));
    }
    let barcodes = parts(cells.text("barcode")).map(scannable).collect();
    let category = cells.text("category").map(str::to_owned);
    Wanted { row: cells.number(), sku: sku.to_owned(), fields, twins: Vec::new(), barcodes, category }
}

/// Several values of one cell stand between bars.
fn parts(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split('|').map(str::trim).filter(|part| !part.is_empty())
}

/// `BOX=12 | PAL=480`, or `PAIR=1/2`.
fn packs(cells: &mut Cells<'_>) -> Option<Value> {
    let mut packs = Vec::new();
    for part in parts(cells.text("packs")) {
        let ratio = part.split_once('=').and_then(|(code, ratio)| {
            let (numerator, denominator) = ratio.split_once('/').unwrap_or((ratio, "1"));
            Some((code.trim(), numerator.trim().parse::<i64>().ok()?, denominator.trim().parse::<i64>().ok()?))
        });
        let Some((code, numerator, denominator)) = ratio else {
            cells.complain("packs", "NOT_A_PACK", "Write packs as BOX=12 | PAL=480.");
            return None;
        };
        packs.push(json!({ "code": code, "numerator": numerator, "denominator": denominator }));
    }
    let value = if packs.is_empty() { Value::Null } else { Value::Array(packs) };
    cells.checked(Kind::Item, "packs", value)
}

/// `4006381333931`, or `4006381333931=BOX`, or `4006381333931=BOX*2`.
fn scannable(text: &str) -> Scannable {
    let (code, unit) = text.split_once('=').unwrap_or((text, ""));
    let (unit, units) = unit.split_once('*').unwrap_or((unit, "1"));
    Scannable { code: code.trim().to_owned(), unit: unit.trim().to_owned(), units: units.trim().to_owned() }
}

fn duplicate(cells: &mut Cells<'_>, known: Option<&Wanted>, sku: &str) {
    if let Some(known) = known
        && (known.sku == sku || known.twins.iter().any(|twin| twin == sku))
    {
        cells.complain("sku", "DUPLICATE", format!("Row {} has this SKU already.", known.row));
    }
}

/// The unit and the tracking of an item that exists stay what its ledger is written in.
fn keep_fixed(conn: &Connection, cells: &mut Cells<'_>, item: &Wanted) -> Result<(), Failure> {
    let asked = ["base_unit", "tracking"].into_iter().filter(|field| item.fields.contains_key(*field));
    let asked: Vec<&str> = asked.collect();
    let Some(now) = (if asked.is_empty() { None } else { search::item_by_sku(conn, &item.sku)? }) else {
        return Ok(());
    };
    for field in asked {
        let held = now.fields.get(field).filter(|held| !held.is_null());
        if held.is_some_and(|held| item.fields.get(field) != Some(held)) {
            cells.complain(field, "FIXED", "It cannot be changed once the item exists.");
        }
    }
    Ok(())
}

/// A barcode belongs to one item, in the file and beyond it.
fn claim_codes(
    conn: &Connection,
    cells: &mut Cells<'_>,
    codes: &mut HashMap<String, (u32, String)>,
    item: &Wanted,
) -> Result<(), Failure> {
    let mut owner = None;
    for barcode in &item.barcodes {
        if !cells.scannable("barcode", &barcode.code) {
            continue;
        }
        if barcode.units.parse::<stillage_core::quantity::Quantity>().is_err() {
            cells.complain("barcode", "NOT_A_QUANTITY", format!("{:?} units per scan is no number.", barcode.units));
        }
        let folded = fold(&barcode.code);
        match codes.get(&folded) {
            Some((row, sku)) if *sku != fold(&item.sku) => {
                cells.complain("barcode", "DUPLICATE", format!("Row {row} has the barcode {}.", barcode.code));
            }
            Some(_) => {}
            None => {
                codes.insert(folded, (cells.number(), fold(&item.sku)));
            }
        }
        let holder = queries::by_key(conn, Kind::Barcode, &barcode.code)?.and_then(|found| found.parent());
        if let Some(holder) = holder {
            if owner.is_none() {
                owner = Some(search::item_by_sku(conn, &item.sku)?.map(|found| found.of.id));
            }
            if owner != Some(Some(holder)) {
                cells.complain("barcode", "KEY_TAKEN", format!("{} belongs to another item.", barcode.code));
            }
        }
    }
    Ok(())
}

impl Wanted {
    /// Another spelling of the same SKU adds what was missing.
    fn join(&mut self, twin: Self) {
        for (name, value) in twin.fields {
            let held = self.fields.entry(name).or_insert(Value::Null);
            if held.is_null() {
                *held = value;
            }
        }
        self.twins.push(twin.sku);
        self.barcodes.extend(twin.barcodes);
        self.category = self.category.take().or(twin.category);
    }
}

fn step(
    conn: &Connection,
    sheet: &Sheet,
    wanted: Wanted,
    (categories, mint): (&mut Categories, Mints<'_>),
) -> Result<Step, Failure> {
    let joined = u32::try_from(wanted.twins.len()).unwrap_or(u32::MAX);
    let mut step = Step { row: wanted.row, joined, actions: Vec::new() };
    let now = search::item_by_sku(conn, &wanted.sku)?;
    let of = now.as_ref().map_or_else(|| Ref { kind: Kind::Item, id: mint() }, |record| record.of);
    let Wanted { mut fields, mut twins, barcodes, category, .. } = wanted;
    if let Some(held) = now.as_ref().and_then(|record| record.text("sku")) {
        // The item keeps the spelling it has; the file's is another name of it.
        if held != wanted.sku {
            twins.push(wanted.sku);
        }
        twins.retain(|twin| twin != held);
        fields.remove("sku");
    }
    add_aliases(&mut fields, now.as_ref(), twins);
    if sheet.columns.has("category") {
        let id = match category {
            Some(path) => categories.id(&path, &mut step.actions, mint)?.map_or(Value::Null, |of| json!(of)),
            None => Value::Null,
        };
        fields.insert("category".into(), id);
    }
    let save = patch(Kind::Item, of, now.as_ref(), fields)?;
    if !save.patch.is_empty() {
        step.actions.push(save.into());
    }
    scan(conn, of, barcodes, &mut step.actions, mint)?;
    Ok(step)
}

fn add_aliases(fields: &mut Map<String, Value>, now: Option<&Record>, twins: Vec<String>) {
    if twins.is_empty() {
        return;
    }
    let held = fields.get("aliases").cloned().or_else(|| now.and_then(|record| record.fields.get("aliases").cloned()));
    let mut aliases = held.and_then(|value| value.as_array().cloned()).unwrap_or_default();
    for twin in twins {
        if !aliases.contains(&json!(twin)) {
            aliases.push(json!(twin));
        }
    }
    fields.insert("aliases".into(), Value::Array(aliases));
}

/// Barcodes the item does not have yet, or has with another unit.
fn scan(
    conn: &Connection,
    item: Ref,
    wanted: Vec<Scannable>,
    actions: &mut Vec<Action>,
    mint: Mints<'_>,
) -> Result<(), Failure> {
    if wanted.is_empty() {
        return Ok(());
    }
    let held = barcodes(conn, item.id)?;
    for barcode in wanted {
        let known = held.iter().find(|known| fold(&known.code) == fold(&barcode.code));
        let now = match known.and_then(|known| known.id.parse::<Ref>().ok()) {
            Some(of) => queries::record(conn, of)?,
            None => None,
        };
        let of = now.as_ref().map_or_else(|| Ref { kind: Kind::Barcode, id: mint() }, |record| record.of);
        let mut fields = Map::new();
        if now.is_none() {
            fields.insert("item".into(), json!(item));
            fields.insert("code".into(), json!(barcode.code));
        }
        if !barcode.unit.is_empty() {
            fields.insert("unit".into(), json!(barcode.unit));
            fields.insert("units_per_scan".into(), json!(barcode.units));
        }
        let save = patch(Kind::Barcode, of, now.as_ref(), fields)?;
        if !save.patch.is_empty() {
            actions.push(save.into());
        }
    }
    Ok(())
}

/// Categories by their place in the tree, made as they are needed.
struct Categories(HashMap<(Option<Uuid>, String), Uuid>);

impl Categories {
    fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let records = queries::all(conn, Kind::Category)?;
        let live = records.iter().filter(|record| !record.archived);
        Ok(Self(live.map(|record| ((record.parent(), fold(record.name())), record.of.id)).collect()))
    }

    /// The category at the end of `Tools > Hand tools`.
    fn id(&mut self, path: &str, actions: &mut Vec<Action>, mint: Mints<'_>) -> Result<Option<Ref>, Failure> {
        let mut parent: Option<Uuid> = None;
        for name in path.split('>').map(str::trim).filter(|name| !name.is_empty()) {
            let key = (parent, fold(name));
            if let Some(&id) = self.0.get(&key) {
                parent = Some(id);
                continue;
            }
            let of = Ref { kind: Kind::Category, id: mint() };
            let mut fields = Map::from_iter([("name".to_owned(), json!(name))]);
            if let Some(id) = parent {
                fields.insert("parent".into(), json!(Ref { kind: Kind::Category, id }));
            }
            actions.push(patch(Kind::Category, of, None, fields)?.into());
            self.0.insert(key, of.id);
            parent = Some(of.id);
        }
        Ok(parent.map(|id| Ref { kind: Kind::Category, id }))
    }
}
