//! Calls on stdin, answers on stdout, one JSON line each and in the same order, with the sync
//! running beside. Ends when its input does.

use serde_json::{Value, json};
use std::io::{BufRead, Write};
use stillage_client::{Code, Engine, Failure, Gate};
use tokio::sync::mpsc;

/// Lines read ahead of the one that is being answered.
const AHEAD: usize = 256;

pub async fn serve(engine: &Engine) -> Result<(), Failure> {
    let (sender, mut lines) = mpsc::channel::<String>(AHEAD);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    let mut door = Door::Shut(None);
    door.open(engine).await;
    while let Some(line) = lines.recv().await {
        if line.trim().is_empty() {
            continue;
        }
        // What was in the way may be gone by now; and a call may be what opens the data.
        door.open(engine).await;
        let answer = answer(engine, &line, &door).await;
        door.open(engine).await;
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
            break;
        }
    }
    Ok(())
}

/// Whether the data is open, and if not, what was in the way when that was last tried.
enum Door {
    Open,
    Shut(Option<Failure>),
}

impl Door {
    /// Opens the data if it can be, with the sync beside. Not set up or locked is for the calls to say, and to change.
    async fn open(&mut self, engine: &Engine) {
        if matches!(self, Self::Open) {
            return;
        }
        *self = match engine.gate().await {
            Ok(Gate::Ready) => {
                engine.start_sync();
                Self::Open
            }
            Ok(Gate::New { .. } | Gate::Locked) => Self::Shut(None),
            Err(failure) => Self::Shut(Some(failure)),
        };
    }
}

async fn answer(engine: &Engine, line: &str, door: &Door) -> Value {
    let call = match serde_json::from_str::<Value>(line) {
        Ok(call) => call,
        Err(fault) => {
            let failure = Failure::bad_input(format!("A call is one line of JSON: {fault}."));
            return json!({ "error": failure });
        }
    };
    let name = call["name"].as_str().unwrap_or_default();
    match (engine.call(name, call["args"].clone()).await, door) {
        (Ok(answer), _) => json!({ "ok": answer }),
        // It is locked because it could not be opened.
        (Err(Failure { code: Code::Locked, .. }), Door::Shut(Some(reason))) => json!({ "error": reason }),
        (Err(failure), _) => json!({ "error": failure }),
    }
}
