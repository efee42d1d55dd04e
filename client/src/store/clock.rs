//! What time it is at the server. Every answer brings a sample; the one with the shortest round
//! trip among the last eight is believed. Within one start of the machine the monotonic clock
//! carries it on, so that a wall clock somebody turns does not matter.

use crate::{
    Failure,
    mint::Moment,
    store::{Durability, Store, settings},
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use stillage_core::change::MAX_CLOCK_ERROR;

const SAMPLES: usize = 8;
const MINUTE: i64 = 60 * 1_000_000;
/// How far a quartz drifts: 50 microseconds a second.
const DRIFT_PER_MILLION: i64 = 50;
/// The error of a clock that was never compared.
const UNKNOWN: i64 = MAX_CLOCK_ERROR;

/// Takes a sample; says until when, by the monotonic clock, another would not be kept.
pub fn keep(store: &Store, sample: Sample) -> Result<i64, Failure> {
    let mut clock = store.read(Clock::load)?;
    if clock.add(sample) {
        store.write(Durability::Normal, |transaction| clock.save(transaction))?;
    }
    Ok(clock.holds())
}

/// One question and its answer, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Half way between question and answer.
    pub at: Moment,
    pub round_trip: i64,
    pub server: i64,
}

impl Sample {
    #[must_use]
    pub fn new(asked: &Moment, answered: &Moment, server: i64) -> Self {
        let round_trip = answered.monotonic - asked.monotonic;
        let at = Moment {
            wall: answered.wall - round_trip / 2,
            monotonic: answered.monotonic - round_trip / 2,
            boot: answered.boot.clone(),
        };
        Self { at, round_trip, server }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clock(Vec<Sample>);

impl Clock {
    pub fn load(conn: &Connection) -> Result<Self, Failure> {
        let kept = settings::get(conn, settings::CLOCK)?;
        Ok(Self(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()))
    }

    pub fn save(&self, conn: &Connection) -> Result<(), Failure> {
        settings::set(conn, settings::CLOCK, &serde_json::to_string(&self.0)?)
    }

    /// Takes a sample; says whether it is worth keeping. Once there are enough, one a minute is.
    pub fn add(&mut self, sample: Sample) -> bool {
        // Samples of another start of the machine say less than any of this one.
        self.0.retain(|old| old.at.boot == sample.at.boot);
        let full = self.0.len() >= SAMPLES;
        let fresh = self.0.last().is_some_and(|last| sample.at.monotonic - last.at.monotonic < MINUTE);
        if full && fresh {
            return false;
        }
        if full {
            self.0.remove(0);
        }
        self.0.push(sample);
        true
    }

    /// Until when another sample would not be kept.
    fn holds(&self) -> i64 {
        let full = self.0.len() >= SAMPLES;
        self.0.last().filter(|_| full).map_or(0, |last| last.at.monotonic + MINUTE)
    }

    /// The server's time and how far it may be off.
    #[must_use]
    pub fn now(&self, here: &Moment) -> (i64, i64) {
        let Some(best) = self.0.iter().min_by_key(|sample| sample.round_trip) else {
            return (here.wall, UNKNOWN);
        };
        let by_wall = here.wall - best.at.wall;
        if best.at.boot != here.boot {
            return (best.server + by_wall, best.round_trip / 2 + drift(by_wall));
        }
        let elapsed = here.monotonic - best.at.monotonic;
        let error = best.round_trip / 2 + drift(elapsed) + (by_wall - elapsed).abs();
        (best.server + elapsed, error)
    }
}

fn drift(elapsed: i64) -> i64 {
    elapsed.abs() / 1_000_000 * DRIFT_PER_MILLION
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall: i64, monotonic: i64, boot: &str) -> Moment {
        Moment { wall, monotonic, boot: boot.into() }
    }

    #[test]
    fn a_turned_wall_clock_does_not_move_the_servers_time() {
        let mut clock = Clock::default();
        clock.add(Sample::new(&moment(1000, 10, "a"), &moment(1020, 30, "a"), 50_000));
        let (now, error) = clock.now(&moment(9_000_000, 130, "a"));
        assert_eq!(now, 50_110);
        assert!(error > 8_000_000, "the disagreement of both clocks counts as error");
    }

    #[test]
    fn a_device_that_never_asked_says_so() {
        assert_eq!(Clock::default().now(&moment(5, 1, "a")), (5, UNKNOWN));
    }

    #[test]
    fn after_a_restart_the_wall_clock_carries_on() {
        let mut clock = Clock::default();
        clock.add(Sample::new(&moment(1000, 10, "a"), &moment(1000, 10, "a"), 51_000));
        assert_eq!(clock.now(&moment(3000, 1, "b")).0, 53_000);
    }
}
