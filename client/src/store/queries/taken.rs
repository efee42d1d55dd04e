//! Two records that wanted one SKU, code or barcode: whom a card about that is between.

use super::{labels::Labels, record, scan::standing};
use rusqlite::Connection;
use serde::Serialize;
use stillage_core::{
    action::joinable,
    id::ItemId,
    quantity::Quantity,
    record::{Kind, Record, Ref},
};
use ts_rs::TS;

/// For a barcode: the items it would be on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Taken {
    #[ts(inline)]
    pub mine: Rival,
    #[ts(inline)]
    pub theirs: Rival,
    /// Whether the two can be made one item.
    pub joins: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Rival {
    /// Its SKU or code; empty while it has none.
    pub code: String,
    pub name: String,
    /// How much of it there is, for an item.
    #[ts(inline)]
    pub stock: Option<Stock>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Stock {
    pub qty: String,
    pub unit: String,
    /// Decimal places people see.
    pub scale: u32,
}

/// None where this device does not hold one of them.
pub fn between(
    conn: &Connection,
    labels: &mut Labels<'_>,
    mine: Ref,
    theirs: Option<&str>,
) -> rusqlite::Result<Option<Taken>> {
    let Some(Ok(theirs)) = theirs.map(str::parse::<Ref>) else { return Ok(None) };
    let are_items = mine.kind == Kind::Item && theirs.kind == Kind::Item;
    let (Some(mine), Some(theirs)) = (bearer(conn, mine)?, bearer(conn, theirs)?) else { return Ok(None) };
    let joins = are_items && joinable(&mine, &theirs);
    Ok(Some(Taken { mine: rival(conn, labels, &mine)?, theirs: rival(conn, labels, &theirs)?, joins }))
}

/// The record itself; of a barcode, its item.
fn bearer(conn: &Connection, of: Ref) -> rusqlite::Result<Option<Record>> {
    let found = record(conn, of)?;
    let item = match of.kind {
        Kind::Item => Some(of.id),
        Kind::Barcode => found.as_ref().and_then(|barcode| barcode.reference("item")),
        _ => return Ok(found),
    };
    item.map_or(Ok(None), |item| standing(conn, ItemId(item)))
}

fn rival(conn: &Connection, labels: &mut Labels<'_>, of: &Record) -> rusqlite::Result<Rival> {
    let name = of.text("name").unwrap_or_default().to_owned();
    if of.of.kind != Kind::Item {
        return Ok(Rival { code: of.text("code").unwrap_or_default().to_owned(), name, stock: None });
    }
    let item = labels.item(of.of.id)?;
    let sql = "SELECT coalesce(sum(on_hand), 0) FROM balance_now WHERE item = ?1";
    let on_hand = Quantity(conn.prepare_cached(sql)?.query_row([of.of.id], |row| row.get(0))?);
    let stock = Stock { qty: on_hand.to_string(), unit: item.unit, scale: item.scale };
    Ok(Rival { code: item.sku, name, stock: Some(stock) })
}
