//! What waits for a person, in a form that can be read aloud: what was there, what I wanted, what
//! somebody else did. An answer given here and not yet settled hides its card like a settled one.

use super::{
    all,
    deed::{Deed, deed},
    labels::Labels,
    people::People,
    rfc3339,
};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stillage_core::{
    action::{Action, Keep},
    decide::InboxKind,
    id::{MovementId, PersonId},
    record::{Kind, Record, Ref},
};
use ts_rs::TS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum InboxState {
    Open,
    Resolved,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Subject {
    pub kind: String,
    pub id: String,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct InboxCard {
    pub id: String,
    /// The change that led to it.
    pub change: Option<String>,
    #[ts(type = "InboxKind")]
    pub kind: InboxKind,
    #[ts(inline)]
    pub state: InboxState,
    /// When it came up on the server.
    pub at: String,
    /// When the person acted on the device.
    pub acted_at: Option<String>,
    #[ts(inline)]
    pub subject: Option<Subject>,
    pub field: Option<String>,
    pub base: Option<String>,
    /// The value this person wanted a field to have.
    pub mine: Option<String>,
    pub theirs: Option<String>,
    /// The name of a person.
    pub theirs_by: Option<String>,
    pub theirs_at: Option<String>,
    /// What the person wanted to do, on cards about a change that was not done; null where a newer
    /// version made it.
    #[ts(optional = false)]
    pub deed: Option<Deed>,
    /// The code of a rejection.
    pub code: Option<String>,
    #[ts(type = "Record<string, unknown>")]
    pub details: Value,
    /// What it can be answered with.
    #[ts(type = "(\"mine\" | \"theirs\" | \"value\" | \"recount\" | \"discard\")[]")]
    pub keeps: Vec<Keep>,
}

/// Newest first.
pub fn list(conn: &Connection, state: InboxState) -> rusqlite::Result<Vec<InboxCard>> {
    let mut rows: Vec<(i64, Record)> = all(conn, Kind::Inbox)?
        .into_iter()
        .filter(|row| state_of(row) == state)
        .map(|row| (row.fields.get("at").and_then(Value::as_i64).unwrap_or(0), row))
        .collect();
    rows.sort_by_key(|(at, row)| (std::cmp::Reverse(*at), row.of));
    let mut looking = Looking { conn, labels: Labels::new(conn), people: People::default() };
    rows.iter().filter_map(|(_, row)| looking.card(row).transpose()).collect()
}

/// How many wait.
pub fn open(conn: &Connection) -> rusqlite::Result<u32> {
    let sql = "SELECT count(*) FROM record_now WHERE kind = 'inbox' AND json_extract(body, '$.state') = 'open'";
    conn.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

fn state_of(row: &Record) -> InboxState {
    if row.text("state") == Some("open") { InboxState::Open } else { InboxState::Resolved }
}

struct Looking<'c> {
    conn: &'c Connection,
    labels: Labels<'c>,
    people: People,
}

impl Looking<'_> {
    /// A row of a kind this version does not know has no card.
    fn card(&mut self, row: &Record) -> rusqlite::Result<Option<InboxCard>> {
        let stored = |name: &str| row.fields.get(name).cloned().unwrap_or(Value::Null);
        let Ok(kind) = serde_json::from_value::<InboxKind>(stored("kind")) else { return Ok(None) };
        let state = state_of(row);
        let time = |name: &str| row.fields.get(name).and_then(Value::as_i64).map(rfc3339);
        let subject = row.text("subject").and_then(|text| text.parse::<Ref>().ok());
        let subject = match subject {
            Some(of) => Some(Subject { kind: of.kind.to_string(), id: of.to_string(), label: self.labels.name(of)? }),
            None => None,
        };
        let details = match stored("details") {
            Value::Null => Value::Object(Map::new()),
            details => details,
        };
        let theirs_by = match row.reference("theirs_by").map(PersonId) {
            None if kind == InboxKind::AmbiguousCount => self.mover(&details)?,
            by => by,
        };
        let theirs_by = match theirs_by {
            Some(id) => self.people.name(self.conn, id)?,
            None => None,
        };
        let undone = matches!(kind, InboxKind::Rejected | InboxKind::Parked | InboxKind::ArchivedEdit);
        let (mine, deed) = match stored("mine") {
            change if undone => (None, self.deed(&change)?),
            value => (self.words(&value)?, None),
        };
        Ok(Some(InboxCard {
            id: row.of.to_string(),
            change: row.text("change").map(str::to_owned),
            kind,
            state,
            at: time("at").unwrap_or_default(),
            acted_at: time("acted_at"),
            subject,
            field: row.text("field").map(str::to_owned),
            base: self.words(&stored("base"))?,
            mine,
            theirs: self.words(&stored("theirs"))?,
            theirs_by,
            theirs_at: time("theirs_at"),
            deed,
            code: row.text("code").map(str::to_owned),
            details,
            keeps: if state == InboxState::Open { Keep::offered(kind).to_vec() } else { Vec::new() },
        }))
    }

    /// Who made the movement that is in question, where this device holds it.
    fn mover(&self, details: &Value) -> rusqlite::Result<Option<PersonId>> {
        let named = details.get("movement").and_then(Value::as_str).map(str::parse::<MovementId>);
        let Some(Ok(movement)) = named else { return Ok(None) };
        let sql = "SELECT json_extract(body, '$.person') FROM movement WHERE id = ?1";
        let person: Option<Option<String>> =
            self.conn.prepare_cached(sql)?.query_row([movement.0], |row| row.get(0)).optional()?;
        Ok(person.flatten().and_then(|id| id.parse().ok()))
    }

    /// A value as text: a record by its name.
    fn words(&mut self, value: &Value) -> rusqlite::Result<Option<String>> {
        Ok(match value {
            Value::Null => None,
            Value::String(text) => match text.parse::<Ref>() {
                Ok(of) => Some(self.labels.name(of)?),
                Err(_) => Some(text.clone()),
            },
            Value::Array(parts) => {
                let mut words = Vec::new();
                for part in parts {
                    words.extend(self.words(part)?);
                }
                Some(words.join(", "))
            }
            other => Some(other.to_string()),
        })
    }

    fn deed(&mut self, change: &Value) -> rusqlite::Result<Option<Deed>> {
        let action = change.get("action").cloned().map(serde_json::from_value::<Action>);
        action.and_then(Result::ok).map(|action| deed(self.conn, &mut self.labels, &action)).transpose()
    }
}
