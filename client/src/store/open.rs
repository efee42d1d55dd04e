//! Making and opening the database file. A new one is made under another name and moved into
//! place when it is whole, so that a crash during set-up leaves no half database behind.

use super::{
    Durability, Store, Writer, fingerprint, migrate, mirror::Mirror, queries::catalogue::Known, rebuild, record,
    settings,
};
use crate::{Code, Failure, Mint};
use rusqlite::{Connection, OpenFlags, Transaction};
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};
use stillage_core::{id::DeviceId, seed};

pub const FILE: &str = "stillage.db";
/// The lock of everybody who writes.
const LOCK: &str = "lock";
/// Another process may be in the middle of a page of pulled rows.
const PATIENCE: Duration = Duration::from_secs(10);

impl Store {
    /// Makes the database of a new device: its id, its name, and what every installation is born with.
    pub fn create(data_dir: &Path, key: &str, mint: &Mint, name: &str) -> Result<(), Failure> {
        let draft = draft(data_dir, key, |transaction| {
            settings::set(transaction, settings::DEVICE, &DeviceId(mint.id()).to_string())?;
            settings::set(transaction, settings::DEVICE_NAME, name)?;
            fingerprint::note(transaction, data_dir, mint)
        })?;
        std::fs::rename(&draft, data_dir.join(FILE))?;
        Ok(())
    }

    pub fn open(data_dir: &Path, key: &str) -> Result<Self, Failure> {
        let lock = lock_shared(data_dir)?;
        let path = data_dir.join(FILE);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)?;
        unlock(&connection, key)?;
        prepare(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "cache_size", -16_000)?;
        connection.pragma_update(None, "synchronous", Durability::Full.pragma())?;
        migrate::migrate(&mut connection)?;
        rebuild::bring_back(&mut connection, data_dir, key)?;
        let mirror = Mirror::start(data_dir, key, &connection)?;
        let version = data_version(&connection)?;
        let writer = Mutex::new(Writer { connection, durability: Durability::Full, version });
        let (readers, known) = (Mutex::default(), Known::default());
        Ok(Self { mirror, path, key: key.to_owned(), writer, readers, known, _lock: lock })
    }
}

/// A whole new database under another name, with what `f` puts into it: whoever asked moves it into place.
pub(super) fn draft(
    data_dir: &Path,
    key: &str,
    f: impl FnOnce(&Transaction<'_>) -> Result<(), Failure>,
) -> Result<PathBuf, Failure> {
    let draft = data_dir.join("stillage.new");
    if draft.exists() {
        std::fs::remove_file(&draft)?;
    }
    let mut connection = Connection::open(&draft)?;
    unlock(&connection, key)?;
    migrate::migrate(&mut connection)?;
    let transaction = connection.transaction()?;
    for born in seed::records() {
        record::write_base(&transaction, &born)?;
    }
    f(&transaction)?;
    transaction.commit()?;
    connection.close().map_err(|(_, fault)| fault)?;
    File::open(&draft)?.sync_all()?;
    Ok(draft)
}

pub(super) fn reader(path: &Path, key: &str) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    unlock(&connection, key)?;
    prepare(&connection)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

pub(super) fn data_version(connection: &Connection) -> Result<i64, Failure> {
    Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
}

/// Gives the key, and reads once: a wrong key or a damaged first page shows only then.
fn unlock(connection: &Connection, key: &str) -> Result<(), Failure> {
    connection.busy_timeout(PATIENCE)?;
    // What is wrong with a file is told once, by us.
    connection.pragma_update(None, "cipher_log_level", "NONE")?;
    connection.pragma_update(None, "key", format!("x'{key}'"))?;
    // Processors have instructions for it: a page is read in half the time that the default takes (ADR 8).
    connection.pragma_update(None, "cipher_hmac_algorithm", "HMAC_SHA256")?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(())
}

fn prepare(connection: &Connection) -> Result<(), Failure> {
    connection.set_prepared_statement_cache_capacity(200);
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// The file that everybody who may write holds shared.
pub(super) fn lock_file(data_dir: &Path) -> Result<File, Failure> {
    Ok(OpenOptions::new().create(true).truncate(false).write(true).open(data_dir.join(LOCK))?)
}

fn lock_shared(data_dir: &Path) -> Result<File, Failure> {
    let file = lock_file(data_dir)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(fault)) => Err(fault.into()),
        Err(TryLockError::WouldBlock) => Err(Failure::new(
            Code::Busy,
            "Another program is replacing this device's data.",
            "Wait until it is done and try again.",
        )),
    }
}
