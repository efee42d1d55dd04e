//! An inbox row is answered. The answer is an ordinary action, so it works offline; what it does
//! to the subject is done by the same verbs a person would use.

use super::{Action, Archive, Count, Reverse, Save, archive::restore, save::sign};
use crate::{
    decide::{CheckedLine, Context, Door, Effects, InboxKind, missing},
    facts::{Facts, Needs},
    id::{InboxId, ItemId, LotId, MovementId},
    order::OrderKey,
    quantity::Quantity,
    record::{Item, Kind, Record, Ref, Tracking, UNNUMBERED, fields::tracking, merge::FieldChange},
    rejection::Rejection,
    seed::Virtual,
    stock::{Cell, LotEntry, Movement, MovementKind, Remarks},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How a row is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    Mine,
    Theirs,
    /// Something else, given as `value`.
    Value,
    Recount,
    Discard,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolve {
    pub inbox: InboxId,
    pub keep: Keep,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
}

impl Keep {
    /// The answers a kind of row offers.
    #[must_use]
    pub const fn offered(kind: InboxKind) -> &'static [Self] {
        match kind {
            InboxKind::Conflict => &[Self::Mine, Self::Theirs, Self::Value],
            InboxKind::SkuTaken | InboxKind::BarcodeTaken => &[Self::Theirs, Self::Value],
            InboxKind::ArchivedEdit => &[Self::Mine, Self::Discard],
            InboxKind::AmbiguousCount => &[Self::Mine, Self::Theirs, Self::Recount],
            InboxKind::Negative | InboxKind::SerialElsewhere => &[Self::Recount, Self::Discard],
            InboxKind::Rejected | InboxKind::Parked => &[Self::Discard],
        }
    }
}

/// What of a row the answer works with.
struct Row<'a> {
    record: &'a Record,
    kind: InboxKind,
    subject: Option<Ref>,
}

