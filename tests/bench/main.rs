//! `bench`: how fast the built programs are, each figure beside what the same disk, Postgres and SQLite can do at most,
//! measured in the same run. Started by `cargo xtask bench`, which builds everything optimised first.
//!
//! The surprise: the order is fixed, whatever order was asked for. The first sync pulls a catalogue and no history, so
//! it comes before everything that makes history.

mod catch_up;
mod crowd;
mod device;
mod first_sync;
mod goods;
mod growth;
mod history;
mod http;
mod list;
mod machine;
mod memory;
mod mint;
mod ones;
mod propagation;
mod push;
mod raw;
mod reads;
mod report;
mod scan;
mod search;
mod server;
mod snapshot;
mod world;

use anyhow::{Context, Result, bail};
use clap::Parser;
use machine::Machine;
use report::{Metric, Report, Row, Sample};
use serde_json::json;
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};
use world::World;

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures the built programs beside the raw limits of this machine")]
struct Args {
    /// What to measure; everything when nothing is named.
    #[arg(value_parser = Bench::ALL.map(|bench| bench.about().0))]
    names: Vec<String>,
    /// Medians of so many repetitions are reported.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    reps: u32,
    /// Fail when a goal is not met.
    #[arg(long)]
    enforce: bool,
    /// One JSON document as the last line of stdout.
    #[arg(long)]
    json: bool,
    /// The same seed gives the same items and the same work.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many items the catalogue has.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    items: u32,
    /// Measure also what takes long to prepare.
    #[arg(long)]
    full: bool,
    /// How many movements a long history has.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(2_000..=10_000_000))]
    movements: u32,
    /// Where the built programs are; beside this one when left out.
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// Work here, and keep it.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
enum Bench {
    FirstSync,
    Memory,
    CatchUp,
    Search,
    ScanToStored,
    Propagation,
    List,
    ItemById,
    SearchServer,
    AdjustApi,
    PushOnes,
    Push,
    History,
    Growth,
}

impl Bench {
    const ALL: [Self; 14] = [
        Self::FirstSync,
        Self::Memory,
        Self::CatchUp,
        Self::Search,
        Self::ScanToStored,
        Self::Propagation,
        Self::List,
        Self::ItemById,
        Self::SearchServer,
        Self::AdjustApi,
        Self::PushOnes,
        Self::Push,
        Self::History,
        Self::Growth,
    ];

    const fn about(self) -> (&'static str, &'static [Metric]) {
        match self {
            Self::FirstSync => ("first_sync", first_sync::METRICS),
            Self::Memory => ("memory", memory::METRICS),
            Self::CatchUp => ("catch_up", catch_up::METRICS),
            Self::Search => ("search", search::METRICS),
            Self::ScanToStored => ("scan_to_stored", scan::METRICS),
            Self::Propagation => ("propagation", propagation::METRICS),
            Self::List => ("list_50", list::METRICS),
            Self::ItemById => ("item_by_id", reads::ITEM),
            Self::SearchServer => ("search_server", reads::SEARCH),
            Self::AdjustApi => ("adjust_api", ones::ADJUST),
            Self::PushOnes => ("push_1_x128", ones::PUSH),
            Self::Push => ("push", push::METRICS),
            Self::History => ("first_sync_history", history::METRICS),
            Self::Growth => ("growth", growth::METRICS),
        }
    }

