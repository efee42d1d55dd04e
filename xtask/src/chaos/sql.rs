//! Postgres as its own `psql` sees it: questions to a session of its own, by lines through a pipe.

use crate::replay::brood::{Ward, postgres_socket, postmaster};
use anyhow::{Context, Result, bail};
use std::{
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
        let socket = postgres_socket(data).context("no running Postgres below the server's folder")?;
        Ok(Self { socket, data: data.into() })
    }

    /// The process that all of Postgres goes with.
    pub fn postmaster(&self) -> Option<u32> {
        postmaster(&self.data)
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
