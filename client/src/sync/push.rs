//! Sending what waits: a part of the chain is sealed on the disk before it leaves, and goes again
//! unaltered until there is an answer. The answer is only a hint; settling is the pull's.

use super::{
    enrol,
    round::{Round, blocking},
};
use crate::{
    Failure,
    store::{Durability, Store, outbox, reset, settings},
};
use std::{collections::BTreeMap, sync::Arc};
use stillage_core::{
    id::EpochId,
    wire::{Ack, PushAnswer, PushInput, PushRefusal},
};

/// How often a refusal may lead to another attempt before it is a fault.
const ATTEMPTS: u32 = 4;

/// Sends everything that waits; says how many changes were sent.
pub(super) async fn run(round: &mut Round) -> Result<u64, Failure> {
    let (mut sent, mut refused) = (0, 0);
    let mut waits = first(round).await?;
    while let Some(input) = waits {
        let answer = round.asking(|transport| async move { transport.push(&input).await.map(|a| (input, a)) }).await;
        let (input, answer) = answer?;
        round.answered(answer.server_time).await?;
        if answer.refusal.is_some() {
            refused += 1;
            if refused > ATTEMPTS {
                return Err(Failure::internal(format_args!("push refused again: {:?}", answer.refusal)));
            }
            round.found.input = None;
            refusal(round, &answer).await?;
            waits = next(round).await?;
            continue;
        }
        waits = match taken(round, &input, answer.ack).await? {
            Taken::Own(next) => {
                sent += input.changes.len() as u64;
                next
            }
            Taken::Foreign => {
                enrol::fork(round).await?;
                next(round).await?
            }
        };
    }
    Ok(sent)
}

/// What was found when the round began, if that is still true.
async fn first(round: &mut Round) -> Result<Option<PushInput>, Failure> {
    let unsent = std::mem::replace(&mut round.found.unsent, true);
    match round.found.sealed.take() {
        Some(sealed) => Ok(Some(sealed)),
        None if unsent => next(round).await,
        None => Ok(None),
    }
}

async fn next(round: &Round) -> Result<Option<PushInput>, Failure> {
    let store = Arc::clone(&round.opened.store);
    blocking(move || seal(&store)).await
}

fn seal(store: &Store) -> Result<Option<PushInput>, Failure> {
    if !store.look(outbox::has_unsent)? {
        return Ok(None);
    }
    store.write(Durability::Full, |transaction| {
        let Some(batch) = outbox::seal(transaction)? else { return Ok(None) };
        reset::keep_lost_orders(transaction)?;
        outbox::push_of(transaction, batch).map(Some)
    })
}

enum Taken {
    /// And what is to be sent next.
    Own(Option<PushInput>),
    /// The server has a chain that is not this device's.
    Foreign,
}

/// Notes how far the server came.
async fn taken(round: &Round, input: &PushInput, ack: Ack) -> Result<Taken, Failure> {
    let store = Arc::clone(&round.opened.store);
    let before = input.first_seq - 1;
    blocking(move || {
        let own = store.write(Durability::Normal, |transaction| {
            if !reset::is_own(transaction, ack)? {
                return Ok(false);
            }
            if ack.seq <= before {
                return Err(Failure::offline("the server took nothing of a push"));
            }
            settings::set(transaction, settings::PUSHED_SEQ, &ack.seq.to_string())?;
            Ok(true)
        })?;
        if own { seal(&store).map(Taken::Own) } else { Ok(Taken::Foreign) }
    })
    .await
}

async fn refusal(round: &mut Round, answer: &PushAnswer) -> Result<(), Failure> {
    let known = Arc::clone(&round.opened.store);
    let known = blocking(move || known.read(settings::epoch)).await?;
    match answer.refusal {
        // A push that names another history is told nothing about the device's chain.
        Some(PushRefusal::EpochChanged) if known.is_some_and(|known| known != answer.epoch) => {
            meet_epoch(round, answer.epoch).await
        }
        Some(PushRefusal::EpochChanged) => begin_epoch(round, answer.epoch, answer.ack).await,
        Some(PushRefusal::DeviceForked) => enrol::fork(round).await,
        None => Ok(()),
    }
}

/// Offers again what the server's new history lacks, unless its end of the chain is not ours.
async fn begin_epoch(round: &mut Round, epoch: EpochId, ack: Ack) -> Result<(), Failure> {
    let store = Arc::clone(&round.opened.store);
    let own = blocking(move || {
        let own = store.read(|conn| reset::is_own(conn, ack))?;
        if own {
            store.write(Durability::Full, |transaction| reset::begin_epoch(transaction, epoch, ack))?;
        }
        Ok(own)
    })
    .await?;
    tracing::warn!(%epoch, own, "the server's history is another one");
    if !own {
        return enrol::fork(round).await;
    }
    round.inner.sync.moved_on.notify_waiters();
    Ok(())
}

/// Another history was met. An empty push that names it asks how much of this device's chain it holds, so that only
/// the rest is sent.
pub(super) async fn meet_epoch(round: &mut Round, epoch: EpochId) -> Result<(), Failure> {
    let store = Arc::clone(&round.opened.store);
    let input = blocking(move || {
        store.read(|conn| {
            let device = settings::device(conn)?;
            let pushed: u64 = settings::parsed(conn, settings::PUSHED_SEQ)?.unwrap_or(0);
            let chain = outbox::chain_at(conn, device, pushed)?;
            let prev_chain = chain.ok_or_else(|| Failure::internal("the chain has a hole"))?;
            let (changes, orders) = (Vec::new(), BTreeMap::new());
            Ok(PushInput { device, epoch: Some(epoch), first_seq: pushed + 1, prev_chain, changes, orders })
        })
    })
    .await?;
    let answer = round.asking(|transport| async move { transport.push(&input).await }).await?;
    match answer.refusal {
        Some(PushRefusal::DeviceForked) => enrol::fork(round).await,
        None | Some(PushRefusal::EpochChanged) => begin_epoch(round, answer.epoch, answer.ack).await,
    }
}
