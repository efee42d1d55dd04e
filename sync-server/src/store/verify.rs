//! The audit: everything that is kept twice must agree, and every sum must come out.

mod deep;

use super::Tx;
use sqlx::{Error, FromRow};
use std::fmt::Display;

/// One thing that is not as it must be.
#[derive(Debug, Clone, serde::Serialize, FromRow)]
pub struct Violation {
    /// The rule that is broken.
    #[serde(rename = "check")]
    pub rule: String,
    /// Where.
    pub subject: String,
    pub expected: String,
    pub found: String,
}

impl Violation {
    pub(super) fn new(rule: &str, subject: &dyn Display, expected: &dyn Display, found: &dyn Display) -> Self {
        let (subject, expected, found) = (subject.to_string(), expected.to_string(), found.to_string());
        Self { rule: rule.to_owned(), subject, expected, found }
    }
}

/// More than this of one rule say nothing new.
const MOST: i64 = 100;

const RULES: [&str; 8] = [BALANCES, ZERO_SUMS, COUNTS, LAST_COUNTS, COUNT_NUMBERS, LOGS, RECORDS, CHAINS];

pub async fn verify(tx: &mut Tx) -> Result<Vec<Violation>, Error> {
    let mut violations = Vec::new();
    for rule in RULES {
        let found: Vec<Violation> = sqlx::query_as(rule).bind(tx.org.0).bind(MOST).fetch_all(tx.conn()).await?;
        violations.extend(found);
    }
    Ok(violations)
}

/// What `verify` looks at, and every scope's sum.
pub async fn verify_sums(tx: &mut Tx) -> Result<Vec<Violation>, Error> {
    let mut violations = verify(tx).await?;
    violations.extend(deep::sums(tx).await?);
    Ok(violations)
}

/// Everything, in one view of the database: what `verify` looks at, and every row that was ever hashed or told.
pub async fn verify_deep(tx: &mut Tx) -> Result<Vec<Violation>, Error> {
    let mut violations = verify_sums(tx).await?;
    for rule in deep::RULES {
        let found: Vec<Violation> = sqlx::query_as(rule).bind(tx.org.0).bind(MOST).fetch_all(tx.conn()).await?;
        violations.extend(found);
    }
    violations.extend(deep::chains(tx).await?);
    Ok(violations)
}

/// A balance is the sum of its cell's entries.
const BALANCES: &str = "
WITH sums AS (
  SELECT item, location, coalesce(lot, '00000000-0000-0000-0000-000000000000') AS lot, status, sum(qty) AS qty
  FROM entry WHERE org = $1 AND site IS NOT NULL GROUP BY 1, 2, 3, 4),
kept AS (SELECT item, location, lot, status, on_hand FROM balance WHERE org = $1)
SELECT 'balance_is_the_sum_of_its_entries' AS rule, concat_ws('/', item, location, lot, status) AS subject,
       coalesce(qty, 0)::text AS expected, coalesce(on_hand, 0)::text AS found
FROM sums FULL JOIN kept USING (item, location, lot, status)
WHERE coalesce(qty, 0) <> coalesce(on_hand, 0) LIMIT $2";

/// Every item's entries sum to zero over all locations, virtual ones included.
const ZERO_SUMS: &str = "
SELECT 'item_sums_to_zero' AS rule, item::text AS subject, '0' AS expected, sum(qty)::text AS found
FROM entry WHERE org = $1 GROUP BY item HAVING sum(qty) <> 0 LIMIT $2";

/// A counted cell holds what was counted and every movement after it, variances excluded.
const COUNTS: &str = "
WITH last AS (
  SELECT DISTINCT ON (item, location, lot, status) item, location, lot, status, counted, order_ts, order_device, order_seq
  FROM (SELECT *, coalesce(lot, '00000000-0000-0000-0000-000000000000') AS lot_key FROM posted_count WHERE org = $1) p
  ORDER BY item, location, lot, status, order_ts DESC, order_device DESC, order_seq DESC),
held AS (
  SELECT l.item, l.location, l.lot, l.status, l.counted + coalesce(sum(e.qty), 0) AS qty
  FROM last l LEFT JOIN entry e ON e.org = $1 AND e.item = l.item AND e.location = l.location
    AND e.lot IS NOT DISTINCT FROM l.lot AND e.status = l.status AND e.site IS NOT NULL
    AND e.kind <> 'count_variance'
    AND (e.order_ts, e.order_device, e.order_seq) > (l.order_ts, l.order_device, l.order_seq)
  GROUP BY l.item, l.location, l.lot, l.status, l.counted)
