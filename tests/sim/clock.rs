//! The clocks of a machine, which may be off, drift and jump, and the device's idea of the server's time, as the client
//! forms it in `store/clock.rs`.

use stillage_core::change::MAX_CLOCK_ERROR;

const SAMPLES: usize = 8;
const MINUTE: i64 = 60 * 1_000_000;
const DRIFT_PER_MILLION: i64 = 50;

/// What a machine says of a moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub wall: i64,
    pub monotonic: i64,
    pub boot: u32,
}

/// A machine's quartz and what somebody set its wall clock to.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Added to the true time on the wall.
    pub offset: i64,
    /// Microseconds a second.
    pub drift: i64,
    pub boot: u32,
    pub booted_at: i64,
}

impl Machine {
    pub fn exact(now: i64) -> Self {
        Self { offset: 0, drift: 0, boot: 1, booted_at: now }
    }

    pub fn moment(&self, now: i64) -> Moment {
        let run = now - self.booted_at;
        let drifted = run / 1_000_000 * self.drift;
        Moment { wall: now + self.offset + drifted, monotonic: run + drifted, boot: self.boot }
    }

    /// What drifted so far stays on the wall; the monotonic clock starts anew.
    pub fn reboot(&mut self, now: i64) {
        self.offset = self.moment(now).wall - now;
        self.boot += 1;
        self.booted_at = now;
    }
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Moment,
    round_trip: i64,
    server: i64,
}

/// The best of the last samples is believed; within one boot the monotonic clock carries it on.
#[derive(Debug, Clone, Default)]
pub struct Clock(Vec<Sample>);

impl Clock {
    pub fn add(&mut self, asked: Moment, answered: Moment, server: i64) {
        let round_trip = answered.monotonic - asked.monotonic;
        let at = Moment {
            wall: answered.wall - round_trip / 2,
            monotonic: answered.monotonic - round_trip / 2,
            boot: answered.boot,
        };
        self.0.retain(|old| old.at.boot == at.boot);
        let full = self.0.len() >= SAMPLES;
        if full && self.0.last().is_some_and(|last| at.monotonic - last.at.monotonic < MINUTE) {
            return;
        }
        if full {
            self.0.remove(0);
        }
        self.0.push(Sample { at, round_trip, server });
    }

    /// The server's time and how far it may be off.
    pub fn now(&self, here: Moment) -> (i64, i64) {
        let Some(best) = self.0.iter().min_by_key(|sample| sample.round_trip) else {
            return (here.wall, MAX_CLOCK_ERROR);
        };
        let by_wall = here.wall - best.at.wall;
        if best.at.boot != here.boot {
            return (best.server + by_wall, best.round_trip / 2 + drift(by_wall));
        }
        let elapsed = here.monotonic - best.at.monotonic;
        (best.server + elapsed, best.round_trip / 2 + drift(elapsed) + (by_wall - elapsed).abs())
    }
}

fn drift(elapsed: i64) -> i64 {
    elapsed.abs() / 1_000_000 * DRIFT_PER_MILLION
}
