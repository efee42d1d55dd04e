//! The sums of the scopes this device holds, beside their cursors: what a page changes goes in with it, and at the head
//! of a scope the sum is compared with the server's. Nobody takes the other's: a scope that differs is built anew, one
//! at a time and each at most once a day. One that differs again before that stays as it is, and people are told.

use super::{
    facts::{read_lot, read_word},
    record::Stored,
    settings, staged,
};
use crate::Failure;
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;
use stillage_core::{
    id::{ItemId, LocationId},
    quantity::Quantity,
    record::Ref,
    scope::Scope,
    stock::Cell,
    sum::{Mismatch, Sum, SumChanges},
    wire::{PullAnswer, ScopeSum},
};

/// A scope is built anew at most once in this time, in microseconds.
const DAY: i64 = 24 * 3600 * 1_000_000;

/// Of what this device holds of a scope, from its base rows: also for whoever has loaded rows by another way.
pub fn of_rows(conn: &Connection, scope: Scope) -> Result<Sum, Failure> {
    match scope {
        Scope::Catalogue => of_records(conn, "kind <> 'inbox'", ""),
        Scope::Inbox(person) => of_records(conn, "kind = 'inbox' AND body ->> '$.person' = ?1", &person.to_string()),
        Scope::Site(site) => of_cells(conn, site),
    }
}

fn of_records(conn: &Connection, condition: &str, person: &str) -> Result<Sum, Failure> {
    let sql = format!("SELECT kind, id, version, body FROM record WHERE version > 0 AND {condition}");
    let mut statement = conn.prepare(&sql)?;
    let parameters: &[&dyn rusqlite::ToSql] = if person.is_empty() { &[] } else { &[&person] };
    let mut rows = statement.query(parameters)?;
    let mut sum = Sum::EMPTY;
    while let Some(row) = rows.next()? {
        let of = Ref { kind: read_word(row, 0)?, id: row.get(1)? };
        let body = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        sum = sum.with(Sum::of_record(of, row.get(2)?, body));
    }
    Ok(sum)
}

fn of_cells(conn: &Connection, site: LocationId) -> Result<Sum, Failure> {
    let sql = "SELECT item, location, lot, status, on_hand FROM balance WHERE on_hand <> 0 AND location IN
        (SELECT id FROM record WHERE kind = 'location' AND body ->> '$.site' = ?1)";
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([site.to_string()])?;
    let mut sum = Sum::EMPTY;
    while let Some(row) = rows.next()? {
        let (item, location) = (ItemId(row.get(0)?), LocationId(row.get(1)?));
        let cell = Cell { item, location, lot: read_lot(row, 2)?, status: read_word(row, 3)? };
        sum = sum.with(Sum::of_cell(&cell, Quantity(row.get(4)?)));
    }
    Ok(sum)
}

/// The sum that is kept beside the cursor, if there is one.
pub fn kept(conn: &Connection, scope: Scope) -> Result<Option<Sum>, Failure> {
    let mut statement = conn.prepare_cached("SELECT sum FROM cursor WHERE scope = ?1")?;
    let bytes: Option<Option<[u8; 16]>> = statement.query_row([scope.to_string()], |row| row.get(0)).optional()?;
    Ok(bytes.flatten().map(|bytes| Sum(u128::from_le_bytes(bytes))))
}

/// Keeps the sum of a scope that has a cursor; `None` when it is not known.
pub fn keep(conn: &Connection, scope: Scope, sum: Option<Sum>) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached("UPDATE cursor SET sum = ?2 WHERE scope = ?1")?;
    statement.execute((scope.to_string(), sum.map(|sum| sum.0.to_le_bytes())))?;
    Ok(())
}

/// What one answer does to the sums of its scopes.
#[derive(Debug, Default)]
pub struct Keeping {
    changes: SumChanges,
    /// So much comes in that the sums are left unknown, and added up from the rows when all are there.
    loading: bool,
}

impl Keeping {
    pub fn begin(conn: &Connection) -> Result<Self, Failure> {
        Ok(Self { loading: staged::Loading::read(conn)?.is_some(), ..Self::default() })
    }

    /// A record of the base was `before`, if it was there, and is `now`.
    pub fn record(&mut self, scope: Scope, before: Option<&Stored>, now: &Stored) {
        if self.loading {
            return;
        }
        if let Some(before) = before {
            self.changes.leave(scope, Sum::of_record(before.of, before.version, &before.body));
        }
        self.changes.enter(scope, Sum::of_record(now.of, now.version, &now.body));
    }

    /// After `delta` has made the cell hold `on_hand`.
    pub fn cell(&mut self, (scope, cell): (Scope, &Cell), delta: Quantity, on_hand: Quantity) {
        if !self.loading {
            self.changes.cell((scope, cell), Quantity(on_hand.0.wrapping_sub(delta.0)), on_hand);
        }
    }

    /// Once rows and cursors are written: keeps the sums of the scopes that got a page, and compares those that came to
    /// their heads. Says whether one is found to differ.
    pub fn end(self, conn: &Connection, answer: &PullAnswer) -> Result<bool, Failure> {
        for page in &answer.pages {
            let before = match page.from {
                // A snapshot that was given up half-way leaves records, over which the log writes.
                0 if page.scope == Scope::Catalogue => None,
                0 => Some(Sum::EMPTY),
                _ => kept(conn, page.scope)?,
            };
            let change = self.changes.0.get(&page.scope).copied().unwrap_or_default();
            let sum = before.filter(|_| !self.loading).map(|sum| sum.with(change));
            keep(conn, page.scope, sum)?;
        }
        let mut found = false;
        if !self.loading {
            let cursors = settings::cursors(conn)?;
            for told in answer.sums.iter().filter(|told| cursors.get(&told.scope) == Some(&told.seq)) {
                found |= compare(conn, told, answer.server_time)?;
            }
        }
        Ok(found)
    }
}

