//! What the planner believes about the tables. Until a table was analysed, and after it has grown many times over,
//! Postgres takes its keys for common and reads it from one end to the other; the autovacuum notices once a minute,
//! which is after a first catalogue was handed over.

use super::Store;
use sqlx::Error;

/// Tables that grow together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Grows with every change of a record.
    Records,
    /// Grows with every movement.
    Ledger,
}

impl Group {
    /// The table whose rows are counted.
    const fn table(self) -> &'static str {
        match self {
            Self::Records => "record",
            Self::Ledger => "movement",
        }
    }

    /// The columns that look-ups name: a body is long and never compared.
    const fn analyze(self) -> &'static str {
        match self {
            Self::Records => {
                "record (org, kind, id, archived, key, name, parent), change (org, id, device), \
                 chain_link (org, device, seq), log (org, scope, seq)"
            }
            Self::Ledger => {
                "movement (org, id, item, from_location, from_site, to_location, to_site, reverses), \
                 balance (org, item, location, lot, status), item_cost (org, item), change (org, id, device), \
                 chain_link (org, device, seq), log (org, scope, seq)"
            }
        }
    }
}

/// How many rows the planner believes in; 0 when it was never told.
pub async fn believed(store: &Store, group: Group) -> Result<u64, Error> {
    let rows: f32 = sqlx::query_scalar("SELECT reltuples FROM pg_class WHERE oid = $1::regclass")
        .bind(group.table())
        .fetch_one(&store.readers)
        .await?;
    Ok(if rows > 0.0 { rows as u64 } else { 0 })
}

/// Looks at the tables again, at a tenth of the usual sample: that a key is rare shows in few rows. Says how many
/// rows there are now. Statements sent together are one transaction.
pub async fn refresh(store: &Store, group: Group) -> Result<u64, Error> {
    let sql = format!("SET LOCAL default_statistics_target = 10; ANALYZE {}", group.analyze());
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&store.readers).await?;
    believed(store, group).await
}
