//! Keeps the search text of items in step: SKU, name, other names and barcodes, one row for each item that is in use.
//! It is written once per transaction, after the records, for the items that were touched.

use super::{record::Stored, staged::Loading};
use crate::Failure;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, de::IgnoredAny};
use std::{borrow::Cow, collections::BTreeSet};
use stillage_core::record::{Kind, Record};
use uuid::Uuid;

/// Items whose search text may be wrong.
#[derive(Debug, Default)]
pub struct Stale(BTreeSet<Uuid>);

impl Stale {
    pub fn record(&mut self, record: &Record) {
        self.named(record.of.kind.name(), record.of.id, record.parent());
    }

    pub fn named(&mut self, kind: &str, id: Uuid, parent: Option<Uuid>) {
        if kind == Kind::Item.name() {
            self.0.insert(id);
        } else if kind == Kind::Barcode.name() {
            self.0.extend(parent);
        }
    }

    /// A record of the base was `before`, if it was there, and is `now`. Most edits change nothing that is searched.
    pub fn written(&mut self, before: Option<&Stored>, now: &Stored) -> Result<(), Failure> {
        let said = |item: &Stored| text_of(item.archived, &item.body, Vec::new());
        let same = match (now.of.kind, before) {
            (Kind::Item, Some(before)) => said(before)? == said(now)?,
            (Kind::Barcode, Some(before)) => (&before.key, before.parent) == (&now.key, now.parent),
            _ => false,
        };
        for record in before.into_iter().chain([now]).filter(|_| !same) {
            self.named(record.of.kind.name(), record.of.id, record.parent);
        }
        Ok(())
    }

    /// Writes the text of every stale item anew.
    pub fn refresh(self, conn: &Connection) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        let loading = Loading::read(conn)?;
        let kept = self.0.into_iter().filter(|item| loading.as_ref().is_none_or(|loading| loading.keeps(*item)));
        kept.into_iter().try_for_each(|item| refresh(conn, item))
    }
}

/// Forgets every text. Made anew and not emptied row by row.
pub fn empty(conn: &Connection) -> Result<(), Failure> {
    let sql = "SELECT sql FROM sqlite_schema WHERE name = 'item_search'";
    let made: String = conn.query_row(sql, [], |row| row.get(0))?;
    conn.execute_batch(&format!("DROP TABLE item_search; {made}; DELETE FROM item_search_row"))?;
    tune(conn, 0, 16 << 20)
}

/// Back to what suits one item at a time.
pub fn settle(conn: &Connection) -> Result<(), Failure> {
    tune(conn, 4, 1 << 20)
}

/// How many parts of one size make the index merge them, and how many bytes it gathers before it writes a part.
fn tune(conn: &Connection, automerge: u32, hashsize: u32) -> Result<(), Failure> {
    let mut tune = conn.prepare("INSERT INTO item_search (item_search, rank) VALUES (?1, ?2)")?;
    tune.execute(("automerge", automerge))?;
    tune.execute(("hashsize", hashsize))?;
    Ok(())
}

/// Writes the texts of the next items after `last`, which have none; says which one was the last, if there was one.
/// Read straight from the tables in their own order, which the `+` keeps: by an index on the kind they would be sorted.
pub fn extend(conn: &Connection, last: Uuid, limit: u32) -> Result<Option<Uuid>, Failure> {
    let items = "SELECT id, archived, body FROM record r WHERE +kind = 'item' AND id > ?1 AND NOT EXISTS
            (SELECT 1 FROM pending_record p WHERE p.id = r.id AND p.kind = 'item')
        UNION ALL SELECT id, archived, body FROM pending_record p WHERE +kind = 'item' AND id > ?1 AND NOT EXISTS
            (SELECT 1 FROM pending_record q WHERE q.id = p.id AND q.kind = 'item' AND q.n > p.n)
        ORDER BY id LIMIT ?2";
    let mut items = conn.prepare_cached(items)?;
    let mut rows = items.query((last, limit))?;
    let has_barcodes = conn.prepare_cached("SELECT 1 FROM record_now WHERE kind = 'barcode' LIMIT 1")?.exists([])?;
    let mut reached = None;
    while let Some(row) = rows.next()? {
        let item = row.get(0)?;
        let codes = if has_barcodes { barcodes(conn, item)? } else { Vec::new() };
        if let Some(text) = text_of(row.get(1)?, row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?, codes)? {
            insert(conn, item, &text)?;
        }
        reached = Some(item);
    }
    Ok(reached)
}

