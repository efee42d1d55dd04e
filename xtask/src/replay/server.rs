//! The server process of a run, on its private Postgres.

use crate::replay::brood::Ward;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

pub struct Server {
    binary: PathBuf,
    data: PathBuf,
    pub url: String,
    ward: Option<Ward>,
}

impl Server {
    pub fn start(binary: &Path, data: &Path) -> Result<Self> {
        Self::start_at(binary, data, "127.0.0.1:0")
    }

    pub fn start_at(binary: &Path, data: &Path, listen: &str) -> Result<Self> {
        let mut server = Self { binary: binary.into(), data: data.into(), url: String::new(), ward: None };
        server.open(listen)?;
        Ok(server)
    }

    fn open(&mut self, listen: &str) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.data.with_extension("log"))?;
        let mut command = Command::new(&self.binary);
        command.arg("--data").arg(&self.data).args(["--json", "serve", "--listen", listen]);
        command.env_remove("DATABASE_URL").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut ward = Ward::start(&mut command, Some(&self.data))?;
        let mut lines = BufReader::new(ward.child.stdout.take().context("no pipe from the server")?).lines();
        self.ward = Some(ward);
        let ready = lines.next().with_context(|| {
            format!("the server ended before it was ready, see {}", self.data.with_extension("log").display())
        })??;
        let ready: Value =
            serde_json::from_str(&ready).with_context(|| format!("not the server's first line: {ready}"))?;
        if let Some(message) = ready["error"]["message"].as_str() {
            bail!("the server did not start: {message} {}", ready["error"]["next"].as_str().unwrap_or_default());
        }
        self.url = ready["url"].as_str().context("the server named no url")?.trim_end_matches('/').to_owned();
        // Its pipe is read to the end, so that it never blocks on it.
        thread::spawn(move || lines.for_each(drop));
        Ok(())
    }

    /// A one-time code with which a new device introduces itself.
    pub fn device_code(&self, name: &str, person: &str) -> Result<String> {
        let output = self
            .command()
            .args(["device-code", "--name", name, "--person", person])
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "device-code ended with {}", output.status);
        let text = String::from_utf8(output.stdout)?;
        let answer: Value = serde_json::from_str(text.trim().lines().last().unwrap_or_default())?;
        Ok(answer["code"].as_str().context("device-code gave no code")?.to_owned())
    }

    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.ward.as_ref().map(|ward| ward.child.id())
    }

    /// Where it listens, without the scheme.
    #[must_use]
    pub fn address(&self) -> String {
        self.url.split("//").last().unwrap_or_default().to_owned()
    }

    /// SIGKILL, as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.ward.take().map_or(Ok(()), |mut ward| ward.kill())
    }

    /// SIGKILL, then a new process at the same address over what the old one left behind.
    pub fn kill_and_restart(&mut self) -> Result<()> {
        self.kill()?;
        self.open(&self.address()).context("the server did not come back after SIGKILL")
    }

    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--data").arg(&self.data).arg("--json").env_remove("DATABASE_URL");
        command
    }

    /// Asks it to finish and waits.
    pub fn stop(&mut self) -> Result<()> {
        self.ward.take().map_or(Ok(()), |mut ward| ward.stop(Duration::from_secs(60)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ward = None;
        crate::replay::brood::end_postgres(&self.data);
    }
}
