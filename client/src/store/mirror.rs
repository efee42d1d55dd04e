//! The outbox a second time, in a file of its own beside the database: should the database be
//! damaged, what people did and the server has not got yet is not lost with it.
//!
//! A thread of its own writes it, within a second of the commit and never in front of anybody. A
//! mirror that cannot be written fails no action: it is logged, and made whole later.

mod difference;
pub mod file;
pub mod frame;
pub mod kept;

use super::open;
use crate::Failure;
use file::Mirrored;
use frame::Frame;
use kept::Kept;
use rusqlite::{Connection, hooks::Action};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

pub use file::FILE;

/// What is committed within this time is written together.
const GROUP: Duration = Duration::from_millis(250);
/// How long to wait after a failure, if nothing is recorded meanwhile.
const PAUSE: Duration = Duration::from_secs(10);
/// A file with fewer frames is not worth replacing.
const FEW: usize = 1024;

/// What the thread has to do.
#[derive(Default)]
struct Due {
    places: Vec<u64>,
    /// Everything must be compared.
    whole: bool,
    /// Counts what was asked for, and what of it is done.
    asked: u64,
    done: u64,
    /// Somebody waits for it.
    urgent: bool,
    stop: bool,
}

#[derive(Default)]
struct Shared {
    due: Mutex<Due>,
    changed: Condvar,
    /// Places the open transaction has written to.
    touched: Mutex<Vec<u64>>,
}

/// Ends its thread, after the last frame, when it is dropped.
pub struct Mirror {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mirror {
    /// Watches the one connection that writes. The first thing the thread does is to compare all.
    pub fn start(data_dir: &Path, key: &str, writer: &Connection) -> Result<Self, Failure> {
        let shared = Arc::new(Shared::default());
        held(&shared.due).whole = true;
        held(&shared.due).asked = 1;
        let watching = Arc::clone(&shared);
        writer.update_hook(Some(move |_: Action, _: &str, table: &str, n: i64| {
            if table == "outbox" {
                held(&watching.touched).push(n.unsigned_abs());
            }
        }))?;
        let mut writing = Writing {
            shared: Arc::clone(&shared),
            data_dir: data_dir.to_owned(),
            key: key.to_owned(),
            file: Mirrored::new(data_dir, key, Kept::default())?,
        };
        let thread = std::thread::Builder::new().name("mirror".into()).spawn(move || writing.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// A transaction is committed: what it touched will be written. `durable` ones may also have
    /// changed who this device is.
    pub fn committed(&self, durable: bool) {
        let places = std::mem::take(&mut *held(&self.shared.touched));
        if places.is_empty() && !durable {
            return;
        }
        let mut due = held(&self.shared.due);
        due.places.extend(places);
        due.asked += 1;
        self.shared.changed.notify_all();
    }

    /// A transaction was given up.
    pub fn given_up(&self) {
        held(&self.shared.touched).clear();
    }

    /// Waits until everything committed before is in the file, or could not be written.
    pub fn wait(&self) {
        let mut due = held(&self.shared.due);
        let asked = due.asked;
        due.urgent = true;
        self.shared.changed.notify_all();
        while due.done < asked {
            due = self.shared.changed.wait(due).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        held(&self.shared.due).stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic was said where it happened.
            let _ = thread.join();
        }
    }
}

/// The side of the thread.
struct Writing {
    shared: Arc<Shared>,
    data_dir: PathBuf,
    key: String,
    file: Mirrored,
}

impl Writing {
    fn run(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut pause = None;
        loop {
            let (places, whole, asked, stop) = next(&shared, pause);
            let idle = places.is_empty() && !whole && held(&shared.due).done == asked;
            let failed = !idle
                && self.bring_up(&places, whole).inspect_err(|failure| {
                    tracing::warn!(%failure, "the mirror of the outbox could not be written; it is made whole later");
                }).is_err();
            let mut due = held(&shared.due);
            due.whole |= failed;
            due.done = asked;
            due.urgent = false;
            shared.changed.notify_all();
            if stop {
                return;
            }
            pause = failed.then_some(PAUSE);
        }
    }

    fn bring_up(&mut self, places: &[u64], whole: bool) -> Result<(), Failure> {
        let _alone = file::lock(&self.data_dir)?;
        let known = self.file.catch_up()?;
        let mut conn = open::reader(&self.data_dir.join(super::FILE), &self.key)?;
        let snapshot = conn.transaction()?;
        let kept = &self.file.kept;
        if kept.frames == 0 || kept.rotten > 0 {
            return self.file.replace(difference::of_all(&snapshot, &Kept::default())?);
        }
        let frames = if whole || !known {
            difference::of_all(&snapshot, kept)?
        } else {
            difference::of_places(&snapshot, kept, places)?
        };
        self.file.append(frames)?;
        let kept = &self.file.kept;
        if kept.frames > FEW && kept.rows.len() < kept.frames / 2 {
            self.file.replace(difference::of_all(&snapshot, &Kept::default())?)?;
        }
        Ok(())
    }
}

/// Waits for something to do, and a moment longer for what comes with it.
fn next(shared: &Shared, pause: Option<Duration>) -> (Vec<u64>, bool, u64, bool) {
    let mut due = held(&shared.due);
    let idle = |due: &mut Due| !due.stop && due.asked == due.done;
    due = match pause {
        Some(pause) => wait(shared, due, (pause, idle)),
        None => shared.changed.wait_while(due, idle).unwrap_or_else(PoisonError::into_inner),
    };
    due = wait(shared, due, (GROUP, |due: &mut Due| !due.stop && !due.urgent));
    (std::mem::take(&mut due.places), std::mem::take(&mut due.whole), due.asked, due.stop)
}

fn wait<'a>(
    shared: &Shared,
    due: MutexGuard<'a, Due>,
    (limit, idle): (Duration, impl FnMut(&mut Due) -> bool),
) -> MutexGuard<'a, Due> {
    shared.changed.wait_timeout_while(due, limit, idle).unwrap_or_else(PoisonError::into_inner).0
}

/// Everything the mirror of this directory holds; nothing when there is none, or none of this key.
pub fn read(data_dir: &Path, key: &str) -> Result<Option<Kept>, Failure> {
    let _alone = file::lock(data_dir)?;
    let mut file = Mirrored::new(data_dir, key, Kept::with_bodies())?;
    file.catch_up()?;
    Ok((!file.kept.who.is_empty()).then_some(file.kept))
}

/// Adds to the mirror what can still be read of a damaged database.
pub fn save_from(ruin: &Connection, data_dir: &Path, key: &str) -> Result<(), Failure> {
    let _alone = file::lock(data_dir)?;
    let mut file = Mirrored::new(data_dir, key, Kept::default())?;
    file.catch_up()?;
    let frames: Vec<Frame> = difference::of_ruin(ruin, &file.kept);
    if file.kept.frames == 0 { Ok(()) } else { file.append(frames) }
}
