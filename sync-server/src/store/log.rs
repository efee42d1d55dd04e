//! The numbered rows of every scope: what devices pull.

use super::{Tx, inserts::Inserts, records::corrupt, writes::signed};
use futures_util::TryStreamExt;
use sqlx::{Error, FromRow};
use std::collections::{BTreeMap, HashMap};
use stillage_core::{
    id::{ChangeId, MovementId},
    record::Ref,
    scope::Scope,
    settle::LogRow,
    sum::{Sum, SumChanges},
    wire::{LogEntry, ScopePage, entry},
};
use uuid::Uuid;

/// Heads of the scopes that grew.
pub type Heads = BTreeMap<Scope, u64>;

/// The numbers that the rows of one batch got.
#[derive(Debug, Default)]
pub struct Numbers {
    pub heads: Heads,
    /// Whether any parked change waits for something. Not known when nothing was numbered.
    pub waits: Option<bool>,
    /// One per log row, in their order.
    rows: Vec<u64>,
    records: HashMap<Ref, u64>,
    movements: HashMap<(MovementId, Scope), u64>,
    counts: HashMap<ChangeId, u64>,
}

impl Numbers {
    #[must_use]
    pub fn of_record(&self, of: Ref) -> Option<u64> {
        self.records.get(&of).copied()
    }

    #[must_use]
    pub fn of_movement(&self, id: MovementId, scope: Scope) -> Option<u64> {
        self.movements.get(&(id, scope)).copied()
    }

    /// A count stands in the log of its site alone.
    #[must_use]
    pub fn of_count(&self, change: ChangeId) -> Option<u64> {
        self.counts.get(&change).copied()
    }
}

/// Bumps the heads in the order of their scopes and deals the numbers out.
pub async fn number(tx: &mut Tx, rows: &[LogRow]) -> Result<Numbers, Error> {
    let mut grown: BTreeMap<String, (Scope, u64)> = BTreeMap::new();
    for row in rows {
        grown.entry(row.scope.to_string()).or_insert((row.scope, 0)).1 += 1;
    }
    if grown.is_empty() {
        return Ok(Numbers::default());
    }
    let heads: Vec<(String, i64, bool)> = sqlx::query_as(
        "INSERT INTO scope (org, scope, head, sum)
         SELECT $1, w.scope, w.grown, 0 FROM UNNEST($2::text[], $3::bigint[]) AS w(scope, grown) ORDER BY w.scope
         ON CONFLICT (org, scope) DO UPDATE SET head = scope.head + EXCLUDED.head
         RETURNING scope, head, EXISTS (SELECT 1 FROM change c
                                        WHERE c.org = $1 AND c.waits_for > '' AND c.waits_for IS NOT NULL)",
    )
    .bind(tx.org.0)
    .bind(grown.keys().cloned().collect::<Vec<_>>())
    .bind(grown.values().map(|(_, count)| signed(*count)).collect::<Vec<_>>())
    .fetch_all(tx.conn())
    .await?;
    let mut numbers = Numbers::default();
    let mut next: HashMap<Scope, u64> = HashMap::new();
    for (name, head, waits) in heads {
        numbers.waits = Some(waits);
        let (scope, count) = grown.get(&name).ok_or_else(|| corrupt(format!("scope {name}")))?;
        numbers.heads.insert(*scope, head.unsigned_abs());
        next.insert(*scope, head.unsigned_abs() - count);
    }
    for row in rows {
        let last = next.entry(row.scope).or_default();
        *last += 1;
        numbers.rows.push(*last);
        if let Some(of) = row.record {
            numbers.records.insert(of, *last);
        }
        if let Some(movement) = row.movement {
            numbers.movements.insert((movement, row.scope), *last);
        }
        if row.kind == entry::COUNT {
            numbers.counts.insert(row.change, *last);
        }
    }
    Ok(numbers)
}

/// The rows of a batch, all but their numbers.
pub fn rows(to: &mut Inserts, rows: &[LogRow]) {
    to.constant("version", i64::from(entry::VERSION));
    to.column("scope", rows.iter().map(|row| row.scope.to_string()));
    to.column("kind", rows.iter().map(|row| row.kind));
    to.column("id", rows.iter().map(|row| row.id.as_str()));
    to.column("change", rows.iter().map(|row| row.change.0));
    to.column("outcome", rows.iter().map(|row| row.outcome.name()));
    to.column("body", rows.iter().map(|row| row.body.as_str()));
}

