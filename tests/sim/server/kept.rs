//! What a batch may not lose, looked at before it is kept: an edit and the value it meant to replace, the question when
//! a cell goes below zero, and the item that another was merged into.

use super::commit::Commit;
use crate::checks::Check;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use stillage_core::{
    action::{Action, Save},
    change::{Act, Outcome},
    id::ItemId,
    quantity::Quantity,
    record::{Kind, Record, Ref, merge::FieldChange},
    settle::{ChangeRow, LogRow, Writes},
    stock::MovementKind,
};

/// Who did it and when follows every edit; a key that is taken is asked about by itself.
const ELSEWHERE: [&str; 4] = ["changed_by", "changed_at", "sku", "code"];

impl Commit<'_> {
    pub(super) fn nothing_lost(&mut self, writes: &Writes) {
        if writes.changes.iter().any(|row| row.change.kind == "record.save") {
            self.edits(writes);
        }
        self.negatives(writes);
        self.aliases(writes);
    }

    /// Each edit beside what stood before it.
    fn edits(&mut self, writes: &Writes) {
        let mut states: BTreeMap<Ref, Record> = BTreeMap::new();
        for row in writes.changes.iter().filter(|row| !row.repeat) {
            let logged = writes.log.iter().filter(|logged| logged.change == row.change.id);
            let after: BTreeMap<Ref, Record> = logged.filter_map(read).collect();
            if let Some(save) = saved(row) {
                let stored = || self.server.book.records.get(&save.record).map(|record| record.as_ref().clone());
                if let Some(before) = states.get(&save.record).cloned().or_else(stored) {
                    let lost = lost(&save, &before, &after);
                    let what = || format!("{}: {lost:?} of {}", row.change.id, save.record);
                    self.checks.hold(Check::NothingOverwritten, lost.is_none(), what);
                }
            }
            states.extend(after);
        }
    }

    /// A counted cell is asked about otherwise: what was seen there cannot be less than nothing.
    fn negatives(&mut self, writes: &Writes) {
        for (cell, after) in writes.cells.iter().filter(|(_, after)| after.count.is_none()) {
            let location = self.server.book.records.get(&cell.location.into());
            let warns = location.is_some_and(|record| record.text("negative") == Some("warn"));
            let crossed = self.server.book.on_hand(cell) >= Quantity::ZERO && after.on_hand < Quantity::ZERO;
            if !warns || !crossed {
                continue;
            }
            let place = cell.location.to_string();
            let asks = |row: &LogRow| row.body.contains(r#""kind":"negative""#) && row.body.contains(&place);
            let asked = writes.log.iter().any(asks);
            self.checks.hold(Check::NegativesAreAsked, asked, || format!("{cell:?} holds {}", after.on_hand));
        }
    }

    /// What is taken back is taken back where it was booked.
    fn aliases(&mut self, writes: &Writes) {
        let moved = writes.movements.iter().filter(|m| m.id.0 == m.change.0 && m.kind != MovementKind::Reversal);
        let items: BTreeSet<ItemId> =
            moved.map(|movement| movement.item).chain(writes.counts.iter().map(|count| count.item)).collect();
        for item in items {
            let alias = self.server.book.records.get(&item.into()).and_then(|record| record.alias_of());
            self.checks.hold(Check::AliasesAreFollowed, alias.is_none(), || format!("{item} is another name now"));
        }
    }
}

fn read(row: &LogRow) -> Option<(Ref, Record)> {
    let of = row.record?;
    Some((of, Record::from_body(of, 0, &row.body).ok()?))
}

fn saved(row: &ChangeRow) -> Option<Save> {
    if row.change.kind != "record.save" || !matches!(row.result.outcome, Outcome::Applied | Outcome::Merged) {
        return None;
    }
    match row.change.read() {
        Ok(Act { action: Action::Save(save), .. }) => Some(save),
        _ => None,
    }
}

/// The first field in which somebody's word is gone.
fn lost(save: &Save, before: &Record, after: &BTreeMap<Ref, Record>) -> Option<String> {
    let now = after.get(&save.record).unwrap_or(before);
    let asked: BTreeSet<&str> =
        after.values().filter(|row| row.of.kind == Kind::Inbox).filter_map(|row| row.text("field")).collect();
    let held = |record: &Record, name: &str| record.fields.get(name).cloned().unwrap_or(Value::Null);
    let edited = save.patch.iter().filter(|change| !ELSEWHERE.contains(&change.field.as_str())).find(|change| {
        let name = change.field.as_str();
        !kept(change, &held(before, name), &held(now, name), asked.contains(name))
    });
    let other =
        |name: &&String| !ELSEWHERE.contains(&name.as_str()) && save.patch.iter().all(|change| change.field != **name);
    let untouched = before.fields.keys().filter(other).find(|name| held(before, name) != held(now, name));
    edited.map(|change| change.field.clone()).or_else(|| untouched.cloned())
}

/// Whether `now` is what must stand after an edit: the new value, if nobody else changed it, else the old one with a
/// question; of a list, what either added and nothing that either took away.
fn kept(change: &FieldChange, before: &Value, now: &Value, asked: bool) -> bool {
    let FieldChange { base, value: mine, .. } = change;
    if mine.is_array() || before.is_array() {
        let set = |value: &Value| -> BTreeSet<String> {
            value.as_array().into_iter().flatten().map(ToString::to_string).collect()
        };
        let (base, mine, before, now) = (set(base), set(mine), set(before), set(now));
        let all: BTreeSet<&String> = base.iter().chain(&mine).chain(&before).collect();
        let stands = |value: &String| {
            let (was, here, there) = (base.contains(value), mine.contains(value), before.contains(value));
            if was { here && there } else { here || there }
        };
        return all.into_iter().all(|value| now.contains(value) == stands(value));
    }
    if mine == base || mine == before {
        now == before
    } else if before == base {
        now == mine
    } else {
        now == before && asked
    }
}
