//! What a backup is taken of, and what a restored database needs before anybody meets it.

use super::{Store, Tx, log};
use sqlx::{Error, PgPool};
use std::collections::BTreeMap;
use stillage_core::{
    id::{DeviceId, EpochId, OrganisationId},
    scope::Scope,
};
use uuid::Uuid;

/// Names this transaction's view of the database for `pg_dump`, as long as it is held.
pub async fn export_snapshot(tx: &mut Tx) -> Result<String, Error> {
    sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(tx.conn()).await
}

/// The history this transaction sees, and how far each scope has come.
pub async fn history(tx: &mut Tx) -> Result<(EpochId, BTreeMap<Scope, u64>), Error> {
    let epoch = sqlx::query_scalar("SELECT epoch FROM organisation WHERE org = $1");
    let epoch = EpochId(epoch.bind(tx.org.0).fetch_one(tx.conn()).await?);
    Ok((epoch, log::heads(tx).await?))
}

/// How far this transaction sees the chain of each device.
pub async fn acks(tx: &mut Tx) -> Result<Vec<(Uuid, i64)>, Error> {
    sqlx::query_as("SELECT device, ack_seq FROM device WHERE org = $1").bind(tx.org.0).fetch_all(tx.conn()).await
}

/// Notes that a verified backup holds the chains so far.
pub async fn note(tx: &mut Tx, acks: &[(Uuid, i64)], at: i64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO device_backup (org, device, ack_seq, backed_up_at)
         SELECT $1, w.device, w.seq, $4 FROM UNNEST($2::uuid[], $3::bigint[]) AS w(device, seq)
         ON CONFLICT (org, device) DO UPDATE SET ack_seq = EXCLUDED.ack_seq, backed_up_at = EXCLUDED.backed_up_at",
    )
    .bind(tx.org.0)
    .bind(acks.iter().map(|(device, _)| *device).collect::<Vec<_>>())
    .bind(acks.iter().map(|(_, seq)| *seq).collect::<Vec<_>>())
    .bind(at)
    .execute(tx.conn())
    .await
    .map(drop)
}

/// Changes of a device up to here are held in a verified backup.
pub async fn safe_seq(pool: &PgPool, org: OrganisationId, device: DeviceId) -> Result<u64, Error> {
    let held: Option<i64> = sqlx::query_scalar("SELECT ack_seq FROM device_backup WHERE org = $1 AND device = $2")
        .bind(org.0)
        .bind(device.0)
        .fetch_optional(pool)
        .await?;
    Ok(held.unwrap_or(0).unsigned_abs())
}

/// What lies in a database that is to be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Nothing,
    /// An organisation in which nobody has done anything.
    Unused,
    /// Somebody's work, or tables of something else.
    Something,
}

pub async fn held(store: &Store) -> Result<Held, Error> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
           AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')",
    )
    .fetch_all(&store.readers)
    .await?;
    if tables.is_empty() {
        return Ok(Held::Nothing);
    }
    if !["organisation", "change"].iter().all(|ours| tables.iter().any(|table| table == ours)) {
        return Ok(Held::Something);
    }
    let used: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM change)").fetch_one(&store.readers).await?;
    Ok(if used { Held::Something } else { Held::Unused })
}

/// Run with the rows of a backup, in their transaction: never is there an old history that somebody could take for
/// the one that was lost. A bulk load leaves no statistics behind.
#[must_use]
pub fn begin_history(epoch: EpochId) -> String {
    format!("\nUPDATE public.organisation SET epoch = '{}';\nANALYZE;\n", epoch.0)
}
