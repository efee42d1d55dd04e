//! A Postgres cluster of the server's own, in a directory, for everybody who has not set one up.
//!
//! The surprise: a cluster has users, not an owner. Every process that calls [`PrivatePostgres::start`] holds a
//! shared lock on `users.lock`, joins the cluster if it already runs, and leaves a small watcher behind which stops
//! it once the last user is gone, even when that user was killed. So `serve` and a command beside it share one
//! directory without knowing of each other.
//!
//! It listens on a Unix socket in a directory only its account may enter, and on no network port: whoever can open
//! the socket is trusted.

mod account;
mod archive;
mod fault;
#[cfg(test)]
mod tests;
mod tools;
mod trial;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use account::Account;
pub use archive::{ArchiveFault, Archiver};
pub use fault::PostgresFault;
use tools::Tools;
pub use trial::TrialDatabase;

/// The longest socket path the kernel takes, less `/.s.PGSQL.5432`.
const LONGEST_SOCKET_DIR: usize = 107 - 14;
const ATTEMPTS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);
const DATABASE: &str = "stillage";

/// What a commit is worth when the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// What Postgres promises: a commit that returned is on disk.
    Full,
    /// Nothing is synced, and the cluster lingers for two seconds after its last user. For tests alone.
    Tests,
}

/// One user's hold on a running cluster; letting go of the last one stops it.
#[derive(Debug)]
pub struct PrivatePostgres {
    cluster: Cluster,
    socket_dir: PathBuf,
    watcher: Watcher,
    users: File,
}

impl PrivatePostgres {
    /// Starts the cluster kept under `dir`, or joins it when another process already runs it. An empty directory is
    /// filled first. Blocks for 0.1 s (start) to 1.5 s (first start).
    pub fn start(dir: &Path, durability: Durability) -> Result<Self, PostgresFault> {
        let tools = Tools::find(&dir.join("data"))?;
        let account = Account::for_cluster()?;
        let dir = prepare(dir, &account)?;
        let users = lock_file(&dir, "users.lock")?;
        users.lock_shared().map_err(|e| PostgresFault::io("lock", &dir, e))?;

        let cluster = Cluster { data: dir.join("data"), dir, tools, account, durability };
        let _starting = cluster.starting()?;
        let watcher = cluster.watch()?;
        let socket_dir = cluster.run()?;
        let postgres = Self { cluster, socket_dir, watcher, users };
        if !postgres.has_database(DATABASE)? {
            postgres.create_database(DATABASE)?;
        }
        Ok(postgres)
    }

    /// Starts the cluster again if its postmaster was killed; says whether it was. Everybody who uses it may look: only
    /// the first one starts it.
    pub fn mend(&self) -> Result<bool, PostgresFault> {
        if self.cluster.is_up() {
            return Ok(false);
        }
        let _starting = self.cluster.starting()?;
        self.cluster.run().map(|_| true)
    }

    /// Where to connect: the database `stillage`, made at the first start.
    pub fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    /// Where to connect for another database of this cluster.
    pub fn url_of(&self, database: &str) -> String {
        let mut socket = String::new();
        for byte in self.socket_dir.as_os_str().as_encoded_bytes() {
            if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
                socket.push(char::from(*byte));
            } else {
                socket.push_str(&format!("%{byte:02X}"));
            }
        }
        format!("postgres://postgres@localhost/{database}?host={socket}&port=5432")
    }

    /// Makes an empty database; `name` is lower-case letters, digits and underscores.
    pub fn create_database(&self, name: &str) -> Result<(), PostgresFault> {
        self.cluster.tools.psql(&self.url_of("postgres"), &format!("CREATE DATABASE \"{name}\"")).map(drop)
    }

    /// Puts an empty database in the place of the one at `url`. Refused while anybody is connected to it.
    pub fn renew_database(&self) -> Result<(), PostgresFault> {
        self.cluster.tools.psql(&self.url_of("postgres"), &format!("DROP DATABASE \"{DATABASE}\""))?;
        self.create_database(DATABASE)
    }

    fn has_database(&self, name: &str) -> Result<bool, PostgresFault> {
        let sql = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
        Ok(self.cluster.tools.psql(&self.url_of("postgres"), &sql)?.trim() == "1")
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        // The lock goes first, or the watcher would count this process among the users.
        let _ = self.users.unlock();
        self.watcher.leave();
    }
}

/// The process that stops the cluster when its user is gone. It reads a pipe: a line means the user left in order,
/// the end of the pipe that it was killed, and then its lock may outlive the pipe by a moment.
#[derive(Debug)]
struct Watcher {
    child: Child,
    pipe: Option<ChildStdin>,
    lingers: bool,
}

const WATCH: &str = r#"
if read -r _; then patience=0; else patience=5; fi
sleep "$1"
exec flock -w "$patience" "$2" "$3" -D "$4" -m fast -w -t 120 stop
"#;

