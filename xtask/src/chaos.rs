//! `cargo xtask chaos`: two real server processes on one real Postgres, real desktops, a network that lies, and
//! kills at every place where one hurts. After each cycle everything that was acknowledged must be there, once.
//!
//! The seed draws what people do and what goes wrong; when a kill lands is the machine's affair. A cycle that fails
//! keeps its folder. Like the replay, whoever judges keeps the record of what was acknowledged outside of the
//! product, and reads the product through what its binaries and Postgres print.

mod canary;
mod central;
mod hand;
mod judge;
mod proxy;
mod sql;
mod trouble;
mod world;

use crate::{
    cargo,
    fault::Fault,
    replay::{brood, mint},
    run,
};
use anyhow::{Context, Result};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use trouble::Trouble;
use world::World;

/// After so many cycles the world is left for a new one: what is read at the end of each stays small.
const WORLD: u64 = 25;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// How many times everything is broken and mended.
    #[arg(long, default_value_t = 20)]
    cycles: u64,
    /// Cycle C of seed S draws the same actions and the same faults; left out, one is drawn and printed.
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

/// What the run came to.
#[derive(Debug, Default, Serialize)]
struct Report {
    cycles: u64,
    seed: u64,
    /// How often each kind of trouble was made.
    kills: BTreeMap<&'static str, u64>,
    /// Changes that a desktop said it had.
    acknowledged: u64,
    lost: u64,
    twice: u64,
    stalls: u64,
    /// Anything else that must never be: a balance that is not its ledger, dumps that differ, a hole in the log.
    broken: Vec<String>,
}

impl Report {
    fn held(&self) -> bool {
        self.lost == 0 && self.twice == 0 && self.stalls == 0 && self.broken.is_empty()
    }
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let seed = args.seed.unwrap_or_else(mint::seed);
    let binaries = match &args.binaries {
        Some(folder) => fs::canonicalize(folder).with_context(|| folder.display().to_string())?,
        None => cargo::release().map_err(|fault: Fault| anyhow::anyhow!(fault.message))?,
    };
    let folder = run::work_folder("chaos", args.keep.as_deref())?;
    brood::watch_signals(folder.clone(), brood::Work::Kept)?;
    let mut report = Report { seed, ..Report::default() };
    let ended = play(args.cycles, &binaries, &folder, &mut report);
    print(&report, args.json)?;
    if ended.is_ok() && report.held() && args.keep.is_none() {
        fs::remove_dir_all(&folder)?;
    } else {
        eprintln!("the work folder is {}", folder.display());
    }
    ended?;
    Ok(ExitCode::from(u8::from(!report.held())))
}

fn play(cycles: u64, binaries: &Path, folder: &Path, report: &mut Report) -> Result<()> {
    let watch = mint::Watch::start();
    for first in (0..cycles).step_by(WORLD as usize) {
        let home = folder.join(format!("world-{first}"));
        let mut world = World::start(binaries, &home).context("starting servers and desktops")?;
        for cycle in first..cycles.min(first + WORLD) {
            let draws = ChaCha8Rng::seed_from_u64(report.seed ^ cycle.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            // A program that ended by a signal or never answered is a finding as any other.
            if let Err(failure) = world.cycle(draws, report) {
                report.broken.push(format!("cycle {cycle}: {failure:#}"));
            }
            report.cycles += 1;
            eprintln!(
                "cycle {cycle}: {:.1} s so far, {} acknowledged",
                watch.elapsed().as_secs_f64(),
                report.acknowledged
            );
            if !report.held() {
                return Ok(());
            }
        }
        world.close()?;
        drop(world);
        fs::remove_dir_all(&home)?;
    }
    Ok(())
}

fn print(report: &Report, json: bool) -> Result<()> {
    let kinds: BTreeMap<&str, u64> =
        Trouble::ALL.iter().map(|kind| (kind.name(), report.kills.get(kind.name()).copied().unwrap_or(0))).collect();
    if json {
        let mut document = json!(report);
        document["kills"] = json!(kinds);
        println!("{}", serde_json::to_string(&document)?);
        return Ok(());
    }
    println!("cycles        {}", report.cycles);
    println!("seed          {}", report.seed);
    kinds.iter().for_each(|(kind, times)| println!("  {kind:<18} {times}"));
    println!("acknowledged  {}", report.acknowledged);
    println!("lost          {}", report.lost);
    println!("twice         {}", report.twice);
    println!("stalls        {}", report.stalls);
    report.broken.iter().for_each(|what| println!("broken        {what}"));
    println!("verdict       {}", if report.held() { "HELD" } else { "BROKEN" });
    Ok(())
}
