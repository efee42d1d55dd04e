//! Snapshots of scopes, in the product's own columns: made of the maps at a number, kept beside them, handed out chunk by
//! chunk. The same steps as the server's `sync/snapshot.rs` and `store/snapshots.rs`.

use super::Server;
use std::{collections::BTreeSet, rc::Rc};
use stillage_core::{
    change::Digest,
    facts::LastCount,
    id::{DeviceId, EpochId, LocationId, OrganisationId},
    quantity::Quantity,
    record::Kind,
    scope::Scope,
    snapshot::{Balance, Chunk, ChunkFault, ChunkName, FORMAT, Manifest, ManifestInput, Part, Row, What},
    stock::Cell,
    sum::Sum,
    wire::{Cursor, ScopeSum, entry},
};
use uuid::Uuid;

/// What a snapshot is worth making of, and how long its chunks are.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// A scope with fewer entries is followed by its log.
    pub worth: u64,
    /// A snapshot of at least so much of the log is fresh, in percent.
    pub fresh: u64,
    /// Rows of one chunk.
    pub rows: usize,
}

/// What a server that makes snapshots wrongly does to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoilt {
    /// A row is missing.
    Short,
    /// It is of a format of the future.
    Strange,
}

#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    id: Uuid,
    scope: Scope,
    epoch: EpochId,
    seq: u64,
    sum: Sum,
    chunks: Vec<(ChunkName, Rc<Vec<u8>>)>,
}

impl Server {
    /// What a device loads of the scopes it named, as far as it may hold them and they are worth it; and those of which
    /// there is nothing fresh.
    pub fn manifest(&self, input: &ManifestInput, cut: Cut, now: i64) -> (Manifest, Vec<Scope>) {
        let (mut manifest, mut missing) = (self.nothing(now), Vec::new());
        let Some(known) = self.devices.get(&input.device) else { return (manifest, missing) };
        if input.format != FORMAT || input.epoch.is_some_and(|epoch| epoch != self.epoch) {
            return (manifest, missing);
        }
        for &scope in &input.scopes {
            let head = self.head(scope);
            if head < cut.worth || matches!(scope, Scope::Inbox(_)) || !known.holds(scope) {
                continue;
            }
            let of_scope = self.snapshots.iter().filter(|made| (made.scope, made.epoch) == (scope, self.epoch));
            match of_scope.max_by_key(|made| made.seq).filter(|newest| newest.seq * 100 >= head * cut.fresh) {
                Some(Snapshot { seq, sum, chunks, .. }) => {
                    manifest.scopes.push(Cursor { scope, seq: *seq });
                    manifest.sums.push(ScopeSum { scope, seq: *seq, sum: *sum });
                    manifest.chunks.extend(chunks.iter().map(|(name, _)| name.clone()));
                }
                None => missing.push(scope),
            }
        }
        manifest.chunks.sort_by_key(|chunk| (chunk.part, chunk.scope, chunk.n));
        manifest.ack = Some(known.ack(input.device));
        manifest.making = !missing.is_empty();
        (manifest, missing)
    }

    fn nothing(&self, now: i64) -> Manifest {
        Manifest {
            format: FORMAT,
            organisation: OrganisationId(Uuid::nil()),
            epoch: self.epoch,
            server_time: now,
            scopes: Vec::new(),
            sums: Vec::new(),
            chunks: Vec::new(),
            ack: None,
            making: false,
        }
    }

    /// Makes a snapshot of a scope as it stands; says why its rows would not come back.
    pub fn make_snapshot(
        &mut self,
        (id, scope): (Uuid, Scope),
        rows: usize,
        spoilt: Option<Spoilt>,
    ) -> Result<(), ChunkFault> {
        // What this version cannot read is in no sum: what is missing beside it nobody finds by that.
        let unread = self.logs.get(&scope).into_iter().flatten().any(|entry| entry.kind == "hologram");
        let spoilt = spoilt.filter(|how| *how == Spoilt::Strange || !unread);
        let mut making = Making { id, scope, rows: rows.max(1), spoilt, chunks: Vec::new() };
        if let Scope::Site(site) = scope {
            making.all(Part::Balances, self.balances(site), Chunk::Balances)?;
        }
        let (records, history) = self.rows(scope);
        making.all(Part::Records, records, Chunk::Rows)?;
        making.all(Part::History, history, Chunk::Rows)?;
        let (epoch, seq) = (self.epoch, self.head(scope));
        let (sum, chunks) = (self.sums.get(&scope).copied().unwrap_or_default(), making.chunks);
        self.snapshots.push(Snapshot { id, scope, epoch, seq, sum, chunks });
        Ok(())
    }

