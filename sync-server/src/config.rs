//! From a data directory or a DATABASE_URL to an open server.

use crate::{
    app::App,
    mint::Mint,
    postgres::{Durability, PostgresFault, PrivatePostgres},
    store::{
        Store,
        fault::Fault,
        organisation::{self, Founding},
    },
    sync::{Cursors, Followers, Pokes, Pusher, Snapshots, certificate::Seal},
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};
use stillage_core::id::{EpochId, OrganisationId};

/// How often the private Postgres is looked after.
const LOOK: Duration = Duration::from_secs(1);

/// Where the data is.
#[derive(Debug, Clone)]
pub struct Config {
    /// Holds the private Postgres when no database is named.
    pub data: PathBuf,
    pub database_url: Option<String>,
}

/// A running server without its HTTP face.
#[derive(Debug)]
pub struct Server {
    pub app: App,
    pub(crate) url: String,
    /// The private cluster's files, whether there is one or not.
    pub(crate) data: PathBuf,
    postgres: Option<Arc<PrivatePostgres>>,
}

/// Why a server cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    #[error(transparent)]
    Postgres(#[from] PostgresFault),
    #[error("the database cannot be used: {0:#}; check DATABASE_URL and the database's log")]
    Database(anyhow::Error),
}

impl From<sqlx::Error> for OpenFault {
    fn from(fault: sqlx::Error) -> Self {
        Self::Database(fault.into())
    }
}

impl From<Fault> for OpenFault {
    fn from(fault: Fault) -> Self {
        Self::Database(fault.into_inner())
    }
}

/// Where data lies when nothing else is said.
#[must_use]
pub fn default_data() -> PathBuf {
    let home = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share")));
    // The account that runs a private Postgres for root cannot enter root's home.
    let is_root = std::env::var_os("HOME").is_some_and(|home| home == "/root");
    match home {
        Some(home) if !is_root => home.join("stillage-server"),
        _ => PathBuf::from("/var/lib/stillage-server"),
    }
}

/// A database that can be connected to, before anybody has looked what is in it.
#[derive(Debug)]
pub(crate) struct Place {
    pub url: String,
    postgres: Option<PrivatePostgres>,
}

impl Config {
    /// The files of the private cluster.
    pub(crate) fn cluster(&self) -> PathBuf {
        self.data.join("postgres").join("data")
    }

    /// Starts the private cluster, unless a database is named.
    pub(crate) async fn place(&self) -> Result<Place, OpenFault> {
        if let Some(url) = &self.database_url {
            return Ok(Place { url: url.clone(), postgres: None });
        }
        let dir = self.data.join("postgres");
        let started = tokio::task::spawn_blocking(move || PrivatePostgres::start(&dir, Durability::Full)).await;
        let postgres = started.map_err(|fault| OpenFault::Database(fault.into()))??;
        Ok(Place { url: postgres.url(), postgres: Some(postgres) })
    }

    /// Opens the database, brings its schema up to date, and founds the organisation at first start.
    pub async fn open(&self) -> Result<Server, OpenFault> {
        self.place().await?.open(self).await
    }
}

impl Place {
    pub(crate) async fn connect(&self) -> Result<Store, OpenFault> {
        Ok(Store::connect(&self.url).await?)
    }

    pub(crate) const fn is_private(&self) -> bool {
        self.postgres.is_some()
    }

    /// The same place with nothing in it. Only a private cluster can be asked for that.
    pub(crate) fn renewed(self) -> Result<Self, PostgresFault> {
        self.postgres.as_ref().map_or(Ok(()), PrivatePostgres::renew_database).map(|()| self)
    }

    pub(crate) async fn open(self, config: &Config) -> Result<Server, OpenFault> {
        let app = open(self.connect().await?).await?;
        let postgres = self.postgres.map(Arc::new);
        if let Some(postgres) = &postgres {
            tokio::spawn(keep_up(Arc::downgrade(postgres)));
        }
        Ok(Server { app, url: self.url, data: config.cluster(), postgres })
    }
}

/// Looks after the private Postgres as long as somebody holds it: one that was killed, as a system short of memory does,
/// is started again, and what was committed is there.
async fn keep_up(postgres: Weak<PrivatePostgres>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(postgres) = postgres.upgrade() else { return };
        match tokio::task::spawn_blocking(move || postgres.mend()).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => tracing::warn!("the private Postgres had gone and was started again"),
            Ok(Err(fault)) => tracing::error!(%fault, "the private Postgres is gone and does not start"),
            Err(fault) => tracing::error!(%fault, "looking after the private Postgres failed"),
        }
    }
}

/// A server on a database that is already running.
pub async fn open_url(url: &str) -> Result<App, OpenFault> {
    open(Store::connect(url).await?).await
}

async fn open(store: Store) -> Result<App, OpenFault> {
    let mint = Mint;
    organisation::migrate(&store).await.map_err(OpenFault::Database)?;
    let founding = Founding {
        org: OrganisationId(mint.uuid()),
        name: "My organisation".into(),
        epoch: EpochId(mint.uuid()),
        at: mint.now(),
        signing_key: mint.seed().map_err(|fault| OpenFault::Database(fault.into()))?,
    };
    let known = organisation::open(&store, &founding).await?;
    let key = known.signing_key.and_then(|key| <[u8; 32]>::try_from(key).ok());
    let key = key.ok_or_else(|| OpenFault::Database(anyhow::anyhow!("the organisation's key is not 32 bytes")))?;
    let seal = Seal::new(&key);
    let (org, epoch) = (OrganisationId(known.org), EpochId(known.epoch));
    let pokes = Pokes::default();
    let pusher = Pusher::start(store.clone(), (org, epoch), pokes.clone(), mint);
    tokio::spawn(pokes.clone().watch_database(store.clone(), org));
    let (snapshots, followers, cursors) = (Snapshots::default(), Followers::default(), Cursors::default());
    let (pool, org_name) = (store.readers.clone(), known.name.into());
    Ok(App { pool, store, org, org_name, epoch, seal, pusher, pokes, followers, cursors, snapshots, mint })
}

impl Server {
    /// Finishes what was accepted, then lets the database go.
    pub async fn close(self) {
        self.app.pusher.close().await;
        self.app.snapshots.close();
        self.app.store.close().await;
        if let Some(postgres) = self.postgres {
            // Waits for the cluster to stop, if nobody else uses it.
            let _ = tokio::task::spawn_blocking(move || drop(postgres)).await;
        }
    }
}
