//! The device itself: set-up, unlocking, its server, and how things stand.

use super::Nothing;
use crate::{
    Engine, Failure, Gate,
    engine::{ConnectionState, Traffic},
    store::queries::{
        rfc3339,
        status::{self, Known},
    },
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Create {
    pub name: String,
    #[serde(default)]
    #[ts(optional = nullable)]
    pub passphrase: Option<String>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    pub passphrase: String,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    pub url: String,
    #[serde(default)]
    #[ts(optional = nullable)]
    pub code: Option<String>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    pub cut: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Named {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Outbox {
    pub count: u32,
    pub oldest: Option<String>,
}

/// How this device stands with its server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Connection {
    NeverConnected,
    Online { since: String },
    Offline { since: String, cut: bool },
    SignedOut,
    UpgradeRequired,
}

impl From<ConnectionState> for Connection {
    fn from(state: ConnectionState) -> Self {
        match state {
            ConnectionState::NeverConnected => Self::NeverConnected,
            ConnectionState::Online { since } => Self::Online { since: rfc3339(since) },
            ConnectionState::Offline { since, cut } => Self::Offline { since: rfc3339(since), cut },
            ConnectionState::SignedOut => Self::SignedOut,
            ConnectionState::UpgradeRequired => Self::UpgradeRequired,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    FirstSync,
    CatchingUp,
    Import,
}

/// Long work under way, in rows; in bytes too, while a snapshot is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct Progress {
    #[ts(inline)]
    pub phase: Phase,
    pub done: u64,
    pub total: Option<u64>,
    pub bytes: Option<u64>,
    pub total_bytes: Option<u64>,
}

fn progress(engine: &Engine) -> Option<Progress> {
    if let Some((done, total)) = engine.importing() {
        let (phase, total) = (Phase::Import, Some(total));
        return Some(Progress { phase, done, total, bytes: None, total_bytes: None });
    }
    let pull = engine.progress()?;
    let phase = if pull.first { Phase::FirstSync } else { Phase::CatchingUp };
    let (bytes, total_bytes) = pull.bytes.map(|bytes| (bytes.done, bytes.total)).unzip();
    Some(Progress { phase, done: pull.done, total: Some(pull.total), bytes, total_bytes })
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Status {
    #[ts(inline)]
    pub device: Named,
    #[ts(inline)]
    pub person: Option<Named>,
    pub organisation: Option<String>,
    pub server: Option<String>,
    pub connection: Connection,
    #[ts(inline)]
    pub outbox: Outbox,
    pub inbox: u32,
    pub last_sync: Option<String>,
    #[ts(inline)]
    pub progress: Option<Progress>,
    pub version: String,
}

pub async fn gate(engine: &Engine, _: Nothing) -> Result<Gate, Failure> {
    engine.gate().await
}

pub async fn create(engine: &Engine, args: Create) -> Result<Gate, Failure> {
    engine.create(args.name, args.passphrase).await
}

pub async fn unlock(engine: &Engine, args: Unlock) -> Result<Gate, Failure> {
    engine.unlock(args.passphrase).await
}

pub async fn status(engine: &Engine, _: Nothing) -> Result<Status, Failure> {
    let known = engine.read(status::known).await?;
    let Known { device, person, organisation, server, outbox, oldest, inbox, last_sync } = known;
    let named = |(id, name): (String, String)| Named { id, name };
    Ok(Status {
        device: named(device),
        person: person.map(named),
        organisation,
        server,
        connection: engine.connection().into(),
        outbox: Outbox { count: outbox, oldest },
        inbox,
        last_sync,
        progress: progress(engine),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

pub async fn connect(engine: &Engine, args: Connect) -> Result<Status, Failure> {
    engine.connect(args.url, args.code).await?;
    status(engine, Nothing {}).await
}

pub async fn cut(engine: &Engine, args: Cut) -> Result<Status, Failure> {
    engine.cut(args.cut).await?;
    status(engine, Nothing {}).await
}

pub async fn traffic(engine: &Engine, _: Nothing) -> Result<Traffic, Failure> {
    Ok(engine.traffic())
}
