//! Keeping in step with the server: push what waits, pull what is new, and be told when to. Being
//! offline is a state here and never a fault; no network call happens inside a transaction.

mod background;
mod backups;
mod bootstrap;
pub(crate) mod carry;
mod enrol;
mod folder;
mod lock;
mod look;
mod page;
mod poke;
mod pull;
mod push;
mod report;
mod round;
mod transport;

use crate::{
    Failure,
    engine::{Inner, Tag},
    store::{Store, settings},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use stillage_core::{
    change::Digest,
    scope::Scope,
    wire::{Followed, Poke},
};
use tokio::sync::{Notify, watch};

pub use folder::Brought;
pub use report::SyncReport;

/// So much may lie unread of what the socket brought; who is that far behind asks.
const MOST_BROUGHT: usize = 16;

/// Where this device stands with its server. Times are microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ConnectionState {
    #[default]
    NeverConnected,
    Online {
        since: i64,
    },
    Offline {
        since: i64,
        /// A person pulled the network.
        cut: bool,
    },
    SignedOut,
    UpgradeRequired,
}

/// Bytes over the network since the engine was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Traffic {
    pub sent: u64,
    pub received: u64,
}

/// A long pull on its way, in rows; in bytes too, where it is known how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    pub first: bool,
    pub done: u64,
    pub total: u64,
    pub bytes: Option<Bytes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bytes {
    pub done: u64,
    pub total: u64,
}

