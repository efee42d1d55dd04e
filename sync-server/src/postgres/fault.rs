//! Why a private cluster cannot run. Every message ends with what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// A failure to start or use a private cluster.
#[derive(Debug, thiserror::Error)]
pub enum PostgresFault {
    #[error(
        "no Postgres is installed (initdb, pg_ctl and postgres are neither on PATH nor under /usr/lib/postgresql); \
         install it (Debian: apt-get install postgresql) or set DATABASE_URL to a server you have"
    )]
    ToolsMissing,
    #[error(
        "the Postgres programs psql, pg_dump and pg_restore are neither on PATH nor under /usr/lib/postgresql; install \
         them (Debian: apt-get install postgresql-client)"
    )]
    BackupToolsMissing,
    #[error(
        "{dir} was made by Postgres {made_by}, which is not installed; install that version, or move its data with \
         pg_upgrade"
    )]
    WrongMajor { dir: PathBuf, made_by: u32 },
    #[error(
        "Postgres refuses to run as root, and there is no account \"postgres\" or \"nobody\" to run it as; start the \
         server as an ordinary user"
    )]
    NoAccount,
    #[error(
        "the account \"{account}\", which runs Postgres, may not pass through {parent}; choose a data directory \
         elsewhere with --data (/var/lib/stillage, say), or run: chmod o+x {parent}"
    )]
    NoPassage { account: String, parent: PathBuf },
    #[error("{0} belongs to somebody else; remove it or choose another data directory with --data")]
    NotOurs(PathBuf),
    #[error("{doing} {path}: {source}; check that the disk has room and that the directory is yours")]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("{command} failed: {output}; the cluster's own log is the file \"log\" in its directory")]
    Command { command: String, output: String },
    #[error("Postgres did not answer within 30 seconds; look into {0}")]
    NotReady(PathBuf),
}

impl PostgresFault {
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    /// Adds what the cluster itself said to the words of the program that waited for it.
    pub(super) fn with_log(self, log: &str) -> Self {
        match self {
            Self::Command { command, output } => Self::Command { command, output: format!("{output}; {}", log.trim()) },
            other => other,
        }
    }
}
