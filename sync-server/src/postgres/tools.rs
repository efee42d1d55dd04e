//! Where Postgres is installed, and how its programs are called. Debian keeps the server's programs off PATH, one
//! directory a major version, so those are searched too, newest first.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::fault::PostgresFault;

const NEEDED: [&str; 6] = ["initdb", "pg_ctl", "postgres", "psql", "pg_dump", "pg_isready"];

#[derive(Debug)]
pub(super) struct Tools {
    bin: PathBuf,
}

impl Tools {
    /// The newest installation, or the one of the major version that made `data`.
    pub(super) fn find(data: &Path) -> Result<Self, PostgresFault> {
        let found: Vec<Self> = candidates()
            .into_iter()
            .filter(|bin| NEEDED.iter().all(|tool| bin.join(tool).exists()))
            .map(|bin| Self { bin })
            .collect();
        let version = fs::read_to_string(data.join("PG_VERSION")).ok();
        let made_by: Option<u32> = version.and_then(|text| text.trim().parse().ok());
        match made_by {
            None => found.into_iter().next().ok_or(PostgresFault::ToolsMissing),
            Some(made_by) => found
                .into_iter()
                .find(|tools| tools.major() == Some(made_by))
                .ok_or_else(|| PostgresFault::WrongMajor { dir: data.to_owned(), made_by }),
        }
    }

    /// Those that write and read backups; a server of one's own may run elsewhere.
    pub(super) fn of_backups(data: &Path) -> Result<Self, PostgresFault> {
        let wanted = ["psql", "pg_dump", "pg_restore"];
        let has_all = |bin: &PathBuf| wanted.iter().all(|tool| bin.join(tool).exists());
        let beside = Self::find(data).ok().map(|tools| tools.bin).filter(has_all);
        let bin = beside.or_else(|| candidates().into_iter().rev().find(has_all));
        bin.map(|bin| Self { bin }).ok_or(PostgresFault::BackupToolsMissing)
    }

    pub(super) fn path(&self, tool: &str) -> PathBuf {
        self.bin.join(tool)
    }

    /// A call in a plain environment: no PGHOST or PGDATA of the caller leaks in, and messages are in English.
    pub(super) fn command(&self, tool: &str) -> Command {
        let mut command = Command::new(self.path(tool));
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C.UTF-8").current_dir("/");
        command.stdin(Stdio::null());
        command
    }

    /// Runs one statement and returns its bare output.
    pub(super) fn psql(&self, url: &str, sql: &str) -> Result<String, PostgresFault> {
        let mut psql = self.command("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        psql.args(["-d", url, "-c", sql]);
        run(psql)
    }

    fn major(&self) -> Option<u32> {
        let output = self.command("postgres").arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let number = text.split_whitespace().nth(2)?.to_owned();
        let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    }
}

fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = env::split_paths(&path).collect();
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_string_lossy().parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    found.extend(versions.into_iter().map(|(_, bin)| bin));
    found
}

/// Runs to the end and returns what was printed; a failure carries both streams.
pub(super) fn run(mut command: Command) -> Result<String, PostgresFault> {
    let name = Path::new(command.get_program()).to_owned();
    let output = command.output().map_err(|e| PostgresFault::io("start", &name, e))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(PostgresFault::Command {
        command: name.display().to_string(),
        output: format!("{} {}", stdout.trim(), stderr.trim()).trim().to_owned(),
    })
}
