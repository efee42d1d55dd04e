//! A change: an action sealed with its id, its device, its place in the device's order, and what
//! the device knew. The body is one canonical JSON text that is hashed and stored byte for byte.

use crate::{
    action::Action,
    id::{ChangeId, DeviceId, EpochId, PersonId},
    rejection::Rejection,
    scope::Scope,
    text,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The greatest size of one body in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// The error of a clock that was never compared with the server's, in microseconds: 12 hours. A
/// worse one says no more than that.
pub const MAX_CLOCK_ERROR: i64 = 12 * 3600 * 1_000_000;
/// The version in which this build writes its bodies.
pub const BODY_VERSION: u32 = 1;

/// BLAKE3 cut to 128 bits: payload hashes and chain links.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(part);
        }
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Self(bytes)
    }

    /// The link before a device's first change.
    #[must_use]
    pub const fn start(device: DeviceId) -> Self {
        Self(device.0.into_bytes())
    }

    /// The link after one more change.
    #[must_use]
    pub fn next(self, change: ChangeId, hash: Self) -> Self {
        Self::of(&[&self.0, change.0.as_bytes(), &hash.0])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = crate::id::IdFault;
    fn from_str(hex: &str) -> Result<Self, Self::Err> {
        let fault = || crate::id::IdFault { expected: "32 hex digits", got: hex.chars().take(64).collect() };
        if hex.len() != 32 || !hex.is_ascii() {
            return Err(fault());
        }
        let mut bytes = [0; 16];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).map_err(|_| fault())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        hex.parse().map_err(serde::de::Error::custom)
    }
}

/// As it lies in the outbox, travels, and is kept by the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub id: ChangeId,
    /// Its place in its device's order, from 1, without gaps. 0 until it is sealed.
    pub seq: u64,
    pub kind: String,
    pub version: u32,
    pub body: String,
}

impl Change {
    /// What two copies of a change must agree in.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest::of(&[self.kind.as_bytes(), &self.version.to_le_bytes(), self.body.as_bytes()])
    }

    /// Writes `act` down. The body is canonical from here on.
    #[must_use]
    pub fn write(id: ChangeId, act: &Act) -> Self {
        let body = serde_json::to_value(act).unwrap_or(Value::Null);
        let body = text::canonical(&body);
        Self { id, seq: 0, kind: act.action.kind().to_owned(), version: BODY_VERSION, body }
    }

    /// Reads the body; a kind or version of the future is refused in a way that keeps it whole.
    pub fn read(&self) -> Result<Act, Rejection> {
        if self.version > BODY_VERSION || !Action::KINDS.contains(&self.kind.as_str()) {
            return Err(Rejection::UnknownAction { kind: self.kind.clone(), version: self.version });
        }
        if self.body.len() > MAX_BODY {
            return Err(Rejection::Malformed { reason: "the body is larger than 64 KiB".into() });
        }
        let act: Act =
            serde_json::from_str(&self.body).map_err(|fault| Rejection::Malformed { reason: fault.to_string() })?;
        if act.action.kind() == self.kind {
            Ok(act)
        } else {
            Err(Rejection::Malformed { reason: "the kind is not that of the body".into() })
        }
    }
}

/// What the device had applied when the person acted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cut {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<EpochId>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cursors: BTreeMap<Scope, u64>,
}

/// The content of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Act {
    pub action: Action,
    /// When it took effect: microseconds since 1970 on the server's clock, as well as the device
    /// knows it.
    pub at: i64,
    /// How far off `at` may be, in microseconds.
    #[serde(default)]
    pub clock_error: i64,
    #[serde(default)]
    pub cut: Cut,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
}

impl Act {
    /// How far off `at` may be, as far as that is believed.
    #[must_use]
    pub fn error(&self) -> i64 {
        self.clock_error.clamp(0, MAX_CLOCK_ERROR)
    }

    /// Whether it was made in another history than this one. One that was made before its device
    /// had met any server never was in one.
    #[must_use]
    pub fn made_outside(&self, history: Option<EpochId>) -> bool {
        self.cut.epoch.is_some_and(|made_in| history.is_some_and(|history| history != made_in))
    }

    /// What it knew by the numbers of this history: nothing, if it was made in another one, whose
    /// rows have other numbers.
    #[must_use]
    pub fn within(mut self, history: Option<EpochId>) -> Self {
        if self.made_outside(history) {
            self.cut.cursors.clear();
        }
        self
    }
}

/// The one visible end of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    Applied,
    /// Applied beside, or partly against, what somebody else did.
    Merged,
    Rejected,
    /// Kept whole until an admin or a newer server decides it.
    Parked,
}

impl Outcome {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "APPLIED",
            Self::Merged => "MERGED",
            Self::Rejected => "REJECTED",
            Self::Parked => "PARKED",
        }
    }
}

impl FromStr for Outcome {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Applied, Self::Merged, Self::Rejected, Self::Parked]
            .into_iter()
            .find(|outcome| outcome.name() == name)
            .ok_or(())
    }
}

/// What the server answers about one change of a push.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeResult {
    pub id: ChangeId,
    pub seq: u64,
    pub outcome: Outcome,
    /// It had been decided before.
    #[serde(default)]
    pub duplicate: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default)]
    pub details: Value,
}

/// A change the server has decided before.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownChange {
    pub hash: Digest,
    pub device: DeviceId,
    pub outcome: Outcome,
    pub code: Option<String>,
    pub details: Value,
}
