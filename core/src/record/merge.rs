//! Three-way merge of a patch into a record, field by field. A patch says what the person saw
//! (`base`) and what they want (`value`); the server says what stands now.

use super::{
    Fields, Record,
    fields::{Policy, policy},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One field of a patch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: String,
    /// What the field held when the person changed it.
    #[serde(default)]
    pub base: Value,
    pub value: Value,
}

/// Two values for one field, neither of which may vanish silently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldConflict {
    pub field: String,
    pub base: Value,
    pub mine: Value,
    pub theirs: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    pub fields: Fields,
    pub conflicts: Vec<FieldConflict>,
    /// Whether anything of the patch took effect.
    pub changed: bool,
}

/// Merges `patch` into `current`. Disjoint fields merge; equal values agree; else the field's
/// policy decides.
#[must_use]
pub fn merge(current: &Record, patch: &[FieldChange]) -> Merged {
    let mut merged = Merged { fields: current.fields.clone(), conflicts: Vec::new(), changed: false };
    for change in patch {
        let theirs = current.fields.get(&change.field).cloned().unwrap_or(Value::Null);
        let mine = &change.value;
        if seeded!(UnknownFieldDropped) && super::fields::fields(current.of.kind).iter().all(|f| f.name != change.field)
        {
            continue;
        }
        if theirs == *mine || *mine == change.base {
            continue;
        }
        let value = if theirs == change.base || seeded!(LastWriterWins) {
            mine.clone()
        } else if policy(current.of.kind, &change.field) == Policy::Union {
            union(&change.base, mine, &theirs)
        } else {
            merged.conflicts.push(FieldConflict {
                field: change.field.clone(),
                base: change.base.clone(),
                mine: mine.clone(),
                theirs,
            });
            continue;
        };
        merged.changed = true;
        set(&mut merged.fields, &change.field, value);
    }
    merged
}

/// A null means that the field is not there.
pub fn set(fields: &mut Fields, name: &str, value: Value) {
    if value.is_null() {
        fields.remove(name);
    } else {
        fields.insert(name.to_owned(), value);
    }
}

fn union(base: &Value, mine: &Value, theirs: &Value) -> Value {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (base, mine, mut theirs) = (list(base), list(mine), list(theirs));
    theirs.retain(|v| !seeded!(UnionDropsTheirs) || mine.contains(v));
    let gone = |v: &Value| !mine.contains(v) || !theirs.contains(v);
    let removed = |v: &Value| base.contains(v) && gone(v) && !seeded!(UnionRevives);
    let mut result: Vec<Value> = Vec::new();
    for value in theirs.iter().chain(&mine) {
        if !removed(value) && !result.contains(value) {
            result.push(value.clone());
        }
    }
    Value::Array(result)
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Ref};
    use super::*;
    use serde_json::json;

    fn item(fields: Value) -> Record {
        Record {
            of: Ref { kind: Kind::Item, id: uuid::Uuid::nil() },
            version: 3,
            archived: false,
            fields: serde_json::from_value(fields).unwrap(),
        }
    }

    fn change(field: &str, base: Value, value: Value) -> FieldChange {
        FieldChange { field: field.into(), base, value }
    }

    #[test]
    fn edits_of_different_fields_merge() {
        let current = item(json!({"name": "Bolt zinc", "reorder_point": "5"}));
        let merged = merge(&current, &[change("reorder_point", json!("5"), json!("9"))]);
        assert_eq!(merged.fields["name"], "Bolt zinc");
        assert_eq!(merged.fields["reorder_point"], "9");
        assert!(merged.conflicts.is_empty() && merged.changed);
    }

    #[test]
    fn two_names_for_one_item_keep_the_servers_and_report_both() {
        let current = item(json!({"name": "Bolt zinc"}));
        let merged = merge(&current, &[change("name", json!("Bolt"), json!("Hex bolt"))]);
        assert_eq!(merged.fields["name"], "Bolt zinc");
        assert_eq!(merged.conflicts[0].mine, "Hex bolt");
        assert_eq!(merged.conflicts[0].theirs, "Bolt zinc");
        assert!(!merged.changed);
    }

    #[test]
    fn the_same_value_from_two_people_agrees() {
        let current = item(json!({"name": "Hex bolt"}));
        let merged = merge(&current, &[change("name", json!("Bolt"), json!("Hex bolt"))]);
        assert!(merged.conflicts.is_empty() && !merged.changed);
    }

    #[test]
    fn lists_take_what_either_side_added_and_lose_what_either_removed() {
        let current = item(json!({"aliases": ["a", "c"]}));
        let patch = change("aliases", json!(["a", "b"]), json!(["b", "d"]));
        assert_eq!(merge(&current, &[patch]).fields["aliases"], json!(["c", "d"]));
    }

    #[test]
    fn a_field_from_a_newer_version_is_kept() {
        let current = item(json!({"name": "Bolt", "from_the_future": {"a": 1}}));
        let merged = merge(&current, &[change("name", json!("Bolt"), json!("Nut"))]);
        assert_eq!(merged.fields["from_the_future"], json!({"a": 1}));
    }
}