impl Watcher {
    fn leave(&mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            let _ = pipe.write_all(b"\n");
        }
        if !self.lingers {
            let _ = self.child.wait();
        }
    }
}

/// What `run` needs to bring a cluster up; its caller holds what `starting` gives.
#[derive(Debug)]
struct Cluster {
    dir: PathBuf,
    data: PathBuf,
    tools: Tools,
    account: Account,
    durability: Durability,
}

impl Cluster {
    /// One at a time looks whether it runs, and starts it.
    fn starting(&self) -> Result<File, PostgresFault> {
        let starting = lock_file(&self.dir, "start.lock")?;
        starting.lock().map_err(|e| PostgresFault::io("lock", &self.dir, e))?;
        Ok(starting)
    }

    /// Whether the postmaster is there, at the price of a look at one process.
    fn is_up(&self) -> bool {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let pid: Option<u32> = text.lines().next().and_then(|line| line.trim().parse().ok());
        pid.is_some_and(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == self.data))
    }

    /// Returns the socket directory of the running cluster.
    fn run(&self) -> Result<PathBuf, PostgresFault> {
        for _ in 0..ATTEMPTS {
            match self.postmaster() {
                Postmaster::Serving(socket_dir) if self.answers(&socket_dir) => {
                    return Ok(socket_dir);
                }
                Postmaster::Serving(_) | Postmaster::Leaving => thread::sleep(PAUSE),
                Postmaster::None => return self.launch(),
            }
        }
        Err(PostgresFault::NotReady(self.dir.join("log")))
    }

    fn launch(&self) -> Result<PathBuf, PostgresFault> {
        if self.durability == Durability::Tests && self.data.exists() {
            // Unsynced data is not worth trusting after a crash, and tests want none of it.
            fs::remove_dir_all(&self.data).map_err(|e| PostgresFault::io("clear", &self.data, e))?;
        }
        if !self.data.join("PG_VERSION").exists() {
            self.init()?;
        }
        // Whoever wrote these is gone, children included (see `postmaster`), but its number may live on as another
        // process or as a zombie nobody reaps, and Postgres would then refuse to start.
        let socket_dir = self.socket_dir()?;
        let _ = fs::remove_file(self.data.join("postmaster.pid"));
        let _ = fs::remove_file(socket_dir.join(".s.PGSQL.5432.lock"));
        self.configure(&socket_dir)?;
        self.pg_ctl_start().map(|()| socket_dir)
    }

    /// Children of a killed postmaster may hold its shared memory for a moment after they left its directory; Postgres
    /// then refuses to start, and is asked again.
    fn pg_ctl_start(&self) -> Result<(), PostgresFault> {
        let log = self.dir.join("log");
        let mut attempt = 0;
        loop {
            let before = fs::metadata(&log).map_or(0, |meta| meta.len());
            let mut start = self.command("pg_ctl");
            start.arg("-D").arg(&self.data).arg("-l").arg(&log);
            start.args(["-w", "-t", "300", "start"]);
            let Err(fault) = tools::run(start) else {
                return Ok(());
            };
            attempt += 1;
            let text = fs::read(&log).unwrap_or_default();
            let said = String::from_utf8_lossy(text.get(before as usize..).unwrap_or(&text));
            if attempt == 50 || !said.contains("shared memory block") {
                return Err(fault.with_log(&said));
            }
            thread::sleep(PAUSE);
        }
    }

    /// Fills a new directory and renames it into place, so that a half-made cluster is never mistaken for one.
    fn init(&self) -> Result<(), PostgresFault> {
        let fresh = self.dir.join("data.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(|e| PostgresFault::io("clear", &fresh, e))?;
        }
        let mut initdb = self.command("initdb");
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]);
        initdb.args(["--locale=C.UTF-8", "-D"]).arg(&fresh);
        if self.durability == Durability::Tests {
            initdb.arg("--no-sync");
        }
        tools::run(initdb)?;
        let conf = fresh.join("postgresql.conf");
        fs::OpenOptions::new()
            .append(true)
            .open(&conf)
            .and_then(|mut file| file.write_all(b"\ninclude_if_exists = 'stillage.conf'\n"))
            .map_err(|e| PostgresFault::io("write", &conf, e))?;
        fs::rename(&fresh, &self.data).map_err(|e| PostgresFault::io("rename", &fresh, e))
    }

    fn configure(&self, socket_dir: &Path) -> Result<(), PostgresFault> {
        let quoted = socket_dir.to_string_lossy().replace('\'', "''");
        let mut text = format!(
            "# Written at every start; settings of your own belong in ALTER SYSTEM.\n\
             listen_addresses = ''\nport = 5432\nunix_socket_directories = '{quoted}'\n\
             unix_socket_permissions = 0700\nmax_connections = 100\n\
             shared_buffers = 256MB\nmax_wal_size = 4GB\nwal_compression = on\ncheckpoint_timeout = 15min\n"
        );
        if self.durability == Durability::Tests {
            text.push_str("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n");
            text.push_str("shared_buffers = 64MB\nmax_connections = 300\n");
        }
        let path = self.data.join("stillage.conf");
        fs::write(&path, text)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o644)))
            .map_err(|e| PostgresFault::io("write", &path, e))
    }

    /// Beside the data when that path is short enough for a socket, else in the temporary directory.
    fn socket_dir(&self) -> Result<PathBuf, PostgresFault> {
        let mut path = self.dir.join("socket");
        if path.as_os_str().len() > LONGEST_SOCKET_DIR || path.to_string_lossy().contains(',') {
            let name = blake3::hash(self.dir.as_os_str().as_encoded_bytes()).to_hex();
            path = std::env::temp_dir().join(format!("stillage-{}", &name[..16]));
        }
        own_dir(&path, &self.account)?;
        Ok(path)
    }

    /// Reads postmaster.pid and asks the system whether anything still works in the data directory: a process number
    /// alone proves nothing after a crash or a restart of the machine.
    fn postmaster(&self) -> Postmaster {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let pid = lines.first().and_then(|line| line.trim().parse().ok());
        let workers = processes_in(&self.data);
        if workers.is_empty() {
            return Postmaster::None;
        }
        match (pid, lines.get(4)) {
            (Some(pid), Some(dir)) if workers.contains(&pid) => Postmaster::Serving(PathBuf::from(dir.trim())),
            _ => Postmaster::Leaving,
        }
    }

    fn answers(&self, socket_dir: &Path) -> bool {
        let mut ready = self.command("pg_isready");
        ready.arg("-q").arg("-h").arg(socket_dir);
        ready.status().is_ok_and(|status| status.success())
    }

    fn watch(&self) -> Result<Watcher, PostgresFault> {
        let lingers = self.durability == Durability::Tests;
        let mut watch = Command::new("/bin/sh");
        watch.args(["-c", WATCH, "stillage-postgres-watcher"]);
        watch.arg(if lingers { "2" } else { "0" });
        watch.arg(self.dir.join("users.lock"));
        watch.arg(self.tools.path("pg_ctl")).arg(&self.data);
        self.account.apply(&mut watch);
        watch.stdin(Stdio::piped()).stdout(Stdio::null());
        // A group of its own: a Ctrl-C in the terminal is for the server, which still has work to finish.
        watch.stderr(Stdio::null()).current_dir("/").process_group(0);
        let mut child = watch.spawn().map_err(|e| PostgresFault::io("start", Path::new("/bin/sh"), e))?;
        Ok(Watcher { pipe: child.stdin.take(), child, lingers })
    }

    fn command(&self, tool: &str) -> Command {
        let mut command = self.tools.command(tool);
        self.account.apply(&mut command);
        command.process_group(0);
        command
    }
}

