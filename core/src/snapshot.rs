//! A scope at a number S, in chunks that a new device loads instead of S log entries one by one. Pure: rows in, bytes
//! out, and back. Packing the bytes, carrying them and checking their digests is for those who have IO.
//!
//! A chunk is columns, not rows: ids apart from times, a text that repeats once, the rest as small differences. The body
//! of a movement is left out when it can be built again from its columns, and every row is read back before a chunk is
//! given away: what does not come back byte for byte is carried as it came.

mod balances;
mod column;
mod lines;
mod rows;
#[cfg(test)]
mod tests;

pub use balances::Balance;
pub use rows::{Row, What};

use crate::{
    change::Digest,
    id::{DeviceId, EpochId, OrganisationId},
    scope::Scope,
    wire::{Ack, Cursor, ScopeSum},
};
use column::Reader;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The format that this build writes. A device that meets another one follows the log instead.
pub const FORMAT: u32 = 1;
/// The greatest chunk, unpacked: more is not asked to be unpacked.
pub const MAX_UNPACKED: usize = 256 * 1024 * 1024;
/// A scope with fewer entries is followed by its log: that is one answer.
pub const WORTH: u64 = 2_000;
/// Where a snapshot in a folder says what it is.
pub const MANIFEST_FILE: &str = "manifest.json";

/// Why a chunk cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChunkFault {
    #[error("the chunk is of a format that this version does not read")]
    Format,
    #[error("the chunk is damaged: {0}")]
    Damaged(&'static str),
    #[error("a row does not come back as it was")]
    Altered,
}

/// What one chunk holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Chunk {
    /// Log entries that still count, in their order.
    Rows(Vec<Row>),
    /// On hand and the latest count of cells, at S.
    Balances(Vec<Balance>),
}

impl Chunk {
    pub fn encode(&self) -> Result<Vec<u8>, ChunkFault> {
        let mut out = vec![u8::try_from(FORMAT).unwrap_or(u8::MAX)];
        match self {
            Self::Rows(rows) => {
                out.push(0);
                rows::write(&mut out, rows);
            }
            Self::Balances(balances) => {
                out.push(1);
                balances::write(&mut out, balances);
            }
        }
        if Self::decode(&out)? == *self { Ok(out) } else { Err(ChunkFault::Altered) }
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, ChunkFault> {
        let [format, kind, rest @ ..] = bytes else { return Err(ChunkFault::Damaged("it is empty")) };
        if u32::from(*format) != FORMAT {
            return Err(ChunkFault::Format);
        }
        let mut reader = Reader::new(rest);
        match kind {
            0 => rows::read(&mut reader).map(Self::Rows),
            1 => balances::read(&mut reader).map(Self::Balances),
            _ => Err(ChunkFault::Format),
        }
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Balances(balances) => balances.len(),
        }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a chunk is for. The order is the order of loading: once everything before `History` is in, people can work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Records as they stand.
    Records,
    Balances,
    /// Movements, counts, and the ends of changes whose rows were written over.
    History,
}

impl Part {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Balances => "balances",
            Self::History => "history",
        }
    }
}

impl std::str::FromStr for Part {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Records, Self::Balances, Self::History].into_iter().find(|part| part.name() == name).ok_or(())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestInput {
    pub device: DeviceId,
    pub epoch: Option<EpochId>,
    /// The format it reads.
    pub format: u32,
    /// The scopes it holds nothing of. Scopes that are not granted are left out of the answer.
    pub scopes: Vec<Scope>,
}

/// What to load, in this order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub format: u32,
    pub organisation: OrganisationId,
    pub epoch: EpochId,
    pub server_time: i64,
    /// The number S of each scope. One that is missing here is followed by its log.
    pub scopes: Vec<Cursor>,
    /// Of these scopes at S, as far as the server keeps one: what is loaded must come to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<ScopeSum>,
    pub chunks: Vec<ChunkName>,
    /// The end of the asking device's chain, not before S. If it is not in the device's own, a copy of it may have sent what
    /// waits there. Nothing where nobody asked, and from servers of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<Ack>,
    /// Snapshots are being made: ask again.
    pub making: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkName {
    /// The snapshot of one scope, and the place in it.
    pub snapshot: Uuid,
    pub n: u32,
    pub scope: Scope,
    pub part: Part,
    pub rows: u64,
    /// As it travels, packed.
    pub bytes: u64,
    /// Of the packed bytes.
    pub digest: Digest,
}

/// Scopes that heads begin to tell from their first entry on, and that are so long that a snapshot is worth it.
#[must_use]
pub fn wanted(cursors: &[Cursor], heads: &[Cursor], worth: u64) -> Vec<Scope> {
    let has = |scope: Scope| cursors.iter().any(|cursor| cursor.scope == scope && cursor.seq > 0);
    let long = heads.iter().filter(|head| head.seq >= worth && !has(head.scope));
    long.map(|head| head.scope).filter(|scope| !matches!(scope, Scope::Inbox(_))).collect()
}

impl ChunkName {
    /// Whether these are its bytes, as they travel.
    #[must_use]
    pub fn is_of(&self, packed: &[u8]) -> bool {
        Digest::of(&[packed]) == self.digest || seeded!(ChunkUnchecked)
    }

    /// Below the server's address.
    #[must_use]
    pub fn path(&self) -> String {
        format!("snapshots/{}/{}", self.snapshot.as_simple(), self.n)
    }

    /// In a folder.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}-{}.zst", self.snapshot.as_simple(), self.n)
    }
}
