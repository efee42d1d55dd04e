//! The sums of scopes from their rows: for the audit, and for a scope that has none because its rows are older than
//! sums are. The push path only ever adds to a sum (store/log.rs).

use super::{
    Store, Tx,
    cells::KeyRow,
    log::{self, KeptSum},
    records::{self, corrupt},
};
use futures_util::TryStreamExt;
use sqlx::{Error, FromRow};
use std::collections::{BTreeMap, HashMap};
use stillage_core::{
    id::{LocationId, OrganisationId},
    quantity::Quantity,
    record::{Kind, Ref},
    scope::Scope,
    sum::{Sum, SumChanges},
};
use uuid::Uuid;

#[derive(Debug, FromRow)]
struct RecordRow {
    scope: String,
    kind: String,
    id: Uuid,
    version: i64,
    body: String,
}

#[derive(Debug, FromRow)]
struct CellRow {
    #[sqlx(flatten)]
    key: KeyRow,
    on_hand: i64,
}

/// Of every scope that something stands in, as this transaction sees it. Rows are streamed.
pub async fn of_rows(tx: &mut Tx) -> Result<BTreeMap<Scope, Sum>, Error> {
    let mut sums = SumChanges::default();
    let org = tx.org.0;
    let sites = sites(tx).await?;
    let sql = "SELECT scope, kind, id, version, body FROM record WHERE org = $1 AND version > 0";
    let mut rows = sqlx::query_as::<_, RecordRow>(sql).bind(org).fetch(tx.conn());
    while let Some(RecordRow { scope, kind, id, version, body }) = rows.try_next().await? {
        let kind: Kind = kind.parse().map_err(|()| corrupt(format!("record kind {kind}")))?;
        let element = Sum::of_record(Ref { kind, id }, version.unsigned_abs(), &body);
        sums.enter(scope.parse().map_err(corrupt)?, element);
    }
    drop(rows);
    let sql = "SELECT item, location, lot, status, on_hand FROM balance WHERE org = $1 AND on_hand <> 0";
    let mut rows = sqlx::query_as::<_, CellRow>(sql).bind(org).fetch(tx.conn());
    while let Some(row) = rows.try_next().await? {
        let cell = row.key.cell()?;
        let site = sites.get(&cell.location).ok_or_else(|| corrupt(format!("{} has no site", cell.location)))?;
        sums.enter(Scope::Site(*site), Sum::of_cell(&cell, Quantity(row.on_hand)));
    }
    Ok(sums.0)
}

/// The site that each location stands in. It is set once.
async fn sites(tx: &mut Tx) -> Result<HashMap<LocationId, LocationId>, Error> {
    let org = tx.org.0;
    let sql = "SELECT id, version, body FROM record WHERE org = $1 AND kind = 'location'";
    let mut rows = sqlx::query_as::<_, (Uuid, i64, String)>(sql).bind(org).fetch(tx.conn());
    let mut sites = HashMap::new();
    while let Some((id, version, body)) = rows.try_next().await? {
        let location = records::read(Kind::Location.name(), id, version, &body)?;
        sites.extend(location.reference("site").map(|site| (LocationId(id), LocationId(site))));
    }
    Ok(sites)
}

/// Adds up the scopes that have no sum. Whoever writes to one of them waits meanwhile; every later start finds nothing
/// to do. Says how many there were.
pub async fn fill(store: &Store, org: OrganisationId) -> Result<usize, Error> {
    let mut tx = store.write(org).await?;
    let sql = "SELECT scope FROM scope WHERE org = $1 AND sum IS NULL ORDER BY scope FOR UPDATE";
    let missing: Vec<String> = sqlx::query_scalar(sql).bind(org.0).fetch_all(tx.conn()).await?;
    if missing.is_empty() {
        return Ok(0);
    }
    // Everything is read once: here a scan is right.
    sqlx::query("SET LOCAL enable_seqscan = on").execute(tx.conn()).await?;
    let sums = of_rows(&mut tx).await?;
    let of = |scope: &String| -> Result<String, Error> {
        let scope: Scope = scope.parse().map_err(corrupt)?;
        Ok(sums.get(&scope).copied().unwrap_or_default().0.to_string())
    };
    let added = missing.iter().map(of).collect::<Result<Vec<_>, _>>()?;
    let sql = "UPDATE scope s SET sum = w.sum::numeric FROM UNNEST($2::text[], $3::text[]) AS w(scope, sum)
               WHERE s.org = $1 AND s.scope = w.scope";
    sqlx::query(sql).bind(org.0).bind(&missing).bind(added).execute(tx.conn()).await?;
    tx.commit().await?;
    Ok(missing.len())
}

/// Scopes whose kept sum is not that of their rows, with both.
pub async fn wrong(tx: &mut Tx) -> Result<Vec<(Scope, Sum, Sum)>, Error> {
    let mut rows = of_rows(tx).await?;
    let mut wrong = Vec::new();
    for KeptSum { scope, sum, .. } in log::sums(tx).await? {
        let real = rows.remove(&scope).unwrap_or_default();
        wrong.extend(sum.filter(|kept| *kept != real).map(|kept| (scope, real, kept)));
    }
    // What stands in a scope that has no head was never told to anybody.
    wrong.extend(
        rows.into_iter().filter(|(_, real)| *real != Sum::EMPTY).map(|(scope, real)| (scope, real, Sum::EMPTY)),
    );
    Ok(wrong)
}
