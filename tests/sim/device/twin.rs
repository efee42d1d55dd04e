//! The production store beside the disk in memory: whatever the disk is told, an encrypted SQLite file is told too,
//! through the functions that the desktop itself calls. What both say and hold must be the same.
//!
//! A clone is a copy of the files as they lie, log and all, while the other process still has them open; it is opened
//! by whoever uses it first. That is what a crash, a power cut, an image and a copied disk leave.

mod agree;

use super::{Disk, Owed};
use crate::clock;
use std::{
    cell::{Cell, OnceCell, RefCell},
    path::Path,
    rc::Rc,
    sync::OnceLock,
};
use stillage_client::{
    Failure, Mint,
    mint::Moment,
    store::{
        self, Durability, Store, backed_up,
        clock::{Clock, Sample},
        outbox, record, reset, settings, snapshot,
    },
};
use stillage_core::{
    absorb::Discard,
    action::Action,
    change::Change,
    decide::Effects,
    id::{ChangeId, DeviceId, EpochId, PersonId},
    rejection::Rejection,
    snapshot::{Chunk, Manifest},
    wire::{Ack, PullAnswer, PushInput},
};
use tempfile::TempDir;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// What is left of a database when its process is gone.
const FILES: [&str; 2] = [store::FILE, "stillage.db-wal"];
const MEMORY: &str = "/dev/shm";

pub struct Twin {
    folder: TempDir,
    store: OnceCell<Store>,
    /// Told something since it was last compared, in short and whole.
    told: Cell<(bool, bool)>,
    /// The first thing that went wrong or otherwise.
    trouble: RefCell<Option<String>>,
}

impl std::fmt::Debug for Twin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Twin").field("folder", &self.folder).field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

impl Clone for Twin {
    fn clone(&self) -> Self {
        let copy = Self::in_folder(self.trouble.borrow().clone());
        for name in FILES {
            let from = self.folder.path().join(name);
            if from.exists()
                && let Err(fault) = std::fs::copy(&from, copy.folder.path().join(name))
            {
                copy.object(|| format!("{name} cannot be copied: {fault}"));
            }
        }
        copy
    }
}

impl Twin {
    /// A desktop that is set up and connected, and has pulled nothing.
    pub fn new(device: DeviceId, person: PersonId, epoch: EpochId) -> Option<Self> {
        static FRESH: OnceLock<Result<Vec<u8>, String>> = OnceLock::new();
        let twin = Self::in_folder(None);
        match FRESH.get_or_init(|| fresh().map_err(|failure| format!("{failure:?}"))) {
            Ok(bytes) => {
                if let Err(fault) = std::fs::write(twin.folder.path().join(store::FILE), bytes) {
                    twin.object(|| fault.to_string());
                }
            }
            Err(failure) => twin.object(|| failure.clone()),
        }
        twin.with("set up", |store| {
            store.write(Durability::Full, |transaction| {
                settings::set(transaction, settings::DEVICE, &device.to_string())?;
                settings::set(transaction, settings::PERSON, &person.to_string())?;
                settings::set(transaction, settings::EPOCH, &epoch.to_string())
            })
        });
        Some(twin)
    }

    fn in_folder(trouble: Option<String>) -> Self {
        let mut name = tempfile::Builder::new();
        name.prefix("stillage-sim-");
        let made = if Path::new(MEMORY).is_dir() { name.tempdir_in(MEMORY) } else { name.tempdir() };
        let folder = made.unwrap_or_else(|fault| panic!("no work folder: {fault}"));
        Self { folder, store: OnceCell::new(), told: Cell::new((true, true)), trouble: RefCell::new(trouble) }
    }

    /// The process is gone: the files are as they lie, and are opened anew.
    pub fn crash(&mut self) {
        if self.store.get().is_some() {
            *self = self.clone();
        }
    }

    fn object(&self, what: impl FnOnce() -> String) {
        self.trouble.borrow_mut().get_or_insert_with(what);
    }

    fn agree(&self, same: bool, what: impl FnOnce() -> String) {
        if !same {
            self.object(what);
        }
    }

    fn open(&self) -> Result<&Store, Failure> {
        if self.store.get().is_none() {
            // Nobody was quicker: a schedule has one thread.
            drop(self.store.set(Store::open(self.folder.path(), KEY)?));
        }
        self.store.get().ok_or_else(|| Failure::internal("the store is not open"))
    }

    fn with<T>(&self, what: &str, f: impl FnOnce(&Store) -> Result<T, Failure>) -> Option<T> {
        self.told.set((true, true));
        match self.open().and_then(f) {
            Ok(value) => Some(value),
            Err(failure) => {
                self.object(|| format!("{what}: {failure:?}"));
                None
            }
        }
    }

    pub fn act(&self, action: Action, id: ChangeId, here: clock::Moment, done: &Result<Rc<Effects>, Rejection>) {
        let mint = Mint::given(moment(here), id.0);
        let Some(acted) = self.with("act", |store| Ok(record::act(store, &mint, vec![action]))) else { return };
        let same = match (&acted, done) {
            (Ok(acted), Ok(effects)) => acted.first().is_some_and(|one| {
                let records = effects.records.iter().map(|record| record.of);
                one.change_id == id && one.movements == effects.movements && records.eq(one.records.iter().copied())
            }),
            (Err(failure), Err(rejection)) => failure.code.name() == rejection.code(),
            _ => false,
        };
        self.agree(same, || format!("{id} was recorded as {acted:?} and not as {done:?}"));
    }

    pub fn act_unread(&self, n: u64, change: &Change) {
        self.with("act of a newer version", |store| {
            store.write(Durability::Full, |transaction| outbox::append(transaction, n, change, 1))
        });
    }

