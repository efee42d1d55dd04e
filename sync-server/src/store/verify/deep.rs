//! What a look at every row finds: whatever was hashed is hashed again, and every change is followed to what it left.
//!
//! Rows that must be hashed are streamed; the rest is left to Postgres, which spills to its disk what does not fit.

use super::{MOST, Tx, Violation};
use crate::store::{facts::digest, sums};
use futures_util::TryStreamExt;
use sqlx::{Error, FromRow};
use stillage_core::{
    change::{Change, Digest},
    id::{ChangeId, DeviceId},
};
use uuid::Uuid;

pub(super) const RULES: [&str; 7] =
    [LOG_RECORDS, LOG_MOVEMENTS, MOVEMENTS_TOLD, COUNTS_TOLD, EFFECTS, REFUSALS, KNOWN_CHANGES];

/// Every scope's sum is that of its rows.
pub(super) async fn sums(tx: &mut Tx) -> Result<Vec<Violation>, Error> {
    let wrong = sums::wrong(tx).await?;
    let violation = |(scope, real, kept): (stillage_core::scope::Scope, _, _)| {
        Violation::new("sum_is_that_of_its_rows", &scope, &real, &kept)
    };
    Ok(wrong.into_iter().map(violation).collect())
}

#[derive(Debug, FromRow)]
struct LinkRow {
    device: Uuid,
    seq: i64,
    chain: Vec<u8>,
    code: Option<String>,
    id: Uuid,
    hash: Vec<u8>,
    kind: String,
    version: i64,
    body: String,
}

impl LinkRow {
    /// The hash of the body that is stored. A text that Postgres cannot hold was stored otherwise than it was hashed.
    fn real_hash(&self) -> Result<Digest, Error> {
        if self.body.contains('\u{fffd}') || self.kind.contains('\u{fffd}') {
            return digest(&self.hash);
        }
        let version = u32::try_from(self.version).unwrap_or(u32::MAX);
        let (kind, body) = (self.kind.clone(), self.body.clone());
        Ok(Change { id: ChangeId(self.id), seq: self.seq.unsigned_abs(), kind, version, body }.hash())
    }
}

/// Every link of every chain follows from the one before it and its change as it is stored.
pub(super) async fn chains(tx: &mut Tx) -> Result<Vec<Violation>, Error> {
    let org = tx.org.0;
    let sql = "SELECT l.device, l.seq, l.chain, l.code, c.id, c.hash, c.kind, c.version, c.body
               FROM chain_link l JOIN change c ON c.org = l.org AND c.id = l.change
               WHERE l.org = $1 ORDER BY l.device, l.seq";
    let mut rows = sqlx::query_as::<_, LinkRow>(sql).bind(org).fetch(tx.conn());
    let mut found = Vec::new();
    let mut before: Option<(Uuid, Digest)> = None;
    while let Some(row) = rows.try_next().await?
        && found.len() < MOST.unsigned_abs() as usize
    {
        let (kept, hash) = (digest(&row.chain)?, row.real_hash()?);
        let stored = digest(&row.hash)?;
        if hash != stored {
            found.push(Violation::new("change_has_the_hash_of_its_body", &ChangeId(row.id), &hash, &stored));
        }
        let start = Digest::start(DeviceId(row.device));
        let last = before.filter(|(device, _)| *device == row.device).map_or(start, |(_, chain)| chain);
        let next = last.next(ChangeId(row.id), hash);
        // What came under an id that was another change's is not stored: its link is taken as it is.
        if row.code.is_none() && next != kept {
            let subject = format!("{}/{}", DeviceId(row.device), row.seq);
            found.push(Violation::new("link_follows_from_its_change", &subject, &next, &kept));
        }
        before = Some((row.device, kept));
    }
    Ok(found)
}

/// The newest log row of a record is the record.
const LOG_RECORDS: &str = "
WITH newest AS (
  SELECT DISTINCT ON (id) id, scope, seq, body FROM log WHERE org = $1 AND kind = 'record' AND scope = 'catalogue'
  ORDER BY id, seq DESC),
others AS (
  SELECT DISTINCT ON (scope, id) id, scope, seq, body FROM log
  WHERE org = $1 AND kind = 'record' AND scope <> 'catalogue' ORDER BY scope, id, seq DESC)
SELECT 'newest_log_row_is_its_record' AS rule, concat(n.scope, '/', n.id) AS subject, n.seq::text AS expected,
       coalesce(r.version::text, 'no record') AS found
FROM (SELECT * FROM newest UNION ALL SELECT * FROM others) n
LEFT JOIN record r ON r.org = $1 AND r.scope = n.scope AND r.version = n.seq
  AND right(n.id, 32) = replace(r.id::text, '-', '')
WHERE r.body IS DISTINCT FROM n.body LIMIT $2";