fn insert(conn: &Connection, item: Uuid, text: &str) -> Result<(), Failure> {
    conn.prepare_cached("INSERT INTO item_search (item, text) VALUES (?1, ?2)")?.execute((item, text))?;
    let row = conn.last_insert_rowid();
    conn.prepare_cached("INSERT INTO item_search_row (item, row) VALUES (?1, ?2)")?.execute((item, row))?;
    Ok(())
}

fn refresh(conn: &Connection, item: Uuid) -> Result<(), Failure> {
    let text = text_now(conn, item)?;
    let row: Option<i64> = conn
        .prepare_cached("SELECT row FROM item_search_row WHERE item = ?1")?
        .query_row([item], |row| row.get(0))
        .optional()?;
    match (row, text) {
        (None, Some(text)) => insert(conn, item, &text)?,
        (Some(row), Some(text)) => {
            let old: Option<String> = conn
                .prepare_cached("SELECT text FROM item_search WHERE rowid = ?1")?
                .query_row([row], |row| row.get(0))
                .optional()?;
            if old.as_deref() != Some(&text) {
                conn.prepare_cached("UPDATE item_search SET text = ?2 WHERE rowid = ?1")?.execute((row, text))?;
            }
        }
        (Some(row), None) => {
            conn.prepare_cached("DELETE FROM item_search WHERE rowid = ?1")?.execute([row])?;
            conn.prepare_cached("DELETE FROM item_search_row WHERE item = ?1")?.execute([item])?;
        }
        (None, None) => {}
    }
    Ok(())
}

fn text_now(conn: &Connection, item: Uuid) -> Result<Option<String>, Failure> {
    let found = conn
        .prepare_cached("SELECT archived, body FROM record_now WHERE kind = 'item' AND id = ?1")?
        .query_row([item], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    match found {
        Some((archived, body)) => text_of(archived, &body, barcodes(conn, item)?),
        None => Ok(None),
    }
}

fn barcodes(conn: &Connection, item: Uuid) -> Result<Vec<String>, Failure> {
    let sql = "SELECT key FROM record_now WHERE kind = 'barcode' AND parent = ?1";
    let mut barcodes = conn.prepare_cached(sql)?;
    let codes = barcodes.query_map([item], |row| row.get::<_, Option<String>>(0))?;
    let mut codes: Vec<String> = codes.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    codes.sort_unstable();
    Ok(codes)
}

#[derive(Deserialize)]
struct Called<'a> {
    #[serde(borrow, default)]
    sku: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    aliases: Vec<Cow<'a, str>>,
    #[serde(default)]
    alias_of: Option<IgnoredAny>,
}

/// SKU and name in the first two lines, then what else it is called. An item that is archived, or was merged into
/// another, has no text: it is not found.
fn text_of(archived: bool, body: &str, barcodes: Vec<String>) -> Result<Option<String>, Failure> {
    let called: Called<'_> = serde_json::from_str(body)?;
    if archived || called.alias_of.is_some() {
        return Ok(None);
    }
    let mut lines = vec![line(called.sku.as_deref()), line(called.name.as_deref())];
    lines.extend(called.aliases.iter().map(|alias| line(Some(alias))));
    lines.extend(barcodes);
    Ok(Some(lines.join("\n")))
}

fn line(text: Option<&str>) -> String {
    text.unwrap_or_default().replace('\n', " ")
}
