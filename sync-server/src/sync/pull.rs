//! The way down. Heads, pages and the ack of one answer come from one snapshot, so that an ack
//! never speaks of effects that the pages do not hold.

mod cursors;
mod packed;
mod quick;

use crate::{
    app::{App, Principal},
    error::ServerError,
    store::{
        Tx, devices,
        follow::Found,
        log::{self, KeptSum, Room},
    },
};
pub use cursors::Cursors;
pub use quick::Followers;
use std::collections::{BTreeMap, BTreeSet};
use stillage_core::{
    change::{ChangeResult, Digest},
    id::DeviceId,
    scope::Scope,
    sum::Mismatch,
    wire::{Ack, Cursor, Followed, PullAnswer, PullInput, ScopePage, ScopeSum, SettledAck},
};

const MAX_ROWS: usize = 5000;
/// Bodies in one answer.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Outcomes in one answer.
const MAX_RESULTS: usize = 5000;

/// Everything after the device's cursors, as far as there is room.
pub async fn pull(app: &App, principal: &Principal, input: PullInput) -> Result<PullAnswer, ServerError> {
    principal.require_device(input.device)?;
    // Cursors of another history mean nothing here; that device starts anew.
    let known = input.epoch.is_none_or(|epoch| epoch == app.epoch);
    note_mismatches(input.device, &input.mismatches);
    let cursors = if known { input.cursors.clone() } else { Vec::new() };
    let at: BTreeMap<Scope, u64> = cursors.iter().map(|cursor| (cursor.scope, cursor.seq)).collect();
    let closely = match quick::look(app, principal, (&input, &at)).await? {
        Some(found) => quickly(app, &input, &at, &found)?,
        None => None,
    };
    let answer = match closely {
        Some(answer) => answer,
        None => at_length(app, (&input, known), &at).await?,
    };
    cursors::note(app, input.device, cursors);
    packed::packed(answer, input.chunks).await
}

/// What a device that listens would be answered if it asked, when that is little. From then on it counts as being at the
/// heads: it takes this, or goes there by itself.
pub async fn follow(
    app: &App,
    principal: &Principal,
    (input, heads): (&mut PullInput, &[Cursor]),
) -> Result<Option<Followed>, ServerError> {
    let mut at: BTreeMap<Scope, u64> = input.cursors.iter().map(|cursor| (cursor.scope, cursor.seq)).collect();
    let found = quick::look(app, principal, (input, &at)).await?;
    let answer = found.as_ref().map(|found| quickly(app, input, &at, found)).transpose()?.flatten();
    at.extend(answer.as_ref().map_or(heads, |answer| &answer.heads).iter().map(|head| (head.scope, head.seq)));
    input.cursors = at.into_iter().map(|(scope, seq)| Cursor { scope, seq }).collect();
    let settled_seq = input.settled_seq;
    if let Some((_, ack)) = found.as_ref().and_then(|found| found.devices.get(&input.device)) {
        input.settled_seq = ack.seq;
    }
    let Some(answer) = answer.filter(|answer| !answer.pages.is_empty()) else { return Ok(None) };
    Ok(Some(Followed { settled_seq, answer: packed::packed(answer, input.chunks).await? }))
}

/// From one look at the database, if that holds all there is.
fn quickly(
    app: &App,
    input: &PullInput,
    at: &BTreeMap<Scope, u64>,
    found: &Found,
) -> Result<Option<PullAnswer>, ServerError> {
    // As they are now: a grant or a revocation may be younger than the token's cached rights.
    let (principal, ack) = found.devices.get(&input.device).ok_or(ServerError::SignedOut)?;
    let heads = granted_heads(&found.kept, principal);
    note_ahead(input.device, &heads, at);
    let (Some(pages), true) =
        (quick::pages(found, &heads, at), quick::has_all_ends(found, input.device, (ack.seq, input.settled_seq)))
    else {
        return Ok(None);
    };
    let ends = found.ends.get(&input.device).cloned().unwrap_or_default();
    let ended = Ended { has_more: false, ack: Some(settled_by(*ack, ends)) };
    Ok(Some(answer(app, (principal, at), (&found.kept, heads), (pages, ended))))
}

