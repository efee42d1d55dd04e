//! The desktop window: it shows the page, forwards its calls to the offline engine and tells it what
//! has changed. There is no logic here, and nothing below knows that there is a window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod door;
mod window;

use clap::Parser;
use std::{path::PathBuf, process::ExitCode};
use stillage_client::Engine;
use tracing_subscriber::EnvFilter;

/// Gives back to the system what a sync needed for a moment.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Stillage: stock that is counted and moved with or without a network.
#[derive(Debug, Parser)]
#[command(name = "stillage-desktop", version)]
struct Arguments {
    /// Where this device's data lies
    #[arg(long, value_name = "DIR", env = "STILLAGE_DATA")]
    data: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,stillage=info"));
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).init();
    let Some(data) = stillage_client::place::data_dir(arguments.data) else {
        tracing::error!("say where the data lies with --data DIR");
        return ExitCode::from(2);
    };
    match window::run(Engine::open(data)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            tracing::error!(%fault, "the window could not be opened");
            ExitCode::from(70)
        }
    }
}
