//! The poke: after a commit, devices are told which heads moved. To those that follow it brings what they would pull now,
//! so that nobody has to ask: a crowd that asks at once costs more than what it is told.
//!
//! The surprise: there is no NOTIFY. Inside a transaction it would take a lock of the whole
//! instance; instead the writer tells its own process, and a timer reads the heads again every
//! second, so that a second server process or a crash between commit and poke strands nobody.

use super::pull;
use crate::{
    app::{App, Principal},
    error::ServerError,
    store::{Store, devices::holds, log},
};
use futures_util::{Stream, StreamExt};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use stillage_core::{
    id::OrganisationId,
    scope::Scope,
    wire::{Cursor, Poke, PullInput},
};
use tokio::sync::watch;

const AGAIN: Duration = Duration::from_secs(1);

/// The newest heads that this process has heard of.
#[derive(Debug, Clone)]
pub struct Pokes {
    heads: Arc<watch::Sender<BTreeMap<Scope, u64>>>,
}

impl Default for Pokes {
    fn default() -> Self {
        Self { heads: Arc::new(watch::Sender::new(BTreeMap::new())) }
    }
}

impl Pokes {
    /// Takes in heads that may be newer. Older ones are ignored.
    pub fn tell(&self, heads: &BTreeMap<Scope, u64>) {
        self.heads.send_if_modified(|known| {
            let mut moved = false;
            for (scope, head) in heads {
                let at = known.entry(*scope).or_default();
                moved |= *at < *head;
                *at = (*at).max(*head);
            }
            moved
        });
    }

    /// Whether a head is known to be so far ahead of these cursors.
    pub(super) fn is_far_ahead(&self, cursors: &BTreeMap<Scope, u64>, rows: u64) -> bool {
        let heads = self.heads.borrow();
        cursors.iter().any(|(scope, seq)| heads.get(scope).is_some_and(|head| head.saturating_sub(*seq) > rows))
    }

    /// Reads the heads every second while somebody listens, until the server closes.
    pub async fn watch_database(self, store: Store, org: OrganisationId) {
        loop {
            tokio::time::sleep(AGAIN).await;
            if self.heads.receiver_count() == 0 {
                continue;
            }
            let read = async {
                let mut tx = store.snapshot(org).await?;
                let heads = log::heads(&mut tx).await?;
                tx.commit().await?;
                Ok::<_, sqlx::Error>(heads)
            };
            match read.await {
                Ok(heads) => self.tell(&heads),
                Err(sqlx::Error::PoolClosed) => return,
                Err(fault) => tracing::warn!(%fault, "heads could not be read for the poke"),
            }
        }
    }

    /// Heads of the scopes that `principal` may hold: what is known now, then what moves. Several
    /// moves while nobody reads come as one.
    pub fn listen(&self, principal: Principal) -> impl Stream<Item = Vec<Cursor>> + use<> {
        let mut receiver = self.heads.subscribe();
        receiver.mark_changed();
        let told: BTreeMap<Scope, u64> = BTreeMap::new();
        futures_util::stream::unfold((receiver, told, principal), |(mut receiver, mut told, principal)| async move {
            loop {
                receiver.changed().await.ok()?;
                let moved: Vec<Cursor> = receiver
                    .borrow_and_update()
                    .iter()
                    .filter(|(scope, head)| holds(&principal, **scope) && told.get(scope) != Some(head))
                    .map(|(scope, head)| Cursor { scope: *scope, seq: *head })
                    .collect();
                if moved.is_empty() {
                    continue;
                }
                told.extend(moved.iter().map(|cursor| (cursor.scope, cursor.seq)));
                return Some((moved, (receiver, told, principal)));
            }
        })
    }
}

/// What a device hears; with `follow`, what it would ask when it begins to listen, also what it would be answered. Ends
/// when the device may not hear any more.
pub fn pokes(
    app: App,
    principal: Principal,
    follow: Option<PullInput>,
) -> Result<impl Stream<Item = Poke> + use<>, ServerError> {
    if let Some(input) = &follow {
        principal.require_device(input.device)?;
    }
    // Whoever is in another history finds that out when it pulls.
    let follow = follow.filter(|input| input.epoch == Some(app.epoch));
    let listener = Listener { heads: Box::pin(app.pokes.listen(principal.clone())), app, principal, follow };
    // On the heap: else each of the futures around it would hold the room for it again.
    Ok(futures_util::stream::unfold(Box::new(listener), |mut listener| async move {
        let poke = listener.next().await?;
        Some((poke, listener))
    }))
}

/// Somebody on a socket.
struct Listener<H> {
    heads: H,
    app: App,
    principal: Principal,
    follow: Option<PullInput>,
}

impl<H: Stream<Item = Vec<Cursor>> + Unpin> Listener<H> {
    async fn next(&mut self) -> Option<Poke> {
        let moved = self.heads.next().await?;
        let Some(input) = &mut self.follow else {
            return Some(Poke { heads: moved, followed: None });
        };
        // On the heap while it runs: a socket mostly waits.
        let followed = match Box::pin(pull::follow(&self.app, &self.principal, (input, &moved))).await {
            Ok(followed) => followed,
            Err(ServerError::SignedOut) => return None,
            // It will ask, and hear what is wrong.
            Err(fault) => {
                tracing::debug!(?fault, device = %input.device, "nothing is brought with the poke");
                None
            }
        };
        Some(Poke { heads: moved, followed })
    }
}
