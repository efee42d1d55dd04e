//! What waits for a person, in a form that can be read aloud: what was there, what I wanted, what
//! somebody else did. An answer given here and not yet settled hides its card like a settled one.

use super::{
    all,
    close_count::{self, CloseCount},
    deed::{Deed, deed},
    field_value::{FieldOf, FieldValue},
    labels::Labels,
    people::People,
    rfc3339,
    taken::{self, Taken},
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stillage_core::{
    action::{Action, Keep},
    decide::InboxKind,
    id::PersonId,
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
    pub base: Option<FieldValue>,
    /// The value this person wanted a field to have.
    pub mine: Option<FieldValue>,
    pub theirs: Option<FieldValue>,
    /// The name of a person.
    pub theirs_by: Option<String>,
    pub theirs_at: Option<String>,
    /// What the person wanted to do, on cards about a change that was not done; null where a newer
    /// version made it.
    #[ts(optional = false)]
    pub deed: Option<Deed>,
    /// Who is between, on cards about a SKU, code or barcode that was taken.
    #[ts(optional = false)]
    pub taken: Option<Taken>,
    /// On cards about a count and a movement that no clock could tell apart.
    #[ts(optional = false)]
    pub close: Option<CloseCount>,
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
        let of = row.text("subject").and_then(|text| text.parse::<Ref>().ok());
        let subject = match of {
            Some(of) => Some(Subject { kind: of.kind.to_string(), id: of.to_string(), label: self.labels.name(of)? }),
            None => None,
        };
        let details = match stored("details") {
            Value::Null => Value::Object(Map::new()),
            details => details,
        };
        let (close, mover) = match kind {
            InboxKind::AmbiguousCount => close_count::read(self.conn, &mut self.labels, of, &details)?,
            _ => (None, None),
        };
        let theirs_by = match row.reference("theirs_by").map(PersonId).or(mover) {
            Some(id) => self.people.name(self.conn, id)?,
            None => None,
        };
        let field = of.map(|of| FieldOf { of, name: row.text("field").unwrap_or_default() });
        let undone = matches!(kind, InboxKind::Rejected | InboxKind::Parked | InboxKind::ArchivedEdit);
        let deed = if undone { self.deed(&stored("mine"))? } else { None };
        let mine = if undone { None } else { self.value(field, &stored("mine"))? };
        let taken = match of {
            Some(of) if is_taken(kind) => taken::between(self.conn, &mut self.labels, of, row.text("theirs"))?,
            _ => None,
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
            base: self.value(field, &stored("base"))?,
            mine,
            theirs: if is_taken(kind) { None } else { self.value(field, &stored("theirs"))? },
            theirs_by,
            theirs_at: time("theirs_at"),
            deed,
            code: row.text("code").map(str::to_owned),
            details,
            keeps: if state == InboxState::Open { keeps(kind, field, taken.as_ref()) } else { Vec::new() },
            taken,
            close,
        }))
    }

    /// A value of a field; a row that names no record has none.
    fn value(&mut self, field: Option<FieldOf<'_>>, value: &Value) -> rusqlite::Result<Option<FieldValue>> {
        field.map_or(Ok(None), |field| field.value(self.conn, &mut self.labels, value))
    }

    fn deed(&mut self, change: &Value) -> rusqlite::Result<Option<Deed>> {
        let action = change.get("action").cloned().map(serde_json::from_value::<Action>);
        action.and_then(Result::ok).map(|action| deed(self.conn, &mut self.labels, &action)).transpose()
    }
}

const fn is_taken(kind: InboxKind) -> bool {
    matches!(kind, InboxKind::SkuTaken | InboxKind::BarcodeTaken)
}

/// The answers that a person can give: a value of their own only where one can be typed, and one
/// item made of two only where their stock can be added up.
fn keeps(kind: InboxKind, field: Option<FieldOf<'_>>, taken: Option<&Taken>) -> Vec<Keep> {
    let about_item = field.is_some_and(|field| field.of.kind == Kind::Item);
    let fits = |keep: &Keep| match (kind, *keep) {
        (InboxKind::Conflict, Keep::Value) => field.is_some_and(FieldOf::is_typed),
        (InboxKind::SkuTaken, Keep::Theirs) if about_item => taken.is_some_and(|taken| taken.joins),
        _ => true,
    };
    Keep::offered(kind).iter().copied().filter(fits).collect()
}
