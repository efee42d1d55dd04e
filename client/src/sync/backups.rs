//! Once a day a device asks how far a backup of the server holds what it sent, and lets go of what one has held for long.

use super::round::{Round, blocking};
use crate::{
    Failure,
    store::{Durability, backed_up},
};
use std::sync::{Arc, atomic::Ordering};

/// In microseconds by the monotonic clock.
const DAY: i64 = 24 * 3600 * 1_000_000;

pub(super) async fn ask(round: &mut Round) -> Result<(), Failure> {
    let (now, asked) = (round.inner.mint.moment().monotonic, &round.inner.sync.backups_asked);
    if asked.swap(now, Ordering::Relaxed) > now - DAY {
        return Ok(());
    }
    let hello = round.asking(|transport| async move { transport.hello().await }).await?;
    let store = Arc::clone(&round.opened.store);
    blocking(move || {
        while store.write(Durability::Normal, |transaction| backed_up::heard(transaction, &hello))? > 0 {}
        Ok(())
    })
    .await
}
