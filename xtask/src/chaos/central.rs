//! The central side: two servers on one Postgres, the newest backup of it, and a new life from that backup after all of
//! it was lost.

use super::{canary::Canary, sql::Cluster};
use crate::replay::{brood, server::Server};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

pub struct Central {
    home: PathBuf,
    program: PathBuf,
    // Before the servers: it must have let go of Postgres when they stop it.
    canary: Canary,
    pub cluster: Cluster,
    pub servers: Vec<Server>,
    /// Where the servers' data lie.
    data: PathBuf,
    /// The newest that the program called done.
    backup: Option<PathBuf>,
    /// Numbers folders and files.
    made: u32,
}

impl Central {
    pub fn start(program: &Path, home: &Path) -> Result<Self> {
        let data = home.join("server");
        let servers = vec![Server::start(program, &data)?, Server::start(program, &data)?];
        let cluster = Cluster::of(&data)?;
        let canary = Canary::start(&cluster);
        Ok(Self { home: home.into(), program: program.into(), canary, cluster, servers, data, backup: None, made: 0 })
    }

    /// Backs up while others write. Says whether the program called it done; only then it counts.
    pub fn back_up(&mut self) -> Result<bool> {
        self.made += 1;
        let file = self.home.join(format!("backup-{}", self.made));
        let done = quiet(self.servers[0].command().arg("backup").arg(&file))?;
        if done && let Some(older) = self.backup.replace(file) {
            fs::remove_file(older)?;
        }
        Ok(done)
    }

    /// Everything central is gone from one moment to the next; two new servers at the old addresses begin with the newest
    /// backup.
    pub fn lose_and_restore(&mut self) -> Result<()> {
        let backup = self.backup.clone().context("there is no backup")?;
        let addresses: Vec<String> = self.servers.iter().map(Server::address).collect();
        self.servers.iter_mut().try_for_each(Server::kill)?;
        brood::end_postgres(&self.data);
        fs::remove_dir_all(&self.data)?;
        self.made += 1;
        self.data = self.home.join(format!("server-{}", self.made));
        let mut restore = Command::new(&self.program);
        restore.arg("--data").arg(&self.data).arg("--json").arg("restore").arg(&backup).env_remove("DATABASE_URL");
        ensure!(quiet(&mut restore)?, "{} was called done and is not restored", backup.display());
        self.servers.clear();
        for address in addresses {
            self.servers.push(Server::start_at(&self.program, &self.data, &address)?);
        }
        self.cluster = Cluster::of(&self.data)?;
        self.canary = Canary::start(&self.cluster);
        Ok(())
    }

    /// What is wrong with the log, seen on the way and at rest.
    pub fn judge_log(&self) -> Result<Vec<String>> {
        self.canary.judge()
    }

    pub fn stop(&mut self) -> Result<()> {
        self.servers.iter_mut().try_for_each(Server::stop)
    }
}

fn quiet(command: &mut Command) -> Result<bool> {
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
}
