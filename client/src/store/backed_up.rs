//! Changes that a backup of the server holds. Until it has held one for two weeks the device keeps it: a server that is
//! restored from before gets it back from here. Then it is let go of, and its place in the chain is noted.

use super::{mirror::frame::Link, outbox, settings};
use crate::Failure;
use rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};
use stillage_core::{
    id::{DeviceId, EpochId},
    wire::Hello,
};

/// How long a backup must hold a change, in microseconds by the server's clock.
const LONG: i64 = 14 * 24 * 3600 * 1_000_000;
/// So many rows go in one transaction: people work in between.
const ROWS: u64 = 5000;

/// How far a backup held this device's chain when it was noted.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct BackedUp {
    device: DeviceId,
    epoch: EpochId,
    seq: u64,
    since: i64,
}

/// Takes what the server says of its backups, and lets go of what one has held for long; says how many rows went. While some
/// do, there may be more.
pub fn heard(transaction: &Transaction<'_>, hello: &Hello) -> Result<u64, Failure> {
    let device = settings::device(transaction)?;
    if settings::epoch(transaction)? != Some(hello.epoch) || hello.safe_seq == 0 {
        return Ok(0);
    }
    let noted = settings::get(transaction, settings::BACKED_UP)?;
    let noted: Option<BackedUp> = noted.as_deref().map(serde_json::from_str).transpose()?;
    if let Some(held) = noted.filter(|held| held.device == device && held.epoch == hello.epoch) {
        // A clock that was put back begins anew.
        match hello.server_time - held.since {
            0..LONG => return Ok(0),
            LONG.. => match let_go(transaction, held.seq)? {
                0 => {}
                gone => return Ok(gone),
            },
            _ => {}
        }
    }
    let held = BackedUp { device, epoch: hello.epoch, seq: hello.safe_seq, since: hello.server_time };
    settings::set(transaction, settings::BACKED_UP, &serde_json::to_string(&held)?)?;
    Ok(0)
}

/// Deletes what is settled up to `seq`, some of it at most. What is parked has no end yet, and the last row stays, so that
/// rows are numbered on from it.
pub fn let_go(conn: &Connection, seq: u64) -> Result<u64, Failure> {
    let device = settings::device(conn)?;
    let first = "SELECT min(seq) FROM outbox WHERE device = ?1";
    let first: Option<u64> = conn.prepare_cached(first)?.query_row([device.0], |row| row.get(0))?;
    let stays = "SELECT min(seq) FROM (SELECT device, seq FROM outbox WHERE outcome = 'PARKED'
            UNION ALL SELECT device, seq FROM outbox WHERE n = (SELECT max(n) FROM outbox))
        WHERE device = ?1";
    let stays: Option<u64> = conn.prepare_cached(stays)?.query_row([device.0], |row| row.get(0))?;
    let settled = outbox::settled_seq(conn, device)?.min(stays.map_or(u64::MAX, |stays| stays - 1));
    let settled = if seeded!(StoreUnsettledLetGo) { seq } else { settled };
    let Some(first) = first else { return Ok(0) };
    let last = seq.min(settled).min(first + ROWS - 1);
    let Some(chain) = outbox::chain_at(conn, device, last)?.filter(|_| first <= last) else { return Ok(0) };
    outbox::begin_at(conn, Link { device, seq: last, chain })?;
    let sql = "DELETE FROM outbox WHERE device = ?1 AND seq <= ?2";
    Ok(conn.prepare_cached(sql)?.execute((device.0, last))? as u64)
}
