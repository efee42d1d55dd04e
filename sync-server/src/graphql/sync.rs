//! What desktops call. Inputs and answers are `core::wire` types as one scalar: both ends are
//! ours, bodies must pass byte for byte, and a field of a newer peer must not be an error.

use crate::{
    app::{App, Principal},
    error::ServerError,
    store::backup,
    sync,
};
use async_graphql::{Context, InputValueError, InputValueResult, Object, Scalar, ScalarType, Subscription, Value};
use futures_util::{Stream, StreamExt};
use serde::{Serialize, de::DeserializeOwned};
use stillage_core::wire::{Hello, PROTOCOL, PROTOCOL_MIN};

/// The protocol version a request names in `x-stillage-protocol`.
#[derive(Debug, Clone, Copy)]
pub struct SpokenProtocol(pub u32);

/// A message of the sync protocol as JSON (docs/protocol.md).
#[derive(Debug, Clone)]
pub struct SyncJson(serde_json::Value);

#[Scalar(name = "SyncJSON")]
impl ScalarType for SyncJson {
    fn parse(value: Value) -> InputValueResult<Self> {
        value.into_json().map(Self).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

impl SyncJson {
    fn read<T: DeserializeOwned>(self) -> Result<T, ServerError> {
        serde_json::from_value(self.0)
            .map_err(|fault| ServerError::BadInput(format!("The input is malformed: {fault}.")))
    }

    fn write<T: Serialize>(answer: &T) -> Result<Self, ServerError> {
        serde_json::to_value(answer).map(Self).map_err(|fault| ServerError::Internal(fault.into()))
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
        SyncJson::write(&app(context)?.pusher.push(principal, input.read()?).await?)
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
    /// Heads that moved: a hint to pull, with no data.
    async fn poke(&self, context: &Context<'_>) -> Result<impl Stream<Item = SyncJson> + use<>, ServerError> {
        let principal = Principal::of(context)?.clone();
        let heads = app(context)?.pokes.listen(principal);
        Ok(heads.map(|heads| SyncJson(serde_json::json!({ "heads": heads }))))
    }
}
