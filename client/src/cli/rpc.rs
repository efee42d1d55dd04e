//! Calls on stdin, answers on stdout, one JSON line each and in the same order, with the sync
//! running beside. Ends when its input does.

use serde_json::{Value, json};
use std::io::{BufRead, Write};
use stillage_client::{Engine, Failure, Gate};
use tokio::sync::mpsc;

/// Lines read ahead of the one that is being answered.
const AHEAD: usize = 256;

pub async fn serve(engine: &Engine) -> Result<(), Failure> {
    // Locked or not set up yet is for the calls to say, and to change.
    start_when_open(engine).await;
    let (sender, mut lines) = mpsc::channel::<String>(AHEAD);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        if line.trim().is_empty() {
            continue;
        }
        let (name, answer) = answer(engine, &line).await;
        if matches!(name.as_str(), "app.create" | "app.unlock" | "app.gate") {
            start_when_open(engine).await;
        }
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
            break;
        }
    }
    Ok(())
}

async fn start_when_open(engine: &Engine) {
    if matches!(engine.gate().await, Ok(Gate::Ready)) {
        engine.start_sync();
    }
}

async fn answer(engine: &Engine, line: &str) -> (String, Value) {
    let call = match serde_json::from_str::<Value>(line) {
        Ok(call) => call,
        Err(fault) => {
            let failure = Failure::bad_input(format!("A call is one line of JSON: {fault}."));
            return (String::new(), json!({ "error": failure }));
        }
    };
    let name = call["name"].as_str().unwrap_or_default().to_owned();
    let answer = match engine.call(&name, call["args"].clone()).await {
        Ok(answer) => json!({ "ok": answer }),
        Err(failure) => json!({ "error": failure }),
    };
    (name, answer)
}
