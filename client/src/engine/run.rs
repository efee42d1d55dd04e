//! Acting and reading. SQLite blocks, so it is kept off the threads that serve everything else.

use super::{Acted, Inner, Tag, looked_at};
use crate::{
    Failure,
    store::{Durability, Store, outbox, queries::catalogue::Known, record, settings},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use stillage_core::action::Action;

/// How long a reader may keep the files from being closed.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn act(inner: &Arc<Inner>, actions: Vec<Action>) -> Result<Vec<Acted>, Failure> {
    let opened = inner.opened()?;
    let mint = Arc::clone(&inner.mint);
    let alone = crate::sync::alone_to_send(inner);
    let seals = alone.is_some();
    let acted = blocking(move || {
        record::act_then(&opened.store, &mint, actions, |conn| if seals { outbox::seal_at_once(conn) } else { Ok(()) })
    })
    .await;
    drop(alone);
    let acted = match acted {
        Ok(acted) => acted,
        Err(failure) => return Err(looked_at(inner, failure).await),
    };
    inner.tell(tags(&acted));
    inner.sync.nudge();
    Ok(acted)
}

pub(super) async fn read<T: Send + 'static>(
    inner: &Arc<Inner>,
    f: impl FnOnce(&rusqlite::Connection) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let opened = inner.opened()?;
    match blocking(move || opened.store.read(f)).await {
        Err(failure) => Err(looked_at(inner, failure).await),
        read => read,
    }
}

pub(super) async fn read_knowing<T: Send + 'static>(
    inner: &Arc<Inner>,
    f: impl FnOnce(&rusqlite::Connection, &Known) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let store = inner.opened()?.store;
    match blocking(move || store.read(|conn| f(conn, &store.known))).await {
        Err(failure) => Err(looked_at(inner, failure).await),
        read => read,
    }
}

pub(super) async fn forget_rebuilt(inner: &Arc<Inner>) -> Result<(), Failure> {
    let store = inner.opened()?.store;
    blocking(move || store.write(Durability::Normal, |transaction| settings::unset(transaction, settings::REBUILT)))
        .await?;
    inner.tell([Tag::Status]);
    Ok(())
}

pub(super) async fn close(inner: &Arc<Inner>) {
    crate::sync::stop(inner).await;
    let opened = inner.open.write().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    if let Some(opened) = opened
        && let_go(opened.store).await.is_err()
    {
        tracing::warn!("closed while something still reads");
    }
}

/// Closes the files once nobody works with them any more. It must be here that they are closed: after this the process
/// may end, and SQLCipher takes its memory down at exit, under the hands of whoever still uses it.
pub(super) async fn let_go(mut store: Arc<Store>) -> Result<(), Arc<Store>> {
    for _ in 0..PATIENCE.as_millis() {
        match Arc::try_unwrap(store) {
            Ok(last) => {
                // The last handle folds the write-ahead log back into the database: a disk's work.
                let _ = tokio::task::spawn_blocking(move || drop(last)).await;
                return Ok(());
            }
            Err(shared) => store = shared,
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Err(store)
}

fn tags(acted: &[Acted]) -> BTreeSet<Tag> {
    let mut tags = BTreeSet::from([Tag::Status]);
    for one in acted {
        tags.extend(one.records.iter().map(|of| Tag::of(of.kind)));
        if !one.movements.is_empty() {
            tags.extend([Tag::Stock, Tag::Items]);
        }
    }
    tags
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::internal)?
}
