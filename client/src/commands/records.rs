//! Many records at once, for programs that load a catalogue: one transaction, all or nothing.

use super::{
    save::{self, reference},
    stock::{Recorded, waiting_all},
};
use crate::{Engine, Failure, store::queries};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stillage_core::{
    action::Action,
    record::{Kind, Ref},
};
use ts_rs::TS;

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Records {
    pub records: Vec<NewRecord>,
}

/// With an id that is not known yet, the record is made under it: so records can name each other.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewRecord {
    #[ts(type = "string")]
    pub kind: Kind,
    #[serde(default)]
    #[ts(optional = nullable)]
    pub id: Option<String>,
    #[ts(type = "Record<string, unknown>")]
    pub fields: Map<String, Value>,
}

/// In the order in which they were given.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Imported {
    pub ids: Vec<String>,
    pub recorded: Vec<Recorded>,
}

pub async fn import(engine: &Engine, args: Records) -> Result<Imported, Failure> {
    let mut wanted = Vec::with_capacity(args.records.len());
    for (index, record) in args.records.into_iter().enumerate() {
        let of = match &record.id {
            Some(id) => reference(record.kind, id).map_err(|failure| failure.with(json!({ "record": index })))?,
            None => Ref { kind: record.kind, id: engine.mint().id() },
        };
        wanted.push((of, record.fields));
    }
    let ids = wanted.iter().map(|(of, _)| of.to_string()).collect();
    let actions = engine
        .read(move |conn| {
            wanted
                .into_iter()
                .map(|(of, fields)| {
                    let now = queries::record(conn, of)?;
                    save::patch(of.kind, of, now.as_ref(), fields).map(Action::from)
                })
                .collect::<Result<Vec<Action>, Failure>>()
        })
        .await?;
    let acted = engine.act(actions).await?;
    Ok(Imported { ids, recorded: waiting_all(&acted) })
}
