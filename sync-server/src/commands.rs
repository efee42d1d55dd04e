//! The verbs of `stillage-server`. Results on stdout, logs on stderr; the last line with `--json`
//! is one document.

mod backup;
mod devices;
mod report;
mod serve;
mod snapshot;

use crate::{
    config::{Config, OpenFault, Server, default_data},
    error::ServerError,
    graphql,
    http::HttpOptions,
    postgres::PostgresFault,
    store::{audit, dump, verify},
};
use clap::{Args, Parser, Subcommand};
pub use report::Exit;
use report::Report;
use serde_json::json;
use std::{io::Write, net::SocketAddr, path::PathBuf};

/// The central server of Stillage.
#[derive(Debug, Parser)]
#[command(name = "stillage-server", version)]
pub struct Cli {
    /// Where the private Postgres lies when no DATABASE_URL is set.
    #[arg(long, global = true, env = "STILLAGE_SERVER_DATA", default_value_os_t = default_data())]
    data: PathBuf,
    /// A Postgres to use instead of a private one.
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Print the result as one JSON document, last.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Answer requests until told to stop.
    Serve(ServeArgs),
    /// Bring the database's schema up to date.
    Migrate,
    /// Print the GraphQL schema.
    Schema,
    /// Make a one-time code with which a desktop joins.
    DeviceCode(devices::CodeArgs),
    /// List devices, take their rights, or give them sites.
    #[command(subcommand)]
    Device(devices::DeviceVerb),
    /// Make a bearer token for a program.
    Token(devices::TokenArgs),
    /// Recompute every balance and check every invariant.
    Verify {
        /// Hash every row again, and follow every change to what it left.
        #[arg(long)]
        deep: bool,
    },
    /// Write everything to one file; the server may run meanwhile.
    Backup { file: PathBuf },
    /// Fill an empty data directory or database from a backup. Desktops send what it lacks.
    Restore { file: PathBuf },
    /// Write what a new desktop needs into a folder; the server may run meanwhile.
    Snapshot {
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Print the whole state for comparing.
    Dump {
        /// Sorted lines that a settled desktop of all sites prints alike.
        #[arg(long, required = true)]
        canonical: bool,
    },
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A web origin that may call; may be given several times.
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    cors_origins: Vec<String>,
    /// Serve the GraphiQL page at /graphql.
    #[arg(long)]
    graphiql: bool,
}

/// Runs one verb and says with what it ended.
pub async fn run(cli: Cli) -> Exit {
    let report = Report { json: cli.json };
    let config = Config { data: cli.data, database_url: cli.database_url };
    if matches!(cli.verb, Verb::Schema) {
        return report.done(&json!({ "schema": graphql::sdl() }), graphql::sdl().trim_end());
    }
    if let Verb::Restore { file } = cli.verb {
        return backup::ended(backup::restore(&config, file, report).await, report);
    }
    let server = match config.open().await {
        Ok(server) => server,
        Err(fault) => return report.cannot_open(&fault),
    };
    match cli.verb {
        Verb::Serve(args) => {
            let options = HttpOptions { cors_origins: args.cors_origins, graphiql: args.graphiql };
            serve::serve(server, args.listen, &options, report).await
        }
        verb => {
            let exit = answer(&server, verb, report).await;
            server.close().await;
            exit
        }
    }
}

async fn answer(server: &Server, verb: Verb, report: Report) -> Exit {
    let app = &server.app;
    let answered = match verb {
        Verb::DeviceCode(args) => devices::code(app, &args, report).await,
        Verb::Device(verb) => devices::device(app, verb, report).await,
        Verb::Token(args) => devices::token(app, &args, report).await,
        Verb::Backup { file } => Ok(backup::ended(backup::backup(server, file, report).await, report)),
        Verb::Verify { deep } => look(server, deep, report).await,
        Verb::Snapshot { out } => snapshot::snapshot(app, out, report).await,
        Verb::Dump { .. } => print_state(server).await,
        // The schema is up to date as soon as the server is open.
        Verb::Migrate | Verb::Schema | Verb::Serve(_) | Verb::Restore { .. } => {
            Ok(report.done(&json!({ "ok": true }), "The database is up to date."))
        }
    };
    answered.unwrap_or_else(|error| report.failed(&error))
}

async fn look(server: &Server, deep: bool, report: Report) -> Result<Exit, ServerError> {
    let app = &server.app;
    let mut tx = app.store.snapshot(app.org).await?;
    let violations = if deep { verify::verify_deep(&mut tx).await? } else { verify::verify(&mut tx).await? };
    let last = audit::last(&mut tx).await?;
    tx.commit().await?;
    let ok = violations.is_empty();
    let plain = match violations.len() {
        0 if deep => "Every row agrees with every other.".to_owned(),
        0 => "Every balance, sum, log and chain agrees.".to_owned(),
        many => format!("{many} violations; print them with --json."),
    };
    let exit = report.done(&json!({ "ok": ok, "violations": violations, "lastAudit": last }), &plain);
    Ok(if ok { exit } else { Exit::False })
}

async fn print_state(server: &Server) -> Result<Exit, ServerError> {
    let app = &server.app;
    let mut tx = app.store.snapshot(app.org).await?;
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout());
    dump::canonical(&mut tx, &mut out).await?;
    tx.commit().await?;
    out.flush().map_err(|fault| ServerError::Internal(fault.into()))?;
    Ok(Exit::Done)
}

impl OpenFault {
    /// The stable code and the exit of a server that cannot be opened.
    const fn end(&self) -> (&'static str, Exit) {
        match self {
            Self::Postgres(fault) => fault.end(),
            Self::Database(_) => ("DATABASE_UNREACHABLE", Exit::Offline),
        }
    }
}

impl PostgresFault {
    const fn end(&self) -> (&'static str, Exit) {
        match self {
            Self::ToolsMissing | Self::BackupToolsMissing | Self::NoAccount | Self::NoPassage { .. } => {
                ("POSTGRES_NEEDS_SETUP", Exit::NeedsSetup)
            }
            _ => ("POSTGRES_FAILED", Exit::OurFault),
        }
    }
}
