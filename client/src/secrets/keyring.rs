//! The system's keyring. It is asked on a thread of its own and only for a while: a keyring that
//! waits for somebody to type must not hold up the engine for ever.

use crate::{Code, Failure};
use keyring_core::{Entry, Error, api::CredentialStoreApi};
use std::{sync::Arc, sync::mpsc, time::Duration};

const SERVICE: &str = "stillage";
/// Long enough for a person to answer the keyring's own question.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(target_os = "linux")]
fn store() -> Result<Arc<impl CredentialStoreApi>, Error> {
    zbus_secret_service_keyring_store::Store::new()
}

#[cfg(target_os = "macos")]
fn store() -> Result<Arc<impl CredentialStoreApi>, Error> {
    apple_native_keyring_store::keychain::Store::new()
}

#[cfg(windows)]
fn store() -> Result<Arc<impl CredentialStoreApi>, Error> {
    windows_native_keyring_store::Store::new()
}

pub(super) fn read(user: &str) -> Result<Option<Vec<u8>>, Failure> {
    ask(user, |entry| match entry.get_secret() {
        Ok(secret) => Ok(Some(secret)),
        Err(Error::NoEntry) => Ok(None),
        Err(fault) => Err(fault),
    })
}

pub(super) fn write(user: &str, secret: Vec<u8>) -> Result<(), Failure> {
    ask(user, move |entry| entry.set_secret(&secret))
}

fn ask<T: Send + 'static>(
    user: &str,
    question: impl FnOnce(Entry) -> Result<T, Error> + Send + 'static,
) -> Result<T, Failure> {
    let (answer, wait) = mpsc::channel();
    let user = user.to_owned();
    std::thread::spawn(move || {
        let result = store().and_then(|store| store.build(SERVICE, &user, None)).and_then(question);
        // Nobody waits any more when the patience was over.
        let _ = answer.send(result);
    });
    match wait.recv_timeout(PATIENCE) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(fault)) => Err(refused(&fault.to_string())),
        Err(_) => Err(refused("the keyring does not answer")),
    }
}

fn refused(reason: &str) -> Failure {
    Failure::new(
        Code::NoSecret,
        "This system has no keyring that can be used.",
        "Unlock the keyring, or choose a passphrase (STILLAGE_PASSPHRASE) when setting the device up.",
    )
    .with(serde_json::json!({ "reason": reason }))
}
