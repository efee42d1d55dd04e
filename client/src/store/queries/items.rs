//! The list of items in windows, its filters, and one item with all that belongs to it.
//!
//! By SKU and by name only the rows of the window are read and summed. Filters and the order by on
//! hand take one pass over all balances.

use super::{
    catalogue::{self, Known},
    cells::{self, CellRow},
    is_pending, labels, record, search,
    stock::{self, Stock},
    view,
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use stillage_core::{
    id::{CategoryId, ItemId},
    quantity::Quantity,
    record::{Barcode, Item, Kind, Pack, Record, Ref, Tracking},
    text,
};
use ts_rs::TS;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ItemRow {
    pub id: String,
    pub sku: String,
    pub name: String,
    pub unit: String,
    pub scale: u32,
    pub on_hand: String,
    pub available: String,
    pub min: Option<String>,
    pub bins: u32,
    /// Has changes the server has not settled yet.
    pub pending: bool,
    pub archived: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ItemFilter {
    #[default]
    All,
    Low,
    Expiring,
    NeverCounted,
    Negative,
    Archived,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ItemSort {
    #[default]
    Sku,
    Name,
    OnHand,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ItemPage {
    pub rows: Vec<ItemRow>,
    pub total: u32,
    /// More than `total` answer the search; those are the best.
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ItemCounts {
    pub all: u32,
    pub low: u32,
    pub expiring: u32,
    pub never_counted: u32,
    pub negative: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct BarcodeRow {
    pub id: String,
    pub code: String,
    pub unit: String,
    pub units_per_scan: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CategoryLabel {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ItemCard {
    pub id: String,
    pub version: u64,
    pub sku: String,
    pub name: String,
    pub description: String,
    pub unit: String,
    pub scale: u32,
    #[ts(type = "Pack[]")]
    pub packs: Vec<Pack>,
    #[ts(type = "Tracking")]
    pub tracking: Tracking,
    #[ts(inline)]
    pub category: Option<CategoryLabel>,
    pub min: Option<String>,
    pub reorder_point: Option<String>,
    pub aliases: Vec<String>,
    #[ts(inline)]
    pub barcodes: Vec<BarcodeRow>,
    pub on_hand: String,
    pub available: String,
    pub cells: Vec<CellRow>,
    pub pending: bool,
    pub archived: bool,
}

/// What a list shows. `soon` is the day up to which a lot counts as expiring.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub search: &'a str,
    pub filter: ItemFilter,
    pub sort: ItemSort,
    pub descending: bool,
    pub soon: &'a str,
    pub known: &'a Known,
}

pub fn list(conn: &Connection, wanted: &Wanted<'_>, (offset, limit): (u32, u32)) -> rusqlite::Result<ItemPage> {
    let search = wanted.search.trim();
    let Window { ids, total, more } = if search.is_empty() {
        listed(conn, wanted, (offset, limit))?
    } else if wanted.filter == ItemFilter::Archived {
        found_archived(conn, &text::fold(search), (offset, limit))?
    } else {
        found(conn, wanted, (offset, limit))?
    };
    let rows = ids.into_iter().filter_map(|id| row(conn, id).transpose()).collect::<rusqlite::Result<_>>()?;
    Ok(ItemPage { rows, total, more })
}

/// The rows of one window, and how many there are in all.
struct Window {
    ids: Vec<Uuid>,
    total: u32,
    more: bool,
}

fn listed(conn: &Connection, wanted: &Wanted<'_>, (offset, limit): (u32, u32)) -> rusqlite::Result<Window> {
    if wanted.filter == ItemFilter::All && wanted.sort != ItemSort::OnHand {
        let total = wanted.known.total(conn)?;
        return Ok(Window { ids: ordered(conn, wanted, (offset, limit))?, total, more: false });
    }
    let mut ids = match wanted.filter {
        ItemFilter::Archived => archived(conn)?,
        _ => {
            let mut ids = ordered(conn, wanted, (0, u32::MAX))?;
            if let Some(members) = members(conn, wanted)? {
                ids.retain(|id| members.contains(id));
            }
            ids
        }
    };
    if wanted.sort == ItemSort::OnHand {
        by_on_hand(conn, &mut ids, wanted.descending)?;
    }
    Ok(window(ids, (offset, limit)))
}

fn found(conn: &Connection, wanted: &Wanted<'_>, (offset, limit): (u32, u32)) -> rusqlite::Result<Window> {
    let found = search::find(conn, wanted.search)?;
    let ranked = wanted.sort == ItemSort::Sku && !wanted.descending;
    let mut ids = found.ids;
    if let Some(members) = members(conn, wanted)? {
        ids.retain(|id| members.contains(id));
    }
    match wanted.sort {
        ItemSort::OnHand => by_on_hand(conn, &mut ids, wanted.descending)?,
        ItemSort::Sku | ItemSort::Name if !ranked => {
            let mut keyed = Vec::with_capacity(ids.len());
            for id in ids {
                let label = record(conn, ItemId(id))?.map(|found| labels::item_label(&found)).transpose()?;
                let text = label.map(|l| if wanted.sort == ItemSort::Name { l.name } else { l.sku });
                keyed.push((text.unwrap_or_default().to_lowercase(), id));
            }
            keyed.sort();
            if wanted.descending {
                keyed.reverse();
            }
            ids = keyed.into_iter().map(|(_, id)| id).collect();
        }
        ItemSort::Sku | ItemSort::Name => {}
    }
    Ok(Window { more: found.more, ..window(ids, (offset, limit)) })
}

/// Archived items are few, and in no search index.
fn found_archived(conn: &Connection, wanted: &str, range: (u32, u32)) -> rusqlite::Result<Window> {
    let mut ids = Vec::new();
    for id in archived(conn)? {
        let Some(found) = record(conn, ItemId(id))? else { continue };
        let text = text::fold(&format!("{} {}", found.text("sku").unwrap_or_default(), found.name()));
        if wanted.split_whitespace().all(|word| text.contains(word)) {
            ids.push(id);
        }
    }
    Ok(window(ids, range))
}

fn window(ids: Vec<Uuid>, (offset, limit): (u32, u32)) -> Window {
    let total = size(ids.len());
    Window { ids: ids.into_iter().skip(offset as usize).take(limit as usize).collect(), total, more: false }
}

fn by_on_hand(conn: &Connection, ids: &mut [Uuid], descending: bool) -> rusqlite::Result<()> {
    let stock = stock::of_all(conn)?;
    let on_hand = |id: &Uuid| stock.get(id).map_or(Quantity::ZERO, |stock| stock.on_hand);
    if descending {
        ids.sort_by_key(|id| std::cmp::Reverse(on_hand(id)));
    } else {
        ids.sort_by_key(on_hand);
    }
    Ok(())
}

/// Items that pass a filter; `None` when all do.
fn members(conn: &Connection, wanted: &Wanted<'_>) -> rusqlite::Result<Option<HashSet<Uuid>>> {
    let stocked = |keep: fn(&Stock) -> bool| -> rusqlite::Result<HashSet<Uuid>> {
        let all = stock::of_all(conn)?;
        Ok(all.into_iter().filter(|(_, stock)| keep(stock)).map(|(id, _)| id).collect())
    };
    Ok(match wanted.filter {
        ItemFilter::All => None,
        ItemFilter::Archived => Some(archived(conn)?.into_iter().collect()),
        ItemFilter::Low => Some(low(conn, wanted.known, &stock::of_all(conn)?)?),
        ItemFilter::Expiring => Some(stock::expiring(conn, wanted.soon)?),
        ItemFilter::NeverCounted => Some(stocked(|stock| stock.uncounted)?),
        ItemFilter::Negative => Some(stocked(|stock| stock.lowest < Quantity::ZERO)?),
    })
}

/// Live items with less available than their minimum.
fn low(conn: &Connection, known: &Known, stock: &HashMap<Uuid, Stock>) -> rusqlite::Result<HashSet<Uuid>> {
    let available = |id: &Uuid| stock.get(id).map_or(Quantity::ZERO, |stock| stock.available);
    let minimums = known.minimums(conn)?;
    Ok(minimums.iter().filter(|(id, minimum)| available(id) < *minimum).map(|(id, _)| *id).collect())
}

/// How many items each filter shows.
pub fn counts(conn: &Connection, known: &Known, soon: &str) -> rusqlite::Result<ItemCounts> {
    let stock = stock::of_all(conn)?;
    let having = |keep: fn(&Stock) -> bool| size(stock.values().filter(|stock| keep(stock)).count());
    Ok(ItemCounts {
        all: known.total(conn)?,
        low: size(low(conn, known, &stock)?.len()),
        expiring: size(stock::expiring(conn, soon)?.len()),
        never_counted: having(|stock| stock.uncounted),
        negative: having(|stock| stock.lowest < Quantity::ZERO),
    })
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Items of the base without a pending state, and the last pending states. `{}` is the condition.
pub(super) fn both(columns: &str, condition: &str) -> String {
    format!(
        "SELECT {columns} FROM record r WHERE kind = 'item' AND {condition} AND NOT EXISTS \
         (SELECT 1 FROM pending_record p WHERE p.kind = 'item' AND p.id = r.id) \
         UNION ALL \
         SELECT {columns} FROM pending_record p WHERE kind = 'item' AND {condition} AND NOT EXISTS \
         (SELECT 1 FROM pending_record q WHERE q.kind = 'item' AND q.id = p.id AND q.n > p.n)"
    )
}

pub(super) const KEYED: &str = "key IS NOT NULL";
/// Live items that lost their SKU to another device and wait for a new one.
pub(super) const KEYLESS: &str = "key IS NULL AND archived = 0 AND json_extract(body, '$.alias_of') IS NULL";

/// Live items in the order of a list. Those without a SKU come last, by name.
fn ordered(conn: &Connection, wanted: &Wanted<'_>, (offset, limit): (u32, u32)) -> rusqlite::Result<Vec<Uuid>> {
    let column = if wanted.sort == ItemSort::Name { "name COLLATE NOCASE" } else { "key" };
    let direction = if wanted.descending && wanted.sort != ItemSort::OnHand { "DESC" } else { "ASC" };
    let columns = format!("{column} AS place, id");
    let walk = format!("{} ORDER BY place {direction}, id {direction} LIMIT ?1 OFFSET ?2", both(&columns, KEYED));
    let mut statement = conn.prepare_cached(&walk)?;
    let mut ids: Vec<Uuid> =
        statement.query_map((limit, offset), |row| row.get(1))?.collect::<rusqlite::Result<_>>()?;
    let missing = limit - size(ids.len());
    if missing > 0 && wanted.known.total(conn)? > offset.saturating_add(size(ids.len())) {
        let keyed = catalogue::count_of(conn, KEYED)?;
        let tail = format!("{} ORDER BY place LIMIT ?1 OFFSET ?2", both("name AS place, id", KEYLESS));
        let mut statement = conn.prepare_cached(&tail)?;
        for id in statement.query_map((missing, offset.saturating_sub(keyed)), |row| row.get(1))? {
            ids.push(id?);
        }
    }
    Ok(ids)
}

fn archived(conn: &Connection) -> rusqlite::Result<Vec<Uuid>> {
    let sql = "SELECT id FROM record_now WHERE kind = 'item' AND key IS NULL AND archived = 1 ORDER BY name";
    conn.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn row(conn: &Connection, id: Uuid) -> rusqlite::Result<Option<ItemRow>> {
    let Some(found) = record(conn, ItemId(id))? else { return Ok(None) };
    let item: Item = view(&found)?;
    let stock = stock::of(conn, id)?;
    Ok(Some(ItemRow {
        id: found.of.to_string(),
        sku: item.sku,
        name: item.name,
        unit: item.base_unit,
        scale: item.display_scale,
        on_hand: stock.on_hand.to_string(),
        available: stock.available.to_string(),
        min: item.min.map(|min| min.to_string()),
        bins: stock.bins,
        pending: stock.pending || is_pending(conn, found.of)?,
        archived: found.archived,
    }))
}

pub fn card(conn: &Connection, found: &Record) -> rusqlite::Result<ItemCard> {
    let item: Item = view(found)?;
    let id = found.of.id;
    let stock = stock::of(conn, id)?;
    Ok(ItemCard {
        id: found.of.to_string(),
        version: found.version,
        sku: item.sku,
        name: item.name,
        description: found.text("description").unwrap_or_default().to_owned(),
        unit: item.base_unit,
        scale: item.display_scale,
        packs: item.packs,
        tracking: item.tracking,
        category: item.category.map(|id| category(conn, id)).transpose()?.flatten(),
        min: item.min.map(|min| min.to_string()),
        reorder_point: item.reorder_point.map(|point| point.to_string()),
        aliases: item.aliases,
        barcodes: barcodes(conn, id)?,
        on_hand: stock.on_hand.to_string(),
        available: stock.available.to_string(),
        cells: cells::of_item(conn, id)?,
        pending: stock.pending || is_pending(conn, found.of)?,
        archived: found.archived,
    })
}

fn category(conn: &Connection, id: CategoryId) -> rusqlite::Result<Option<CategoryLabel>> {
    let found = record(conn, id)?;
    Ok(found.map(|found| CategoryLabel { id: id.to_string(), name: found.name().to_owned() }))
}

/// The codes an item is scanned by.
pub fn barcodes(conn: &Connection, item: Uuid) -> rusqlite::Result<Vec<BarcodeRow>> {
    let sql = "SELECT id FROM record_now WHERE kind = 'barcode' AND parent = ?1 AND archived = 0 ORDER BY name";
    let mut statement = conn.prepare_cached(sql)?;
    let ids: Vec<Uuid> = statement.query_map([item], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(found) = record(conn, Ref { kind: Kind::Barcode, id })? else { continue };
        let barcode: Barcode = view(&found)?;
        rows.push(BarcodeRow {
            id: found.of.to_string(),
            code: barcode.code,
            unit: barcode.unit,
            units_per_scan: barcode.units_per_scan.to_string(),
        });
    }
    Ok(rows)
}
