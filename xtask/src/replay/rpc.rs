//! One `stillage rpc` process: requests go in as lines, answers come out as lines in the same order.
//!
//! The surprise: an answer that was written before the process was killed still counts. A thread
//! reads the pipe to its end, so nothing that was acknowledged is overlooked.

use crate::replay::brood::Ward;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
    process::{ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// Longer than any answer may take; a device that needs more is stuck.
const PATIENCE: Duration = Duration::from_secs(300);

pub struct Rpc {
    ward: Ward,
    stdin: Option<BufWriter<ChildStdin>>,
    answers: Receiver<String>,
}

/// What came back: the answer, or the refusal as the product words it.
pub type Answer = std::result::Result<Value, Value>;

impl Rpc {
    pub fn open(binary: &Path, data: &Path, log: &Path) -> Result<Self> {
        let mut command = Command::new(binary);
        command.arg("--data").arg(data).arg("rpc").env("STILLAGE_PASSPHRASE", super::PASSPHRASE);
        Self::begin(&mut command, log)
    }

    /// Starts a program that answers calls; what it logs goes to the end of a file.
    pub fn begin(command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut ward = Ward::start(command, None)?;
        let stdin = ward.child.stdin.take().context("no pipe to the client")?;
        let stdout = ward.child.stdout.take().context("no pipe from the client")?;
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(|line| line.ok()) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { ward, stdin: Some(BufWriter::new(stdin)), answers })
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.ward.child.id()
    }

    /// Sends without waiting. A process that has died shows when its answer is asked for.
    pub fn send(&mut self, name: &str, args: &Value) -> Result<()> {
        let stdin = self.stdin.as_mut().context("the client's input is closed")?;
        writeln!(stdin, "{}", json!({ "name": name, "args": args }))?;
        stdin.flush().context("the client went away")
    }

    /// The answer to the oldest request that has none yet.
    pub fn answer(&mut self) -> Result<Answer> {
        match self.answers.recv_timeout(PATIENCE) {
            Ok(line) => parse(&line),
            Err(RecvTimeoutError::Timeout) => bail!("no answer within {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("the client ended by itself"),
        }
    }

    pub fn call(&mut self, name: &str, args: &Value) -> Result<Answer> {
        self.send(name, args)?;
        self.answer().with_context(|| name.to_owned())
    }

    /// As `call`, where a refusal means that the run cannot go on.
    pub fn must(&mut self, name: &str, args: &Value) -> Result<Value> {
        match self.call(name, args)? {
            Ok(value) => Ok(value),
            Err(refusal) => bail!("{name} was refused: {refusal}"),
        }
    }

    /// SIGKILL; gives what it had still answered.
    pub fn kill(mut self) -> Result<Vec<Answer>> {
        self.ward.kill()?;
        // The last line may be torn by the kill: then it was never an answer.
        Ok(self.answers.iter().map_while(|line| parse(&line).ok()).collect())
    }

    /// Closes its input, upon which it finishes and ends.
    pub fn close(mut self) -> Result<()> {
        self.stdin = None;
        self.ward.wait(Duration::from_secs(30))
    }
}

fn parse(line: &str) -> Result<Answer> {
    let mut answer: Value = serde_json::from_str(line).with_context(|| format!("not an answer: {line}"))?;
    if let Some(refusal) = answer.get_mut("error") {
        return Ok(Err(refusal.take()));
    }
    Ok(Ok(answer.get_mut("ok").with_context(|| format!("not an answer: {line}"))?.take()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_either_a_value_or_a_refusal_and_a_torn_line_is_neither() {
        assert_eq!(parse(r#"{"ok":{"count":1}}"#).unwrap(), Ok(json!({ "count": 1 })));
        assert_eq!(parse(r#"{"error":{"code":"X"}}"#).unwrap(), Err(json!({ "code": "X" })));
        assert!(parse(r#"{"ok":{"cou"#).is_err());
    }
}
