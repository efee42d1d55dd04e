//! Backups as files: what `pg_dump` writes in its custom format, one file, nothing of our own around it.
//!
//! The surprise: `psql` commits at the end of what it is fed. When reading a backup fails half-way, it is killed
//! before it comes to an end, and Postgres takes everything back.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::fault::PostgresFault;
use super::tools::Tools;

/// What every backup of ours lists.
const OURS: &str = " TABLE DATA public organisation ";
/// Before the time at which a backup was taken.
const TAKEN: &str = "Archive created at ";
/// Tables whose rows are made again when they are asked for.
const MADE_AGAIN: [&str; 2] = ["snapshot", "snapshot_chunk"];
/// Postgres's code for a full disk.
const DISK_FULL: &str = "53100";

/// The programs that write and read backups.
#[derive(Debug)]
pub struct Archiver {
    tools: Tools,
}

/// Why a backup cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFault {
    #[error(transparent)]
    Tools(#[from] PostgresFault),
    /// The file, or the one beside it that is being written.
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    /// Not a backup, not one of ours, or not all of it.
    #[error("{0}")]
    Unreadable(String),
    #[error("the disk of the database is full")]
    DiskFull,
}

impl Archiver {
    /// The programs of the cluster in `data`, if there is one; else the newest.
    pub fn find(data: &Path) -> Result<Self, PostgresFault> {
        Ok(Self { tools: Tools::of_backups(data)? })
    }

    /// Writes the database at `url` as `snapshot` sees it. `file` is there whole, synced and read back, or not at
    /// all; one that was there stays until then. Returns its size.
    pub fn write(&self, url: &str, snapshot: &str, file: &Path) -> Result<u64, ArchiveFault> {
        if fs::metadata(file).is_ok_and(|there| !there.is_file()) {
            return Err(fault(file, io::Error::from(io::ErrorKind::InvalidInput)));
        }
        let mut part = file.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let written = self.write_part(url, snapshot, &part).and_then(|bytes| {
            self.check(&part)?;
            fs::rename(&part, file).and_then(|()| sync_parent(file)).map_err(|source| fault(file, source))?;
            Ok(bytes)
        });
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    }

    fn write_part(&self, url: &str, snapshot: &str, part: &Path) -> Result<u64, ArchiveFault> {
        let io = |source| fault(part, source);
        let options = File::options().write(true).create(true).truncate(true).mode(0o600).open(part);
        let mut file = options.map_err(io)?;
        let mut dump = self.tools.connected("pg_dump", url);
        dump.args(["--format=custom", "--no-owner", "--no-privileges"]);
        dump.args(MADE_AGAIN.map(|table| format!("--exclude-table-data=public.{table}")));
        dump.arg(format!("--snapshot={snapshot}"));
        let mut dump = Running::start(dump)?;
        // Through here rather than into the file: a full disk is then an error with a number.
        let bytes = dump.copy_to(&mut file).map_err(io)?;
        let ended = dump.end()?;
        if !ended.status.success() {
            return Err(PostgresFault::Command { command: "pg_dump".into(), output: said(&ended) }.into());
        }
        file.sync_all().map_err(io)?;
        Ok(bytes)
    }

    /// Reads a backup to its end: whole, and one of ours. Returns when it was taken, as it says itself.
    pub fn check(&self, file: &Path) -> Result<Option<String>, ArchiveFault> {
        let mut list = self.reading(file, &["--list"])?;
        let mut contents = Vec::new();
        list.copy_to(&mut contents).map_err(|source| fault(file, source))?;
        unreadable(list.end()?)?;
        let contents = String::from_utf8_lossy(&contents);
        if !contents.contains(OURS) {
            return Err(ArchiveFault::Unreadable("it holds no organisation".into()));
        }
        let taken = contents.lines().find_map(|line| line.trim_start_matches([';', ' ']).strip_prefix(TAKEN));
        let mut all = self.reading(file, &["-f", "-"])?;
        all.copy_to(&mut io::sink()).map_err(|source| fault(file, source))?;
        unreadable(all.end()?)?;
        Ok(taken.map(|time| time.trim().to_owned()))
    }

