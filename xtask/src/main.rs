//! The verbs people type: `cargo xtask test`, `check`, `generate`, `dev`, `demo`, `replay`, `sim`, `chaos`, `bench`,
//! `coverage`, `record`.
//!
//! It drives the built programs and links none of them, so that it compiles in seconds on a fresh clone. Exit codes
//! are those of every Stillage program: 0 held, 1 it did not, 2 usage, 6 something must be installed, 70 our fault.

mod bench;
mod cargo;
mod chaos;
mod coverage;
mod demo;
mod dev;
mod fault;
mod generate;
mod generator;
mod record;
mod replay;
mod run;
mod setup;
mod sim;
mod test;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use fault::Fault;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The verbs of this repository", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Sets up what is missing, builds everything and runs every test.
    Test(Common),
    /// Formatting, lints, types and generated files, then every test.
    Check(CheckArgs),
    /// Writes the generated files: GraphQL schema, TypeScript bindings, whole database schemas.
    Generate(Common),
    /// The user interface alone, in a browser, on made-up data.
    Dev(Common),
    /// A furnished warehouse and two desktops to play with.
    Demo(demo::Args),
    /// Measures the built programs beside the raw limits of this machine's disk, Postgres and SQLite.
    Bench(bench::Args),
    /// The lines of each crate that any test runs, in percent, each with a floor.
    Coverage(coverage::Args),
    /// Replays a file of retail lines through a real server and real devices, and judges the result.
    Replay(replay::Args),
    /// Simulated fleets: random schedules of people, devices and faults, and what must always hold.
    Sim(sim::Args),
    /// Breaks servers, desktops, Postgres and the network, and judges what is left after each time.
    Chaos(chaos::Args),
    /// Writes down what a version leaves behind, once, for all later ones to be tested against.
    Record(record::Args),
    /// Writes a made-up file of retail lines with the quirks of a real one.
    GenerateRetail(generator::Args),
}

#[derive(Args)]
struct Common {
    /// One JSON document as the last line of stdout, errors included.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct CheckArgs {
    #[command(flatten)]
    common: Common,
    /// Formatting and lints only.
    #[arg(long)]
    no_tests: bool,
}

fn main() -> ExitCode {
    match Cli::parse().verb {
        Verb::Test(args) => close(args.json, test::test()),
        Verb::Check(args) => close(args.common.json, test::check(!args.no_tests)),
        Verb::Generate(args) => close(args.json, generate::generate(args.json)),
        Verb::Dev(args) => close(args.json, dev::dev()),
        Verb::Demo(args) => close(args.json, demo::demo(&args)),
        Verb::Bench(args) => close(args.json, bench::bench(&args)),
        Verb::Coverage(args) => close(args.json, coverage::coverage(&args)),
        Verb::Sim(args) => close(args.json, sim::sim(&args)),
        Verb::Record(args) => close(args.json, record::record(&args)),
        Verb::Replay(args) => judged(replay::run(args)),
        Verb::Chaos(args) => judged(chaos::run(&args)),
        Verb::GenerateRetail(args) => judged(generator::run(args)),
    }
}

fn judged(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| close(false, Err(Fault::ours(error))))
}

fn close(json: bool, result: Result<(), Fault>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            fault.report(json);
            ExitCode::from(fault.exit)
        }
    }
}
