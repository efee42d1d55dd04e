//! `demo`: a server on its private Postgres, a furnished warehouse and two desktops that belong to two people, one of
//! whom can be cut off from the network to watch conflict and merge.
//!
//! With `--headless` the two people act by themselves, through the same calls as the windows make, and the run ends
//! with a verdict: did both and the server end with the same stock, was the conflict resolved, was anything lost.

mod furnish;
mod story;
mod warehouse;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use crate::cargo;
use crate::fault::Fault;
use crate::replay::PASSPHRASE;
use crate::replay::brood::{self, Ward, Work};
use crate::run;
use crate::setup::{self, For};
use story::Verdict;
use warehouse::Warehouse;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// No windows: the two people act by themselves and the terminal tells what happens.
    #[arg(long)]
    headless: bool,
    /// Work here, and keep it.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Trust what is built already; for the test that runs after the build.
    #[arg(long, hide = true)]
    built: bool,
    /// One JSON document as the last line of stdout.
    #[arg(long)]
    pub json: bool,
}

pub fn demo(args: &Args) -> Result<(), Fault> {
    if !args.headless && !has_display() {
        return Err(Fault::setup(
            "there is no display to open two windows on (neither DISPLAY nor WAYLAND_DISPLAY is set)",
            "cargo xtask demo --headless",
        ));
    }
    if !args.built {
        setup::prepare(For::Running)?;
        run::step(setup::npm(&["run", "build"]))?;
        run::step(cargo::workspace(&["build"], &["--bins"]))?;
    }
    let folder = run::work_folder("demo", args.keep.as_deref())?;
    // Ctrl-C is a usual way to end it.
    let work = if args.keep.is_none() { Work::Removed } else { Work::Kept };
    brood::watch_signals(folder.clone(), work)?;
    let result = perform(args, &folder);
    if result.is_ok() && args.keep.is_none() {
        fs::remove_dir_all(&folder)?;
    } else {
        eprintln!("the work folder is {}", folder.display());
    }
    result
}

fn perform(args: &Args, folder: &Path) -> Result<(), Fault> {
    eprintln!("\nStarting a server and furnishing a warehouse …");
    let mut warehouse = Warehouse::open(folder)?;
    let result = if args.headless { headless(&mut warehouse, args.json) } else { windows(&mut warehouse) };
    warehouse.close()?;
    result
}

fn headless(warehouse: &mut Warehouse, json: bool) -> Result<(), Fault> {
    let Verdict { agree, conflicts, resolved, lost } = story::play(warehouse, json)?;
    if json {
        println!("{}", json!({ "agree": agree, "conflicts": conflicts, "resolved": resolved, "lost": lost }));
    } else {
        println!("\nagree: {agree}, conflicts: {conflicts}, resolved: {resolved}, lost: {lost}");
    }
    if agree && resolved >= 1 && lost == 0 {
        return Ok(());
    }
    Err(Fault::verdict(
        format!("the devices do not agree: agree {agree}, resolved {resolved}, lost {lost}"),
        "The work folder keeps both devices, the server and their logs.",
    ))
}

/// Opens a window for each person and waits until both are closed.
fn windows(warehouse: &mut Warehouse) -> Result<(), Fault> {
    let mut open = Vec::new();
    for desk in &mut warehouse.desks {
        // The window is the device's one process from here on.
        desk.close()?;
        let log = fs::File::create(desk.data.with_extension("window.log"))?;
        let mut window = Command::new(cargo::bin("stillage-desktop"));
        window.arg("--data").arg(&desk.data).env("STILLAGE_PASSPHRASE", PASSPHRASE);
        window.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        open.push(Ward::start(&mut window, None)?);
    }
    println!("\nTwo windows are open: Anna's and Ben's, on one warehouse at {}.", warehouse.server.url);
    println!("Try this:");
    println!("  1. In both, open the menu of the status bar and pull the network.");
    println!("  2. In both, move some of item BOLT-M8 out of bin A1, count the bin, and rename the item.");
    println!("  3. Plug both in again: the stock agrees, and one inbox holds the two names.");
    println!("Close both windows, or press Ctrl-C here, to end everything.");
    while !open.is_empty() {
        thread::sleep(Duration::from_millis(200));
        let mut still = Vec::new();
        for mut window in open {
            if window.child.try_wait().context("wait for a window")?.is_none() {
                still.push(window);
            }
        }
        open = still;
    }
    Ok(())
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}
