//! Decides pending changes again on new base rows. Taken together are those that were decided
//! from a touched row, later ones that read what these may write, and earlier ones whose effects
//! these stand on (whether there is stock of an item or at a place counts as read); everybody else's effects are right as they are.

use super::{
    effects,
    facts::{self, View},
    outbox,
    search::Stale,
};
use crate::Failure;
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeSet;
use stillage_core::{
    absorb::{Pending, rebase, rebase_needs},
    facts::Facts,
    id::{DeviceId, MovementId},
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
    let mut places = closure(conn, touched)?;
    loop {
        let moved_on = decide(conn, device, &places, stale)?;
        let more = others(conn, &places, moved_on)?;
        if more.is_empty() || seeded!(StoreNewNeedsUnseen) {
            return Ok(places.len());
        }
        places.extend(more);
    }
}

/// Decides every pending change again: after this device took a new id, or its base was wiped.
pub fn run_all(conn: &Connection, device: DeviceId, stale: &mut Stale) -> Result<usize, Failure> {
    let places: BTreeSet<u64> = outbox::all_pending(conn)?.into_iter().collect();
    decide(conn, device, &places, stale)?;
    Ok(places.len())
}

/// The changes that were decided from these rows, and all that hang together with them.
fn closure(conn: &Connection, mut touched: BTreeSet<Vec<u8>>) -> Result<BTreeSet<u64>, Failure> {
    let mut places: BTreeSet<u64> = BTreeSet::new();
    if asks_for_stock(conn)? {
        touched.extend(touched.clone().iter().filter_map(|row| effects::stock_rows(row)).flatten());
    }
    let mut readers = conn.prepare_cached("SELECT n FROM pending_need WHERE row = ?1")?;
    for row in touched {
        for n in readers.query_map([row], |row| row.get(0))? {
            places.insert(n?);
        }
    }
    let found: Vec<u64> = places.iter().copied().filter(|_| !seeded!(StoreLaterNotDecided)).collect();
    places.extend(others(conn, &places, found)?);
    Ok(places)
}

fn asks_for_stock(conn: &Connection) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM pending_need WHERE row >= x'73' AND row < x'74' LIMIT 1";
    Ok(conn.prepare_cached(sql)?.exists([])?)
}

/// What hangs together with the changes at `open` and is not among `places`.
fn others(conn: &Connection, places: &BTreeSet<u64>, mut open: Vec<u64>) -> Result<BTreeSet<u64>, Failure> {
    let mut others: BTreeSet<u64> = BTreeSet::new();
    if open.is_empty() {
        return Ok(others);
    }
    let by_stock = asks_for_stock(conn)?;
    let by_movement =
        conn.prepare_cached("SELECT 1 FROM pending_need WHERE row >= x'6D' AND row < x'6E' LIMIT 1")?.exists([])?;
    let neighbours = "SELECT other.n FROM pending_need mine JOIN pending_need other ON other.row = mine.row
        WHERE mine.n = ?1 AND (mine.writes AND other.n > ?1 OR other.writes AND other.n < ?1)";
    let mut neighbours = conn.prepare_cached(neighbours)?;
    while let Some(n) = open.pop() {
        let mut found: Vec<u64> = neighbours.query_map([n], |row| row.get(0))?.collect::<Result<_, _>>()?;
        if by_stock {
            found.extend(by_stock_of(conn, n)?);
        }
        if by_movement {
            found.extend(by_movement_of(conn, n)?);
        }
        open.extend(found.into_iter().filter(|other| !places.contains(other) && others.insert(*other)));
    }
    Ok(others)
}

/// Later changes that ask whether there is stock where change `n` moves some, and earlier ones that move some where
/// change `n` asks. Few ask: whoever puts an item or a place away.
fn by_stock_of(conn: &Connection, n: u64) -> Result<Vec<u64>, Failure> {
    let ask = "SELECT asks.n FROM pending_need moves JOIN pending_need asks
            ON substr(asks.row, 2) IN (substr(moves.row, 2, 16), substr(moves.row, 18, 16))
        WHERE moves.n = ?1 AND moves.writes AND moves.row >= x'63' AND moves.row < x'64'
            AND asks.row >= x'73' AND asks.row < x'74' AND asks.n > ?1";
    let move_some = "SELECT moves.n FROM pending_need asks JOIN pending_need moves
            ON substr(asks.row, 2) IN (substr(moves.row, 2, 16), substr(moves.row, 18, 16))
        WHERE asks.n = ?1 AND asks.row >= x'73' AND asks.row < x'74'
            AND moves.writes AND moves.row >= x'63' AND moves.row < x'64' AND moves.n < ?1";
    let mut found = Vec::new();
    for sql in [ask, move_some] {
        let mut statement = conn.prepare_cached(sql)?;
        for other in statement.query_map([n], |row| row.get(0))? {
            found.push(other?);
        }
    }
    Ok(found)
}

/// Later changes that take back what change `n` moves, and the earlier one that moves what change `n` takes back.
fn by_movement_of(conn: &Connection, n: u64) -> Result<Vec<u64>, Failure> {
    let mut found = Vec::new();
    let own = conn.prepare_cached("SELECT change FROM outbox WHERE n = ?1")?.query_row([n], |row| row.get(0));
    if let Some(own) = own.optional()?.map(MovementId) {
        let mut takes_back = conn.prepare_cached("SELECT n FROM pending_need WHERE row = ?1 AND n > ?2")?;
        for other in takes_back.query_map((effects::movement_row(own), n), |row| row.get(0))? {
            found.push(other?);
        }
    }
    let moves = "SELECT moves.n FROM pending_need asks JOIN outbox moves ON moves.change = substr(asks.row, 2)
        WHERE asks.n = ?1 AND asks.row >= x'6D' AND asks.row < x'6E' AND moves.n < ?1";
    let mut moves = conn.prepare_cached(moves)?;
    for other in moves.query_map([n], |row| row.get(0))? {
        found.push(other?);
    }
    Ok(found)
}

/// Decides these changes in their order. Says which of them now stand on other rows than before, a question that was not
/// here yet for example.
fn decide(conn: &Connection, device: DeviceId, places: &BTreeSet<u64>, stale: &mut Stale) -> Result<Vec<u64>, Failure> {
    let mut facts = Facts::default();
    let landed = places.first().map(|&first| outbox::landed_after(conn, first)).transpose()?.unwrap_or_default();
    let mut moved_on = Vec::new();
    for &n in places {
        if let Some(pending) = outbox::pending(conn, (device, n), &landed)?
            && again(conn, &pending, &mut facts, stale)?
        {
            moved_on.push(n);
        }
    }
    Ok(moved_on)
}

/// Says whether the change was decided from other rows than before.
fn again(conn: &Connection, pending: &Pending, facts: &mut Facts, stale: &mut Stale) -> Result<bool, Failure> {
    let one = std::slice::from_ref(pending);
    loop {
        let needs = rebase_needs(one, facts);
        if needs.is_empty() {
            break;
        }
        facts::load(conn, View::Base, &needs, facts)?;
    }
    let needs = needs_of(&pending.act, facts);
    let before = effects::needs(conn, pending.n)?;
    effects::erase(conn, pending.n, stale)?;
    for (_, decided) in rebase(one, facts) {
        if let Ok(made) = &decided {
            effects::write(conn, pending.n, made, stale)?;
        }
        outbox::forecast(conn, pending.n, decided.as_ref().err())?;
    }
    effects::write_needs(conn, pending.n, &pending.act.action, &needs)?;
    Ok(effects::needs(conn, pending.n)? != before)
}
