//! Snapshots for devices that hold nothing of a scope. Whoever asks first has one made beside the work; everybody who asks
//! meanwhile is told so.

use crate::{
    app::{App, Principal},
    error::ServerError,
    store::{
        devices, log,
        snapshots::{self, Newest, Order},
    },
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use stillage_core::{
    scope::Scope,
    snapshot::{ChunkName, FORMAT, Manifest, ManifestInput, WORTH},
    wire::{Cursor, ScopeSum},
};
use tokio::task::AbortHandle;

/// A snapshot of at least so much of the log is fresh, in percent.
const FRESH: u64 = 80;
/// After a failure the log has to do for so long.
const REST: Duration = Duration::from_secs(600);

#[derive(Debug)]
enum State {
    Making(AbortHandle),
    Failed(Instant),
}

/// The snapshots that this process makes. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Snapshots(Arc<Mutex<BTreeMap<Scope, State>>>);

impl Snapshots {
    fn held(&self) -> MutexGuard<'_, BTreeMap<Scope, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a snapshot made, unless it is being made. False when the last attempt failed a short while ago.
    fn ask(&self, app: &App, scope: Scope) -> bool {
        let mut held = self.held();
        match held.get(&scope) {
            Some(State::Making(_)) => return true,
            Some(State::Failed(at)) if app.mint.instant().duration_since(*at) < REST => return false,
            _ => {}
        }
        let (this, app) = (self.clone(), app.clone());
        let making = tokio::spawn(async move {
            let made = make(&app, scope).await;
            let mut held = this.held();
            match made {
                Ok(_) => held.remove(&scope),
                Err(fault) => {
                    tracing::error!(fault = format!("{fault:#}"), %scope, "no snapshot could be made");
                    held.insert(scope, State::Failed(app.mint.instant()))
                }
            };
        });
        held.insert(scope, State::Making(making.abort_handle()));
        true
    }

    /// Gives up what is being made: the view it holds must not keep the database open.
    pub fn close(&self) {
        for (_, state) in std::mem::take(&mut *self.held()) {
            if let State::Making(making) = state {
                making.abort();
            }
        }
    }
}

/// Makes a snapshot now. Nothing when another process is at it.
async fn make(app: &App, scope: Scope) -> anyhow::Result<Option<u64>> {
    let now = app.mint.now();
    snapshots::sweep(&app.store, app.org, now).await?;
    let order = Order { org: app.org, epoch: app.epoch, scope, id: app.mint.uuid(), now };
    snapshots::make(&app.store, order).await
}

/// What a device loads of the scopes it named, as far as it may hold them and they are worth it.
pub async fn manifest(app: &App, principal: &Principal, input: ManifestInput) -> Result<Manifest, ServerError> {
    principal.require_device(input.device)?;
    let mut manifest = empty(app);
    if input.format != FORMAT || input.epoch.is_some_and(|epoch| epoch != app.epoch) {
        return Ok(manifest);
    }
    let mut tx = app.store.snapshot(app.org).await?;
    let principal = devices::by_id(&mut tx, principal.device).await?.ok_or(ServerError::SignedOut)?;
    let heads = log::heads(&mut tx).await?;
    for scope in input.scopes {
        let head = heads.get(&scope).copied().unwrap_or(0);
        if head < WORTH || matches!(scope, Scope::Inbox(_)) || !devices::holds(&principal, scope) {
            continue;
        }
        match snapshots::newest(&mut tx, app.epoch, scope).await? {
            Some(newest) if newest.seq * 100 >= head * FRESH => {
                let chunks = snapshots::names(&mut tx, newest.id, scope).await?;
                list(&mut manifest, (scope, newest), chunks);
            }
            _ => manifest.making |= app.snapshots.ask(app, scope),
        }
    }
    manifest.ack = devices::ack(&mut tx, principal.device).await?;
    tx.commit().await?;
    manifest.chunks.sort_by_key(|chunk| (chunk.part, chunk.scope, chunk.n));
    let mut ids: Vec<_> = manifest.chunks.iter().map(|chunk| chunk.snapshot).collect();
    ids.dedup();
    snapshots::used(&app.pool, app.org, &ids, app.mint.now()).await?;
    Ok(manifest)
}

fn list(manifest: &mut Manifest, (scope, newest): (Scope, Newest), chunks: Vec<ChunkName>) {
    let Newest { seq, sum, .. } = newest;
    manifest.scopes.push(Cursor { scope, seq });
    manifest.sums.extend(sum.map(|sum| ScopeSum { scope, seq, sum }));
    manifest.chunks.extend(chunks);
}

fn empty(app: &App) -> Manifest {
    Manifest {
        format: FORMAT,
        organisation: app.org,
        epoch: app.epoch,
        server_time: app.mint.now(),
        scopes: Vec::new(),
        sums: Vec::new(),
        chunks: Vec::new(),
        ack: None,
        making: false,
    }
}

/// Every scope but inboxes, as it stands now: for carrying it to where no network is.
pub async fn whole(app: &App) -> anyhow::Result<Manifest> {
    let mut tx = app.store.snapshot(app.org).await?;
    let scopes = snapshots::scopes(&mut tx).await?;
    tx.commit().await?;
    let mut manifest = empty(app);
    for Cursor { scope, seq: head } in scopes {
        // Another process at the same scope is done in a while.
        let mut found = current(app, scope, head).await?;
        while found.is_none() {
            make(app, scope).await?;
            found = current(app, scope, head).await?;
            if found.is_none() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        let Some((newest, chunks)) = found else { continue };
        list(&mut manifest, (scope, newest), chunks);
    }
    manifest.chunks.sort_by_key(|chunk| (chunk.part, chunk.scope, chunk.n));
    Ok(manifest)
}

type Found = (Newest, Vec<ChunkName>);

async fn current(app: &App, scope: Scope, head: u64) -> anyhow::Result<Option<Found>> {
    let mut tx = app.store.snapshot(app.org).await?;
    let newest = snapshots::newest(&mut tx, app.epoch, scope).await?.filter(|newest| newest.seq >= head);
    let found = match newest {
        Some(newest) => Some((newest, snapshots::names(&mut tx, newest.id, scope).await?)),
        None => None,
    };
    tx.commit().await?;
    Ok(found)
}
