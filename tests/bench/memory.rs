//! What the engine takes of the machine's memory once it has a whole catalogue: `stillage rpc` in a process of its own
//! begins by snapshot, and is asked what a screen asks. Beside it stands the same process before it had anything.

use crate::{
    report::{Goal, Metric, Sample},
    snapshot::ready,
    world::World,
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};
use stillage_core::scope::Scope;

pub const METRICS: &[Metric] = &[
    Metric { name: "engine_memory", unit: "MiB", goal: Goal::AtMost(Some(60.0), None) },
    Metric { name: "engine_memory_peak", unit: "MiB", goal: Goal::AtMost(None, None) },
];
/// Items asked for as people do: from the start of the list, from its end, and by a word.
const LOOKS: [(&str, u64); 3] = [("", 0), ("", 90_000), ("hex bolt", 0)];

pub async fn measure(world: &mut World) -> Result<Vec<Sample>> {
    ready(world, vec![Scope::Catalogue]).await?;
    let folder = world.fresh("rpc");
    let binary = world.binaries.join("stillage");
    let (server, shop, _) = world.shop().await?;
    let (url, code, items) = (server.url.clone(), server.device_code("Desktop")?, shop.catalogue.items.len());
    let measured = tokio::task::spawn_blocking(move || -> Result<[f64; 4]> {
        let mut desktop = Rpc::start(&binary, &folder)?;
        let (idle, idle_peak) = desktop.memory()?;
        desktop.call("app.connect", json!({ "url": url, "code": code }))?;
        desktop.call("sync.drain", json!({ "timeout_s": 120 }))?;
        for (search, offset) in LOOKS {
            let page = desktop.call("items.list", json!({ "search": search, "offset": offset, "limit": 50 }))?;
            let total = page["total"].as_u64();
            ensure!(!search.is_empty() || total == Some(items as u64), "{items} items expected: {page}");
        }
        let (full, peak) = desktop.memory()?;
        desktop.stop()?;
        Ok([full, idle, peak, idle_peak])
    });
    let [full, idle, peak, idle_peak] = measured.await??;
    Ok(vec![
        Sample { name: "engine_memory", value: full, raw: idle },
        Sample { name: "engine_memory_peak", value: peak, raw: idle_peak },
    ])
}

/// The engine as a program that reads calls from its input.
struct Rpc {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Rpc {
    /// Sets a desktop up and starts it.
    fn start(binary: &Path, folder: &Path) -> Result<Self> {
        let command = || {
            let mut command = Command::new(binary);
            command.args(["--json", "--data"]).arg(folder).env("STILLAGE_PASSPHRASE", "bench");
            command
        };
        let made = command().args(["init", "--name", "Desktop"]).stdout(Stdio::null()).status()?;
        ensure!(made.success(), "init ended with {made}");
        let mut child = command().arg("rpc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().context("no pipe to the desktop")?;
        let stdout = BufReader::new(child.stdout.take().context("no pipe from the desktop")?);
        let mut this = Self { child, stdin, stdout };
        this.call("app.status", json!({}))?;
        Ok(this)
    }

    fn call(&mut self, name: &str, args: Value) -> Result<Value> {
        writeln!(self.stdin, "{}", json!({ "name": name, "args": args }))?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line).with_context(|| format!("{name} was answered {line:?}"))?;
        ensure!(answer.get("error").is_none(), "{name}: {answer}");
        Ok(answer["ok"].clone())
    }

    /// Its share of memory now, and the most it ever had, in MiB.
    fn memory(&self) -> Result<(f64, f64)> {
        let of = |file: &str, name: &str| -> Result<f64> {
            let text = std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id()))?;
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next()).with_context(|| format!("no {name}"))?;
            Ok(kib.parse::<f64>()? / 1024.0)
        };
        Ok((of("smaps_rollup", "Pss:")?, of("status", "VmHWM:")?))
    }

    /// Nobody speaks to it any more, so it ends by itself.
    fn stop(self) -> Result<()> {
        let Self { mut child, stdin, stdout } = self;
        drop((stdin, stdout));
        let ended = child.wait()?;
        ensure!(ended.success(), "the desktop ended with {ended}");
        Ok(())
    }
}
