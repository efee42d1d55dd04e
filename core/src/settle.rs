//! The server's whole push as one pure function: what a batch comes to, given what is known.
//! Postgres is read once before and written set-based after; a simulation runs the same code on
//! facts in memory.

mod ambiguous;
mod reading;
mod release;
mod writes;

pub use reading::{Read, Reading};
pub use release::{Healing, Released, awaited, release};
use writes::Link;
pub use writes::{ChangeRow, LogRow, Writes, inbox_row};

use crate::{
    action::Action,
    change::{Act, Change, ChangeResult, Digest, KnownChange, Outcome},
    decide::{Context, Door, Draft, Effects, InboxKind, order_ts},
    facts::{Facts, Needs},
    id::{ChangeId, DeviceId, PersonId},
    order::OrderKey,
    record::Ref,
    rejection::Rejection,
    stock::Cell,
    wire::{Ack, PushRefusal},
};
use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeSet};

/// A device as the server knows it when the batch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceFacts {
    pub id: DeviceId,
    pub person: PersonId,
    /// How far its chain has been taken.
    pub ack: Ack,
    /// The chain before the first change of this push, if the server has come that far.
    pub chain_before: Option<Digest>,
    /// The latest place among its changes that wait for others: what it did later comes after them.
    pub waiting: Option<i64>,
    /// It never took another id: its chain has what it did in the order in which it was done.
    pub first_id: bool,
}

/// One push of one device.
#[derive(Debug, Clone)]
pub struct Push {
    pub device: DeviceFacts,
    /// An API principal is a device without a chain: its changes are numbered as they come.
    pub chained: bool,
    pub door: Door,
    pub first_seq: u64,
    pub prev_chain: Digest,
    pub changes: Vec<Change>,
    /// When the server received it, in microseconds since 1970.
    pub received_at: i64,
    pub healing: Healing,
}

/// What a push comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    pub ack: Ack,
    pub results: Vec<ChangeResult>,
    pub refusal: Option<PushRefusal>,
    /// So many of its changes were looked at. What the next one needs was named only by what the batch did before it, so
    /// nobody has read it: the rest is settled when this is committed.
    pub taken: usize,
}

/// Rows the batch must see, as far as the facts at hand tell. Asked until nothing is missing.
#[must_use]
pub fn needs(batch: &[Push], facts: &Facts) -> Needs {
    Reading::of(batch).needs(facts)
}

/// Rows one act must see, tails of its cells included.
#[must_use]
pub fn needs_of(act: &Act, facts: &Facts) -> Needs {
    let mut needs = act.action.needs(facts);
    let tails = tails_of(act.at, &needs.cells, facts);
    needs.absorb(tails);
    needs
}

/// What came into these cells since.
fn tails_of(since: i64, cells: &BTreeSet<Cell>, facts: &Facts) -> Needs {
    let grown = |cell: &&Cell| facts.cells.get(cell).is_some_and(|known| known.last_order >= since);
    let cells = cells.iter().filter(grown).filter(|_| !seeded!(TailNotLoaded));
    Needs { tails: cells.map(|cell| (*cell, since)).collect(), ..Needs::default() }
}

/// The context in which an act is decided, its order fixed among what happened in `cells`: those
/// that the action needs.
#[must_use]
pub fn context(
    act: &Act,
    (change, device, seq): (ChangeId, DeviceId, u64),
    cells: &BTreeSet<Cell>,
    facts: &Facts,
    door: Door,
) -> Context {
    let known: Vec<_> = cells.iter().map(|cell| (facts.cell(cell), facts.cut_of(cell, &act.cut.cursors))).collect();
    let ts = order_ts(act.at, (device, &facts.later), &known);
    let order = OrderKey { ts, device, seq };
    Context { change, order, person: act.person, at: act.at, clock_error: doubt(act, ts), door }
}

/// How far its place may be from when it was done: as far as its clock was off, and as far as it was moved up behind
/// what its device had done before. Of an earlier act whose clock was ahead only the receipt is known.
fn doubt(act: &Act, ts: i64) -> i64 {
    act.error().saturating_add(ts.saturating_sub(act.at).max(0))
}

/// Decides every change of every push in turn, each seeing what those before it did.
#[must_use]
pub fn settle(batch: &[Push], facts: &mut Facts) -> (Vec<Settled>, Writes) {
    Reading::of(batch).settle(facts)
}

