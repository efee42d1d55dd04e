//! Up to where a scope's log may be trimmed: where every device that still comes has been, and never what is younger than
//! 30 days. Below it, a record that a later entry writes over is left with its number and the end of its change alone;
//! movements and counts are the ledger and stay. So the log can always be followed from its start, also by a device
//! that comes back from below: it skips what it would have written over.
//!
//! The surprise: log rows carry no time. Heads are noted once a day instead, and everything up to a noted head is at
//! least as old.

use super::{Store, Tx, records::corrupt, writes::signed};
use sqlx::Error;
use std::collections::BTreeMap;
use stillage_core::{id::OrganisationId, scope::Scope, wire::entry};

/// In microseconds.
const DAY: i64 = 24 * 3600 * 1_000_000;
/// Rows younger than this stay, whoever has them.
pub const KEPT: i64 = 30 * DAY;
/// A device that has not asked for so long holds nothing up.
pub const SILENT: i64 = 90 * DAY;
/// Numbers that are trimmed at once: nobody waits long for one transaction.
const STEP: u64 = 10_000;

/// Notes the heads of now, and forgets notes that no answer can depend on: only the last one of `KEPT` ago matters.
pub async fn note_heads(tx: &mut Tx, now: i64) -> Result<(), Error> {
    let sql = "INSERT INTO head_note (org, scope, at, head) SELECT org, scope, $2, head FROM scope WHERE org = $1";
    sqlx::query(sql).bind(tx.org.0).bind(now).execute(tx.conn()).await?;
    let sql = "DELETE FROM head_note n WHERE n.org = $1 AND EXISTS (SELECT 1 FROM head_note later
               WHERE later.org = n.org AND later.scope = n.scope AND later.at > n.at AND later.at <= $2)";
    sqlx::query(sql).bind(tx.org.0).bind(now - KEPT).execute(tx.conn()).await.map(drop)
}

/// The horizon of every scope that has a head; 0 where nothing may be given up.
pub async fn horizons(tx: &mut Tx, now: i64) -> Result<BTreeMap<Scope, u64>, Error> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as(HORIZONS).bind(tx.org.0).bind(now - SILENT).bind(now - KEPT).fetch_all(tx.conn()).await?;
    rows.into_iter().map(|(scope, seq)| Ok((scope.parse().map_err(corrupt)?, seq.unsigned_abs()))).collect()
}

/// Trims every log up to its horizon. Says how many entries were given up.
pub async fn trim(store: &Store, org: OrganisationId, now: i64) -> Result<u64, Error> {
    let mut view = store.snapshot(org).await?;
    let horizons = horizons(&mut view, now).await?;
    view.commit().await?;
    let mut given_up = 0;
    // Sites hold no records.
    for (scope, horizon) in horizons.into_iter().filter(|(scope, _)| !matches!(scope, Scope::Site(_))) {
        for from in (0..horizon).step_by(STEP as usize) {
            let mut tx = store.write(org).await?;
            let step = sqlx::query(TRIM)
                .bind(org.0)
                .bind(scope.to_string())
                .bind(signed(from))
                .bind(signed(horizon.min(from + STEP)))
                .bind(entry::RECORD)
                .bind(entry::GONE);
            given_up += step.execute(tx.conn()).await?.rows_affected();
            tx.commit().await?;
        }
    }
    Ok(given_up)
}

const TRIM: &str = "
UPDATE log l SET kind = $6, body = ''
WHERE l.org = $1 AND l.scope = $2 AND l.seq > $3 AND l.seq <= $4 AND l.kind = $5
  AND NOT EXISTS (SELECT 1 FROM record r WHERE r.org = l.org AND r.scope = l.scope AND r.version = l.seq)";

/// A device holds the scopes that it may see (`devices::holds`), also one that it has not begun to pull.
const HORIZONS: &str = "
WITH active AS (
  SELECT d.device, d.person, d.every_site FROM device d
  WHERE d.org = $1 AND d.kind = 'desktop' AND d.revoked_at IS NULL
    AND greatest(d.created_at, (SELECT max(c.seen_at) FROM device_cursor c
                                WHERE c.org = d.org AND c.device = d.device)) >= $2),
holds AS (
  SELECT s.scope, a.device FROM scope s CROSS JOIN active a
  WHERE s.org = $1 AND (s.scope = 'catalogue'
    OR s.scope = concat('inbox:per_', replace(a.person::text, '-', ''))
    OR s.scope LIKE 'site:%' AND (a.every_site OR EXISTS (
         SELECT 1 FROM device_site g WHERE g.org = $1 AND g.device = a.device
           AND s.scope = concat('site:loc_', replace(g.site::text, '-', '')))))),
slowest AS (
  SELECT h.scope, min(coalesce(c.seq, 0)) AS seq FROM holds h
  LEFT JOIN device_cursor c ON c.org = $1 AND c.device = h.device AND c.scope = h.scope GROUP BY h.scope),
old AS (SELECT scope, max(head) AS seq FROM head_note WHERE org = $1 AND at <= $3 GROUP BY scope)
SELECT s.scope, least(coalesce(o.seq, 0), coalesce(w.seq, s.head), s.head)
FROM scope s LEFT JOIN slowest w ON w.scope = s.scope LEFT JOIN old o ON o.scope = s.scope
WHERE s.org = $1 ORDER BY s.scope";