/// Every movement in a log is in the ledger, under that number.
const LOG_MOVEMENTS: &str = "
SELECT 'logged_movement_is_in_the_ledger' AS rule, concat(l.scope, '/', l.id) AS subject, l.seq::text AS expected,
       coalesce(concat_ws('/', m.from_seq, m.to_seq), 'no movement') AS found
FROM log l LEFT JOIN movement m ON m.org = l.org AND m.id = right(l.id, 32)::uuid
  AND (concat('site:loc_', replace(m.from_site::text, '-', '')) = l.scope AND m.from_seq = l.seq
    OR concat('site:loc_', replace(m.to_site::text, '-', '')) = l.scope AND m.to_seq = l.seq)
  AND CASE WHEN strpos(l.body, '\\u0000') = 0 THEN (l.body::jsonb ->> 'qty')::numeric = m.qty / 1000000.0 ELSE true END
WHERE l.org = $1 AND l.kind = 'movement' AND m.id IS NULL LIMIT $2";

/// Every movement is in the log of each site it touches.
const MOVEMENTS_TOLD: &str = "
WITH ends AS (
  SELECT id, from_site AS site, from_seq AS seq FROM movement WHERE org = $1 AND from_site IS NOT NULL
  UNION SELECT id, to_site, to_seq FROM movement WHERE org = $1 AND to_site IS NOT NULL)
SELECT 'movement_is_logged_in_its_sites' AS rule, concat(e.id, ' in ', e.site) AS subject,
       coalesce(e.seq::text, 'a number') AS expected, 'no row' AS found
FROM ends e LEFT JOIN log l ON l.org = $1 AND l.scope = concat('site:loc_', replace(e.site::text, '-', ''))
  AND l.seq = e.seq AND l.kind = 'movement' AND l.id = concat('mov_', replace(e.id::text, '-', ''))
WHERE l.seq IS NULL LIMIT $2";

/// Every posted count is in the log of its site.
const COUNTS_TOLD: &str = "
SELECT 'count_is_logged_in_its_site' AS rule, p.change::text AS subject, p.site::text AS expected, 'no row' AS found
FROM posted_count p LEFT JOIN log l ON l.org = p.org AND l.kind = 'count' AND l.change = p.change
  AND l.scope = concat('site:loc_', replace(p.site::text, '-', ''))
WHERE p.org = $1 AND l.seq IS NULL LIMIT $2";

/// Stock that was moved or counted is in a log; what was refused or parked left nothing but a question.
const EFFECTS: &str = "
WITH left_rows AS (
  SELECT change, count(*) FILTER (WHERE kind IN ('movement', 'count')) AS stock,
         count(*) FILTER (WHERE kind = 'record' AND id NOT LIKE 'inb\\_%') AS records
  FROM log WHERE org = $1 GROUP BY change)
SELECT 'change_left_what_its_outcome_says' AS rule, c.id::text AS subject, c.outcome AS expected,
       concat(coalesce(e.stock, 0), ' of stock, ', coalesce(e.records, 0), ' of records') AS found
FROM change c LEFT JOIN left_rows e ON e.change = c.id
WHERE c.org = $1 AND (
  c.outcome IN ('REJECTED', 'PARKED') AND coalesce(e.stock, 0) + coalesce(e.records, 0) > 0
  OR c.outcome IN ('APPLIED', 'MERGED') AND c.kind LIKE 'stock.%' AND coalesce(e.stock, 0) = 0) LIMIT $2";

/// Whoever was refused without waiting for the answer is asked; what is parked always. What Postgres cannot read as JSON,
/// a stranger's U+0000, it can still search.
const REFUSALS: &str = "
WITH asked AS (
  SELECT CASE WHEN strpos(body, '\\u0000') = 0 THEN body::jsonb ->> 'change'
              ELSE substring(body FROM '\"change\":\"(chg_[0-9a-f]{32})\"') END AS change
  FROM record WHERE org = $1 AND kind = 'inbox')
SELECT 'refused_change_is_in_an_inbox' AS rule, c.id::text AS subject, c.outcome AS expected, 'no row' AS found
FROM change c JOIN device d ON d.org = c.org AND d.device = c.device
WHERE c.org = $1 AND (c.outcome = 'PARKED' OR c.outcome = 'REJECTED' AND d.kind = 'desktop')
  AND NOT EXISTS (SELECT 1 FROM asked a WHERE a.change = concat('chg_', replace(c.id::text, '-', ''))) LIMIT $2";

/// Every log row comes from a known change, with its end. One that was parked may have found another end since.
const KNOWN_CHANGES: &str = "
SELECT 'log_row_has_its_changes_end' AS rule, concat(l.scope, '/', l.seq) AS subject,
       coalesce(c.outcome, 'a known change') AS expected, l.outcome AS found
FROM log l LEFT JOIN change c ON c.org = l.org AND c.id = l.change
WHERE l.org = $1 AND (c.id IS NULL OR c.outcome <> l.outcome AND l.outcome <> 'PARKED') LIMIT $2";
