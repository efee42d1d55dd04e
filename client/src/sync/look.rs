//! What a round finds here before it asks anybody: where to and as whom, what waits, and what to ask for. It is one read
//! on one thread, because a round that brings one row is mostly hand-overs otherwise.

use super::pull;
use crate::{
    Failure,
    engine::{Inner, Opened},
    secrets::Token,
    store::{Durability, fingerprint, outbox, reset, settings, snapshot, staged},
};
use rusqlite::Connection;
use stillage_core::wire::{PUSH_CHANGES, PullInput, PushInput};

pub(super) struct Found {
    /// The database is where it was noted to be, so that it is no copy.
    pub(super) at_home: bool,
    /// Nothing of a snapshot is loaded or may be begun with, and no index is put aside.
    pub(super) calm: bool,
    /// The server has said that it has more than is here.
    pub(super) behind: bool,
    pub(super) unsent: bool,
    /// What goes first: sealed already, and not answered.
    pub(super) sealed: Option<PushInput>,
    /// What to ask for, until something here has changed.
    pub(super) input: Option<PullInput>,
}

/// A change of id that was cut short is finished first.
pub(super) fn look(inner: &Inner, opened: &Opened) -> Result<(String, Token, Found), Failure> {
    let looked = opened.store.look(|conn| once(inner, opened, conn))?;
    if let Some(found) = looked {
        return Ok(found);
    }
    take_up(opened)?;
    let looked = opened.store.look(|conn| once(inner, opened, conn))?;
    looked.ok_or_else(|| Failure::internal("the token belongs to another device"))
}

/// Nothing when the token is not this device's.
fn once(inner: &Inner, opened: &Opened, conn: &Connection) -> Result<Option<(String, Token, Found)>, Failure> {
    let url = settings::get(conn, settings::SERVER)?.ok_or_else(Failure::not_connected)?;
    let device = settings::device(conn)?;
    let Some(token) = opened.secrets.token().filter(|token| token.device == device) else { return Ok(None) };
    let loads = snapshot::is_blank(conn)?
        || snapshot::due(conn, None, true)?.is_some()
        || staged::Loading::read(conn)?.is_some();
    let sealed = outbox::unanswered(conn, PUSH_CHANGES)?;
    let found = Found {
        at_home: fingerprint::is_at_home(conn, &inner.data_dir)?,
        calm: !loads,
        behind: inner.sync.is_ahead(&settings::cursors(conn)?),
        unsent: sealed.is_some() || outbox::has_unsent(conn)?,
        sealed: sealed.map(|batch| outbox::push_of(conn, batch)).transpose()?,
        input: Some(pull::asked_for(conn)?),
    };
    Ok(Some((url, token, found)))
}

/// Another process may have connected, or taken the new id.
fn take_up(opened: &Opened) -> Result<(), Failure> {
    opened.secrets.reload()?;
    let new = opened.secrets.token().ok_or_else(Failure::not_connected)?.device;
    if opened.store.read(settings::device)? != new {
        opened.store.write(Durability::Full, |transaction| reset::take_new_device(transaction, new))?;
    }
    Ok(())
}