impl Resolve {
    fn row<'a>(&self, facts: &'a Facts) -> Option<Row<'a>> {
        let record = facts.record(self.inbox)?;
        let kind = serde_json::from_value(record.fields.get("kind")?.clone()).ok()?;
        let subject = record.text("subject").and_then(|text| text.parse().ok());
        Some(Row { record, kind, subject })
    }

    /// The actions on the subject that this answer stands for.
    fn actions(&self, row: &Row<'_>, facts: &Facts) -> Vec<Action> {
        let Some(subject) = row.subject else { return Vec::new() };
        let stored = |name: &str| row.record.fields.get(name).cloned().unwrap_or(Value::Null);
        let field = row.record.text("field").unwrap_or_default().to_owned();
        let patch = |base: Value, value: Value| {
            vec![Action::from(Save {
                record: subject,
                create: false,
                base_version: facts.record(subject).map_or(0, |record| record.version),
                expected_version: None,
                patch: vec![FieldChange { field: field.clone(), base, value }],
            })]
        };
        match (row.kind, self.keep) {
            (InboxKind::Conflict, Keep::Mine) => patch(stored("theirs"), stored("mine")),
            (InboxKind::Conflict, Keep::Value) => patch(stored("theirs"), self.value.clone()),
            (InboxKind::SkuTaken | InboxKind::BarcodeTaken, Keep::Value) => {
                let now = facts.record(subject).and_then(|record| record.fields.get(&field).cloned());
                patch(now.unwrap_or(Value::Null), self.value.clone())
            }
            (InboxKind::BarcodeTaken, Keep::Theirs) => {
                vec![Archive { record: subject, archived: true, expected_version: None }.into()]
            }
            (InboxKind::ArchivedEdit, Keep::Mine) => {
                let mut actions = vec![Action::from(restore(subject))];
                let edit = stored("mine").get("action").cloned().unwrap_or(Value::Null);
                actions.extend(serde_json::from_value::<Action>(edit).ok());
                actions
            }
            _ => Vec::new(),
        }
    }

    fn merges(&self, row: &Row<'_>) -> Option<(ItemId, ItemId)> {
        let loser = row.subject.filter(|of| of.kind == Kind::Item)?;
        let winner = row.record.reference("theirs")?;
        let asked = row.kind == InboxKind::SkuTaken && self.keep == Keep::Theirs;
        asked.then_some((ItemId(loser.id), ItemId(winner)))
    }

    /// The item that this answer makes another name, and that which its goods are booked to.
    pub(crate) fn joins(&self, facts: &Facts) -> Option<(ItemId, ItemId)> {
        let (loser, winner) = self.merges(&self.row(facts)?)?;
        Some((loser, facts.resolved(winner)))
    }

    /// The movement that happened on the other side of its count, and the order it gets there.
    /// (`mine`: it stands on the right side; `recount`: a new count makes the question idle.)
    fn turned(&self, row: &Row<'_>) -> Option<(MovementId, i64)> {
        if row.kind != InboxKind::AmbiguousCount || self.keep != Keep::Theirs {
            return None;
        }
        let details = row.record.fields.get("details")?;
        let movement = details.get("movement")?.as_str()?.parse().ok()?;
        let counted_at = details.get("counted_at")?.as_i64()?;
        let step = if details.get("applied")? == "before" { 1 } else { -1 };
        Some((movement, counted_at.saturating_add(step)))
    }

    /// Of two counts the one that was the later one after all, and the order it gets: a microsecond past the other.
    fn recounted(&self, row: &Row<'_>, facts: &Facts) -> Option<(Count, i64)> {
        if row.kind != InboxKind::AmbiguousCount || self.keep != Keep::Theirs {
            return None;
        }
        let details = row.record.fields.get("details")?;
        let lot = match lot_of(row) {
            Some(lot) => Some(LotEntry { code: facts.record(lot)?.text("code")?.to_owned(), expiry: None }),
            None => None,
        };
        let count = Count {
            item: ItemId(row.subject?.id),
            location: details.get("location")?.as_str()?.parse().ok()?,
            lot,
            status: details.get("status")?.as_str()?.parse().ok()?,
            counted: details.get("other_counted")?.as_str()?.parse().ok()?,
            remarks: Remarks::default(),
        };
        Some((count, details.get("counted_at")?.as_i64()?.saturating_add(1)))
    }

    pub(super) fn needs(&self, facts: &Facts) -> Needs {
        let mut needs = Needs::default();
        needs.record(self.inbox);
        let Some(row) = self.row(facts) else { return needs };
        needs.records.extend(row.subject);
        if let Some((movement, _)) = self.turned(&row) {
            needs.absorb(Reverse { movement, note: None }.needs(facts));
        }
        needs.records.extend(lot_of(&row).map(Ref::from));
        if let Some((count, ts)) = self.recounted(&row, facts) {
            let own = count.needs(facts);
            needs.tails.extend(own.cells.iter().map(|cell| (*cell, ts)));
            needs.absorb(own);
        }
        for action in self.actions(&row, facts) {
            needs.absorb(action.needs(facts));
        }
        if let Some((loser, winner)) = self.merges(&row) {
            needs.record(winner);
            needs.record(facts.resolved(winner));
            needs.cells_of.insert(loser.into());
            for cell in &facts.cells_of(loser.into()) {
                needs.record(cell.location);
                needs.records.extend(cell.lot.map(Ref::from));
                needs.cells.insert(*cell);
                needs.cells.insert(Cell { item: facts.resolved(winner), ..*cell });
            }
            // Another change of the same batch may bring the loser where it never was, before or after this one.
            for cell in facts.cells.keys().filter(|cell| cell.item == loser) {
                needs.cells.insert(Cell { item: winner, ..*cell });
                needs.cells.insert(Cell { item: facts.resolved(winner), ..*cell });
            }
        }
        needs
    }

    pub(super) fn decide(&self, context: &Context, facts: &Facts) -> Result<Effects, Rejection> {
        let subject = Ref::from(self.inbox);
        let row = self.row(facts).ok_or_else(|| missing(facts, subject))?;
        if row.record.text("state") != Some("open") {
            return Err(Rejection::AlreadyResolved { subject });
        }
        if !Keep::offered(row.kind).contains(&self.keep) || self.keep == Keep::Value && self.value.is_null() {
            return Err(Rejection::AnswerNotOffered { subject });
        }
        let mut effects = Effects::default();
        // Restoring and then editing is two steps; the second must see the first.
        let mut after = std::borrow::Cow::Borrowed(facts);
        for action in self.actions(&row, facts) {
            let step = action.decide(context, &after)?;
            after.to_mut().apply(&step);
            effects.records.retain(|old| step.records.iter().all(|new| new.of != old.of));
            effects.records.extend(step.records);
            effects.inbox.extend(step.inbox);
            effects.merged |= step.merged;
        }
        if let Some((loser, winner)) = self.merges(&row) {
            merge_items(context, facts, (loser, facts.resolved(winner)), &mut effects)?;
        }
        if let Some(turned) = self.turned(&row) {
            effects = turn(context, facts, turned)?;
        }
        if let Some((count, ts)) = self.recounted(&row, facts) {
            let order = OrderKey { ts, ..context.order };
            effects = count.decide(&Context { order, door: Door::Late, ..*context }, facts)?;
            // It stands beside the count it follows, and is as sure as that one; when it was answered says nothing.
            for count in &mut effects.counts {
                let beside = facts.cells.get(&count.cell()).and_then(|known| known.count);
                count.clock_error = beside.map_or(0, |last| last.clock_error);
            }
        }
        let mut closed = Record { version: UNNUMBERED, ..row.record.clone() };
        closed.fields.insert("state".into(), json!("resolved"));
        closed.fields.insert("answer".into(), json!(self.keep));
        sign(context, &mut closed);
        effects.records.push(closed);
        Ok(effects)
    }
}

