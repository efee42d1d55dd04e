//! The combining writer: pushes wait in a queue; an idle writer takes what waits at once and
//! settles it in one transaction. One disk flush then serves many pushes.
//!
//! A change that needs what only the batch before it has named waits, with those behind it, until that is committed.
//! A batch that fails is tried push by push, a push that fails alone is cut in halves, and a
//! single change that fails is parked: no change can hold up the others.

use super::{Pokes, growth::Growth};
use crate::{
    error::ServerError,
    mint::Mint,
    store::{
        Store,
        batch::{self, PushRequest},
        fault::Fault,
        park, release,
    },
};
use std::sync::Arc;
use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use stillage_core::{
    id::{EpochId, OrganisationId},
    settle::Settled,
};
use tokio::{
    sync::{Notify, oneshot},
    task::JoinSet,
};

const WRITERS: usize = 2;
/// The greatest batch: pushes, and changes in them.
const BATCH_PUSHES: usize = 128;
const BATCH_CHANGES: usize = 4000;
const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(10);

type Answer = Result<Settled, ServerError>;

#[derive(Debug)]
struct Job {
    request: PushRequest,
    answer: oneshot::Sender<Answer>,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

#[derive(Debug, Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

impl Queue {
    /// Waits until the push has been committed, or could not be.
    pub async fn settle(&self, request: PushRequest) -> Answer {
        let (answer, end) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.closed {
                return Err(ServerError::Unavailable);
            }
            waiting.jobs.push_back(Job { request, answer });
        }
        self.arrived.notify_one();
        end.await.unwrap_or(Err(ServerError::Unavailable))
    }

    pub fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.arrived.notify_waiters();
    }

    /// What waits now, or what comes next; `None` when the queue is closed and empty.
    async fn take(&self) -> Option<Vec<Job>> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let batch = waiting.take();
                if !waiting.jobs.is_empty() {
                    self.arrived.notify_one();
                }
                if !batch.is_empty() {
                    return Some(batch);
                }
                if waiting.closed {
                    return None;
                }
            }
            arrived.await;
        }
    }
}

impl Waiting {
    /// One push of a desktop at a time: the second one's place in the chain depends on the first.
    fn take(&mut self) -> Vec<Job> {
        let (mut batch, mut left) = (Vec::new(), VecDeque::new());
        let (mut desktops, mut changes) = (HashSet::new(), 0);
        for job in self.jobs.drain(..) {
            let size = job.request.changes.len();
            let full = batch.len() >= BATCH_PUSHES || !batch.is_empty() && changes + size > BATCH_CHANGES;
            if full || job.request.chained && !desktops.insert(job.request.device) {
                left.push_back(job);
            } else {
                changes += size;
                batch.push(job);
            }
        }
        self.jobs = left;
        batch
    }
}

/// The tasks that write.
#[derive(Debug)]
pub struct Writers {
    tasks: tokio::sync::Mutex<JoinSet<()>>,
}

impl Writers {
    pub fn start(queue: &Arc<Queue>, store: Store, (org, epoch): (OrganisationId, EpochId), pokes: Pokes) -> Self {
        let mut tasks = JoinSet::new();
        let growth = Growth::new(store.clone());
        for n in 0..WRITERS {
            let (store, pokes, growth) = (store.clone(), pokes.clone(), growth.clone());
            let writer = Writer { store, org, epoch, pokes, growth, mint: Mint };
            let queue = Arc::clone(queue);
            tasks.spawn(async move {
                // A server that stopped may have left some.
                if n == 0 {
                    writer.release().await;
                }
                while let Some(batch) = queue.take().await {
                    writer.serve(batch).await;
                }
            });
        }
        Self { tasks: tokio::sync::Mutex::new(tasks) }
    }

    pub async fn finish(&self) {
        let mut tasks = self.tasks.lock().await;
        while tasks.join_next().await.is_some() {}
    }
}

#[derive(Debug)]
pub struct Writer {
    pub store: Store,
    pub org: OrganisationId,
    pub epoch: EpochId,
    pub pokes: Pokes,
    pub growth: Growth,
    pub mint: Mint,
}

impl Writer {
    async fn serve(&self, batch: Vec<Job>) {
        let (requests, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|job| (job.request, job.answer)).unzip();
        for (settled, answer) in self.settle(&requests).await.into_iter().zip(answers) {
            // Whoever asked may be gone; the changes are committed all the same.
            let _ = answer.send(settled);
        }
    }

    /// Settles a batch together if it can be, each push alone if not.
    pub async fn settle(&self, requests: &[PushRequest]) -> Vec<Answer> {
        match self.attempt(requests).await {
            Ok(answers) => self.finished(requests, answers).await,
            Err(Fault::Gone(fault)) => {
                tracing::error!(fault = format!("{fault:#}"), "the database cannot be written");
                requests.iter().map(|_| Err(ServerError::Unavailable)).collect()
            }
            Err(Fault::Crossed(fault) | Fault::Broken(fault)) => {
                tracing::warn!(fault = format!("{fault:#}"), pushes = requests.len(), "a batch failed; trying each");
                let mut answers = Vec::with_capacity(requests.len());
                for request in requests {
                    answers.push(self.alone(request.clone(), None).await);
                }
                answers
            }
        }
    }