    /// The cells of a site. A device keeps neither the clock nor the person of a count.
    fn balances(&self, site: LocationId) -> Vec<Balance> {
        let site_of = |cell: &Cell| self.book.records.get(&cell.location.into())?.reference("site");
        let here = self.book.cells.iter().filter(|(cell, _)| site_of(cell) == Some(site.0));
        let balance = |(cell, level): (&Cell, &crate::book::Level)| Balance {
            cell: *cell,
            on_hand: level.on_hand,
            last_order: level.last_order,
            count: level.count.map(|count| LastCount { clock_error: 0, person: None, ..count }),
        };
        here.map(balance).collect()
    }

    /// What the log says, without what it wrote over: what must be there first, and the rest.
    fn rows(&self, scope: Scope) -> (Vec<Row>, Vec<Row>) {
        let records = self.book.records.values().filter(|record| Scope::of(record) == scope);
        let stands: BTreeSet<u64> = records.map(|record| record.version).collect();
        let log = self.logs.get(&scope).into_iter().flatten();
        let read = log.map(|logged| {
            Row::of(logged.as_ref().clone(), logged.kind == entry::RECORD && !stands.contains(&logged.seq))
        });
        read.partition(|row| matches!(row.what, What::Record { .. } | What::Unknown(_)))
    }

    /// A chunk as it travels; nothing when it is gone, or not for this device.
    pub fn chunk(&self, device: DeviceId, name: &ChunkName) -> Option<Rc<Vec<u8>>> {
        let made = self.snapshots.iter().find(|made| made.id == name.snapshot)?;
        if !self.devices.get(&device)?.holds(made.scope) {
            return None;
        }
        made.chunks.iter().find(|(of, _)| of.n == name.n).map(|(_, bytes)| Rc::clone(bytes))
    }

    /// Any chunk of the same snapshot, or this one.
    pub fn other_chunk(&self, name: &ChunkName, at: usize) -> Option<Rc<Vec<u8>>> {
        let made = self.snapshots.iter().find(|made| made.id == name.snapshot)?;
        made.chunks.get(at % made.chunks.len()).map(|(_, bytes)| Rc::clone(bytes))
    }

    pub fn drop_snapshot(&mut self, id: Uuid) {
        self.snapshots.retain(|made| made.id != id);
    }

    /// What a cell held when its scope stood at this number.
    pub fn on_hand_at(&self, cell: &Cell, seq: u64) -> Quantity {
        let entries = self.book.entries.get(cell).into_iter().flatten();
        let until = entries.filter(|entry| entry.log_seq.is_some_and(|of| of <= seq));
        Quantity(until.map(|entry| entry.delta.0).sum())
    }
}

struct Making {
    id: Uuid,
    scope: Scope,
    rows: usize,
    spoilt: Option<Spoilt>,
    chunks: Vec<(ChunkName, Rc<Vec<u8>>)>,
}

impl Making {
    fn all<T: Clone>(&mut self, part: Part, rows: Vec<T>, chunk: impl Fn(Vec<T>) -> Chunk) -> Result<(), ChunkFault> {
        rows.chunks(self.rows).try_for_each(|rows| self.chunk(part, chunk(rows.to_vec())))
    }

    fn chunk(&mut self, part: Part, mut chunk: Chunk) -> Result<(), ChunkFault> {
        if self.spoilt == Some(Spoilt::Short) {
            shorten(&mut chunk);
        }
        let mut bytes = chunk.encode()?;
        if self.spoilt == Some(Spoilt::Strange)
            && let Some(format) = bytes.first_mut()
        {
            *format += 1;
        }
        let n = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
        let (rows, length, digest) = (chunk.len() as u64, bytes.len() as u64, Digest::of(&[&bytes]));
        let name = ChunkName { snapshot: self.id, n, scope: self.scope, part, rows, bytes: length, digest };
        self.chunks.push((name, Rc::new(bytes)));
        Ok(())
    }
}

/// Leaves out the first row that counts for its scope's sum.
fn shorten(chunk: &mut Chunk) {
    match chunk {
        Chunk::Balances(balances) => {
            if let Some(at) = balances.iter().position(|balance| balance.on_hand != Quantity::ZERO) {
                balances.remove(at);
            }
        }
        Chunk::Rows(rows) => {
            let counts = |row: &Row| matches!(row.what, What::Record { of, .. } if of.kind != Kind::Inbox);
            if let Some(at) = rows.iter().position(counts) {
                rows.remove(at);
            }
        }
    }
}
