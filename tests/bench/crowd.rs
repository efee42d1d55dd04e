//! Many callers at once, each asking again as soon as it has its answer: how many answers a second there are, and how
//! long the slow ones take.

use crate::{http::Connection, mint::Watch, report::percentile, server::Server};
use anyhow::{Context, Result};
use sqlx::PgConnection;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::task::JoinSet;

pub type Work<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// What came of it: jobs a second, and the time that all but one in a hundred stayed below.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub rate: f64,
    pub p99_ms: f64,
}

/// How the jobs are dealt out.
#[derive(Debug, Clone, Copy)]
pub enum Jobs {
    /// So many in all, the next to whichever caller is free.
    Shared(usize),
    /// So many for each caller.
    Each(usize),
}

/// Does all jobs, which are told by their numbers.
pub async fn pace<C, F>(callers: Vec<C>, jobs: Jobs, job: F) -> Result<Pace>
where
    C: Send + 'static,
    F: for<'a> Fn(&'a mut C, usize) -> Work<'a> + Send + Sync + 'static,
{
    let (next, job) = (Arc::new(AtomicUsize::new(0)), Arc::new(job));
    let mut tasks = JoinSet::new();
    let watch = Watch::start();
    for mut caller in callers {
        let (next, job) = (Arc::clone(&next), Arc::clone(&job));
        tasks.spawn(async move {
            let mut times = Vec::new();
            let number = |done: usize| match jobs {
                Jobs::Shared(most) => Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < most),
                Jobs::Each(most) => Some(done).filter(|n| *n < most),
            };
            while let Some(n) = number(times.len()) {
                let watch = Watch::start();
                job(&mut caller, n).await?;
                times.push(watch.ms());
            }
            Ok::<_, anyhow::Error>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    let rate = times.len() as f64 / watch.seconds();
    Ok(Pace { rate, p99_ms: percentile(times, 0.99).context("nothing was asked")? })
}

/// So many connections to the server, with one token.
pub async fn connections(server: &Server, token: &str, count: usize) -> Result<Vec<Connection>> {
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        connections.push(Connection::open(&server.url, Some(token)).await?);
    }
    Ok(connections)
}

/// So many connections to its Postgres.
pub async fn sessions(server: &Server, count: usize) -> Result<Vec<PgConnection>> {
    let mut sessions = Vec::with_capacity(count);
    for _ in 0..count {
        sessions.push(server.postgres().await?);
    }
    Ok(sessions)
}
