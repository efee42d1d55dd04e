//! The way in: nothing there yet, locked, or open. Everything here may wait for a disk, a keyring
//! or a slow hash, so it runs on a blocking thread.

use super::{Inner, Opened, Tag};
use crate::{
    Code, Failure, secrets,
    secrets::Secrets,
    store::{Store, rebuild},
    sync,
};
use serde::Serialize;
use std::{path::Path, sync::Arc};

/// What the window must show before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "gate", rename_all = "snake_case")]
pub enum Gate {
    Ready,
    /// No database yet: choose a name, and a passphrase when there is no keyring.
    New {
        keyring: bool,
    },
    /// A passphrase is needed.
    Locked,
}

/// The variable that holds the passphrase for scripts. It goes before the keyring.
pub const PASSPHRASE: &str = "STILLAGE_PASSPHRASE";

pub(crate) use crate::store::rebuild::is_set_up;

pub(super) async fn gate(inner: &Arc<Inner>) -> Result<Gate, Failure> {
    if is_open(inner) {
        return Ok(Gate::Ready);
    }
    blocking(inner, |inner| {
        if !is_set_up(&inner.data_dir) {
            let keyring = passphrase().is_none() && secrets::keyring_answers();
            return Ok(Gate::New { keyring });
        }
        let secrets = match (secrets::wants_passphrase(&inner.data_dir), passphrase()) {
            (true, Some(passphrase)) => Secrets::unlock(&inner.data_dir, &passphrase)?,
            (true, None) => return Ok(Gate::Locked),
            (false, _) => Secrets::from_keyring(&inner.data_dir)?,
        };
        open(inner, secrets)
    })
    .await
}

pub(super) async fn create(inner: &Arc<Inner>, name: String, given: Option<String>) -> Result<Gate, Failure> {
    if is_set_up(&inner.data_dir) {
        return Err(Failure::bad_input("This device is set up already."));
    }
    let name = stillage_core::text::required(&name, 200)
        .map_err(|_| Failure::bad_input("The name of the device must be 1 to 200 characters."))?;
    blocking(inner, move |inner| {
        private_directory(&inner.data_dir)?;
        let passphrase = given.filter(|text| !text.is_empty()).or_else(passphrase);
        let secrets = Secrets::create(&inner.data_dir, passphrase.as_deref(), &inner.mint)?;
        Store::create(&inner.data_dir, &secrets.database_key(), &inner.mint, &name)?;
        open(inner, secrets)
    })
    .await
}

pub(super) async fn unlock(inner: &Arc<Inner>, passphrase: String) -> Result<Gate, Failure> {
    if is_open(inner) {
        return Ok(Gate::Ready);
    }
    if !is_set_up(&inner.data_dir) {
        return Err(Failure::needs_setup());
    }
    if !secrets::wants_passphrase(&inner.data_dir) {
        return Err(Failure::new(
            Code::NoSecret,
            "The key to this device's data is in the keyring, not under a passphrase.",
            "Unlock the keyring of this system.",
        ));
    }
    blocking(inner, move |inner| {
        let secrets = Secrets::unlock(&inner.data_dir, &passphrase)?;
        open(inner, secrets)
    })
    .await
}

fn open(inner: &Arc<Inner>, secrets: Secrets) -> Result<Gate, Failure> {
    let store = rebuild::open(&inner.data_dir, &secrets.database_key(), &inner.mint)?;
    keep(inner, store, Arc::new(secrets))?;
    inner.tell(Tag::ALL);
    Ok(Gate::Ready)
}

pub(super) fn keep(inner: &Arc<Inner>, store: Store, secrets: Arc<Secrets>) -> Result<(), Failure> {
    sync::remember(inner, &store)?;
    let opened = Opened { store: Arc::new(store), secrets };
    *inner.open.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(opened);
    Ok(())
}

fn is_open(inner: &Inner) -> bool {
    inner.open.read().unwrap_or_else(std::sync::PoisonError::into_inner).is_some()
}

fn passphrase() -> Option<String> {
    std::env::var(PASSPHRASE).ok().filter(|text| !text.is_empty())
}

async fn blocking<T: Send + 'static>(
    inner: &Arc<Inner>,
    work: impl FnOnce(&Arc<Inner>) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let inner = Arc::clone(inner);
    tokio::task::spawn_blocking(move || work(&inner)).await.map_err(Failure::internal)?
}

#[cfg(unix)]
fn private_directory(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    Ok(std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?)
}

#[cfg(not(unix))]
fn private_directory(path: &Path) -> Result<(), Failure> {
    Ok(std::fs::create_dir_all(path)?)
}