/// With as many statements as there are scopes to page through.
async fn at_length(
    app: &App,
    (input, known): (&PullInput, bool),
    at: &BTreeMap<Scope, u64>,
) -> Result<PullAnswer, ServerError> {
    let mut tx = app.store.snapshot(app.org).await?;
    // Asked again inside the snapshot: a grant may be younger than the token's cached rights.
    let principal = devices::by_id(&mut tx, input.device).await?.ok_or(ServerError::SignedOut)?;
    let kept = log::sums(&mut tx).await?;
    let heads = granted_heads(&kept, &principal);
    note_ahead(input.device, &heads, at);
    let mut room = Room { rows: MAX_ROWS.min((input.max_rows as usize).max(1)), bytes: MAX_BYTES };
    let mut pages = Vec::new();
    let mut has_more = false;
    for (scope, head) in &heads {
        let from = at.get(scope).copied().unwrap_or(0);
        if from >= *head {
            continue;
        }
        if room.rows == 0 || room.bytes == 0 {
            has_more = true;
            continue;
        }
        let page = log::page(&mut tx, (*scope, from), &mut room).await?;
        has_more |= page.to < *head;
        pages.push(page);
    }
    let mut ack = None;
    if !has_more && known {
        (ack, has_more) = settled(&mut tx, principal.device, input.settled_seq).await?;
    }
    tx.commit().await?;
    Ok(answer(app, (&principal, at), (&kept, heads), (pages, Ended { has_more, ack })))
}

/// How an answer ends.
struct Ended {
    has_more: bool,
    ack: Option<SettledAck>,
}

fn answer(
    app: &App,
    (principal, at): (&Principal, &BTreeMap<Scope, u64>),
    (kept, heads): (&[KeptSum], BTreeMap<Scope, u64>),
    (pages, Ended { has_more, ack }): (Vec<ScopePage>, Ended),
) -> PullAnswer {
    let removed = at.keys().filter(|scope| !devices::holds(principal, **scope)).copied().collect();
    let heads = heads.into_iter().map(|(scope, seq)| Cursor { scope, seq }).collect();
    let (epoch, server_time, sums) = (app.epoch, app.mint.now(), sums(kept, &pages));
    PullAnswer { epoch, server_time, pages, removed, heads, has_more, ack, sums }
}

fn note_ahead(device: DeviceId, heads: &BTreeMap<Scope, u64>, at: &BTreeMap<Scope, u64>) {
    for (scope, head) in heads {
        let from = at.get(scope).copied().unwrap_or(0);
        if from > *head {
            tracing::warn!(%device, %scope, from, head, "a cursor is ahead of its head");
        }
    }
}

/// Every scope the principal may hold, also those that nobody has written to.
fn granted_heads(kept: &[KeptSum], principal: &Principal) -> BTreeMap<Scope, u64> {
    let mut heads: BTreeMap<Scope, u64> = kept.iter().map(|kept| (kept.scope, kept.head)).collect();
    heads.retain(|scope, _| devices::holds(principal, *scope));
    let sites: BTreeSet<Scope> = principal.sites.iter().flatten().map(|site| Scope::Site(*site)).collect();
    for scope in sites.into_iter().chain([Scope::Catalogue, Scope::Inbox(principal.person)]) {
        heads.entry(scope).or_insert(0);
    }
    heads
}

/// The sums of the scopes that these pages bring to their heads.
fn sums(kept: &[KeptSum], pages: &[ScopePage]) -> Vec<ScopeSum> {
    let ends = |kept: &&KeptSum| pages.iter().any(|page| page.scope == kept.scope && page.to == kept.head);
    let told = |kept: &KeptSum| Some(ScopeSum { scope: kept.scope, seq: kept.head, sum: kept.sum? });
    kept.iter().filter(ends).filter_map(told).collect()
}

/// Two copies of one scope differ: what is wrong is found out by people, from this line and `verify --deep`.
fn note_mismatches(device: DeviceId, mismatches: &[Mismatch]) {
    for Mismatch { scope, seq, mine, theirs, again } in mismatches {
        tracing::warn!(%device, %scope, seq, %mine, %theirs, again, "a device has another sum of a scope");
    }
}

/// The ends of the device's own changes, and whether there are more than fit.
async fn settled(tx: &mut Tx, device: DeviceId, after: u64) -> Result<(Option<SettledAck>, bool), ServerError> {
    let Some(ack) = devices::ack(tx, device).await? else { return Ok((None, false)) };
    let rows =
        if ack.seq > after { devices::results(tx, device, after, MAX_RESULTS as i64).await? } else { Vec::new() };
    let settled = settled_by(ack, rows);
    let has_more = settled.seq < ack.seq;
    Ok((Some(settled), has_more))
}

fn settled_by(ack: Ack, rows: Vec<(ChangeResult, Digest)>) -> SettledAck {
    let (seq, chain) = rows.last().map_or((ack.seq, ack.chain), |(result, chain)| (result.seq, *chain));
    SettledAck { seq, chain, results: rows.into_iter().map(|(result, _)| result).collect() }
}
