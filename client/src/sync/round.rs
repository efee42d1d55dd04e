//! One round: push what waits, then pull to the head, holding the lock that no other process may
//! hold meanwhile.

use super::{
    Alone, ConnectionState, backups,
    bootstrap::{self, Source},
    enrol, held_alone,
    look::{Found, look},
    pull, push,
    report::{SyncReport, report},
    transport::{Transport, address},
};
use crate::{
    Code, Failure,
    engine::{Inner, Opened, Tag},
    mint::Moment,
    store::{
        Durability,
        clock::{self, Sample},
        fingerprint, outbox, settings, staged,
    },
};
use std::{
    fs::File,
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use stillage_core::id::DeviceId;
use tokio::time::{Instant, sleep, timeout_at};

/// How long another process may hold the lock before its round is given up here.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Why a round is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody waits for all there is.
    Asked,
    /// Something was recorded, what was pushed did not come back, or the line was down.
    Due,
    /// Nothing was heard for a while: it is time to look, mostly at nothing.
    Poll,
    /// The server has said how far it is: without news and work there is nothing to ask it.
    Told,
}

/// Rows of a pull that put no index aside.
const FEW: u64 = 1000;

/// What a round works with.
pub(super) struct Round {
    pub(super) inner: Arc<Inner>,
    pub(super) opened: Opened,
    pub(super) device: DeviceId,
    pub(super) transport: Transport,
    /// What was found here when it began; whoever makes it untrue takes it away.
    pub(super) found: Found,
    /// When the last question was asked.
    asked: Moment,
    _lock: Option<File>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Done {
    pub(super) pushed: u64,
    pub(super) pulled: u64,
    pub(super) outbox: u64,
    /// No snapshot was loaded and no index was put aside.
    calm: bool,
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::internal)?
}

impl Round {
    pub(super) async fn begin(inner: &Arc<Inner>, lock: Option<File>) -> Result<Self, Failure> {
        let opened = inner.opened()?;
        let (looking, from) = (Arc::clone(inner), opened.clone());
        let (url, token, found) = blocking(move || look(&looking, &from)).await?;
        let transport = Transport::new(inner, address(&url)?, token.device, Some(token.bearer))?;
        let asked = inner.mint.moment();
        Ok(Self { inner: Arc::clone(inner), opened, device: token.device, transport, found, asked, _lock: lock })
    }

    /// Starts again under another id.
    pub(super) async fn reopen(&mut self) -> Result<(), Failure> {
        let lock = self._lock.take();
        *self = Self::begin(&Arc::clone(&self.inner), lock).await?;
        self.inner.sync.moved_on.notify_waiters();
        Ok(())
    }

    /// Whether the database was copied here: the id it brought may still be in use.
    async fn is_copy(&self) -> Result<bool, Failure> {
        let (inner, store) = (Arc::clone(&self.inner), Arc::clone(&self.opened.store));
        blocking(move || {
            store.write(Durability::Normal, |transaction| {
                fingerprint::is_copy(transaction, &inner.data_dir, &inner.mint)
            })
        })
        .await
    }

    pub(super) async fn asking<T, F: Future<Output = Result<T, Failure>>>(
        &mut self,
        question: impl FnOnce(Transport) -> F,
    ) -> Result<T, Failure> {
        self.asked = self.inner.mint.moment();
        question(self.transport.clone()).await
    }

    /// The server has answered: the device is online, and takes the sample of the server's clock if it would be kept.
    pub(super) async fn answered(&self, server: i64) -> Result<(), Failure> {
        self.inner.enter(ConnectionState::Online { since: self.inner.mint.now() });
        let now = self.inner.mint.moment();
        let holds = &self.inner.sync.clock_holds;
        if now.monotonic < holds.load(Ordering::Relaxed) {
            return Ok(());
        }
        let (sample, store) = (Sample::new(&self.asked, &now, server), Arc::clone(&self.opened.store));
        holds.store(blocking(move || clock::keep(&store, sample)).await?, Ordering::Relaxed);
        Ok(())
    }
}

/// Pushes and pulls once. The state people see follows from how it went.
pub(super) async fn run(inner: &Arc<Inner>, why: Why) -> Result<Done, Failure> {
    let result = match exchange(inner, why).await {
        Ok(done) if done.calm => Ok(done),
        Ok(done) => put_in_place(inner).await.map(|()| done),
        Err(failure) => {
            // What went wrong first is what counts.
            let _ = put_in_place(inner).await;
            Err(failure)
        }
    };
    let now = inner.mint.now();
    match &result {
        Ok(_) => inner.enter(ConnectionState::Online { since: now }),
        Err(failure) => match failure.code {
            Code::NotConnected | Code::NeedsSetup | Code::Locked | Code::Busy => {}
            Code::SignedOut => inner.enter(ConnectionState::SignedOut),
            Code::UpgradeRequired => inner.enter(ConnectionState::UpgradeRequired),
            _ => inner.enter(ConnectionState::Offline { since: now, cut: inner.sync.is_cut() }),
        },
    }
    result
}

/// A long pull leaves indexes and search for the end, also when the end is a lost connection.
pub(super) async fn put_in_place(inner: &Arc<Inner>) -> Result<(), Failure> {
    let store = inner.opened()?.store;
    blocking(move || {
        while staged::step(&store)? {}
        Ok(())
    })
    .await?;
    if inner.sync.set_progress(None) {
        inner.tell(Tag::ALL);
    }
    Ok(())
}

