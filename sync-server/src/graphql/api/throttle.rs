//! A bucket of points for each principal: a request takes its cost out before it runs, and time
//! pours points back in.

use std::{collections::HashMap, sync::Mutex};
use stillage_core::id::DeviceId;

/// How much one caller may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The dearest single request.
    pub max_cost: u64,
    /// The deepest nesting of fields.
    pub max_depth: usize,
    /// Points a full bucket holds, and how many come back each second.
    pub capacity: u64,
    pub per_second: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_cost: 2_000, max_depth: 16, capacity: 2_000, per_second: 200 }
    }
}

/// What a bucket holds after a request took its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub available: u64,
    /// Set when nothing was taken: how long until there is enough, in milliseconds.
    pub wait: Option<u64>,
}

/// Millionths of a point, so that no microsecond is lost to rounding.
const POINT: u64 = 1_000_000;
/// Buckets that are full again are dropped when there are more than so many.
const MANY: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    micropoints: u64,
    at: i64,
}

#[derive(Debug, Default)]
pub struct Buckets(Mutex<HashMap<DeviceId, Bucket>>);

impl Buckets {
    /// Takes `cost` points at `now` (microseconds), or says how long to wait for them.
    pub fn take(&self, limits: &Limits, of: DeviceId, cost: u64, now: i64) -> Level {
        let mut buckets = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let full = limits.capacity.saturating_mul(POINT);
        if buckets.len() > MANY {
            buckets.retain(|_, bucket| filled(limits, *bucket, now) < full);
        }
        let known = buckets.get(&of).copied().unwrap_or(Bucket { micropoints: full, at: now });
        let held = filled(limits, known, now);
        let wanted = cost.saturating_mul(POINT);
        let short = wanted.saturating_sub(held);
        let left = if short == 0 { held - wanted } else { held };
        buckets.insert(of, Bucket { micropoints: left, at: now });
        let wait = (short > 0).then(|| short.div_ceil(limits.per_second.max(1).saturating_mul(1000)));
        Level { available: left / POINT, wait }
    }

    /// Gives back what a request did not use.
    pub fn give_back(&self, limits: &Limits, of: DeviceId, points: u64) -> u64 {
        let mut buckets = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let full = limits.capacity.saturating_mul(POINT);
        let Some(bucket) = buckets.get_mut(&of) else { return limits.capacity };
        bucket.micropoints = bucket.micropoints.saturating_add(points.saturating_mul(POINT)).min(full);
        bucket.micropoints / POINT
    }
}

fn filled(limits: &Limits, bucket: Bucket, now: i64) -> u64 {
    let micros = u64::try_from(now.saturating_sub(bucket.at)).unwrap_or(0);
    let full = limits.capacity.saturating_mul(POINT);
    bucket.micropoints.saturating_add(micros.saturating_mul(limits.per_second)).min(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_cost: 100, max_depth: 9, capacity: 100, per_second: 10 };

    #[test]
    fn an_empty_bucket_says_how_long_to_wait_and_fills_again() {
        let buckets = Buckets::default();
        let of = DeviceId::derived(uuid::Uuid::nil(), "x");
        assert_eq!(buckets.take(&LIMITS, of, 90, 0), Level { available: 10, wait: None });
        assert_eq!(buckets.take(&LIMITS, of, 30, 0), Level { available: 10, wait: Some(2000) });
        assert_eq!(buckets.take(&LIMITS, of, 30, 2_000_000), Level { available: 0, wait: None });
        assert_eq!(buckets.take(&LIMITS, of, 100, 60_000_000), Level { available: 0, wait: None });
    }

    #[test]
    fn what_was_not_used_comes_back_up_to_the_brim() {
        let buckets = Buckets::default();
        let of = DeviceId::derived(uuid::Uuid::nil(), "x");
        buckets.take(&LIMITS, of, 90, 0);
        assert_eq!(buckets.give_back(&LIMITS, of, 50), 60);
        assert_eq!(buckets.give_back(&LIMITS, of, 50), 100);
    }
}
