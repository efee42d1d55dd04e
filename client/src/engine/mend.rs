//! Damage that shows while people work. Everything lets go of the files, the database is built anew
//! if it really is damaged, and everything starts again; whoever met the damage is told once.

use super::{Inner, Opened, gate, run};
use crate::{
    Code, Failure,
    store::{Store, rebuild},
    sync,
};
use std::sync::{Arc, PoisonError, atomic::Ordering};

/// Looks at a failure before it leaves: if it says that the file is damaged, the file is put right.
pub(crate) async fn looked_at(inner: &Arc<Inner>, failure: Failure) -> Failure {
    let waits = failure.details["mending"] == true;
    if failure.code != Code::Damaged && !waits {
        return failure;
    }
    match mend(inner, waits).await {
        Ok(true) => rebuild::was_rebuilt(failure),
        Ok(false) => failure,
        Err(worse) => worse,
    }
}

/// Says whether the database had to be built anew, by this call or by one that it waited for.
async fn mend(inner: &Arc<Inner>, only_wait: bool) -> Result<bool, Failure> {
    let before = inner.mended.load(Ordering::Acquire);
    let _alone = inner.mend.lock().await;
    if only_wait || inner.mended.load(Ordering::Acquire) != before {
        return Ok(true);
    }
    inner.mending.store(true, Ordering::Release);
    let was_syncing = sync::is_running(inner);
    sync::stop(inner).await;
    let mended = with_files_alone(inner).await;
    if let Ok(true) = mended {
        inner.mended.fetch_add(1, Ordering::AcqRel);
    }
    inner.mending.store(false, Ordering::Release);
    if was_syncing {
        sync::start(inner);
    }
    inner.tell(super::Tag::ALL);
    mended
}

async fn with_files_alone(inner: &Arc<Inner>) -> Result<bool, Failure> {
    let taken = inner.open.write().unwrap_or_else(PoisonError::into_inner).take();
    let Some(Opened { store, secrets }) = taken else { return Ok(false) };
    if let Err(store) = run::let_go(store).await {
        *inner.open.write().unwrap_or_else(PoisonError::into_inner) = Some(Opened { store, secrets });
        return Ok(false);
    }
    run::blocking({
        let inner = Arc::clone(inner);
        move || {
            let key = secrets.database_key();
            let made = rebuild::anew(&inner.data_dir, &key, &inner.mint);
            // Also when it could not be built: what can still be read stays in reach.
            gate::keep(&inner, Store::open(&inner.data_dir, &key)?, secrets)?;
            made
        }
    })
    .await
}