async fn exchange(inner: &Arc<Inner>, why: Why) -> Result<Done, Failure> {
    if inner.sync.is_cut() {
        return Err(Failure::offline("the network is cut by hand"));
    }
    let (_here, lock): Alone<'_> = held_alone(inner).await?;
    let mut round = Round::begin(inner, Some(lock)).await?;
    round.transport.hangs_up = why == Why::Poll;
    if !round.found.at_home && round.is_copy().await? {
        enrol::fork(&mut round).await?;
    }
    let brought = if round.found.calm { pull::brought(&mut round).await? } else { 0 };
    let idle = why == Why::Told && !round.found.behind && !round.found.unsent;
    if idle && brought == 0 {
        return Ok(Done { calm: round.found.calm, ..Done::default() });
    }
    let (pushed, pulled) = if idle {
        (0, 0)
    } else {
        let done = match up_and_down(&mut round, why).await {
            Err(failure) if failure.code == Code::SignedOut => again_as_known(&mut round, why, failure).await?,
            done => done?,
        };
        if let Err(failure) = backups::ask(&mut round).await {
            tracing::debug!(%failure, "the server was not heard about its backups");
        }
        done
    };
    let pulled = brought + pulled;
    let (store, now) = (Arc::clone(&round.opened.store), inner.mint.now().to_string());
    let outbox = blocking(move || {
        store.write(Durability::Normal, |transaction| {
            settings::set(transaction, settings::LAST_SYNC, &now)?;
            outbox::waiting(transaction)
        })
    })
    .await?;
    let calm = round.found.calm && pulled < FEW;
    Ok(Done { pushed, pulled, outbox, calm })
}

async fn up_and_down(round: &mut Round, why: Why) -> Result<(u64, u64), Failure> {
    if round.found.calm {
        let pushed = push::run(round).await?;
        // What was pushed comes back by the socket, with what others did; if it does not, it is asked for.
        let sync = &round.inner.sync;
        if pushed > 0 && why == Why::Due && sync.follows() && !sync.expects.swap(true, Ordering::AcqRel) {
            return Ok((pushed, 0));
        }
        let pulled = pull::run(round).await?;
        if round.found.calm {
            return Ok((pushed, pulled));
        }
        // The pull took a snapshot instead.
        let (sent, fetched) = bootstrap::history(round).await?;
        return Ok((pushed + sent, pulled + fetched));
    }
    bootstrap::first(round).await?;
    round.found.input = None;
    let pushed = push::run(round).await?;
    bootstrap::front(round, &Source::Server).await?;
    let pulled = pull::run(round).await?;
    let (sent, fetched) = bootstrap::history(round).await?;
    Ok((pushed + sent, pulled + fetched))
}

/// Another process may have connected this device again since its token was read; or the server was restored from
/// before this device joined.
async fn again_as_known(round: &mut Round, why: Why, failure: Failure) -> Result<(u64, u64), Failure> {
    let opened = round.opened.clone();
    let before = opened.secrets.token();
    let changed = blocking(move || {
        opened.secrets.reload()?;
        Ok(opened.secrets.token() != before)
    })
    .await?;
    if !changed && !enrol::come_back(round).await? {
        return Err(failure);
    }
    round.reopen().await?;
    up_and_down(round, why).await
}

/// Rounds until nothing is left, somebody must do something, or the time is over.
pub(super) async fn until_drained(inner: &Arc<Inner>, timeout: Duration) -> Result<SyncReport, Failure> {
    let opened = inner.opened()?;
    let deadline = Instant::now() + timeout;
    let (mut pushed, mut pulled, mut pause) = (0, 0, Duration::from_millis(250));
    let failure = loop {
        let failure = match timeout_at(deadline, run(inner, Why::Asked)).await {
            Ok(Ok(done)) => {
                pushed += done.pushed;
                pulled += done.pulled;
                if done.outbox == 0 {
                    break None;
                }
                None
            }
            Ok(Err(failure)) if inner.sync.is_cut() || !passes(&failure) => break Some(failure),
            Ok(Err(failure)) => Some(failure),
            Err(_) => break Some(overdue(inner.sync.connection())),
        };
        if Instant::now() + pause > deadline {
            break Some(failure.unwrap_or_else(Failure::not_drained));
        }
        if failure.is_some() {
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    };
    match failure {
        Some(failure) if failure.code != Code::NotDrained && !passes(&failure) => Err(failure),
        failure => {
            let state = inner.sync.connection();
            let mut report = blocking(move || opened.store.read(|conn| report(conn, state))).await?;
            report.drained = failure.is_none();
            (report.pushed, report.pulled, report.failure) = (pushed, pulled, failure);
            Ok(report)
        }
    }
}

/// Why the time was not enough: nobody answered, or there was more to do.
fn overdue(connection: ConnectionState) -> Failure {
    match connection {
        ConnectionState::Online { .. } => Failure::not_drained(),
        _ => Failure::offline("the server did not answer in time"),
    }
}

/// Whether it may go away by itself.
fn passes(failure: &Failure) -> bool {
    matches!(failure.code, Code::Offline | Code::RateLimited | Code::Busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_that_ran_out_of_time_is_offline_only_when_nobody_answered() {
        assert_eq!(overdue(ConnectionState::Online { since: 1 }).code, Code::NotDrained);
        assert_eq!(overdue(ConnectionState::Offline { since: 1, cut: false }).code, Code::Offline);
    }
}
