//! Everything a batch leaves behind, ready to be written set-based. Log rows and records get
//! their numbers last: head + offset per scope, in the order they stand here.

use super::Push;
use crate::{
    change::{Change, ChangeResult, Digest, Outcome},
    decide::{Draft, Effects},
    facts::{Before, CellFacts, CostFacts, Facts},
    id::{ChangeId, DeviceId, InboxId, ItemId, PersonId},
    quantity::Quantity,
    record::{Fields, Kind, Record, Ref, UNNUMBERED},
    scope::Scope,
    stock::{Cell, Movement, MovementKind, PostedCount},
    wire::{Ack, entry},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a change's content is told by, and where its device's chain has come to with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) hash: Digest,
    pub(super) chain: Digest,
}

/// One change with its end, as the server keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRow {
    pub change: Change,
    pub device: DeviceId,
    /// What its content is told by.
    pub hash: Digest,
    pub chain: Digest,
    pub result: ChangeResult,
    pub creates: Option<Ref>,
    /// The id was known before: this row is only a link of the device's chain.
    pub repeat: bool,
    pub received_at: i64,
}

/// One row of a scope's log, before it has its number.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    pub scope: Scope,
    pub kind: &'static str,
    pub id: String,
    pub change: ChangeId,
    pub outcome: Outcome,
    pub body: String,
    /// The record that takes this row's number as its version.
    pub record: Option<Ref>,
    /// The movement that takes this row's number as its number in this scope.
    pub movement: Option<crate::id::MovementId>,
}

#[derive(Debug, Clone, Default)]
pub struct Writes {
    pub changes: Vec<ChangeRow>,
    pub movements: Vec<Movement>,
    pub counts: Vec<PostedCount>,
    pub log: Vec<LogRow>,
    pub devices: BTreeMap<DeviceId, Ack>,
    /// The last state of every record written; its number is that of its last log row.
    pub records: BTreeMap<Ref, Record>,
    /// The last state of every cell touched.
    pub cells: BTreeMap<Cell, CellFacts>,
    pub costs: BTreeMap<ItemId, CostFacts>,
    /// What stood where these write.
    pub before: Before,
}

impl Writes {
    /// A link of a device's chain whose change had been decided under another number.
    pub(super) fn repeat(&mut self, push: &Push, change: &Change, link: Link, result: &ChangeResult) {
        if seeded!(RepeatNotLinked) {
            return;
        }
        self.changes.push(ChangeRow {
            change: change.clone(),
            device: push.device.id,
            hash: link.hash,
            chain: link.chain,
            result: result.clone(),
            creates: None,
            repeat: true,
            received_at: push.received_at,
        });
    }

    pub(super) fn enter(
        &mut self,
        push: &Push,
        (change, link, creates): (&Change, Link, Option<Ref>),
        result: &ChangeResult,
        effects: Effects,
    ) {
        let by = (change.id, result.outcome);
        for record in effects.records {
            self.record(by, record);
        }
        for count in effects.counts {
            let scope = count.place.site.map(Scope::Site).filter(|_| !seeded!(CountNotTold));
            self.log(by, scope, (entry::COUNT, count.change.to_string(), count.body()));
            self.cells.entry(count.cell()).or_default();
            self.counts.push(count);
        }
        for movement in effects.movements {
            let body = movement.body();
            for scope in movement.scopes() {
                self.log(by, Some(scope), (entry::MOVEMENT, movement.id.to_string(), body.clone()));
                if let Some(row) = self.log.last_mut() {
                    row.movement = Some(movement.id);
                }
            }
            for line in movement.entries() {
                self.cells.entry(line.cell).or_default();
            }
            self.movements.push(movement);
        }
        self.changes.push(ChangeRow {
            change: change.clone(),
            device: push.device.id,
            hash: link.hash,
            chain: link.chain,
            result: result.clone(),
            creates,
            repeat: false,
            received_at: push.received_at,
        });
    }

    fn record(&mut self, by: (ChangeId, Outcome), record: Record) {
        self.log(by, Some(Scope::of(&record)), (entry::RECORD, record.of.to_string(), record.body()));
        if let Some(row) = self.log.last_mut() {
            row.record = Some(record.of);
        }
        self.records.insert(record.of, record);
    }

