//! What there is one of: who this device is, whom it belongs to, and how far its sync has come.

use crate::Failure;
use rusqlite::{Connection, OptionalExtension};
use std::{collections::BTreeMap, str::FromStr};
use stillage_core::{
    change::Cut,
    id::{DeviceId, EpochId, PersonId},
    scope::Scope,
    wire::Cursor,
};

pub const DEVICE: &str = "device";
pub const DEVICE_NAME: &str = "device_name";
/// Ids this database had before it was found to be a copy, as a JSON list.
pub const FORMER_DEVICES: &str = "former_devices";
pub const PERSON: &str = "person";
pub const PERSON_NAME: &str = "person_name";
pub const ORGANISATION: &str = "organisation";
pub const ORGANISATION_NAME: &str = "organisation_name";
/// The address of the server.
pub const SERVER: &str = "server";
pub const EPOCH: &str = "epoch";
/// Microseconds since 1970 by this machine's clock.
pub const LAST_SYNC: &str = "last_sync";
/// The last samples of the server's clock, as JSON.
pub const CLOCK: &str = "clock";
/// The last own change a push was answered for.
pub const PUSHED_SEQ: &str = "pushed_seq";
/// Set while a person has pulled the network.
pub const CUT: &str = "cut";
/// Set when the base must be built anew from the next answer.
pub const RESET: &str = "reset";
/// The history that the base stands on while it waits to be built anew.
pub const LOST_EPOCH: &str = "lost_epoch";
/// The place of this device's chain from which on changes are here, as JSON: in a database that was built anew, and where
/// earlier ones were let go of.
pub const SETTLED_LINK: &str = "settled_link";
/// How far a backup of the server holds this device's chain, as JSON (store/backed_up.rs).
pub const BACKED_UP: &str = "backed_up";
/// On which machine and where the database is at home, as JSON (store/fingerprint.rs).
pub const HOME: &str = "home";
/// When the database was damaged and built anew, in microseconds since 1970, until people were told.
pub const REBUILT: &str = "rebuilt";
/// What the server gave this device to come back with, as JSON; of no use to anybody without the device's key.
pub const CERTIFICATE: &str = "certificate";
/// What was put aside while many rows come in, as JSON (store/staged.rs).
pub const LOADING: &str = "loading";

pub fn get(conn: &Connection, name: &str) -> Result<Option<String>, Failure> {
    let mut statement = conn.prepare_cached("SELECT value FROM setting WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

pub fn set(conn: &Connection, name: &str, value: &str) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached("INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)")?;
    statement.execute([name, value])?;
    Ok(())
}

pub fn unset(conn: &Connection, name: &str) -> Result<(), Failure> {
    conn.prepare_cached("DELETE FROM setting WHERE name = ?1")?.execute([name])?;
    Ok(())
}

/// A setting that this build wrote itself and must be able to read.
pub fn parsed<T: FromStr>(conn: &Connection, name: &str) -> Result<Option<T>, Failure> {
    get(conn, name)?
        .map(|text| text.parse().map_err(|_| Failure::internal(format_args!("setting {name} is {text:?}"))))
        .transpose()
}

pub fn device(conn: &Connection) -> Result<DeviceId, Failure> {
    parsed(conn, DEVICE)?.ok_or_else(|| Failure::internal("the database has no device id"))
}

/// Ids this database had before, oldest first.
pub fn former_devices(conn: &Connection) -> Result<Vec<DeviceId>, Failure> {
    let former = get(conn, FORMER_DEVICES)?;
    Ok(former.as_deref().and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default())
}

pub fn person(conn: &Connection) -> Result<Option<PersonId>, Failure> {
    parsed(conn, PERSON)
}

pub fn epoch(conn: &Connection) -> Result<Option<EpochId>, Failure> {
    parsed(conn, EPOCH)
}

pub fn cursors(conn: &Connection) -> Result<BTreeMap<Scope, u64>, Failure> {
    let mut statement = conn.prepare_cached("SELECT scope, seq FROM cursor")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?)))?;
    let mut cursors = BTreeMap::new();
    for row in rows {
        let (scope, seq) = row?;
        let scope = scope.parse().map_err(|_| Failure::internal(format_args!("cursor of {scope:?}")))?;
        cursors.insert(scope, seq);
    }
    Ok(cursors)
}

pub fn set_cursor(conn: &Connection, cursor: Cursor) -> Result<(), Failure> {
    let sql = "INSERT INTO cursor (scope, seq) VALUES (?1, ?2) ON CONFLICT (scope) DO UPDATE SET seq = excluded.seq";
    let mut statement = conn.prepare_cached(sql)?;
    statement.execute((cursor.scope.to_string(), cursor.seq))?;
    Ok(())
}

/// The history that the base stands on.
pub fn history(conn: &Connection) -> Result<Option<EpochId>, Failure> {
    match parsed(conn, LOST_EPOCH)? {
        Some(lost) => Ok(Some(lost)),
        None => epoch(conn),
    }
}

/// What this device has applied: carried by everything a person does from here on.
pub fn cut(conn: &Connection) -> Result<Cut, Failure> {
    Ok(Cut { epoch: history(conn)?, cursors: cursors(conn)? })
}
