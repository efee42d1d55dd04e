//! Fetching what is new, answer by answer, until there is no more. An answer that does not fit is
//! thrown away whole.

use super::{
    Progress, bootstrap, enrol, push,
    round::{Round, blocking},
};
use crate::{
    Failure,
    engine::Tag,
    store::{Durability, Store, absorb, outbox, settings, sums},
};
use rusqlite::Connection;
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};
use stillage_core::{
    absorb::Discard,
    scope::Scope,
    snapshot::FORMAT,
    sum::Mismatch,
    wire::{Cursor, PullAnswer, PullInput},
};

/// Rows of one answer: enough to be quick, few enough that people can work in between.
const MAX_ROWS: u32 = 5000;
/// How often an answer may be thrown away before it is a fault.
const DISCARDS: u32 = 3;
/// Fewer rows than this are no progress worth showing.
const WORTH_SHOWING: u64 = 2000;

/// Pulls to the head; says how many rows came. While one answer is applied, the next is on its way.
pub(super) async fn run(round: &mut Round) -> Result<u64, Failure> {
    let (mut rows, mut discards, mut offered) = (0, 0, false);
    round.inner.sync.expects.store(false, Ordering::Release);
    let mut ahead = None;
    loop {
        let (input, answer) = match ahead.take() {
            Some(fetched) => fetched,
            None => {
                let input = match round.found.input.take() {
                    Some(found) => found,
                    None => input(round).await?,
                };
                fetch(round, input).await?
            }
        };
        if input.epoch.is_some_and(|known| known != answer.epoch) {
            push::meet_epoch(round, answer.epoch).await?;
            discards += 1;
        } else if bootstrap::instead(round, (&input, &answer), &mut offered).await? {
            // Most of what was asked for is here by now.
            round.found.calm = false;
            continue;
        } else {
            show_progress(round, &input, &answer);
            let has_more = answer.has_more;
            let (store, next) = (Arc::clone(&round.opened.store), following(&input, &answer));
            let (applied, fetched) = tokio::join!(apply(store, answer), async {
                match next {
                    Some(next) => Some(fetch(round, next).await),
                    None => None,
                }
            });
            match applied? {
                Ok(applied) => {
                    told(round, input.mismatches).await?;
                    rows += applied.rows;
                    round.inner.tell(applied.tags);
                    if !has_more && !applied.more {
                        break;
                    }
                    ahead = fetched.transpose()?;
                }
                Err(Discard::ForeignChain { .. }) => {
                    enrol::fork(round).await?;
                    discards += 1;
                }
                Err(discard) => {
                    tracing::warn!(%discard, "an answer was thrown away");
                    discards += 1;
                }
            }
        }
        if discards > DISCARDS {
            return Err(Failure::internal("answers of the server do not fit what this device has"));
        }
    }
    Ok(rows)
}

/// Takes what the socket has brought, as far as it fits to what is here; says how many rows came.
pub(super) async fn brought(round: &mut Round) -> Result<u64, Failure> {
    let mut rows = 0;
    for followed in round.inner.sync.take_brought() {
        let Some(mut input) = round.found.input.take_if(|input| followed.fits(input)) else { continue };
        let mut cursors: BTreeMap<Scope, u64> = input.cursors.iter().map(|held| (held.scope, held.seq)).collect();
        cursors.extend(followed.answer.pages.iter().map(|page| (page.scope, page.to)));
        input.settled_seq = followed.answer.ack.as_ref().map_or(input.settled_seq, |ack| ack.seq);
        let Ok(applied) = apply(Arc::clone(&round.opened.store), followed.answer).await? else { break };
        rows += applied.rows;
        round.inner.tell(applied.tags);
        round.inner.sync.expects.store(false, Ordering::Release);
        round.found.behind = applied.more || round.inner.sync.is_ahead(&cursors);
        if applied.more {
            break;
        }
        input.cursors = cursors.into_iter().map(|(scope, seq)| Cursor { scope, seq }).collect();
        round.found.input = Some(input);
    }
    Ok(rows)
}

async fn fetch(round: &mut Round, input: PullInput) -> Result<(PullInput, PullAnswer), Failure> {
    let asked = round.asking(|transport| async move { transport.pull(&input).await.map(|answer| (input, answer)) });
    let (input, answer) = asked.await?;
    round.answered(answer.server_time).await?;
    Ok((input, answer))
}

/// What to ask for once `answer` is applied, if that is known before: an answer that ends here may settle changes or
/// bring a scope that has to be looked up.
fn following(input: &PullInput, answer: &PullAnswer) -> Option<PullInput> {
    let mut cursors: BTreeMap<Scope, u64> = input.cursors.iter().map(|cursor| (cursor.scope, cursor.seq)).collect();
    if !answer.has_more || answer.ack.is_some() || !answer.removed.is_empty() {
        return None;
    }
    for head in &answer.heads {
        cursors.entry(head.scope).or_insert(0);
    }
    cursors.extend(answer.pages.iter().map(|page| (page.scope, page.to)));
    let cursors = cursors.into_iter().map(|(scope, seq)| Cursor { scope, seq }).collect();
    Some(PullInput { cursors, epoch: Some(answer.epoch), mismatches: Vec::new(), ..input.clone() })
}

pub(super) async fn input(round: &Round) -> Result<PullInput, Failure> {
    let store = Arc::clone(&round.opened.store);
    blocking(move || store.read(asked_for)).await
}

pub(super) fn asked_for(conn: &Connection) -> Result<PullInput, Failure> {
    let device = settings::device(conn)?;
    let reset = settings::get(conn, settings::RESET)?.is_some();
    let cursors = if reset { BTreeMap::new() } else { sums::cursors(conn)? };
    let cursors = cursors.into_iter().map(|(scope, seq)| Cursor { scope, seq }).collect();
    let settled_seq = outbox::settled_seq(conn, device)?;
    let (epoch, mismatches) = (settings::epoch(conn)?, sums::untold(conn)?);
    Ok(PullInput { device, epoch, cursors, settled_seq, max_rows: MAX_ROWS, mismatches, chunks: Some(FORMAT) })
}

async fn apply(store: Arc<Store>, answer: PullAnswer) -> Result<Result<absorb::Applied, Discard>, Failure> {
    blocking(move || absorb::apply(&store, &answer)).await
}

/// The server has heard which sums differ.
async fn told(round: &Round, mismatches: Vec<Mismatch>) -> Result<(), Failure> {
    if mismatches.is_empty() {
        return Ok(());
    }
    let store = Arc::clone(&round.opened.store);
    blocking(move || store.write(Durability::Normal, |transaction| sums::told(transaction, &mismatches))).await
}

fn show_progress(round: &Round, input: &PullInput, answer: &PullAnswer) {
    let have: BTreeMap<Scope, u64> = input.cursors.iter().map(|cursor| (cursor.scope, cursor.seq)).collect();
    let of = |scope: &Scope| have.get(scope).copied().unwrap_or(0);
    let total: u64 = answer.heads.iter().map(|head| head.seq).sum();
    let done: u64 = answer.heads.iter().map(|head| of(&head.scope)).sum();
    if total.saturating_sub(done) < WORTH_SHOWING && round.inner.sync.progress().is_none() {
        return;
    }
    let first = round.inner.sync.progress().map_or(done == 0, |progress| progress.first);
    if round.inner.sync.set_progress(Some(Progress { first, done, total, bytes: None })) {
        round.inner.tell([Tag::Status]);
    }
}
