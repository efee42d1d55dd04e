//! The furniture: two sites with bins, a dozen items with packs and barcodes, lots with expiry, and a little history.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::warehouse::Desk;

/// Parent before child.
const PLACES: [(&str, &str, Option<&str>); 10] = [
    ("MAIN", "Main warehouse", None),
    ("A1", "Aisle A, bin 1", Some("MAIN")),
    ("A2", "Aisle A, bin 2", Some("MAIN")),
    ("A3", "Aisle A, bin 3", Some("MAIN")),
    ("B1", "Aisle B, bin 1", Some("MAIN")),
    ("B2", "Aisle B, bin 2", Some("MAIN")),
    ("COLD", "Cold room", Some("MAIN")),
    ("SHOP", "Shop in town", None),
    ("S1", "Shelf 1", Some("SHOP")),
    ("S2", "Shelf 2", Some("SHOP")),
];

struct Piece {
    sku: &'static str,
    name: &'static str,
    unit: &'static str,
    /// Name and content of a box, if it comes in one.
    pack: Option<(&'static str, i64)>,
    barcode: &'static str,
    min: &'static str,
    bin: &'static str,
    qty: &'static str,
    /// Lot code and days until it expires.
    lot: Option<(&'static str, i64)>,
}

const fn piece(
    sku: &'static str,
    name: &'static str,
    stock: (&'static str, &'static str),
    barcode: &'static str,
) -> Piece {
    Piece { sku, name, unit: "EA", pack: None, barcode, min: "10", bin: stock.0, qty: stock.1, lot: None }
}

fn pieces() -> Vec<Piece> {
    vec![
        Piece { pack: Some(("BOX", 12)), ..piece("BOLT-M8", "Bolt M8 x 40, zinc", ("A1", "40"), "4006381333931") },
        Piece { pack: Some(("BOX", 100)), ..piece("NUT-M8", "Nut M8, zinc", ("A1", "350"), "4006381333948") },
        Piece { pack: Some(("BAG", 50)), ..piece("WASHER-M8", "Washer M8", ("A2", "500"), "4006381333955") },
        piece("HINGE-80", "Hinge 80 mm, steel", ("A2", "64"), "4006381333962"),
        piece("HANDLE-128", "Handle 128 mm, brushed", ("A3", "38"), "4006381333979"),
        piece("LOCK-CYL", "Cylinder lock, five keys", ("A3", "7"), "4006381333986"),
        Piece { unit: "M", ..piece("CABLE-3G1", "Cable 3 x 1.5 mm²", ("B1", "212.5"), "4006381333993") },
        piece("LAMP-E27", "Lamp E27, 8 W, warm white", ("B1", "96"), "4006381334006"),
        Piece { pack: Some(("CASE", 6)), ..piece("OIL-1L", "Chain oil 1 l", ("B2", "30"), "4006381334013") },
        Piece { unit: "KG", ..piece("PLASTER", "Plaster, fine", ("B2", "75"), "4006381334020") },
        Piece { lot: Some(("L-2207", 21)), ..piece("GLUE-2K", "Two-part glue 50 ml", ("COLD", "24"), "4006381334037") },
        Piece {
            lot: Some(("S-0418", 180)),
            ..piece("SEALANT", "Sealant 310 ml, white", ("COLD", "48"), "4006381334044")
        },
    ]
}

pub fn furnish(desk: &mut Desk) -> Result<()> {
    let places = places(desk)?;
    for piece in pieces() {
        let item = save(desk, "items.save", item(&piece))?;
        let barcode =
            json!({ "item": item, "code": with_check_digit(piece.barcode), "unit": piece.unit, "units_per_scan": "1" });
        save(desk, "barcodes.save", barcode)?;
        let mut receipt = json!({
            "item": item, "location": places[piece.bin], "qty": piece.qty, "reference": "opening",
            "cost": { "minor": "149", "currency": "EUR" },
        });
        if let Some((lot, days)) = piece.lot {
            receipt["lot"] = json!(lot);
            receipt["expiry"] = json!(day(days)?);
        }
        desk.call("stock.receive", &receipt)?;
        if piece.sku == "HINGE-80" {
            history(desk, &item, &places)?;
        }
    }
    Ok(())
}

/// Something to read on an item's card.
fn history(desk: &mut Desk, item: &str, places: &BTreeMap<&str, String>) -> Result<()> {
    let (here, shop) = (&places["A2"], &places["S1"]);
    let entry = |qty: &str, note: &str| json!({ "item": item, "location": here, "qty": qty, "note": note });
    desk.call("stock.issue", &entry("8", "kitchen of the Millers"))?;
    let mut moved = entry("16", "for the shop");
    moved["to"] = json!(shop);
    desk.call("stock.move", &moved)?;
    desk.call("stock.count", &entry("39", "one was bent"))?;
    Ok(())
}

fn places(desk: &mut Desk) -> Result<BTreeMap<&'static str, String>> {
    let mut ids = BTreeMap::new();
    for (code, name, parent) in PLACES {
        let mut fields = json!({ "code": code, "name": name, "role": "site" });
        if let Some(parent) = parent {
            fields["role"] = json!("storage");
            fields["parent"] = json!(ids[parent]);
        }
        ids.insert(code, save(desk, "locations.save", fields)?);
    }
    Ok(ids)
}

fn item(piece: &Piece) -> Value {
    let packs: Vec<Value> =
        piece.pack.iter().map(|(code, of)| json!({ "code": code, "numerator": of, "denominator": 1 })).collect();
    json!({
        "sku": piece.sku,
        "name": piece.name,
        "base_unit": piece.unit,
        "display_scale": if piece.unit == "EA" { 0 } else { 1 },
        "packs": packs,
        "tracking": if piece.lot.is_some() { "lot" } else { "none" },
        "min": piece.min,
        "reorder_point": piece.min,
    })
}

fn save(desk: &mut Desk, command: &str, fields: Value) -> Result<String> {
    let saved = desk.call(command, &json!({ "fields": fields }))?;
    Ok(saved["id"].as_str().context("no id")?.to_owned())
}

/// A day so many days from now, so that what is about to expire always is.
fn day(ahead: i64) -> Result<String> {
    let date = (OffsetDateTime::now_utc() + Duration::days(ahead)).date();
    Ok(format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()))
}

/// EAN-13: the last digit makes the weighted sum a multiple of ten, or a scanner takes the code for a misread.
fn with_check_digit(code: &str) -> String {
    let front = &code[..12];
    let weigh = |(at, digit): (usize, char)| digit.to_digit(10).unwrap_or(0) * if at % 2 == 0 { 1 } else { 3 };
    let sum: u32 = front.chars().enumerate().map(weigh).sum();
    format!("{front}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_digit_is_the_one_printed_on_real_goods() {
        assert_eq!(with_check_digit("4006381333930"), "4006381333931");
    }
}
