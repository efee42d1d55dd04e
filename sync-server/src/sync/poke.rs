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
    store::{Store, devices, log},
};
use futures_util::Stream;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use stillage_core::{
    id::OrganisationId,
    scope::Scope,
    wire::{Cursor, Poke, PullInput},
};
use tokio::sync::watch;

const AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct News {
    heads: BTreeMap<Scope, u64>,
    /// How often what devices may hold has changed; nothing until it was read.
    rights: Option<i64>,
}

/// The newest that this process has heard of.
#[derive(Debug, Clone)]
pub struct Pokes {
    news: Arc<watch::Sender<News>>,
}

impl Default for Pokes {
    fn default() -> Self {
        Self { news: Arc::new(watch::Sender::new(News::default())) }
    }
}

impl Pokes {
    /// Takes in heads that may be newer. Older ones are ignored.
    pub fn tell(&self, heads: &BTreeMap<Scope, u64>) {
        self.news.send_if_modified(|news| {
            let mut moved = false;
            for (scope, head) in heads {
                let at = news.heads.entry(*scope).or_default();
                moved |= *at < *head;
                *at = (*at).max(*head);
            }
            moved
        });
    }

    fn tell_rights(&self, rights: i64) {
        self.news.send_if_modified(|news| news.rights.replace(rights) != Some(rights));
    }

    /// Whether a head is known to be so far ahead of these cursors.
    pub(super) fn is_far_ahead(&self, cursors: &BTreeMap<Scope, u64>, rows: u64) -> bool {
        let heads = &self.news.borrow().heads;
        cursors.iter().any(|(scope, seq)| heads.get(scope).is_some_and(|head| head.saturating_sub(*seq) > rows))
    }

    /// Reads them every second while somebody listens, until the server closes.
    pub async fn watch_database(self, store: Store, org: OrganisationId) {
        loop {
            tokio::time::sleep(AGAIN).await;
            if self.news.receiver_count() == 0 {
                continue;
            }
            match self.read_database(&store, org).await {
                Ok(()) => {}
                Err(sqlx::Error::PoolClosed) => return,
                Err(fault) => tracing::warn!(%fault, "heads could not be read for the poke"),
            }
        }
    }

    pub(super) async fn read_database(&self, store: &Store, org: OrganisationId) -> Result<(), sqlx::Error> {
        let mut tx = store.snapshot(org).await?;
        let (heads, rights) = (log::heads(&mut tx).await?, devices::rights(&mut tx).await?);
        tx.commit().await?;
        self.tell_rights(rights);
        self.tell(&heads);
        Ok(())
    }
}

/// What a device hears: heads of the scopes that it may hold, those known now, then what moves; several moves while nobody
/// reads come as one. With `follow`, what it would ask when it begins to listen, also what it would be answered. Ends when
/// the device may hold other scopes than when it began, or may not hear any more.
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
    let mut news = app.pokes.news.subscribe();
    news.mark_changed();
    let listener = Listener { app, principal, follow, news, told: BTreeMap::new(), rights: None };
    // On the heap: else each of the futures around it would hold the room for it again.
    Ok(futures_util::stream::unfold(Box::new(listener), |mut listener| async move {
        let poke = listener.next().await?;
        Some((poke, listener))
    }))
}

/// Somebody on a socket.
struct Listener {
    app: App,
    principal: Principal,
    follow: Option<PullInput>,
    news: watch::Receiver<News>,
    told: BTreeMap<Scope, u64>,
    /// The rights among which those of the principal were looked up.
    rights: Option<i64>,
}

impl Listener {
    async fn next(&mut self) -> Option<Poke> {
        let moved = self.moved().await?;
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

    async fn moved(&mut self) -> Option<Vec<Cursor>> {
        loop {
            self.news.changed().await.ok()?;
            let (moved, rights) = {
                let news = self.news.borrow_and_update();
                let untold = |(scope, head): &(&Scope, &u64)| {
                    devices::holds(&self.principal, **scope) && self.told.get(scope) != Some(head)
                };
                let moved = news.heads.iter().filter(untold).map(|(scope, head)| Cursor { scope: *scope, seq: *head });
                (moved.collect::<Vec<_>>(), news.rights)
            };
            if self.rights != rights {
                match Box::pin(self.has_other_rights()).await {
                    Ok(true) => return None,
                    Ok(false) => self.rights = rights,
                    // Looked up again with the next news.
                    Err(fault) => tracing::debug!(%fault, "the rights of a socket could not be looked up"),
                }
            }
            if !moved.is_empty() {
                self.told.extend(moved.iter().map(|cursor| (cursor.scope, cursor.seq)));
                return Some(moved);
            }
        }
    }

    async fn has_other_rights(&self) -> Result<bool, sqlx::Error> {
        let mut tx = self.app.store.snapshot(self.app.org).await?;
        let principal = devices::by_id(&mut tx, self.principal.device).await?;
        tx.commit().await?;
        Ok(principal.as_ref() != Some(&self.principal))
    }
}
