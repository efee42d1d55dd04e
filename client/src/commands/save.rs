//! Saving and archiving records of any kind. A caller gives only the new values; what each field
//! held before is read here, so that an edit made elsewhere meanwhile can be merged field by field.

use super::stock::{Recorded, RecordedState};
use crate::{Engine, Failure, store::queries};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stillage_core::{
    action::{self, Action},
    record::{Kind, Record, Ref, UNNUMBERED, merge::FieldChange},
};
use ts_rs::TS;

/// New values of some fields. Without an id it is a new record.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Save {
    #[serde(default)]
    #[ts(optional = nullable)]
    pub id: Option<String>,
    #[ts(type = "Record<string, unknown>")]
    pub fields: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    pub id: String,
    /// False brings it back.
    pub archived: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Saved {
    #[serde(flatten)]
    pub recorded: Recorded,
    pub id: String,
}

pub async fn save(engine: &Engine, kind: Kind, args: Save) -> Result<Saved, Failure> {
    let of = match &args.id {
        Some(id) => Some(reference(kind, id)?),
        None => None,
    };
    let new = Ref { kind, id: engine.mint().id() };
    let action = engine
        .read(move |conn| match of {
            Some(of) => patch(kind, of, queries::record(conn, of)?.as_ref(), args.fields),
            None => patch(kind, new, None, args.fields),
        })
        .await?;
    let of = of.unwrap_or(new);
    let change_id = one(engine, action.into()).await?;
    Ok(Saved { recorded: waiting(change_id), id: of.to_string() })
}

pub async fn archive(engine: &Engine, kind: Kind, args: Archive) -> Result<Recorded, Failure> {
    let record = reference(kind, &args.id)?;
    let action = action::Archive { record, archived: args.archived, expected_version: None };
    Ok(waiting(one(engine, action.into()).await?))
}

/// Does one action; the id of its change.
pub(super) async fn one(engine: &Engine, action: Action) -> Result<String, Failure> {
    let acted = engine.act(vec![action]).await?;
    let acted = acted.first().ok_or_else(|| Failure::internal("an action was recorded without a change"))?;
    Ok(acted.change_id.to_string())
}

pub(super) fn waiting(change_id: String) -> Recorded {
    Recorded { change_id, state: RecordedState::Waiting, on_hand: None }
}

/// An id as text, of the kind that is expected.
pub(super) fn reference(kind: Kind, id: &str) -> Result<Ref, Failure> {
    match id.parse::<Ref>() {
        Ok(of) if of.kind == kind => Ok(of),
        _ => Err(Failure::bad_input(format!("{id:?} is not the id of a {kind}."))
            .with(json!({ "expected": format!("{}_018f…", kind.prefix()), "got": id }))),
    }
}

/// The patch that brings a record, as it stands now, to these values.
pub fn patch(kind: Kind, of: Ref, now: Option<&Record>, fields: Map<String, Value>) -> Result<action::Save, Failure> {
    let mut fields = fields;
    if kind == Kind::Location {
        place(&mut fields, now.is_none());
    }
    let held = |name: &str| now.and_then(|record| record.fields.get(name)).cloned().unwrap_or(Value::Null);
    let patch: Vec<FieldChange> = fields
        .into_iter()
        .map(|(field, value)| FieldChange { base: held(&field), value, field })
        .filter(|change| change.base != change.value)
        .collect();
    let base_version = now.map_or(0, |record| record.version);
    Ok(action::Save {
        record: of,
        create: now.is_none(),
        base_version: if base_version == UNNUMBERED { 0 } else { base_version },
        expected_version: None,
        patch,
    })
}

/// The site of a location follows from its parent; one without a parent is a site.
fn place(fields: &mut Map<String, Value>, is_new: bool) {
    fields.remove("site");
    let has_parent = fields.get("parent").is_some_and(|parent| !parent.is_null());
    if is_new && !fields.contains_key("role") {
        fields.insert("role".into(), json!(if has_parent { "storage" } else { "site" }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn only_what_differs_is_in_the_patch_with_what_was_there() {
        let of = Ref { kind: Kind::Item, id: uuid::Uuid::nil() };
        let record = Record {
            of,
            version: 7,
            archived: false,
            fields: fields(json!({"sku": "A", "name": "Bolt"})).into_iter().collect(),
        };
        let save = patch(Kind::Item, of, Some(&record), fields(json!({"sku": "A", "name": "Nut"}))).unwrap();
        assert!(!save.create);
        assert_eq!(save.base_version, 7);
        assert_eq!(save.patch, [FieldChange { field: "name".into(), base: json!("Bolt"), value: json!("Nut") }]);
    }

    #[test]
    fn a_new_location_without_a_parent_is_a_site() {
        let of = Ref { kind: Kind::Location, id: uuid::Uuid::nil() };
        let save = patch(Kind::Location, of, None, fields(json!({"code": "MAIN", "site": "x"}))).unwrap();
        let names: Vec<&str> = save.patch.iter().map(|change| change.field.as_str()).collect();
        assert_eq!(names, ["code", "role"]);
        assert_eq!(save.patch[1].value, "site");
    }
}
