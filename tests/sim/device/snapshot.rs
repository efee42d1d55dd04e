//! Beginning from snapshots: which chunks are still owed, and each of them in one transaction with the note that it is in.
//! The same steps as the client's `store/snapshot.rs`, with one difference: here everything that waits is decided again.

use super::Disk;
use crate::book::{Book, Level};
use std::{collections::BTreeMap, rc::Rc};
use stillage_core::{
    id::LocationId,
    record::{Kind, Record, Ref},
    scope::Scope,
    snapshot::{Balance, Chunk, ChunkName, Manifest, Part, Row, What},
    sum::Sum,
};

/// A chunk of those that are being loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Owed {
    pub name: ChunkName,
    /// The number S of its scope.
    pub seq: u64,
    pub loaded: bool,
    /// Of the scope at S, as the manifest says.
    told: Option<Sum>,
    mine: Option<Sum>,
}

impl Owed {
    pub fn is_history(&self) -> bool {
        self.name.part == Part::History
    }

    /// As far as both stores have it.
    #[cfg(feature = "sqlite")]
    pub fn plain(&self) -> (ChunkName, u64, bool) {
        (self.name.clone(), self.seq, self.loaded)
    }
}

impl Disk {
    /// What was sent and has no settled end may be in a snapshot, and would be shown twice. What waits under a new id may
    /// have been sent under a former one.
    pub fn is_welcome(&self) -> bool {
        let sent = self.outbox.iter().any(|row| row.state == super::State::Sealed);
        !(sent || self.forked && self.waiting() > 0)
    }

    /// Nor may a copy of this disk have sent what waits here.
    fn may_take(&self, manifest: &Manifest) -> bool {
        self.is_welcome() && manifest.ack.is_none_or(|ack| self.is_own(ack))
    }

    /// Nothing at all of the server is held.
    pub fn is_blank(&self) -> bool {
        !self.reset && self.cursors.values().all(|seq| *seq == 0) && self.owed.is_empty()
    }

    pub fn due(&self, history: bool) -> Option<&Owed> {
        self.owed.iter().find(|owed| !owed.loaded && (history || !owed.is_history()))
    }

    /// Scopes that are not all in; with `true` those of which only history is missing.
    pub fn owing(&self) -> BTreeMap<Scope, bool> {
        let mut scopes = BTreeMap::new();
        for owed in self.owed.iter().filter(|owed| !owed.loaded) {
            *scopes.entry(owed.name.scope).or_insert(true) &= owed.is_history();
        }
        scopes
    }

    /// Notes what is to be loaded; says whether anything is.
    pub fn accept(&mut self, manifest: &Manifest) -> bool {
        let accepted = self.accept_here(manifest);
        self.twin.iter().for_each(|twin| twin.accept(manifest, accepted));
        accepted
    }

    fn accept_here(&mut self, manifest: &Manifest) -> bool {
        if !self.may_take(manifest) || self.epoch != manifest.epoch {
            return false;
        }
        if self.reset {
            self.wipe();
        }
        let is_new = |scope: &Scope| self.cursors.get(scope).copied().unwrap_or(0) == 0;
        let new: BTreeMap<Scope, u64> =
            manifest.scopes.iter().filter(|at| is_new(&at.scope)).map(|at| (at.scope, at.seq)).collect();
        new.keys().for_each(|scope| self.drop_scope(*scope));
        self.note(manifest, &new, |_| true);
        !new.is_empty()
    }

    /// The snapshots that were being loaded are gone, and this is what there is instead.
    pub fn replace(&mut self, manifest: &Manifest) {
        let (mut whole, mut history) = (BTreeMap::new(), BTreeMap::new());
        let offered: BTreeMap<Scope, u64> = manifest.scopes.iter().map(|at| (at.scope, at.seq)).collect();
        let welcome = self.may_take(manifest);
        for (scope, only_history) in self.owing() {
            let limit = self.owed.iter().filter(|owed| owed.name.scope == scope).map(|owed| owed.seq).max();
            match offered.get(&scope) {
                Some(_) if only_history => {
                    self.forget(scope);
                    history.insert(scope, limit.unwrap_or(0));
                }
                Some(seq) if welcome => {
                    self.drop_scope(scope);
                    whole.insert(scope, *seq);
                }
                _ => self.drop_scope(scope),
            }
        }
        self.note(manifest, &whole, |_| true);
        self.note(manifest, &history, |chunk| chunk.part == Part::History);
        self.end_loading();
        self.decide_again();
        self.twin.iter().for_each(|twin| twin.replace(manifest));
    }

    /// The log brings what these snapshots would have.
    pub fn give_up_snapshots(&mut self) {
        for scope in self.owing().into_keys() {
            self.drop_scope(scope);
        }
        self.owed.clear();
        self.decide_again();
        self.twin.iter().for_each(|twin| twin.give_up_snapshots());
    }

    /// Nothing more of this scope is to be loaded.
    pub(super) fn forget(&mut self, scope: Scope) {
        self.owed.retain(|owed| owed.name.scope != scope);
        self.end_loading();
    }