/// What the sync tells the rest of the engine, and what wakes it.
pub(crate) struct Shared {
    connection: Mutex<ConnectionState>,
    progress: Mutex<Option<Progress>>,
    /// The part of a chunk that came before the network went.
    partial: Mutex<Option<(Digest, Vec<u8>)>>,
    sent: AtomicU64,
    received: AtomicU64,
    /// There is something to push or pull, or the server has said that there may be.
    nudge: Notify,
    /// A round is wanted, whatever the server has said.
    due: AtomicBool,
    /// Heads as the open socket has told them.
    told: Mutex<BTreeMap<Scope, u64>>,
    /// What it has brought and no round has looked at.
    brought: Mutex<Vec<Followed>>,
    /// The open socket has brought something, and what was waited for.
    follows: AtomicBool,
    /// What was pushed comes back by the socket.
    expects: AtomicBool,
    /// Until then, by the monotonic clock, another sample of the server's clock says nothing new.
    clock_holds: AtomicI64,
    /// When the server was asked about its backups, by the monotonic clock.
    backups_asked: AtomicI64,
    /// A person asked: do not wait for the end of a pause.
    wake: Notify,
    /// The open socket is for another address, id or history than this device has now.
    moved_on: Notify,
    cut: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<tokio::task::JoinHandle<()>>>,
    clients: transport::Clients,
    /// One push and one pull in flight, in this process.
    round: tokio::sync::Mutex<()>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            connection: Mutex::default(),
            progress: Mutex::default(),
            partial: Mutex::default(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            nudge: Notify::new(),
            due: AtomicBool::new(true),
            told: Mutex::default(),
            brought: Mutex::default(),
            follows: AtomicBool::new(false),
            expects: AtomicBool::new(false),
            clock_holds: AtomicI64::new(0),
            backups_asked: AtomicI64::new(i64::MIN),
            wake: Notify::new(),
            moved_on: Notify::new(),
            cut: watch::channel(false).0,
            stop: watch::channel(false).0,
            task: Mutex::default(),
            clients: transport::Clients::default(),
            round: tokio::sync::Mutex::new(()),
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn connection(&self) -> ConnectionState {
        *held(&self.connection)
    }

    pub(crate) fn traffic(&self) -> Traffic {
        Traffic { sent: self.sent.load(Ordering::Relaxed), received: self.received.load(Ordering::Relaxed) }
    }

    pub(crate) fn progress(&self) -> Option<Progress> {
        *held(&self.progress)
    }

    pub(crate) fn nudge(&self) {
        self.due.store(true, Ordering::Release);
        self.nudge.notify_one();
    }

    /// The server has said how far it is. Whether that is news is found out by the round that follows: what this device
    /// caused itself mostly is here by then.
    fn poked(&self, poke: Poke) {
        held(&self.told).extend(poke.heads.into_iter().map(|head| (head.scope, head.seq)));
        let mut brought = held(&self.brought);
        if brought.len() >= MOST_BROUGHT {
            brought.clear();
        }
        if let Some(followed) = poke.followed {
            self.follows.store(true, Ordering::Release);
            brought.push(followed);
        }
        drop(brought);
        self.nudge.notify_one();
    }

    /// A new socket tells all heads again, of a server that may have been restored meanwhile.
    fn listens_anew(&self) {
        held(&self.told).clear();
        held(&self.brought).clear();
        self.nudge();
    }

    fn follows(&self) -> bool {
        self.follows.load(Ordering::Acquire)
    }

    /// It is time to look. If something was to come back by the socket it did not: it is not waited for until the socket
    /// brings something again.
    fn heard_nothing(&self) -> round::Why {
        if !self.expects.load(Ordering::Acquire) {
            return round::Why::Poll;
        }
        self.follows.store(false, Ordering::Release);
        round::Why::Due
    }

    fn take_brought(&self) -> Vec<Followed> {
        std::mem::take(&mut *held(&self.brought))
    }

    /// Whether the server is known to have more than these cursors.
    fn is_ahead(&self, cursors: &BTreeMap<Scope, u64>) -> bool {
        held(&self.told).iter().any(|(scope, head)| cursors.get(scope).copied().unwrap_or(0) < *head)
    }

    fn is_cut(&self) -> bool {
        *self.cut.borrow()
    }

    /// Notes a new state; says whether it differs in more than its time. A round that was under way when the network
    /// was pulled may still end well: that does not put the device online.
    fn enter(&self, next: ConnectionState) -> bool {
        let mut now = held(&self.connection);
        let next = match next {
            ConnectionState::Online { since } if self.is_cut() => ConnectionState::Offline { since, cut: true },
            next => next,
        };
        let same = match (*now, next) {
            (ConnectionState::Online { .. }, ConnectionState::Online { .. }) => true,
            (ConnectionState::Offline { cut: a, .. }, ConnectionState::Offline { cut: b, .. }) => a == b,
            (a, b) => a == b,
        };
        if !same {
            *now = next;
        }
        !same
    }

    /// What is here of the chunk with this digest.
    fn partial(&self, digest: Digest) -> Vec<u8> {
        let held = held(&self.partial).take();
        held.filter(|(of, _)| *of == digest).map(|(_, bytes)| bytes).unwrap_or_default()
    }

    fn keep_partial(&self, digest: Digest, bytes: Vec<u8>) {
        *held(&self.partial) = Some((digest, bytes));
    }

    fn set_progress(&self, progress: Option<Progress>) -> bool {
        let mut now = held(&self.progress);
        let changed = *now != progress;
        *now = progress;
        changed
    }
}

impl Inner {
    fn enter(&self, state: ConnectionState) {
        if self.sync.enter(state) {
            self.tell([Tag::Status]);
        }
    }
}

/// Takes up where the last process stopped.
pub(crate) fn remember(inner: &Inner, store: &Store) -> Result<(), Failure> {
    let (server, cut, last) = store.read(|conn| {
        let server = settings::get(conn, settings::SERVER)?;
        let cut = settings::get(conn, settings::CUT)?.is_some();
        Ok((server, cut, settings::parsed(conn, settings::LAST_SYNC)?))
    })?;
    inner.sync.cut.send_replace(cut);
    if server.is_some() {
        let since = last.unwrap_or_else(|| inner.mint.now());
        inner.sync.enter(ConnectionState::Offline { since, cut });
    }
    Ok(())
}

/// Another process may have pulled the network, or connected this device.
fn look_again(inner: &Inner, store: &Store) -> Result<(), Failure> {
    let (server, cut) = store
        .read(|conn| Ok((settings::get(conn, settings::SERVER)?, settings::get(conn, settings::CUT)?.is_some())))?;
    if cut != inner.sync.is_cut() {
        inner.sync.cut.send_replace(cut);
        inner.sync.wake.notify_one();
    }
    if server.is_some() && inner.sync.connection() == ConnectionState::NeverConnected {
        inner.sync.enter(ConnectionState::Offline { since: inner.mint.now(), cut });
        inner.sync.wake.notify_one();
    }
    Ok(())
}

pub(crate) async fn connect(inner: &Arc<Inner>, url: String, code: Option<String>) -> Result<(), Failure> {
    enrol::connect(inner, &url, code).await?;
    inner.sync.moved_on.notify_waiters();
    inner.tell(Tag::ALL);
    inner.sync.wake.notify_one();
    Ok(())
}

pub(crate) async fn cut(inner: &Arc<Inner>, cut: bool) -> Result<(), Failure> {
    let store = inner.opened()?.store;
    round::blocking(move || {
        store.write(crate::store::Durability::Normal, |transaction| {
            if cut {
                settings::set(transaction, settings::CUT, "1")
            } else {
                settings::unset(transaction, settings::CUT)
            }
        })
    })
    .await?;
    inner.sync.cut.send_replace(cut);
    if inner.sync.connection() != ConnectionState::NeverConnected {
        inner.enter(ConnectionState::Offline { since: inner.mint.now(), cut });
    }
    inner.tell([Tag::Status]);
    inner.sync.wake.notify_one();
    Ok(())
}

pub(crate) async fn until_drained(inner: &Arc<Inner>, timeout: Duration) -> Result<SyncReport, Failure> {
    match round::until_drained(inner, timeout).await {
        Err(failure) => match crate::engine::looked_at(inner, failure).await {
            // The base comes with this very sync.
            mended if mended.details["rebuilt"] == true => round::until_drained(inner, timeout).await,
            failure => Err(failure),
        },
        drained => drained,
    }
}

pub(crate) fn is_running(inner: &Inner) -> bool {
    held(&inner.sync.task).is_some()
}

/// Nobody else seals, pushes or pulls while this is held, in this process or in another.
pub(crate) type Alone<'a> = (tokio::sync::MutexGuard<'a, ()>, std::fs::File);