fn settle_push(push: &Push, reads: Vec<Read>, facts: &mut Facts, writes: &mut Writes) -> Settled {
    // A later push of the same device in this batch continues where the first one ended.
    let mut ack = writes.devices.get(&push.device.id).copied().unwrap_or(push.device.ack);
    if push.chained
        && let Some(refusal) = refused(push, &reads, ack, facts)
    {
        return Settled { ack, results: Vec::new(), refusal: Some(refusal), taken: 0 };
    }
    let mut results = Vec::with_capacity(push.changes.len());
    let mut taken = 0;
    for (change, read) in push.changes.iter().zip(reads) {
        if is_unread(&read.act, facts, writes) {
            break;
        }
        taken += 1;
        if push.chained && change.seq <= ack.seq {
            let known = facts.changes.get(&change.id).and_then(Option::as_ref);
            results.extend(known.map(|known| repeated((change, read.hash), known)));
            continue;
        }
        let mut change = Cow::Borrowed(change);
        if !push.chained {
            change.to_mut().seq = ack.seq + 1;
            if let Some(known) = facts.changes.get(&change.id).and_then(Option::as_ref) {
                results.push(repeated((&change, read.hash), known));
                continue;
            }
        }
        ack = Ack { seq: change.seq, chain: ack.chain.next(change.id, read.hash) };
        let link = Link { hash: read.hash, chain: ack.chain };
        results.push(settle_change(push, (&change, link, read.act), facts, writes));
        writes.devices.insert(push.device.id, ack);
    }
    Settled { ack, results, refusal: None, taken }
}

/// Whether an act needs rows that nobody has read. All were that can be named before the batch; what else there is, records
/// name that the batch has written.
fn is_unread(act: &Result<Act, Rejection>, facts: &Facts, writes: &Writes) -> bool {
    let Ok(act) = act else { return false };
    !writes.records.is_empty() && !facts.answer(act.action.needs(facts)) && !seeded!(UnreadIsNothing)
}

/// Whether a chained push fits on to what the server has of its device.
fn refused(push: &Push, reads: &[Read], ack: Ack, facts: &Facts) -> Option<PushRefusal> {
    let dense = push.changes.iter().zip(push.first_seq..).all(|(change, seq)| change.seq == seq);
    if !dense || push.first_seq == 0 {
        return Some(PushRefusal::DeviceForked);
    }
    if push.first_seq > ack.seq + 1 {
        return Some(PushRefusal::EpochChanged);
    }
    let before = if push.first_seq == ack.seq + 1 { Some(ack.chain) } else { push.device.chain_before };
    if before != Some(push.prev_chain) {
        return Some(PushRefusal::DeviceForked);
    }
    let mut chain = push.prev_chain;
    // What goes on where the server has come to repeats nothing.
    for (change, read) in push.changes.iter().zip(reads).take_while(|(change, _)| change.seq <= ack.seq) {
        chain = chain.next(change.id, read.hash);
        let known = facts.changes.get(&change.id).and_then(Option::as_ref);
        let repeated = known.is_some_and(|k| k.hash == read.hash);
        let older = change.seq < ack.seq && !repeated && !seeded!(OlderLinksUnchecked);
        if older || change.seq == ack.seq && chain != ack.chain && !seeded!(LastLinkUnchecked) {
            return Some(PushRefusal::DeviceForked);
        }
    }
    None
}

fn repeated((change, hash): (&Change, Digest), known: &KnownChange) -> ChangeResult {
    if known.hash != hash {
        return result(change, Outcome::Rejected, Some("CHANGE_ID_REUSED"), json!({ "change": change.id }));
    }
    let outcome = if seeded!(RepeatSaysApplied) { Outcome::Applied } else { known.outcome };
    ChangeResult { duplicate: true, ..result(change, outcome, known.code.as_deref(), known.details.clone()) }
}

fn result(change: &Change, outcome: Outcome, code: Option<&str>, details: Value) -> ChangeResult {
    let code = code.map(str::to_owned);
    ChangeResult { id: change.id, seq: change.seq, outcome, duplicate: false, code, details }
}

fn settle_change(
    push: &Push,
    (change, link, act): (&Change, Link, Result<Act, Rejection>),
    facts: &mut Facts,
    writes: &mut Writes,
) -> ChangeResult {
    // The same change under another number of a forked device, or its id with another content.
    if let Some(known) = facts.changes.get(&change.id).and_then(Option::as_ref).filter(|_| !seeded!(RepeatDecidedAgain))
    {
        let result = repeated((change, link.hash), known);
        writes.repeat(push, change, link, &result);
        return result;
    }
    let made = match decided(push, change, act, facts) {
        Ok((effects, creates)) => Decided::done(change, effects, creates),
        Err(refused) => refusal(push, change, (&refused.0, refused.1.as_ref()), facts),
    };
    enter(push, (change, link), made, facts, writes)
}

