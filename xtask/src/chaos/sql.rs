//! Postgres as its own `psql` sees it: questions to a session of its own, by lines through a pipe.

use crate::replay::brood::{Ward, postmaster};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{ChildStdin, ChildStdout, Command, Stdio},
};

/// The name under which sessions of ours show in `pg_stat_activity`, so that no kill is meant for them.
pub const OURS: &str = "stillage-chaos";

const END: &str = "-- end of answer --";

/// How the private cluster below a folder is reached.
#[derive(Debug, Clone)]
pub struct Cluster {
    socket: PathBuf,
    data: PathBuf,
}

impl Cluster {
    /// Reads where the running cluster below `data` listens.
    pub fn of(data: &Path) -> Result<Self> {
        let file = postmaster_file(data, 3).context("no running Postgres below the server's folder")?;
        let text = fs::read_to_string(file)?;
        let socket = text.lines().nth(4).context("postmaster.pid names no socket")?;
        Ok(Self { socket: socket.trim().into(), data: data.into() })
    }

    /// The process that all of Postgres goes with.
    pub fn postmaster(&self) -> Option<u32> {
        postmaster(&self.data, 3)
    }

    fn psql(&self) -> Command {
        let mut psql = Command::new("psql");
        psql.args(["-XAtq", "-F", "|", "-U", "postgres", "-d", "stillage", "-h"]).arg(&self.socket);
        psql.env("PGAPPNAME", OURS).env("PGCONNECT_TIMEOUT", "5").stderr(Stdio::null());
        psql
    }

    /// Runs something that may be cut short, and whose answer nobody needs.
    pub fn disturb(&self, sql: &str) -> Result<()> {
        let mut psql = self.psql();
        psql.args(["-c", sql]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut ward = Ward::start(&mut psql, None)?;
        ward.wait(std::time::Duration::from_secs(10))
    }

    pub fn session(&self) -> Result<Session> {
        let mut psql = self.psql();
        psql.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut ward = Ward::start(&mut psql, None)?;
        let stdin = ward.child.stdin.take().context("no pipe to psql")?;
        let stdout = ward.child.stdout.take().context("no pipe from psql")?;
        Ok(Session { _ward: ward, stdin, lines: BufReader::new(stdout).lines() })
    }
}

pub struct Session {
    _ward: Ward,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Session {
    /// The rows, each with its columns; fails when Postgres went away under it.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Vec<String>>> {
        writeln!(self.stdin, "{sql};\n\\echo '{END}'")?;
        self.stdin.flush()?;
        let mut rows = Vec::new();
        loop {
            match self.lines.next() {
                None => bail!("the session was closed"),
                Some(line) => match line? {
                    end if end == END => return Ok(rows),
                    line => rows.push(line.split('|').map(str::to_owned).collect()),
                },
            }
        }
    }
}

fn postmaster_file(folder: &Path, depth: u32) -> Option<PathBuf> {
    let file = folder.join("postmaster.pid");
    if file.exists() {
        return Some(file);
    }
    let below = fs::read_dir(folder).ok()?.flatten().filter(|entry| depth > 0 && entry.path().is_dir());
    below.into_iter().find_map(|entry| postmaster_file(&entry.path(), depth - 1))
}
