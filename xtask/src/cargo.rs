//! Cargo with one set of features for every step. Another set, or `-p` beside `--workspace`, would resolve
//! differently and build the same crates again for minutes.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::fault::Fault;
use crate::run;

/// The window loads its page from the binary, as it ships, and not from a development server.
const FEATURES: [&str; 3] = ["--workspace", "--features", "stillage-desktop/custom-protocol"];

pub fn cargo(args: &[&str]) -> Command {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    run::command(&cargo, args)
}

/// `cargo VERB` for the whole workspace.
pub fn workspace(verb: &[&str], rest: &[&str]) -> Command {
    let mut command = cargo(verb);
    command.args(FEATURES).args(rest);
    command
}

pub fn build() -> Result<(), Fault> {
    run::step(workspace(&["build"], &["--all-targets"]))
}

/// Where `build` puts the programs.
pub fn bin(name: &str) -> PathBuf {
    target().join("debug").join(name)
}

/// Optimised programs without the window, which takes minutes and which no run needs. One set of packages for every
/// verb, so that one build serves them all. Says where they are.
pub fn release() -> Result<PathBuf, Fault> {
    optimised(&["-p", "stillage-client", "-p", "stillage-server", "-p", "stillage-tests"])
}

/// One optimised program that stands on little: built alone it is there in a minute.
pub fn release_of(package: &str) -> Result<PathBuf, Fault> {
    optimised(&["-p", package])
}

/// The same with deliberate faults in the rules, in a folder of its own: nothing that is shipped is ever built there.
pub fn seeded(package: &str) -> Result<PathBuf, Fault> {
    let target = target().join("seeded-bugs");
    let mut build = cargo(&["build", "--release", "--bins", "-p", package]);
    build.env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", "--cfg seeded_bugs").stdout(Stdio::null());
    run::step(build)?;
    Ok(target.join("release"))
}

fn optimised(packages: &[&str]) -> Result<PathBuf, Fault> {
    let mut build = cargo(&["build", "--release", "--bins"]);
    // stdout is for the figures.
    build.args(packages).stdout(Stdio::null());
    run::step(build)?;
    Ok(target().join("release"))
}

/// Where everything is built.
pub fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| run::root().join("target"), PathBuf::from);
    run::root().join(target)
}
