//! The pull of a device that follows closely: a few rows of scopes that it has long been given. Those who ask at the
//! same moment, as a crowd does that was poked, are answered from one look at the database.
//!
//! Nobody waits for others to come: whoever finds a reader free looks at once, for all who wait just then.

use crate::{
    app::{App, Principal},
    store::{
        FOLLOWERS, Store,
        devices::holds,
        follow::{self, Asked, FEW, Found},
    },
};
use sqlx::Error;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use stillage_core::{
    id::{DeviceId, OrganisationId},
    scope::Scope,
    wire::{PullInput, ScopePage},
};
use tokio::sync::{Semaphore, oneshot};

/// The most devices that one look is for.
const TOGETHER: usize = 128;

#[derive(Debug)]
struct Waiting {
    asked: Asked,
    answer: oneshot::Sender<Arc<Found>>,
}

/// Those who wait. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Followers {
    waiting: Arc<Mutex<Vec<Waiting>>>,
    free: Arc<Semaphore>,
}

impl Default for Followers {
    fn default() -> Self {
        Self { waiting: Arc::default(), free: Arc::new(Semaphore::new(FOLLOWERS as usize)) }
    }
}

impl Followers {
    fn wait(&self, asked: Asked) -> oneshot::Receiver<Arc<Found>> {
        let (answer, found) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { asked, answer });
        found
    }

    /// Those who have waited longest; of one device only one.
    fn take(&self) -> (Vec<Asked>, Vec<oneshot::Sender<Arc<Found>>>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|one| !one.answer.is_closed());
        let mut devices = HashSet::new();
        let taken = waiting.extract_if(.., |one| devices.len() < TOGETHER && devices.insert(one.asked.device));
        taken.map(|one| (one.asked, one.answer)).unzip()
    }

    /// Looks for this device, or lets somebody else who asks at the same time look for it.
    async fn look(&self, store: &Store, org: OrganisationId, asked: Asked) -> Result<Arc<Found>, Error> {
        let (device, cursors, settled) = (asked.device, asked.cursors.clone(), asked.settled);
        let mut answer = self.wait(asked);
        loop {
            let answered = tokio::select! {
                biased;
                found = &mut answer => Some(found),
                free = self.free.acquire() => {
                    let (asked, answers) = self.take();
                    if asked.is_empty() {
                        // Somebody looks for this one already.
                        drop(free);
                        Some((&mut answer).await)
                    } else {
                        let found = Arc::new(follow::look(store, org, &asked).await?);
                        for answer in answers {
                            // Whoever asked may be gone.
                            let _ = answer.send(Arc::clone(&found));
                        }
                        None
                    }
                }
            };
            match answered {
                Some(Ok(found)) => return Ok(found),
                // Whoever looked for this one was interrupted.
                Some(Err(_)) => answer = self.wait(Asked { device, cursors: cursors.clone(), settled }),
                None => {}
            }
        }
    }
}

/// Nothing when the device does not follow closely: it begins, is far behind, or asks for few rows at a time.
pub async fn look(
    app: &App,
    principal: &Principal,
    (input, at): (&PullInput, &BTreeMap<Scope, u64>),
) -> Result<Option<Arc<Found>>, Error> {
    let begins = at.values().all(|seq| *seq == 0);
    if begins || (input.max_rows as usize) < FEW || app.pokes.is_far_ahead(at, FEW as u64) {
        return Ok(None);
    }
    let held = at.iter().filter(|(scope, _)| holds(principal, **scope));
    let cursors = held.map(|(scope, seq)| (*scope, *seq)).collect();
    let asked = Asked { device: input.device, settled: input.settled_seq, cursors };
    app.followers.look(&app.store, app.org, asked).await.map(Some)
}

/// The pages of one device; nothing when there are more rows than were looked for, or of a scope that was not.
pub fn pages(found: &Found, heads: &BTreeMap<Scope, u64>, at: &BTreeMap<Scope, u64>) -> Option<Vec<ScopePage>> {
    let mut pages = Vec::new();
    for (&scope, &head) in heads {
        let from = at.get(&scope).copied().unwrap_or(0);
        if from < head {
            let entries = found.entries.get(&(scope, from)).filter(|_| at.contains_key(&scope))?;
            let to = entries.last()?.seq;
            if to < head {
                return None;
            }
            pages.push(ScopePage { scope, from, to, entries: entries.clone(), chunk: None });
        }
    }
    Some(pages)
}

/// Whether all ends of the device's changes after those it knows were looked for.
pub fn has_all_ends(found: &Found, device: DeviceId, (ack, settled): (u64, u64)) -> bool {
    let ends = found.ends.get(&device);
    ack <= settled || ends.and_then(|ends| ends.last()).is_some_and(|(last, _)| last.seq >= ack)
}
