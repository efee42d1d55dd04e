//! After the server was restored from a backup its devices send again what it lacks, in whatever
//! order they come. What stands on something that is still to come is parked, and decided again
//! when more has arrived.

use super::{Decided, Push, Writes, decided, enter, refusal};
use crate::{
    change::{Act, Change, Digest, Outcome},
    decide::Effects,
    facts::{Facts, Needs},
    id::{ChangeId, EpochId, InboxId},
    record::{Record, UNNUMBERED},
    rejection::Rejection,
};
use serde_json::json;
use std::collections::BTreeMap;

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
    /// The order a change had. It cannot have been before the change took effect.
    pub(super) fn order(&self, change: ChangeId, act: &Act) -> Option<i64> {
        self.orders.get(&change).copied().filter(|ts| *ts >= act.at)
    }

    /// Whether a refusal may only mean that another device has not come back yet.
    pub(super) fn waits(&self, act: Option<&Act>, rejection: &Rejection) -> bool {
        let made_in = act.and_then(|act| act.cut.epoch);
        let elsewhere = made_in.is_some_and(|made_in| self.epoch.is_some_and(|own| own != made_in));
        let missing = matches!(
            rejection,
            Rejection::NotFound { .. } | Rejection::MovementNotFound { .. } | Rejection::DependsOnRejected { .. }
        );
        elsewhere && missing
    }
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
pub fn release(parked: &[Push], facts: &mut Facts) -> Writes {
    let mut writes = Writes::default();
    let mut left: Vec<(&Push, &Change)> =
        parked.iter().flat_map(|push| push.changes.iter().map(move |change| (push, change))).collect();
    loop {
        let before = left.len();
        left.retain(|(push, change)| !freed(push, change, facts, &mut writes));
        if left.len() == before {
            break;
        }
    }
    writes.close(facts);
    writes
}

fn freed(push: &Push, change: &Change, facts: &mut Facts, writes: &mut Writes) -> bool {
    // Whoever answered the row has decided instead.
    let Some(row) = facts.record(row_of(change.id)).filter(|row| row.text("state") == Some("open")).cloned() else {
        return false;
    };
    let mut made = match decided(push, change, facts) {
        Ok((effects, creates)) => Decided::done(change, effects, creates),
        Err(refused) if push.healing.waits(refused.1.as_ref(), &refused.0) => return false,
        Err(refused) => refusal(push, change, &refused.0, refused.1.as_ref()),
    };
    if let Some(of) = made.creates.filter(|_| made.result.outcome != Outcome::Rejected) {
        facts.refused_creates.remove(&of);
    }
    // The first row that the change leads to now has the parked row's id and takes its place.
    if made.effects.inbox.is_empty() {
        made.effects.records.push(closed(row));
    }
    enter(push, (change, Digest([0; 16])), made, facts, writes);
    true
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
