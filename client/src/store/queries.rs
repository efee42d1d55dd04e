//! Everything screens and the command line read. A query sees what people see: the server's state
//! with the effects of pending changes on top. All of it is SQL over `record_now` and
//! `balance_now`; lists of 100,000 items are walked in index order and only the rows shown are read.

pub mod catalogue;
pub mod cells;
pub mod close_count;
pub mod deed;
pub mod field_value;
pub mod history;
pub mod inbox;
pub mod items;
pub mod labels;
pub mod locations;
pub mod people;
pub mod scan;
pub mod search;
pub mod status;
pub mod stock;
pub mod taken;

use rusqlite::{Connection, OptionalExtension, Row, types::Type};
use serde::de::DeserializeOwned;
use stillage_core::{
    quantity::Quantity,
    record::{Kind, Record, Ref},
    text,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// The record as people see it.
pub fn record(conn: &Connection, of: impl Into<Ref>) -> rusqlite::Result<Option<Record>> {
    let of = of.into();
    let sql = "SELECT id, version, archived, body FROM record_now WHERE kind = ?1 AND id = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    statement.query_row((of.kind.name(), of.id), |row| read_record(of.kind, row)).optional()
}

/// The live record that holds a human key, typed in any case.
pub fn by_key(conn: &Connection, kind: Kind, key: &str) -> rusqlite::Result<Option<Record>> {
    let sql = "SELECT id, version, archived, body FROM record_now WHERE kind = ?1 AND key = ?2 LIMIT 1";
    let mut statement = conn.prepare_cached(sql)?;
    statement.query_row((kind.name(), text::fold(key)), |row| read_record(kind, row)).optional()
}

/// Every record of a kind that has few of them.
pub fn all(conn: &Connection, kind: Kind) -> rusqlite::Result<Vec<Record>> {
    let sql = "SELECT id, version, archived, body FROM record_now WHERE kind = ?1";
    conn.prepare_cached(sql)?.query_map([kind.name()], |row| read_record(kind, row))?.collect()
}

fn read_record(kind: Kind, row: &Row<'_>) -> rusqlite::Result<Record> {
    let of = Ref { kind, id: row.get(0)? };
    let version: i64 = row.get(1)?;
    let body: String = row.get(3)?;
    let mut record = Record::from_body(of, version.unsigned_abs(), &body).map_err(|fault| unreadable(3, fault))?;
    record.archived = row.get(2)?;
    Ok(record)
}

/// Whether the server has yet to settle something about a record.
pub fn is_pending(conn: &Connection, of: Ref) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pending_record WHERE kind = ?1 AND id = ?2)";
    conn.prepare_cached(sql)?.query_row((of.kind.name(), of.id), |row| row.get(0))
}

/// The typed view of a record; one that cannot be read is a damaged database.
pub fn view<T: DeserializeOwned>(record: &Record) -> rusqlite::Result<T> {
    record.read().map_err(|fault| unreadable(0, fault))
}

fn unreadable(column: usize, fault: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(fault))
}

/// A time as it is kept (microseconds since 1970) in the form in which it is shown to programs.
#[must_use]
pub fn rfc3339(micros: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// The day of a time, and those after it, as they are kept in expiry dates.
#[must_use]
pub fn day(micros: i64, later: i64) -> String {
    let shifted = micros.saturating_add(later.saturating_mul(86_400_000_000));
    rfc3339(shifted).chars().take(10).collect()
}

fn quantity(row: &Row<'_>, column: usize) -> rusqlite::Result<Quantity> {
    Ok(Quantity(row.get::<_, Option<i64>>(column)?.unwrap_or(0)))
}

/// Lots are kept as `x''` in cells that have none.
fn lot(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    Ok(bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok()))
}

/// Every table, index and view as SQL, for reading. Tables that come with others are left out.
pub fn schema(conn: &Connection) -> rusqlite::Result<String> {
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'item_search_%' \
         AND name NOT LIKE 'sqlite_%' OR name = 'item_search_row' ORDER BY rowid";
    let made: Vec<String> = conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(made.into_iter().map(|sql| format!("{sql};\n")).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_to_the_microsecond() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_700_000_000_123_456), "2023-11-14T22:13:20.123456Z");
        assert_eq!(day(0, 30), "1970-01-31");
    }
}
