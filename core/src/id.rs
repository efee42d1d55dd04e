//! Every id in the product, in one list. On the wire an id is a string with its prefix
//! (`item_018f…`), so that one kind can never be taken for another.
//!
//! Ids are minted outside (`UUIDv7`); what `core` needs beyond those it derives by hashing,
//! so that a device and the server name the same thing alike without asking each other.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Text that is not an id of the kind that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id like {expected}_018f…, got {got:?}")]
pub struct IdFault {
    pub expected: &'static str,
    pub got: String,
}

/// An id derived from another one: the same parent and salt always give the same id.
#[must_use]
pub fn derived(parent: Uuid, salt: &str) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    hasher.update(parent.as_bytes());
    hasher.update(salt.as_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Parses `prefix_<uuid>`.
pub fn parse(prefix: &'static str, text: &str) -> Result<Uuid, IdFault> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .and_then(|hex| Uuid::try_parse(hex).ok())
        .ok_or_else(|| IdFault { expected: prefix, got: text.chars().take(64).collect() })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// The id that hangs on `parent` under `salt`.
            #[must_use]
            pub fn derived(parent: Uuid, salt: &str) -> Self {
                Self(derived(parent, salt))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.as_simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdFault;
            fn from_str(text: &str) -> Result<Self, IdFault> {
                parse($prefix, text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A tenant. Leads every key of the server.
    OrganisationId = "org";
    /// A human.
    PersonId = "per";
    /// An installed copy of the desktop, or an API principal.
    DeviceId = "dev";
    /// One change: THE idempotency key, unique in its organisation.
    ChangeId = "chg";
    /// What is stocked.
    ItemId = "item";
    BarcodeId = "bar";
    CategoryId = "cat";
    LocationId = "loc";
    /// A tracked batch, or a tracked single unit (a serial is a lot of one).
    LotId = "lot";
    ReasonId = "rsn";
    SupplierId = "sup";
    MovementId = "mov";
    /// A row that waits for a person.
    InboxId = "inb";
    /// The identity of a server's history.
    EpochId = "epo";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_round_trips_with_its_prefix() {
        let id = ItemId::derived(Uuid::nil(), "x");
        assert_eq!(id.to_string().parse::<ItemId>(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = LotId::derived(Uuid::nil(), "x").to_string();
        assert_eq!(id.parse::<ItemId>().unwrap_err().expected, "item");
    }
}
