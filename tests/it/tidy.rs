//! The house rules, as tests: who may import whom, how long things may get, where things live. Each failure lists every
//! breach with its place, so that one run is enough to mend them all.

mod crates;
mod pages;
mod rust;
mod tree;

use std::fs;
use std::process::Command;

use crate::programs::root;

/// One file of the repository: its path from the root, with slashes, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    fn lines(&self) -> usize {
        self.text.lines().count()
    }
}

/// Every file git knows or would add; binary ones have no text.
fn files() -> Vec<Source> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "git ls-files failed: these tests need a git checkout");
    let mut paths: Vec<String> =
        listed.stdout.split(|byte| *byte == 0).map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    paths.dedup();
    paths
        .into_iter()
        .filter(|path| root().join(path).is_file())
        .map(|path| {
            let text = fs::read_to_string(root().join(&path)).unwrap_or_default();
            Source { path, text }
        })
        .collect()
}

fn files_ending(ends: &[&str]) -> Vec<Source> {
    let mut found = files();
    found.retain(|file| ends.iter().any(|end| file.path.ends_with(end)));
    found
}

fn none(breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{} breaches:\n{}", breaches.len(), breaches.join("\n"));
}