    async fn measure(self, world: &mut World) -> Result<Vec<Sample>> {
        match self {
            Self::FirstSync => first_sync::measure(world).await,
            Self::Memory => memory::measure(world).await,
            Self::CatchUp => catch_up::measure(world).await,
            Self::Search => search::measure(world).await,
            Self::ScanToStored => scan::measure(world).await,
            Self::Propagation => propagation::measure(world).await,
            Self::List => list::measure(world).await,
            Self::ItemById => reads::item(world).await,
            Self::SearchServer => reads::search(world).await,
            Self::AdjustApi => ones::adjust(world).await,
            Self::PushOnes => ones::push(world).await,
            Self::Push => push::measure(world).await,
            Self::History => history::measure(world).await,
            Self::Growth => growth::measure(world).await,
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let json = args.json;
    let ran = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime");
    match ran.and_then(|runtime| runtime.block_on(run(args))) {
        Ok(code) => code,
        Err(error) => {
            let next = "The work folder and the server's log are kept; look there.";
            fail(json, ("INTERNAL", 70), &format!("{error:#}"), next)
        }
    }
}

async fn run(args: Args) -> Result<ExitCode> {
    let folder = work_folder(args.keep.as_deref())?;
    let beside = || Ok::<_, anyhow::Error>(std::env::current_exe()?.parent().context("no folder")?.to_owned());
    let binaries = args.binaries.clone().map_or_else(beside, Ok)?;
    let mut world = World::new(folder.clone(), binaries, args.seed, usize::try_from(args.items)?);
    (world.movements, world.full) = (usize::try_from(args.movements)?, args.full);
    let report = tokio::select! {
        report = perform(&args, &mut world) => report,
        stop = stop_signal() => stop.and_then(|()| bail!("stopped by a signal")),
    };
    let report = report.with_context(|| format!("the work folder is {}", folder.display()));
    let stopped = world.stop().await;
    let report = report?;
    stopped.with_context(|| format!("the work folder is {}", folder.display()))?;
    if args.keep.is_none() {
        fs::remove_dir_all(&folder)?;
    }
    let Some(report) = report else {
        let next = "Set fsync and synchronous_commit to on: figures without them mean nothing.";
        return Ok(fail(args.json, ("NOT_DURABLE", 6), "Postgres does not wait for the disk.", next));
    };
    print!("{report}");
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    }
    let unmet = report.rows.iter().any(|row| !row.met);
    Ok(ExitCode::from(u8::from(args.enforce && unmet)))
}

/// Comes back when somebody wants this to end; the server must not outlive it.
async fn stop_signal() -> Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// `None` when Postgres does not keep what it commits.
async fn perform(args: &Args, world: &mut World) -> Result<Option<Report>> {
    let machine = Machine::measure(&world.folder)?;
    let mut durability = world.server().await?.durability().await?;
    durability.extend(raw::sqlite::durability(&raw::sqlite::open(&world.folder.join("settings.db"))?)?);
    for (name, value) in &durability {
        eprintln!("{name} = {value}");
    }
    let is_on = |wanted: &str| durability.iter().any(|(name, value)| name == wanted && value == "on");
    if !is_on("fsync") || !is_on("synchronous_commit") {
        return Ok(None);
    }
    let mut rows = Vec::new();
    for bench in Bench::ALL {
        let (name, metrics) = bench.about();
        let named = args.names.iter().any(|wanted| wanted == name);
        // A history takes minutes to make, and so does one server after the other.
        let usual = match bench {
            Bench::Growth => false,
            Bench::History => args.full,
            _ => true,
        };
        let usual = usual && args.names.is_empty();
        if !named && !usual {
            continue;
        }
        let mut samples = Vec::new();
        for rep in 1..=args.reps {
            let measured = bench.measure(world).await.with_context(|| format!("{name}, repetition {rep}"))?;
            for Sample { name, value, raw } in &measured {
                eprintln!("{name} {rep}/{}: {value:.3} (raw {raw:.3})", args.reps);
            }
            samples.extend(measured);
        }
        rows.extend(metrics.iter().filter_map(|metric| Row::of(metric, &samples)));
    }
    Ok(Some(Report { seed: args.seed, reps: args.reps, machine, durability, rows }))
}

fn fail(json: bool, (code, exit): (&str, u8), message: &str, next: &str) -> ExitCode {
    eprintln!("error: {message}\nnext:  {next}");
    if json {
        let error = json!({ "code": code, "message": message, "next": next, "details": {} });
        println!("{}", json!({ "error": error }));
    }
    ExitCode::from(exit)
}

/// A new folder that also the account Postgres runs under can walk through.
fn work_folder(chosen: Option<&Path>) -> Result<PathBuf> {
    let folder = match chosen {
        Some(dir) => {
            fs::create_dir_all(dir)?;
            fs::canonicalize(dir)?
        }
        None => tempfile::Builder::new().prefix("stillage-bench-").tempdir()?.keep(),
    };
    fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
    Ok(folder)
}
