//! Everything that is SQL. Reading and writing functions take the open transaction; a
//! transaction begins in `Store::write`, `Store::locked` or `Store::snapshot` and nowhere else.
//!
//! The surprise: there are several pools. Writers, and devices that follow closely, look rows up by key in tables that grow by the
//! thousand between two ANALYZE runs, so their connections are told never to scan.

pub mod audit;
pub mod backup;
pub mod batch;
pub mod canary;
pub mod cells;
pub mod devices;
pub mod dump;
pub mod facts;
pub mod fault;
pub mod follow;
pub mod horizon;
pub mod inserts;
pub mod log;
pub mod organisation;
pub mod park;
pub mod queries;
pub mod records;
pub mod release;
pub mod snapshots;
pub mod statistics;
pub mod sums;
pub mod verify;
pub mod writes;

use sqlx::{
    AssertSqlSafe, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::time::Duration;
use stillage_core::id::OrganisationId;

/// How many connections readers and writers may hold.
const READERS: u32 = 12;
const WRITERS: u32 = 3;
/// And those who look for devices that follow closely.
pub const FOLLOWERS: u32 = 2;

/// The pools of one database.
#[derive(Debug, Clone)]
pub struct Store {
    pub readers: PgPool,
    pub writers: PgPool,
    /// Of those who pull closely: by key, as the writers are.
    pub(crate) followers: PgPool,
}

/// An open transaction of one organisation.
pub struct Tx {
    pub org: OrganisationId,
    inner: Transaction<'static, Postgres>,
}

impl Store {
    pub async fn connect(url: &str) -> Result<Self, sqlx::Error> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.application_name("stillage-server").options([("jit", "off")]);
        let scans = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"];
        let by_key = options.clone().options(scans.map(|scan| (scan, "off")));
        // Looking rows up by key has one plan, however many keys there are: making it anew costs more than it does.
        let by_key = by_key.options([("plan_cache_mode", "force_generic_plan")]);
        // A ping before every use would be a round trip per request; a dead connection is found
        // out by its first statement, and whoever sent it tries again.
        let pool = |most| {
            let pool = PgPoolOptions::new().max_connections(most).test_before_acquire(false);
            pool.acquire_timeout(Duration::from_secs(5))
        };
        let readers = pool(READERS).connect_with(options).await?;
        let followers = pool(FOLLOWERS).connect_lazy_with(by_key.clone());
        Ok(Self { readers, writers: pool(WRITERS).connect_lazy_with(by_key), followers })
    }

    pub async fn write(&self, org: OrganisationId) -> Result<Tx, sqlx::Error> {
        Ok(Tx { org, inner: self.writers.begin().await? })
    }

    /// Locked from the start. Batches that only move stock share the organisation; one that edits records has it
    /// alone, so that what a decision read of a record still stands when it is written.
    pub async fn locked(&self, org: OrganisationId, alone: bool) -> Result<Tx, sqlx::Error> {
        let lock = if alone { "pg_advisory_xact_lock" } else { "pg_advisory_xact_lock_shared" };
        let (high, low) = org.0.as_u64_pair();
        let begin = format!("BEGIN; SELECT {lock}({})", (high ^ low).cast_signed());
        Ok(Tx { org, inner: self.writers.begin_with(AssertSqlSafe(begin)).await? })
    }

    /// One view of the database for as long as it is held.
    pub async fn snapshot(&self, org: OrganisationId) -> Result<Tx, sqlx::Error> {
        let inner = self.readers.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        Ok(Tx { org, inner })
    }

    pub async fn close(&self) {
        self.writers.close().await;
        self.followers.close().await;
        self.readers.close().await;
    }
}

impl Tx {
    pub fn conn(&mut self) -> &mut sqlx::PgConnection {
        &mut self.inner
    }

    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.inner.commit().await
    }
}
