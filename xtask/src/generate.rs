//! `generate`: the tests that compare the generated files can also write them, so the two never disagree on how.

use serde_json::json;

use crate::cargo;
use crate::fault::Fault;
use crate::run;
use crate::setup::{self, For};

pub fn generate(json: bool) -> Result<(), Fault> {
    setup::prepare(For::Running)?;
    run::step(setup::npm(&["run", "build"]))?;
    run::step(cargo::workspace(&["build"], &["--bins"]))?;
    let before = state()?;
    let mut write = cargo::workspace(&["test"], &["--test", "it", "generated::"]);
    write.env("STILLAGE_GENERATE", "write");
    run::step(write)?;
    let written = state()? != before;
    eprintln!("{}", if written { "Generated files changed: commit them." } else { "Nothing changed." });
    if json {
        println!("{}", json!({ "changed": written }));
    }
    Ok(())
}

/// What git sees as changed, with its content.
fn state() -> Result<String, Fault> {
    let diff = ["diff", "HEAD", "--", "sync-server", "ui/src/backend", "migrations"];
    let status = ["status", "--short", "--", "sync-server", "ui/src/backend", "migrations"];
    Ok([diff, status].iter().filter_map(|args| run::answer("git", args)).collect())
}
