//! What waits for a person: rejections, conflicts, what needs a look.

use super::{
    fault::Result,
    node::Versioned,
    others::{Person, record_of},
    scalars::{DateTime, Seq},
};
use async_graphql::{ComplexObject, Context, Enum, ID, Json, SimpleObject};
use serde_json::Value;
use stillage_core::{
    action::Keep,
    decide,
    id::PersonId,
    record::{Kind, Record, Ref},
};

/// Why a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "decide::InboxKind")]
pub enum InboxKind {
    /// Two values for one field.
    Conflict,
    Rejected,
    Parked,
    SkuTaken,
    BarcodeTaken,
    /// A cell went below zero.
    Negative,
    /// An edit of a record that had been archived.
    ArchivedEdit,
    /// A serial that came in is booked at another place.
    SerialElsewhere,
    /// A count and a movement of its cell that no clock could tell apart: `MINE` keeps the order they are booked in,
    /// `THEIRS` turns it round.
    AmbiguousCount,
}

/// How a row is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "stillage_core::action::Keep")]
pub enum InboxAnswer {
    /// The value of whoever was asked.
    Mine,
    /// What stands.
    Theirs,
    /// Another one, given as `value`.
    Value,
    Recount,
    Discard,
}

/// One thing that waits for a person, or did.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct InboxRow {
    pub id: ID,
    pub version: Seq,
    pub archived: bool,
    /// Null for a kind that this version does not know.
    pub kind: Option<InboxKind>,
    /// Whether it was answered.
    pub resolved: bool,
    /// How it can be answered.
    pub offered: Vec<InboxAnswer>,
    pub answer: Option<String>,
    /// When the server wrote it.
    pub at: Option<DateTime>,
    /// The field two people gave different values.
    pub field: Option<String>,
    pub base: Option<Json<Value>>,
    pub mine: Option<Json<Value>>,
    pub theirs: Option<Json<Value>>,
    /// A code of the list of errors, for what was rejected.
    pub code: Option<String>,
    pub details: Option<Json<Value>>,
    #[graphql(skip)]
    record: Record,
}

impl From<Record> for InboxRow {
    fn from(record: Record) -> Self {
        let text = |name: &str| record.text(name).map(str::to_owned);
        let json = |name: &str| record.fields.get(name).filter(|value| !value.is_null()).cloned().map(Json);
        let kind: Option<decide::InboxKind> =
            record.fields.get("kind").and_then(|kind| serde_json::from_value(kind.clone()).ok());
        let offered = kind.map_or(&[] as &[Keep], Keep::offered);
        Self {
            id: record.of.to_string().into(),
            version: Seq(record.version),
            archived: record.archived,
            kind: kind.map(InboxKind::from),
            resolved: record.text("state") == Some("resolved"),
            offered: offered.iter().copied().map(InboxAnswer::from).collect(),
            answer: text("answer"),
            at: record.fields.get("at").and_then(Value::as_i64).map(DateTime),
            field: text("field"),
            base: json("base"),
            mine: json("mine"),
            theirs: json("theirs"),
            code: text("code"),
            details: json("details"),
            record,
        }
    }
}

impl InboxRow {
    /// Rows are read by the person they wait for.
    #[must_use]
    pub fn is_for(record: &Record, person: PersonId) -> bool {
        record.reference("person") == Some(person.0)
    }
}

#[ComplexObject]
impl InboxRow {
    /// Whom it waits for.
    async fn person(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        record_of(ctx, Kind::Person, self.record.reference("person")).await
    }

    /// What it is about.
    async fn subject(&self, ctx: &Context<'_>) -> Result<Option<Versioned>> {
        let subject = self.record.text("subject").and_then(|text| text.parse::<Ref>().ok());
        let Some(of) = subject else { return Ok(None) };
        Ok(super::loads(ctx)?.load_one(of).await?.and_then(Versioned::of))
    }
}
