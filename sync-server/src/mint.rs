//! The only source of time, ids and randomness in the server. Everything else takes them as
//! parameters, so that a test can say when and who.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Letters and digits that are not mistaken for one another when read aloud.
const CODE_LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

#[derive(Debug, Clone, Copy, Default)]
pub struct Mint;

#[expect(clippy::disallowed_methods, reason = "this is the one place where they are called")]
impl Mint {
    /// Microseconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    /// For measuring how long something took.
    #[must_use]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    #[must_use]
    pub fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// A bearer token of 256 bits.
    pub fn token(&self) -> Result<String, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The seed of a signing key.
    pub fn seed(&self) -> Result<[u8; 32], getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map(|()| bytes)
    }

    /// A one-time code that people type: `K7QF-2M9X-HT4C`, 60 bits.
    pub fn code(&self) -> Result<String, getrandom::Error> {
        let mut bytes = [0; 12];
        getrandom::fill(&mut bytes)?;
        let letter = |byte: &u8| char::from(CODE_LETTERS[usize::from(byte % 32)]);
        let groups: Vec<String> = bytes.chunks(4).map(|group| group.iter().map(letter).collect()).collect();
        Ok(groups.join("-"))
    }

    /// A pause of up to `most`, different for everybody who asks.
    #[must_use]
    pub fn jitter(&self, most: Duration) -> Duration {
        let part = getrandom::u32().unwrap_or(u32::MAX / 2);
        most.mul_f64(f64::from(part) / f64::from(u32::MAX))
    }
}
