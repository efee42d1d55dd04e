//! One desktop and what it said it had, kept outside of it.
//!
//! The surprise: what was under way when the desktop was killed is neither done nor undone. It may be there once or
//! not at all, and the judge accepts both.

use super::proxy::Proxy;
use crate::replay::{
    brood::Ward,
    rpc::{Answer, Rpc},
};
use anyhow::{Context, Result, ensure};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

pub const PASSPHRASE: &str = crate::replay::PASSPHRASE;

/// The ids under which the furniture is known.
#[derive(Debug, Default)]
pub struct Ids {
    pub items: Vec<String>,
    pub bins: Vec<String>,
}

/// Something a person does.
#[derive(Debug, Clone)]
pub enum Step {
    Stock { verb: &'static str, item: usize, bin: usize, to: usize, qty: u32 },
    Edit { item: usize, field: &'static str, value: String },
}

impl Step {
    pub fn draw(draws: &mut ChaCha8Rng, ids: &Ids) -> Self {
        let mut below = |n: usize| (draws.next_u32() as usize) % n;
        let (item, bin) = (below(ids.items.len()), below(ids.bins.len()));
        let to = (bin + 1 + below(ids.bins.len() - 1)) % ids.bins.len();
        let stock = |verb, qty| Self::Stock { verb, item, bin, to, qty };
        match below(10) {
            0..=2 => stock("receive", 1 + below(9) as u32),
            3..=4 => stock("issue", 1 + below(3) as u32),
            5..=6 => stock("move", 1 + below(3) as u32),
            7 => stock("count", 900 + below(200) as u32),
            8 => Self::Edit { item, field: "name", value: format!("Name {}", below(1_000_000)) },
            _ => Self::Edit { item, field: "reorder_point", value: below(500).to_string() },
        }
    }
}

/// Trouble of one desktop's own, at a step of its work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mishap {
    pub killed_at: Option<usize>,
    /// No room from one step to another.
    pub full: Option<(usize, usize)>,
}

/// What a desktop said it had, and what it may have.
#[derive(Debug, Default)]
pub struct Said {
    /// Change ids.
    pub changes: Vec<String>,
    /// By reference: the change.
    pub movements: BTreeMap<String, String>,
    /// References that a kill left open.
    pub unsure: Vec<String>,
}

/// How a sync ended.
#[derive(Debug)]
pub struct Drained {
    /// All is handed over and all of the others' is there.
    pub done: bool,
    pub cursors: Value,
    /// In the desktop's own words.
    pub said: String,
}

pub struct Hand {
    pub name: String,
    pub data: PathBuf,
    pub proxy: Arc<Proxy>,
    pub said: Said,
    binary: PathBuf,
    ids: Arc<Ids>,
    rpc: Option<Rpc>,
    done: usize,
}

impl Hand {
    pub fn new(name: &str, home: &Path, binary: &Path, proxy: Proxy) -> Self {
        Self {
            name: name.to_owned(),
            data: home.join(name),
            proxy: Arc::new(proxy),
            said: Said::default(),
            binary: binary.into(),
            ids: Arc::default(),
            rpc: None,
            done: 0,
        }
    }

    pub fn learn(&mut self, ids: &Arc<Ids>) {
        self.ids = Arc::clone(ids);
    }

    /// The program without a call of its own, for one short errand.
    pub fn stillage(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("STILLAGE_PASSPHRASE", PASSPHRASE).arg("--data").arg(&self.data).arg("--json");
        command.stdin(Stdio::null());
        command
    }

    pub fn init(&self) -> Result<()> {
        let output = self.stillage().args(["init", "--name", &self.name]).output()?;
        ensure!(output.status.success(), "init: {}", String::from_utf8_lossy(&output.stdout));
        Ok(())
    }

    /// Connects while all is calm.
    pub fn connect(&mut self, code: &str) -> Result<()> {
        let refused = self.try_to_connect(code)?;
        ensure!(refused.is_none(), "connect: {}", refused.unwrap_or_default());
        self.open()
    }

