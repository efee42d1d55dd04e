//! `bench`: builds the programs and the bench optimised, then lets the bench measure them. Its words and its exit code
//! are the verb's own.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cargo;
use crate::fault::Fault;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to measure (first_sync, memory, catch_up, search, scan_to_stored, propagation, list_50, item_by_id,
    /// search_server, adjust_api, push_1_x128, push, first_sync_history, growth); everything but the last two when left
    /// out.
    names: Vec<String>,
    /// Medians of so many repetitions are reported.
    #[arg(long, default_value_t = 3)]
    reps: u32,
    /// Fail when a goal is not met.
    #[arg(long)]
    enforce: bool,
    /// Measure also what takes long to prepare: first_sync_history, and in growth the histories.
    #[arg(long)]
    full: bool,
    /// The same seed gives the same items and the same work.
    #[arg(long)]
    seed: Option<u64>,
    /// How many items the catalogue has; 100,000 when left out.
    #[arg(long)]
    items: Option<u32>,
    /// How many movements a long history has; 1,000,000 when left out.
    #[arg(long)]
    movements: Option<u32>,
    /// Work here, and keep it.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// One JSON document as the last line of stdout.
    #[arg(long)]
    pub json: bool,
}

pub fn bench(args: &Args) -> Result<(), Fault> {
    let mut bench = Command::new(cargo::release()?.join("bench"));
    bench.args(&args.names).args(["--reps", &args.reps.to_string()]);
    bench.args(args.enforce.then_some("--enforce")).args(args.json.then_some("--json"));
    bench.args(args.full.then_some("--full"));
    let (items, movements) = (args.items.map(u64::from), args.movements.map(u64::from));
    for (name, number) in [("--seed", args.seed), ("--items", items), ("--movements", movements)] {
        bench.args(number.map(|number| [name.to_owned(), number.to_string()]).into_iter().flatten());
    }
    if let Some(dir) = &args.keep {
        bench.arg("--keep").arg(dir);
    }
    // It takes this process's place: a signal meant for the verb reaches whoever has a server to stop.
    Err(Fault::ours(bench.stdin(Stdio::null()).exec()))
}
