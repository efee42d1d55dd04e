//! The server and the two desktops of a demo, as processes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::furnish;
use crate::cargo;
use crate::replay::PASSPHRASE;
use crate::replay::rpc::{Answer, Rpc};
use crate::replay::server::Server;
use crate::run;

pub struct Warehouse {
    pub server: Server,
    pub desks: [Desk; 2],
}

/// One person's desktop. It remembers what was acknowledged, to ask for it at the end.
pub struct Desk {
    pub person: &'static str,
    pub data: PathBuf,
    pub acknowledged: Vec<String>,
    rpc: Option<Rpc>,
}

impl Warehouse {
    /// Starts the server, enrols both people and puts the furniture in.
    pub fn open(folder: &Path) -> Result<Self> {
        let server = Server::start(&cargo::bin("stillage-server"), &folder.join("server"))?;
        let anna = Desk::enrol(&server, folder, "Anna", "Goods in")?;
        let ben = Desk::enrol(&server, folder, "Ben", "Picking")?;
        let mut warehouse = Self { server, desks: [anna, ben] };
        furnish::furnish(&mut warehouse.desks[0])?;
        warehouse.settle()?;
        Ok(warehouse)
    }

    /// Twice: what the second desk hands over reaches the first only in the next round.
    pub fn settle(&mut self) -> Result<()> {
        for _ in 0..2 {
            for desk in &mut self.desks {
                desk.call("sync.drain", &json!({ "timeout_s": 60 }))?;
            }
        }
        Ok(())
    }

    pub fn close(&mut self) -> Result<()> {
        for desk in &mut self.desks {
            desk.close()?;
        }
        self.server.stop()
    }

    /// What the server holds, in the form every settled device prints too.
    pub fn server_dump(&self) -> Result<String> {
        output_of(self.server.command().args(["dump", "--canonical"]))
    }
}

impl Desk {
    fn enrol(server: &Server, folder: &Path, person: &'static str, name: &str) -> Result<Self> {
        let data = folder.join(person.to_lowercase());
        let mut desk = Self { person, data, acknowledged: Vec::new(), rpc: None };
        let code = server.device_code(name, person)?;
        desk.stillage(&["init", "--name", name])?;
        desk.stillage(&["connect", &server.url, "--code", &code])?;
        let log = desk.data.with_extension("log");
        desk.rpc = Some(Rpc::open(&cargo::bin("stillage"), &desk.data, &log)?);
        Ok(desk)
    }

    /// Calls the engine as the window does; a refusal is an error.
    pub fn call(&mut self, name: &str, args: &Value) -> Result<Value> {
        match self.ask(name, args)? {
            Ok(value) => Ok(value),
            Err(refusal) => anyhow::bail!("{}: {name} {args} was refused: {refusal}", self.person),
        }
    }

    pub fn ask(&mut self, name: &str, args: &Value) -> Result<Answer> {
        let answer = self.rpc.as_mut().context("the desktop is closed")?.call(name, args)?;
        if let Ok(value) = &answer
            && let Some(change) = value["change_id"].as_str()
        {
            self.acknowledged.push(change.to_owned());
        }
        Ok(answer)
    }

    pub fn dump(&self) -> Result<String> {
        self.stillage(&["dump", "--canonical"])
    }

    pub fn close(&mut self) -> Result<()> {
        self.rpc.take().map_or(Ok(()), Rpc::close)
    }

    fn stillage(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new(cargo::bin("stillage"));
        command.arg("--data").arg(&self.data).arg("--json").args(args);
        output_of(command.env("STILLAGE_PASSPHRASE", PASSPHRASE))
    }
}

fn output_of(command: &mut Command) -> Result<String> {
    let output = command.current_dir(run::root()).stdin(std::process::Stdio::null()).output();
    let output = output.with_context(|| format!("start {}", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}: {said}{log}", output.status);
    Ok(said)
}
