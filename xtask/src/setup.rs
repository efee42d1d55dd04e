//! Finds what a machine lacks and installs it, or says what to type. A machine that is set up is left alone: the
//! whole check takes a tenth of a second.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;
use crate::fault::Fault;
use crate::run;

/// What the machine is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    Running,
    Tests,
}

const RUNNING: [&str; 11] = [
    "libwebkit2gtk-4.1-dev",
    "libgtk-3-dev",
    "librsvg2-dev",
    "libayatana-appindicator3-dev",
    "libxdo-dev",
    "libssl-dev",
    "pkg-config",
    "build-essential",
    "patchelf",
    "file",
    "postgresql",
];
const TESTS: [&str; 10] = [
    "webkit2gtk-driver",
    "xvfb",
    "xauth",
    "dbus",
    "dbus-x11",
    "gnome-keyring",
    "libsecret-1-0",
    "fonts-dejavu-core",
    "fonts-noto-core",
    "procps",
];
const OLDEST_NODE: u32 = 20;
/// A pre-release is newer; this is the last stable one.
const TAURI_DRIVER: &str = "tauri-driver@2.1.0";

pub fn prepare(purpose: For) -> Result<(), Fault> {
    packages(purpose)?;
    node()?;
    if purpose == For::Tests {
        test_tools()?;
    }
    Ok(())
}

/// Debian's packages, by `dpkg-query`. On other systems the names are only a hint, so nothing is checked.
fn packages(purpose: For) -> Result<(), Fault> {
    if run::answer("dpkg-query", &["--version"]).is_none() {
        eprintln!("Not a Debian-like system: make sure of WebKitGTK 4.1, OpenSSL and Postgres yourself.");
        return Ok(());
    }
    let mut wanted = RUNNING.to_vec();
    if purpose == For::Tests {
        wanted.extend(TESTS);
    }
    install(&wanted)
}

fn install(wanted: &[&str]) -> Result<(), Fault> {
    let missing = missing_of(wanted)?;
    if missing.is_empty() {
        return Ok(());
    }
    let Some(become_root) = become_root() else {
        return Err(Fault::setup(
            format!("system packages are missing: {}", missing.join(" ")),
            format!("sudo apt-get update && sudo apt-get install -y --no-install-recommends {}", missing.join(" ")),
        ));
    };
    let apt = |args: &[&str]| {
        let mut words = become_root.clone();
        words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        words.extend(["-o", "DPkg::Lock::Timeout=300"]);
        words.extend(args);
        run::step(run::command(words[0], &words[1..]))
    };
    apt(&["update"])?;
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(&missing);
    apt(&install)
}

fn missing_of<'a>(wanted: &[&'a str]) -> Result<Vec<&'a str>, Fault> {
    let mut query = run::command("dpkg-query", ["-W", "-f", "${db:Status-Abbrev} ${Package}\n"]);
    // It exits non-zero when it knows nothing of a package; what it prints is all that counts.
    let output = query.args(wanted).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let present: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("ii")).map(str::trim).collect();
    Ok(wanted.iter().copied().filter(|name| !present.contains(name)).collect())
}

/// The words that make a command run as root without asking anything, if there are any.
fn become_root() -> Option<Vec<&'static str>> {
    if run::answer("id", &["-u"])? == "0" {
        return Some(Vec::new());
    }
    run::answer("sudo", &["-n", "true"]).map(|_| vec!["sudo", "-n"])
}

/// Node itself, and the page's packages when they are missing or older than their lock file.
pub fn node() -> Result<(), Fault> {
    let version = run::answer("node", &["--version"]).unwrap_or_default();
    let digits = version.trim_start_matches('v').split('.').next();
    let major: u32 = digits.and_then(|text| text.parse().ok()).unwrap_or(0);
    if major < OLDEST_NODE || run::answer("npm", &["--version"]).is_none() {
        return Err(Fault::setup(
            format!("Node {OLDEST_NODE} or newer with npm is needed; found {version:?}"),
            "Install Node from your distribution or from nodejs.org, then run this again.",
        ));
    }
    let changed = |path: &str| fs::metadata(run::root().join(path)).and_then(|meta| meta.modified());
    let locked = changed("ui/package-lock.json")?;
    if changed("ui/node_modules/.package-lock.json").is_ok_and(|installed| installed >= locked) {
        return Ok(());
    }
    run::step(npm(&["ci", "--no-audit", "--no-fund"]))
}

pub fn npm(args: &[&str]) -> Command {
    let mut npm = run::command("npm", args);
    npm.current_dir(run::root().join("ui"));
    npm
}

pub fn has_nextest() -> bool {
    run::answer("cargo", &["nextest", "--version"]).is_some()
}

/// The test runner can be done without, the driver of the window test cannot.
fn test_tools() -> Result<(), Fault> {
    let built = |what: &str| run::step(cargo::cargo(&["install", "--locked", what]));
    if !has_nextest() && built("cargo-nextest").is_err() {
        eprintln!("cargo-nextest cannot be installed; the tests run under cargo test instead.");
    }
    if run::answer("tauri-driver", &["--help"]).is_none() {
        built(TAURI_DRIVER)?;
    }
    Ok(())
}

/// Variables that name LLVM's reading programs, of the version that this compiler writes for: the ones of the toolchain,
/// or Debian's.
pub fn coverage_tools() -> Result<Vec<(&'static str, PathBuf)>, Fault> {
    if run::answer("cargo", &["llvm-cov", "--version"]).is_none() {
        run::step(cargo::cargo(&["install", "--locked", "cargo-llvm-cov"]))
            .map_err(|fault| Fault::setup(fault.message, "Install cargo-llvm-cov yourself and run it again."))?;
    }
    let version = run::answer("rustc", &["-vV"]).unwrap_or_default();
    let of = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap_or_default();
    let own = PathBuf::from(run::answer("rustc", &["--print", "sysroot"]).unwrap_or_default());
    let own = own.join("lib/rustlib").join(of("host:")).join("bin");
    let tools = |folder: &Path, suffix: &str| {
        [("LLVM_COV", "llvm-cov"), ("LLVM_PROFDATA", "llvm-profdata")]
            .map(|(variable, tool)| (variable, folder.join(format!("{tool}{suffix}"))))
            .to_vec()
    };
    if own.join("llvm-cov").exists() {
        return Ok(tools(&own, ""));
    }
    let major = of("LLVM version:").split('.').next().unwrap_or_default();
    let suffix = format!("-{major}");
    let debian = tools(Path::new("/usr/bin"), &suffix);
    if debian.iter().all(|(_, tool)| tool.exists()) {
        return Ok(debian);
    }
    install(&[&format!("llvm-{major}")])?;
    Ok(debian)
}
