//! Keeps the search text of items in step: SKU, name, other names and barcodes, one row an item.
//! It is written once per transaction, after the records, for the items that were touched.

use crate::Failure;
use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;
use std::collections::BTreeSet;
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

    /// Writes the text of every stale item anew.
    pub fn refresh(self, conn: &Connection) -> Result<(), Failure> {
        self.0.into_iter().try_for_each(|item| refresh(conn, item))
    }
}

fn refresh(conn: &Connection, item: Uuid) -> Result<(), Failure> {
    let text = text_of(conn, item)?;
    let row: Option<i64> = conn
        .prepare_cached("SELECT row FROM item_search_row WHERE item = ?1")?
        .query_row([item], |row| row.get(0))
        .optional()?;
    match (row, text) {
        (None, Some(text)) => {
            conn.prepare_cached("INSERT INTO item_search (item, text) VALUES (?1, ?2)")?.execute((item, text))?;
            conn.prepare_cached("INSERT INTO item_search_row (item, row) VALUES (?1, ?2)")?
                .execute((item, conn.last_insert_rowid()))?;
        }
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

fn text_of(conn: &Connection, item: Uuid) -> Result<Option<String>, Failure> {
    let body: Option<String> = conn
        .prepare_cached("SELECT body FROM record_now WHERE kind = 'item' AND id = ?1")?
        .query_row([item], |row| row.get(0))
        .optional()?;
    let Some(body) = body else { return Ok(None) };
    let fields: Value = serde_json::from_str(&body)?;
    let mut words: Vec<String> = Vec::new();
    words.extend(fields["sku"].as_str().map(str::to_owned));
    words.extend(fields["name"].as_str().map(str::to_owned));
    let aliases = fields["aliases"].as_array().into_iter().flatten();
    words.extend(aliases.filter_map(Value::as_str).map(str::to_owned));
    let sql = "SELECT key FROM record_now WHERE kind = 'barcode' AND parent = ?1";
    let mut barcodes = conn.prepare_cached(sql)?;
    let codes = barcodes.query_map([item], |row| row.get::<_, Option<String>>(0))?;
    let mut codes: Vec<String> = codes.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    codes.sort_unstable();
    words.extend(codes);
    Ok(Some(words.join("\n")))
}
