//! The file itself: a line that says whose it is, a line for each batch, and a line with the
//! signature over all lines before it. A file that was cut short has no such line.

use crate::{Code, Failure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{fs, io::Write, path::Path};
use stillage_core::{
    change::Digest,
    id::{DeviceId, OrganisationId, PersonId},
    wire::CarriedPush,
};

pub(super) const FORMAT: &str = "stillage outbox 1";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    pub(super) format: String,
    pub(super) organisation: Option<OrganisationId>,
    pub(super) device: DeviceId,
    pub(super) device_name: String,
    pub(super) person: Option<PersonId>,
    /// Ed25519, base64. The server knows the device's key by itself.
    pub(super) public_key: String,
    pub(super) first_seq: u64,
    pub(super) prev_chain: Digest,
    pub(super) changes: u64,
}

#[derive(Serialize, Deserialize)]
struct Seal {
    signature: String,
}

pub(super) struct Paper {
    pub(super) head: Head,
    pub(super) pushes: Vec<CarriedPush>,
}

pub(super) fn damaged(problem: &str) -> Failure {
    Failure::new(
        Code::FileDamaged,
        "This is not a whole file of exported changes, or it was altered.",
        "Copy it again, or export it again on the device that wrote it.",
    )
    .with(json!({ "problem": problem }))
}

/// What is signed: the digest of everything before the signature, and what it is for.
fn signed(text: &[u8]) -> Vec<u8> {
    [FORMAT.as_bytes(), blake3::hash(text).as_bytes()].concat()
}

impl Paper {
    /// Writes the file whole or not at all, for its owner's eyes only.
    pub(super) fn save(
        &self,
        path: &Path,
        sign: impl FnOnce(&[u8]) -> Result<[u8; 64], Failure>,
    ) -> Result<(), Failure> {
        let mut text = serde_json::to_vec(&self.head)?;
        text.push(b'\n');
        for push in &self.pushes {
            serde_json::to_writer(&mut text, push)?;
            text.push(b'\n');
        }
        let signature = STANDARD.encode(sign(&signed(&text))?);
        serde_json::to_writer(&mut text, &Seal { signature })?;
        text.push(b'\n');
        let draft = path.with_extension("new");
        let mut file = private(&draft)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        Ok(())
    }

    /// Reads a file and makes sure that it is whole and as its writer left it.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let bytes = fs::read(path)?;
        let body = bytes.strip_suffix(b"\n").ok_or_else(|| damaged("it ends in the middle of a line"))?;
        let end = body.iter().rposition(|byte| *byte == b'\n').ok_or_else(|| damaged("it has one line"))? + 1;
        let (text, seal) = body.split_at(end);
        let seal: Seal = serde_json::from_slice(seal).map_err(|_| damaged("it is not signed"))?;
        let mut lines = text.split_inclusive(|byte| *byte == b'\n');
        let head: Head = lines
            .next()
            .and_then(|line| serde_json::from_slice(line).ok())
            .filter(|head: &Head| head.format == FORMAT)
            .ok_or_else(|| damaged("its first line is not that of an export"))?;
        if !is_signed(&head, text, &seal) {
            return Err(damaged("the signature does not fit"));
        }
        let read = |line| serde_json::from_slice::<CarriedPush>(line).map_err(|_| damaged("a line cannot be read"));
        let pushes = lines.map(read).collect::<Result<Vec<_>, _>>()?;
        let count: u64 = pushes.iter().map(|carried| carried.push.changes.len() as u64).sum();
        if count != head.changes || pushes.iter().any(|carried| carried.push.device != head.device) {
            return Err(damaged("its first line does not fit the others"));
        }
        Ok(Self { head, pushes })
    }
}

fn is_signed(head: &Head, text: &[u8], seal: &Seal) -> bool {
    let key = STANDARD.decode(&head.public_key).ok().and_then(|key| <[u8; 32]>::try_from(key).ok());
    let key = key.and_then(|key| VerifyingKey::from_bytes(&key).ok());
    let signature = STANDARD.decode(&seal.signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
    match (key, signature) {
        (Some(key), Some(signature)) => key.verify_strict(&signed(text), &signature).is_ok(),
        _ => false,
    }
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
