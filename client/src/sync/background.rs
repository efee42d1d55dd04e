//! The loop that keeps a device in step while its window is open, and what wakes it: something
//! recorded here, a poke, another process, or the time to look by itself.

use super::{
    ConnectionState, held, poke,
    round::{self, Why},
    transport::{Transport, address},
};
use crate::{
    Code, Failure,
    engine::{Inner, Tag},
    store::settings,
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};

/// Polling behind the poke, give or take.
const POLL: Duration = Duration::from_secs(30);
const POLL_SPREAD: f64 = 0.3;
/// How long the socket may take to bring back what was pushed.
const ECHO: Duration = Duration::from_secs(1);
/// Pauses after failures: the limit doubles from the first to the last, the pause is drawn below it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(300);
/// How often to look whether another process has written.
const GLANCE: Duration = Duration::from_secs(1);

pub(super) fn start(inner: &Arc<Inner>) {
    let mut task = held(&inner.sync.task);
    if task.is_none() {
        inner.sync.stop.send_replace(false);
        let inner = Arc::clone(inner);
        *task = Some(tokio::spawn(async move {
            let mut stop = inner.sync.stop.subscribe();
            tokio::select! {
                () = keep_in_step(&inner) => {}
                () = listen(&inner) => {}
                () = glance(&inner) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }));
    }
}

pub(super) async fn stop(inner: &Arc<Inner>) {
    let task = held(&inner.sync.task).take();
    inner.sync.stop.send_replace(true);
    if let Some(task) = task {
        // A panic in the loop was logged where it happened.
        let _ = task.await;
    }
}

async fn keep_in_step(inner: &Arc<Inner>) {
    let (mut failures, mut next) = (0, Why::Told);
    loop {
        let why = std::mem::replace(&mut next, Why::Told);
        let why = if inner.sync.due.swap(false, Ordering::AcqRel) { Why::Due } else { why };
        match round::run(inner, why).await {
            Ok(_) => {
                failures = 0;
                let poll = POLL.mul_f64(1.0 - POLL_SPREAD + 2.0 * POLL_SPREAD * inner.mint.fraction());
                let poll = if inner.sync.expects.load(Ordering::Acquire) { ECHO } else { poll };
                tokio::select! {
                    () = sleep(poll) => next = inner.sync.heard_nothing(),
                    () = inner.sync.nudge.notified() => {}
                    () = inner.sync.wake.notified() => inner.sync.due.store(true, Ordering::Release),
                }
            }
            Err(failure) => {
                if failure.code == Code::Damaged {
                    // Not here: to be put right, the files must be let go of by this loop as well.
                    let (inner, failure) = (Arc::clone(inner), failure.clone());
                    tokio::spawn(async move { crate::engine::looked_at(&inner, failure).await });
                }
                tokio::select! {
                    () = sleep_until(Instant::now() + pause(inner, &failure, failures)) => {}
                    () = inner.sync.wake.notified() => {}
                }
                failures += 1;
                inner.sync.due.store(true, Ordering::Release);
            }
        }
    }
}

fn pause(inner: &Inner, failure: &Failure, failures: u32) -> Duration {
    match failure.code {
        // Only a person can help; what wakes the loop is that person's doing.
        Code::NotConnected | Code::NeedsSetup | Code::Locked | Code::SignedOut => LAST_PAUSE,
        _ => {
            let limit = FIRST_PAUSE.saturating_mul(1 << failures.min(10)).min(LAST_PAUSE);
            let asked = Duration::from_millis(failure.details["retry_after_ms"].as_u64().unwrap_or(0));
            inner.mint.jitter(limit).max(asked)
        }
    }
}

/// Keeps the socket of the poke open while the server can be reached.
async fn listen(inner: &Arc<Inner>) {
    let mut failures = 0;
    loop {
        inner.sync.follows.store(false, Ordering::Release);
        if matches!(inner.sync.connection(), ConnectionState::Online { .. })
            && let Ok(transport) = line(inner).await
        {
            let mut cut = inner.sync.cut.subscribe();
            let opened = Instant::now();
            tokio::select! {
                failure = poke::listen(&transport) => {
                    tracing::debug!(%failure, "the poke is silent");
                }
                () = inner.sync.moved_on.notified() => {}
                _ = cut.wait_for(|cut| *cut) => {}
            }
            failures = if opened.elapsed() > POLL { 0 } else { failures + 1 };
            let limit = FIRST_PAUSE.saturating_mul(1 << failures.min(10)).min(LAST_PAUSE);
            sleep(inner.mint.jitter(limit)).await;
        } else {
            sleep(GLANCE / 4).await;
        }
    }
}

async fn line(inner: &Arc<Inner>) -> Result<Transport, Failure> {
    let opened = inner.opened()?;
    let store = Arc::clone(&opened.store);
    let url = round::blocking(move || store.read(|conn| settings::get(conn, settings::SERVER))).await?;
    let url = url.ok_or_else(Failure::not_connected)?;
    let token = opened.secrets.token().ok_or_else(Failure::not_connected)?;
    Transport::new(inner, address(&url)?, token.device, Some(token.bearer))
}

/// Tells the screens, and this loop, what another process on the same directory did.
async fn glance(inner: &Arc<Inner>) {
    loop {
        sleep(GLANCE).await;
        let Ok(opened) = inner.opened() else { continue };
        if let Ok(true) = round::blocking(move || opened.store.changed_elsewhere()).await {
            let Ok(opened) = inner.opened() else { continue };
            let remembered = Arc::clone(inner);
            let _ = round::blocking(move || super::look_again(&remembered, &opened.store)).await;
            inner.tell(Tag::ALL);
            inner.sync.nudge();
        }
    }
}
