//! `test` and `check`. The test runner comes last, so that its summary is the last thing on the screen.

use crate::cargo;
use crate::fault::Fault;
use crate::run;
use crate::setup::{self, For};

pub fn test() -> Result<(), Fault> {
    setup::prepare(For::Tests)?;
    run::step(setup::npm(&["run", "build"]))?;
    cargo::build()?;
    run::step(setup::npm(&["run", "test"]))?;
    run::step(tests())
}

pub fn check(with_tests: bool) -> Result<(), Fault> {
    setup::prepare(For::Tests)?;
    run::step(cargo::cargo(&["fmt", "--all", "--check"]))?;
    run::step(setup::npm(&["run", "lint"]))?;
    // The page is built before the lints: the desktop crate embeds it and does not compile without.
    run::step(setup::npm(&["run", "build"]))?;
    let deny = ["--all-targets", "--", "-D", "warnings"];
    run::step(cargo::workspace(&["clippy"], &deny))?;
    if with_tests {
        // Generated files and house rules are tests like any other.
        cargo::build()?;
        run::step(setup::npm(&["run", "test"]))?;
        run::step(tests())?;
    }
    Ok(())
}

fn tests() -> std::process::Command {
    if setup::has_nextest() {
        cargo::workspace(&["nextest", "run"], &[])
    } else {
        cargo::workspace(&["test"], &["--no-fail-fast"])
    }
}