async fn held_alone(inner: &Inner) -> Result<Alone<'_>, Failure> {
    let here = inner.sync.round.lock().await;
    Ok((here, lock::take(&inner.data_dir, round::PATIENCE).await?))
}

/// Held if nobody else has it and what is recorded now is sent at once: then it may be sealed in the transaction that
/// records it, and the disk is waited for once instead of twice.
pub(crate) fn alone_to_send(inner: &Inner) -> Option<Alone<'_>> {
    if !is_running(inner) || !matches!(inner.sync.connection(), ConnectionState::Online { .. }) {
        return None;
    }
    let here = inner.sync.round.try_lock().ok()?;
    Some((here, lock::take_free(&inner.data_dir)?))
}

pub(crate) async fn bootstrap(inner: &Arc<Inner>, folder: std::path::PathBuf) -> Result<folder::Brought, Failure> {
    folder::load(inner, folder).await
}

pub(crate) fn start(inner: &Arc<Inner>) {
    background::start(inner);
}

pub(crate) async fn stop(inner: &Arc<Inner>) {
    background::stop(inner).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_that_ends_after_the_network_was_pulled_leaves_the_device_offline() {
        let shared = Shared::default();
        shared.cut.send_replace(true);
        assert!(shared.enter(ConnectionState::Online { since: 1 }));
        assert_eq!(shared.connection(), ConnectionState::Offline { since: 1, cut: true });
        shared.cut.send_replace(false);
        assert!(shared.enter(ConnectionState::Online { since: 2 }));
    }
}
