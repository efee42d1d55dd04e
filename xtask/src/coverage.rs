//! `coverage`: which lines of the rules, the client and the server any test runs, in percent, and a floor for each.
//! Without the window and the verbs that run whole fleets: what counts is what a test of its own reaches.
//!
//! A program that is killed writes no counts, so the figures are a little low where tests kill.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::json;

use crate::cargo;
use crate::fault::Fault;
use crate::run;
use crate::setup;

/// Percent of lines under which a crate must not fall: some two points below where it stands.
const FLOORS: [(&str, f64); 3] = [("core", 93.0), ("client", 85.0), ("sync-server", 89.0)];
/// Files named to whoever wants the figure to grow.
const WORST: usize = 15;
const PACKAGES: [&str; 4] = ["stillage-core", "stillage-client", "stillage-server", "stillage-tests"];

#[derive(clap::Args, Debug)]
pub struct Args {
    /// One JSON document as the last line of stdout.
    #[arg(long)]
    pub json: bool,
}

/// What `llvm-cov export` says of each file; the rest of it is left alone.
#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: PathBuf,
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    lines: Lines,
}

#[derive(Deserialize, Clone, Copy, Default, Debug, PartialEq)]
struct Lines {
    count: u64,
    covered: u64,
}

impl Lines {
    fn percent(self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.covered as f64 * 1000.0 / self.count as f64).round() / 10.0 }
    }
}

pub fn coverage(args: &Args) -> Result<(), Fault> {
    setup::prepare(setup::For::Tests)?;
    let tools = setup::coverage_tools()?;
    let target = cargo::target().join("coverage");
    let with = |verb: &[&str]| {
        let mut command = cargo::cargo(verb);
        command.env("CARGO_TARGET_DIR", &target).envs(tools.iter().cloned());
        command
    };
    run::step(with(&["llvm-cov", "clean", "--workspace", "--profraw-only"]))?;
    let environment = environment(with(&["llvm-cov", "show-env"]))?;
    let measured = |verb: &[&str]| {
        let mut command = with(verb);
        // Processes of one program add their counts to a few files, where each would leave megabytes of its own.
        command.envs(environment.iter().cloned()).env("LLVM_PROFILE_FILE", target.join("stillage-%8m.profraw"));
        command.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
        command
    };
    run::step(measured(&["build", "--all-targets"]))?;
    // A false verdict of a test is told by `test`; here only what was reached counts, but not without every test.
    let mut tests = measured(&["nextest", "run"]);
    tests.args(["-E", "not (test(whole::) | test(window::))"]);
    run::step(tests)?;
    let mut report = with(&["llvm-cov", "report", "--json", "--summary-only", "--failure-mode", "all"]);
    report.envs(environment.iter().cloned());
    let output = report.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let export: Export = serde_json::from_str(&text).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Fault::ours(anyhow::anyhow!("llvm-cov gave no report: {said}"))
    })?;
    let root = run::root();
    name_the_worst(&export, &root);
    judge(args.json, &per_crate(&export, &root))
}

/// The files with the most lines that no test runs, on stderr.
fn name_the_worst(export: &Export, root: &Path) {
    let files = export.data.iter().flat_map(|data| &data.files);
    let own = files.filter(|file| crate_of(&file.filename, root).is_some());
    let mut missed: Vec<_> = own.map(|file| (file.summary.lines.count - file.summary.lines.covered, file)).collect();
    missed.sort_by_key(|(missed, _)| std::cmp::Reverse(*missed));
    for (missed, file) in missed.iter().take(WORST) {
        let name = file.filename.strip_prefix(root).unwrap_or(&file.filename);
        eprintln!("{missed:5} of {:5} lines run by no test: {}", file.summary.lines.count, name.display());
    }
}

