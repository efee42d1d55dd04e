//! `stillage-server`: see `commands.rs` for what it can do.

use clap::Parser;
use std::process::ExitCode;
use stillage_server::commands::{self, Cli};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("STILLAGE_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).with_env_filter(filter).init();
    commands::run(cli).await.into()
}
