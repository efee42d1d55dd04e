//! Many schedules on several threads. What comes out does not depend on which thread ran which.

use crate::{
    checks::Check,
    plan::{Enabled, Fault, Plan},
    shrink,
    world::{self, Mode, Outcomes},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// One schedule in so many is run twice, to see that it does the same.
const TWICE: u64 = 64;
/// So many failing ones are made smaller; more say nothing new.
const SHRUNK: usize = 12;

#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub seed: u64,
    pub schedules: u64,
    pub enabled: Enabled,
    pub mode: Mode,
    pub threads: usize,
}

#[derive(Debug, Clone)]
pub struct Failing {
    pub seed: u64,
    pub invariant: String,
    pub what: String,
    pub minimal: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Run {
    pub seed: u64,
    pub schedules: u64,
    pub events: u64,
    /// The fewest events, and the fewest kinds of fault that were on, of any schedule.
    pub least: Option<(u64, usize)>,
    pub fired: [u64; Fault::ALL.len()],
    pub times: [u64; Check::ALL.len()],
    pub failing: Vec<Failing>,
    pub hash: u64,
}

impl Run {
    fn add(&mut self, seed: u64, faults: usize, outcomes: &Outcomes) {
        self.schedules += 1;
        self.events += outcomes.events;
        let (events, kinds) = self.least.unwrap_or((u64::MAX, usize::MAX));
        self.least = Some((events.min(outcomes.events), kinds.min(faults)));
        self.fired.iter_mut().zip(outcomes.fired).for_each(|(sum, n)| *sum += n);
        self.times.iter_mut().zip(outcomes.times).for_each(|(sum, n)| *sum += n);
        // Added up, so that the order in which threads come back does not matter.
        self.hash = self.hash.wrapping_add((outcomes.hash ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }

    fn join(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.events += other.events;
        self.least = match (self.least, other.least) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.min(b.1))),
            (a, b) => a.or(b),
        };
        self.fired.iter_mut().zip(other.fired).for_each(|(sum, n)| *sum += n);
        self.times.iter_mut().zip(other.times).for_each(|(sum, n)| *sum += n);
        self.hash = self.hash.wrapping_add(other.hash);
        self.failing.extend(other.failing);
    }
}

pub fn run(order: Order) -> Run {
    let next = AtomicU64::new(0);
    let whole = Mutex::new(Run { seed: order.seed, ..Run::default() });
    std::thread::scope(|scope| {
        for _ in 0..order.threads.max(1) {
            scope.spawn(|| {
                let mut run = Run::default();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= order.schedules {
                        break;
                    }
                    one(&order, order.seed.wrapping_add(at), &mut run);
                }
                whole.lock().unwrap_or_else(PoisonError::into_inner).join(run);
            });
        }
    });
    let mut run = whole.into_inner().unwrap_or_else(PoisonError::into_inner);
    run.failing.sort_by_key(|failing| failing.seed);
    for failing in run.failing.iter_mut().take(SHRUNK) {
        failing.minimal = shrink::minimal(&Plan::draw(failing.seed, &order.enabled), &failing.invariant, order.mode);
    }
    run
}

fn one(order: &Order, seed: u64, run: &mut Run) {
    let plan = Plan::draw(seed, &order.enabled);
    let steps: Vec<usize> = (0..plan.steps.len()).collect();
    let outcomes = match attempt(&plan, &steps, order.mode) {
        Ok(outcomes) => outcomes,
        Err(what) => {
            run.schedules += 1;
            run.failing.push(Failing { seed, invariant: "no_panic".into(), what, minimal: Vec::new() });
            return;
        }
    };
    run.add(seed, plan.faults().len(), &outcomes);
    if let Some(breach) = &outcomes.breach {
        let (invariant, what) = (breach.check.name().to_owned(), breach.what.clone());
        run.failing.push(Failing { seed, invariant, what, minimal: Vec::new() });
    } else if seed.is_multiple_of(TWICE) {
        let again = attempt(&plan, &steps, order.mode).map(|again| again.hash);
        if again != Ok(outcomes.hash) {
            let what = "the same seed did something else the second time".to_owned();
            run.failing.push(Failing { seed, invariant: "same_seed_same_hash".into(), what, minimal: Vec::new() });
        }
    }
}

/// Runs a schedule; a panic of the rules is a failure like any other.
pub fn attempt(plan: &Plan, steps: &[usize], mode: Mode) -> Result<Outcomes, String> {
    catch_unwind(AssertUnwindSafe(|| world::run(plan, steps, mode))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}
