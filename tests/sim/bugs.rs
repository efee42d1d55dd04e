//! Deliberate faults in the rules and in the client's store (`core/src/seeded.rs`), each run until an invariant notices it. What a fleet of
//! simulated desktops would not notice, it does not show to be absent.

use crate::{fleet, plan::Enabled, plan::Plan, world::Mode};
use serde_json::json;
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use stillage_core::seeded::{Bug, turn_on};

/// Fewer bugs, or a smaller part of them caught, prove little.
const FEWEST: usize = 30;
const RATE: f64 = 0.95;

#[derive(Debug, Clone, Copy)]
pub struct Hunt {
    pub seed: u64,
    /// For each bug at most.
    pub schedules: u64,
    pub threads: usize,
    pub mode: Mode,
}

/// The first schedule that failed, counted from 1, and in what.
#[derive(Debug, Clone)]
struct Caught {
    schedule: u64,
    seed: u64,
    invariant: String,
    what: String,
}

/// Hunts every bug, or those that are named; false when too many got away.
pub fn hunt(hunt: Hunt, enabled: &Enabled, only: &[String], as_json: bool) -> anyhow::Result<bool> {
    let named = |bug: &Bug| only.is_empty() || only.iter().any(|name| name == bug.name());
    let bugs: Vec<Bug> = Bug::ALL.iter().copied().filter(named).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(vec![None; bugs.len()]));
    std::thread::scope(|scope| {
        for _ in 0..hunt.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(bug) = bugs.get(at) else { break };
                    let caught = first(hunt, enabled, *bug);
                    found.lock().unwrap_or_else(PoisonError::into_inner)[at] = caught;
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    tell(&bugs, &found, as_json)
}

fn first(hunt: Hunt, enabled: &Enabled, bug: Bug) -> Option<Caught> {
    turn_on(Some(bug));
    let mode = Mode { sqlite: bug.is_of_store(), ..hunt.mode };
    let caught = (1..=hunt.schedules).find_map(|schedule| {
        let seed = hunt.seed.wrapping_add(schedule - 1);
        let plan = Plan::draw(seed, enabled);
        let steps: Vec<usize> = (0..plan.steps.len()).collect();
        let (invariant, what) = match fleet::attempt(&plan, &steps, mode) {
            Ok(outcomes) => outcomes.breach.map(|breach| (breach.check.name().to_owned(), breach.what))?,
            Err(panic) => ("no_panic".to_owned(), panic),
        };
        Some(Caught { schedule, seed, invariant, what })
    });
    turn_on(None);
    match &caught {
        Some(Caught { schedule, invariant, what, .. }) => {
            eprintln!("{}: {invariant} after {schedule}: {what}", bug.name());
        }
        None => eprintln!("{}: got away: {}", bug.name(), bug.what()),
    }
    caught
}

fn tell(bugs: &[Bug], found: &[Option<Caught>], as_json: bool) -> anyhow::Result<bool> {
    let row = |(bug, caught): (&Bug, &Option<Caught>)| {
        let of = caught.as_ref();
        json!({
            "name": bug.name(), "caught": of.is_some(), "schedule": of.map(|c| c.schedule), "seed": of.map(|c| c.seed),
            "invariant": of.map(|c| &c.invariant),
        })
    };
    let caught = found.iter().filter(|caught| caught.is_some()).count();
    let rate = caught as f64 / bugs.len().max(1) as f64;
    let rows: Vec<_> = bugs.iter().zip(found).map(row).collect();
    let document = json!({ "bugs": rows, "rate": rate });
    println!("{}", if as_json { document.to_string() } else { serde_json::to_string_pretty(&document)? });
    Ok(bugs.len() >= FEWEST && rate >= RATE)
}