/// The lot that a question about a count is about.
fn lot_of(row: &Row<'_>) -> Option<LotId> {
    let details = row.record.fields.get("details").filter(|_| row.kind == InboxKind::AmbiguousCount)?;
    details.get("lot")?.as_str()?.parse().ok()
}

/// Books a movement to the other side of a count: it is taken back where it stood, and stands
/// again a microsecond past the count. Why not a new count with another number: two movements are
/// facts like any other, so that the sum comes out the same in whatever order they, the count and
/// later counts arrive; a number that is derived from the last count would be right for that count
/// alone. The new movement has no cost: the average took it in when the goods came.
fn turn(context: &Context, facts: &Facts, (movement, ts): (MovementId, i64)) -> Result<Effects, Rejection> {
    let mut effects = Reverse { movement, note: None }.decide(context, facts)?;
    let mut after = facts.clone();
    after.apply(&effects);
    if let Some(Some(known)) = facts.movements.get(&movement) {
        let original = known.movement.clone();
        let again = Movement {
            id: MovementId::derived(context.change.0, "turned"),
            change: context.change,
            order: OrderKey { ts, ..original.order },
            unit_cost: None,
            ..original
        };
        effects.post(context, &after, again)?;
    }
    Ok(effects)
}

/// Whether two items can become one: their stock is kept without lots and counted in one unit.
#[must_use]
pub fn joinable(one: &Record, other: &Record) -> bool {
    let plain = |record: &Record| tracking(record) == Tracking::None;
    let unit = |record: &Record| record.read::<Item>().map(|item| item.base_unit).ok();
    one.of != other.of && plain(one) && plain(other) && unit(one).is_some() && unit(one) == unit(other)
}

/// Makes `loser` another name of `winner` and books its stock over.
fn merge_items(
    context: &Context,
    facts: &Facts,
    (loser, winner): (ItemId, ItemId),
    effects: &mut Effects,
) -> Result<(), Rejection> {
    let from = facts.record(loser).ok_or_else(|| missing(facts, loser.into()))?;
    let to = facts.record(winner).ok_or_else(|| missing(facts, winner.into()))?;
    if !joinable(from, to) {
        return Err(Rejection::AnswerNotOffered { subject: loser.into() });
    }
    let mut alias = Record { version: UNNUMBERED, ..from.clone() };
    alias.fields.insert("alias_of".into(), json!(winner));
    sign(context, &mut alias);
    effects.records.push(alias);
    for cell in &facts.cells_of(loser.into()) {
        let on_hand = facts.cell(cell).on_hand;
        if on_hand == Quantity::ZERO {
            continue;
        }
        let place = context.place(facts, cell.location, cell.status)?;
        for (item, amount) in [(loser, on_hand.negated()), (winner, on_hand)] {
            let line = CheckedLine {
                item,
                lot: None,
                tracking: Tracking::None,
                qty: amount.abs(),
                remarks: Remarks::default(),
            };
            let other = Virtual::Adjustment.place();
            let places = if amount > Quantity::ZERO { (other, place) } else { (place, other) };
            let mut movement = line.movement(context, MovementKind::Adjust, places);
            movement.id = MovementId::derived(context.change.0, &format!("merge/{}", effects.movements.len()));
            effects.post(context, facts, movement)?;
        }
    }
    Ok(())
}
