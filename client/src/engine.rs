//! The engine: one data directory, its database once it is open, and the sync beside it. Cloning
//! gives another handle on the same engine. Opening never fails: what is missing is said by `gate`.

mod gate;
mod run;

use crate::{
    Failure, Mint,
    store::{Store, queries::catalogue::Known},
    sync,
};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use stillage_core::{
    action::Action,
    id::ChangeId,
    record::{Kind, Ref},
    stock::Movement,
};
use tokio::sync::broadcast;

pub use crate::sync::{Brought, ConnectionState, Progress, SyncReport, Traffic};
pub use gate::Gate;

/// What may look different now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    Items,
    Stock,
    Locations,
    Inbox,
    Status,
    Reasons,
    Categories,
}

impl Tag {
    pub const ALL: [Self; 7] =
        [Self::Items, Self::Stock, Self::Locations, Self::Inbox, Self::Status, Self::Reasons, Self::Categories];

    /// What a changed record of this kind shows in.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Item | Kind::Barcode | Kind::Supplier => Self::Items,
            Kind::Lot => Self::Stock,
            Kind::Category => Self::Categories,
            Kind::Location => Self::Locations,
            Kind::Reason => Self::Reasons,
            Kind::Inbox => Self::Inbox,
            Kind::Person | Kind::Device => Self::Status,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    pub tags: BTreeSet<Tag>,
}

/// One action that is recorded: durable when this is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Acted {
    pub change_id: ChangeId,
    /// Its place among everything done on this device.
    pub n: u64,
    pub movements: Vec<Movement>,
    pub records: Vec<Ref>,
}

#[derive(Clone)]
pub struct Engine(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) data_dir: PathBuf,
    pub(crate) mint: Arc<Mint>,
    pub(crate) open: RwLock<Option<Opened>>,
    pub(crate) changes: broadcast::Sender<Changed>,
    pub(crate) sync: sync::Shared,
    /// Rows done and rows in all of the import under way.
    pub(crate) importing: Mutex<Option<(u64, u64)>>,
}

/// What there is once the database is open.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) store: Arc<Store>,
    pub(crate) secrets: Arc<crate::secrets::Secrets>,
}

impl Engine {
    /// Never fails for lack of a database or a secret: ask `gate` what there is.
    #[must_use]
    pub fn open(data_dir: PathBuf) -> Self {
        Self(Arc::new(Inner {
            data_dir,
            mint: Arc::new(Mint::new()),
            open: RwLock::new(None),
            changes: broadcast::channel(256).0,
            sync: sync::Shared::default(),
            importing: Mutex::default(),
        }))
    }

    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.0.data_dir
    }

    #[must_use]
    pub fn mint(&self) -> &Mint {
        &self.0.mint
    }

    /// Whether people can work, and if not, what is missing. Opens the database if it can: with
    /// `STILLAGE_PASSPHRASE`, else with the keyring.
    pub async fn gate(&self) -> Result<Gate, Failure> {
        gate::gate(&self.0).await
    }

    /// Sets this device up: its database, its keys, its name.
    pub async fn create(&self, name: String, passphrase: Option<String>) -> Result<Gate, Failure> {
        gate::create(&self.0, name, passphrase).await
    }

    pub async fn unlock(&self, passphrase: String) -> Result<Gate, Failure> {
        gate::unlock(&self.0, passphrase).await
    }

    /// Does all of it or none, in one durable transaction. What comes back is on the disk.
    pub async fn act(&self, actions: Vec<Action>) -> Result<Vec<Acted>, Failure> {
        run::act(&self.0, actions).await
    }

    /// Reads on a blocking thread, from one snapshot.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&rusqlite::Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        run::read(&self.0, f).await
    }

    /// The same, with what is remembered of the database beside the snapshot.
    pub async fn read_knowing<T: Send + 'static>(
        &self,
        f: impl FnOnce(&rusqlite::Connection, &Known) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        run::read_knowing(&self.0, f).await
    }

    /// Joins a server with a one-time code, or moves to its new address without one.
    pub async fn connect(&self, url: String, code: Option<String>) -> Result<(), Failure> {
        sync::connect(&self.0, url, code).await
    }

    /// Pulls this device's network, for trying things out. Remembered over a restart.
    pub async fn cut(&self, cut: bool) -> Result<(), Failure> {
        sync::cut(&self.0, cut).await
    }

    /// Pushes and pulls until nothing is left to do or the time is over.
    pub async fn sync(&self, timeout: Duration) -> Result<SyncReport, Failure> {
        sync::until_drained(&self.0, timeout).await
    }

    /// Begins from a snapshot that lies in a folder, for a server that is far away. The next sync goes on from there.
    pub async fn bootstrap(&self, folder: PathBuf) -> Result<Brought, Failure> {
        sync::bootstrap(&self.0, folder).await
    }

    /// Keeps this device in step in the background until `close`. Must be called inside a tokio
    /// runtime; a second call does nothing.
    pub fn start_sync(&self) {
        sync::start(&self.0);
    }

    #[must_use]
    pub fn connection(&self) -> ConnectionState {
        self.0.sync.connection()
    }

    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.0.sync.traffic()
    }

    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.0.sync.progress()
    }

    /// Rows done and rows in all of the import under way.
    #[must_use]
    pub fn importing(&self) -> Option<(u64, u64)> {
        *self.0.importing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn imported(&self, rows: Option<(u64, u64)>) {
        *self.0.importing.lock().unwrap_or_else(PoisonError::into_inner) = rows;
    }

    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.0.changes.subscribe()
    }

    /// Stops the background sync and lets go of the files.
    pub async fn close(&self) {
        run::close(&self.0).await;
    }

    /// The whole command list behind one door.
    pub async fn call(&self, name: &str, args: serde_json::Value) -> Result<serde_json::Value, Failure> {
        crate::commands::call(self, name, args).await
    }
}

impl Inner {
    /// What is open, or why nothing is.
    pub(crate) fn opened(&self) -> Result<Opened, Failure> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        match open.as_ref() {
            Some(opened) => Ok(opened.clone()),
            None if gate::is_set_up(&self.data_dir) => Err(Failure::locked()),
            None => Err(Failure::needs_setup()),
        }
    }

    pub(crate) fn tell(&self, tags: impl IntoIterator<Item = Tag>) {
        let tags: BTreeSet<Tag> = tags.into_iter().collect();
        if !tags.is_empty() {
            // Nobody listening is no fault.
            let _ = self.changes.send(Changed { tags });
        }
    }
}
