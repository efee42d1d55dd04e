//! The only source of time, ids and randomness. Wall time comes through libc; the monotonic clock
//! is the one that also counts the time a machine is asleep.

use std::{
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use uuid::{ContextV7, Timestamp, Uuid};

/// Both clocks at one moment, and which start of the machine the monotonic one counts from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Moment {
    /// Microseconds since 1970.
    pub wall: i64,
    /// Microseconds since the machine started.
    pub monotonic: i64,
    pub boot: String,
}

/// Hands out what must never be the same twice, or cannot be known beforehand.
#[derive(Debug)]
pub struct Mint {
    order: Mutex<ContextV7>,
    boot: String,
    given: Option<(Moment, Uuid)>,
}

impl Default for Mint {
    fn default() -> Self {
        Self::new()
    }
}

impl Mint {
    #[must_use]
    pub fn new() -> Self {
        Self { order: Mutex::new(ContextV7::new()), boot: boot_id(), given: None }
    }

    /// Says this moment and this id and no other: for simulated fleets, whose time and chance are their own. Secrets
    /// stay nobody's to guess.
    #[must_use]
    pub fn given(moment: Moment, id: Uuid) -> Self {
        Self { order: Mutex::new(ContextV7::new()), boot: String::new(), given: Some((moment, id)) }
    }

    /// Microseconds since 1970 on this machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the source")]
    pub fn now(&self) -> i64 {
        if let Some((moment, _)) = &self.given {
            return moment.wall;
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    #[must_use]
    pub fn moment(&self) -> Moment {
        if let Some((moment, _)) = &self.given {
            return moment.clone();
        }
        Moment { wall: self.now(), monotonic: monotonic(), boot: self.boot.clone() }
    }

    /// A new `UUIDv7`, greater than those handed out before.
    #[must_use]
    pub fn id(&self) -> Uuid {
        if let Some((_, id)) = self.given {
            return id;
        }
        let now = self.now();
        let seconds = u64::try_from(now.div_euclid(1_000_000)).unwrap_or(0);
        let nanos = u32::try_from(now.rem_euclid(1_000_000) * 1000).unwrap_or(0);
        let order = self.order.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(&*order, seconds, nanos))
    }

    /// Random bytes that nobody can guess.
    #[must_use]
    pub fn secret<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        #[expect(clippy::expect_used, reason = "without the system's randomness no key may be made")]
        getrandom::fill(&mut bytes).expect("the system's source of randomness");
        bytes
    }

    /// A wait drawn evenly from `0..limit`.
    #[must_use]
    pub fn jitter(&self, limit: Duration) -> Duration {
        limit.mul_f64(self.fraction())
    }

    /// Drawn evenly from `0..1`.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        let bits = u32::from_le_bytes(self.secret());
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(target_os = "linux")]
fn monotonic() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_nsec / 1000)
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::disallowed_methods, reason = "this is the source")]
fn monotonic() -> i64 {
    use std::{sync::OnceLock, time::Instant};
    static START: OnceLock<Instant> = OnceLock::new();
    i64::try_from(START.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(i64::MAX)
}

/// Tells one start of the machine from the next. Empty where the system does not say: then no
/// monotonic reading outlives the process.
#[cfg(target_os = "linux")]
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn boot_id() -> String {
    let mut bytes = [0; 16];
    let _ = getrandom::fill(&mut bytes);
    Uuid::from_bytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise() {
        let mint = Mint::new();
        let ids: Vec<Uuid> = (0..1000).map(|_| mint.id()).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn the_monotonic_clock_never_goes_back() {
        let mint = Mint::new();
        let first = mint.moment();
        let second = mint.moment();
        assert!(second.monotonic >= first.monotonic && second.boot == first.boot);
    }
}
