//! Keeps the search text of items in step: SKU, name, other names and barcodes, one row for each item that is in use.
//! It is written once per transaction, after the records, for the items that were touched.

use super::staged::Loading;
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
    Ok(())
}

/// Writes the texts of the next items after `last`, which have none; says which one was the last, if there was one.
pub fn extend(conn: &Connection, last: Uuid, limit: u32) -> Result<Option<Uuid>, Failure> {
    // Straight from the tables: the view would look at the pending rows of each.
    let sql = "SELECT id FROM record WHERE kind = 'item' AND id > ?1
        UNION SELECT id FROM pending_record WHERE kind = 'item' AND id > ?1 ORDER BY id LIMIT ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let items = statement.query_map((last, limit), |row| row.get(0))?.collect::<Result<Vec<Uuid>, _>>()?;
    for item in &items {
        if let Some(text) = text_of(conn, *item)? {
            insert(conn, *item, &text)?;
        }
    }
    Ok(items.last().copied())
}

fn insert(conn: &Connection, item: Uuid, text: &str) -> Result<(), Failure> {
    conn.prepare_cached("INSERT INTO item_search (item, text) VALUES (?1, ?2)")?.execute((item, text))?;
    let row = conn.last_insert_rowid();
    conn.prepare_cached("INSERT INTO item_search_row (item, row) VALUES (?1, ?2)")?.execute((item, row))?;
    Ok(())
}

fn refresh(conn: &Connection, item: Uuid) -> Result<(), Failure> {
    let text = text_of(conn, item)?;
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

/// SKU and name in the first two lines, then what else it is called. An item that is archived, or was merged into
/// another, has no text: it is not found.
fn text_of(conn: &Connection, item: Uuid) -> Result<Option<String>, Failure> {
    let body: Option<String> = conn
        .prepare_cached("SELECT body FROM record_now WHERE kind = 'item' AND id = ?1 AND archived = 0")?
        .query_row([item], |row| row.get(0))
        .optional()?;
    let Some(body) = body else { return Ok(None) };
    let fields: Value = serde_json::from_str(&body)?;
    if fields["alias_of"].is_string() {
        return Ok(None);
    }
    let mut words = vec![line(&fields["sku"]), line(&fields["name"])];
    words.extend(fields["aliases"].as_array().into_iter().flatten().map(line));
    let sql = "SELECT key FROM record_now WHERE kind = 'barcode' AND parent = ?1";
    let mut barcodes = conn.prepare_cached(sql)?;
    let codes = barcodes.query_map([item], |row| row.get::<_, Option<String>>(0))?;
    let mut codes: Vec<String> = codes.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    codes.sort_unstable();
    words.extend(codes);
    Ok(Some(words.join("\n")))
}

fn line(field: &Value) -> String {
    field.as_str().unwrap_or_default().replace('\n', " ")
}