/// Whether the scope differs and is to be built anew.
fn compare(conn: &Connection, theirs: &ScopeSum, now: i64) -> Result<bool, Failure> {
    // What a newer server says and this version does not read is in its sum, and not in ours.
    let unread = "SELECT 1 FROM unknown_entry WHERE scope = ?1 LIMIT 1";
    if conn.prepare_cached(unread)?.exists([theirs.scope.to_string()])? {
        return Ok(false);
    }
    let mine = match kept(conn, theirs.scope)? {
        Some(mine) => mine,
        None => {
            let mine = of_rows(conn, theirs.scope)?;
            keep(conn, theirs.scope, Some(mine))?;
            mine
        }
    };
    if mine == theirs.sum {
        // When it was built anew stays known: that is what keeps it from being done over and over.
        let sql = "UPDATE mismatch SET state = 'rebuilt' WHERE scope = ?1 AND state = 'standing'";
        conn.prepare_cached(sql)?.execute([theirs.scope.to_string()])?;
        return Ok(false);
    }
    tracing::error!(scope = %theirs.scope, seq = theirs.seq, %mine, theirs = %theirs.sum,
        "this device has another sum of a scope than the server");
    note(conn, Mismatch { scope: theirs.scope, seq: theirs.seq, mine, theirs: theirs.sum, again: false }, now)
}

fn note(conn: &Connection, found: Mismatch, now: i64) -> Result<bool, Failure> {
    let Mismatch { scope, seq, mine, theirs, .. } = found;
    let before = "SELECT at FROM mismatch WHERE scope = ?1";
    let at: Option<Option<i64>> =
        conn.prepare_cached(before)?.query_row([scope.to_string()], |row| row.get(0)).optional()?;
    let lately = at.flatten().is_some_and(|at| now.saturating_sub(at) < DAY);
    let state = if lately { "standing" } else { "found" };
    let sql = "INSERT INTO mismatch (scope, state, seq, mine, theirs, told) VALUES (?1, ?2, ?3, ?4, ?5, 0)
        ON CONFLICT (scope) DO UPDATE SET state = excluded.state, seq = excluded.seq, mine = excluded.mine,
          theirs = excluded.theirs, told = told AND state = excluded.state";
    conn.prepare_cached(sql)?.execute((scope.to_string(), state, seq, mine.to_string(), theirs.to_string()))?;
    Ok(!lately)
}

/// The scope to be built anew next: its pages are asked for from the start.
pub fn to_rebuild(conn: &Connection) -> Result<Option<Scope>, Failure> {
    let sql = "SELECT scope FROM mismatch WHERE state = 'found' ORDER BY scope LIMIT 1";
    let scope: Option<String> = conn.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    scope.map(|scope| scope.parse().map_err(Failure::internal)).transpose()
}

/// The cursors to ask from.
pub fn cursors(conn: &Connection) -> Result<BTreeMap<Scope, u64>, Failure> {
    let mut cursors = settings::cursors(conn)?;
    if let Some(scope) = to_rebuild(conn)? {
        cursors.entry(scope).and_modify(|cursor| *cursor = 0);
    }
    Ok(cursors)
}

/// The scope is being built anew, from this moment on.
pub fn rebuilding(conn: &Connection, scope: Scope, now: i64) -> Result<(), Failure> {
    let sql = "UPDATE mismatch SET state = 'rebuilt', at = ?2 WHERE scope = ?1";
    conn.prepare_cached(sql)?.execute((scope.to_string(), now))?;
    Ok(())
}

/// What the server has not been told.
pub fn untold(conn: &Connection) -> Result<Vec<Mismatch>, Failure> {
    mismatches(conn, "told = 0")
}

/// What differs although it was built anew.
pub fn standing(conn: &Connection) -> Result<Vec<Mismatch>, Failure> {
    mismatches(conn, "state = 'standing'")
}

fn mismatches(conn: &Connection, condition: &str) -> Result<Vec<Mismatch>, Failure> {
    let sql = format!("SELECT scope, seq, mine, theirs, state FROM mismatch WHERE {condition} ORDER BY scope");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    let text = |row: &rusqlite::Row<'_>, at| row.get::<_, String>(at);
    while let Some(row) = rows.next()? {
        found.push(Mismatch {
            scope: text(row, 0)?.parse().map_err(Failure::internal)?,
            seq: row.get(1)?,
            mine: text(row, 2)?.parse().map_err(Failure::internal)?,
            theirs: text(row, 3)?.parse().map_err(Failure::internal)?,
            again: text(row, 4)? == "standing",
        });
    }
    Ok(found)
}

/// The server has heard of these.
pub fn told(conn: &Connection, mismatches: &[Mismatch]) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached("UPDATE mismatch SET told = 1 WHERE scope = ?1 AND mine = ?2")?;
    for mismatch in mismatches {
        statement.execute((mismatch.scope.to_string(), mismatch.mine.to_string()))?;
    }
    Ok(())
}