/// What one change comes to.
struct Decided {
    result: ChangeResult,
    effects: Effects,
    creates: Option<Ref>,
}

fn enter(
    push: &Push,
    (change, link): (&Change, Link),
    made: Decided,
    facts: &mut Facts,
    writes: &mut Writes,
) -> ChangeResult {
    let Decided { result, mut effects, creates } = made;
    // Inbox rows are records like any other from here on, in the same transaction.
    let drafts = std::mem::take(&mut effects.inbox).into_iter().enumerate();
    effects
        .records
        .extend(drafts.map(|(index, draft)| inbox_row(change, index, draft, (push.device.person, push.received_at))));
    if !seeded!(BatchBlind) {
        facts.apply(&effects);
    }
    if matches!(result.outcome, Outcome::Rejected | Outcome::Parked)
        && let Some(of) = creates
    {
        let root = match result.details.get("root").and_then(Value::as_str).map(str::parse) {
            Some(Ok(root)) => root,
            _ => change.id,
        };
        facts.refused_creates.insert(of, root);
    }
    let known = KnownChange {
        hash: link.hash,
        device: push.device.id,
        outcome: result.outcome,
        code: result.code.clone(),
        details: result.details.clone(),
    };
    facts.changes.insert(change.id, Some(known));
    if let Some(place) = release::kept_place(&result) {
        let waiting = facts.waiting.entry(push.device.id).or_insert(place);
        *waiting = place.max(*waiting);
    }
    writes.enter(push, (change, link, creates), &result, effects);
    result
}

/// An act that could be read, and where it would have stood.
type Placed = (Act, i64);
type Decision = Result<(Effects, Option<Ref>), Box<(Rejection, Option<Placed>)>>;

fn decided(push: &Push, change: &Change, act: Result<Act, Rejection>, facts: &Facts) -> Decision {
    let act = act.map_err(|rejection| Box::new((rejection, None)))?;
    // What is needed is asked again: the changes before this one may have moved a record on.
    let cells = act.action.needs(facts).cells;
    let mut context = context(&act, (change.id, push.device.id, change.seq), &cells, facts, push.door);
    release::place(push, &act, (&cells, facts), &mut context);
    match act.action.decide(&context, facts) {
        Ok(mut effects) => {
            effects.records.extend(ambiguous::rows(push, &act, &effects, facts));
            Ok((effects, act.action.creates()))
        }
        Err(rejection) => Err(Box::new((rejection, Some((act, context.order.ts))))),
    }
}

/// A refusal never vanishes: whoever waits for the answer has it, and for whoever does not it
/// becomes an inbox row. What is parked is kept for an admin, so it has a row at either door.
fn refusal(push: &Push, change: &Change, (rejection, placed): (&Rejection, Option<&Placed>), facts: &Facts) -> Decided {
    let act = placed.map(|(act, _)| act);
    let waits = push.healing.waits(act, rejection, facts);
    let (outcome, mut kind) = if waits || rejection.parks() {
        (Outcome::Parked, InboxKind::Parked)
    } else {
        (Outcome::Rejected, InboxKind::Rejected)
    };
    let action = act.map(|act| &act.action);
    if let (Rejection::Archived { .. }, Some(Action::Save(_))) = (rejection, action) {
        kind = InboxKind::ArchivedEdit;
    }
    let mut details = rejection.details();
    // Kept for the day on which it is decided again.
    let order = placed.map(|(_, order)| order).filter(|_| waits && !seeded!(ParkedPlaceLost));
    if let (Some(order), Some(map)) = (order, details.as_object_mut()) {
        map.insert("order_ts".into(), json!(order));
    }
    let mut effects = Effects::default();
    if (push.door == Door::Late || outcome == Outcome::Parked) && !seeded!(RefusalNotInInbox) {
        let subject = action.and_then(Action::subject);
        effects
            .inbox
            .push(Draft { details: details.clone(), ..Draft::undone(kind, subject, change, rejection.code()) });
    }
    let creates = action.and_then(Action::creates);
    Decided { result: result(change, outcome, Some(&rejection.code()), details), effects, creates }
}
