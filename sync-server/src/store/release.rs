//! Gives parked changes of a restored server their end when what they stand on has come back.
//!
//! The surprise: a change that was just parked counts as free. It was decided beside other batches,
//! and what it missed may have been committed by one of them; here nobody else writes.

use super::{
    Store, Tx,
    batch::grant_new_sites,
    facts,
    fault::Fault,
    log::Heads,
    writes::{self, Writing, signed},
};
use sqlx::{Error, FromRow};
use std::{
    collections::{BTreeSet, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
};
use stillage_core::{
    change::{Change, Digest},
    decide::Door,
    id::{ChangeId, DeviceId, EpochId, OrganisationId, PersonId},
    settle::{self, ChangeRow, DeviceFacts, Healing, Push, Released, Writes},
    text,
    wire::Ack,
};
use uuid::Uuid;

/// One transaction decides as many as this, the oldest first.
const MOST: i64 = 1000;

#[derive(Debug, FromRow)]
struct ParkedRow {
    id: Uuid,
    device: Uuid,
    seq: i64,
    kind: String,
    version: i64,
    body: String,
    received_at: i64,
    order_ts: Option<i64>,
    person: Uuid,
    every_site: bool,
}

impl ParkedRow {
    fn push(self, epoch: EpochId) -> Push {
        let (change, device) = (ChangeId(self.id), DeviceId(self.device));
        let start = Digest::start(device);
        let ack = Ack { seq: 0, chain: start };
        Push {
            device: DeviceFacts {
                id: device,
                person: PersonId(self.person),
                ack,
                chain_before: None,
                waiting: None,
                first_id: false,
            },
            chained: true,
            door: Door::Late,
            first_seq: self.seq.unsigned_abs(),
            prev_chain: start,
            changes: vec![Change {
                id: change,
                seq: self.seq.unsigned_abs(),
                kind: self.kind,
                version: u32::try_from(self.version).unwrap_or(u32::MAX),
                body: self.body,
            }],
            received_at: self.received_at,
            healing: Healing {
                epoch: Some(epoch),
                orders: self.order_ts.map(|ts| (change, ts)).into_iter().collect(),
                parked: true,
            },
        }
    }
}

/// Notes which parked changes this write may have set free, in its own transaction: whoever stops
/// before they are decided leaves them to the next. Says whether there is anything to decide. Mostly it is
/// known by then that no change waits at all.
pub async fn set_free(tx: &mut Tx, writes: &Writes, any_waits: Option<bool>) -> Result<bool, Error> {
    let parked = writes.changes.iter().any(|row| !row.repeat && settle::awaited(&row.result).is_some());
    if any_waits == Some(false) {
        return Ok(parked);
    }
    let free = sqlx::query(
        "UPDATE change SET waits_for = '' WHERE org = $1 AND waits_for = ANY($2) AND waits_for IS NOT NULL",
    );
    let free = free.bind(tx.org.0).bind(writes.brought()).execute(tx.conn()).await?;
    Ok(parked || free.rows_affected() > 0)
}

/// Decides again what may have come free, until nothing more does. Returns the heads that grew.
pub async fn release(store: &Store, org: OrganisationId, epoch: EpochId) -> Result<Heads, Fault> {
    let (mut heads, mut most) = (Heads::new(), MOST);
    loop {
        match some(store, (org, epoch), most).await {
            Ok(None) => return Ok(heads),
            Ok(Some(grown)) => heads.extend(grown),
            // One of them chokes the rules or the database: it is found, and left to an admin.
            Err(Fault::Broken(_)) if most > 1 => most = 1,
            Err(Fault::Broken(fault)) => put_aside(store, org, &fault).await?,
            Err(fault) => return Err(fault),
        }
    }
}

/// Decides the oldest of them; `None` when there are none.
async fn some(store: &Store, (org, epoch): (OrganisationId, EpochId), most: i64) -> Result<Option<Heads>, Fault> {
    let mut tx = store.locked(org, true).await?;
    let rows = free(&mut tx, most).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let limited = rows.iter().filter(|row| !row.every_site).map(|row| DeviceId(row.device)).collect();
    let batch: Vec<Push> = rows.into_iter().map(|row| row.push(epoch)).collect();
    let mut loaded = facts::load(&mut tx, &settle::Reading::of(&batch)).await?;
    let released = catch_unwind(AssertUnwindSafe(|| settle::release(&batch, &mut loaded.facts)));
    let released = released.map_err(|_| Fault::Broken(anyhow::anyhow!("the rules panicked on parked changes")))?;
    let Released { mut writes, still } = released;
    wait_on(&mut tx, &still).await?;
    grant_new_sites(&mut tx, &writes, &loaded.versions, &limited).await?;
    end(&mut tx, &writes.changes).await?;
    set_free(&mut tx, &writes, None).await?;
    tracing::info!(released = writes.changes.len(), waiting = still.len(), "parked changes were decided again");
    // They are in the table, and their links in their chains, since they were parked.
    writes.changes.clear();
    let recorded_at = batch.iter().map(|push| push.received_at).max().unwrap_or(0);
    let chained = BTreeSet::new();
    let held: &HashSet<_> = &loaded.held;
    let writing = Writing { versions: &loaded.versions, held, chained: &chained, recorded_at };
    let numbers = writes::write(&mut tx, &writes, &writing).await?;
    tx.commit().await?;
    Ok(Some(numbers.heads))
}

async fn free(tx: &mut Tx, most: i64) -> Result<Vec<ParkedRow>, Error> {
    sqlx::query_as(
        "SELECT c.id, c.device, c.seq, c.kind, c.version, c.body, c.received_at, d.person, d.every_site,
                (c.details::jsonb ->> 'order_ts')::bigint AS order_ts
         FROM change c JOIN device d ON d.org = c.org AND d.device = c.device
         WHERE c.org = $1 AND c.waits_for = '' AND c.waits_for IS NOT NULL
         ORDER BY c.received_at, c.device, c.seq LIMIT $2",
    )
    .bind(tx.org.0)
    .bind(most)
    .fetch_all(tx.conn())
    .await
}

async fn put_aside(store: &Store, org: OrganisationId, fault: &anyhow::Error) -> Result<(), Fault> {
    let mut tx = store.locked(org, true).await?;
    let aside: Vec<_> = free(&mut tx, 1).await?.iter().map(|row| (ChangeId(row.id), None)).collect();
    tracing::error!(fault = format!("{fault:#}"), change = ?aside, "a parked change cannot be decided and stays parked");
    wait_on(&mut tx, &aside).await?;
    Ok(tx.commit().await?)
}

async fn wait_on(tx: &mut Tx, still: &[(ChangeId, Option<String>)]) -> Result<(), Error> {
    sqlx::query(
        "UPDATE change c SET waits_for = w.waits_for FROM UNNEST($2::uuid[], $3::text[]) AS w(id, waits_for)
         WHERE c.org = $1 AND c.id = w.id",
    )
    .bind(tx.org.0)
    .bind(still.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
    .bind(still.iter().map(|(_, of)| of.as_deref()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await
    .map(drop)
}

async fn end(tx: &mut Tx, rows: &[ChangeRow]) -> Result<(), Error> {
    let refused = |row: &ChangeRow| writes::refused_create(row);
    sqlx::query(
        "UPDATE change c SET outcome = w.outcome, code = w.code, details = w.details, refused_create = w.refused,
             waits_for = NULL
         FROM UNNEST($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
           AS w(id, outcome, code, details, refused, seq)
         WHERE c.org = $1 AND c.id = w.id AND c.seq = w.seq",
    )
    .bind(tx.org.0)
    .bind(rows.iter().map(|row| row.change.id.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.result.outcome.name()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.result.code.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| text::canonical(&row.result.details)).collect::<Vec<_>>())
    .bind(rows.iter().map(refused).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| signed(row.change.seq)).collect::<Vec<_>>())
    .execute(tx.conn())
    .await
    .map(drop)
}
