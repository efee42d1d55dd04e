//! What travels between a desktop and the server. JSON in camelCase inside GraphQL variables and
//! data; bodies are canonical texts and are passed on byte for byte.

use crate::{
    certificate::{Certificate, Shown},
    change::{Change, ChangeResult, Digest, Outcome},
    id::{ChangeId, DeviceId, EpochId, OrganisationId, PersonId},
    scope::Scope,
    sum::{Mismatch, Sum},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The protocol this build speaks, and the oldest it still understands.
pub const PROTOCOL: u32 = 1;
pub const PROTOCOL_MIN: u32 = 1;
/// The greatest push: this many changes, or this many bytes of bodies.
pub const PUSH_CHANGES: usize = 500;
pub const PUSH_BYTES: usize = 1024 * 1024;

/// Every change of one device from `first_seq` on, following `prev_chain`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushInput {
    pub device: DeviceId,
    pub epoch: Option<EpochId>,
    pub first_seq: u64,
    pub prev_chain: Digest,
    pub changes: Vec<Change>,
    /// The `order_ts` that changes of this push had in a history that was lost.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub orders: BTreeMap<ChangeId, i64>,
}

impl PushInput {
    /// What a device signs when another one shall hand this over. The chain at the end stands for
    /// every id and body, so that a field of a newer peer does not matter.
    #[must_use]
    pub fn signed_text(&self, organisation: OrganisationId) -> Vec<u8> {
        let link = |chain: Digest, change: &Change| chain.next(change.id, change.hash());
        let end = self.changes.iter().fold(self.prev_chain, link);
        let mut text = b"stillage push 1".to_vec();
        text.extend_from_slice(organisation.0.as_bytes());
        text.extend_from_slice(self.device.0.as_bytes());
        text.extend_from_slice(&self.first_seq.to_le_bytes());
        text.extend_from_slice(&self.prev_chain.0);
        text.extend_from_slice(&end.0);
        for (change, order) in &self.orders {
            text.extend_from_slice(change.0.as_bytes());
            text.extend_from_slice(&order.to_le_bytes());
        }
        text
    }
}

/// A push as it arrives: from its device itself, or signed by it and carried by another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CarriedPush {
    #[serde(flatten)]
    pub push: PushInput,
    /// Ed25519 over `signed_text`, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushAnswer {
    pub epoch: EpochId,
    pub server_time: i64,
    /// How far the server has this device's chain. A hint for the screen: only a pull settles.
    pub ack: Ack,
    pub results: Vec<ChangeResult>,
    /// Set when nothing was taken.
    pub refusal: Option<PushRefusal>,
}

/// Why a whole push was not taken. Nothing of it has been stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PushRefusal {
    /// The chains part: this database was copied or restored from an older image.
    DeviceForked,
    /// The server's history is another one, or shorter than what this device saw acknowledged.
    EpochChanged,
}

/// The end of a device's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    pub seq: u64,
    pub chain: Digest,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullInput {
    pub device: DeviceId,
    pub epoch: Option<EpochId>,
    pub cursors: Vec<Cursor>,
    /// The last of its own changes the device knows to be settled.
    pub settled_seq: u64,
    pub max_rows: u32,
    /// Scopes whose sum was not the server's when they were last compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<Mismatch>,
    /// The format in which it reads pages as chunks (`snapshot::FORMAT`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<u32>,
}

/// How far a scope has been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub scope: Scope,
    pub seq: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullAnswer {
    pub epoch: EpochId,
    pub server_time: i64,
    /// The oldest pages first; at most one page per scope.
    pub pages: Vec<ScopePage>,
    /// Scopes this device may no longer hold.
    pub removed: Vec<Scope>,
    /// Heads of every scope granted, for progress and for new scopes to start at 0.
    pub heads: Vec<Cursor>,
    pub has_more: bool,
    /// Covers only changes whose effects lie at or below the cursors that result from this answer.
    pub ack: Option<SettledAck>,
    /// Of the scopes that these pages bring to their heads, as far as the server keeps one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<ScopeSum>,
}

/// What the socket says after a commit: heads that moved, and to a device that follows the answer to the pull that it
/// would ask for now, when that is little.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Poke {
    pub heads: Vec<Cursor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed: Option<Followed>,
}

/// An answer that nobody asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Followed {
    /// Ends of the device's own changes after this one are in it.
    pub settled_seq: u64,
    pub answer: PullAnswer,
}

impl Followed {
    /// Whether a device that would ask so now can take it for the answer. If not, it asks.
    #[must_use]
    pub fn fits(&self, input: &PullInput) -> bool {
        let at = |scope| input.cursors.iter().find(|cursor| cursor.scope == scope).map(|cursor| cursor.seq);
        let whole = !self.answer.has_more && self.answer.removed.is_empty();
        let here = self.answer.pages.iter().all(|page| at(page.scope) == Some(page.from));
        whole && here && input.epoch == Some(self.answer.epoch) && input.settled_seq == self.settled_seq
    }
}

/// The sum of a scope at one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeSum {
    pub scope: Scope,
    pub seq: u64,
    pub sum: Sum,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettledAck {
    pub seq: u64,
    pub chain: Digest,
    /// Outcomes of the device's changes after the `settled_seq` it named, up to `seq`.
    pub results: Vec<ChangeResult>,
}

/// The range `(from, to]` of one scope, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScopePage {
    pub scope: Scope,
    pub from: u64,
    pub to: u64,
    pub entries: Vec<LogEntry>,
    /// The same entries as a chunk, packed, in base64: in place of them, for who asked for `chunks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<String>,
}

/// One numbered row of a scope. A kind this version does not know is kept as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    pub seq: u64,
    /// `record`, `movement` or `count`.
    pub kind: String,
    /// The prefixed id of what the body is.
    pub id: String,
    pub version: u32,
    pub change: ChangeId,
    pub outcome: Outcome,
    pub body: String,
}

/// The kinds of log entry this version writes.
pub mod entry {
    pub const RECORD: &str = "record";
    pub const MOVEMENT: &str = "movement";
    pub const COUNT: &str = "count";
    /// Was a record that a later entry writes over: only the end of its change is left.
    pub const GONE: &str = "gone";
    /// The version in which the bodies of this build are written.
    pub const VERSION: u32 = 1;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    pub protocol: u32,
    pub protocol_min: u32,
    pub epoch: EpochId,
    pub server_time: i64,
    pub version: String,
    /// Settled changes up to here are held in a verified backup.
    pub safe_seq: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolInput {
    /// The code an admin made; left out when a known device takes a new id.
    pub code: Option<String>,
    pub device: DeviceId,
    pub name: String,
    /// Ed25519, base64.
    pub public_key: String,
    /// The id this database had before it was found to be a copy.
    pub forked_from: Option<DeviceId>,
    /// Shown in place of a code to a server that was restored from before this device joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Shown>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enrolled {
    pub token: String,
    pub organisation: OrganisationId,
    pub organisation_name: String,
    pub person: PersonId,
    pub person_name: String,
    pub epoch: EpochId,
    /// What the device shows to come back to a server that has lost it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}
