//! A scope is a stream of records with a gapless head: the catalogue, one per site, one per
//! person's inbox. A device holds only the scopes its person may see.

use crate::{
    id::{LocationId, PersonId},
    record::{Kind, Record},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Catalogue,
    Site(LocationId),
    Inbox(PersonId),
}

impl Scope {
    /// The scope a record lives in. An inbox row without a person belongs to nobody's stream.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        match record.of.kind {
            Kind::Inbox => record.reference("person").map_or(Self::Catalogue, |id| Self::Inbox(PersonId(id))),
            _ => Self::Catalogue,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalogue => f.write_str("catalogue"),
            Self::Site(site) => write!(f, "site:{site}"),
            Self::Inbox(person) => write!(f, "inbox:{person}"),
        }
    }
}

impl FromStr for Scope {
    type Err = crate::id::IdFault;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "catalogue" => Ok(Self::Catalogue),
            Some(("site", id)) => id.parse().map(Self::Site),
            Some(("inbox", id)) => id.parse().map(Self::Inbox),
            _ => Err(crate::id::IdFault { expected: "scope", got: text.chars().take(64).collect() }),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
