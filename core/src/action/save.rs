//! A record is made or edited by a patch: per field, what the person saw and what they want.

use crate::{
    decide::{Context, Door, Draft, Effects, InboxKind, missing, read},
    facts::{Facts, Needs},
    id::LocationId,
    record::{
        Fields, Kind, Location, LocationRole, Record, Ref, UNNUMBERED, fields,
        fields::Shape,
        merge::{FieldChange, merge, set},
    },
    rejection::{FieldProblem, Rejection},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Fields that no patch may carry: they follow from other things.
pub const RESERVED: &[&str] = &["archived", "alias_of", "site", "changed_by", "changed_at"];
/// How deep a tree may be.
const DEPTH: usize = 32;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Save {
    pub record: Ref,
    /// The record is new.
    #[serde(default)]
    pub create: bool,
    /// The version the person saw; 0 for none.
    #[serde(default)]
    pub base_version: u64,
    /// For programs: refuse unless the record still has this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
    pub patch: Vec<FieldChange>,
}

impl Save {
    pub(super) fn needs(&self, facts: &Facts) -> Needs {
        let mut needs = Needs::default();
        needs.record(self.record);
        for change in &self.patch {
            needs.records.extend(referenced(self.record.kind, change));
        }
        // A parent names its parent, and so on: the way up is read to see that it has no loop.
        for up in self.way_up(facts) {
            needs.record(up);
        }
        if let Some(key) = self.wanted_key() {
            needs.keys.insert((self.record.kind, key));
        }
        needs
    }

    fn wanted_key(&self) -> Option<String> {
        let name = fields::key_field(self.record.kind)?;
        let change = self.patch.iter().find(|change| change.field == name)?;
        change.value.as_str().map(crate::text::fold).filter(|key| !key.is_empty())
    }

    /// The new parent and every record above it that the facts know of.
    fn way_up(&self, facts: &Facts) -> Vec<Ref> {
        let mut way = Vec::new();
        let mut next = self
            .patch
            .iter()
            .find(|change| change.field == "parent")
            .and_then(|change| change.value.as_str())
            .and_then(|text| text.parse::<Ref>().ok());
        while let Some(of) = next.filter(|of| !way.contains(of) && way.len() < DEPTH) {
            way.push(of);
            next = facts.record(of).and_then(Record::parent).map(|id| Ref { kind: of.kind, id });
        }
        way
    }

    pub(super) fn decide(&self, context: &Context, facts: &Facts) -> Result<Effects, Rejection> {
        let patch = self.checked(facts)?;
        let current = self.current(context, facts)?;
        let existed = facts.record(self.record).is_some();
        let mut merged = merge(&current, &patch);
        let mut effects = Effects::default();
        if existed && context.door == Door::Direct {
            fixed(&current, &merged.fields)?;
        }
        let by_other = current.reference("changed_by") != context.person.map(|person| person.0);
        let moved_on = existed && by_other && self.base_version > 0 && self.base_version != current.version;
        effects.merged = moved_on || !merged.conflicts.is_empty();
        effects.inbox.extend(
            merged
                .conflicts
                .drain(..)
                .filter(|_| !seeded!(ConflictNotInInbox))
                .map(|conflict| Draft::conflict(&current, conflict)),
        );
        if existed && !merged.changed {
            return Ok(effects);
        }
        let mut record = Record { fields: merged.fields, version: UNNUMBERED, ..current.clone() };
        // One that lost its key to another goes on without; what was edited elsewhere before that was known still counts.
        if context.door == Door::Direct || !existed {
            fields::check_complete(&record)?;
        }
        self.place_in_tree(facts, &current, &mut record)?;
        claim_key(context, facts, &current, &mut record, &mut effects)?;
        sign(context, &mut record);
        effects.records.push(record);
        Ok(effects)
    }

    fn checked(&self, facts: &Facts) -> Result<Vec<FieldChange>, Rejection> {
        let kind = self.record.kind;
        if matches!(kind, Kind::Person | Kind::Device | Kind::Inbox) {
            return Err(Rejection::NotEditable { subject: self.record });
        }
        let mut patch = Vec::with_capacity(self.patch.len());
        for change in &self.patch {
            if RESERVED.contains(&change.field.as_str()) {
                let problem = FieldProblem::Fixed;
                return Err(Rejection::Field { kind, field: change.field.clone(), problem });
            }
            let value = fields::check(kind, &change.field, &change.value)?;
            if let Some(of) = referenced(kind, change)
                && facts.record(of).is_none()
            {
                return Err(missing(facts, of));
            }
            patch.push(FieldChange { value, ..change.clone() });
        }
        Ok(patch)
    }

    fn current(&self, context: &Context, facts: &Facts) -> Result<Record, Rejection> {
        let Some(current) = facts.record(self.record) else {
            if !self.create {
                return Err(missing(facts, self.record));
            }
            return Ok(Record { of: self.record, version: UNNUMBERED, archived: false, fields: Fields::new() });
        };
        if current.archived && seeded!(TombstoneEdited) {
            return Ok(Record { archived: false, ..current.clone() });
        }
        if current.archived {
            return Err(Rejection::Archived { subject: self.record });
        }
        if current.text("role") == Some("virtual") {
            return Err(Rejection::NotEditable { subject: self.record });
        }
        match self.expected_version {
            Some(expected) if expected != current.version && context.door == Door::Direct => {
                Err(Rejection::VersionConflict { subject: self.record, expected, current: current.version })
            }
            _ => Ok(current.clone()),
        }
    }

    /// No record stands under itself, and a location stays in the site where it was made.
    fn place_in_tree(&self, facts: &Facts, current: &Record, record: &mut Record) -> Result<(), Rejection> {
        if self.way_up(facts).contains(&self.record) {
            return Err(Rejection::TreeLoop { subject: self.record });
        }
        if record.of.kind != Kind::Location {
            return Ok(());
        }
        let stays = record.parent() == current.parent() && record.text("role") == current.text("role");
        if stays && current.fields.contains_key("site") {
            return Ok(());
        }
        let view: Location = read(record)?;
        let refuse =
            |field: &str, problem| Err(Rejection::Field { kind: Kind::Location, field: field.to_owned(), problem });
        let site = match (view.role, view.parent) {
            (LocationRole::Virtual, _) => return refuse("role", FieldProblem::NotAChoice),
            (LocationRole::Site, None) => LocationId(record.of.id),
            (LocationRole::Site, Some(_)) => return refuse("parent", FieldProblem::OutOfRange),
            (LocationRole::Storage, None) => return refuse("parent", FieldProblem::Missing),
            (LocationRole::Storage, Some(parent)) => {
                let above = facts.record(parent).ok_or_else(|| missing(facts, parent.into()))?;
                let site = above.reference("site");
                LocationId(site.ok_or(Rejection::LocationNotStorable { location: parent })?)
            }
        };
        if current.reference("site").is_some_and(|old| old != site.0) {
            return Err(Rejection::OtherSite { location: LocationId(record.of.id) });
        }
        record.fields.insert("site".into(), json!(site));
        Ok(())
    }
}

/// The record a patch points at, if its field points at one.
fn referenced(kind: Kind, change: &FieldChange) -> Option<Ref> {
    let field = fields::fields(kind).iter().find(|field| field.name == change.field)?;
    match field.shape {
        Shape::Of(_) => change.value.as_str()?.parse().ok(),
        _ => None,
    }
}

/// What the ledger of an item is written in does not change under it.
fn fixed(current: &Record, fields: &Fields) -> Result<(), Rejection> {
    let names: &[&str] = match current.of.kind {
        Kind::Item => &["base_unit", "tracking"],
        Kind::Barcode | Kind::Lot => &["item"],
        Kind::Location => &["role"],
        _ => &[],
    };
    for name in names {
        let old = current.fields.get(*name).filter(|value| !value.is_null());
        if old.is_some_and(|old| fields.get(*name) != Some(old)) {
            return Err(Rejection::Field {
                kind: current.of.kind,
                field: (*name).to_owned(),
                problem: FieldProblem::Fixed,
            });
        }
    }
    Ok(())
}

/// Who did it, and when: what the other side of a conflict is told.
pub(super) fn sign(context: &Context, record: &mut Record) {
    set(&mut record.fields, "changed_by", json!(context.person));
    set(&mut record.fields, "changed_at", json!(context.at));
}

/// Takes the record's key, unless another holds it. Somebody who waits for the answer is refused;
/// what happened elsewhere already is accepted without the key, and its author is asked.
pub(super) fn claim_key(
    context: &Context,
    facts: &Facts,
    current: &Record,
    record: &mut Record,
    effects: &mut Effects,
) -> Result<(), Rejection> {
    let (Some(key), Some(name)) = (record.key(), fields::key_field(record.of.kind)) else { return Ok(()) };
    if current.key().as_ref() == Some(&key) {
        return Ok(());
    }
    let Some(holder) =
        facts.holder(record.of.kind, &key).filter(|holder| *holder != record.of && !seeded!(TakenKeyAccepted))
    else {
        return Ok(());
    };
    if context.door == Door::Direct {
        return Err(Rejection::KeyTaken { kind: record.of.kind, key, holder });
    }
    let kind = if record.of.kind == Kind::Barcode { InboxKind::BarcodeTaken } else { InboxKind::SkuTaken };
    let mut draft = Draft::new(kind, Some(record.of));
    draft.field = Some(name.to_owned());
    draft.mine = record.fields.get(name).cloned().unwrap_or(Value::Null);
    draft.theirs = json!(holder);
    effects.inbox.push(draft);
    effects.merged = true;
    // A renamed record falls back to the key it had; a new one stands without.
    set(&mut record.fields, name, current.fields.get(name).cloned().unwrap_or(Value::Null));
    if current.archived {
        set(&mut record.fields, name, Value::Null);
    }
    Ok(())
}
