//! Simulated fleets: random schedules of people, devices, one server and everything that may go wrong, in one thread and
//! in no time. The rules are the product's own (`decide`, `settle`, `absorb`, `rebase`); what is around them (tables,
//! network, clocks, disks) is made of maps here, and follows the client's and the server's stores step by step.
//!
//! A seed is a schedule: the same one does the same, so that a failing one can be replayed and made smaller.

mod book;
#[cfg(seeded_bugs)]
mod bugs;
mod checks;
mod clock;
mod device;
mod dice;
mod fleet;
mod people;
mod plan;
mod report;
mod server;
mod shelf;
mod shrink;
#[cfg(test)]
mod tests;
mod world;

use anyhow::Context;
use clap::Parser;
use plan::{Enabled, Fault};
use std::process::ExitCode;

/// A run allocates and frees many small rows, on every core at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser, Debug)]
#[command(name = "sim", about = "Runs random schedules and checks what must always hold")]
struct Args {
    /// How many: seeds from --seed on.
    #[arg(long, default_value_t = 1000)]
    schedules: u64,
    /// The first seed; drawn and printed when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Only these faults, separated by commas.
    #[arg(long, value_delimiter = ',')]
    faults: Vec<String>,
    /// `every`: sums of the whole server after every event and not every now and then.
    #[arg(long, value_parser = ["every"])]
    check: Option<String>,
    /// One schedule, as often as it takes to understand it.
    #[arg(long, value_name = "SEED")]
    replay: Option<u64>,
    /// With --replay: says everything that happens.
    #[arg(long)]
    trace: bool,
    /// The production store on a real file beside every device's disk in memory: both must say and hold the same.
    #[arg(long)]
    with_sqlite: bool,
    /// Deliberate faults in the rules and the store, each for --schedules at most; only in a build that has them.
    #[arg(long)]
    seeded_bugs: bool,
    /// With --seeded-bugs: only these, separated by commas.
    #[arg(long, value_delimiter = ',')]
    bugs: Vec<String>,
    /// One JSON document as the last line of stdout.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match judge(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(fault) => {
            eprintln!("{fault:#}");
            ExitCode::from(2)
        }
    }
}

fn judge(args: &Args) -> anyhow::Result<bool> {
    let enabled = enabled(&args.faults)?;
    anyhow::ensure!(
        !args.with_sqlite || cfg!(feature = "sqlite"),
        "no SQLite in this build: cargo xtask sim --with-sqlite"
    );
    let mode = world::Mode { every: args.check.is_some(), trace: args.trace, sqlite: args.with_sqlite, broken: None };
    if let Some(seed) = args.replay {
        return Ok(report::replay(seed, &enabled, mode, args.json));
    }
    let seed = args.seed.unwrap_or_else(|| std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) >> 16);
    if args.seeded_bugs {
        return hunted(args, seed, &enabled, mode);
    }
    let run = fleet::run(fleet::Order { seed, schedules: args.schedules, enabled, mode, threads: threads() });
    report::tell(&run, &enabled, mode, args.json)
}

#[cfg(seeded_bugs)]
fn hunted(args: &Args, seed: u64, enabled: &Enabled, mode: world::Mode) -> anyhow::Result<bool> {
    let hunt = bugs::Hunt { seed, schedules: args.schedules, threads: threads(), mode };
    bugs::hunt(hunt, enabled, &args.bugs, args.json)
}

#[cfg(not(seeded_bugs))]
fn hunted(args: &Args, _: u64, _: &Enabled, _: world::Mode) -> anyhow::Result<bool> {
    anyhow::bail!("no deliberate faults in this build ({} named): use cargo xtask sim --seeded-bugs", args.bugs.len())
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get).max(2)
}

fn enabled(names: &[String]) -> anyhow::Result<Enabled> {
    if names.is_empty() {
        return Ok([true; Fault::ALL.len()]);
    }
    let mut enabled = [false; Fault::ALL.len()];
    for name in names {
        let fault = Fault::ALL.iter().find(|fault| fault.name() == name);
        let known = || Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ");
        let fault = fault.with_context(|| format!("no fault is called {name}; there are {}", known()))?;
        enabled[fault.at()] = true;
    }
    Ok(enabled)
}
