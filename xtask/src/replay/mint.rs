//! The only place of the replay that reads a clock or draws a number nobody chose.

use std::time::{Duration, Instant};

/// When something began, to learn later how long it took.
#[derive(Clone, Copy)]
pub struct Watch(Instant);

impl Watch {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this file is where the replay reads its clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// A seed for a run that was given none. It is printed, so that the run can be had again.
#[must_use]
pub fn seed() -> u64 {
    rand::random()
}
