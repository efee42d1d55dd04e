//! The list of everything a person can do. Each verb is one file with its data, what it needs to
//! know, and what it does; to add one, write that file and its arm here.

mod adjust;
mod archive;
mod count;
mod issue;
mod receive;
mod resolve;
mod reverse;
mod save;
mod transfer;

pub use adjust::Adjust;
pub use archive::Archive;
pub use count::Count;
pub use issue::Issue;
pub use receive::Receive;
pub use resolve::{Keep, Resolve, joinable};
pub use reverse::Reverse;
pub use save::{RESERVED, Save};
pub use transfer::Transfer;

use crate::{
    decide::{Context, Effects},
    facts::{Facts, Needs},
    record::Ref,
    rejection::Rejection,
};
use serde::{Deserialize, Serialize};

macro_rules! actions {
    ($($variant:ident = $kind:literal;)*) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "do")]
        pub enum Action {
            $(#[serde(rename = $kind)] $variant($variant),)*
        }

        impl Action {
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind),* }
            }

            /// Rows this action must see, as far as the facts at hand tell. Asked again until the
            /// facts answer everything: a reversal names a movement, which names its cells.
            #[must_use]
            pub fn needs(&self, facts: &Facts) -> Needs {
                match self { $(Self::$variant(verb) => verb.needs(facts)),* }
            }

            /// What it does, or why not. Pure: the device and the server ask the same question.
            pub fn decide(&self, context: &Context, facts: &Facts) -> Result<Effects, Rejection> {
                match self { $(Self::$variant(verb) => verb.decide(context, facts)),* }
            }
        }

        $(impl From<$variant> for Action {
            fn from(verb: $variant) -> Self {
                Self::$variant(verb)
            }
        })*
    };
}

actions! {
    Receive = "stock.receive";
    Issue = "stock.issue";
    Transfer = "stock.transfer";
    Adjust = "stock.adjust";
    Reverse = "stock.reverse";
    Count = "stock.count";
    Save = "record.save";
    Archive = "record.archive";
    Resolve = "inbox.resolve";
}

impl Action {
    /// The record this action would bring into being, if it does.
    #[must_use]
    pub const fn creates(&self) -> Option<Ref> {
        match self {
            Self::Save(save) if save.create => Some(save.record),
            _ => None,
        }
    }

    /// What the action is about: what an inbox row about it points at.
    #[must_use]
    pub fn subject(&self) -> Option<Ref> {
        match self {
            Self::Receive(verb) => Some(verb.item.into()),
            Self::Issue(verb) => Some(verb.item.into()),
            Self::Transfer(verb) => Some(verb.item.into()),
            Self::Adjust(verb) => Some(verb.item.into()),
            Self::Count(verb) => Some(verb.item.into()),
            Self::Reverse(_) => None,
            Self::Save(verb) => Some(verb.record),
            Self::Archive(verb) => Some(verb.record),
            Self::Resolve(verb) => Some(verb.inbox.into()),
        }
    }
}