/// The crate a source file counts for; none for tests and for other folders.
fn crate_of(file: &Path, root: &Path) -> Option<&'static str> {
    let mut parts = file.strip_prefix(root).ok()?.iter();
    let name = parts.next()?;
    let (known, _) = FLOORS.iter().find(|(known, _)| name == *known)?;
    let tests = parts.any(|part| part == "tests" || part == "tests.rs");
    (!tests).then_some(*known)
}

/// The variables under which cargo builds with counters.
fn environment(mut show: Command) -> Result<Vec<(OsString, OsString)>, Fault> {
    let output = show.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Fault::ours(anyhow::anyhow!("cargo llvm-cov show-env failed: {said}")));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| {
        let (name, value) = line.split_once('=')?;
        Some((name.into(), value.trim_matches('\'').into()))
    };
    Ok(text.lines().filter_map(line).collect())
}

/// Lines of each crate's own sources, tests left out.
fn per_crate(export: &Export, root: &Path) -> BTreeMap<&'static str, Lines> {
    let mut crates: BTreeMap<_, Lines> = BTreeMap::new();
    for file in export.data.iter().flat_map(|data| &data.files) {
        if let Some(name) = crate_of(&file.filename, root) {
            let sum = crates.entry(name).or_default();
            sum.count += file.summary.lines.count;
            sum.covered += file.summary.lines.covered;
        }
    }
    crates
}

fn judge(as_json: bool, crates: &BTreeMap<&'static str, Lines>) -> Result<(), Fault> {
    let mut low = Vec::new();
    let mut rows = serde_json::Map::new();
    for (name, floor) in FLOORS {
        let lines = crates.get(name).copied().unwrap_or_default();
        let percent = lines.percent();
        println!("{name:12} {percent:5.1} % of {} lines, floor {floor} %", lines.count);
        rows.insert(name.to_owned(), json!({ "percent": percent, "lines": lines.count, "floor": floor }));
        if percent < floor {
            low.push(format!("{name} is at {percent} % and its floor is {floor} %"));
        }
    }
    if as_json {
        println!("{}", json!({ "crates": rows, "ok": low.is_empty() }));
    }
    if low.is_empty() {
        return Ok(());
    }
    Err(Fault::verdict(low.join("; "), "Write tests for the files named above."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(files: &[(&str, u64, u64)]) -> Export {
        let file = |(name, count, covered): &(&str, u64, u64)| File {
            filename: name.into(),
            summary: Summary { lines: Lines { count: *count, covered: *covered } },
        };
        Export { data: vec![Data { files: files.iter().map(file).collect() }] }
    }

    #[test]
    fn a_crates_tests_and_other_folders_are_not_counted() {
        let export = export(&[
            ("/r/core/src/settle.rs", 80, 60),
            ("/r/core/src/order.rs", 20, 20),
            ("/r/core/tests/rules/main.rs", 100, 100),
            ("/r/sync-server/src/sync/tests.rs", 100, 100),
            ("/r/xtask/src/main.rs", 50, 0),
            ("/elsewhere/core/src/a.rs", 50, 0),
        ]);
        let crates = per_crate(&export, Path::new("/r"));
        assert_eq!(crates.get("core"), Some(&Lines { count: 100, covered: 80 }));
        assert_eq!(crates.len(), 1);
    }

    #[test]
    fn a_crate_under_its_floor_is_named() {
        let crates = FLOORS.iter().map(|(name, _)| (*name, Lines { count: 1000, covered: 999 }));
        let mut crates: BTreeMap<_, Lines> = crates.collect();
        assert!(judge(false, &crates).is_ok());
        crates.insert("client", Lines { count: 1000, covered: 1 });
        let fault = judge(true, &crates).err().map(|fault| (fault.exit, fault.message));
        let floor = FLOORS.iter().find(|(name, _)| *name == "client").map(|(_, floor)| floor);
        let message = floor.map(|floor| format!("client is at 0.1 % and its floor is {floor:.0} %"));
        assert_eq!(fault, message.map(|message| (1, message)));
    }
}
