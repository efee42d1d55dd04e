//! How far devices say they are. It only decides how much of a log must be kept, so it is written down a moment later,
//! for all that have asked by then: a crowd that was poked is one statement and one flush, and none that anybody waits for.

use crate::{app::App, store::devices};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use stillage_core::{id::DeviceId, wire::Cursor};

const LATER: Duration = Duration::from_secs(1);

/// What is not written yet: where each device was, and when it said so.
type Unwritten = HashMap<DeviceId, (Vec<Cursor>, i64)>;

#[derive(Debug, Clone, Default)]
pub struct Cursors(Arc<Mutex<Unwritten>>);

impl Cursors {
    fn unwritten(&self) -> MutexGuard<'_, Unwritten> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes where a device is. The first to come has it written.
pub fn note(app: &App, device: DeviceId, cursors: Vec<Cursor>) {
    if cursors.is_empty() {
        return;
    }
    let mut unwritten = app.cursors.unwritten();
    let first = unwritten.is_empty();
    unwritten.insert(device, (cursors, app.mint.now()));
    if first {
        let app = app.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LATER).await;
            write(&app).await;
        });
    }
}

/// A cursor that is lost here comes with the device's next question.
async fn write(app: &App) {
    let unwritten = std::mem::take(&mut *app.cursors.unwritten());
    if let Err(fault) = devices::save_cursors(&app.pool, app.org, unwritten.iter()).await {
        tracing::warn!(%fault, "cursors could not be noted");
    }
}
