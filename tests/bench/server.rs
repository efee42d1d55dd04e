//! The server of a run: the built program on its private Postgres, which the raw limits share.
//!
//! The surprise: the bench joins the server's cluster as a second user, by the server's own code, so that both
//! measurements have one disk, one cache and one configuration.

use crate::machine::Process;
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};
use stillage_server::{
    ServerError,
    config::open_url,
    postgres::{Durability, PrivatePostgres},
    sync::enrol,
};

/// Who works on the devices of a bench.
const PERSON: &str = "Bench";

pub struct Server {
    binary: PathBuf,
    data: PathBuf,
    pub url: String,
    child: Child,
    // Dropped after the child has ended, so that the cluster outlives the server.
    cluster: Option<PrivatePostgres>,
}

impl Server {
    /// Starts it and waits until it says that it is ready.
    pub async fn start(binaries: &Path, folder: &Path) -> Result<Self> {
        let (binary, data) = (binaries.join("stillage-server"), folder.join("server"));
        let log = File::create(folder.join("server.log"))?;
        let mut command = Command::new(&binary);
        command.arg("--data").arg(&data).args(["--json", "serve", "--listen", "127.0.0.1:0"]);
        command.env_remove("DATABASE_URL").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
        let mut server = Self { binary, data, url: String::new(), child, cluster: None };
        let stdout = server.child.stdout.take().context("no pipe from the server")?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = lines.next().with_context(|| {
            format!("the server ended before it was ready, see {}", folder.join("server.log").display())
        })??;
        let ready: Value = serde_json::from_str(&ready).with_context(|| format!("not its first line: {ready}"))?;
        server.url = ready["url"].as_str().context("the server named no url")?.trim_end_matches('/').to_owned();
        // Its pipe is read to the end, so that it never blocks on it.
        thread::spawn(move || lines.for_each(drop));
        let cluster = cluster_below(&server.data, 3).context("the server has no private Postgres")?;
        let joined = tokio::task::spawn_blocking(move || PrivatePostgres::start(&cluster, Durability::Full)).await?;
        server.cluster = Some(joined?);
        Ok(server)
    }

    /// A connection of the bench's own to the server's database.
    pub async fn postgres(&self) -> Result<PgConnection> {
        let cluster = self.cluster.as_ref().context("the cluster is gone")?;
        Ok(PgConnection::connect(&cluster.url()).await?)
    }

    /// What Postgres says it does for a commit.
    pub async fn durability(&self) -> Result<Vec<(String, String)>> {
        let sql = "SELECT name, setting FROM pg_settings
                   WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'server_version')
                   ORDER BY name";
        Ok(sqlx::query_as(sql).fetch_all(&mut self.postgres().await?).await?)
    }

    /// A one-time code with which a new device introduces itself.
    pub fn device_code(&self, name: &str) -> Result<String> {
        let answer = self.verb(&["device-code", "--name", name, "--person", PERSON])?;
        Ok(answer["code"].as_str().context("device-code gave no code")?.to_owned())
    }

    /// A token for a program, with points of its own to spend.
    pub fn token(&self, name: &str) -> Result<String> {
        let answer = self.verb(&["token", "--name", name, "--write"])?;
        Ok(answer["token"].as_str().context("token gave no token")?.to_owned())
    }

    fn verb(&self, words: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.binary);
        command.arg("--data").arg(&self.data).arg("--json").args(words).env_remove("DATABASE_URL");
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{} ended with {}", words.join(" "), output.status);
        let text = String::from_utf8(output.stdout)?;
        Ok(serde_json::from_str(text.trim().lines().last().unwrap_or_default())?)
    }

    pub fn process(&self) -> Process {
        Process::of(self.child.id())
    }

    /// Seconds of processor time that the server itself has used, Postgres aside.
    pub fn cpu(&self) -> Result<f64> {
        self.process().cpu()
    }

    /// One-time codes for so many new devices. Made here and not by as many processes.
    pub async fn device_codes(&self, name: &str, count: usize) -> Result<Vec<String>> {
        let cluster = self.cluster.as_ref().context("the cluster is gone")?;
        let told = |error: ServerError| anyhow!("{}: {}", error.code(), error.message());
        let app = open_url(&cluster.url()).await?;
        let mut codes = Vec::with_capacity(count);
        for n in 0..count {
            codes.push(enrol::device_code(&app, &format!("{name} {n}"), PERSON, &[]).await.map_err(told)?.code);
        }
        app.pusher.close().await;
        Ok(codes)
    }

    /// Asks it to finish, waits, and lets go of the cluster.
    pub fn stop(&mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.child.try_wait().is_ok_and(|ended| ended.is_none())) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        let status = self.child.wait()?;
        self.cluster = None;
        if status.success() { Ok(()) } else { bail!("the server ended with {status}") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder that was handed to `PrivatePostgres::start`: the one above the data directory.
fn cluster_below(folder: &Path, depth: u32) -> Option<PathBuf> {
    if folder.join("PG_VERSION").exists() {
        return folder.parent().map(Path::to_path_buf);
    }
    let below = std::fs::read_dir(folder).ok()?.flatten().filter(|entry| depth > 0 && entry.path().is_dir());
    below.into_iter().find_map(|entry| cluster_below(&entry.path(), depth - 1))
}
