//! What a damaged database is made of again: the mirror of the outbox, and then the server by a
//! first sync like any other. The damaged files are moved aside and never deleted.
//!
//! The surprise: damage need not show. A write-ahead log that was cut short only looks like an older
//! state, so every opening brings back what the mirror has and the database has lost.

use super::{
    FILE, Store, fingerprint,
    mirror::{self, frame::Row, kept::Kept},
    open, outbox, rebase,
    search::Stale,
    settings,
};
use crate::{Code, Failure, Mint};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use serde_json::json;
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};
use stillage_core::id::{ChangeId, DeviceId};

/// How often, and how many times, it is tried to have the files alone.
const PAUSE: Duration = Duration::from_millis(20);
const TRIES: u32 = 500;

/// Whether there is a database here, or what one can be built of.
#[must_use]
pub fn is_set_up(data_dir: &Path) -> bool {
    data_dir.join(FILE).exists() || data_dir.join(mirror::FILE).exists()
}

/// Opens the database; a damaged or vanished one is built anew first.
pub fn open(data_dir: &Path, key: &str, mint: &Mint) -> Result<Store, Failure> {
    let missing = !data_dir.join(FILE).exists() && data_dir.join(mirror::FILE).exists();
    let opened = if missing { Err(lost()) } else { Store::open(data_dir, key) };
    match opened {
        Err(failure) if failure.code == Code::Damaged => {
            tracing::error!(%failure, "the database is damaged");
            anew(data_dir, key, mint)?;
            Store::open(data_dir, key)
        }
        opened => opened,
    }
}

fn lost() -> Failure {
    Failure::new(Code::Damaged, "The database file is gone.", "Start Stillage again: it is built anew.")
}

/// Builds the database anew, unless nothing is wrong with it or somebody else has done it meanwhile;
/// says whether it did.
pub fn anew(data_dir: &Path, key: &str, mint: &Mint) -> Result<bool, Failure> {
    let _alone = alone(data_dir)?;
    let path = data_dir.join(FILE);
    if is_sound(&path, key) {
        return Ok(false);
    }
    if let Ok(ruin) = open::reader(&path, key) {
        // Work of the last second, if the damage leaves it readable.
        if let Err(failure) = mirror::save_from(&ruin, data_dir, key) {
            tracing::warn!(%failure, "what is left of the outbox could not be added to its mirror");
        }
    }
    let kept = mirror::read(data_dir, key)?.filter(|kept| kept.who.contains_key(settings::DEVICE));
    let Some(kept) = kept else {
        return Err(Failure::new(
            Code::Damaged,
            "The database file is damaged, and beside it there is nothing to build it anew from.",
            "Keep a copy of the data directory. Then set this device up in another one and connect it again.",
        ));
    };
    let count = kept.rows.len();
    let draft = open::draft(data_dir, key, |transaction| {
        for (name, value) in &kept.who {
            settings::set(transaction, name, value)?;
        }
        if kept.who.contains_key(settings::LOST_EPOCH) {
            settings::set(transaction, settings::RESET, "1")?;
        }
        settings::set(transaction, settings::REBUILT, &mint.now().to_string())?;
        fingerprint::note(transaction, data_dir, mint)?;
        put_back(transaction, kept)
    })?;
    let aside = move_aside(&path, mint)?;
    std::fs::rename(&draft, &path)?;
    mirror::file::sync_directory(&path);
    tracing::warn!(aside = %aside.display(), count, "the damaged database was moved aside and a new one was made");
    Ok(true)
}

/// Waits until no process has the database open.
fn alone(data_dir: &Path) -> Result<File, Failure> {
    let file = open::lock_file(data_dir)?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(fault)) => return Err(fault.into()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
    Err(Failure::new(
        Code::Busy,
        "The database is damaged, and another program has it open.",
        "Close Stillage everywhere on this machine, then start it again: the database is built anew.",
    ))
}

/// Whether every page is as it was written, and the tables say what their indexes say.
fn is_sound(path: &Path, key: &str) -> bool {
    let sound = || -> Result<bool, Failure> {
        let connection = open::reader(path, key)?;
        let mut pages = connection.prepare("PRAGMA cipher_integrity_check")?;
        if pages.exists([])? {
            return Ok(false);
        }
        let said: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        Ok(said == "ok")
    };
    path.exists() && sound().unwrap_or(false)
}

/// The log and its index go first: a new database must never meet an old log.
fn move_aside(path: &Path, mint: &Mint) -> Result<PathBuf, Failure> {
    let seconds = mint.now().div_euclid(1_000_000);
    let mut aside = path.with_extension(format!("damaged-{seconds}.db"));
    for again in 1.. {
        if !aside.exists() {
            break;
        }
        aside = path.with_extension(format!("damaged-{seconds}-{again}.db"));
    }
    for end in ["-wal", "-shm", ""] {
        let named = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        match std::fs::rename(named(path), named(&aside)) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => return Err(fault.into()),
            _ => {}
        }
    }
    Ok(aside)
}