SELECT 'counted_cell_holds_its_count_and_what_followed' AS rule,
       concat_ws('/', h.item, h.location, h.lot, h.status) AS subject,
       h.qty::text AS expected, coalesce(b.on_hand, 0)::text AS found
FROM held h LEFT JOIN balance b ON b.org = $1 AND b.item = h.item AND b.location = h.location
  AND b.lot = coalesce(h.lot, '00000000-0000-0000-0000-000000000000') AND b.status = h.status
WHERE h.qty <> coalesce(b.on_hand, 0) LIMIT $2";

/// A balance remembers the latest count of its cell.
const LAST_COUNTS: &str = "
WITH last AS (
  SELECT DISTINCT ON (item, location, lot, status) item, location, lot, status, change
  FROM posted_count WHERE org = $1
  ORDER BY item, location, lot, status, order_ts DESC, order_device DESC, order_seq DESC)
SELECT 'balance_knows_its_last_count' AS rule, concat_ws('/', l.item, l.location, l.lot, l.status) AS subject,
       l.change::text AS expected, coalesce(b.count_change::text, 'none') AS found
FROM last l LEFT JOIN balance b ON b.org = $1 AND b.item = l.item AND b.location = l.location
  AND b.lot = coalesce(l.lot, '00000000-0000-0000-0000-000000000000') AND b.status = l.status
WHERE l.change IS DISTINCT FROM b.count_change LIMIT $2";

/// A balance remembers the number of that count in its log.
const COUNT_NUMBERS: &str = "
SELECT 'balance_numbers_its_last_count' AS rule, concat_ws('/', b.item, b.location, b.lot, b.status) AS subject,
       coalesce(l.seq::text, 'no row') AS expected, coalesce(b.count_log_seq::text, 'none') AS found
FROM balance b LEFT JOIN log l ON l.org = b.org AND l.kind = 'count' AND l.change = b.count_change
WHERE b.org = $1 AND b.count_change IS NOT NULL AND b.count_log_seq IS DISTINCT FROM l.seq LIMIT $2";

/// A scope's log runs from 1 to its head without a gap.
const LOGS: &str = "
WITH logs AS (SELECT scope, count(*) AS rows, min(seq) AS first, max(seq) AS last FROM log WHERE org = $1 GROUP BY scope),
heads AS (SELECT scope, head FROM scope WHERE org = $1)
SELECT 'log_is_gapless_up_to_its_head' AS rule, scope AS subject, concat('1 to ', coalesce(head, 0)) AS expected,
       concat(coalesce(rows, 0), ' rows from ', coalesce(first, 0), ' to ', coalesce(last, 0)) AS found
FROM logs FULL JOIN heads USING (scope)
WHERE coalesce(rows, 0) <> coalesce(head, 0) OR coalesce(last, 0) <> coalesce(head, 0)
   OR (rows > 0 AND first <> 1) LIMIT $2";

/// A record is what its last log row says.
const RECORDS: &str = "
SELECT 'record_is_its_last_log_row' AS rule, concat(r.kind, '/', r.id) AS subject,
       r.body AS expected, coalesce(l.body, 'no row') AS found
FROM record r LEFT JOIN log l ON l.org = r.org AND l.scope = r.scope AND l.seq = r.version AND l.kind = 'record'
WHERE r.org = $1 AND r.version > 0 AND r.body IS DISTINCT FROM l.body LIMIT $2";

/// A device's chain runs from 1 to its ack, and every link's change is known.
const CHAINS: &str = "
SELECT 'chain_is_gapless_up_to_its_ack' AS rule, d.device::text AS subject, d.ack_seq::text AS expected,
       concat(count(c.id), ' links up to ', coalesce(max(l.seq), 0)) AS found
FROM device d LEFT JOIN chain_link l ON l.org = d.org AND l.device = d.device
LEFT JOIN change c ON c.org = l.org AND c.id = l.change
WHERE d.org = $1 AND d.kind = 'desktop' GROUP BY d.device, d.ack_seq, d.ack_chain
HAVING count(c.id) <> d.ack_seq OR coalesce(max(l.seq), 0) <> d.ack_seq
  OR d.ack_seq > 0 AND NOT coalesce(bool_or(l.seq = d.ack_seq AND l.chain = d.ack_chain), false) LIMIT $2";
