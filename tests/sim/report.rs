//! What a run says: figures on stdout, everything else on stderr.

use crate::{
    checks::Check,
    fleet::{self, Run},
    plan::{Enabled, Fault, Plan},
    shrink,
    world::Mode,
};
use serde_json::{Map, Value, json};

/// Tells what came of many schedules; false when one failed, or when something enabled never happened.
pub fn tell(run: &Run, enabled: &Enabled, mode: Mode, as_json: bool) -> anyhow::Result<bool> {
    for failing in &run.failing {
        eprintln!("seed {}: {}: {}", failing.seed, failing.invariant, failing.what);
        failing.minimal.iter().for_each(|step| eprintln!("    {step}"));
        let store = if mode.sqlite { " --with-sqlite" } else { "" };
        eprintln!("    again: cargo xtask sim --replay {} --trace{store}", failing.seed);
    }
    let never: Vec<&str> = idle(run, enabled, mode);
    if !never.is_empty() {
        eprintln!("never happened in {} schedules from seed {}: {}", run.schedules, run.seed, never.join(", "));
    }
    if let Some((events, faults)) = run.least {
        eprintln!("seeds from {}; at least {events} events and {faults} kinds of fault in each schedule", run.seed);
    }
    let faults: Map<String, Value> =
        of(enabled).map(|fault| (fault.name().to_owned(), json!(run.fired[fault.at()]))).collect();
    let checks: Map<String, Value> =
        Check::ALL.iter().map(|check| (check.name().to_owned(), json!(run.times[check.at()]))).collect();
    let failing: Vec<Value> = run
        .failing
        .iter()
        .map(|failing| json!({ "seed": failing.seed, "invariant": failing.invariant, "minimal": failing.minimal }))
        .collect();
    let document = json!({
        "schedules": run.schedules, "events": run.events, "faults": faults, "checks": checks, "failing": failing,
        "hash": format!("{:016x}", run.hash),
    });
    println!("{}", if as_json { document.to_string() } else { serde_json::to_string_pretty(&document)? });
    Ok(run.failing.is_empty() && never.is_empty())
}

fn of(enabled: &Enabled) -> impl Iterator<Item = Fault> + '_ {
    Fault::ALL.iter().copied().filter(|fault| enabled[fault.at()])
}

/// Enabled faults that never struck and invariants that nobody looked at.
fn idle(run: &Run, enabled: &Enabled, mode: Mode) -> Vec<&'static str> {
    let faults = of(enabled).filter(|fault| run.fired[fault.at()] == 0).map(Fault::name);
    let clocks = [Fault::ClockOffset, Fault::ClockJump, Fault::ClockDrift, Fault::ClockBack];
    let inexact = clocks.iter().any(|fault| enabled[fault.at()]);
    // What only a fault gives occasion to is not missed when the fault is off.
    let due = |check: &Check| match check {
        Check::WrongIsFlagged => inexact,
        Check::StoresAgree => mode.sqlite,
        Check::ComesBack => enabled[Fault::Restore.at()],
        Check::SnapshotEqualsLog => {
            [Fault::Newcomer, Fault::SnapshotCut, Fault::SnapshotGone].iter().any(|fault| enabled[fault.at()])
        }
        Check::PoisonDelaysNobody => enabled[Fault::Poison.at()],
        _ => true,
    };
    let checks = Check::ALL.iter().copied().filter(due).filter(|check| run.times[check.at()] == 0).map(Check::name);
    faults.chain(checks).collect()
}

/// One schedule again, with all it says; made smaller when it fails.
pub fn replay(seed: u64, enabled: &Enabled, mode: Mode, as_json: bool) -> bool {
    let plan = Plan::draw(seed, enabled);
    let rates = plan.faults().iter().map(|f| format!("{} {}", f.name(), plan.rate(*f))).collect::<Vec<_>>().join(", ");
    eprintln!("seed {seed}: {} devices, {} steps; per thousand: {rates}", plan.devices, plan.steps.len());
    let mut steps: Vec<usize> = (0..plan.steps.len()).collect();
    let first = fleet::attempt(&plan, &steps, Mode { trace: false, ..mode });
    let invariant = match &first {
        Ok(outcomes) => outcomes.breach.as_ref().map(|breach| breach.check.name()),
        Err(_) => Some("no_panic"),
    };
    if let Some(invariant) = invariant {
        steps = shrink::least(&plan, invariant, Mode { trace: false, ..mode });
        eprintln!("it fails in {invariant}; {} of {} steps are needed", steps.len(), plan.steps.len());
    }
    let outcomes = fleet::attempt(&plan, &steps, mode);
    match &outcomes {
        Ok(outcomes) => {
            outcomes.trace.iter().for_each(|line| eprintln!("{line}"));
            outcomes.breach.iter().for_each(|breach| eprintln!("{}: {}", breach.check.name(), breach.what));
        }
        Err(panic) => eprintln!("panic: {panic}"),
    }
    let hash = first.as_ref().map_or(0, |outcomes| outcomes.hash);
    let events = first.as_ref().map_or(0, |outcomes| outcomes.events);
    let failing: Vec<Value> = invariant
        .map(|invariant| {
            let minimal = shrink::minimal(&plan, invariant, mode);
            json!({ "seed": seed, "invariant": invariant, "minimal": minimal })
        })
        .into_iter()
        .collect();
    if as_json {
        let hash = format!("{hash:016x}");
        println!("{}", json!({ "schedules": 1, "events": events, "failing": failing, "hash": hash }));
    }
    invariant.is_none()
}
