//! Finding items as somebody types: the exact SKU, barcode or other name first, then what begins
//! with the text, then all its words in any order, then any part of a word.
//!
//! Words of three letters and more are found through the trigram index; shorter ones are looked
//! for in what the longer ones left. A very common word is ranked among its first thousand items.

use super::{by_key, record, scan::standing, view};
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use std::collections::HashSet;
use stillage_core::{
    gtin,
    id::ItemId,
    record::{Barcode, Item, Kind, Record},
    text,
};
use uuid::Uuid;

/// How many items are ranked, at most.
const RANKED: u32 = 1000;

/// Items in the order in which they answer, and how many there are in all.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub ids: Vec<Uuid>,
    pub total: u32,
}

pub fn find(conn: &Connection, typed: &str) -> rusqlite::Result<Found> {
    let wanted = text::fold(typed);
    let words: Vec<&str> = wanted.split_whitespace().collect();
    if words.is_empty() {
        return Ok(Found::default());
    }
    let exact: HashSet<Uuid> = named(conn, &wanted)?.into_iter().map(|id| id.0).collect();
    let mut candidates: Vec<Uuid> = exact.iter().copied().collect();
    candidates.extend(beginning(conn, &wanted)?);
    let holding = holding(conn, &words, RANKED)?;
    let is_all = u32::try_from(holding.len()).is_ok_and(|count| count < RANKED);
    candidates.extend(holding);
    let mut seen = HashSet::new();
    let mut ranked = Vec::new();
    for id in candidates.into_iter().filter(|id| seen.insert(*id)) {
        if let Some((key, name)) = live(conn, id)? {
            let rank = if exact.contains(&id) { 0 } else { rank(&wanted, &words, &key, &name) };
            ranked.push((rank, key, id));
        }
    }
    ranked.sort();
    let ids: Vec<Uuid> = ranked.into_iter().map(|(_, _, id)| id).collect();
    let shown = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let total = if is_all { shown } else { count(conn, &words)?.max(shown) };
    Ok(Found { ids, total })
}

/// The item a person means by a code: its SKU, one of its barcodes or of its other names.
pub fn item_named(conn: &Connection, code: &str) -> rusqlite::Result<Option<ItemId>> {
    Ok(named(conn, &text::fold(code))?.into_iter().next())
}

/// The live item that has this SKU, in any case.
pub fn item_by_sku(conn: &Connection, sku: &str) -> rusqlite::Result<Option<Record>> {
    by_key(conn, Kind::Item, sku)
}

fn named(conn: &Connection, wanted: &str) -> rusqlite::Result<Vec<ItemId>> {
    let mut items = Vec::new();
    if let Some(found) = by_key(conn, Kind::Item, wanted)? {
        items.push(ItemId(found.of.id));
    }
    for form in gtin::spellings(wanted) {
        if let Some(found) = by_key(conn, Kind::Barcode, &form)? {
            let barcode: Barcode = view(&found)?;
            items.extend(standing(conn, barcode.item)?.map(|item| ItemId(item.of.id)));
        }
    }
    if items.is_empty() {
        let words: Vec<&str> = wanted.split_whitespace().collect();
        for id in holding(conn, &words, 100)? {
            let Some(found) = standing(conn, ItemId(id))?.filter(|found| !found.archived) else { continue };
            let item: Item = view(&found)?;
            if item.aliases.iter().any(|alias| text::fold(alias) == wanted) {
                items.push(ItemId(found.of.id));
            }
        }
    }
    Ok(items)
}

