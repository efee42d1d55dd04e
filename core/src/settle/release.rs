//! After the server was restored from a backup its devices send again what it lacks, in whatever
//! order they come. What stands on something that is still to come is parked, and decided again
//! when more has arrived.

use super::{Decided, Link, Push, Read, Writes, decided, doubt, enter, is_unread, refusal};
use crate::{
    change::{Act, Change, ChangeResult, Digest, Outcome},
    decide::{Context, Door, Effects},
    facts::{Facts, Needs},
    id::{ChangeId, EpochId, InboxId},
    order::OrderKey,
    record::{Record, UNNUMBERED},
    rejection::Rejection,
    stock::Cell,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a push says, and the server knows, of changes that were made in another history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Healing {
    /// The server's own history.
    pub epoch: Option<EpochId>,
    /// The `order_ts` that changes had in the history that was lost.
    pub orders: BTreeMap<ChangeId, i64>,
    /// The changes are parked here, and decided again.
    pub parked: bool,
}

impl Healing {
    /// The order a change had in the history that was lost: not after it is heard of. It may lie before the
    /// time that the change gives itself, if that was a clock ahead of its first receipt.
    pub(super) fn order(&self, change: ChangeId, act: &Act, received_at: i64) -> Option<i64> {
        let order = self.orders.get(&change).copied().filter(|_| act.made_outside(self.epoch))?;
        if seeded!(LostPlaceIgnored) {
            return None;
        }
        (order <= received_at).then_some(order)
    }

    /// Whether a refusal may only mean that another device has not come back yet.
    pub(super) fn waits(&self, act: Option<&Act>, rejection: &Rejection, facts: &Facts) -> bool {
        let missing = match rejection {
            // It may not be enough because what came in is still to come.
            Rejection::NotFound { .. } | Rejection::MovementNotFound { .. } | Rejection::NotEnoughStock { .. } => true,
            // A root that was refused for good stays so.
            Rejection::DependsOnRejected { root } => {
                facts.changes.get(root).and_then(Option::as_ref).is_none_or(|root| root.outcome == Outcome::Parked)
            }
            _ => false,
        };
        missing && !seeded!(NothingWaits) && act.is_some_and(|act| act.made_outside(self.epoch))
    }
}

/// Puts a change where it stood in the history that was lost, or behind what the same device did before it and what
/// waits: that has its place already, and no entry yet that would say so.
pub(super) fn place(push: &Push, act: &Act, (cells, facts): (&BTreeSet<Cell>, &Facts), context: &mut Context) {
    let OrderKey { ts, device, seq } = context.order;
    let Some(had) = push.healing.order(context.change, act, push.received_at) else {
        let waiting = facts.waiting.get(&device).map_or(ts, |place| place.saturating_add(1));
        (context.order.ts, context.clock_error) = (ts.max(waiting), doubt(act, ts.max(waiting)));
        return;
    };
    // Its device may only have foreseen the place, from what it did before as it saw that.
    let known = cells.iter().filter(|_| push.device.first_id).map(|cell| facts.cell(cell));
    let own =
        known.flat_map(|cell| cell.tail.iter().map(|entry| entry.order).chain(cell.count.map(|count| count.order)));
    let own =
        own.filter(|order| order.device == device && order.seq < seq).map(|order| order.ts.saturating_add(1)).max();
    let ts = own.map_or(had, |own| had.max(own));
    (context.order.ts, context.clock_error, context.door) = (ts, doubt(act, ts), Door::Again);
    // As it was when it was first heard of: nothing happens later than it is booked.
    context.at = context.at.min(ts);
}

/// The place that is kept of a change which waits.
pub(super) fn kept_place(result: &ChangeResult) -> Option<i64> {
    result.details.get("order_ts").and_then(Value::as_i64).filter(|_| result.outcome == Outcome::Parked)
}

/// What a parked change waits for, by its prefixed id: a record, a movement, stock of an item, or the
/// end of the change that it depends on. `None` for what is parked for an admin.
#[must_use]
pub fn awaited(result: &ChangeResult) -> Option<&str> {
    let field = match result.code.as_deref() {
        Some("NOT_FOUND") => "subject",
        Some("MOVEMENT_NOT_FOUND") => "movement",
        Some("NOT_ENOUGH_STOCK") => "item",
        Some("DEPENDS_ON_REJECTED") => "root",
        _ => return None,
    };
    result.details.get(field)?.as_str().filter(|_| result.outcome == Outcome::Parked)
}

/// What a release comes to.
#[derive(Debug, Default)]
pub struct Released {
    pub writes: Writes,
    /// Those that did not come free, with what they wait for now; `None` when somebody has decided
    /// instead.
    pub still: Vec<(ChangeId, Option<String>)>,
}

/// The inbox row of a parked change.
fn row_of(change: ChangeId) -> InboxId {
    InboxId::derived(change.0, "inbox/0")
}

pub(super) fn needs(push: &Push, change: &Change, needs: &mut Needs) {
    if push.healing.parked {
        needs.record(row_of(change.id));
    }
}

/// Decides parked changes again, in the order given, until nothing more comes free. What is
/// written are new ends of changes that are known already: their chain links stand.
#[must_use]
pub fn release(parked: &[Push], facts: &mut Facts) -> Released {
    let mut released = Released::default();
    let mut left: Vec<(&Push, &Change)> =
        parked.iter().flat_map(|push| push.changes.iter().map(move |change| (push, change))).collect();
    loop {
        let before = left.len();
        released.still.clear();
        left.retain(|(push, change)| {
            let waits = freed(push, change, facts, &mut released.writes).err();
            released.still.extend(waits.iter().map(|of| (change.id, of.clone())));
            waits.is_some()
        });
        if left.len() == before {
            break;
        }
    }
    released.writes.close(facts);
    released
}

/// Gives a change its end, or says what it still waits for.
fn freed(push: &Push, change: &Change, facts: &mut Facts, writes: &mut Writes) -> Result<(), Option<String>> {
    // Whoever answered the row has decided instead.
    let open = facts.record(row_of(change.id)).filter(|row| row.text("state") == Some("open"));
    let row = open.cloned().ok_or(None)?;
    let read = Read::of(change).taken(push);
    if is_unread(&read.act, facts, writes) {
        // It stays free: the next transaction reads for it.
        return Err(Some(String::new()));
    }
    let mut made = match decided(push, change, read.act, facts) {
        Ok((effects, creates)) => Decided::done(change, effects, creates),
        Err(refused) => {
            let made = refusal(push, change, (&refused.0, refused.1.as_ref()), facts);
            match awaited(&made.result) {
                Some(of) => return Err(Some(of.to_owned())),
                None => made,
            }
        }
    };
    if let Some(of) = made.creates.filter(|_| made.result.outcome != Outcome::Rejected) {
        facts.refused_creates.remove(&of);
    }
    // The first row that the change leads to now has the parked row's id and takes its place.
    if made.effects.inbox.is_empty() {
        made.effects.records.push(closed(row));
    }
    enter(push, (change, Link { hash: read.hash, chain: Digest([0; 16]) }), made, facts, writes);
    Ok(())
}

fn closed(row: Record) -> Record {
    let mut closed = Record { version: UNNUMBERED, ..row };
    closed.fields.insert("state".into(), json!("resolved"));
    closed
}

impl Decided {
    pub(super) fn done(change: &Change, effects: Effects, creates: Option<crate::record::Ref>) -> Self {
        let outcome = if effects.merged { Outcome::Merged } else { Outcome::Applied };
        Self { result: super::result(change, outcome, None, serde_json::Value::Null), effects, creates }
    }
}
