//! One frame of the mirror: `length | CRC32 | nonce | sealed text`. The checksum tells a torn or
//! rotten frame from a whole one without the key; the seal tells whether it is ours.

use crate::{Failure, Mint, secrets::unhex};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use stillage_core::{
    change::{Change, Digest},
    id::{ChangeId, DeviceId},
};

const PURPOSE: &[u8] = b"stillage outbox mirror 1";
const NONCE: usize = 24;
/// Length and checksum.
const HEAD: usize = 8;
/// No frame is longer: a body is at most 64 KiB before it is quoted.
const LONGEST: usize = 1024 * 1024;

/// The place of a change in its device's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub device: DeviceId,
    pub seq: u64,
    pub chain: Digest,
}

/// A row of the outbox that the server has not settled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub n: u64,
    pub change: Change,
    pub at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Link>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_ts: Option<i64>,
}

/// What is written down of the outbox, one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Frame {
    /// Settings that a new database needs to go on as this device.
    Who { settings: BTreeMap<String, String> },
    /// Recorded.
    Row(Box<Row>),
    /// Sealed, or back among the queued.
    Placed { change: ChangeId, place: Option<Link>, order_ts: Option<i64> },
    /// Everything of this device up to here is settled.
    Settled(Link),
    /// Settled under an earlier id of this device, or in another way no longer waiting.
    Dropped { change: ChangeId },
}

/// What stands at the beginning of some bytes.
pub enum Found {
    Frame(Box<Frame>, usize),
    /// A whole frame that is not what was written, or not with this key.
    Rotten(usize),
    /// The rest is no whole frame.
    Torn,
}

pub struct Cipher(XChaCha20Poly1305);

impl Cipher {
    /// Made of the key of the database, which is never used itself.
    pub fn new(key: &str) -> Result<Self, Failure> {
        let key: [u8; 32] = unhex(key).ok_or_else(|| Failure::internal("the key of the database is not 32 bytes"))?;
        Ok(Self(XChaCha20Poly1305::new(&blake3::derive_key("stillage outbox mirror 1", &key).into())))
    }

    pub fn write(&self, frame: &Frame, mint: &Mint, out: &mut Vec<u8>) -> Result<(), Failure> {
        let nonce = mint.secret::<NONCE>();
        let text = serde_json::to_vec(frame)?;
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), Payload { msg: &text, aad: PURPOSE })
            .map_err(|_| Failure::internal("a frame of the mirror could not be sealed"))?;
        let mut sum = crc32fast::Hasher::new();
        sum.update(&nonce);
        sum.update(&sealed);
        let length = u32::try_from(NONCE + sealed.len()).map_err(Failure::internal)?;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&sum.finalize().to_le_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(())
    }

    pub fn read(&self, bytes: &[u8]) -> Found {
        let Some((length, rest)) = number(bytes) else { return Found::Torn };
        let Some((sum, rest)) = number(rest) else { return Found::Torn };
        let length = length as usize;
        if !(NONCE..=LONGEST).contains(&length) || rest.len() < length {
            return Found::Torn;
        }
        let whole = HEAD + length;
        let rest = &rest[..length];
        if crc32fast::hash(rest) != sum {
            return Found::Rotten(whole);
        }
        self.unseal(rest).map_or(Found::Rotten(whole), |frame| Found::Frame(Box::new(frame), whole))
    }

    fn unseal(&self, bytes: &[u8]) -> Option<Frame> {
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        let text = self.0.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: PURPOSE }).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk::<4>().map(|(number, rest)| (u32::from_le_bytes(*number), rest))
}
