//! Applies one answer of a pull in one transaction: rows, cursors and what is settled together,
//! and pending changes decided again where the rows touched them.
//!
//! What comes back of our own changes mostly is what we showed already (absorb/twin.rs), so that a long
//! outbox is not decided again with every page.

mod cell;
mod twin;

use super::{
    Durability, Store, effects, movement, outbox, rebase, record::Stored, reset, search::Stale, settings, staged, sums,
};
use crate::{Failure, engine::Tag};
use rusqlite::{OptionalExtension, Transaction};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use stillage_core::{
    absorb::{Absorbed, Discard, absorb},
    change::{ChangeResult, Outcome},
    id::{DeviceId, MovementId},
    record::{Kind, Record, Ref},
    scope::Scope,
    wire::{Cursor, PullAnswer},
};
use twin::Twins;

/// What an answer came to.
#[derive(Debug, Default)]
pub struct Applied {
    pub rows: u64,
    pub tags: BTreeSet<Tag>,
    /// Pending changes that stood on rows which came in otherwise than they were shown.
    pub decided_again: usize,
    /// There is more to ask for: a scope that the request did not name, or one that must be built anew.
    pub more: bool,
}

/// Applies the answer, or says why it must be thrown away whole.
pub fn apply(store: &Store, answer: &PullAnswer) -> Result<Result<Applied, Discard>, Failure> {
    let mut discarded = None;
    if seeded!(StoreCursorFirst) {
        let mut ends = answer.pages.iter().map(|page| Cursor { scope: page.scope, seq: page.to });
        store.write(Durability::Normal, |conn| ends.try_for_each(|end| settings::set_cursor(conn, end)))?;
    }
    let applied = store.write(Durability::Normal, |transaction| {
        if settings::get(transaction, settings::RESET)?.is_some() {
            reset::wipe_base(transaction)?;
        }
        let device = settings::device(transaction)?;
        let rebuilt = rebuild(transaction, answer)?;
        let cursors = settings::cursors(transaction)?;
        let (heads, have) = (answer.heads.iter().map(|head| head.seq).sum::<u64>(), cursors.values().sum());
        staged::begin(transaction, heads.saturating_sub(have), have)?;
        let chain_at = |seq| outbox::chain_at(transaction, device, seq).ok().flatten();
        match absorb(answer, &cursors, chain_at) {
            Ok(absorbed) => Page::new(transaction, device, rebuilt)?.write(answer, &absorbed, &cursors),
            Err(discard) => {
                // The failure only rolls back; it does not leave this function.
                discarded = Some(discard);
                Err(Failure::bad_input("discarded"))
            }
        }
    });
    match (applied, discarded) {
        (Ok(applied), _) => Ok(Ok(applied)),
        (Err(_), Some(discard)) => Ok(Err(discard)),
        (Err(failure), None) => Err(failure),
    }
}

/// Gives up the rows of the scope that is to be built anew, in the transaction that stores its first page.
fn rebuild(transaction: &Transaction<'_>, answer: &PullAnswer) -> Result<Rebuilt, Failure> {
    let Some(scope) = sums::to_rebuild(transaction)? else { return Ok(Rebuilt::default()) };
    if !answer.pages.iter().any(|page| page.scope == scope && page.from == 0) {
        return Ok(Rebuilt::default());
    }
    let mut stale = Stale::default();
    reset::empty_scope(transaction, scope, &mut stale)?;
    sums::rebuilding(transaction, scope, answer.server_time)?;
    Ok(Rebuilt { stale, scope: Some(scope) })
}

#[derive(Default)]
struct Rebuilt {
    scope: Option<Scope>,
    stale: Stale,
}

struct Page<'a> {
    conn: &'a Transaction<'a>,
    device: DeviceId,
    /// Whether anything here waits for the server: without it, nothing can be touched.
    waiting: bool,
    touched: BTreeSet<Vec<u8>>,
    stale: Stale,
    sums: sums::Keeping,
    rebuilt: Option<Scope>,
}

impl<'a> Page<'a> {
    fn new(conn: &'a Transaction<'a>, device: DeviceId, rebuilt: Rebuilt) -> Result<Self, Failure> {
        let (waiting, sums) = (outbox::is_waiting(conn)?, sums::Keeping::begin(conn)?);
        let Rebuilt { scope, stale } = rebuilt;
        Ok(Self { conn, device, waiting, touched: BTreeSet::new(), stale, sums, rebuilt: scope })
    }

