//! From a bearer token to a principal.
//!
//! The surprise: what a token may do is remembered for two seconds, so a revoked token works that
//! much longer; in return, a busy integration costs no look-up per request.

use crate::{app::Principal, error::ServerError, mint::Mint, store::devices, sync::enrol::secret_hash};
use axum::http::{HeaderMap, header};
use sqlx::PgPool;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use stillage_core::id::OrganisationId;

const REMEMBERED: Duration = Duration::from_secs(2);
/// Beyond this many, the old ones are forgotten.
const MOST: usize = 10_000;

type Known = HashMap<Vec<u8>, (Instant, Principal)>;

#[derive(Debug, Clone)]
pub struct Tokens {
    pool: PgPool,
    org: OrganisationId,
    mint: Mint,
    known: Arc<Mutex<Known>>,
}

/// The token of `Authorization: Bearer …`.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok().and_then(token)
}

/// The token in the value of an authorization header.
#[must_use]
pub fn token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim())
}

impl Tokens {
    #[must_use]
    pub fn new(pool: PgPool, org: OrganisationId, mint: Mint) -> Self {
        Self { pool, org, mint, known: Arc::default() }
    }

    /// Who holds the token. No token is nobody; a token that is not known is an error.
    pub async fn principal(&self, token: Option<&str>) -> Result<Option<Principal>, ServerError> {
        let Some(token) = token else { return Ok(None) };
        let hash = secret_hash(token);
        let now = self.mint.instant();
        if let Some(known) = self.remembered(&hash, now) {
            return Ok(Some(known));
        }
        let found = devices::by_token(&self.pool, self.org, &hash).await?.ok_or(ServerError::SignedOut)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (since, _)| now.duration_since(*since) < REMEMBERED);
        }
        known.insert(hash, (now, found.clone()));
        Ok(Some(found))
    }

    fn remembered(&self, hash: &[u8], now: Instant) -> Option<Principal> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).filter(|(since, _)| now.duration_since(*since) < REMEMBERED).map(|(_, who)| who.clone())
    }
}
