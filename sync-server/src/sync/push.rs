//! The door for changes: what a push must be before it may wait for a writer.

use super::combine::{Queue, Writers};
use crate::{
    app::{Principal, PrincipalKind},
    error::ServerError,
    mint::Mint,
    store::{Store, batch::PushRequest},
    sync::Pokes,
};
use std::sync::Arc;
use stillage_core::{
    change::{Change, ChangeResult, Digest},
    decide::Door,
    id::{EpochId, OrganisationId},
    settle::{Healing, Settled},
    wire::{Ack, PUSH_BYTES, PUSH_CHANGES, PushAnswer, PushInput, PushRefusal},
};

/// Hands changes to the writers and waits for their ends. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pusher {
    queue: Arc<Queue>,
    writers: Arc<Writers>,
    epoch: EpochId,
    mint: Mint,
}

impl Pusher {
    /// Starts the writers of one organisation.
    #[must_use]
    pub fn start(store: Store, (org, epoch): (OrganisationId, EpochId), pokes: Pokes, mint: Mint) -> Self {
        let queue = Arc::new(Queue::default());
        let writers = Arc::new(Writers::start(&queue, store, (org, epoch), pokes));
        Self { queue, writers, epoch, mint }
    }

    /// One change of somebody who waits for the answer. The same id again gives the same end.
    pub async fn submit(&self, principal: &Principal, change: Change) -> Result<ChangeResult, ServerError> {
        principal.require_write()?;
        let request = PushRequest {
            device: principal.device,
            chained: false,
            door: Door::Direct,
            first_seq: 0,
            prev_chain: Digest::start(principal.device),
            changes: vec![change],
            received_at: self.mint.now(),
            healing: Healing { epoch: Some(self.epoch), ..Healing::default() },
        };
        let settled = self.queue.settle(request).await?;
        let missing = || ServerError::Internal(anyhow::anyhow!("a change was settled without a result"));
        settled.results.into_iter().next().ok_or_else(missing)
    }

    /// A desktop's push. Refusals are data.
    pub async fn push(&self, principal: &Principal, input: PushInput) -> Result<PushAnswer, ServerError> {
        principal.require_write()?;
        principal.require_device(input.device)?;
        if principal.kind != PrincipalKind::Desktop {
            return Err(ServerError::Forbidden("Only a desktop pushes."));
        }
        self.push_carried(input).await
    }

    /// The same, of a device that somebody else has made sure of.
    pub(super) async fn push_carried(&self, input: PushInput) -> Result<PushAnswer, ServerError> {
        let received_at = self.mint.now();
        check(&input)?;
        if input.epoch.is_some_and(|epoch| epoch != self.epoch) {
            // As if nothing were here: what is offered again is known by its id.
            let ack = Ack { seq: 0, chain: Digest::start(input.device) };
            let refusal = Some(PushRefusal::EpochChanged);
            return Ok(self.answer(Settled { ack, results: Vec::new(), refusal, taken: 0 }));
        }
        let request = PushRequest {
            device: input.device,
            chained: true,
            door: Door::Late,
            first_seq: input.first_seq,
            prev_chain: input.prev_chain,
            changes: input.changes,
            received_at,
            healing: Healing { epoch: Some(self.epoch), orders: input.orders, parked: false },
        };
        Ok(self.answer(self.queue.settle(request).await?))
    }

    fn answer(&self, settled: Settled) -> PushAnswer {
        let Settled { ack, results, refusal, .. } = settled;
        PushAnswer { epoch: self.epoch, server_time: self.mint.now(), ack, results, refusal }
    }

    /// Takes nothing more, finishes what was taken, and returns when all of it is committed.
    pub async fn close(&self) {
        self.queue.close();
        self.writers.finish().await;
    }
}

fn check(input: &PushInput) -> Result<(), ServerError> {
    let bytes: usize = input.changes.iter().map(|change| change.body.len()).sum();
    if input.changes.len() > PUSH_CHANGES || bytes > PUSH_BYTES && input.changes.len() > 1 {
        return Err(ServerError::BadInput("A push holds at most 500 changes and 1 MiB of bodies.".into()));
    }
    let last = input.first_seq.checked_add(PUSH_CHANGES as u64);
    if last.is_none_or(|last| i64::try_from(last).is_err()) {
        return Err(ServerError::BadInput("firstSeq is out of range.".into()));
    }
    Ok(())
}
