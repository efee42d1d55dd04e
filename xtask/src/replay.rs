//! `cargo xtask replay`: a retailer's year through a real server and real devices, with cuts, kills
//! and clashes, and a verdict on whether everybody ends with the same stock.
//!
//! `plan.rs` says how a line of the file becomes a movement, `schedule.rs` what goes wrong when.
//! Both are drawn from the seed before anything starts; `judge.rs` folds the plan by itself and
//! reads the product only through what its binaries print. Nothing here knows `core` or `client`.
//!
//! The surprise: the run fails also when nothing differs but too little went wrong on the way.
//! A replay without cuts and kills would prove nothing.

pub mod brood;
mod device;
pub mod dump;
pub mod fleet;
mod judge;
pub mod mint;
pub mod plan;
pub mod read;
pub mod rpc;
mod schedule;
pub mod server;
mod table;

use crate::{cargo, fault::Fault, run};
use anyhow::{Context, Result};
use fleet::Fleet;
use mint::Watch;
use plan::Plan;
use schedule::Schedule;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use table::Report;

/// The devices of a run have no keyring; this stands for the one a person would type.
pub const PASSPHRASE: &str = "replay";

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Retail lines as CSV, or as CSV in zstd (.zst).
    file: PathBuf,
    /// How many devices share the work.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(2..=64))]
    devices: u64,
    /// Only the first so many lines.
    #[arg(long)]
    lines: Option<usize>,
    /// The same seed gives the same plan and the same schedule; left out, one is drawn and printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Work here, and keep it.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Use the binaries of this folder instead of building optimised ones.
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// One JSON document as the last line of stdout.
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let json = args.json;
    replay(args).or_else(|error| {
        let fault = Fault::ours(error);
        fault.report(json);
        Ok(ExitCode::from(fault.exit))
    })
}

fn replay(args: Args) -> Result<ExitCode> {
    let lines = match read::read_file(&args.file, args.lines) {
        Ok(lines) => lines,
        Err(error) => {
            let fault = Fault {
                exit: 2,
                code: "UNREADABLE_FILE",
                message: format!("{error:#}"),
                next: "Give a CSV file with the columns of UCI Online Retail, as it is or as .zst; \
                       `cargo xtask generate-retail OUT.csv.zst` writes one."
                    .into(),
            };
            fault.report(args.json);
            return Ok(ExitCode::from(fault.exit));
        }
    };
    let seed = args.seed.unwrap_or_else(mint::seed);
    eprintln!("seed {seed}: {} lines on {} devices", lines.len(), args.devices);
    let devices = usize::try_from(args.devices)?;
    let plan = Plan::of(&lines, seed);
    let schedule = Schedule::of(&plan, devices, seed);
    let binaries = match &args.binaries {
        Some(folder) => folder.clone(),
        None => cargo::release().map_err(|fault| anyhow::anyhow!(fault.message))?,
    };
    let folder = run::work_folder("replay", args.keep.as_deref())?;
    brood::watch_signals(folder.clone(), brood::Work::Kept)?;
    let report =
        perform(&plan, &schedule, devices, (&binaries, &folder)).map(|report| Report { seed, ..report }.close());
    let report = report.with_context(|| format!("the work folder is {}", folder.display()))?;
    if args.json {
        eprint!("{report}");
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    if report.held() && args.keep.is_none() {
        fs::remove_dir_all(&folder)?;
    } else {
        eprintln!("the work folder is {}", folder.display());
    }
    Ok(ExitCode::from(u8::from(!report.held())))
}

/// Everything between the plan and the report. `places` are the binaries and the work folder.
fn perform(plan: &Plan, schedule: &Schedule, devices: usize, places: (&Path, &Path)) -> Result<Report> {
    let (binaries, folder) = places;
    let mut fleet = Fleet::start(binaries, folder, plan, devices)?;
    fleet.furnish().context("loading the catalogue and the opening stock")?;
    let before = fleet.bytes()?;
    let watch = Watch::start();
    fleet.play(schedule)?;
    fleet.settle().context("coming to rest")?;
    let seconds = watch.elapsed().as_secs_f64();
    let bytes = fleet.bytes()? - before;
    let inbox = fleet.inbox()?;
    let dumps = fleet.dump(folder, &binaries.join("stillage"))?;
    let mut differences = Vec::new();
    let (mut acknowledged, mut edits) = (Vec::new(), Vec::new());
    for device in &mut fleet.devices {
        differences.append(&mut device.acknowledged.faults);
        acknowledged.append(&mut device.acknowledged.changes);
        edits.append(&mut device.acknowledged.edits);
    }
    let count =
        |of: &dyn Fn(&device::Acknowledged) -> usize| fleet.devices.iter().map(|d| of(&d.acknowledged)).sum::<usize>();
    let (cuts, kills, survived) = (count(&|a| a.cuts), count(&|a| a.kills), count(&|a| a.survived));
    let case = judge::Case {
        plan,
        schedule,
        items: &fleet.ids.items,
        acknowledged: &acknowledged,
        edits: &edits,
        inbox: &inbox,
    };
    eprintln!("judging {} dumps", dumps.len());
    differences.extend(judge::judge(&case, &dumps)?);
    let cards = by_kind(&inbox);
    let cards_of = |kind: &str| cards.get(kind).copied().unwrap_or(0);
    let server_kills = fleet.server_kills;
    fleet.server.stop()?;
    Ok(Report {
        lines: plan.entries.len(),
        skipped: plan.skipped,
        devices,
        seed: 0,
        skus: plan.items.len(),
        seconds,
        movements_per_s: plan.entries.len() as f64 / seconds,
        bytes_per_movement: bytes as f64 / plan.entries.len() as f64,
        cuts,
        kills,
        server_kills,
        survived,
        shared_skus: schedule.shared_items(plan).len(),
        conflicts: cards_of("conflict"),
        rejections: cards_of("rejected") + cards_of("parked"),
        below_zero: cards_of("negative"),
        shortfalls: Vec::new(),
        verdict: "",
        differences,
    })
}

fn by_kind(inbox: &BTreeMap<String, serde_json::Value>) -> BTreeMap<&str, usize> {
    let mut cards = BTreeMap::new();
    for kind in inbox.values().filter_map(|card| card["kind"].as_str()) {
        *cards.entry(kind).or_insert(0) += 1;
    }
    cards
}
