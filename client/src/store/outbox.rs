//! Everything a person did here, in order. A row is queued, then sealed into the device's chain
//! (numbered, and from then on sent unaltered), then settled or rejected by the server's word.

use super::{mirror::frame::Link, reset, settings};
use crate::Failure;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;
use std::collections::BTreeMap;
use stillage_core::{
    absorb::Pending,
    change::{Change, ChangeResult, Digest, Outcome},
    id::{ChangeId, DeviceId},
    order::OrderKey,
    rejection::Rejection,
    wire::{PUSH_BYTES, PUSH_CHANGES, PushInput},
};

/// What is sent in one push: a part of the chain that has been sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pub first_seq: u64,
    pub prev_chain: Digest,
    pub changes: Vec<Change>,
}

pub fn last_n(conn: &Connection) -> Result<u64, Failure> {
    let mut statement = conn.prepare_cached("SELECT coalesce(max(n), 0) FROM outbox")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

pub fn append(conn: &Connection, n: u64, change: &Change, at: i64) -> Result<(), Failure> {
    let sql = "INSERT INTO outbox (n, change, state, kind, version, body, at)
        VALUES (?1, ?2, 'queued', ?3, ?4, ?5, ?6)";
    let row = (n, change.id.0, &change.kind, change.version, &change.body, at);
    conn.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// The places that changes had in a history which the server lost.
pub fn orders(conn: &Connection, changes: &[Change]) -> Result<BTreeMap<ChangeId, i64>, Failure> {
    let mut statement =
        conn.prepare_cached("SELECT order_ts FROM outbox WHERE change = ?1 AND order_ts IS NOT NULL")?;
    let mut orders = BTreeMap::new();
    for change in changes {
        if let Some(order) = statement.query_row([change.id.0], |row| row.get(0)).optional()? {
            orders.insert(change.id, order);
        }
    }
    Ok(orders)
}

/// A parked change has come to its end; nothing happens to others. What waits here, and came in from a copy, still goes: only
/// then does it stand in the chain of this device, and is offered again when the server is lost.
pub fn end_parked(conn: &Connection, change: ChangeId, outcome: Outcome) -> Result<(), Failure> {
    let state = if outcome == Outcome::Rejected { "rejected" } else { "settled" };
    let sql = "UPDATE outbox SET outcome = ?3, state = CASE WHEN state IN ('queued', 'sealed') THEN state ELSE ?2 END
        WHERE change = ?1 AND outcome = 'PARKED'";
    conn.prepare_cached(sql)?.execute((change.0, state, outcome.name()))?;
    Ok(())
}

pub fn has_parked(conn: &Connection) -> Result<bool, Failure> {
    Ok(conn.prepare_cached("SELECT 1 FROM outbox WHERE outcome = 'PARKED' LIMIT 1")?.exists([])?)
}

/// Changes the server has not settled.
pub fn waiting(conn: &Connection) -> Result<u64, Failure> {
    let mut statement = conn.prepare_cached("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sealed')")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

pub fn is_waiting(conn: &Connection) -> Result<bool, Failure> {
    Ok(conn.prepare_cached("SELECT 1 FROM outbox WHERE state IN ('queued', 'sealed') LIMIT 1")?.exists([])?)
}

/// Rows that wait for a person.
pub fn open_inbox(conn: &Connection) -> Result<u64, Failure> {
    let sql = "SELECT count(*) FROM record_now WHERE kind = 'inbox' AND NOT archived AND body ->> '$.state' = 'open'";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Where the chain of this device begins here: what was settled before is not in a database that was built anew, or was let
/// go of.
fn link(conn: &Connection, device: DeviceId) -> Result<Option<Link>, Failure> {
    let kept = settings::get(conn, settings::SETTLED_LINK)?;
    let link: Option<Link> = kept.as_deref().map(serde_json::from_str).transpose()?;
    Ok(link.filter(|link| link.device == device))
}

/// From there on the chain of this device is here.
pub(super) fn begin_at(conn: &Connection, link: Link) -> Result<(), Failure> {
    settings::set(conn, settings::SETTLED_LINK, &serde_json::to_string(&link)?)
}

/// The last number this device has given, and its chain there.
pub fn last_sealed(conn: &Connection, device: DeviceId) -> Result<(u64, Digest), Failure> {
    let sql = "SELECT seq, chain FROM outbox WHERE device = ?1 AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1";
    let last =
        conn.prepare_cached(sql)?.query_row([device.0], |row| Ok((row.get(0)?, Digest(row.get(1)?)))).optional()?;
    let start = link(conn, device)?.map_or((0, Digest::start(device)), |link| (link.seq, link.chain));
    Ok(last.filter(|last| last.0 >= start.0).unwrap_or(start))
}

/// The device's own chain at `seq`, if it has come that far.
pub fn chain_at(conn: &Connection, device: DeviceId, seq: u64) -> Result<Option<Digest>, Failure> {
    if seq == 0 {
        return Ok(Some(Digest::start(device)));
    }
    let mut statement = conn.prepare_cached("SELECT chain FROM outbox WHERE device = ?1 AND seq = ?2")?;
    let chain = statement.query_row((device.0, seq), |row| row.get(0).map(Digest)).optional()?;
    match chain {
        Some(chain) => Ok(Some(chain)),
        None => Ok(link(conn, device)?.filter(|link| link.seq == seq).map(|link| link.chain)),
    }
}

/// The last own change that is settled: all before it are too.
pub fn settled_seq(conn: &Connection, device: DeviceId) -> Result<u64, Failure> {
    // The first that is still sealed, by the index of those that wait: the settled ones before it are many. Only what goes
    // again under a new id may be sealed behind what was recorded after it.
    let first = if settings::former_devices(conn)?.is_empty() { "n" } else { "seq" };
    let sql = format!(
        "SELECT seq - 1 FROM outbox INDEXED BY outbox_pending
         WHERE state IN ('queued', 'sealed') AND state = 'sealed' AND device = ?1 ORDER BY {first} LIMIT 1"
    );
    let before = conn.prepare_cached(&sql)?.query_row([device.0], |row| row.get(0)).optional()?;
    before.map_or_else(|| Ok(last_sealed(conn, device)?.0), Ok)
}

/// Whether `batch` would have anything to send.
pub fn has_unsent(conn: &Connection) -> Result<bool, Failure> {
    let pushed: u64 = settings::parsed(conn, settings::PUSHED_SEQ)?.unwrap_or(0);
    let sql = "SELECT EXISTS (SELECT 1 FROM outbox WHERE state = 'queued')
        OR EXISTS (SELECT 1 FROM outbox WHERE device = ?1 AND seq > ?2 AND state = 'sealed')";
    let device = settings::device(conn)?;
    Ok(conn.prepare_cached(sql)?.query_row((device.0, pushed), |row| row.get(0))?)
}

/// The next batch to send. What was sealed and not answered goes again exactly as it was; only
/// then are queued changes sealed. The caller commits `Full` before it sends anything.
pub fn seal(conn: &Connection) -> Result<Option<Batch>, Failure> {
    seal_at_most(conn, PUSH_CHANGES)
}

/// The same with no more than so many changes.
pub fn seal_at_most(conn: &Connection, most: usize) -> Result<Option<Batch>, Failure> {
    match unanswered(conn, most)? {
        Some(batch) => Ok(Some(batch)),
        None => seal_queued(conn, settings::device(conn)?, most),
    }
}

/// What was sealed and not answered, as far as one push carries it.
pub fn unanswered(conn: &Connection, most: usize) -> Result<Option<Batch>, Failure> {
    let device = settings::device(conn)?;
    let pushed: u64 = settings::parsed(conn, settings::PUSHED_SEQ)?.unwrap_or(0);
    let unanswered = "SELECT n, change, seq, kind, version, body FROM outbox
        WHERE device = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    let mut statement = conn.prepare_cached(unanswered)?;
    let rows = statement.query_map((device.0, pushed, most), read_change)?;
    let changes = limited(rows)?;
    let Some((_, first)) = changes.first() else { return Ok(None) };
    let first_seq = first.seq;
    let prev_chain = chain_at(conn, device, first_seq - 1)?.ok_or_else(|| Failure::internal("the chain has a hole"))?;
    let changes = changes.into_iter().map(|(_, change)| change).collect();
    Ok(Some(Batch { first_seq, prev_chain, changes }))
}

/// As it is sent.
pub fn push_of(conn: &Connection, batch: Batch) -> Result<PushInput, Failure> {
    let Batch { first_seq, prev_chain, changes } = batch;
    let (device, epoch, orders) = (settings::device(conn)?, settings::epoch(conn)?, orders(conn, &changes)?);
    Ok(PushInput { device, epoch, first_seq, prev_chain, changes, orders })
}

/// Seals what was queued just now, unless this device holds nothing of its server: whether it begins from a snapshot is
/// decided while nothing is sealed. The caller commits `Full`.
pub fn seal_at_once(conn: &Connection) -> Result<(), Failure> {
    if settings::cursors(conn)?.values().all(|seq| *seq == 0) {
        return Ok(());
    }
    reset::keep_lost_orders(conn)?;
    seal_queued(conn, settings::device(conn)?, PUSH_CHANGES).map(drop)
}

/// What is queued and not sealed, at most so many.
pub fn queued(conn: &Connection, most: usize) -> Result<Vec<Change>, Failure> {
    let mut statement = conn.prepare_cached(QUEUED)?;
    let rows = statement.query_map([most], read_change)?;
    Ok(rows.map(|row| row.map(|(_, change)| change)).collect::<Result<_, _>>()?)
}

/// Seals everything that is queued. The caller commits `Full`.
pub fn seal_all(conn: &Connection) -> Result<(), Failure> {
    let device = settings::device(conn)?;
    while seal_queued(conn, device, PUSH_CHANGES)?.is_some() {}
    Ok(())
}

/// Everything sealed and not settled, in batches that follow one another.
pub fn unsettled(conn: &Connection) -> Result<Vec<Batch>, Failure> {
    let device = settings::device(conn)?;
    let sql = "SELECT n, change, seq, kind, version, body FROM outbox
        WHERE device = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    let mut statement = conn.prepare_cached(sql)?;
    let (mut batches, mut last) = (Vec::new(), settled_seq(conn, device)?);
    loop {
        let rows = limited(statement.query_map((device.0, last, PUSH_CHANGES), read_change)?)?;
        if rows.is_empty() {
            return Ok(batches);
        }
        let prev_chain = chain_at(conn, device, last)?.ok_or_else(|| Failure::internal("the chain has a hole"))?;
        let (first_seq, changes) = (last + 1, rows.into_iter().map(|(_, change)| change).collect::<Vec<_>>());
        last += changes.len() as u64;
        batches.push(Batch { first_seq, prev_chain, changes });
    }
}

/// Puts changes that this device recorded, and lost, behind those that wait; says how many.
pub fn take_back(conn: &Connection, changes: &[Change]) -> Result<u64, Failure> {
    let (mut last, mut taken) = (last_n(conn)?, 0);
    let mut known = conn.prepare_cached("SELECT 1 FROM outbox WHERE change = ?1")?;
    for change in changes {
        if !known.exists([change.id.0])? {
            last += 1;
            taken += 1;
            append(conn, last, change, change.read().map_or(0, |act| act.at))?;
        }
    }
    Ok(taken)
}

const QUEUED: &str = "SELECT n, change, coalesce(seq, 0), kind, version, body FROM outbox
    WHERE state = 'queued' ORDER BY n LIMIT ?1";

fn seal_queued(conn: &Connection, device: DeviceId, most: usize) -> Result<Option<Batch>, Failure> {
    let mut statement = conn.prepare_cached(QUEUED)?;
    let rows = limited(statement.query_map([most], read_change)?)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let (last, prev_chain) = last_sealed(conn, device)?;
    let mut chain = prev_chain;
    let mut batch = Batch { first_seq: last + 1, prev_chain, changes: Vec::with_capacity(rows.len()) };
    let mut seal =
        conn.prepare_cached("UPDATE outbox SET state = 'sealed', device = ?2, seq = ?3, chain = ?4 WHERE n = ?1")?;
    for ((n, mut change), seq) in rows.into_iter().zip(last + 1..) {
        chain = chain.next(change.id, change.hash());
        change.seq = seq;
        seal.execute((n, device.0, seq, chain.0))?;
        batch.changes.push(change);
    }
    Ok(Some(batch))
}

fn read_change(row: &Row<'_>) -> rusqlite::Result<(u64, Change)> {
    let change = Change {
        id: ChangeId(row.get(1)?),
        seq: row.get(2)?,
        kind: row.get(3)?,
        version: row.get(4)?,
        body: row.get(5)?,
    };
    Ok((row.get(0)?, change))
}

/// As many as one push may carry; always at least one.
fn limited(rows: impl Iterator<Item = rusqlite::Result<(u64, Change)>>) -> Result<Vec<(u64, Change)>, Failure> {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let row = row?;
        bytes += row.1.body.len();
        if bytes > PUSH_BYTES && !taken.is_empty() {
            break;
        }
        taken.push(row);
    }
    Ok(taken)
}

/// Own changes that were sealed up to `seq` and have no settled end.
pub fn sealed_up_to(conn: &Connection, device: DeviceId, seq: u64) -> Result<Vec<(u64, ChangeId)>, Failure> {
    let sql = "SELECT n, change FROM outbox WHERE device = ?1 AND seq <= ?2 AND state = 'sealed' ORDER BY n";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map((device.0, seq), |row| Ok((row.get(0)?, ChangeId(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The place of an own change whose effects are still shown as pending.
pub fn pending_n(conn: &Connection, change: ChangeId) -> Result<Option<u64>, Failure> {
    let sql = "SELECT n FROM outbox WHERE change = ?1 AND state IN ('queued', 'sealed') AND outcome IS NULL";
    Ok(conn.prepare_cached(sql)?.query_row([change.0], |row| row.get(0)).optional()?)
}

/// Notes that the effects of a change have come in, before its settlement has.
pub fn land(conn: &Connection, n: u64, outcome: Outcome) -> Result<(), Failure> {
    let sql = "UPDATE outbox SET outcome = ?2, code = NULL, details = NULL WHERE n = ?1";
    conn.prepare_cached(sql)?.execute((n, outcome.name()))?;
    Ok(())
}

/// The server's last word about a change.
pub fn settle(conn: &Connection, n: u64, result: &ChangeResult) -> Result<(), Failure> {
    let state = match result.outcome {
        Outcome::Rejected | Outcome::Parked => "rejected",
        Outcome::Applied | Outcome::Merged => "settled",
    };
    let details = (!result.details.is_null()).then(|| result.details.to_string());
    let sql = "UPDATE outbox SET state = ?2, outcome = ?3, code = ?4, details = ?5 WHERE n = ?1";
    conn.prepare_cached(sql)?.execute((n, state, result.outcome.name(), &result.code, details))?;
    Ok(())
}

/// What is expected of a change that is not settled: nothing in the way, or why it will be refused.
pub fn forecast(conn: &Connection, n: u64, rejection: Option<&Rejection>) -> Result<(), Failure> {
    let code = rejection.map(Rejection::code);
    let details = rejection.map(|rejection| rejection.details().to_string());
    let sql = "UPDATE outbox SET code = ?2, details = ?3 WHERE n = ?1 AND code IS NOT ?2";
    conn.prepare_cached(sql)?.execute((n, code, details))?;
    Ok(())
}

/// A change to be decided again; nothing when it is of a newer version or its effects are in, be it in what is left of a
/// history that the server lost.
pub fn pending(
    conn: &Connection,
    (device, n): (DeviceId, u64),
    landed: &[(u64, OrderKey)],
) -> Result<Option<Pending>, Failure> {
    let sql = "SELECT n, change, 0, kind, version, body FROM outbox
        WHERE n = ?1 AND state IN ('queued', 'sealed') AND outcome IS NULL
            AND NOT EXISTS (SELECT 1 FROM outcome known WHERE known.change = outbox.change)";
    let row = conn.prepare_cached(sql)?.query_row([n], read_change).optional()?;
    let Some((n, change)) = row else { return Ok(None) };
    let Ok(act) = change.read() else { return Ok(None) };
    // Numbers of a history that the server lost are not those of the base.
    let act = act.within(settings::history(conn)?);
    let later = landed.iter().filter(|(place, _)| *place > n).map(|(_, order)| *order).collect();
    Ok(Some(Pending { change: change.id, device, n, act, later }))
}

/// Where in the base stands what was done here after change `n`.
pub fn landed_after(conn: &Connection, n: u64) -> Result<Vec<(u64, OrderKey)>, Failure> {
    let sql = "SELECT outbox.n, moved.order_ts, order_device, order_seq
        FROM outbox JOIN movement moved ON moved.id = outbox.change AND moved.n IS NULL WHERE outbox.n > ?1
        UNION ALL SELECT outbox.n, posted.body ->> '$.order.ts', outbox.device, posted.body ->> '$.order.seq'
        FROM outbox JOIN posted_count posted ON posted.change = outbox.change AND posted.n IS NULL
        WHERE outbox.n > ?1 AND outbox.device IS NOT NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([n], |row| {
        Ok((row.get(0)?, OrderKey { ts: row.get(1)?, device: DeviceId(row.get(2)?), seq: row.get(3)? }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Places of all changes whose effects are shown as pending.
pub fn all_pending(conn: &Connection) -> Result<Vec<u64>, Failure> {
    let sql = "SELECT n FROM outbox WHERE state IN ('queued', 'sealed') AND outcome IS NULL ORDER BY n";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One own change as support and screens see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub n: u64,
    pub change: ChangeId,
    pub state: String,
    pub outcome: Option<String>,
    pub code: Option<String>,
    pub details: Value,
    pub kind: String,
    pub at: i64,
}

pub fn entry(conn: &Connection, change: ChangeId) -> Result<Option<Entry>, Failure> {
    let sql = "SELECT n, state, outcome, code, details, kind, at FROM outbox WHERE change = ?1";
    let found = conn.prepare_cached(sql)?.query_row([change.0], |row| {
        let details: Option<String> = row.get(4)?;
        Ok(Entry {
            n: row.get(0)?,
            change,
            state: row.get(1)?,
            outcome: row.get(2)?,
            code: row.get(3)?,
            details: details.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            kind: row.get(5)?,
            at: row.get(6)?,
        })
    });
    Ok(found.optional()?)
}
