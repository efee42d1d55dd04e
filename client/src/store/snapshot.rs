//! Loading snapshots: which chunks are still to come, and each of them in one transaction with the note that it is in.
//!
//! The surprise: a scope has its cursor as soon as its records and balances are in, and is pulled from there on while its
//! history still arrives. History never adds: what a cell holds came with the balances.

mod load;
mod ready;

pub use load::load;
pub use ready::Ready;

use super::{Durability, Store, outbox, rebase, reset, search::Stale, settings, staged, sums};
use crate::Failure;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, Transaction};
use std::collections::BTreeMap;
use stillage_core::{
    scope::Scope,
    snapshot::{ChunkName, Manifest, Part},
    sum::Sum,
    wire::Cursor,
};

/// A chunk that is still to be loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    place: u64,
    pub name: ChunkName,
    /// The number S of its scope.
    seq: u64,
    pub history: bool,
}

/// How far the loading has come, in rows and in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    pub rows: u64,
    pub of_rows: u64,
    pub bytes: u64,
    pub of_bytes: u64,
}

/// Whether a snapshot may be taken now: what was sent and has no settled end may be in it, and would be shown twice. What
/// waits under a new id may have been sent under a former one.
pub fn is_welcome(conn: &Connection) -> Result<bool, Failure> {
    let sent = conn.prepare_cached("SELECT 1 FROM outbox WHERE state = 'sealed' LIMIT 1")?.exists([])?;
    let again = !settings::former_devices(conn)?.is_empty() && outbox::is_waiting(conn)?;
    Ok(!(sent || again) || seeded!(StoreTakenOverSent))
}

/// Whether this one may: a copy of this database may also have sent what waits here, and then the server's end of the chain is
/// not in this one.
fn may_take(conn: &Connection, manifest: &Manifest) -> Result<bool, Failure> {
    let own = match manifest.ack {
        Some(ack) => reset::is_own(conn, ack)? || seeded!(StoreTakenOverCopy),
        None => true,
    };
    Ok(own && is_welcome(conn)?)
}

/// Whether this device holds nothing at all of its server.
pub fn is_blank(conn: &Connection) -> Result<bool, Failure> {
    let reset = settings::get(conn, settings::RESET)?.is_some();
    Ok(!reset && settings::cursors(conn)?.values().all(|seq| *seq == 0) && scopes(conn)?.is_empty())
}

/// The next chunk after those that are loaded or on their way.
pub fn due(conn: &Connection, after: Option<&Due>, history: bool) -> Result<Option<Due>, Failure> {
    let sql = "SELECT place, name, seq, history FROM snapshot_chunk
        WHERE NOT loaded AND place > ?1 AND history <= ?2 ORDER BY place LIMIT 1";
    let found =
        conn.prepare_cached(sql)?.query_row((after.map_or(0, |due| due.place), history), read_due).optional()?;
    let Some((place, name, seq, history)) = found else { return Ok(None) };
    Ok(Some(Due { place, name: serde_json::from_str(&name)?, seq, history }))
}

fn read_due(row: &SqlRow<'_>) -> rusqlite::Result<(u64, String, u64, bool)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

/// Scopes that are not all in; those of which only history is missing have a cursor already.
pub fn scopes(conn: &Connection) -> Result<BTreeMap<Scope, bool>, Failure> {
    let sql = "SELECT scope, min(history) FROM snapshot_chunk WHERE NOT loaded GROUP BY scope";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))?;
    let mut scopes = BTreeMap::new();
    for row in rows {
        let (scope, only_history) = row?;
        let scope = scope.parse().map_err(|_| Failure::internal(format_args!("snapshot of {scope:?}")))?;
        scopes.insert(scope, only_history);
    }
    Ok(scopes)
}

pub fn loaded(conn: &Connection) -> Result<Option<Loaded>, Failure> {
    let sql = "SELECT coalesce(sum(rows * loaded), 0), coalesce(sum(rows), 0), coalesce(sum(bytes * loaded), 0),
        coalesce(sum(bytes), 0) FROM snapshot_chunk";
    let loaded = conn.prepare_cached(sql)?.query_row([], |row| {
        Ok(Loaded { rows: row.get(0)?, of_rows: row.get(1)?, bytes: row.get(2)?, of_bytes: row.get(3)? })
    })?;
    Ok(Some(loaded).filter(|loaded| loaded.of_rows > 0))
}