    /// Fills the empty database at `url` and runs `last` (SQL), in one transaction.
    pub fn restore(&self, file: &Path, url: &str, last: &str) -> Result<(), ArchiveFault> {
        let script = ["--no-owner", "--no-privileges", "--no-comments", "-f", "-"];
        let mut script = self.reading(file, &script)?;
        let mut psql = self.tools.connected("psql", url);
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"]);
        psql.args(["--single-transaction", "-f", "-"]);
        psql.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut psql = psql.spawn().map_err(|e| PostgresFault::io("start", Path::new("psql"), e))?;
        let fed = feed(&mut script, &mut psql, last);
        let ended = psql.wait_with_output().map_err(|e| PostgresFault::io("end", Path::new("psql"), e))?;
        let failed = said(&ended);
        if failed.contains(&format!("ERROR:  {DISK_FULL}:")) {
            return Err(ArchiveFault::DiskFull);
        }
        // A refusal of the database explains a broken pipe; what else went wrong speaks for itself.
        if fed.as_ref().is_err_and(|fault| !matches!(fault, ArchiveFault::File { .. })) {
            return fed;
        }
        if !ended.status.success() {
            return Err(PostgresFault::Command { command: "psql".into(), output: failed }.into());
        }
        fed
    }

    fn reading(&self, file: &Path, args: &[&str]) -> Result<Running, ArchiveFault> {
        let opened = File::open(file).and_then(|opened| match opened.metadata()?.is_file() {
            true => Ok(opened),
            false => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        });
        let mut command = self.tools.command("pg_restore");
        command.args(args).env("TZ", "UTC").stdin(opened.map_err(|source| fault(file, source))?);
        Ok(Running::start(command)?)
    }
}

/// Gives `psql` the script and `last`. If the script does not come to its end, psql is killed.
fn feed(script: &mut Running, psql: &mut Child, last: &str) -> Result<(), ArchiveFault> {
    let pipe = |source| fault(Path::new("psql"), source);
    let mut stdin = psql.stdin.take().ok_or_else(|| pipe(io::Error::from(io::ErrorKind::BrokenPipe)))?;
    let copied = script.copy_to(&mut stdin);
    if copied.is_err() {
        let _ = psql.kill();
        let _ = script.child.kill();
    }
    let ended = script.end()?;
    copied.map_err(pipe)?;
    if let Err(fault) = unreadable(ended) {
        let _ = psql.kill();
        return Err(fault);
    }
    stdin.write_all(last.as_bytes()).map_err(pipe)
}

fn unreadable(ended: Output) -> Result<(), ArchiveFault> {
    if ended.status.success() { Ok(()) } else { Err(ArchiveFault::Unreadable(said(&ended))) }
}

fn said(ended: &Output) -> String {
    String::from_utf8_lossy(&ended.stderr).trim().to_owned()
}

fn fault(path: &Path, source: io::Error) -> ArchiveFault {
    ArchiveFault::File { path: path.to_owned(), source }
}

/// The new name of a file is on the disk only when its directory is.
fn sync_parent(file: &Path) -> io::Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// A program whose output is read as it comes.
struct Running {
    child: Child,
    name: PathBuf,
}

impl Running {
    fn start(mut command: Command) -> Result<Self, PostgresFault> {
        let name = PathBuf::from(command.get_program());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|e| PostgresFault::io("start", &name, e))?;
        Ok(Self { child, name })
    }

    fn copy_to(&mut self, to: &mut dyn Write) -> io::Result<u64> {
        let Some(mut from) = self.child.stdout.take() else { return Ok(0) };
        let (mut buffer, mut copied) = (vec![0; 1 << 17], 0);
        loop {
            match from.read(&mut buffer)? {
                0 => return Ok(copied),
                read => {
                    to.write_all(&buffer[..read])?;
                    copied += read as u64;
                }
            }
        }
    }

    fn end(&mut self) -> Result<Output, PostgresFault> {
        let io = |e| PostgresFault::io("end", &self.name, e);
        let mut stderr = Vec::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_end(&mut stderr).map_err(io)?;
        }
        let status = self.child.wait().map_err(io)?;
        Ok(Output { status, stdout: Vec::new(), stderr })
    }
}
