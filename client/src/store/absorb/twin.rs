//! Rows of a page that are what is shown already. Such a row is a twin of its pending one: it takes its place and
//! touches nothing.

use super::{Landing, Page};
use crate::{
    Failure,
    store::{effects, movement},
};
use rusqlite::OptionalExtension;
use std::collections::HashSet;
use stillage_core::{
    absorb::{Absorbed, Arrived},
    id::MovementId,
    record::{Record, Ref},
    stock::{Movement, PostedCount},
};

#[derive(Default)]
pub(super) struct Twins {
    pub(super) movements: HashSet<MovementId>,
    pub(super) counts: HashSet<uuid::Uuid>,
    pub(super) records: HashSet<(Ref, String)>,
}

impl Page<'_> {
    /// Pending rows that came in just as they were shown. All other rows are touched.
    pub(super) fn twins(&mut self, absorbed: &Absorbed, landing: &Landing) -> Result<Twins, Failure> {
        let mut twins = Twins::default();
        for (id, arrived) in &absorbed.movements {
            // One between two sites comes in by halves: until the other page is there, its other end is not in the base.
            let whole = arrived.movement.entries().all(|line| arrived.numbers.contains_key(&line.scope));
            if (whole || seeded!(StoreHalfTaken)) && self.shown_movement(arrived)? {
                twins.movements.insert(*id);
            } else {
                let cells = arrived.movement.entries().map(|line| effects::cell_row(&line.cell));
                self.touched.extend(cells);
                let named = [Some(*id), arrived.movement.reverses];
                self.touched.extend(named.into_iter().flatten().map(effects::movement_row));
            }
        }
        for (count, _) in &absorbed.counts {
            if self.shown_count(count)? {
                twins.counts.insert(count.change.0);
            } else {
                self.touched.insert(effects::cell_row(&count.cell()));
            }
        }
        for (of, record) in &absorbed.records {
            let body = record.body();
            if let Some(shown) = self.shown_record((record, &body), landing)? {
                twins.records.insert((*of, shown));
            } else {
                self.touched.insert(effects::record_row(*of));
                let keys = [self.key_of(*of)?, record.key()];
                self.touched.extend(keys.into_iter().flatten().map(|key| effects::key_row(of.kind, &key)));
            }
        }
        Ok(twins)
    }

    /// Whether the movement is shown as pending in the same way. Its person may differ: before a
    /// device is connected, it does not know whom it belongs to.
    fn shown_movement(&self, arrived: &Arrived) -> Result<bool, Failure> {
        let sql = format!("SELECT {} FROM movement WHERE id = ?1 AND n IS NOT NULL", movement::COLUMNS);
        let shown = self.conn.prepare_cached(&sql)?.query_row([arrived.movement.id.0], movement::read).optional()?;
        let Some(shown) = shown else { return Ok(false) };
        Ok(Movement { person: arrived.movement.person, ..shown } == arrived.movement)
    }

    fn shown_count(&self, count: &PostedCount) -> Result<bool, Failure> {
        let sql = "SELECT body FROM posted_count WHERE change = ?1 AND n IS NOT NULL";
        let shown: Option<String> =
            self.conn.prepare_cached(sql)?.query_row([count.change.0], |row| row.get(0)).optional()?;
        let Some(shown) = shown else { return Ok(false) };
        let shown: PostedCount = serde_json::from_str(&shown)?;
        Ok(PostedCount { person: count.person, ..shown } == *count)
    }

    /// The body as it is shown, when that is the same but for the person. What somebody else made just as a change
    /// that still waits has shown it is not that change's, and what waits before it did not know of it.
    fn shown_record(&self, (record, body): (&Record, &str), landing: &Landing) -> Result<Option<String>, Failure> {
        let sql = "SELECT n, body FROM pending_record WHERE kind = ?1 AND id = ?2";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((record.of.kind.name(), record.of.id))?;
        while let Some(row) = rows.next()? {
            let (n, shown): (u64, String) = (row.get(0)?, row.get(1)?);
            let same = shown == body || is_unsigned_twin(record, &shown)?;
            if same && landing.contains_key(&n) && self.lands_up_to(n, record.of, landing)? {
                return Ok(Some(shown));
            }
        }
        Ok(None)
    }

    /// Whether everything before `n` that was decided from this record lands with it.
    fn lands_up_to(&self, n: u64, of: Ref, landing: &Landing) -> Result<bool, Failure> {
        let mut readers = self.conn.prepare_cached("SELECT n FROM pending_need WHERE row = ?1 AND n < ?2")?;
        for reader in readers.query_map((effects::record_row(of), n), |row| row.get::<_, u64>(0))? {
            if !landing.contains_key(&reader?) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether `shown` is the record from before the device was connected and knew whom it belongs to.
fn is_unsigned_twin(record: &Record, shown: &str) -> Result<bool, Failure> {
    let mut shown = Record::from_body(record.of, record.version, shown)?;
    if !shown.fields.get("changed_by").is_none_or(serde_json::Value::is_null) {
        return Ok(false);
    }
    match record.fields.get("changed_by") {
        Some(by) => shown.fields.insert("changed_by".into(), by.clone()),
        None => shown.fields.remove("changed_by"),
    };
    Ok(shown.fields == record.fields && shown.archived == record.archived)
}