    /// What stands on rows that only the batch itself has named goes on when that is committed.
    async fn finished(&self, requests: &[PushRequest], answers: Vec<Answer>) -> Vec<Answer> {
        let mut finished = Vec::with_capacity(answers.len());
        for (request, answer) in requests.iter().zip(answers) {
            finished.push(match answer {
                Ok(settled) if settled.refusal.is_none() && settled.taken < request.changes.len() => {
                    let [_, rest] = parted(request.clone(), settled.taken);
                    self.alone(rest, Some(settled)).await
                }
                answer => answer,
            });
        }
        finished
    }

    /// Tries until it is committed, or until trying again is no use.
    async fn attempt(&self, requests: &[PushRequest]) -> Result<Vec<Answer>, Fault> {
        let mut tried = 0;
        loop {
            let fault = match batch::settle(&self.store, self.org, requests).await {
                Ok(committed) => {
                    self.pokes.tell(&committed.heads);
                    self.growth.wrote(committed.records, committed.movements);
                    if committed.came_free {
                        self.release().await;
                    }
                    let answer = |settled: Option<Settled>| settled.ok_or(ServerError::SignedOut);
                    return Ok(committed.settled.into_iter().map(answer).collect());
                }
                Err(fault) => fault,
            };
            tried += 1;
            if tried >= ATTEMPTS || !fault.passes() {
                return Err(fault);
            }
            tokio::time::sleep(self.mint.jitter(PAUSE * 2_u32.pow(tried))).await;
        }
    }

    /// Decides parked changes of a restored server again. What fails now is left to the next time.
    pub async fn release(&self) {
        for tried in 1..=ATTEMPTS {
            let fault = match release::release(&self.store, self.org, self.epoch).await {
                Ok(heads) => return self.pokes.tell(&heads),
                Err(fault) => fault,
            };
            let passes = fault.passes();
            let fault = fault.into_inner();
            tracing::warn!(fault = format!("{fault:#}"), "parked changes could not be decided again");
            if !passes {
                return;
            }
            tokio::time::sleep(self.mint.jitter(PAUSE * 2_u32.pow(tried))).await;
        }
    }

    /// A push by itself, after what was taken of it: whole, or in ever smaller parts, in order.
    async fn alone(&self, request: PushRequest, mut whole: Option<Settled>) -> Answer {
        let mut parts = vec![request];
        while let Some(part) = parts.pop() {
            let settled = match self.attempt(std::slice::from_ref(&part)).await {
                Ok(mut answers) => answers.pop().unwrap_or(Err(ServerError::Unavailable))?,
                Err(Fault::Gone(fault)) => {
                    tracing::error!(fault = format!("{fault:#}"), "the database cannot be written");
                    return Err(ServerError::Unavailable);
                }
                Err(Fault::Crossed(_) | Fault::Broken(_)) if part.changes.len() > 1 => {
                    let middle = part.changes.len() / 2;
                    parts.extend(parted(part, middle).into_iter().rev());
                    continue;
                }
                Err(Fault::Crossed(fault) | Fault::Broken(fault)) => self.park(&part, &fault).await?,
            };
            let (refused, taken) = (settled.refusal.is_some(), settled.taken);
            let sum = whole.get_or_insert_with(|| Settled { results: Vec::new(), ..settled.clone() });
            sum.ack = settled.ack;
            sum.results.extend(settled.results);
            if refused {
                // Only the first part can be refused before anything was taken.
                break;
            }
            if taken < part.changes.len() {
                let [_, rest] = parted(part, taken);
                parts.push(rest);
            }
        }
        whole.ok_or(ServerError::Unavailable)
    }

    async fn park(&self, part: &PushRequest, fault: &anyhow::Error) -> Answer {
        let change = part.changes.first().map(|change| change.id);
        tracing::error!(fault = format!("{fault:#}"), ?change, device = %part.device, "a change is parked");
        let (settled, heads) =
            park::park(&self.store, self.org, part).await.map_err(|fault| ServerError::from(fault.into_inner()))?;
        self.pokes.tell(&heads);
        settled.ok_or(ServerError::SignedOut)
    }
}

fn parted(part: PushRequest, at: usize) -> [PushRequest; 2] {
    let (first, second) = part.changes.split_at(at);
    let chain = first.iter().fold(part.prev_chain, |chain, change| chain.next(change.id, change.hash()));
    let rest = PushRequest {
        first_seq: part.first_seq + at as u64,
        prev_chain: chain,
        changes: second.to_vec(),
        ..part.clone()
    };
    [PushRequest { changes: first.to_vec(), ..part }, rest]
}
