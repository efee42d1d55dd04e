//! Opening stock from a file: each row is a receipt with the reason OPENING. A row of zero is good
//! and records nothing.

use super::{Plan, Step, cells::Cells, cells::Sheet};
use crate::{
    Failure,
    commands::stock::{StockEntry, Verb, action, amount},
    store::queries::{self, scan::standing, search},
};
use rusqlite::Connection;
use std::collections::HashMap;
use stillage_core::{
    action::Action,
    id::{ItemId, LocationId},
    money::Money,
    quantity::Quantity,
    record::{Item, Kind, Tracking},
    seed,
    stock::StockStatus,
    text::fold,
};

const STATUS: &[(&str, StockStatus)] = &[
    ("available", StockStatus::Available),
    ("quarantine", StockStatus::Quarantine),
    ("damaged", StockStatus::Damaged),
    ("hold", StockStatus::Hold),
    ("frei", StockStatus::Available),
    ("quarantäne", StockStatus::Quarantine),
    ("beschädigt", StockStatus::Damaged),
    ("gesperrt", StockStatus::Hold),
];

/// What the file names, looked up once.
#[derive(Default)]
struct Known {
    items: HashMap<String, Option<(ItemId, Item)>>,
    locations: HashMap<String, Option<LocationId>>,
}

pub fn plan(conn: &Connection, sheet: &Sheet) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let mut known = Known::default();
    let mut serials: HashMap<(ItemId, String), u32> = HashMap::new();
    for mut cells in sheet.rows() {
        let action = row(conn, &mut cells, &mut known, &mut serials)?;
        if cells.bad.is_empty() {
            plan.steps.push(Step { row: cells.number(), joined: 0, actions: action.into_iter().collect() });
        }
        plan.bad.append(&mut cells.bad);
    }
    Ok(plan)
}

fn row(
    conn: &Connection,
    cells: &mut Cells<'_>,
    known: &mut Known,
    serials: &mut HashMap<(ItemId, String), u32>,
) -> Result<Option<Action>, Failure> {
    let item = known.item(conn, cells)?;
    let location = known.location(conn, cells)?;
    let status = cells.word("status", STATUS);
    let expiry = cells.date("expiry");
    let cost = cost(cells);
    let qty = quantity(cells);
    let (Some((item, view)), Some(location)) = (&item, location) else {
        // What can be said of the amount is said at once, not after the rest was corrected.
        if let Some(failure) = item.and_then(|(_, view)| amount(&qty, &view).err()) {
            cells.complain("qty", failure.code.name(), failure.message);
        }
        return Ok(None);
    };
    let item = *item;
    let text = |cells: &Cells<'_>, field: &str| cells.text(field).map(str::to_owned);
    if let Some(serial) = cells.text("serial")
        && let Some(row) = serials.insert((item, fold(serial)), cells.number())
    {
        cells.complain("serial", "DUPLICATE", format!("Row {row} has this serial already."));
    }
    tracked(cells, view);
    if !cells.bad.is_empty() {
        return Ok(None);
    }
    let entry = StockEntry {
        item,
        location,
        qty,
        to: None,
        status,
        to_status: None,
        // A serial in the lot's column is a serial all the same.
        lot: text(cells, "lot").filter(|_| cells.text("serial").is_none()),
        expiry,
        serial: text(cells, "serial"),
        reason: Some(seed::reason("OPENING")),
        note: text(cells, "note"),
        reference: text(cells, "reference"),
        cost,
    };
    let action = match action(conn, Verb::Receive, entry) {
        Ok(action) => action,
        Err(failure) => {
            cells.complain("qty", failure.code.name(), failure.message);
            return Ok(None);
        }
    };
    Ok(amount_is_sound(cells, &action, view).then_some(action))
}

/// Whether there is something to record; complains about what can never be.
fn amount_is_sound(cells: &mut Cells<'_>, action: &Action, item: &Item) -> bool {
    let Action::Receive(receive) = action else { return false };
    if receive.qty < Quantity::ZERO {
        cells.complain("qty", "QUANTITY_OUT_OF_RANGE", "Opening stock cannot be less than nothing.");
    }
    if receive.qty.scale() > item.display_scale {
        let reason = format!("{} is kept in {} decimal places.", item.sku, item.display_scale);
        cells.complain("qty", "QUANTITY_TOO_PRECISE", reason);
    }
    if item.tracking == Tracking::Serial && receive.qty > Quantity::whole(1) {
        cells.complain("qty", "SERIAL_IS_ONE", "A serial is one unit.");
    }
    cells.bad.is_empty() && receive.qty > Quantity::ZERO
}

fn tracked(cells: &mut Cells<'_>, item: &Item) {
    let named = cells.text("lot").is_some() || cells.text("serial").is_some();
    match item.tracking {
        Tracking::Lot if !named => cells.complain("lot", "LOT_REQUIRED", "This item is kept by lot."),
        Tracking::Serial if !named => cells.complain("serial", "SERIAL_REQUIRED", "This item is kept by serial."),
        Tracking::None if named => cells.complain("lot", "LOT_NOT_KEPT", "This item is not kept by lot or serial."),
        Tracking::None | Tracking::Lot | Tracking::Serial => {}
    }
}

