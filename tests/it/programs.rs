//! Where the repository and its built programs are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A built program of the workspace: it lies one folder above this test's own binary.
pub fn program(name: &str) -> PathBuf {
    let here = env::current_exe().unwrap();
    let built = here.parent().and_then(Path::parent).unwrap().join(name);
    assert!(built.exists(), "{} is not built: run cargo xtask test, or cargo build first", built.display());
    built
}

/// Runs a program of the workspace to its end and returns its stdout.
pub fn output_of(name: &str, args: &[&str], env: &[(&str, &str)]) -> String {
    let output = Command::new(program(name)).args(args).envs(env.iter().copied()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {args:?} failed ({}): {stderr}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
