//! The key of the database, the device's signing key and its token: one small document that lives
//! in the system's keyring, or, where there is none, in a file that only a passphrase opens.
//! It is never in the database and never in a log.

mod keyring;
mod wrapped;

use crate::{Code, Failure, Mint};
use ed25519_dalek::{Signer, SigningKey};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use stillage_core::id::DeviceId;

pub(crate) use wrapped::FILE;

#[derive(Clone, Serialize, Deserialize)]
struct Held {
    /// Hex.
    database: String,
    /// Hex: the seed of an Ed25519 key.
    signing: String,
    #[serde(default)]
    token: Option<Token>,
}

/// A bearer token and the device id it was given for. A device takes a new id together with a new
/// token; if it stops in between, this says which id it must finish with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) device: DeviceId,
    pub(crate) bearer: String,
}

enum Keeper {
    Keyring { user: String },
    File(wrapped::Lock),
}

pub(crate) struct Secrets {
    keeper: Keeper,
    held: Mutex<Held>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// Whether the system has a keyring that answers.
pub(crate) fn keyring_answers() -> bool {
    keyring::read("probe").is_ok()
}

/// Whether a passphrase is what opens this directory.
pub(crate) fn wants_passphrase(data_dir: &Path) -> bool {
    data_dir.join(FILE).exists()
}

impl Secrets {
    /// Draws new keys and puts them away: under the passphrase when one is given, else in the
    /// keyring. Keys of an earlier, failed set-up in the same directory are overwritten.
    pub(crate) fn create(data_dir: &Path, passphrase: Option<&str>, mint: &Mint) -> Result<Self, Failure> {
        let held = Held { database: hex(&mint.secret::<32>()), signing: hex(&mint.secret::<32>()), token: None };
        let keeper = match passphrase {
            Some(passphrase) => Keeper::File(wrapped::Lock::new(data_dir, passphrase, mint)?),
            None => Keeper::Keyring { user: user(data_dir)? },
        };
        let secrets = Self { keeper, held: Mutex::new(held) };
        secrets.save(mint)?;
        Ok(secrets)
    }

    pub(crate) fn unlock(data_dir: &Path, passphrase: &str) -> Result<Self, Failure> {
        let (lock, held) = wrapped::Lock::open(data_dir, passphrase)?;
        Ok(Self { keeper: Keeper::File(lock), held: Mutex::new(serde_json::from_slice(&held)?) })
    }

    pub(crate) fn from_keyring(data_dir: &Path) -> Result<Self, Failure> {
        let user = user(data_dir)?;
        let held = keyring::read(&user)?.ok_or_else(|| {
            Failure::new(
                Code::NoSecret,
                "The key to this device's data was not found in the keyring.",
                "Log in as the person who set this device up, or restore the keyring.",
            )
        })?;
        Ok(Self { keeper: Keeper::Keyring { user }, held: Mutex::new(serde_json::from_slice(&held)?) })
    }

    /// The raw key of the database, in hex.
    pub(crate) fn database_key(&self) -> String {
        self.held().database.clone()
    }

    pub(crate) fn public_key(&self) -> Result<[u8; 32], Failure> {
        Ok(self.signing_key()?.verifying_key().to_bytes())
    }

    /// This device's word for `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<[u8; 64], Failure> {
        Ok(self.signing_key()?.sign(message).to_bytes())
    }

    fn signing_key(&self) -> Result<SigningKey, Failure> {
        let seed = unhex(&self.held().signing).ok_or_else(|| Failure::internal("the signing key is not 32 bytes"))?;
        Ok(SigningKey::from_bytes(&seed))
    }

    pub(crate) fn token(&self) -> Option<Token> {
        self.held().token.clone()
    }

    pub(crate) fn set_token(&self, token: Token, mint: &Mint) -> Result<(), Failure> {
        self.held().token = Some(token);
        self.save(mint)
    }

    /// Reads again what another process may have put away.
    pub(crate) fn reload(&self) -> Result<(), Failure> {
        let held = match &self.keeper {
            Keeper::Keyring { user } => keyring::read(user)?,
            Keeper::File(lock) => Some(lock.read()?),
        };
        if let Some(held) = held {
            *self.held() = serde_json::from_slice(&held)?;
        }
        Ok(())
    }

    fn save(&self, mint: &Mint) -> Result<(), Failure> {
        let text = serde_json::to_vec(&*self.held())?;
        match &self.keeper {
            Keeper::Keyring { user } => keyring::write(user, text),
            Keeper::File(lock) => lock.write(&text, mint),
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Secrets are told apart by the data directory they belong to.
fn user(data_dir: &Path) -> Result<String, Failure> {
    let path: PathBuf = std::fs::canonicalize(data_dir)?;
    Ok(path.to_string_lossy().into_owned())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    for (byte, i) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[i..i + 2], 16).ok()?;
    }
    Some(bytes)
}
