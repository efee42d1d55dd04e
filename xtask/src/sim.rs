//! `sim`: builds the simulated fleets optimised, then lets them run. Their words and their exit code are the verb's own.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::cargo;
use crate::fault::Fault;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// How many: seeds from --seed on.
    #[arg(long, default_value_t = 1000)]
    schedules: u64,
    /// The first seed; drawn and printed when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Only these faults, separated by commas.
    #[arg(long, value_name = "LIST")]
    faults: Option<String>,
    /// `every`: sums of the whole server after every event and not every now and then.
    #[arg(long, value_name = "WHEN")]
    check: Option<String>,
    /// One schedule, made as small as it can be when it fails.
    #[arg(long, value_name = "SEED")]
    replay: Option<u64>,
    /// With --replay: says everything that happens.
    #[arg(long)]
    trace: bool,
    /// The production store on a real file beside every device's disk in memory: both must say and hold the same.
    #[arg(long, conflicts_with = "seeded_bugs")]
    with_sqlite: bool,
    /// Deliberate faults in the rules and the store, one after the other: does an invariant notice each? Within --schedules for each.
    #[arg(long)]
    seeded_bugs: bool,
    /// With --seeded-bugs: only these, separated by commas.
    #[arg(long, value_name = "LIST", requires = "seeded_bugs")]
    bugs: Option<String>,
    /// One JSON document as the last line of stdout.
    #[arg(long)]
    pub json: bool,
}

pub fn sim(args: &Args) -> Result<(), Fault> {
    let programs = match (args.seeded_bugs, args.with_sqlite) {
        (true, _) => cargo::seeded("stillage-sim")?,
        (false, true) => cargo::release_of("stillage-sim", &[])?,
        // Without the client it is there in a minute.
        (false, false) => cargo::release_of("stillage-sim", &["--no-default-features"])?,
    };
    let mut sim = Command::new(programs.join("sim"));
    sim.args(["--schedules", &args.schedules.to_string()]);
    let options =
        [("--seed", args.seed.map(|seed| seed.to_string())), ("--replay", args.replay.map(|seed| seed.to_string()))];
    let texts = [("--faults", args.faults.clone()), ("--check", args.check.clone()), ("--bugs", args.bugs.clone())];
    for (name, value) in options.into_iter().chain(texts) {
        if let Some(value) = value {
            sim.args([name, &value]);
        }
    }
    sim.args(args.seeded_bugs.then_some("--seeded-bugs"));
    sim.args(args.with_sqlite.then_some("--with-sqlite"));
    sim.args(args.trace.then_some("--trace")).args(args.json.then_some("--json"));
    Err(Fault::ours(sim.stdin(Stdio::null()).exec()))
}