    /// What it said if it could not.
    fn try_to_connect(&self, code: &str) -> Result<Option<String>> {
        let output = self.stillage().args(["connect", &self.proxy.url, "--code", code]).output()?;
        Ok((!output.status.success()).then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    /// Connects in the midst of trouble, which may fail, and is killed after each of these moments.
    pub fn join(&mut self, code: &str, moments: &[Duration]) -> Result<bool> {
        if self.try_to_connect(code)?.is_some() {
            return Ok(false);
        }
        self.open()?;
        for moment in moments {
            thread::sleep(*moment);
            self.rpc.take().context("the desktop is closed")?.kill()?;
            self.open()?;
        }
        Ok(true)
    }

    pub fn open(&mut self) -> Result<()> {
        // A full disk is played by a limit on the size of files, whose signal would end the program otherwise.
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(&self.binary);
        shell.arg("--data").arg(&self.data).arg("rpc").env("STILLAGE_PASSPHRASE", PASSPHRASE);
        self.rpc = Some(Rpc::begin(&mut shell, &self.data.with_extension("log"))?);
        Ok(())
    }

    pub fn rpc(&mut self) -> Result<&mut Rpc> {
        self.rpc.as_mut().context("the desktop is closed")
    }

    pub fn close(&mut self) -> Result<()> {
        self.rpc.take().map_or(Ok(()), Rpc::close)
    }

    /// Does it all, with its mishap on the way.
    pub fn play(&mut self, steps: &[Step], mishap: Mishap) -> Result<()> {
        for (at, step) in steps.iter().enumerate() {
            if let Some((from, to)) = mishap.full {
                match at {
                    _ if at == from => self.room(Some(8 * 1024))?,
                    _ if at == to => self.room(None)?,
                    _ => {}
                }
            }
            let (reference, name, args) = self.call(step);
            self.rpc()?.send(&name, &args)?;
            if mishap.killed_at == Some(at) {
                self.kill(reference)?;
                continue;
            }
            let answer = self.rpc()?.answer()?;
            self.heard(reference, answer);
        }
        self.room(None)
    }

    fn call(&mut self, step: &Step) -> (Option<String>, String, Value) {
        self.done += 1;
        let reference = format!("{}/{}", self.name, self.done);
        match step {
            Step::Stock { verb, item, bin, to, qty } => {
                let mut args = json!({
                    "item": self.ids.items[*item], "location": self.ids.bins[*bin], "qty": qty.to_string(),
                });
                match *verb {
                    "count" => return (None, "stock.count".into(), args),
                    "move" => args["to"] = json!(self.ids.bins[*to]),
                    _ => {}
                }
                args["reference"] = json!(reference);
                (Some(reference), format!("stock.{verb}"), args)
            }
            Step::Edit { item, field, value } => {
                (None, "items.save".into(), json!({ "id": self.ids.items[*item], "fields": { *field: value } }))
            }
        }
    }

    /// A refusal is no acknowledgement: nothing was promised.
    fn heard(&mut self, reference: Option<String>, answer: Answer) {
        let Ok(value) = answer else { return };
        let Some(change) = value["change_id"].as_str().map(str::to_owned) else { return };
        if let Some(reference) = reference {
            self.said.movements.insert(reference, change.clone());
        }
        self.said.changes.push(change);
    }

    fn kill(&mut self, reference: Option<String>) -> Result<()> {
        let answered = self.rpc.take().context("the desktop is closed")?.kill()?;
        match answered.into_iter().next() {
            Some(answer) => self.heard(reference, answer),
            None => self.said.unsure.extend(reference),
        }
        self.open()
    }

    /// Lets no file of the desktop grow past this; or any size again.
    fn room(&mut self, bytes: Option<u64>) -> Result<()> {
        let pid = i32::try_from(self.rpc()?.pid()).ok().and_then(Pid::from_raw);
        prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None })?;
        Ok(())
    }

    /// Syncs for so long at most.
    pub fn drain(&mut self, seconds: u32) -> Result<Drained> {
        let said = self.rpc()?.call("sync.drain", &json!({ "timeout_s": seconds }))?;
        let (done, cursors) = match &said {
            Ok(report) => (report["drained"] == true && report["outbox"] == 0, report["cursors"].clone()),
            Err(_) => (false, Value::Null),
        };
        Ok(Drained { done, cursors, said: format!("{}: {said:?}", self.name) })
    }

    pub fn draw(&self, draws: &mut ChaCha8Rng, steps: usize) -> Vec<Step> {
        (0..steps).map(|_| Step::draw(draws, &self.ids)).collect()
    }
}

impl Mishap {
    /// A kill or a full disk somewhere among so many steps.
    pub fn draw(draws: &mut ChaCha8Rng, steps: usize, (kill, full): (bool, bool)) -> Self {
        let at = draws.random_range(0..steps);
        let from = draws.random_range(0..steps - 2);
        Self { killed_at: kill.then_some(at), full: full.then_some((from, from + 2)) }
    }
}

/// Writes what the program prints as its canonical dump.
pub fn dump(command: &mut Command, to: &Path) -> Result<()> {
    command.args(["dump", "--canonical"]).stdin(Stdio::null()).stdout(std::fs::File::create(to)?);
    let mut ward = Ward::start(command, None)?;
    ward.wait(Duration::from_secs(60))?;
    let status = ward.child.wait()?;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}