/// Their numbers, and in the same statement what they change in the sums of their scopes. A scope whose sum nobody has
/// added up yet (store/sums.rs) stays without one.
pub fn numbered(to: &mut Inserts, numbers: &Numbers, sums: &SumChanges) {
    to.column("seq", numbers.rows.iter().map(|number| signed(*number)));
    to.end_table("log", "");
    let scopes = to.bind(sums.0.keys().map(Scope::to_string).collect::<Vec<_>>());
    let changes = to.bind(sums.0.values().map(|sum| sum.0.to_string()).collect::<Vec<_>>());
    to.and(format!(
        "UPDATE scope s SET sum = mod(s.sum + w.change::numeric, 340282366920938463463374607431768211456)
         FROM UNNEST({scopes}, {changes}) AS w(scope, change) WHERE s.org = $1 AND s.scope = w.scope"
    ));
}

/// Every scope's head.
pub async fn heads(tx: &mut Tx) -> Result<Heads, Error> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT scope, head FROM scope WHERE org = $1").bind(tx.org.0).fetch_all(tx.conn()).await?;
    rows.into_iter().map(|(scope, head)| Ok((scope.parse().map_err(corrupt)?, head.unsigned_abs()))).collect()
}

/// A scope's head, and its sum there if one is kept.
#[derive(Debug, Clone, Copy)]
pub struct KeptSum {
    pub scope: Scope,
    pub head: u64,
    pub sum: Option<Sum>,
}

/// A sum as Postgres keeps it: a decimal number.
pub(super) fn read_sum(decimal: &str) -> Result<Sum, Error> {
    decimal.parse().map(Sum).map_err(corrupt)
}

pub async fn sums(tx: &mut Tx) -> Result<Vec<KeptSum>, Error> {
    let rows: Vec<(String, i64, Option<String>)> =
        sqlx::query_as("SELECT scope, head, sum::text FROM scope WHERE org = $1 ORDER BY scope")
            .bind(tx.org.0)
            .fetch_all(tx.conn())
            .await?;
    let read = |(scope, head, sum): (String, i64, Option<String>)| {
        let sum = sum.as_deref().map(read_sum).transpose()?;
        Ok(KeptSum { scope: scope.parse().map_err(corrupt)?, head: head.unsigned_abs(), sum })
    };
    rows.into_iter().map(read).collect()
}

#[derive(Debug, FromRow)]
pub(super) struct EntryRow {
    pub(super) seq: i64,
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) change: Uuid,
    pub(super) outcome: String,
    pub(super) body: String,
}

impl EntryRow {
    pub(super) fn entry(self) -> Result<LogEntry, Error> {
        Ok(LogEntry {
            seq: self.seq.unsigned_abs(),
            kind: self.kind,
            id: self.id,
            version: u32::try_from(self.version).map_err(corrupt)?,
            change: ChangeId(self.change),
            outcome: self.outcome.parse().map_err(|()| corrupt(format!("outcome {}", self.outcome)))?,
            body: self.body,
        })
    }
}

/// How much one answer may still hold.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub rows: usize,
    pub bytes: usize,
}

/// The rows of a scope after `from`, as many as there is room for.
pub async fn page(tx: &mut Tx, (scope, from): (Scope, u64), room: &mut Room) -> Result<ScopePage, Error> {
    let org = tx.org.0;
    let mut rows = sqlx::query_as::<_, EntryRow>(
        "SELECT seq, kind, id, version, change, outcome, body FROM log
         WHERE org = $1 AND scope = $2 AND seq > $3 ORDER BY seq LIMIT $4",
    )
    .bind(org)
    .bind(scope.to_string())
    .bind(signed(from))
    .bind(i64::try_from(room.rows).unwrap_or(i64::MAX))
    .fetch(tx.conn());
    let mut page = ScopePage { scope, from, to: from, entries: Vec::new(), chunk: None };
    while room.bytes > 0
        && let Some(row) = rows.try_next().await?
    {
        let entry = row.entry()?;
        room.rows = room.rows.saturating_sub(1);
        room.bytes = room.bytes.saturating_sub(entry.body.len() + 128);
        page.to = entry.seq;
        page.entries.push(entry);
    }
    Ok(page)
}
