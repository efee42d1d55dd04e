//! What a scanned code stands for. A code is looked for as a barcode, a SKU or another name of an
//! item, a location, and a lot, in this order; only then is a bad check digit called a misread.

use super::{by_key, record, search, view};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use stillage_core::{
    gtin::{self, Scanned},
    id::ItemId,
    record::{Barcode, Item, Kind, Lot, Record, Ref},
    text,
};
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "hit", rename_all = "snake_case")]
pub enum ScanHit {
    /// `units` is how many base units one scan stands for.
    Item {
        item: String,
        units: String,
        lot: Option<String>,
    },
    Location {
        location: String,
    },
    Lot {
        item: String,
        lot: String,
    },
    /// The check digit is wrong.
    Misread {
        code: String,
    },
    Unknown {
        code: String,
    },
}

pub fn resolve(conn: &Connection, code: &str) -> rusqlite::Result<ScanHit> {
    let code = code.trim();
    if let Some(hit) = barcode(conn, code)? {
        return Ok(hit);
    }
    if let Some(item) = search::item_named(conn, code)? {
        return Ok(ScanHit::Item { item: item.to_string(), units: "1".into(), lot: None });
    }
    if let Some(location) = by_key(conn, Kind::Location, code)?.filter(|found| found.text("role") != Some("virtual")) {
        return Ok(ScanHit::Location { location: location.of.to_string() });
    }
    if let Some((item, lot)) = lot(conn, code)? {
        return Ok(ScanHit::Lot { item: item.to_string(), lot: lot.to_string() });
    }
    let code = code.to_owned();
    Ok(match gtin::read(&code) {
        Scanned::Misread => ScanHit::Misread { code },
        Scanned::Gtin(_) | Scanned::Other(_) => ScanHit::Unknown { code },
    })
}

/// The item a record of an item stands for now.
pub fn standing(conn: &Connection, item: ItemId) -> rusqlite::Result<Option<Record>> {
    let mut found = record(conn, item)?;
    for _ in 0..8 {
        match found.as_ref().and_then(Record::alias_of) {
            Some(winner) => found = record(conn, ItemId(winner))?,
            None => break,
        }
    }
    Ok(found)
}

fn barcode(conn: &Connection, code: &str) -> rusqlite::Result<Option<ScanHit>> {
    // A scanner may leave out or add leading zeros; all spellings name the same article.
    for form in gtin::spellings(code) {
        let Some(found) = by_key(conn, Kind::Barcode, &form)? else { continue };
        let barcode: Barcode = view(&found)?;
        let Some(item) = standing(conn, barcode.item)? else { continue };
        let fields: Item = view(&item)?;
        let pack = fields.packs.iter().find(|pack| text::fold(&pack.code) == text::fold(&barcode.unit));
        let units = match pack {
            Some(pack) => barcode.units_per_scan.times(pack.numerator, pack.denominator),
            None => Some(barcode.units_per_scan),
        };
        let units = units.unwrap_or(barcode.units_per_scan).to_string();
        return Ok(Some(ScanHit::Item { item: item.of.to_string(), units, lot: None }));
    }
    Ok(None)
}

/// The one lot or serial of this code; two items with the same lot code leave it open.
fn lot(conn: &Connection, code: &str) -> rusqlite::Result<Option<(ItemId, Ref)>> {
    let sql = "SELECT id FROM record_now WHERE kind = 'lot' AND archived = 0 \
         AND (json_extract(body, '$.code') = ?1 OR lower(json_extract(body, '$.code')) = ?2) LIMIT 2";
    let mut statement = conn.prepare_cached(sql)?;
    let ids: Vec<uuid::Uuid> =
        statement.query_map((code, text::fold(code)), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let [id] = ids[..] else { return Ok(None) };
    let of = Ref { kind: Kind::Lot, id };
    let Some(found) = record(conn, of)? else { return Ok(None) };
    let lot: Lot = view(&found)?;
    Ok(Some((lot.item, of)))
}
