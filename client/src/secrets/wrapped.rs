//! The fallback without a keyring: the secrets in a file that only its owner may read, encrypted
//! with XChaCha20-Poly1305 under a key that Argon2id makes of the passphrase. Whoever forgets the
//! passphrase has lost the data of this device that the server has not got yet.

use crate::{
    Code, Failure, Mint,
    secrets::{hex, unhex},
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

pub(crate) const FILE: &str = "secrets.json";
const PURPOSE: &[u8] = b"stillage secrets 1";

/// What it cost to make the key; kept in the file so that a later version can ask for more.
#[derive(Clone, Serialize, Deserialize)]
struct Cost {
    salt: String,
    memory_kib: u32,
    passes: u32,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u32,
    #[serde(flatten)]
    cost: Cost,
    nonce: String,
    sealed: String,
}

/// A file and the key to it.
pub(super) struct Lock {
    path: PathBuf,
    cost: Cost,
    key: [u8; 32],
}

impl Lock {
    pub(super) fn new(data_dir: &Path, passphrase: &str, mint: &Mint) -> Result<Self, Failure> {
        if passphrase.is_empty() {
            return Err(Failure::bad_input("The passphrase is empty."));
        }
        let cost = Cost { salt: hex(&mint.secret::<16>()), memory_kib: 19 * 1024, passes: 2 };
        let key = stretch(passphrase, &cost)?;
        Ok(Self { path: data_dir.join(FILE), cost, key })
    }

    /// Opens the file and says what is in it.
    pub(super) fn open(data_dir: &Path, passphrase: &str) -> Result<(Self, Vec<u8>), Failure> {
        let path = data_dir.join(FILE);
        let envelope = envelope(&path)?;
        let key = stretch(passphrase, &envelope.cost)?;
        let lock = Self { path, cost: envelope.cost.clone(), key };
        let held = lock.unseal(&envelope)?;
        Ok((lock, held))
    }

    pub(super) fn read(&self) -> Result<Vec<u8>, Failure> {
        self.unseal(&envelope(&self.path)?)
    }

    /// Replaces the file whole, so that a crash leaves the old one or the new one.
    pub(super) fn write(&self, held: &[u8], mint: &Mint) -> Result<(), Failure> {
        let nonce = mint.secret::<24>();
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: held, aad: PURPOSE })
            .map_err(|_| Failure::internal("the secrets could not be encrypted"))?;
        let envelope = Envelope { version: 1, cost: self.cost.clone(), nonce: hex(&nonce), sealed: hex(&sealed) };
        let draft = self.path.with_extension("new");
        let mut file = private(&draft)?;
        file.write_all(&serde_json::to_vec(&envelope)?)?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        Ok(())
    }

    fn unseal(&self, envelope: &Envelope) -> Result<Vec<u8>, Failure> {
        let nonce = unhex::<24>(&envelope.nonce).ok_or_else(damaged)?;
        let sealed = bytes(&envelope.sealed).ok_or_else(damaged)?;
        self.cipher().decrypt(&XNonce::from(nonce), Payload { msg: &sealed, aad: PURPOSE }).map_err(|_| {
            Failure::new(Code::BadPassphrase, "That is not the passphrase.", "Type it again; mind capital letters.")
        })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.key.into())
    }
}

fn envelope(path: &Path) -> Result<Envelope, Failure> {
    let envelope: Envelope = serde_json::from_slice(&fs::read(path)?).map_err(|_| damaged())?;
    if envelope.version == 1 { Ok(envelope) } else { Err(damaged()) }
}

fn damaged() -> Failure {
    Failure::new(
        Code::Damaged,
        "The file that holds this device's keys is damaged or from a newer version.",
        "Restore secrets.json from a backup of the data directory.",
    )
}

fn stretch(passphrase: &str, cost: &Cost) -> Result<[u8; 32], Failure> {
    let params = argon2::Params::new(cost.memory_kib, cost.passes, 1, Some(32)).map_err(|_| damaged())?;
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let salt = unhex::<16>(&cost.salt).ok_or_else(damaged)?;
    let mut key = [0; 32];
    argon.hash_password_into(passphrase.as_bytes(), &salt, &mut key).map_err(|_| damaged())?;
    Ok(key)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || text.len() % 2 == 1 {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> std::io::Result<fs::File> {
    fs::File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_passphrase_opens_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let mint = Mint::new();
        Lock::new(dir.path(), "horse", &mint).unwrap().write(b"held", &mint).unwrap();
        let (_, held) = Lock::open(dir.path(), "horse").unwrap();
        assert_eq!(held, b"held");
        assert_eq!(Lock::open(dir.path(), "house").err().unwrap().code, Code::BadPassphrase);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mint = Mint::new();
        Lock::new(dir.path(), "horse", &mint).unwrap().write(b"held", &mint).unwrap();
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