enum Postmaster {
    Serving(PathBuf),
    /// Shutting down, or killed with its children not yet gone.
    Leaving,
    None,
}

/// The processes whose working directory is `data`: the postmaster of this cluster and its children, nobody else.
fn processes_in(data: &Path) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .filter(|pid| {
            let cwd = format!("/proc/{pid}/cwd");
            fs::read_link(cwd).is_ok_and(|cwd| cwd == data)
        })
        .collect()
}

/// Makes `dir`, hands it to the cluster's account and checks that the account can get there.
fn prepare(dir: &Path, account: &Account) -> Result<PathBuf, PostgresFault> {
    fs::create_dir_all(dir).map_err(|e| PostgresFault::io("create", dir, e))?;
    let dir = dir.canonicalize().map_err(|e| PostgresFault::io("open", dir, e))?;
    for parent in dir.ancestors().skip(1) {
        account.check_passage(parent)?;
    }
    own_dir(&dir, account)?;
    Ok(dir)
}

/// Makes `path` a directory that belongs to the account and that nobody else may enter.
fn own_dir(path: &Path, account: &Account) -> Result<(), PostgresFault> {
    let io = |e| PostgresFault::io("prepare", path, e);
    if !path.exists() {
        fs::DirBuilder::new().mode(0o700).create(path).map_err(io)?;
    }
    let meta = fs::symlink_metadata(path).map_err(io)?;
    if meta.is_symlink() || (meta.uid() != account.uid && meta.uid() != account.own_uid) {
        return Err(PostgresFault::NotOurs(path.to_owned()));
    }
    if meta.uid() != account.uid {
        std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid)).map_err(io)?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(io)
}

fn lock_file(dir: &Path, name: &str) -> Result<File, PostgresFault> {
    let path = dir.join(name);
    let file =
        File::options().create(true).append(true).open(&path).map_err(|e| PostgresFault::io("open", &path, e))?;
    // The watcher opens it too, as the cluster's account.
    file.set_permissions(fs::Permissions::from_mode(0o644)).map_err(|e| PostgresFault::io("share", &path, e))?;
    Ok(file)
}
