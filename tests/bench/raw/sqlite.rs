//! SQLCipher alone: a file with the pragmas of a desktop's, next to a desktop's, written and read without the engine.

use anyhow::Result;
use rusqlite::Connection;
use std::path::Path;

use crate::goods::{Item, description};

/// Any key does: the cipher costs the same.
const KEY: &str = "2DD29CA851E7B56E4697B0E1F08507293D761A05CE4D1B628663F411A8086D99";

/// As a desktop opens its file.
pub fn open(path: &Path) -> Result<Connection> {
    let conn = Connection::open(path)?;
    conn.pragma_update(None, "key", format!("x'{KEY}'"))?;
    conn.pragma_update(None, "cipher_hmac_algorithm", "HMAC_SHA256")?;
    conn.set_prepared_statement_cache_capacity(200);
    conn.pragma_update(None, "foreign_keys", false)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "cache_size", -16_000)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    Ok(conn)
}

/// What a commit of this file is worth.
pub fn durability(conn: &Connection) -> Result<Vec<(String, String)>> {
    let mode: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let sync: i64 = conn.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    let cipher: String = conn.pragma_query_value(None, "cipher_version", |row| row.get(0))?;
    let sync = if sync == 2 { "FULL".to_owned() } else { sync.to_string() };
    Ok(vec![("sqlite journal_mode".into(), mode), ("sqlite synchronous".into(), sync), ("sqlcipher".into(), cipher)])
}

const TABLE: &str = "CREATE TABLE record (id BLOB PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL,
    body TEXT NOT NULL) STRICT, WITHOUT ROWID";

/// All items in one transaction: rows first, then the unique index, then the search in one statement.
pub fn fill(conn: &mut Connection, items: &[Item]) -> Result<()> {
    let tx = conn.transaction()?;
    insert(&tx, items)?;
    index(&tx)?;
    Ok(tx.commit()?)
}

/// The first half of it by itself: rows, without index and search.
pub fn rows(conn: &mut Connection, items: &[Item]) -> Result<()> {
    let tx = conn.transaction()?;
    insert(&tx, items)?;
    Ok(tx.commit()?)
}

/// The second half of it.
pub fn searchable(conn: &mut Connection) -> Result<()> {
    let tx = conn.transaction()?;
    index(&tx)?;
    Ok(tx.commit()?)
}

fn insert(conn: &Connection, items: &[Item]) -> Result<()> {
    conn.execute_batch(TABLE)?;
    let mut insert = conn.prepare("INSERT INTO record (id, key, name, body) VALUES (?1, ?2, ?3, ?4)")?;
    for item in items {
        let body = serde_json::json!({ "sku": item.sku, "name": item.name, "base_unit": "EA" }).to_string();
        insert.execute((item.id.0, item.sku.to_lowercase(), &item.name, body))?;
    }
    Ok(())
}

fn index(conn: &Connection) -> Result<()> {
    Ok(conn.execute_batch(
        "CREATE VIRTUAL TABLE item_search USING fts5 (item UNINDEXED, text, tokenize = 'trigram', detail = full);
         CREATE UNIQUE INDEX record_key ON record (key);
         INSERT INTO item_search (item, text) SELECT id, key || char(10) || name FROM record",
    )?)
}

/// The items as rows with two indexes and no search.
pub fn records(conn: &mut Connection, items: &[Item]) -> Result<()> {
    let tx = conn.transaction()?;
    tx.execute_batch(TABLE)?;
    upsert(&tx, items, None)?;
    tx.execute_batch("CREATE UNIQUE INDEX record_key ON record (key); CREATE INDEX record_name ON record (name, id)")?;
    Ok(tx.commit()?)
}

/// Writes these rows over in one transaction.
pub fn edit(conn: &mut Connection, items: &[Item], edit: u32) -> Result<()> {
    let tx = conn.transaction()?;
    upsert(&tx, items, Some(edit))?;
    Ok(tx.commit()?)
}

fn upsert(conn: &Connection, items: &[Item], edit: Option<u32>) -> Result<()> {
    let mut upsert = conn.prepare(
        "INSERT INTO record (id, key, name, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET key = excluded.key, name = excluded.name, body = excluded.body",
    )?;
    for item in items {
        let body = serde_json::json!({
            "sku": item.sku, "name": item.name, "base_unit": "EA", "description": edit.map(description),
        });
        upsert.execute((item.id.0, item.sku.to_lowercase(), &item.name, body.to_string()))?;
    }
    Ok(())
}

/// How many of the first twenty items hold all these words.
pub fn search(conn: &Connection, words: &[String]) -> Result<usize> {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
    let mut statement = conn.prepare_cached("SELECT item FROM item_search WHERE item_search MATCH ?1 LIMIT 20")?;
    let ids = statement.query_map([quoted.join(" AND ")], |row| row.get::<_, uuid::Uuid>(0))?;
    Ok(ids.collect::<rusqlite::Result<Vec<_>>>()?.len())
}

/// A table to commit single rows into.
pub fn prepare_rows(conn: &Connection) -> Result<()> {
    Ok(conn.execute_batch("CREATE TABLE row (n INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")?)
}

/// One row, one durable commit.
pub fn commit_row(conn: &Connection, body: &str) -> Result<()> {
    conn.prepare_cached("INSERT INTO row (body) VALUES (?1)")?.execute([body])?;
    Ok(())
}