/// Notes what is to be loaded. Scopes of which something is here are left out, and so is everything while own changes are
/// between sent and settled. Says whether anything is to be loaded now.
pub fn accept(store: &Store, manifest: &Manifest) -> Result<bool, Failure> {
    store.write(Durability::Normal, |transaction| {
        let reset = settings::get(transaction, settings::RESET)?.is_some();
        if !may_take(transaction, manifest)?
            || settings::epoch(transaction)?.is_some_and(|known| known != manifest.epoch)
        {
            return Ok(false);
        }
        if reset {
            reset::wipe_base(transaction)?;
        }
        let cursors = settings::cursors(transaction)?;
        let is_new = |scope: &Scope| cursors.get(scope).copied().unwrap_or(0) == 0;
        let new: BTreeMap<Scope, u64> =
            manifest.scopes.iter().filter(|cursor| is_new(&cursor.scope)).map(|c| (c.scope, c.seq)).collect();
        for scope in new.keys() {
            reset::drop_scope(transaction, *scope)?;
        }
        note(transaction, manifest, &new, |_| true)?;
        let coming =
            manifest.chunks.iter().filter(|chunk| new.contains_key(&chunk.scope)).map(|chunk| chunk.rows).sum();
        staged::begin(transaction, coming, cursors.values().sum())?;
        settings::set(transaction, settings::EPOCH, &manifest.epoch.to_string())?;
        Ok(!new.is_empty())
    })
}

/// The snapshots that were being loaded are gone; `manifest` names what there is instead. History is taken up to where the
/// balances were; what is not offered any more comes with the log.
pub fn replace(store: &Store, manifest: &Manifest) -> Result<(), Failure> {
    store.write(Durability::Normal, |transaction| {
        let (mut whole, mut history) = (BTreeMap::new(), BTreeMap::new());
        let offered: BTreeMap<Scope, u64> = manifest.scopes.iter().map(|c| (c.scope, c.seq)).collect();
        let welcome = may_take(transaction, manifest)?;
        for (scope, only_history) in scopes(transaction)? {
            let limit = "SELECT max(seq) FROM snapshot_chunk WHERE scope = ?1";
            let limit: u64 = transaction.query_row(limit, [scope.to_string()], |row| row.get(0))?;
            match offered.get(&scope) {
                Some(_) if only_history => {
                    forget(transaction, scope)?;
                    history.insert(scope, limit);
                }
                Some(seq) if welcome => {
                    reset::drop_scope(transaction, scope)?;
                    whole.insert(scope, *seq);
                }
                _ => reset::drop_scope(transaction, scope)?,
            }
        }
        note(transaction, manifest, &whole, |_| true)?;
        note(transaction, manifest, &history, |chunk| chunk.part == Part::History)?;
        if scopes(transaction)?.is_empty() {
            forget_all(transaction)?;
        }
        decide_again(transaction, Stale::default())
    })
}

/// Gives these snapshots up; the log brings what they would have.
pub fn give_up(store: &Store) -> Result<(), Failure> {
    store.write(Durability::Normal, |transaction| {
        for scope in scopes(transaction)?.into_keys() {
            reset::drop_scope(transaction, scope)?;
        }
        forget_all(transaction)?;
        decide_again(transaction, Stale::default())
    })
}

/// What waits here may stand on rows that are gone.
fn decide_again(transaction: &Transaction<'_>, mut stale: Stale) -> Result<(), Failure> {
    rebase::run_all(transaction, settings::device(transaction)?, &mut stale)?;
    stale.refresh(transaction)
}

/// Nothing more of this scope is to be loaded.
pub fn forget(conn: &Connection, scope: Scope) -> Result<(), Failure> {
    conn.execute("DELETE FROM snapshot_chunk WHERE scope = ?1", [scope.to_string()])?;
    // What is in is only kept beside what is not, to say how far the loading has come.
    conn.execute("DELETE FROM snapshot_chunk WHERE NOT EXISTS (SELECT 1 FROM snapshot_chunk WHERE NOT loaded)", [])?;
    Ok(())
}

pub fn forget_all(conn: &Connection) -> Result<(), Failure> {
    conn.execute("DELETE FROM snapshot_chunk", [])?;
    Ok(())
}

