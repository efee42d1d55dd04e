//! The device itself: set up, connected, synced, asked how it stands.

use super::{Said, show};
use serde_json::{Value, json};
use std::{io::Write, time::Duration};
use stillage_client::{Engine, Failure, Gate};

/// Opens the data, or says what is missing.
pub async fn open(engine: &Engine) -> Result<(), Failure> {
    match engine.gate().await? {
        Gate::Ready => Ok(()),
        Gate::New { .. } => Err(Failure::needs_setup()),
        Gate::Locked => Err(Failure::locked()),
    }
}

pub async fn init(engine: &Engine, name: String) -> Result<Said, Failure> {
    // The engine itself looks for STILLAGE_PASSPHRASE, and for a keyring when there is none.
    match engine.create(name.clone(), None).await? {
        Gate::Ready => {}
        Gate::New { .. } | Gate::Locked => return Err(Failure::locked()),
    }
    let status = engine.call("app.status", json!({})).await?;
    let text = format!("This device is {name}. Its data lies in {}.", engine.data_dir().display());
    Ok(Said::new(status, text))
}

pub async fn connect(engine: &Engine, url: String, code: Option<String>) -> Result<Said, Failure> {
    let status = engine.call("app.connect", json!({ "url": url, "code": code })).await?;
    let text = format!("Connected to {} as {}.", show::text(&status["server"]), show::text(&status["person"]["name"]));
    Ok(Said::new(status, text))
}

/// Exit 0 when everything is handed over and fetched, 3 when not.
pub async fn sync(engine: &Engine, seconds: u64) -> Result<Said, Failure> {
    let report = engine.call("sync.drain", json!({ "timeout_s": seconds })).await?;
    let drained = is_drained(&report);
    let text = format!(
        "{}: {} sent, {} fetched, {} waiting, {} for a person.",
        show::text(&report["state"]),
        report["pushed"],
        report["pulled"],
        report["outbox"],
        report["inbox"]
    );
    Ok(Said { exit: if drained { 0 } else { 3 }, ..Said::new(report, text) })
}

fn is_drained(report: &Value) -> bool {
    report["drained"] == true
}

/// A line for every change of the status, until the pipe closes or the process is stopped.
pub async fn watch(engine: &Engine, seconds: u64, json: bool) -> Result<(), Failure> {
    let mut changes = engine.changes();
    engine.start_sync();
    let mut last = Value::Null;
    loop {
        let said = status(engine).await?;
        if said.json != last {
            let line = if json { said.json.to_string() } else { said.text.replace('\n', "; ") };
            let mut out = std::io::stdout().lock();
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                return Ok(());
            }
            last = said.json;
        }
        tokio::select! {
            // Missed hints are no matter: the status is read anew.
            _ = changes.recv() => {}
            () = tokio::time::sleep(Duration::from_secs(seconds.max(1))) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

pub async fn status(engine: &Engine) -> Result<Said, Failure> {
    let status = engine.call("app.status", json!({})).await?;
    let connection = &status["connection"];
    let since = show::text(&connection["since"]);
    let state = show::text(&connection["state"]).replace('_', " ");
    let text = show::facts(&[
        ("device", show::text(&status["device"]["name"])),
        ("person", show::text(&status["person"]["name"])),
        ("organisation", show::text(&status["organisation"])),
        ("server", show::text(&status["server"])),
        ("connection", if since.is_empty() { state } else { format!("{state} since {since}") }),
        ("waiting", show::text(&status["outbox"]["count"])),
        ("oldest", show::text(&status["outbox"]["oldest"])),
        ("inbox", show::text(&status["inbox"])),
        ("last sync", show::text(&status["last_sync"])),
        ("database built anew", show::text(&status["rebuilt"])),
    ]);
    Ok(Said::new(status, text))
}

pub async fn call(engine: &Engine, name: &str, args: Option<&str>) -> Result<Said, Failure> {
    let args: Value = serde_json::from_str(args.unwrap_or("{}"))
        .map_err(|fault| Failure::bad_input(format!("The arguments are not JSON: {fault}.")))?;
    let answer = engine.call(name, args).await?;
    let text = serde_json::to_string_pretty(&answer)?;
    Ok(Said::new(answer, text))
}
