//! `record`: writes down what a version leaves behind, for all later ones to be tested against. It is no part of
//! `generate`: what a version left behind is history, and what is there is never written again.

use std::process::Stdio;

use serde_json::json;

use crate::cargo;
use crate::fault::Fault;
use crate::run;
use crate::setup::{self, For};

/// The ignored test that records, in `tests/it/fixtures/record.rs`.
const RECORDER: &str = "fixtures::record::what_a_version_leaves_behind_is_written_once";

#[derive(clap::Args, Debug)]
pub struct Args {
    /// `v` and a number: the folder below tests/fixtures.
    #[arg(value_parser = named)]
    version: String,
    /// One JSON document as the last line of stdout, errors included.
    #[arg(long)]
    pub json: bool,
}

fn named(text: &str) -> Result<String, String> {
    let number = text.strip_prefix('v').and_then(|number| number.parse::<u32>().ok());
    number.map(|_| text.to_owned()).ok_or_else(|| "a version is v and a number, like v1".to_owned())
}

pub fn record(args: &Args) -> Result<(), Fault> {
    let folder = format!("tests/fixtures/{}", args.version);
    if run::root().join(&folder).exists() {
        let next = "Record the next version under its own name; what an earlier one left behind stays as it is.";
        return Err(Fault::verdict(format!("{folder} is there already."), next));
    }
    setup::prepare(For::Running)?;
    run::step(setup::npm(&["run", "build"]))?;
    run::step(cargo::workspace(&["build"], &["--bins"]))?;
    let mut recorder = cargo::workspace(&["test"], &["--test", "it", "--", "--ignored", "--exact", "--nocapture"]);
    // stdout is for the document.
    recorder.arg(RECORDER).env("STILLAGE_RECORD", &args.version).stdout(Stdio::null());
    run::step(recorder)?;
    if args.json {
        println!("{}", json!({ "recorded": folder }));
    }
    Ok(())
}
