//! Records: everything with a life of its own that people edit (class B) or the server writes
//! (class D). A record is its fields; what a kind's fields are, how each is checked and how each
//! is merged is one table per kind (`record/fields.rs`).
//!
//! Fields that this version does not know are kept and passed on, never dropped.

pub mod fields;
pub mod merge;
pub mod views;

use crate::{
    id::{BarcodeId, CategoryId, DeviceId, InboxId, ItemId, LocationId, LotId, PersonId, ReasonId, SupplierId},
    text,
};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, value::MapDeserializer},
};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, str::FromStr};
use uuid::Uuid;

pub use views::{
    Barcode, Category, Direction, Item, Level, Location, LocationRole, Lot, Pack, Person, Reason, Tracking,
};

/// The fields of a record by name.
pub type Fields = BTreeMap<String, Value>;

macro_rules! kinds {
    ($($variant:ident = $name:literal, $id:ident;)*) => {
        /// What a record is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $($variant),* }

        impl Kind {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The prefix of this kind's ids.
            #[must_use]
            pub const fn prefix(self) -> &'static str {
                match self { $(Self::$variant => $id::PREFIX),* }
            }
        }

        $(impl From<$id> for Ref {
            fn from(id: $id) -> Self {
                Self { kind: Kind::$variant, id: id.0 }
            }
        })*
    };
}

kinds! {
    Item = "item", ItemId;
    Barcode = "barcode", BarcodeId;
    Category = "category", CategoryId;
    Location = "location", LocationId;
    Lot = "lot", LotId;
    Reason = "reason", ReasonId;
    Supplier = "supplier", SupplierId;
    Person = "person", PersonId;
    Device = "device", DeviceId;
    Inbox = "inbox", InboxId;
}

impl FromStr for Kind {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name).ok_or(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Names one record. On the wire it is the prefixed id alone: the prefix says the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref {
    pub kind: Kind,
    pub id: Uuid,
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.kind.prefix(), self.id.as_simple())
    }
}

impl FromStr for Ref {
    type Err = crate::id::IdFault;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Kind::ALL
            .iter()
            .find_map(|&kind| crate::id::parse(kind.prefix(), text).ok().map(|id| Self { kind, id }))
            .ok_or_else(|| crate::id::IdFault { expected: "record", got: text.chars().take(64).collect() })
    }
}

impl Serialize for Ref {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ref {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One record as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub of: Ref,
    /// The scope number at which it last changed; `UNNUMBERED` while that is not known yet,
    /// 0 for what every installation is born with.
    pub version: u64,
    pub archived: bool,
    pub fields: Fields,
}

/// The version of a record that was written but has not got its number yet.
pub const UNNUMBERED: u64 = i64::MAX.unsigned_abs();

impl Record {
    /// The typed view of its fields. Unknown fields are simply not in the view.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(MapDeserializer::new(self.fields.iter().map(|(name, value)| (name.as_str(), value))))
    }

    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    #[must_use]
    pub fn reference(&self, field: &str) -> Option<Uuid> {
        self.text(field).and_then(|text| text.parse::<Ref>().ok()).map(|of| of.id)
    }

    /// The human key under which no other record of its kind may stand, folded.
    /// Archived records give their key free.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        if self.archived || self.alias_of().is_some() {
            return None;
        }
        let field = fields::key_field(self.of.kind)?;
        self.text(field).map(text::fold)
    }

    /// The record that won when two were merged into one.
    #[must_use]
    pub fn alias_of(&self) -> Option<Uuid> {
        self.reference("alias_of")
    }

    /// What it is called in lists: its name, else its key.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("name").or_else(|| fields::key_field(self.of.kind).and_then(|field| self.text(field))).unwrap_or("")
    }

    /// Its place in a tree, if its kind has one.
    #[must_use]
    pub fn parent(&self) -> Option<Uuid> {
        match self.of.kind {
            Kind::Barcode | Kind::Lot => self.reference("item"),
            _ => self.reference("parent"),
        }
    }

    /// The body that is stored, sent and hashed.
    #[must_use]
    pub fn body(&self) -> String {
        let archived = [("archived", &Value::Bool(true))];
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value));
        text::canonical_object(fields.chain(archived.into_iter().filter(|_| self.archived)))
    }

    /// The reverse of `body`.
    pub fn from_body(of: Ref, version: u64, body: &str) -> Result<Self, serde_json::Error> {
        let mut fields: Fields = serde_json::from_str(body)?;
        let archived = fields.remove("archived").is_some_and(|v| v == Value::Bool(true));
        Ok(Self { of, version, archived, fields })
    }
}