/// The number with its unit, in the file's decimal sign turned to a point.
fn quantity(cells: &Cells<'_>) -> String {
    let number = cells.plain("qty").unwrap_or_default();
    // `3 BOX + 7 EA` is read as it stands: taking blanks out of numbers must not join its words.
    let number = match cells.text("qty") {
        Some(text) if text.contains(char::is_alphabetic) => text.to_owned(),
        _ => number,
    };
    match cells.text("base_unit") {
        Some(unit) if !number.contains(char::is_alphabetic) && !number.is_empty() => format!("{number} {unit}"),
        _ => number,
    }
}

/// `2.50 EUR`, or the amount with a column for the currency.
fn cost(cells: &mut Cells<'_>) -> Option<Money> {
    let text = cells.text("cost")?;
    let (amount, beside) = match text.rsplit_once(' ') {
        Some((amount, currency)) if currency.chars().all(char::is_alphabetic) => (amount, Some(currency)),
        _ => (text, None),
    };
    let Some(currency) = beside.or_else(|| cells.text("currency")) else {
        cells.complain("cost", "MISSING", "Say the currency: 2.50 EUR.");
        return None;
    };
    let cost = Money::read(&cells.decimal().plain(amount), currency).ok().filter(Money::is_cost);
    if cost.is_none() {
        cells.complain("cost", "NOT_AN_AMOUNT", "Write the cost as 2.50 EUR, or 300 JPY.");
    }
    cost
}

impl Known {
    fn item(&mut self, conn: &Connection, cells: &mut Cells<'_>) -> Result<Option<(ItemId, Item)>, Failure> {
        let field = if cells.text("sku").is_some() { "sku" } else { "barcode" };
        let Some(code) = cells.text(field) else {
            cells.complain(if cells.has("sku") { "sku" } else { field }, "MISSING", "Say which item it is.");
            return Ok(None);
        };
        if !cells.unmangled(field, code) {
            return Ok(None);
        }
        let key = fold(code);
        if !self.items.contains_key(&key) {
            let found = match search::item_named(conn, code)? {
                Some(id) => standing(conn, id)?,
                None => None,
            };
            let view = match found {
                Some(record) => Some((ItemId(record.of.id), queries::view::<Item>(&record)?)),
                None => None,
            };
            self.items.insert(key.clone(), view);
        }
        let known = self.items.get(&key).cloned().flatten();
        if known.is_none() {
            cells.complain(field, "NOT_FOUND", format!("There is no item {code}."));
        }
        Ok(known)
    }

    fn location(&mut self, conn: &Connection, cells: &mut Cells<'_>) -> Result<Option<LocationId>, Failure> {
        let Some(text) = cells.text("location") else {
            cells.complain("location", "MISSING", "Say where it lies.");
            return Ok(None);
        };
        let code = text.rsplit('>').next().unwrap_or(text).trim();
        let key = fold(code);
        if !self.locations.contains_key(&key) {
            let found = queries::by_key(conn, Kind::Location, code)?;
            let real = found.filter(|record| record.text("role") != Some("virtual"));
            self.locations.insert(key.clone(), real.map(|record| LocationId(record.of.id)));
        }
        let known = self.locations.get(&key).copied().flatten();
        if known.is_none() {
            cells.complain("location", "NOT_FOUND", format!("There is no location {code}."));
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{columns, table};
    use super::*;

    fn costs(file: &str) -> Vec<Result<(i64, String), String>> {
        let table = table::read(file.as_bytes()).unwrap();
        let columns = columns::find(&table.heading, None, &std::collections::BTreeMap::new()).unwrap();
        let sheet = Sheet::new(table, columns);
        let read = |mut cells: Cells<'_>| match cost(&mut cells) {
            Some(money) => Ok((money.minor, money.currency)),
            None => Err(cells.bad.remove(0).code),
        };
        sheet.rows().map(read).collect()
    }

    #[test]
    fn a_cost_is_read_in_the_digits_of_its_currency() {
        let read = costs(
            "sku;location;qty;cost;currency\nA;B;1;300;JPY\nA;B;1;1,234 KWD;\nA;B;1;2,5;eur\n\
             A;B;1;0,5;JPY\nA;B;1;-2,5;EUR\nA;B;1;2,5;\n",
        );
        let kept = |minor, currency: &str| Ok((minor, currency.to_owned()));
        let refused = |code: &str| Err(code.to_owned());
        assert_eq!(read[..3], [kept(300, "JPY"), kept(1234, "KWD"), kept(250, "EUR")]);
        assert_eq!(read[3..], [refused("NOT_AN_AMOUNT"), refused("NOT_AN_AMOUNT"), refused("MISSING")]);
    }
}
