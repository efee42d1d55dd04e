//! `bench`: builds the programs and the bench optimised, then lets the bench measure them. Its words and its exit code
//! are the verb's own.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cargo;
use crate::fault::Fault;
use crate::run;

/// Nothing of the window: it takes minutes and is not measured here.
const PACKAGES: [&str; 6] = ["-p", "stillage-client", "-p", "stillage-server", "-p", "stillage-tests"];

#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to measure (first_sync, search, scan_to_stored, propagation, list_50, push); everything when left out.
    names: Vec<String>,
    /// Medians of so many repetitions are reported.
    #[arg(long, default_value_t = 3)]
    reps: u32,
    /// Fail when a goal is not met.
    #[arg(long)]
    enforce: bool,
    /// The same seed gives the same items and the same work.
    #[arg(long)]
    seed: Option<u64>,
    /// Work here, and keep it.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// One JSON document as the last line of stdout.
    #[arg(long)]
    pub json: bool,
}

pub fn bench(args: &Args) -> Result<(), Fault> {
    let mut build = cargo::cargo(&["build", "--release", "--bins"]);
    // stdout is for the figures.
    build.args(PACKAGES).stdout(Stdio::null());
    run::step(build)?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| run::root().join("target"), PathBuf::from);
    let mut bench = Command::new(run::root().join(target).join("release").join("bench"));
    bench.args(&args.names).args(["--reps", &args.reps.to_string()]);
    bench.args(args.enforce.then_some("--enforce")).args(args.json.then_some("--json"));
    if let Some(seed) = args.seed {
        bench.args(["--seed", &seed.to_string()]);
    }
    if let Some(dir) = &args.keep {
        bench.arg("--keep").arg(dir);
    }
    // It takes this process's place: a signal meant for the verb reaches whoever has a server to stop.
    Err(Fault::ours(bench.stdin(Stdio::null()).exec()))
}
