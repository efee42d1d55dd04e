//! Decides pending changes again on new base rows. Taken together are those that were decided
//! from a touched row, later ones that read what these may write, and earlier ones whose effects
//! these stand on; everybody else's effects are right as they are.

use super::{
    effects,
    facts::{self, View},
    outbox,
    search::Stale,
};
use crate::Failure;
use rusqlite::Connection;
use std::collections::BTreeSet;
use stillage_core::{
    absorb::{Pending, rebase, rebase_needs},
    facts::Facts,
    id::DeviceId,
    settle::needs_of,
};

/// Decides again what depends on the touched rows (names as in `pending_need`).
/// Says how many these were.
pub fn run(
    conn: &Connection,
    device: DeviceId,
    touched: BTreeSet<Vec<u8>>,
    stale: &mut Stale,
) -> Result<usize, Failure> {
    if touched.is_empty() {
        return Ok(0);
    }
    let places = closure(conn, touched)?;
    let count = places.len();
    decide(conn, device, places, stale)?;
    Ok(count)
}

/// Decides every pending change again: after this device took a new id, or its base was wiped.
pub fn run_all(conn: &Connection, device: DeviceId, stale: &mut Stale) -> Result<usize, Failure> {
    let places: BTreeSet<u64> = outbox::all_pending(conn)?.into_iter().collect();
    let count = places.len();
    decide(conn, device, places, stale)?;
    Ok(count)
}

fn closure(conn: &Connection, touched: BTreeSet<Vec<u8>>) -> Result<BTreeSet<u64>, Failure> {
    let mut places: BTreeSet<u64> = BTreeSet::new();
    let mut readers = conn.prepare_cached("SELECT n FROM pending_need WHERE row = ?1")?;
    for row in touched {
        for n in readers.query_map([row], |row| row.get(0))? {
            places.insert(n?);
        }
    }
    let neighbours = "SELECT other.n FROM pending_need mine JOIN pending_need other ON other.row = mine.row
        WHERE mine.n = ?1 AND (mine.writes AND other.n > ?1 OR other.writes AND other.n < ?1)";
    let mut neighbours = conn.prepare_cached(neighbours)?;
    let mut open: Vec<u64> = places.iter().copied().collect();
    while let Some(n) = open.pop() {
        for other in neighbours.query_map([n], |row| row.get(0))? {
            let other = other?;
            if places.insert(other) {
                open.push(other);
            }
        }
    }
    Ok(places)
}

fn decide(conn: &Connection, device: DeviceId, places: BTreeSet<u64>, stale: &mut Stale) -> Result<(), Failure> {
    let mut facts = Facts::default();
    for n in places {
        if let Some(pending) = outbox::pending(conn, device, n)? {
            again(conn, &pending, &mut facts, stale)?;
        }
    }
    Ok(())
}

fn again(conn: &Connection, pending: &Pending, facts: &mut Facts, stale: &mut Stale) -> Result<(), Failure> {
    let one = std::slice::from_ref(pending);
    loop {
        let needs = rebase_needs(one, facts);
        if needs.is_empty() {
            break;
        }
        facts::load(conn, View::Base, &needs, facts)?;
    }
    let needs = needs_of(&pending.act, facts);
    effects::erase(conn, pending.n, stale)?;
    for (_, decided) in rebase(one, facts) {
        if let Ok(made) = &decided {
            effects::write(conn, pending.n, made, stale)?;
        }
        outbox::forecast(conn, pending.n, decided.as_ref().err())?;
    }
    effects::write_needs(conn, pending.n, &pending.act.action, &needs)
}
