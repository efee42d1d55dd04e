//! Acting and reading. SQLite blocks, so it is kept off the threads that serve everything else.

use super::{Acted, Inner, Tag};
use crate::{
    Failure,
    store::{queries::catalogue::Known, record},
};
use std::{collections::BTreeSet, sync::Arc};
use stillage_core::action::Action;

pub(super) async fn act(inner: &Arc<Inner>, actions: Vec<Action>) -> Result<Vec<Acted>, Failure> {
    let opened = inner.opened()?;
    let mint = Arc::clone(&inner.mint);
    let acted = blocking(move || record::act(&opened.store, &mint, actions)).await?;
    inner.tell(tags(&acted));
    inner.sync.nudge();
    Ok(acted)
}

pub(super) async fn read<T: Send + 'static>(
    inner: &Arc<Inner>,
    f: impl FnOnce(&rusqlite::Connection) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let opened = inner.opened()?;
    blocking(move || opened.store.read(f)).await
}

pub(super) async fn read_knowing<T: Send + 'static>(
    inner: &Arc<Inner>,
    f: impl FnOnce(&rusqlite::Connection, &Known) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let store = inner.opened()?.store;
    blocking(move || store.read(|conn| f(conn, &store.known))).await
}

pub(super) async fn close(inner: &Arc<Inner>) {
    crate::sync::stop(inner).await;
    let opened = inner.open.write().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    // The last handle folds the write-ahead log back into the database: a disk's work.
    let _ = tokio::task::spawn_blocking(move || drop(opened)).await;
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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::internal)?
}
