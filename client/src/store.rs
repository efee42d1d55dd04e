//! The database of this device: one encrypted SQLite file. `write` is the only place where a
//! transaction begins; what is committed `Full` is on the disk before anybody hears of it.
//!
//! Several processes may have the file open; SQLite's own lock lets one write at a time.

pub mod absorb;
pub mod backed_up;
pub mod clock;
pub mod dump;
pub mod effects;
pub mod facts;
pub mod fingerprint;
pub mod migrate;
pub mod mirror;
pub mod movement;
pub mod open;
pub mod outbox;
pub mod queries;
pub mod rebase;
pub mod rebuild;
pub mod record;
pub mod reset;
pub mod search;
pub mod settings;
pub mod snapshot;
pub mod staged;
pub mod sums;

use crate::Failure;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{
    fs::File,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

pub use open::FILE;

/// What must be true when a commit returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It survives a power cut: for what a person did.
    Full,
    /// It survives a crash of the program: for what can be pulled again.
    Normal,
}

impl Durability {
    const fn pragma(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        }
    }
}

/// Readers kept open between reads.
const READERS: usize = 3;

pub struct Store {
    /// First, so that its thread is done before the connections are closed.
    mirror: mirror::Mirror,
    path: PathBuf,
    key: String,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
    /// What lists ask for again and again.
    pub known: queries::catalogue::Known,
    /// Held shared by everybody who may write; whoever swaps the file takes it alone.
    _lock: File,
}

struct Writer {
    connection: Connection,
    durability: Durability,
    /// Changes when another connection commits.
    version: i64,
}

impl Writer {
    fn write<T>(
        &mut self,
        durability: Durability,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.durability != durability {
            self.connection.pragma_update(None, "synchronous", durability.pragma())?;
            self.durability = durability;
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = f(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}

impl Store {
    /// Runs `f` in one transaction: all of it is committed, or none.
    pub fn write<T>(
        &self,
        durability: Durability,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writer.write(durability, f);
        match written {
            Ok(_) => self.mirror.committed(durability == Durability::Full),
            Err(_) => self.mirror.given_up(),
        }
        written
    }

    /// Waits until everything committed before is in the mirror of the outbox as well.
    pub fn mirrored(&self) {
        self.mirror.wait();
    }

    /// Runs `f` on one snapshot of the database.
    pub fn read<T>(&self, f: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.path, &self.key)?,
        };
        let snapshot = connection.transaction()?;
        let value = f(&snapshot);
        snapshot.finish()?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS {
            readers.push(connection);
        }
        value
    }

    /// The same on the connection that writes, whose pages are at hand: after every commit a reader decrypts anew what it
    /// reads. For a short look by whoever writes next.
    pub fn look<T>(&self, f: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = writer.connection.transaction()?;
        let value = f(&snapshot);
        snapshot.finish()?;
        value
    }

    /// Folds the write-ahead log back into the file, as far as nobody reads from it: every read looks through it. What
    /// the cache holds of a long load is given back.
    pub fn fold(&self) -> Result<(), Failure> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        writer.connection.execute_batch("PRAGMA shrink_memory")?;
        Ok(())
    }

    /// Whether another process has written since this was last asked.
    pub fn changed_elsewhere(&self) -> Result<bool, Failure> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let version = open::data_version(&writer.connection)?;
        let changed = version != writer.version;
        writer.version = version;
        Ok(changed)
    }
}
