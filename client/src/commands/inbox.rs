//! What waits for a person, and the answers. An answer is an action like any other: it works
//! offline and settles later.

use super::{
    save::{one, waiting},
    stock::Recorded,
};
use crate::{
    Engine, Failure,
    store::queries::{
        self,
        inbox::{self, InboxCard, InboxState},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use stillage_core::{
    action::{Keep, Resolve},
    id::InboxId,
    record::{Kind, Record, Ref, fields},
};
use ts_rs::TS;

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ListInbox {
    #[ts(inline)]
    pub state: InboxState,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[ts(type = "string")]
    pub id: InboxId,
    #[ts(type = "\"mine\" | \"theirs\" | \"value\" | \"recount\" | \"discard\"")]
    pub keep: Keep,
    /// The value to keep, when it is neither.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub value: Option<String>,
}

pub async fn list(engine: &Engine, args: ListInbox) -> Result<Vec<InboxCard>, Failure> {
    engine.read(move |conn| Ok(inbox::list(conn, args.state)?)).await
}

pub async fn resolve(engine: &Engine, args: Answer) -> Result<Recorded, Failure> {
    let id = args.id;
    let row = engine.read(move |conn| Ok(queries::record(conn, id)?)).await?;
    let value = match (args.keep, args.value) {
        (Keep::Value, Some(text)) => typed(row.as_ref(), &text),
        (Keep::Value, None) => return Err(Failure::bad_input("Say which value to keep.")),
        _ => Value::Null,
    };
    let action = Resolve { inbox: args.id, keep: args.keep, value };
    Ok(waiting(one(engine, action.into()).await?))
}

/// A value arrives as text; a field that holds a number, a flag or a list gets it as that.
fn typed(row: Option<&Record>, text: &str) -> Value {
    let subject = row.and_then(|row| row.text("subject")).and_then(|id| id.parse::<Ref>().ok());
    let field = row.and_then(|row| row.text("field"));
    let (Some(Ref { kind, .. }), Some(field)) = (subject, field) else { return json!(text) };
    let fits = |value: &Value| kind != Kind::Inbox && fields::check(kind, field, value).is_ok();
    match serde_json::from_str::<Value>(text) {
        Ok(value) if !fits(&json!(text)) && fits(&value) => value,
        _ => json!(text),
    }
}
