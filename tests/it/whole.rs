//! The whole product in a terminal: server, Postgres and devices as processes, driven by the verbs people type.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::programs::program;

fn xtask(args: &[&str], keep: &Path) -> (Output, Value) {
    let mut xtask = Command::new(program("xtask"));
    let output = xtask.args(args).arg("--json").arg("--keep").arg(keep).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = said.trim().lines().last().unwrap_or_default().to_owned();
    let verdict = serde_json::from_str(&last)
        .unwrap_or_else(|_| panic!("no verdict in {said}\n{}", String::from_utf8_lossy(&output.stderr)));
    (output, verdict)
}

/// Postgres, which may run under an account of its own, must be able to walk in.
fn home() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("stillage-whole-").tempdir().unwrap()
}

#[test]
fn two_people_offline_at_one_bin_agree_and_lose_nothing() {
    let home = home();
    let (output, verdict) = xtask(&["demo", "--headless", "--built"], home.path());
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{verdict}\n{log}");
    assert_eq!(verdict["agree"], true, "{log}");
    assert_eq!(verdict["conflicts"], 1, "{log}");
    assert_eq!(verdict["resolved"], 1, "{log}");
    assert_eq!(verdict["lost"], 0, "{log}");
}

#[test]
fn a_made_up_retail_year_replays_with_cuts_and_kills_and_everybody_agrees() {
    let home = home();
    let file = home.path().join("retail.csv");
    let file = file.to_str().unwrap();
    let made = Command::new(program("xtask"))
        .args(["generate-retail", file, "--lines", "1500", "--seed", "7"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let built = program("stillage");
    let built = built.parent().unwrap().to_str().unwrap();
    let run = home.path().join("run");
    let args = ["replay", file, "--devices", "3", "--seed", "7", "--binaries", built];
    let (output, verdict) = xtask(&args, &run);
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{verdict}\n{log}");
    assert_eq!(verdict["verdict"], "AGREE", "{log}");
}

/// The seed is drawn anew each time and printed with the verdict: `cargo xtask chaos --cycles 6 --seed S` has it again.
#[test]
fn after_whatever_was_killed_cut_or_stopped_everything_acknowledged_is_there_once() {
    let home = home();
    let built = program("stillage");
    let built = built.parent().unwrap().to_str().unwrap();
    let (output, verdict) = xtask(&["chaos", "--cycles", "6", "--binaries", built], home.path());
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{verdict}\n{log}");
    assert_eq!(verdict["cycles"], 6, "{log}");
    assert_eq!((&verdict["lost"], &verdict["twice"], &verdict["stalls"]), (&0.into(), &0.into(), &0.into()), "{log}");
}