/// Items whose SKU or name begins with the text.
fn beginning(conn: &Connection, wanted: &str) -> rusqlite::Result<Vec<Uuid>> {
    let by_key = "SELECT id FROM record_now WHERE kind = 'item' AND key >= ?1 AND key < ?2 LIMIT 200";
    let by_name = "SELECT id FROM record_now WHERE kind = 'item' \
         AND name >= ?1 COLLATE NOCASE AND name < ?2 COLLATE NOCASE LIMIT 200";
    let beyond = format!("{wanted}\u{10ffff}");
    let mut ids: Vec<Uuid> = Vec::new();
    for sql in [by_key, by_name] {
        let mut statement = conn.prepare_cached(sql)?;
        for id in statement.query_map((wanted, &beyond), |row| row.get(0))? {
            ids.push(id?);
        }
    }
    Ok(ids)
}

/// Items that have every word somewhere in their texts.
fn holding(conn: &Connection, words: &[&str], limit: u32) -> rusqlite::Result<Vec<Uuid>> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let (condition, values) = condition(words);
    let sql = format!("SELECT item FROM item_search WHERE {condition} LIMIT {limit}");
    let mut statement = conn.prepare_cached(&sql)?;
    statement.query_map(params_from_iter(values), |row| row.get(0))?.collect()
}

fn count(conn: &Connection, words: &[&str]) -> rusqlite::Result<u32> {
    let (condition, values) = condition(words);
    let sql = format!("SELECT count(*) FROM item_search WHERE {condition}");
    conn.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))
}

fn condition(words: &[&str]) -> (String, Vec<String>) {
    let (long, short): (Vec<&&str>, Vec<&&str>) = words.iter().partition(|word| word.chars().count() >= 3);
    let mut terms = Vec::new();
    let mut values = Vec::new();
    if !long.is_empty() {
        terms.push("item_search MATCH ?".to_owned());
        let quoted: Vec<String> = long.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
        values.push(quoted.join(" AND "));
    }
    for word in short {
        terms.push("text LIKE ? ESCAPE '\\'".to_owned());
        let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        values.push(format!("%{escaped}%"));
    }
    (terms.join(" AND "), values)
}

/// The folded SKU and name of an item that is neither archived nor merged into another.
fn live(conn: &Connection, id: Uuid) -> rusqlite::Result<Option<(String, String)>> {
    let sql = "SELECT key, name FROM record_now WHERE kind = 'item' AND id = ?1";
    let row: Option<(Option<String>, String)> =
        conn.prepare_cached(sql)?.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match row {
        Some((Some(key), name)) => Ok(Some((key, text::fold(&name)))),
        // Without a key it is archived, merged, or waits for a new SKU; only the last is shown.
        Some((None, name)) => {
            let found = record(conn, ItemId(id))?;
            let shown = found.is_some_and(|found| !found.archived && found.alias_of().is_none());
            Ok(shown.then(|| (String::new(), text::fold(&name))))
        }
        None => Ok(None),
    }
}

fn rank(wanted: &str, words: &[&str], key: &str, name: &str) -> u8 {
    if key.starts_with(wanted) {
        return 1;
    }
    if name.starts_with(wanted) {
        return 2;
    }
    let begins =
        |word: &&str| name.split(|c: char| !c.is_alphanumeric()).chain([key]).any(|part| part.starts_with(*word));
    if words.iter().all(begins) { 3 } else { 4 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_the_text_comes_before_words_and_these_before_parts() {
        let rank =
            |typed: &str, key: &str, name: &str| rank(typed, &typed.split_whitespace().collect::<Vec<_>>(), key, name);
        assert_eq!(rank("bol", "bolt-8", "hex bolt"), 1);
        assert_eq!(rank("bol", "x1", "bolt m8"), 2);
        assert_eq!(rank("m8 bol", "x1", "hex bolt m8"), 3);
        assert_eq!(rank("olt", "x1", "hex bolt m8"), 4);
    }

    #[test]
    fn signs_of_the_query_language_are_just_text() {
        let (condition, values) = condition(&["a\"b*c", "5%"]);
        assert_eq!(condition, "item_search MATCH ? AND text LIKE ? ESCAPE '\\'");
        assert_eq!(values, ["\"a\"\"b*c\"", "%5\\%%"]);
    }
}
