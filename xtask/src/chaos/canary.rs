//! Tails the log a second way: not by its numbers but by the transactions that wrote it, in the order of their ids
//! as Postgres gives them, and only those that no older transaction can still precede. What a reader by numbers
//! must never miss, this one has seen.

use super::sql::{Cluster, Session};
use anyhow::Result;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Rows below the oldest running transaction, from the last such bound on. Ids of this cluster never wrap in a run.
const TAIL: &str = "WITH bound AS (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS upper) \
    SELECT scope, seq, change, (SELECT upper FROM bound) FROM log \
    WHERE xmin::text::bigint >= {from} AND xmin::text::bigint < (SELECT upper FROM bound)";

/// A head without the rows below it is a hole that a reader would jump over.
const HOLES: &str = "SELECT s.scope, s.head, count(l.seq), coalesce(max(l.seq), 0) FROM scope s \
    LEFT JOIN log l ON l.org = s.org AND l.scope = s.scope GROUP BY s.scope, s.head \
    HAVING s.head <> count(l.seq) OR s.head <> coalesce(max(l.seq), 0)";

type Seen = BTreeMap<(String, u64), String>;

pub struct Canary {
    cluster: Cluster,
    found: Arc<Mutex<Found>>,
    stop: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Found {
    from: i64,
    seen: Seen,
    faults: Vec<String>,
}

impl Canary {
    pub fn start(cluster: &Cluster) -> Self {
        let (found, stop) = (Arc::new(Mutex::new(Found::default())), Arc::new(AtomicBool::new(false)));
        let (of, own, stopped) = (cluster.clone(), Arc::clone(&found), Arc::clone(&stop));
        let watcher = thread::spawn(move || {
            let mut session = None;
            while !stopped.load(Ordering::Relaxed) {
                // Postgres may have been killed: then there is nothing to see, and a new session is needed.
                let looked = match &mut session {
                    Some(open) => look(open, &own),
                    None => of.session().map(|open| session = Some(open)),
                };
                if looked.is_err() {
                    session = None;
                }
                thread::sleep(Duration::from_millis(50));
            }
        });
        Self { cluster: cluster.clone(), found, stop, watcher: Some(watcher) }
    }

    /// What is wrong with the log, seen on the way and at rest.
    pub fn judge(&self) -> Result<Vec<String>> {
        let mut session = self.cluster.session()?;
        look(&mut session, &self.found)?;
        let mut log = Seen::new();
        for row in session.rows("SELECT scope, seq, change FROM log")? {
            if let [scope, seq, change] = &row[..] {
                log.insert((scope.clone(), seq.parse()?), change.clone());
            }
        }
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut faults = found.faults.clone();
        let unseen = log.iter().filter(|(at, change)| found.seen.get(*at) != Some(change));
        faults.extend(unseen.map(|(at, _)| format!("{at:?} is in the log and was not among what was committed")));
        let gone = found.seen.keys().filter(|at| !log.contains_key(*at));
        faults.extend(gone.map(|at| format!("{at:?} was committed and is not in the log")));
        Ok(faults)
    }
}

fn look(session: &mut Session, found: &Mutex<Found>) -> Result<()> {
    let from = found.lock().unwrap_or_else(PoisonError::into_inner).from;
    let rows = session.rows(&TAIL.replace("{from}", &from.to_string()))?;
    let holes = session.rows(HOLES)?;
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    for row in rows {
        if let [scope, seq, change, upper] = &row[..] {
            found.from = upper.parse()?;
            let at = (scope.clone(), seq.parse()?);
            let known = found.seen.insert(at.clone(), change.clone());
            if let Some(other) = known.filter(|known| known != change) {
                found.faults.push(format!("{at:?} was {other} and became {change}"));
            }
        }
    }
    found.faults.extend(holes.into_iter().map(|row| format!("head and rows of a scope differ: {row:?}")));
    Ok(())
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}
