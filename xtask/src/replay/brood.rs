//! Every process the replay starts, by id, so that nothing survives it: neither a panic, nor an
//! error, nor Ctrl-C.
//!
//! The surprise: children get a process group of their own. Otherwise Ctrl-C would reach them first,
//! and a server that stops by itself looks like a crash to the thread that is talking to it.

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How far below its folder a cluster may lie.
const DEPTH: u32 = 3;

/// Pid to the data directory of a server, or nothing for what may simply be killed.
static ALIVE: Mutex<BTreeMap<u32, Option<PathBuf>>> = Mutex::new(BTreeMap::new());

fn alive() -> MutexGuard<'static, BTreeMap<u32, Option<PathBuf>>> {
    ALIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child that dies with its owner.
pub struct Ward {
    pub child: Child,
    server: bool,
}

impl Ward {
    /// Starts it; `server` is the data directory of one that must be asked before it is killed.
    pub fn start(command: &mut Command, server: Option<&Path>) -> Result<Self> {
        let mut all = alive();
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        all.insert(child.id(), server.map(Path::to_path_buf));
        Ok(Self { child, server: server.is_some() })
    }

    /// SIGKILL, as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        alive().remove(&self.child.id());
        Ok(())
    }

    /// Waits for it to end by itself; kills it when it does not.
    pub fn wait(&mut self, patience: Duration) -> Result<()> {
        let steps = patience.as_millis() / 20;
        for _ in 0..steps {
            if self.child.try_wait()?.is_some() {
                alive().remove(&self.child.id());
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.kill()
    }

    /// SIGTERM, and time to finish.
    pub fn stop(&mut self, patience: Duration) -> Result<()> {
        signal(self.child.id(), Signal::TERM);
        self.wait(patience)
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        let known = alive().get(&self.child.id()).cloned();
        let Some(data) = known else { return };
        let ended = if self.server { self.stop(Duration::from_secs(20)) } else { self.kill() };
        if let Err(failure) = ended {
            eprintln!("process {} did not end: {failure:#}", self.child.id());
        }
        data.iter().for_each(|data| end_postgres(data));
    }
}

/// A server that was killed leaves its private Postgres behind.
pub fn end_postgres(data: &Path) {
    let Some(pid) = postmaster(data) else { return };
    signal(pid, Signal::INT);
    for _ in 0..250 {
        if !is_alive(pid) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    signal(pid, Signal::QUIT);
}

/// The Postgres whose cluster lies in this folder or a little below it, if it still runs.
pub fn postmaster(folder: &Path) -> Option<u32> {
    let text = fs::read_to_string(postmaster_file(folder, DEPTH)?).ok()?;
    let pid = text.lines().next()?.trim().parse().ok()?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    (name.trim() == "postgres").then_some(pid)
}

/// Where that Postgres listens.
pub fn postgres_socket(folder: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(postmaster_file(folder, DEPTH)?).ok()?;
    text.lines().nth(4).map(|socket| socket.trim().into())
}

fn postmaster_file(folder: &Path, depth: u32) -> Option<PathBuf> {
    let file = folder.join("postmaster.pid");
    if file.exists() {
        return Some(file);
    }
    let below = fs::read_dir(folder).ok()?.flatten().filter(|e| depth > 0 && e.path().is_dir());
    below.into_iter().find_map(|e| postmaster_file(&e.path(), depth - 1))
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended in this moment, which is what was wanted.
        let _ = kill_process(pid, signal);
    }
}

fn is_alive(pid: u32) -> bool {
    i32::try_from(pid).ok().and_then(Pid::from_raw).is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// What becomes of the work folder when a signal ends the run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Kept,
    Removed,
}

/// From here on Ctrl-C, SIGTERM and SIGHUP end every child, and then this process.
pub fn watch_signals(folder: PathBuf, work: Work) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        let Some(got) = signals.forever().next() else { return };
        // Held to the end: nobody may start another child now.
        let all = alive();
        for (&pid, data) in all.iter() {
            signal(pid, if data.is_some() { Signal::TERM } else { Signal::KILL });
        }
        for (&pid, data) in all.iter() {
            for _ in 0..500 {
                // A child nobody has waited for yet still counts as a process.
                let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                if state.is_empty() || state.contains(") Z ") {
                    break;
                }
                thread::sleep(Duration::from_millis(20));
            }
            signal(pid, Signal::KILL);
            data.iter().for_each(|data| end_postgres(data));
        }
        if work == Work::Kept || fs::remove_dir_all(&folder).is_err() {
            eprintln!("stopped; the work folder is {}", folder.display());
        }
        std::process::exit(128 + got);
    });
    Ok(())
}