    fn end_loading(&mut self) {
        if self.owed.iter().all(|owed| owed.loaded) {
            self.owed.clear();
        }
    }

    fn note(&mut self, manifest: &Manifest, scopes: &BTreeMap<Scope, u64>, wanted: impl Fn(&ChunkName) -> bool) {
        for name in manifest.chunks.iter().filter(|chunk| wanted(chunk)) {
            let Some(&seq) = scopes.get(&name.scope) else { continue };
            let told = manifest.sums.iter().find(|told| (told.scope, told.seq) == (name.scope, seq));
            let told = told.map(|told| told.sum);
            self.owed.push(Owed { name: name.clone(), seq, loaded: false, told, mine: None });
        }
        for (scope, seq) in scopes {
            self.begin_following(*scope, *seq);
        }
    }

    /// Sets the cursor once everything but history is in, if that comes to what the manifest said.
    fn begin_following(&mut self, scope: Scope, seq: u64) {
        let of_scope = || self.owed.iter().filter(|owed| owed.name.scope == scope);
        let waits = of_scope().any(|owed| !owed.loaded && !owed.is_history());
        if waits || self.cursors.get(&scope).is_some_and(|cursor| *cursor >= seq) {
            return;
        }
        let mine = of_scope().filter_map(|owed| owed.mine).fold(Sum::EMPTY, Sum::with);
        let unread = self.unknown.keys().any(|(of, _)| *of == scope);
        let told = of_scope().filter_map(|owed| owed.told).next_back().filter(|_| !unread);
        if told.is_some_and(|told| told != mine) {
            self.empty_scope(scope);
            return self.decide_again();
        }
        self.cursors.insert(scope, seq);
        self.sums.insert(scope, mine);
    }

    fn empty_scope(&mut self, scope: Scope) {
        self.drop_scope(scope);
        if scope == Scope::Catalogue {
            for record in self.base.records.values().filter(|record| record.of.kind == Kind::Location) {
                if let Some(site) = record.reference("site") {
                    self.absent.entry(LocationId(record.of.id)).or_insert(Scope::Site(LocationId(site)));
                }
            }
            let inbox = self.base.records.values().filter(|record| record.of.kind == Kind::Inbox);
            let kept: Vec<Rc<Record>> = inbox.cloned().collect();
            let born = Book::born();
            (self.base.records, self.base.keys) = (born.records, born.keys);
            kept.into_iter().for_each(|record| self.base.put_record(record.as_ref().clone()));
        }
        self.cursors.insert(scope, 0);
        self.sums.remove(&scope);
    }

    /// Loads one chunk, unless it is not wanted any more.
    pub fn load(&mut self, due: &Owed, chunk: &Chunk) {
        self.load_here(due, chunk);
        self.twin.iter().for_each(|twin| twin.load(due, chunk));
    }

    fn load_here(&mut self, due: &Owed, chunk: &Chunk) {
        let Some(at) = self.owed.iter().position(|owed| !owed.loaded && owed.name == due.name) else { return };
        self.owed[at].loaded = true;
        let mut sum = Sum::EMPTY;
        match chunk {
            Chunk::Rows(rows) => {
                for row in rows.iter().filter(|row| row.seq <= due.seq) {
                    sum = sum.with(self.load_row(due.name.scope, row));
                }
            }
            Chunk::Balances(balances) => {
                for Balance { cell, on_hand, last_order, count } in balances {
                    sum = sum.with(Sum::of_cell(cell, *on_hand));
                    let level = Level { on_hand: *on_hand, last_order: *last_order, count: *count };
                    self.base.cells.insert(*cell, level);
                    if !self.base.records.contains_key(&cell.location.into()) {
                        self.absent.entry(cell.location).or_insert(due.name.scope);
                    }
                }
            }
        }
        self.owed[at].mine = Some(sum);
        self.decide_again();
        if !due.is_history() {
            self.begin_following(due.name.scope, due.seq);
        }
        self.end_loading();
    }

    /// What the row is in the sum of its scope.
    fn load_row(&mut self, scope: Scope, row: &Row) -> Sum {
        // What a pull has said meanwhile is later.
        self.outcomes.entry(row.change).or_insert(row.outcome);
        let numbers = BTreeMap::from([(scope, row.seq)]);
        match &row.what {
            What::Gone => {}
            What::Record { of, body } => return self.load_record(*of, row.seq, body),
            What::Movement { movement, .. } => self.base.put_movement(movement, &numbers),
            What::Count { count, .. } => {
                self.base.counts.insert(count.change, Rc::new(count.as_ref().clone()));
            }
            What::Unknown(entry) => {
                self.unknown.insert((scope, entry.seq), entry.as_ref().clone());
            }
        }
        Sum::EMPTY
    }

    fn load_record(&mut self, of: Ref, seq: u64, body: &str) -> Sum {
        let Ok(record) = Record::from_body(of, seq, body) else { return Sum::EMPTY };
        let sum = Sum::of_record(of, seq, &record.body());
        self.base.put_record(record);
        sum
    }
}
