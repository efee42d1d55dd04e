//! What a sync came to.

use super::ConnectionState;
use crate::{
    Failure,
    store::{outbox, settings, sums},
};
use rusqlite::Connection;
use serde::Serialize;
use std::collections::BTreeMap;
use stillage_core::{id::EpochId, scope::Scope, sum::Mismatch};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SyncReport {
    /// `online`, `offline`, `never_connected`, `signed_out` or `upgrade_required`.
    pub state: String,
    /// Changes sent and rows received by this call.
    pub pushed: u64,
    pub pulled: u64,
    /// Changes the server has not settled.
    pub outbox: u64,
    /// Open rows that wait for a person.
    pub inbox: u64,
    pub cursors: BTreeMap<Scope, u64>,
    pub epoch: Option<EpochId>,
    /// Nothing is left to push, and the last pull came to the head.
    pub drained: bool,
    /// Scopes that differ from the server's although they were built anew.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<Mismatch>,
    /// Why it is not drained, if something was in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

pub(super) fn report(conn: &Connection, state: ConnectionState) -> Result<SyncReport, Failure> {
    let state = match state {
        ConnectionState::NeverConnected => "never_connected",
        ConnectionState::Online { .. } => "online",
        ConnectionState::Offline { .. } => "offline",
        ConnectionState::SignedOut => "signed_out",
        ConnectionState::UpgradeRequired => "upgrade_required",
    };
    Ok(SyncReport {
        state: state.to_owned(),
        pushed: 0,
        pulled: 0,
        outbox: outbox::waiting(conn)?,
        inbox: outbox::open_inbox(conn)?,
        cursors: settings::cursors(conn)?,
        epoch: settings::epoch(conn)?,
        drained: false,
        mismatches: sums::standing(conn)?,
        failure: None,
    })
}
