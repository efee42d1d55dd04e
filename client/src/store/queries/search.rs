//! Finding items as somebody types: the exact SKU, barcode or other name first, then what begins
//! with the text, then all its words in any order, then any part of a word.
//!
//! Words of three letters and more are found through the trigram index; shorter ones are looked
//! for in what the longer ones left. A very common word is ranked among its first thousand items.
//! Candidates are ranked by their search text, whose first two lines are SKU and name: nothing else
//! is read of them.

use super::{by_key, scan::standing, view};
use rusqlite::{Connection, params_from_iter};
use std::collections::HashMap;
use stillage_core::{
    gtin,
    id::ItemId,
    record::{Barcode, Item, Kind, Record},
    text,
};
use uuid::Uuid;

/// How many items are ranked, at most.
const RANKED: u32 = 1000;

/// The index knows nothing shorter, in letters.
const INDEXED: usize = 3;
/// Words that are all shorter are looked for until so many items are found.
const FEW: usize = 50;

/// Items in the order in which they answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub ids: Vec<Uuid>,
    /// There are others, which nobody would scroll to.
    pub more: bool,
}

/// An item that may answer: what it is ranked by.
struct Candidate {
    id: Uuid,
    key: String,
    name: String,
}

pub fn find(conn: &Connection, typed: &str) -> rusqlite::Result<Found> {
    let wanted = text::fold(typed);
    let words: Vec<&str> = wanted.split_whitespace().collect();
    if words.is_empty() {
        return Ok(Found::default());
    }
    let mut found = HashMap::new();
    for exact in named(conn, &wanted)? {
        found.insert(exact.0, (0, String::new()));
    }
    let mut enter = |candidates: Vec<Candidate>| {
        for Candidate { id, key, name } in candidates {
            let rank = rank(&wanted, &words, &key, &name);
            found.entry(id).or_insert((rank, key));
        }
    };
    let begins = beginning(conn, &wanted)?;
    let (holds, more) = if words.iter().any(|word| word.chars().count() >= INDEXED) {
        let holds = holding(conn, &words, RANKED)?;
        let more = holds.len() >= RANKED as usize;
        (holds, more)
    } else {
        short(conn, &wanted, &words, begins.len())?
    };
    enter(begins);
    enter(holds);
    let mut ranked: Vec<_> = found.into_iter().map(|(id, (rank, key))| (rank, key, id)).collect();
    ranked.sort();
    Ok(Found { ids: ranked.into_iter().map(|(_, _, id)| id).collect(), more })
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
        for candidate in holding(conn, &words, 100)? {
            let Some(found) = standing(conn, ItemId(candidate.id))?.filter(|found| !found.archived) else { continue };
            let item: Item = view(&found)?;
            if item.aliases.iter().any(|alias| text::fold(alias) == wanted) {
                items.push(ItemId(found.of.id));
            }
        }
    }
    Ok(items)
}

/// Items whose SKU or name begins with the text. One that lost its SKU waits for a new one, and is found by name.
fn beginning(conn: &Connection, wanted: &str) -> rusqlite::Result<Vec<Candidate>> {
    let by_key = "SELECT id, key, name FROM record_now WHERE kind = 'item' AND key >= ?1 AND key < ?2 LIMIT 200";
    let by_name = "SELECT id, coalesce(key, ''), name FROM record_now WHERE kind = 'item' \
         AND name >= ?1 COLLATE NOCASE AND name < ?2 COLLATE NOCASE AND archived = 0 \
         AND (key IS NOT NULL OR json_extract(body, '$.alias_of') IS NULL) LIMIT 200";
    let beyond = format!("{wanted}\u{10ffff}");
    let mut candidates = Vec::new();
    for sql in [by_key, by_name] {
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query((wanted, &beyond))?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(2)?;
            candidates.push(Candidate { id: row.get(0)?, key: row.get(1)?, name: text::fold(&name) });
        }
    }
    Ok(candidates)
}

/// Items that hold words too short for the index: first the text just as it was typed, which with its spaces may be
/// long enough, then, if these are few, any item that a walk through all texts comes by. Says whether it stopped early.
fn short(conn: &Connection, wanted: &str, words: &[&str], found: usize) -> rusqlite::Result<(Vec<Candidate>, bool)> {
    let whole = if words.len() > 1 && wanted.chars().count() >= INDEXED {
        holding(conn, &[wanted], RANKED)?
    } else {
        Vec::new()
    };
    if found + whole.len() >= FEW {
        return Ok((whole, true));
    }
    let mut holds = holding(conn, words, FEW as u32)?;
    let more = holds.len() >= FEW;
    holds.extend(whole);
    Ok((holds, more))
}

/// Items that have every word somewhere in their texts.
fn holding(conn: &Connection, words: &[&str], limit: u32) -> rusqlite::Result<Vec<Candidate>> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let (condition, values) = condition(words);
    let sql = format!("SELECT item, text FROM item_search WHERE {condition} LIMIT {limit}");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut candidates = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(1)?.as_str()?;
        let mut lines = text.lines();
        let mut line = || text::fold(lines.next().unwrap_or_default());
        candidates.push(Candidate { id: row.get(0)?, key: line(), name: line() });
    }
    Ok(candidates)
}

fn condition(words: &[&str]) -> (String, Vec<String>) {
    let (long, short): (Vec<&&str>, Vec<&&str>) = words.iter().partition(|word| word.chars().count() >= INDEXED);
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
