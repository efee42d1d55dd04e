//! Makes a failing schedule smaller: events are left out as long as it still fails in the same way (delta debugging).

use crate::{fleet, plan::Plan, world::Mode};

/// Attempts; what is left then is small enough, or hard to make smaller.
const ATTEMPTS: usize = 600;

/// The steps that are needed to fail, as they read.
pub fn minimal(plan: &Plan, invariant: &str, mode: Mode) -> Vec<String> {
    let steps = least(plan, invariant, Mode { trace: false, ..mode });
    steps.into_iter().map(|at| format!("{at}: device {} {:?}", plan.steps[at].device, plan.steps[at].what)).collect()
}

/// The smallest set of steps found that still fails.
pub fn least(plan: &Plan, invariant: &str, mode: Mode) -> Vec<usize> {
    let all: Vec<usize> = (0..plan.steps.len()).collect();
    let memory = Mode { sqlite: false, ..mode };
    // What fails in memory too is made small there, in a hundredth of the time.
    let mode = if fails(plan, &all, invariant, memory) { memory } else { mode };
    let fails = |steps: &[usize]| fails(plan, steps, invariant, mode);
    let mut steps = all;
    let (mut parts, mut left) = (2, ATTEMPTS);
    while steps.len() > 1 && left > 0 {
        let size = steps.len().div_ceil(parts);
        let mut smaller = None;
        for start in (0..steps.len()).step_by(size) {
            let end = (start + size).min(steps.len());
            let rest: Vec<usize> = steps[..start].iter().chain(&steps[end..]).copied().collect();
            left = left.saturating_sub(1);
            if fails(&rest) {
                smaller = Some(rest);
                break;
            }
        }
        match smaller {
            Some(rest) => {
                steps = rest;
                parts = parts.saturating_sub(1).max(2);
            }
            None if size == 1 => break,
            None => parts = (parts * 2).min(steps.len()),
        }
    }
    steps
}

fn fails(plan: &Plan, steps: &[usize], invariant: &str, mode: Mode) -> bool {
    match fleet::attempt(plan, steps, mode) {
        Ok(outcomes) => outcomes.breach.is_some_and(|breach| breach.check.name() == invariant),
        Err(_) => invariant == "no_panic",
    }
}
