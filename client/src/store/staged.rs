//! Loading many rows at once: while far more is on its way than is here, secondary indexes are put aside and the
//! search is left behind; both are made afterwards from the rows, in one pass each. That is several times as fast as
//! keeping them right row by row.
//!
//! Every step is a transaction of its own and says in the setting `loading` how far it came, so that it goes on from
//! there after a crash, and people can act in between. What they see meanwhile is right, and found more slowly.

use super::{Durability, Store, outbox, search, settings};
use crate::Failure;
use rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Fewer rows than this are not worth it.
const WORTH: u64 = 10_000;
/// Items that one step makes searchable.
const STEP: u32 = 20_000;
/// How many pages of the write-ahead log are folded back at a time, usually and while so much is written that many of
/// them would be folded again and again. After a crash it is the first.
const FOLDED: u32 = 1_000;
const FOLDED_LOADING: u32 = 16_000;

/// What was put aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loading {
    /// The statements that make the missing indexes.
    indexes: Vec<String>,
    /// Whether rows are still to come.
    open: bool,
    /// Items up to this one can be searched.
    searchable: Uuid,
}

impl Loading {
    /// `None` when everything is in its place.
    pub fn read(conn: &Connection) -> Result<Option<Self>, Failure> {
        let text = settings::get(conn, settings::LOADING)?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    fn write(&self, conn: &Connection) -> Result<(), Failure> {
        settings::set(conn, settings::LOADING, &serde_json::to_string(self)?)
    }

    /// Whether this item's search text is kept row by row, and not made later.
    #[must_use]
    pub fn keeps(&self, item: Uuid) -> bool {
        item <= self.searchable
    }
}

/// Whether so much is coming that it is worth it. What waits here is looked up by the indexes, change by change, as its
/// effects come back.
fn is_worth_it(conn: &Connection, coming: u64, have: u64) -> Result<bool, Failure> {
    Ok(coming >= WORTH.max(have) && !outbox::is_waiting(conn)?)
}

/// Puts indexes and search aside when most of what this device will hold is still to come.
pub fn begin(transaction: &Transaction<'_>, coming: u64, have: u64) -> Result<(), Failure> {
    if !is_worth_it(transaction, coming, have)? {
        return Ok(());
    }
    let before = match Loading::read(transaction)? {
        Some(loading) if loading.open => return Ok(()),
        Some(loading) => loading.indexes,
        None => Vec::new(),
    };
    let found = put_aside(transaction, "'record', 'movement', 'balance', 'posted_count'")?;
    search::empty(transaction)?;
    let indexes = before.into_iter().chain(found).collect();
    transaction.pragma_update(None, "wal_autocheckpoint", FOLDED_LOADING)?;
    Loading { indexes, open: true, searchable: Uuid::nil() }.write(transaction)
}

/// The same for movements and counts alone: records and balances are there, and are found.
pub fn begin_history(transaction: &Transaction<'_>, coming: u64, have: u64) -> Result<(), Failure> {
    if Loading::read(transaction)?.is_some() || !is_worth_it(transaction, coming, have)? {
        return Ok(());
    }
    let indexes = put_aside(transaction, "'movement', 'posted_count'")?;
    transaction.pragma_update(None, "wal_autocheckpoint", FOLDED_LOADING)?;
    Loading { indexes, open: true, searchable: Uuid::max() }.write(transaction)
}

/// Drops the indexes of these tables; says how to make them again. Those that hold next to nothing of what comes from a
/// server stay: to make them again, every row would be read.
fn put_aside(transaction: &Transaction<'_>, tables: &str) -> Result<Vec<String>, Failure> {
    let sql = format!(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({tables})
            AND name NOT IN ('record_keyless', 'movement_pending', 'movement_reverses', 'posted_count_pending')"
    );
    let found = transaction
        .prepare(&sql)?
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    for (name, _) in &found {
        transaction.execute_batch(&format!("DROP INDEX \"{name}\""))?;
    }
    Ok(found.into_iter().map(|(_, sql)| sql).collect())
}

/// Takes one step towards having everything in its place; false when nothing is left to do.
pub fn step(store: &Store) -> Result<bool, Failure> {
    if store.read(Loading::read)?.is_none() {
        return Ok(false);
    }
    let left = store.write(Durability::Normal, |transaction| {
        let Some(mut loading) = Loading::read(transaction)? else { return Ok(false) };
        loading.open = false;
        if let Some(index) = loading.indexes.pop() {
            transaction.execute_batch(&index)?;
            loading.write(transaction)?;
        } else if let Some(last) = search::extend(transaction, loading.searchable, STEP)? {
            loading.searchable = last;
            loading.write(transaction)?;
        } else {
            search::settle(transaction)?;
            transaction.pragma_update(None, "wal_autocheckpoint", FOLDED)?;
            settings::unset(transaction, settings::LOADING)?;
            return Ok(false);
        }
        Ok(true)
    })?;
    if !left {
        store.fold()?;
    }
    Ok(left)
}