    pub fn apply(&self, answer: &PullAnswer, done: Result<bool, &Discard>) {
        let Some(applied) = self.with("apply", |store| store::absorb::apply(store, answer)) else { return };
        let applied = applied.as_ref().map(|applied| applied.more);
        self.agree(applied == done, || format!("an answer came to {applied:?} and not to {done:?}"));
    }

    pub fn seal(&self, most: usize, done: Option<&PushInput>) {
        let sealed = self.with("seal", |store| {
            store.write(Durability::Full, |transaction| {
                let (device, epoch) = (settings::device(transaction)?, settings::epoch(transaction)?);
                let Some(batch) = outbox::seal_at_most(transaction, most)? else { return Ok(None) };
                reset::keep_lost_orders(transaction)?;
                let orders = outbox::orders(transaction, &batch.changes)?;
                let outbox::Batch { first_seq, prev_chain, changes } = batch;
                Ok(Some(PushInput { device, epoch, first_seq, prev_chain, changes, orders }))
            })
        });
        let Some(sealed) = sealed else { return };
        self.agree(sealed.as_ref() == done, || format!("{sealed:?} was sealed and not {done:?}"));
    }

    pub fn pushed_to(&self, seq: u64) {
        self.with("note how far the server came", |store| {
            store.write(Durability::Normal, |transaction| {
                settings::set(transaction, settings::PUSHED_SEQ, &seq.to_string())
            })
        });
    }

    pub fn is_own(&self, ack: Ack, done: bool) {
        let own = self.with("compare chains", |store| store.read(|conn| reset::is_own(conn, ack)));
        self.agree(own.is_none_or(|own| own == done), || format!("{ack:?} is its own: {own:?}"));
    }

    pub fn let_go(&self, seq: u64, done: usize) {
        let gone = self.with("let go of what a backup holds", |store| {
            store.write(Durability::Normal, |transaction| backed_up::let_go(transaction, seq))
        });
        self.agree(gone.is_none_or(|gone| gone == done as u64), || format!("{gone:?} rows went and not {done}"));
    }

    pub fn begin_epoch(&self, epoch: EpochId, ack: Ack) {
        self.with("begin another history", |store| {
            store.write(Durability::Full, |transaction| reset::begin_epoch(transaction, epoch, ack))
        });
    }

    pub fn take_new_device(&self, new: DeviceId) {
        self.with("take a new id", |store| {
            store.write(Durability::Full, |transaction| reset::take_new_device(transaction, new))
        });
    }

    pub fn accept(&self, manifest: &Manifest, done: bool) {
        let accepted = self.with("accept a snapshot", |store| snapshot::accept(store, manifest));
        self.agree(accepted.is_none_or(|accepted| accepted == done), || format!("snapshots accepted: {accepted:?}"));
    }

    pub fn replace(&self, manifest: &Manifest) {
        self.with("replace a snapshot", |store| snapshot::replace(store, manifest));
    }

    pub fn give_up_snapshots(&self) {
        self.with("give snapshots up", snapshot::give_up);
    }

    /// The chunk that the store itself names as the next one.
    pub fn load(&self, owed: &Owed, chunk: &Chunk) {
        let loaded = self.with("load a chunk", |store| {
            let due = store.read(|conn| snapshot::due(conn, None, owed.is_history()))?;
            let Some(due) = due.filter(|due| due.name == owed.name) else { return Ok(false) };
            if due.history {
                snapshot::before_history(store)?;
            }
            snapshot::load(store, &due, &snapshot::Ready::new(&due, chunk.clone())?).map(|_| true)
        });
        self.agree(loaded != Some(false), || format!("{:?} is not the chunk that is due", owed.name));
    }

    /// A sample of the server's clock; `exact` when it is the only one that counts.
    pub fn sample(&self, (asked, answered): (clock::Moment, clock::Moment), server: i64, exact: bool) {
        let sample = Sample::new(&moment(asked), &moment(answered), server);
        self.with("sample the clock", |store| {
            let mut clock = if exact { Clock::default() } else { store.read(Clock::load)? };
            if clock.add(sample) {
                store.write(Durability::Normal, |transaction| clock.save(transaction))?;
            }
            Ok(())
        });
    }

    /// Why both are not the same; nothing when there was nothing to compare since.
    pub fn compared(&self, disk: &Disk, whole: bool) -> Option<Result<(), String>> {
        let (short, all) = self.told.get();
        if !(short || whole && all) {
            return None;
        }
        self.told.set((false, all && !whole));
        let found = self.open().and_then(|store| store.read(|conn| agree::difference(conn, disk, whole)));
        self.told.set((false, all && !whole));
        match found {
            Ok(None) => {}
            Ok(Some(difference)) => self.object(|| difference),
            Err(failure) => self.object(|| format!("compare: {failure:?}")),
        }
        Some(self.trouble.borrow().clone().map_or(Ok(()), Err))
    }
}

fn moment(here: clock::Moment) -> Moment {
    Moment { wall: here.wall, monotonic: here.monotonic, boot: here.boot.to_string() }
}

/// The file of a device that was just set up: made once, every desktop begins with a copy.
fn fresh() -> Result<Vec<u8>, Failure> {
    let twin = Twin::in_folder(None);
    let here = Moment { wall: crate::world::START, monotonic: 0, boot: String::new() };
    Store::create(twin.folder.path(), KEY, &Mint::given(here, uuid::Uuid::nil()), "Desk")?;
    Ok(std::fs::read(twin.folder.path().join(store::FILE))?)
}
