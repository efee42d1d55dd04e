//! Certificates: signed when a device joins, and checked when one comes back that this server, restored from an older
//! backup, does not know.
//!
//! The surprise: the organisation's key is in the database and so in every backup. A key beside the database would be
//! lost with it, which is the one day on which it is needed.

use crate::error::ServerError;
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use std::{fmt, sync::Arc};
use stillage_core::{
    certificate::{Certificate, Membership, Shown},
    id::{EpochId, OrganisationId},
    wire::EnrolInput,
};

/// How long a proof is good for, in microseconds: it is made for one request.
const PROOF_LIFE: i64 = 5 * 60 * 1_000_000;

/// The organisation's key. Cheap to clone.
#[derive(Clone)]
pub struct Seal(Arc<SigningKey>);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        Self(Arc::new(SigningKey::from_bytes(seed)))
    }

    #[must_use]
    pub fn certify(&self, membership: &Membership) -> Certificate {
        let body = membership.body();
        let signature = self.0.sign(&Certificate::signed(&body));
        Certificate { body, signature: STANDARD.encode(signature.to_bytes()) }
    }

    /// Whom a certificate names, if this organisation gave it to the device that asks, and the device holds its key.
    pub fn verified(
        &self,
        shown: &Shown,
        input: &EnrolInput,
        (org, epoch, now): (OrganisationId, EpochId, i64),
    ) -> Result<Membership, ServerError> {
        let refused = || ServerError::Forbidden("The certificate is not one that this organisation gave the device.");
        let Shown { certificate, at, proof } = shown;
        let own = VerifyingKey::from(self.0.as_ref());
        if !holds(&own, &Certificate::signed(&certificate.body), &certificate.signature) {
            return Err(refused());
        }
        let membership: Membership = serde_json::from_str(&certificate.body).map_err(|_| refused())?;
        if (membership.organisation, membership.device) != (org, input.device)
            || membership.public_key != input.public_key
        {
            return Err(refused());
        }
        let key = key(&membership.public_key).ok_or_else(refused)?;
        if !holds(&key, &certificate.challenge(epoch, *at), proof) {
            return Err(refused());
        }
        if now.abs_diff(*at) > PROOF_LIFE.unsigned_abs() {
            return Err(ServerError::Forbidden("The proof was made for another request; try again."));
        }
        Ok(membership)
    }
}

fn key(base64: &str) -> Option<VerifyingKey> {
    let bytes: [u8; 32] = STANDARD.decode(base64).ok()?.try_into().ok()?;
    VerifyingKey::from_bytes(&bytes).ok()
}

fn holds(key: &VerifyingKey, message: &[u8], signature: &str) -> bool {
    let signature = STANDARD.decode(signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
    signature.is_some_and(|signature| key.verify_strict(message, &signature).is_ok())
}
