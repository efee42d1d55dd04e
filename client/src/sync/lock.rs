//! Of several processes on one data directory, one at a time seals, pushes and pulls.

use crate::{Code, Failure};
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    time::Duration,
};
use tokio::time::{Instant, sleep};

const FILE: &str = "sync.lock";
const PAUSE: Duration = Duration::from_millis(20);

fn open(data_dir: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(data_dir.join(FILE))
}

/// Takes the lock if nobody has it.
pub(super) fn take_free(data_dir: &Path) -> Option<File> {
    open(data_dir).ok().filter(|file| file.try_lock().is_ok())
}

/// Waits for the lock. It is let go when the file is dropped, also by a process that dies.
pub(super) async fn take(data_dir: &Path, patience: Duration) -> Result<File, Failure> {
    let file = open(data_dir)?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(fault)) => return Err(fault.into()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(PAUSE).await,
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(
                    Code::Busy,
                    "Another program is syncing this device.",
                    "It takes what was recorded here along; look again in a moment.",
                ));
            }
        }
    }
}
