//! What desktops call. Inputs and answers are `core::wire` types as one scalar: both ends are
//! ours, bodies must pass byte for byte, and a field of a newer peer must not be an error.

use crate::{
    app::{App, Principal},
    error::ServerError,
    store::backup,
    sync,
};
use async_graphql::{Context, InputValueError, InputValueResult, Object, Scalar, ScalarType, Subscription, Value};
use axum::body::Bytes;
use futures_util::{Stream, StreamExt};
use serde::{Serialize, de::DeserializeOwned};
use stillage_core::wire::{Hello, PROTOCOL, PROTOCOL_MIN, PullInput};

/// The protocol version a request names in `x-stillage-protocol`.
#[derive(Debug, Clone, Copy)]
pub struct SpokenProtocol(pub u32);

/// A message of the sync protocol as JSON (docs/protocol.md).
///
/// Over HTTP it is a text on both sides (`http::body`): a push of 500 changes is read once, into its own types, and a
/// page of a pull is written once. Elsewhere, and when somebody writes it into a query, it is a tree.
#[derive(Debug, Clone)]
pub enum SyncJson {
    Text(Bytes),
    Tree(serde_json::Value),
}

#[Scalar(name = "SyncJSON")]
impl ScalarType for SyncJson {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::Binary(text) => Ok(Self::Text(text)),
            tree => tree.into_json().map(Self::Tree).map_err(InputValueError::custom),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::Binary(text.clone()),
            Self::Tree(tree) => Value::from_json(tree.clone()).unwrap_or_default(),
        }
    }
}

impl SyncJson {
    /// What it is called in the schema.
    pub const NAME: &str = "SyncJSON";

    fn read<T: DeserializeOwned>(self) -> Result<T, ServerError> {
        let read = match self {
            Self::Text(text) => serde_json::from_slice(&text),
            Self::Tree(tree) => serde_json::from_value(tree),
        };
        read.map_err(|fault| ServerError::BadInput(format!("The input is malformed: {fault}.")))
    }

    fn write<T: Serialize>(answer: &T) -> Result<Self, ServerError> {
        let text = serde_json::to_vec(answer).map_err(|fault| ServerError::Internal(fault.into()))?;
        Ok(Self::Text(text.into()))
    }
}

fn app<'a>(context: &Context<'a>) -> Result<&'a App, ServerError> {
    context.data_opt().ok_or_else(|| ServerError::Internal(anyhow::anyhow!("the schema was built without its app")))
}

/// Only what comes down depends on what both sides speak; a push carries its own versions.
fn check_protocol(context: &Context<'_>) -> Result<(), ServerError> {
    let spoken = context.data_opt::<SpokenProtocol>().map_or(PROTOCOL, |spoken| spoken.0);
    if (PROTOCOL_MIN..=PROTOCOL).contains(&spoken) { Ok(()) } else { Err(ServerError::UpgradeRequired) }
}

#[derive(Debug, Default)]
pub struct SyncQuery;

#[Object]
impl SyncQuery {
    /// The versions this server speaks, its history and its clock. Needs no token; with one, how far the device's chain
    /// is held in a backup.
    async fn hello(&self, context: &Context<'_>) -> Result<SyncJson, ServerError> {
        let app = app(context)?;
        let safe_seq = match context.data_opt::<Principal>() {
            Some(principal) => backup::safe_seq(&app.pool, app.org, principal.device).await?,
            None => 0,
        };
        SyncJson::write(&Hello {
            protocol: PROTOCOL,
            protocol_min: PROTOCOL_MIN,
            epoch: app.epoch,
            server_time: app.mint.now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            safe_seq,
        })
    }

    /// Everything after the device's cursors, as far as one answer holds.
    async fn pull(&self, context: &Context<'_>, input: SyncJson) -> Result<SyncJson, ServerError> {
        check_protocol(context)?;
        let principal = Principal::of(context)?;
        SyncJson::write(&sync::pull(app(context)?, principal, input.read()?).await?)
    }

    /// Scopes as they stand, for a device that holds nothing of them: which chunks to fetch, and in which order.
    async fn snapshot_manifest(&self, context: &Context<'_>, input: SyncJson) -> Result<SyncJson, ServerError> {
        check_protocol(context)?;
        let principal = Principal::of(context)?;
        SyncJson::write(&sync::snapshot::manifest(app(context)?, principal, input.read()?).await?)
    }
}

#[derive(Debug, Default)]
pub struct SyncMutation;

#[Object]
impl SyncMutation {
    /// Changes of one device in their order. Refusals are data.
    async fn push_changes(&self, context: &Context<'_>, input: SyncJson) -> Result<SyncJson, ServerError> {
        let principal = Principal::of(context)?;
        SyncJson::write(&sync::push_changes(app(context)?, principal, input.read()?).await?)
    }

    /// Makes a device known by a one-time code, or under a new id after it was found to be a copy.
    async fn enrol_device(&self, context: &Context<'_>, input: SyncJson) -> Result<SyncJson, ServerError> {
        let principal = context.data_opt::<Principal>();
        SyncJson::write(&sync::enrol::enrol(app(context)?, principal, input.read()?).await?)
    }
}

#[derive(Debug, Default)]
pub struct SyncSubscription;

#[Subscription]
impl SyncSubscription {
    /// Heads that moved: a hint to pull. With `follow`, what the device would pull now, also the answer when it is short.
    async fn poke(
        &self,
        context: &Context<'_>,
        follow: Option<SyncJson>,
    ) -> Result<impl Stream<Item = SyncJson> + use<>, ServerError> {
        let (app, principal) = (app(context)?, Principal::of(context)?);
        let follow: Option<PullInput> = follow.map(SyncJson::read).transpose()?;
        let pokes = sync::pokes(app.clone(), principal.clone(), follow)?;
        Ok(pokes.map(|poke| SyncJson::Tree(serde_json::to_value(poke).unwrap_or_default())))
    }
}