/// Puts back what the mirror has and the outbox lost. Called whenever the database is opened.
pub(super) fn bring_back(connection: &mut Connection, data_dir: &Path, key: &str) -> Result<(), Failure> {
    if !data_dir.join(mirror::FILE).exists() {
        return Ok(());
    }
    let Some(kept) = mirror::read(data_dir, key)? else { return Ok(()) };
    if !has_lost(connection, &kept)? {
        return Ok(());
    }
    tracing::warn!("the database lacks what the mirror of its outbox holds: it is put back");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    put_back(&transaction, kept)?;
    transaction.commit()?;
    Ok(())
}

/// Whether the mirror is of this device, and ahead of its outbox.
fn has_lost(conn: &Connection, kept: &Kept) -> Result<bool, Failure> {
    let device = settings::device(conn)?;
    let theirs = kept.who.get(settings::DEVICE).and_then(|id| id.parse().ok());
    let former = settings::former_devices(conn)?;
    let Some(theirs) = theirs.filter(|id: &DeviceId| *id == device || former.contains(id)) else {
        return Ok(false);
    };
    let last = outbox::last_sealed(conn, device)?.0;
    if theirs == device && kept.settled.is_some_and(|link| link.device == device && link.seq > last) {
        return Ok(true);
    }
    let mut known = conn.prepare_cached("SELECT seq FROM outbox WHERE change = ?1")?;
    for (change, row) in &kept.rows {
        let seq: Option<Option<u64>> = known.query_row([change.0], |row| row.get(0)).optional()?;
        let placed = row.place.is_some_and(|place| place.device == device);
        if seq.is_none_or(|seq| placed && seq.is_none()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn put_back(conn: &Connection, kept: Kept) -> Result<(), Failure> {
    let device = settings::device(conn)?;
    if let Some(link) = kept.settled.filter(|link| link.device == device)
        && link.seq > outbox::last_sealed(conn, device)?.0
    {
        outbox::begin_at(conn, link)?;
        settings::set(conn, settings::PUSHED_SEQ, &link.seq.to_string())?;
    }
    let mut rows = kept.into_rows();
    for row in &rows {
        if !exists(conn, row.change.id)? {
            insert(conn, row)?;
        }
    }
    rows.retain(|row| row.place.is_some_and(|place| place.device == device));
    rows.sort_by_key(|row| row.place.map(|place| place.seq));
    for row in &rows {
        seal(conn, device, row)?;
    }
    let mut stale = Stale::default();
    rebase::run_all(conn, device, &mut stale)?;
    stale.refresh(conn)
}

fn exists(conn: &Connection, change: ChangeId) -> Result<bool, Failure> {
    Ok(conn.prepare_cached("SELECT 1 FROM outbox WHERE change = ?1")?.exists([change.0])?)
}

/// At its old place, or behind all others when that is taken.
fn insert(conn: &Connection, row: &Row) -> Result<(), Failure> {
    let taken = conn.prepare_cached("SELECT 1 FROM outbox WHERE n = ?1")?.exists([row.n])?;
    let n = if taken || row.n == 0 { outbox::last_n(conn)? + 1 } else { row.n };
    outbox::append(conn, n, &row.change, row.at)?;
    conn.prepare_cached("UPDATE outbox SET order_ts = ?2 WHERE n = ?1")?.execute((n, row.order_ts))?;
    Ok(())
}

/// A row that had its number gets it again, if the chain comes out as it was.
fn seal(conn: &Connection, device: DeviceId, row: &Row) -> Result<(), Failure> {
    let Some(place) = row.place else { return Ok(()) };
    let (last, chain) = outbox::last_sealed(conn, device)?;
    let fits = place.seq == last + 1 && chain.next(row.change.id, row.change.hash()) == place.chain;
    if fits {
        let sql = "UPDATE outbox SET state = 'sealed', device = ?2, seq = ?3, chain = ?4
            WHERE change = ?1 AND state = 'queued'";
        conn.prepare_cached(sql)?.execute((row.change.id.0, device.0, place.seq, place.chain.0))?;
    }
    Ok(())
}

/// What a person is told who met the damage while working.
#[must_use]
pub fn was_rebuilt(failure: Failure) -> Failure {
    let reason = failure.details["reason"].clone();
    Failure::new(
        Code::Damaged,
        "The database file was damaged. A new one was made; what you recorded is kept, the rest comes from the server.",
        "Do this again in a moment. The damaged file was moved aside and not deleted.",
    )
    .with(json!({ "reason": reason, "rebuilt": true }))
}