fn note(
    transaction: &Transaction<'_>,
    manifest: &Manifest,
    scopes: &BTreeMap<Scope, u64>,
    wanted: impl Fn(&ChunkName) -> bool,
) -> Result<(), Failure> {
    let sql = "INSERT INTO snapshot_chunk (scope, seq, history, rows, bytes, name, sum)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert = transaction.prepare_cached(sql)?;
    for chunk in manifest.chunks.iter().filter(|chunk| wanted(chunk)) {
        let Some(seq) = scopes.get(&chunk.scope) else { continue };
        let history = chunk.part == Part::History;
        if history && seeded!(StoreHistoryNotOwed) {
            continue;
        }
        let name = serde_json::to_string(chunk)?;
        let sum = manifest.sums.iter().find(|told| (told.scope, told.seq) == (chunk.scope, *seq));
        let sum = sum.map(|told| told.sum.to_string());
        insert.execute((chunk.scope.to_string(), seq, history, chunk.rows, chunk.bytes, name, sum))?;
    }
    for (scope, seq) in scopes {
        begin_following(transaction, *scope, *seq)?;
    }
    Ok(())
}

/// Sets the cursor and the sum once everything but history is in, if that comes to what the manifest said. If it does not,
/// none of it is believed: the scope is emptied and told from its log, from the start.
fn begin_following(transaction: &Transaction<'_>, scope: Scope, seq: u64) -> Result<(), Failure> {
    let sql = "SELECT 1 FROM snapshot_chunk WHERE scope = ?1 AND NOT loaded AND NOT history LIMIT 1";
    let waits = transaction.prepare_cached(sql)?.exists([scope.to_string()])?;
    let cursor = settings::cursors(transaction)?.get(&scope).copied().unwrap_or(0);
    if waits || cursor >= seq {
        return Ok(());
    }
    let (mine, theirs) = compared(transaction, scope)?;
    let mine = if seeded!(StoreSumAdopted) { theirs.or(mine) } else { mine };
    if let (Some(mine), Some(theirs)) = (mine, theirs)
        && mine != theirs
    {
        tracing::error!(%scope, seq, %mine, %theirs, "a snapshot does not come to its sum; the log has to do");
        let mut stale = Stale::default();
        reset::empty_scope(transaction, scope, &mut stale)?;
        return decide_again(transaction, stale);
    }
    let seq = if seeded!(StoreCursorShort) { seq.saturating_sub(1) } else { seq };
    settings::set_cursor(transaction, Cursor { scope, seq })?;
    sums::keep(transaction, scope, mine)
}

/// What came of a scope, and what the manifest said. From the chunks and not from the rows: a cell's site is known from
/// the catalogue, which may still be on its way.
fn compared(conn: &Connection, scope: Scope) -> Result<(Option<Sum>, Option<Sum>), Failure> {
    let (mut mine, mut theirs) = (Some(Sum::EMPTY), None);
    let sql = "SELECT mine, sum, history FROM snapshot_chunk WHERE scope = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([scope.to_string()])?;
    let read = |text: Option<String>| text.map(|text| text.parse::<Sum>().map_err(Failure::internal)).transpose();
    while let Some(row) = rows.next()? {
        theirs = read(row.get(1)?)?.or(theirs);
        if !row.get::<_, bool>(2)? {
            let of_chunk = read(row.get(0)?)?;
            mine = mine.zip(of_chunk).map(|(mine, more)| mine.with(more));
        }
    }
    drop(rows);
    // What this version does not read is in theirs, and not in ours.
    let unread = "SELECT 1 FROM unknown_entry WHERE scope = ?1 LIMIT 1";
    let unread = conn.prepare_cached(unread)?.exists([scope.to_string()])?;
    Ok((mine, theirs.filter(|_| !unread)))
}

/// Puts indexes of what only history fills aside, when most of it is still to come.
pub fn before_history(store: &Store) -> Result<(), Failure> {
    store.write(Durability::Normal, |transaction| {
        let sql = "SELECT coalesce(sum(rows), 0) FROM snapshot_chunk WHERE history AND NOT loaded";
        let coming: u64 = transaction.query_row(sql, [], |row| row.get(0))?;
        let sql = "SELECT coalesce(sum(seq), 0) FROM cursor WHERE scope LIKE 'site:%'
            AND scope NOT IN (SELECT scope FROM snapshot_chunk)";
        let have: u64 = transaction.query_row(sql, [], |row| row.get(0))?;
        staged::begin_history(transaction, coming, have)
    })
}