    fn write(
        mut self,
        answer: &PullAnswer,
        absorbed: &Absorbed,
        cursors: &BTreeMap<Scope, u64>,
    ) -> Result<Applied, Failure> {
        for scope in &absorbed.removed {
            if let Scope::Site(site) = scope {
                reset::keep_orders(self.conn, Some(*site))?;
            }
        }
        if self.waiting {
            let landing = self.landing(absorbed)?;
            let twins = self.twins(absorbed, &landing)?;
            self.land(landing, &twins)?;
        }
        self.settle(absorbed)?;
        if outbox::has_parked(self.conn)? {
            for (&change, &outcome) in absorbed.outcomes.iter().filter(|(_, outcome)| **outcome != Outcome::Parked) {
                outbox::end_parked(self.conn, change, outcome)?;
            }
        }
        for record in absorbed.records.values() {
            self.record(record)?;
        }
        let mut insert = movement::Insert::new(self.conn)?;
        for arrived in absorbed.movements.values() {
            let whole = Some(arrived.body.as_str()).filter(|body| *body != arrived.movement.body());
            insert.run(None, (&arrived.movement, whole), |scope| arrived.numbers.get(&scope).copied())?;
        }
        for (count, body) in &absorbed.counts {
            effects::write_count(self.conn, None, (count, body))?;
        }
        for (cell, change) in &absorbed.cells {
            let on_hand = cell::write(self.conn, cell, change)?;
            self.sums.cell((change.scope, cell), change.delta, on_hand);
        }
        self.keep_unknown(absorbed)?;
        self.outcomes(answer)?;
        for (&scope, &seq) in &absorbed.cursors {
            settings::set_cursor(self.conn, Cursor { scope, seq })?;
        }
        let mut more = self.scopes(answer, absorbed, cursors)?;
        more |= std::mem::take(&mut self.sums).end(self.conn, answer)?;
        settings::set(self.conn, settings::EPOCH, &answer.epoch.to_string())?;
        more |= self.rebuilt.is_some() && sums::to_rebuild(self.conn)?.is_some();
        let decided_again = if self.rebuilt.is_none() && absorbed.removed.is_empty() {
            rebase::run(self.conn, self.device, self.touched, &mut self.stale)?
        } else {
            // Whatever stood on the rows that are gone, which may never come back; this is seldom.
            rebase::run_all(self.conn, self.device, &mut self.stale)?
        };
        self.stale.refresh(self.conn)?;
        let rows = answer.pages.iter().map(|page| page.to - page.from).sum();
        let tags = if self.rebuilt.is_some() { Tag::ALL.into() } else { tags(absorbed) };
        Ok(Applied { rows, tags, more, decided_again })
    }

    fn key_of(&self, of: Ref) -> Result<Option<String>, Failure> {
        let sql = "SELECT key FROM record WHERE kind = ?1 AND id = ?2";
        let key = self.conn.prepare_cached(sql)?.query_row((of.kind.name(), of.id), |row| row.get(0));
        Ok(key.optional()?.flatten())
    }

    /// The own changes whose effects, or whose end, are in this answer.
    fn landing(&self, absorbed: &Absorbed) -> Result<Landing, Failure> {
        let mut landing = Landing::new();
        if let Some((seq, _)) = &absorbed.settled {
            let settled = outbox::sealed_up_to(self.conn, self.device, *seq)?;
            landing.extend(settled.into_iter().map(|(n, _)| (n, None)));
        }
        for (&change, &outcome) in &absorbed.outcomes {
            if let Some(n) = outbox::pending_n(self.conn, change)? {
                landing.insert(n, Some(outcome));
            }
        }
        Ok(landing)
    }

    /// Takes back what is shown of them.
    fn land(&mut self, landing: Landing, twins: &Twins) -> Result<(), Failure> {
        for (n, outcome) in landing {
            if !self.all_came_in(n, twins)? {
                let sql = "SELECT row FROM pending_need WHERE n = ?1 AND writes";
                let mut statement = self.conn.prepare_cached(sql)?;
                for row in statement.query_map([n], |row| row.get(0))? {
                    self.touched.insert(row?);
                }
            }
            effects::erase(self.conn, n, &mut self.stale)?;
            if let Some(outcome) = outcome {
                outbox::land(self.conn, n, outcome)?;
            }
        }
        Ok(())
    }

