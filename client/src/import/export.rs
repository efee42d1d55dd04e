//! Writes what an import reads: a file that comes back in unchanged. Texts stand in quotes where a
//! spreadsheet needs them; numbers have a point, and every row ends the same way.

use super::ImportKind;
use crate::{
    Engine, Failure,
    store::queries::{self, cells, items::barcodes, locations},
};
use rusqlite::Connection;
use std::collections::HashMap;
use stillage_core::{
    quantity::Quantity,
    record::{Item, Kind, Pack, Record, Tracking},
};
use uuid::Uuid;

/// The whole file.
pub async fn export(engine: &Engine, kind: ImportKind) -> Result<String, Failure> {
    engine
        .read(move |conn| {
            let rows = match kind {
                ImportKind::Items => items(conn)?,
                ImportKind::Locations => places(conn)?,
                ImportKind::Stock => stock(conn)?,
            };
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in rows {
                writer.write_record(row).map_err(Failure::internal)?;
            }
            let bytes = writer.into_inner().map_err(Failure::internal)?;
            String::from_utf8(bytes).map_err(Failure::internal)
        })
        .await
}

type Rows = Vec<Vec<String>>;

fn heading(names: &[&str]) -> Rows {
    vec![names.iter().map(|name| (*name).to_owned()).collect()]
}

fn items(conn: &Connection) -> rusqlite::Result<Rows> {
    let mut rows = heading(ImportKind::Items.fields());
    let categories = categories(conn)?;
    let mut live: Vec<(String, Record)> =
        queries::all(conn, Kind::Item)?.into_iter().filter_map(|record| Some((record.key()?, record))).collect();
    live.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, record) in live {
        let item: Item = queries::view(&record)?;
        let number = |number: Option<Quantity>| number.map(|number| number.to_string()).unwrap_or_default();
        rows.push(vec![
            item.sku,
            item.name,
            record.text("description").unwrap_or_default().to_owned(),
            item.base_unit,
            item.display_scale.to_string(),
            item.packs.iter().map(pack).collect::<Vec<_>>().join(" | "),
            match item.tracking {
                Tracking::None => "none",
                Tracking::Lot => "lot",
                Tracking::Serial => "serial",
            }
            .to_owned(),
            item.category.and_then(|id| categories.get(&id.0).cloned()).unwrap_or_default(),
            number(item.min),
            number(item.reorder_point),
            item.aliases.join(" | "),
            scannable(conn, record.of.id)?,
        ]);
    }
    Ok(rows)
}

fn pack(pack: &Pack) -> String {
    match pack.denominator {
        1 => format!("{}={}", pack.code, pack.numerator),
        denominator => format!("{}={}/{denominator}", pack.code, pack.numerator),
    }
}

fn scannable(conn: &Connection, item: Uuid) -> rusqlite::Result<String> {
    let codes = barcodes(conn, item)?.into_iter().map(|row| match (row.unit.as_str(), row.units_per_scan.as_str()) {
        ("", "1") => row.code,
        (unit, "1") => format!("{}={unit}", row.code),
        (unit, units) => format!("{}={unit}*{units}", row.code),
    });
    Ok(codes.collect::<Vec<_>>().join(" | "))
}

/// The way to every category, `Tools > Hand tools`.
fn categories(conn: &Connection) -> rusqlite::Result<HashMap<Uuid, String>> {
    let records = queries::all(conn, Kind::Category)?;
    let by_id: HashMap<Uuid, &Record> = records.iter().map(|record| (record.of.id, record)).collect();
    let path = |record: &Record| {
        let mut names = vec![record.name().to_owned()];
        let mut above = record.parent();
        while let Some(parent) = above.and_then(|id| by_id.get(&id)).filter(|_| names.len() < 32) {
            names.push(parent.name().to_owned());
            above = parent.parent();
        }
        names.reverse();
        names.join(" > ")
    };
    Ok(records.iter().map(|record| (record.of.id, path(record))).collect())
}

fn places(conn: &Connection) -> rusqlite::Result<Rows> {
    let mut rows = heading(&["code", "name", "parent", "role", "negative"]);
    let list = locations::list(conn, false)?;
    let codes: HashMap<String, String> = list.iter().map(|row| (row.id.clone(), row.code.clone())).collect();
    let word = |value: serde_json::Result<serde_json::Value>| {
        value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    };
    for row in list {
        let parent = row.parent.and_then(|id| codes.get(&id).cloned()).unwrap_or_default();
        let (role, negative) = (serde_json::to_value(row.role), serde_json::to_value(row.negative));
        rows.push(vec![row.code, row.name, parent, word(role), word(negative)]);
    }
    Ok(rows)
}

/// What lies where. Less than nothing cannot be opening stock and is left out.
fn stock(conn: &Connection) -> rusqlite::Result<Rows> {
    let mut rows = heading(&["sku", "location", "qty", "lot", "serial", "expiry", "status"]);
    let mut every = Vec::new();
    for place in locations::list(conn, true)? {
        every.extend(place.id.parse::<stillage_core::id::LocationId>().ok().map(|id| id.0));
    }
    for cell in cells::in_locations(conn, &every, (0, u32::MAX))?.rows {
        if cell.on_hand.starts_with('-') {
            continue;
        }
        let (lot, serial, expiry) = match cell.lot {
            Some(lot) if lot.serial => (String::new(), lot.code, lot.expiry),
            Some(lot) => (lot.code, String::new(), lot.expiry),
            None => (String::new(), String::new(), None),
        };
        let expiry = expiry.unwrap_or_default();
        rows.push(vec![cell.item.sku, cell.location.code, cell.on_hand, lot, serial, expiry, cell.status]);
    }
    Ok(rows)
}
