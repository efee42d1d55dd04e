//! Who this device is and how it stands with the server, as far as the database knows.

use super::rfc3339;
use crate::{Failure, store::settings};
use rusqlite::{Connection, OptionalExtension};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Id and name.
    pub device: (String, String),
    pub person: Option<(String, String)>,
    pub organisation: Option<String>,
    pub server: Option<String>,
    /// Changes the server has not settled, and when the oldest was made.
    pub outbox: u32,
    pub oldest: Option<String>,
    pub inbox: u32,
    pub last_sync: Option<String>,
    /// When the database was built anew, until somebody has seen it.
    pub rebuilt: Option<String>,
}

pub fn known(conn: &Connection) -> Result<Known, Failure> {
    let text = |name: &str| settings::get(conn, name);
    let person = match text(settings::PERSON)? {
        Some(id) => Some((id, text(settings::PERSON_NAME)?.unwrap_or_default())),
        None => None,
    };
    let waiting = "FROM outbox WHERE state IN ('queued', 'sealed')";
    let count = format!("SELECT count(*) {waiting}");
    let outbox = conn.prepare_cached(&count)?.query_row([], |row| row.get(0))?;
    let first = format!("SELECT at {waiting} ORDER BY n LIMIT 1");
    let oldest: Option<i64> = conn.prepare_cached(&first)?.query_row([], |row| row.get(0)).optional()?;
    Ok(Known {
        device: (settings::device(conn)?.to_string(), text(settings::DEVICE_NAME)?.unwrap_or_default()),
        person,
        organisation: text(settings::ORGANISATION_NAME)?,
        server: text(settings::SERVER)?,
        outbox,
        oldest: oldest.map(rfc3339),
        inbox: super::inbox::open(conn)?,
        last_sync: settings::parsed::<i64>(conn, settings::LAST_SYNC)?.map(rfc3339),
        rebuilt: settings::parsed::<i64>(conn, settings::REBUILT)?.map(rfc3339),
    })
}
