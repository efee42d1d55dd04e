//! A second reader of the log. Devices read it by numbers and never look back; here it is read a second time by the
//! transactions that wrote it, and both must come to the same: a row that appears below a number which somebody has read
//! past would be missed by every device.
//!
//! The surprise: nothing is written for it. A row's `xmin` says who wrote it, and when every transaction that a look
//! found running has ended, nothing more can come below the heads of that look: from there on the log is known.

use super::{Store, Tx, verify::Violation};
use sqlx::{Error, FromRow};
use std::collections::{BTreeMap, VecDeque};
use stillage_core::id::OrganisationId;
use uuid::Uuid;

/// Of a scope that grows faster, the newest rows of a look.
const MOST: i64 = 2_000;
/// Looks that are remembered while a long transaction runs.
const LOOKS: usize = 16;

/// Rows of the log by scope and number, with their changes.
type Seen = BTreeMap<(String, i64), Uuid>;
type Heads = BTreeMap<String, i64>;

/// What it remembers from one look to the next.
#[derive(Debug, Default)]
pub struct Canary {
    /// Up to here nothing more can come.
    known: Heads,
    /// What was there beyond it at the last look.
    seen: Seen,
    /// Looks that found transactions running which may run still, the last one at the end.
    looks: VecDeque<Look>,
}

#[derive(Debug, Clone)]
struct Look {
    /// The oldest transaction that ran, and the next one to come.
    running: u64,
    next: u64,
    heads: Heads,
}

#[derive(Debug, FromRow)]
struct LogRow {
    scope: String,
    seq: i64,
    change: Uuid,
    writer: i64,
}

impl Canary {
    /// Looks at what has come since, in one view of the database. The first look finds nothing.
    pub async fn look(&mut self, store: &Store, org: OrganisationId) -> Result<Vec<Violation>, Error> {
        let mut view = store.snapshot(org).await?;
        let look = look(&mut view).await?;
        let Some(last) = self.looks.back().cloned() else {
            view.commit().await?;
            self.known.clone_from(&look.heads);
            self.looks.push_back(look);
            return Ok(Vec::new());
        };
        for (scope, head) in &look.heads {
            let known = self.known.entry(scope.clone()).or_default();
            *known = (*known).max(head - MOST);
        }
        let rows = rows(&mut view, &self.known).await?;
        view.commit().await?;
        let mut violations = self.holes(&look.heads, &rows);
        violations.extend(rows.iter().filter_map(|row| self.late(row, &last)));
        self.seen = rows.into_iter().map(|row| ((row.scope, row.seq), row.change)).collect();
        // Whoever ran then has ended, and this look has read what they left.
        while let Some(ended) = self.looks.pop_front_if(|before| before.next <= look.running) {
            self.known = ended.heads;
        }
        self.looks.push_back(look);
        if self.looks.len() > LOOKS {
            // The first stays: what is known grows when its transactions have ended.
            self.looks.remove(1);
        }
        Ok(violations)
    }

    /// By numbers: from what is known up to the head there is one row for each.
    fn holes(&self, heads: &Heads, rows: &[LogRow]) -> Vec<Violation> {
        let mut found: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for row in rows {
            found.entry(&row.scope).or_default().push(row.seq);
        }
        let of = |scope: &String| found.get(scope.as_str()).map_or(&[][..], Vec::as_slice);
        let beside = heads.iter().filter(|(scope, head)| {
            let known = self.known.get(*scope).copied().unwrap_or(0);
            !of(scope).iter().copied().eq(known + 1..=**head)
        });
        let tell = |(scope, head): (&String, &i64)| {
            let (seqs, known) = (of(scope), self.known.get(scope).copied().unwrap_or(0));
            let found = format!("{} rows up to {}", seqs.len(), seqs.last().copied().unwrap_or(known));
            Violation::new("log_is_whole_up_to_its_head", scope, &format!("{} to {head}", known + 1), &found)
        };
        beside.map(tell).collect()
    }

    /// By transactions: what was not there at the last look is newer than its heads and was written by somebody who had
    /// not ended by then; what was there is the same.
    fn late(&self, row: &LogRow, last: &Look) -> Option<Violation> {
        let place = format!("{} {}", row.scope, row.seq);
        let head = last.heads.get(&row.scope).copied().unwrap_or(0);
        match self.seen.get(&(row.scope.clone(), row.seq)) {
            Some(change) if *change != row.change => {
                Some(Violation::new("log_row_stays_what_it_was", &place, change, &row.change))
            }
            Some(_) => None,
            // The first look reads no rows, and what it found is below what was known then.
            None if row.seq <= head || full(row.writer, last.next) < last.running => {
                let expected = format!("after {head}, by a transaction from {} on", last.running);
                let found = format!("by transaction {}", full(row.writer, last.next));
                Some(Violation::new("log_row_comes_before_readers_pass", &place, &expected, &found))
            }
            None => None,
        }
    }
}

/// A row keeps the lower half of its writer's number; the writer is not far from the transactions of now.
fn full(writer: i64, near: u64) -> u64 {
    let low = |number: u64| u32::try_from(number & 0xffff_ffff).unwrap_or_default();
    let ahead = low(writer.unsigned_abs()).wrapping_sub(low(near)).cast_signed();
    near.wrapping_add_signed(i64::from(ahead))
}

async fn look(view: &mut Tx) -> Result<Look, Error> {
    let sql = "SELECT scope, head FROM scope WHERE org = $1";
    let heads: Vec<(String, i64)> = sqlx::query_as(sql).bind(view.org.0).fetch_all(view.conn()).await?;
    let sql = "SELECT pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint
               FROM pg_current_snapshot() AS now";
    let (running, next): (i64, i64) = sqlx::query_as(sql).fetch_one(view.conn()).await?;
    Ok(Look { running: running.unsigned_abs(), next: next.unsigned_abs(), heads: heads.into_iter().collect() })
}

/// What stands beyond what is known, in the order of the numbers.
async fn rows(view: &mut Tx, known: &Heads) -> Result<Vec<LogRow>, Error> {
    let (scopes, froms): (Vec<&String>, Vec<i64>) = known.iter().unzip();
    sqlx::query_as(
        "SELECT w.scope, l.seq, l.change, l.writer FROM UNNEST($2::text[], $3::bigint[]) AS w(scope, known)
         CROSS JOIN LATERAL (SELECT l.seq, l.change, l.xmin::text::bigint AS writer FROM log l
                             WHERE l.org = $1 AND l.scope = w.scope AND l.seq > w.known ORDER BY l.seq OFFSET 0) l",
    )
    .bind(view.org.0)
    .bind(scopes)
    .bind(froms)
    .fetch_all(view.conn())
    .await
}

#[cfg(test)]
mod tests {
    use super::full;

    #[test]
    fn a_writers_number_is_whole_on_both_sides_of_a_turn() {
        let turn = 3 << 32;
        assert_eq!([full(7, turn + 9), full(0xffff_fff0, turn + 9)], [turn + 7, turn - 16]);
        assert_eq!([full(3, turn - 2), full(0xffff_fff0, turn - 2)], [turn + 3, turn - 16]);
    }
}
