//! What an organisation gives a device when it joins, so that the device can come back to a server
//! that was restored from before: a certificate, and the proof that shows whose it is. Signing and
//! checking are done outside; here is what is signed.
//!
//! The surprise: a certificate is a text and not its fields. It is signed and checked byte for
//! byte, so that a newer server may say more in it.

use crate::{
    id::{DeviceId, EpochId, LocationId, OrganisationId, PersonId},
    text,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// As the device keeps it. It is no secret: without the device's key it opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// A `Membership` as canonical JSON.
    pub body: String,
    /// By the organisation's Ed25519 key over `Certificate::signed`, base64.
    pub signature: String,
}

/// What a certificate says: who a device is, and what it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub organisation: OrganisationId,
    pub device: DeviceId,
    pub name: String,
    /// Ed25519, base64.
    pub public_key: String,
    pub person: PersonId,
    pub person_name: String,
    /// The sites it may hold; `None` is every site.
    pub sites: Option<Vec<LocationId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<DeviceId>,
    /// Microseconds since 1970.
    pub issued_at: i64,
}

impl Membership {
    #[must_use]
    pub fn body(&self) -> String {
        text::canonical(&json!(self))
    }
}

impl Certificate {
    /// What the organisation signs.
    #[must_use]
    pub fn signed(body: &str) -> Vec<u8> {
        format!("stillage certificate 1\n{body}").into_bytes()
    }

    /// What the device signs to show that the certificate is its own: for one history, at one time
    /// of the server's clock.
    #[must_use]
    pub fn challenge(&self, epoch: EpochId, at: i64) -> Vec<u8> {
        format!("stillage return 1\n{epoch}\n{at}\n{}\n{}", self.signature, self.body).into_bytes()
    }
}

/// A certificate as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub certificate: Certificate,
    /// The server's time as its `hello` said it, microseconds since 1970.
    pub at: i64,
    /// By the device's key over `Certificate::challenge`, base64.
    pub proof: String,
}
