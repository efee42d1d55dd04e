//! Loads of a request start when the request has asked for all it can ask for, and not before.
//!
//! The surprise: async-graphql polls a list two rows at a time and gives way in between, so a load
//! that starts on the next turn finds two keys, and one that sleeps first makes every level of a
//! query slower. Here the request is polled until it waits for something; then its loads begin.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::{future::BoxFuture, task::AtomicWaker};

/// Loads that wait for their request.
#[derive(Clone, Default)]
pub struct Gathered(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Gathered {
    /// Keeps a load until the request waits.
    pub fn add(&self, load: BoxFuture<'static, ()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(load);
    }

    fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Runs a request whose loads are gathered.
pub fn gathering<'a, T>(gathered: Gathered, request: BoxFuture<'a, T>) -> impl Future<Output = T> + Send + 'a
where
    T: 'a,
{
    Gathering { gathered, request, woken: Arc::default() }
}

struct Gathering<'a, T> {
    gathered: Gathered,
    request: BoxFuture<'a, T>,
    woken: Arc<Woken>,
}

/// Whether the request has more to do; wakes whoever polls us as well.
#[derive(Default)]
struct Woken {
    more: AtomicBool,
    outer: AtomicWaker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.more.store(true, Ordering::Release);
        self.outer.wake();
    }
}

impl<T> Future for Gathering<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.woken.outer.register(context.waker());
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut inner = Context::from_waker(&waker);
        loop {
            self.woken.more.store(false, Ordering::Release);
            if let Poll::Ready(answer) = self.request.as_mut().poll(&mut inner) {
                return Poll::Ready(answer);
            }
            if !self.woken.more.load(Ordering::Acquire) {
                break;
            }
            // Out of turn: the runtime wants the thread, and the wake above brings us back.
            if !tokio::task::coop::has_budget_remaining() {
                return Poll::Pending;
            }
        }
        for load in self.gathered.take() {
            tokio::spawn(load);
        }
        Poll::Pending
    }
}
