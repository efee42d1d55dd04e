//! The daily audit: what `verify` looks at and every scope's sum, once a day, whichever of several servers comes first.

use super::{
    Store, Tx, horizon,
    verify::{self, Violation},
};
use serde_json::json;
use sqlx::{Error, FromRow};
use stillage_core::id::OrganisationId;

/// In microseconds.
const DAY: i64 = 24 * 3600 * 1_000_000;
/// Of the advisory lock that a server holds while it claims one, together with the organisation.
const LOCK: i64 = 0x61_75_64_69_74;

/// One audit, as it is kept.
#[derive(Debug, Clone, serde::Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// When it began, in microseconds since 1970.
    pub at: i64,
    pub took_ms: i64,
    pub ok: bool,
    pub violations: serde_json::Value,
}

/// The last audit there was.
pub async fn last(tx: &mut Tx) -> Result<Option<Audit>, Error> {
    sqlx::query_as(
        "SELECT at, took_ms, ok, violations FROM audit WHERE org = $1 AND ok IS NOT NULL ORDER BY at DESC LIMIT 1",
    )
    .bind(tx.org.0)
    .fetch_optional(tx.conn())
    .await
}

/// Audits if it is time and nobody else does; `clock` says the time in microseconds. It is claimed first: looking takes
/// long, and holds no connection that writes.
pub async fn daily(store: &Store, org: OrganisationId, clock: impl Fn() -> i64) -> Result<Option<Audit>, Error> {
    let at = clock();
    if claim(store, org, at).await? { perform(store, (org, at), Vec::new(), clock).await.map(Some) } else { Ok(None) }
}

/// Audits now: something was found on the way, and is kept with what else there is.
pub async fn at_once(
    store: &Store,
    org: OrganisationId,
    found: Vec<Violation>,
    clock: impl Fn() -> i64,
) -> Result<Audit, Error> {
    let at = clock();
    let mut tx = store.write(org).await?;
    let sql = "INSERT INTO audit (org, at) VALUES ($1, $2) ON CONFLICT (org, at) DO NOTHING";
    sqlx::query(sql).bind(org.0).bind(at).execute(tx.conn()).await?;
    tx.commit().await?;
    perform(store, (org, at), found, clock).await
}

async fn perform(
    store: &Store,
    (org, at): (OrganisationId, i64),
    mut violations: Vec<Violation>,
    clock: impl Fn() -> i64,
) -> Result<Audit, Error> {
    let mut view = store.snapshot(org).await?;
    violations.extend(verify::verify_sums(&mut view).await?);
    view.commit().await?;
    let audit = Audit { at, took_ms: (clock() - at) / 1000, ok: violations.is_empty(), violations: json!(violations) };
    let mut tx = store.write(org).await?;
    sqlx::query("UPDATE audit SET took_ms = $3, ok = $4, violations = $5 WHERE org = $1 AND at = $2")
        .bind(org.0)
        .bind(at)
        .bind(audit.took_ms)
        .bind(audit.ok)
        .bind(&audit.violations)
        .execute(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(audit)
}

/// Notes that an audit begins, if a day has gone by since the last one began, or since the organisation was founded.
async fn claim(store: &Store, org: OrganisationId, at: i64) -> Result<bool, Error> {
    let mut tx = store.write(org).await?;
    let (high, low) = org.0.as_u64_pair();
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind((high ^ low).cast_signed() ^ LOCK).execute(tx.conn()).await?;
    let sql = "INSERT INTO audit (org, at) SELECT o.org, $2 FROM organisation o
               WHERE o.org = $1 AND coalesce((SELECT max(a.at) FROM audit a WHERE a.org = o.org), o.created_at) <= $2 - $3";
    let claimed = sqlx::query(sql).bind(org.0).bind(at).bind(DAY).execute(tx.conn()).await?.rows_affected();
    if claimed > 0 {
        horizon::note_heads(&mut tx, at).await?;
    }
    tx.commit().await?;
    Ok(claimed > 0)
}