    fn log(
        &mut self,
        (change, outcome): (ChangeId, Outcome),
        scope: Option<Scope>,
        (kind, id, body): (&'static str, String, String),
    ) {
        let Some(scope) = scope else { return };
        self.log.push(LogRow { scope, kind, id, change, outcome, body, record: None, movement: None });
    }

    /// Everything that a parked change may have waited for, by its prefixed id (`awaited`).
    #[must_use]
    pub fn brought(&self) -> Vec<String> {
        if seeded!(NothingComesFree) {
            return Vec::new();
        }
        let ended = self.changes.iter().filter(|row| !row.repeat && row.result.outcome != Outcome::Parked);
        let ended = ended.flat_map(|row| [Some(row.change.id.to_string()), row.creates.map(|of| of.to_string())]);
        let records = self.records.keys().map(|of| Some(of.to_string()));
        let movements =
            self.movements.iter().flat_map(|moved| [Some(moved.id.to_string()), Some(moved.item.to_string())]);
        records.chain(movements).chain(ended).flatten().collect()
    }

    /// Takes the last state of what was touched, and carries the average costs on.
    pub(super) fn close(&mut self, facts: &mut Facts) {
        for (cell, state) in &mut self.cells {
            let known = facts.cell(cell);
            *state = CellFacts { tail: Vec::new(), tail_from: None, ..*known };
        }
        self.costs = carried_costs(&self.movements, facts);
        self.before = std::mem::take(&mut facts.before);
    }
}

/// An inbox row as it is written: whose it is, and when the server met what it is about. The id
/// follows from the change and the place among the rows it leads to.
#[must_use]
pub fn inbox_row(change: &Change, index: usize, draft: Draft, (person, at): (PersonId, i64)) -> Record {
    let id = InboxId::derived(change.id.0, &format!("inbox/{index}"));
    let acted_at = change.read().map_or(Value::Null, |act| json!(act.at));
    let pairs = [
        ("kind", json!(draft.kind)),
        ("state", json!("open")),
        ("person", json!(person)),
        ("change", json!(change.id)),
        ("at", json!(at)),
        ("acted_at", acted_at),
        ("subject", json!(draft.subject)),
        ("field", json!(draft.field)),
        ("base", draft.base),
        ("mine", draft.mine),
        ("theirs", draft.theirs),
        ("theirs_by", json!(draft.theirs_by)),
        ("theirs_at", json!(draft.theirs_at)),
        ("code", json!(draft.code)),
        ("details", draft.details),
    ];
    new_row(id, pairs)
}

/// An inbox row with those of the fields that hold something.
pub(super) fn new_row(id: InboxId, pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Record {
    let fields: Fields =
        pairs.into_iter().filter(|(_, v)| !v.is_null()).map(|(name, value)| (name.to_owned(), value)).collect();
    Record { of: Ref { kind: Kind::Inbox, id: id.0 }, version: UNNUMBERED, archived: false, fields }
}

/// The moving average: each costed receipt is blended into what was on hand before it.
fn carried_costs(movements: &[Movement], facts: &Facts) -> BTreeMap<ItemId, CostFacts> {
    let mut costs = BTreeMap::new();
    for movement in movements {
        let Some(known) = facts.costs.get(&movement.item) else { continue };
        let cost: &mut CostFacts = costs.entry(movement.item).or_insert_with(|| known.clone());
        if movement.kind == MovementKind::Receive
            && let Some(paid) = &movement.unit_cost
        {
            let held = if cost.currency == paid.currency { i128::from(cost.on_hand.0.max(0)) } else { 0 };
            let received = i128::from(movement.qty.0);
            let paid_micros = i128::from(paid.minor) * i128::from(crate::quantity::ONE);
            let value = held * i128::from(cost.average) + received * paid_micros;
            cost.average = i64::try_from(value / (held + received)).unwrap_or(i64::MAX);
            cost.currency.clone_from(&paid.currency);
        }
        let net: i64 = movement.entries().map(|line| line.delta.0).sum();
        cost.on_hand = cost.on_hand.checked_add(Quantity(net)).unwrap_or(cost.on_hand);
    }
    costs
}
