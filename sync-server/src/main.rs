//! `stillage-server`: see `commands.rs` for what it can do.

use clap::Parser;
use std::process::ExitCode;
use stillage_server::commands::{self, Cli};
use tracing_subscriber::EnvFilter;

/// Requests are many small allocations, freed by another thread than made them.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("STILLAGE_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).with_env_filter(filter).init();
    commands::run(cli).await.into()
}
