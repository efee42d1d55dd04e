//! Reads the command line, runs one verb, and ends with its exit code. Answers go to stdout, logs
//! to stderr. With `--json` the last line of stdout is one JSON document, also when it fails.

mod act;
mod arguments;
mod cards;
mod files;
mod look;
mod names;
mod rpc;
mod setup;
mod show;

use arguments::{Arguments, InboxVerb, Verb};
use clap::{Parser, error::ErrorKind};
use serde_json::{Value, json};
use std::{io::Write, process::ExitCode, time::Duration};
use stillage_client::{Code, Engine, Failure, place};

/// How long a thread may go on, such as one that looks up a name, after everything was said.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// What a verb has to say.
pub struct Said {
    /// For programs.
    pub json: Value,
    /// For people.
    pub text: String,
    pub exit: u8,
}

impl Said {
    pub const fn new(json: Value, text: String) -> Self {
        Self { json, text, exit: 0 }
    }
}

/// What a verb comes to: something to say, or nothing more than it has printed already.
pub type Outcome = Result<Option<Said>, Failure>;

pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(fault) => return misused(&fault),
    };
    log_to_stderr();
    let json = arguments.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return failed(json, &Failure::internal(fault)),
    };
    let outcome = runtime.block_on(run(arguments));
    // Threads that used SQLCipher give back what OpenSSL keeps for each of them when they end. That must not happen while
    // the process ends as well and OpenSSL takes everything down.
    runtime.shutdown_timeout(LAST_WAIT);
    match outcome {
        Ok(said) => {
            let exit = said.as_ref().map_or(0, |said| said.exit);
            match said.map_or(Ok(()), |said| print(json, &said)) {
                Ok(()) => ExitCode::from(exit),
                // Whoever read the answer went away, as `head` does.
                Err(_) => ExitCode::SUCCESS,
            }
        }
        Err(failure) => failed(json, &failure),
    }
}

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("STILLAGE_LOG").unwrap_or_else(|_| "warn".into());
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // A second subscriber in one process is no reason to stop.
    let _ = logs.try_init();
}

fn print(json: bool, said: &Said) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", said.json)?;
    } else {
        writeln!(out, "{}", said.text.trim_end())?;
    }
    out.flush()
}

fn failed(json: bool, failure: &Failure) -> ExitCode {
    if json {
        println!("{}", json!({ "error": failure }));
    } else {
        eprintln!("{}\n{} ({})", failure.message, failure.next, failure.code.name());
    }
    ExitCode::from(u8::try_from(failure.code.exit()).unwrap_or(70))
}

fn misused(fault: &clap::Error) -> ExitCode {
    if matches!(fault.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = fault.print();
        return ExitCode::SUCCESS;
    }
    if std::env::args().any(|argument| argument == "--json") {
        let text = fault.to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let failure = Failure::new(Code::BadInput, first, "Run `stillage --help`.").with(json!({ "usage": text }));
        return failed(true, &failure);
    }
    let _ = fault.print();
    ExitCode::from(2)
}

async fn run(arguments: Arguments) -> Outcome {
    match arguments.verb {
        Verb::Bindings => return Ok(Some(files::bindings())),
        Verb::ClientSchema => return files::client_schema().await,
        _ => {}
    }
    let data = place::data_dir(arguments.data)
        .ok_or_else(|| Failure::bad_input("Say where the data lies with --data DIR."))?;
    let engine = Engine::open(data);
    let outcome = verb(&engine, arguments.verb, arguments.json).await;
    engine.close().await;
    outcome
}

async fn verb(engine: &Engine, verb: Verb, json: bool) -> Outcome {
    match verb {
        Verb::Init { name } => return setup::init(engine, name).await.map(Some),
        Verb::Rpc => return rpc::serve(engine).await.map(|()| None),
        _ => setup::open(engine).await?,
    }
    let said = match verb {
        Verb::Connect { url, code } => setup::connect(engine, url, code).await?,
        Verb::Sync { timeout, watch: true } => return setup::watch(engine, timeout, json).await.map(|()| None),
        Verb::Sync { timeout, .. } => setup::sync(engine, timeout).await?,
        Verb::Status => setup::status(engine).await?,
        Verb::Items { search, filter, limit, offset } => look::items(engine, search, filter, (offset, limit)).await?,
        Verb::Item { sku } => look::item(engine, &sku).await?,
        Verb::Stock { location, limit, offset } => look::stock(engine, location, (offset, limit)).await?,
        Verb::History { sku, limit } => look::history(engine, &sku, limit).await?,
        Verb::Inbox { verb: None, resolved } => look::inbox(engine, resolved).await?,
        Verb::Inbox { verb: Some(InboxVerb::Resolve { id, keep, value }), .. } => {
            act::resolve(engine, &id, keep, value).await?
        }
        Verb::Receive(line) => act::stock(engine, "receive", line).await?,
        Verb::Issue(line) => act::stock(engine, "issue", line).await?,
        Verb::Move(line) => act::stock(engine, "move", line).await?,
        Verb::Adjust(line) => act::stock(engine, "adjust", line).await?,
        Verb::Count(line) => act::stock(engine, "count", line).await?,
        Verb::ItemSave(fields) => act::item_save(engine, fields).await?,
        Verb::LocationSave(fields) => act::location_save(engine, fields).await?,
        Verb::BarcodeSave(fields) => act::barcode_save(engine, fields).await?,
        Verb::CategorySave(fields) => act::category_save(engine, fields).await?,
        Verb::ReasonSave(fields) => act::reason_save(engine, fields).await?,
        Verb::Archive { kind, code, restore } => act::archive(engine, kind, &code, !restore).await?,
        Verb::Import { file, dry_run, kind, map } => files::import(engine, (&file, kind, map), dry_run).await?,
        Verb::Bootstrap { from } => files::bootstrap(engine, &from).await?,
        Verb::Export { kind } => return files::export(engine, kind).await.map(|()| None),
        Verb::Dump { .. } => return files::dump(engine).await.map(|()| None),
        Verb::Call { name, args } => setup::call(engine, &name, args.as_deref()).await?,
        Verb::Init { .. } | Verb::Rpc | Verb::Bindings | Verb::ClientSchema => return Ok(None),
    };
    Ok(Some(said))
}
