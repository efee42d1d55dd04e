//! The machine in one line: its cores, and what it costs here and now to put four kilobytes on the disk.

use crate::{mint::Watch, report::percentile};
use anyhow::{Context, Result};
use serde::Serialize;
use std::{fmt, fs, fs::File, io::Write, path::Path, thread};

/// How many writes the latency is taken from.
const WRITES: usize = 300;

#[derive(Debug, Serialize)]
pub struct Machine {
    pub cores: usize,
    pub fdatasync_p50_ms: f64,
    pub fdatasync_p99_ms: f64,
}

impl Machine {
    /// Measured in `folder`, where everything else will be.
    pub fn measure(folder: &Path) -> Result<Self> {
        let path = folder.join("fdatasync");
        let mut file = File::create(&path)?;
        let mut times = Vec::with_capacity(WRITES);
        for _ in 0..WRITES {
            let watch = Watch::start();
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
            times.push(watch.ms());
        }
        std::fs::remove_file(path)?;
        let part = |part| percentile(times.clone(), part).context("nothing was written");
        let cores = thread::available_parallelism()?.get();
        Ok(Self { cores, fdatasync_p50_ms: part(0.5)?, fdatasync_p99_ms: part(0.99)? })
    }
}

/// What the system says about a process.
#[derive(Debug, Clone, Copy)]
pub struct Process(u32);

impl Process {
    pub const fn of(pid: u32) -> Self {
        Self(pid)
    }

    pub fn here() -> Self {
        Self(std::process::id())
    }

    /// Seconds of processor time that it has used. What a shared machine takes away from a rate it does not take away
    /// from this.
    pub fn cpu(self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        let ticks = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(str::parse::<u64>).sum::<Result<_, _>>()?;
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Bytes of memory that are its own, and its share of what it has in common with others.
    pub fn memory(self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0))?;
        Ok(1024.0 * numbered(&text, "Pss:").context("no Pss")? as f64)
    }

    /// How often one of its threads has gone to sleep, and so was woken.
    pub fn wakeups(self) -> Result<u64> {
        let mut wakeups = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.0))? {
            // A thread may end while we look.
            let text = fs::read_to_string(task?.path().join("status")).unwrap_or_default();
            wakeups += numbered(&text, "voluntary_ctxt_switches:").unwrap_or(0);
        }
        Ok(wakeups)
    }
}

/// The number behind a name at the beginning of a line.
fn numbered(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, fdatasync_p50_ms, fdatasync_p99_ms } = self;
        write!(f, "{cores} cores; fdatasync of 4 KiB p50 {fdatasync_p50_ms:.2} ms, p99 {fdatasync_p99_ms:.2} ms")
    }
}
