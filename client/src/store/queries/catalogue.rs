//! What is the same for every window of the item list until a record changes: how many items there
//! are, and their minimums. Counted once and remembered beside the open database, since a list asks
//! for it with every window. Records change only by actions, which add pending rows, and by pulls,
//! which move the catalogue's cursor or settle pending rows: that is the mark it is remembered under.

use super::items::{KEYED, KEYLESS, both};
use rusqlite::Connection;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stillage_core::quantity::Quantity;
use uuid::Uuid;

/// Catalogue's cursor, first and last pending row of a record, epoch.
type Mark = (i64, i64, i64, Option<String>);
pub type Minimums = Arc<Vec<(Uuid, Quantity)>>;

#[derive(Debug, Default)]
struct Seen {
    mark: Option<Mark>,
    total: Option<u32>,
    minimums: Option<Minimums>,
}

/// What was worked out of one database.
#[derive(Debug, Default)]
pub struct Known(Mutex<Seen>);

impl Known {
    /// How many live items there are.
    pub fn total(&self, conn: &Connection) -> rusqlite::Result<u32> {
        self.remembered(conn, |seen| &mut seen.total, count)
    }

    /// Live items that have a minimum.
    pub fn minimums(&self, conn: &Connection) -> rusqlite::Result<Minimums> {
        self.remembered(conn, |seen| &mut seen.minimums, |conn| Ok(Arc::new(read_minimums(conn)?)))
    }

    fn remembered<T: Clone>(
        &self,
        conn: &Connection,
        place: impl Fn(&mut Seen) -> &mut Option<T>,
        work_out: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mark = mark(conn)?;
        if let Some(value) = place(&mut self.seen(&mark)).clone() {
            return Ok(value);
        }
        let value = work_out(conn)?;
        *place(&mut self.seen(&mark)) = Some(value.clone());
        Ok(value)
    }

    /// What is known under this mark: nothing, when it is a new one. Nobody waits while it is worked out.
    fn seen(&self, mark: &Mark) -> MutexGuard<'_, Seen> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.mark.as_ref() != Some(mark) {
            *seen = Seen { mark: Some(mark.clone()), ..Seen::default() };
        }
        seen
    }
}

fn mark(conn: &Connection) -> rusqlite::Result<Mark> {
    let sql = "SELECT coalesce((SELECT seq FROM cursor WHERE scope = 'catalogue'), 0), \
         coalesce((SELECT min(n) FROM pending_record), 0), coalesce((SELECT max(n) FROM pending_record), 0), \
         (SELECT value FROM setting WHERE name = 'epoch')";
    conn.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
}

fn count(conn: &Connection) -> rusqlite::Result<u32> {
    Ok(count_of(conn, KEYED)? + if has_keyless(conn)? { count_of(conn, KEYLESS)? } else { 0 })
}

/// Archived items and those without a SKU are few: two counts over indexes tell whether there are any.
fn has_keyless(conn: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT (SELECT count(*) FROM record WHERE kind = 'item') > \
         (SELECT count(*) FROM record WHERE kind = 'item' AND key IS NOT NULL) \
         OR EXISTS (SELECT 1 FROM pending_record WHERE kind = 'item' AND key IS NULL)";
    conn.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

pub(super) fn count_of(conn: &Connection, condition: &str) -> rusqlite::Result<u32> {
    let sql = format!("SELECT count(*) FROM ({})", both("id", condition));
    conn.prepare_cached(&sql)?.query_row([], |row| row.get(0))
}

fn read_minimums(conn: &Connection) -> rusqlite::Result<Vec<(Uuid, Quantity)>> {
    let columns = "id, json_extract(body, '$.min')";
    let sql = both(columns, &format!("{KEYED} AND body LIKE '%\"min\":%'"));
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)))?;
    let mut minimums = Vec::new();
    for row in rows {
        let (id, text) = row?;
        let minimum: Quantity = text.and_then(|text| text.parse().ok()).unwrap_or_default();
        if minimum > Quantity::ZERO {
            minimums.push((id, minimum));
        }
    }
    Ok(minimums)
}
