//! Writes one chunk, with the note that it is in.

use super::{Due, Ready, begin_following, forget_all, ready::Moved, scopes};
use crate::{
    Failure,
    engine::Tag,
    store::{
        Durability, Store, effects, facts::lot_key, movement, outbox, rebase, record::Stored, search::Stale, settings,
    },
};
use rusqlite::Connection;
use std::collections::BTreeSet;
use stillage_core::{
    change::Outcome,
    id::{ChangeId, LocationId},
    scope::Scope,
    snapshot::Balance,
    stock::{Cell, PostedCount},
    wire::LogEntry,
};

/// Loads one chunk, unless it is not wanted any more. Pending changes that stand on its rows are decided again.
pub fn load(store: &Store, due: &Due, ready: &Ready) -> Result<BTreeSet<Tag>, Failure> {
    store.write(Durability::Normal, |transaction| {
        let sql = "UPDATE snapshot_chunk SET loaded = 1, mine = ?3 WHERE place = ?1 AND name = ?2 AND NOT loaded";
        let name = serde_json::to_string(&due.name)?;
        if transaction.execute(sql, (due.place, name, ready.sum.to_string()))? == 0 {
            return Ok(BTreeSet::new());
        }
        let mut load = Load::new(transaction, due.name.scope)?;
        load.records(&ready.records)?;
        load.balances(&ready.balances)?;
        load.movements(&ready.movements)?;
        load.counts(&ready.counts)?;
        load.unknown(&ready.unknown)?;
        load.outcomes(&ready.outcomes)?;
        let Load { touched, mut stale, tags, .. } = load;
        if !seeded!(StoreLoadedNotDecided) {
            rebase::run(transaction, settings::device(transaction)?, touched, &mut stale)?;
        }
        stale.refresh(transaction)?;
        if !due.history {
            begin_following(transaction, due.name.scope, due.seq)?;
        }
        if scopes(transaction)?.values().all(|only_history| *only_history && seeded!(StoreOwedForgotten)) {
            forget_all(transaction)?;
        }
        Ok(tags)
    })
}

struct Load<'a> {
    conn: &'a Connection,
    scope: Scope,
    /// Whether anything here waits for the server: without it, nothing can be touched.
    waiting: bool,
    touched: BTreeSet<Vec<u8>>,
    stale: Stale,
    tags: BTreeSet<Tag>,
}

impl<'a> Load<'a> {
    fn new(conn: &'a Connection, scope: Scope) -> Result<Self, Failure> {
        let (waiting, tags) = (outbox::is_waiting(conn)?, BTreeSet::from([Tag::Status]));
        Ok(Self { conn, scope, waiting, touched: BTreeSet::new(), stale: Stale::default(), tags })
    }

    fn records(&mut self, records: &[Stored]) -> Result<(), Failure> {
        for record in records {
            let of = record.of;
            if self.waiting {
                self.touched.insert(effects::record_row(of));
                self.touched.extend(record.key.as_ref().map(|key| effects::key_row(of.kind, key)));
            }
            self.stale.named(of.kind.name(), of.id, record.parent);
            self.tags.insert(Tag::of(of.kind));
            record.write(self.conn)?;
        }
        Ok(())
    }

    fn balances(&mut self, balances: &[Balance]) -> Result<(), Failure> {
        let sql = "INSERT OR REPLACE INTO balance (item, location, lot, status, on_hand, last_order,
                count_change, count_ts, count_device, count_seq, counted, count_log_seq)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let mut insert = self.conn.prepare_cached(sql)?;
        let mut places = BTreeSet::new();
        for Balance { cell, on_hand, last_order, count } in balances {
            places.insert(cell.location);
            insert.execute((
                cell.item.0,
                cell.location.0,
                lot_key(cell.lot),
                cell.status.name(),
                on_hand.0,
                last_order,
                count.map(|count| count.change.0),
                count.map(|count| count.order.ts),
                count.map(|count| count.order.device.0),
                count.map(|count| count.order.seq),
                count.map(|count| count.counted.0),
                count.and_then(|count| count.log_seq),
            ))?;
            self.moved(*cell);
        }
        drop(insert);
        self.places(&places)
    }

    /// The catalogue may still be on its way: until it is here, this says whose cells they are.
    fn places(&self, places: &BTreeSet<LocationId>) -> Result<(), Failure> {
        let Scope::Site(site) = self.scope else { return Ok(()) };
        let sql = "INSERT OR IGNORE INTO absent_place (location, site)
            SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM record WHERE kind = 'location' AND id = ?1)";
        let mut insert = self.conn.prepare_cached(sql)?;
        for place in places {
            insert.execute((place.0, site.to_string()))?;
        }
        Ok(())
    }

    fn movements(&mut self, movements: &[Moved]) -> Result<(), Failure> {
        let (scope, mut insert) = (self.scope, movement::Insert::new(self.conn)?);
        for (seq, moved, body) in movements {
            insert.run(None, (moved.as_ref(), body.as_deref()), |of| (of == scope).then_some(*seq))?;
            moved.entries().for_each(|line| self.moved(line.cell));
            if seeded!(StoreHistoryAdds) {
                let sql = "UPDATE balance SET on_hand = on_hand + ?3 WHERE item = ?1 AND location = ?2";
                self.conn.execute(sql, (moved.item.0, moved.to.location.0, moved.qty.0))?;
            }
        }
        Ok(())
    }

    fn counts(&mut self, counts: &[(Box<PostedCount>, String)]) -> Result<(), Failure> {
        for (count, body) in counts {
            effects::write_count(self.conn, None, (count.as_ref(), body))?;
            self.moved(count.cell());
        }
        Ok(())
    }

    fn moved(&mut self, cell: Cell) {
        self.touched.extend(self.waiting.then(|| effects::cell_row(&cell)));
        self.tags.extend([Tag::Stock, Tag::Items]);
    }

    fn unknown(&self, entries: &[LogEntry]) -> Result<(), Failure> {
        let sql = "INSERT OR REPLACE INTO unknown_entry (scope, seq, entry) VALUES (?1, ?2, ?3)";
        for entry in entries {
            let row = (self.scope.to_string(), entry.seq, serde_json::to_string(entry)?);
            self.conn.prepare_cached(sql)?.execute(row)?;
        }
        Ok(())
    }

    /// What a pull has said meanwhile is later.
    fn outcomes(&self, outcomes: &[(ChangeId, Outcome)]) -> Result<(), Failure> {
        let sql = "INSERT OR IGNORE INTO outcome (change, outcome) VALUES (?1, ?2)";
        let mut insert = self.conn.prepare_cached(sql)?;
        for (change, outcome) in outcomes {
            insert.execute((change.0, outcome.name()))?;
        }
        Ok(())
    }
}
