//! The machine in one line: its cores, and what it costs here and now to put four kilobytes on the disk.

use crate::{mint::Watch, report::percentile};
use anyhow::{Context, Result};
use serde::Serialize;
use std::{fmt, fs::File, io::Write, path::Path, thread};

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

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, fdatasync_p50_ms, fdatasync_p99_ms } = self;
        write!(f, "{cores} cores; fdatasync of 4 KiB p50 {fdatasync_p50_ms:.2} ms, p99 {fdatasync_p99_ms:.2} ms")
    }
}
