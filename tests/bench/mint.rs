//! Where the bench takes its time and its ids. The clock only measures; ids and moments follow from the seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// When something began, to learn how long it took.
#[derive(Debug, Clone, Copy)]
pub struct Watch(Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "this file is where the bench reads its clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    pub fn seconds(self) -> f64 {
        self.elapsed().as_secs_f64()
    }

    pub fn ms(self) -> f64 {
        self.seconds() * 1000.0
    }
}

/// The first moment anything is said to have happened: the start of 2026, long enough ago to be in the past.
const START_US: i64 = 1_767_225_600_000_000;

/// Ids, moments and choices, the same for the same seed.
#[derive(Debug)]
pub struct Mint {
    rng: ChaCha8Rng,
    at: i64,
}

impl Mint {
    pub fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), at: START_US }
    }

    /// A `UUIDv7` of a moment later than that of every one before it.
    pub fn id(&mut self) -> Uuid {
        let millis = u64::try_from(self.at() / 1000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.rng.random()).into_uuid()
    }

    /// A moment in microseconds, a millisecond after the last one.
    pub fn at(&mut self) -> i64 {
        self.at += 1000;
        self.at
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.rng.random_range(0..limit.max(1))
    }

    pub fn key(&mut self) -> [u8; 32] {
        self.rng.random()
    }
}
