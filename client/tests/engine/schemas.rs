//! Databases of the first schemas, one and two versions before the first that was kept whole
//! (tests/fixtures/v1): they open, are brought up to date, and keep what waits in them.

use crate::{
    ledger::Ledger,
    world::{Bin, Desk, KEY, issue, receive},
};
use rusqlite::Connection;
use std::path::Path;
use stillage_client::{
    Mint,
    store::{Store, movement},
};
use stillage_core::quantity::Quantity;
use uuid::Uuid;

/// The schemas as they were released, never to be edited.
const FIRST: [&str; 2] = [
    include_str!("../../../migrations/client/0001_create_engine.sql"),
    include_str!("../../../migrations/client/0002_number_last_counts.sql"),
];

/// Tables with rows of their own; the search index has its rows copied under their numbers.
const TABLES: &str = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT GLOB 'item_search_[cdi]*'
    AND name NOT GLOB 'sqlite_*' AND name <> 'item_search'";

fn columns(conn: &Connection, schema: &str, table: &str) -> Vec<String> {
    let mut statement = conn.prepare(&format!("PRAGMA {schema}.table_info({table})")).unwrap();
    statement.query_map([], |row| row.get(1)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// A database of the schema after `steps`, with what the desk at `now` holds of its columns.
fn made_earlier(steps: usize, now: &Path, path: &Path) {
    let old = Connection::open(path).unwrap();
    old.pragma_update(None, "cipher_default_hmac_algorithm", "HMAC_SHA256").unwrap();
    old.pragma_update(None, "key", format!("x'{KEY}'")).unwrap();
    old.pragma_update(None, "cipher_hmac_algorithm", "HMAC_SHA256").unwrap();
    for step in &FIRST[..steps] {
        old.execute_batch(step).unwrap();
    }
    old.execute(&format!("ATTACH ?1 AS now KEY \"x'{KEY}'\""), [now.to_str().unwrap()]).unwrap();
    let mut statement = old.prepare(TABLES).unwrap();
    let tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    for table in tables {
        let known = columns(&old, "now", &table);
        let shared: Vec<String> = columns(&old, "main", &table).into_iter().filter(|c| known.contains(c)).collect();
        let list = shared.join(", ");
        old.execute(&format!("INSERT INTO main.{table} ({list}) SELECT {list} FROM now.{table}"), []).unwrap();
    }
    // Bodies said everything.
    let mut statement = old.prepare(&format!("SELECT {} FROM now.movement", movement::COLUMNS)).unwrap();
    let bodies = statement.query_map([], |row| Ok((row.get::<_, Uuid>(0)?, movement::body(row)?))).unwrap();
    for (id, body) in bodies.map(Result::unwrap) {
        old.execute("UPDATE main.movement SET body = ?2 WHERE id = ?1", (id, body)).unwrap();
    }
    let search = "INSERT INTO main.item_search (rowid, item, text) SELECT rowid, item, text FROM now.item_search";
    old.execute(search, []).unwrap();
    old.pragma_update(None, "user_version", steps).unwrap();
}

fn of_schema(steps: usize, ledger: &mut Ledger) -> (Desk, Bin) {
    let desk = Desk::new();
    let bin = desk.furnish();
    desk.act(vec![receive(&bin, 10)]).unwrap();
    desk.sync(ledger);
    desk.act(vec![receive(&bin, 12), issue(&bin, 1)]).unwrap();
    desk.seal().unwrap();
    desk.act(vec![issue(&bin, 2)]).unwrap();
    let Desk { dir: now, store, .. } = desk;
    drop(store);
    let dir = tempfile::tempdir().unwrap();
    made_earlier(steps, &now.path().join("stillage.db"), &dir.path().join("stillage.db"));
    let store = Store::open(dir.path(), KEY).unwrap();
    (Desk { dir, store, mint: Mint::new() }, bin)
}

#[test]
fn a_database_of_the_first_schemas_opens_and_what_waits_in_it_arrives() {
    for steps in 1..=FIRST.len() {
        let mut ledger = Ledger::new();
        let (desk, bin) = of_schema(steps, &mut ledger);
        assert_eq!((desk.waiting(), desk.on_hand(&bin)), (3, Quantity::whole(19)), "schema {steps}");
        desk.act(vec![issue(&bin, 4)]).unwrap();
        desk.sync(&mut ledger);
        assert_eq!((desk.waiting(), desk.on_hand(&bin)), (0, Quantity::whole(15)), "schema {steps}");
        let late = Desk::new();
        late.sync(&mut ledger);
        assert_eq!(late.dump(), desk.dump(), "schema {steps}");
    }
}
