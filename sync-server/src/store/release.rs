//! Gives parked changes of a restored server their end when what they stand on has come back.

use super::{
    Store, Tx,
    batch::lock_organisation,
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
    settle::{self, ChangeRow, DeviceFacts, Healing, Push},
    text,
    wire::Ack,
};
use uuid::Uuid;

/// One look takes up as many as this, the oldest first.
const MOST: i64 = 4000;

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
}

impl ParkedRow {
    fn push(self, epoch: EpochId) -> Push {
        let (change, device) = (ChangeId(self.id), DeviceId(self.device));
        let start = Digest::start(device);
        let ack = Ack { seq: 0, chain: start };
        Push {
            device: DeviceFacts { id: device, person: PersonId(self.person), ack, chain_before: None },
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

/// Decides again what waits. Returns the heads that grew.
pub async fn release(store: &Store, org: OrganisationId, epoch: EpochId) -> Result<Heads, Fault> {
    let mut tx = store.write(org).await?;
    if parked(&mut tx, 1).await?.is_empty() {
        return Ok(Heads::new());
    }
    // Asked again once nobody else writes.
    tx.commit().await?;
    let mut tx = store.write(org).await?;
    lock_organisation(&mut tx, true).await?;
    let batch: Vec<Push> = parked(&mut tx, MOST).await?.into_iter().map(|row| row.push(epoch)).collect();
    let mut loaded = facts::load(&mut tx, &settle::Reading::of(&batch)).await?;
    let released = catch_unwind(AssertUnwindSafe(|| settle::release(&batch, &mut loaded.facts)));
    let mut writes = released.map_err(|_| Fault::Broken(anyhow::anyhow!("the rules panicked on parked changes")))?;
    let ends = std::mem::take(&mut writes.changes);
    if ends.is_empty() {
        return Ok(Heads::new());
    }
    tracing::info!(released = ends.len(), parked = batch.len(), "parked changes found what they waited for");
    end(&mut tx, &ends).await?;
    let recorded_at = batch.iter().map(|push| push.received_at).max().unwrap_or(0);
    let chained = BTreeSet::new();
    let held: &HashSet<_> = &loaded.held;
    let writing = Writing { versions: &loaded.versions, held, chained: &chained, recorded_at };
    let heads = writes::write(&mut tx, &writes, &writing).await?;
    tx.commit().await?;
    Ok(heads)
}

/// Parked for want of something; what is parked for an admin has other codes.
async fn parked(tx: &mut Tx, most: i64) -> Result<Vec<ParkedRow>, Error> {
    sqlx::query_as(
        "SELECT c.id, c.device, c.seq, c.kind, c.version, c.body, c.received_at, d.person,
                (c.details::jsonb ->> 'order_ts')::bigint AS order_ts
         FROM change c JOIN device d ON d.org = c.org AND d.device = c.device
         WHERE c.org = $1 AND c.outcome = 'PARKED'
           AND c.code IN ('NOT_FOUND', 'MOVEMENT_NOT_FOUND', 'DEPENDS_ON_REJECTED')
         ORDER BY c.received_at, c.device, c.seq LIMIT $2",
    )
    .bind(tx.org.0)
    .bind(most)
    .fetch_all(tx.conn())
    .await
}

async fn end(tx: &mut Tx, rows: &[ChangeRow]) -> Result<(), Error> {
    let refused = |row: &ChangeRow| writes::refused_create(row);
    sqlx::query(
        "UPDATE change c SET outcome = w.outcome, code = w.code, details = w.details, refused_create = w.refused
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