    fn all_came_in(&self, n: u64, twins: &Twins) -> Result<bool, Failure> {
        let mut movements = self.conn.prepare_cached("SELECT id FROM movement WHERE n = ?1")?;
        for id in movements.query_map([n], |row| row.get(0).map(MovementId))? {
            if !twins.movements.contains(&id?) {
                return Ok(false);
            }
        }
        let mut counts = self.conn.prepare_cached("SELECT change FROM posted_count WHERE n = ?1")?;
        for change in counts.query_map([n], |row| row.get(0))? {
            if !twins.counts.contains(&change?) {
                return Ok(false);
            }
        }
        let mut records = self.conn.prepare_cached("SELECT kind, id, body FROM pending_record WHERE n = ?1")?;
        let mut rows = records.query([n])?;
        while let Some(row) = rows.next()? {
            let kind: Kind = super::facts::read_word(row, 0)?;
            if !twins.records.contains(&(Ref { kind, id: row.get(1)? }, row.get(2)?)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn settle(&mut self, absorbed: &Absorbed) -> Result<(), Failure> {
        let Some((seq, results)) = &absorbed.settled else { return Ok(()) };
        let results: BTreeMap<_, &ChangeResult> = results.iter().map(|result| (result.id, result)).collect();
        // One without a result stays; the next pull asks for it again.
        for (n, change) in outbox::sealed_up_to(self.conn, self.device, *seq)? {
            if let Some(result) = results.get(&change) {
                outbox::settle(self.conn, n, result)?;
            }
        }
        let pushed: u64 = settings::parsed(self.conn, settings::PUSHED_SEQ)?.unwrap_or(0);
        if *seq > pushed {
            settings::set(self.conn, settings::PUSHED_SEQ, &seq.to_string())?;
        }
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<(), Failure> {
        let (before, now) = (Stored::find(self.conn, record.of)?, Stored::of(record, record.body()));
        self.stale.written(before.as_ref(), &now)?;
        self.sums.record(Scope::of(record), before.as_ref(), &now);
        now.write_over(self.conn, before.as_ref())
    }

    fn keep_unknown(&self, absorbed: &Absorbed) -> Result<(), Failure> {
        let sql = "INSERT OR REPLACE INTO unknown_entry (scope, seq, entry) VALUES (?1, ?2, ?3)";
        for (scope, entry) in &absorbed.unknown {
            let row = (scope.to_string(), entry.seq, serde_json::to_string(entry)?);
            self.conn.prepare_cached(sql)?.execute(row)?;
        }
        Ok(())
    }

    /// Kept for the audit. Inbox scopes are left out: every person sees another part of them.
    fn outcomes(&self, answer: &PullAnswer) -> Result<(), Failure> {
        let mut insert =
            self.conn.prepare_cached("INSERT OR REPLACE INTO outcome (change, outcome) VALUES (?1, ?2)")?;
        let mut seen = HashSet::new();
        for page in answer.pages.iter().filter(|page| !matches!(page.scope, Scope::Inbox(_))) {
            for entry in page.entries.iter().filter(|entry| seen.insert(entry.change)) {
                insert.execute((entry.change.0, entry.outcome.name()))?;
            }
        }
        Ok(())
    }

    /// Starts scopes that were granted and drops those that were taken away.
    fn scopes(
        &self,
        answer: &PullAnswer,
        absorbed: &Absorbed,
        cursors: &BTreeMap<Scope, u64>,
    ) -> Result<bool, Failure> {
        let mut new_scope = false;
        for head in &answer.heads {
            if !cursors.contains_key(&head.scope) && !absorbed.cursors.contains_key(&head.scope) {
                settings::set_cursor(self.conn, Cursor { scope: head.scope, seq: 0 })?;
                new_scope |= head.seq > 0;
            }
        }
        for scope in &absorbed.removed {
            reset::drop_scope(self.conn, *scope)?;
        }
        Ok(new_scope)
    }
}

/// Places of pending changes, with the outcome of those whose effects came in.
type Landing = BTreeMap<u64, Option<Outcome>>;

fn tags(absorbed: &Absorbed) -> BTreeSet<Tag> {
    let mut tags: BTreeSet<Tag> = absorbed.records.keys().map(|of| Tag::of(of.kind)).collect();
    if !absorbed.movements.is_empty() || !absorbed.counts.is_empty() {
        tags.extend([Tag::Stock, Tag::Items]);
    }
    if absorbed.settled.is_some() || !tags.is_empty() {
        tags.insert(Tag::Status);
    }
    if absorbed.settled.is_some() || !absorbed.removed.is_empty() {
        tags.extend(Tag::ALL);
    }
    tags
}
