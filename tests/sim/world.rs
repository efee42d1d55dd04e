//! One schedule: a queue of events in time, one server, some devices, a network between them. Single-threaded; nothing
//! here reads a clock or draws chance but from the plan's seed.

mod cause;
mod fate;
mod heal;
mod network;
mod rest;
mod setup;
mod snapshot;
mod steps;
mod told;

pub use snapshot::Beginning;

use crate::{
    checks::{Breach, Check, Checks},
    device::{Ask, Device, Disk, Reply},
    dice::Dice,
    people::Land,
    plan::{Fault, Plan},
    server::{Broken, Request, Server, check_cell},
    shelf::Shelf,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
};
use stillage_core::{
    change::Outcome,
    id::{ChangeId, DeviceId},
    record::Ref,
};

/// When every schedule begins.
pub const START: i64 = 1_767_225_600_000_000;
/// After the last step, everybody has so long to come to rest.
const PATIENCE: i64 = 3 * 3600 * 1_000_000;
/// Events of the rest phase; more is a loop.
const MOST: u64 = 6000;
/// Fewer are no schedule: at rest, devices go on polling until there were so many.
const LEAST: u64 = 200;
/// How often a refusal or a discarded answer may lead to another attempt.
const ATTEMPTS: u32 = 4;

/// What is in the queue.
#[derive(Debug)]
enum Event {
    Step(usize),
    Request { device: usize, ask: u64, what: Ask },
    Serve,
    Answer { device: usize, ask: u64, reply: Reply },
    TimedOut { device: usize, ask: u64 },
    Poke { device: usize },
    Poll { device: usize },
}

/// What came of one schedule.
#[derive(Debug, Clone)]
pub struct Outcomes {
    pub events: u64,
    pub fired: [u64; Fault::ALL.len()],
    pub times: [u64; Check::ALL.len()],
    pub breach: Option<Breach>,
    pub hash: u64,
    pub trace: Vec<String>,
}

/// How a schedule is run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mode {
    /// Whole-state invariants after every event and not only now and then.
    pub every: bool,
    pub trace: bool,
    /// The production store beside every disk.
    pub sqlite: bool,
    pub broken: Option<Broken>,
}

pub struct World<'a> {
    plan: &'a Plan,
    mode: Mode,
    now: i64,
    queue: BinaryHeap<Reverse<(i64, usize)>>,
    /// By the number under which they are in the queue.
    events: Vec<Option<Event>>,
    asked: u64,
    served: u64,
    dice: Dice,
    server: Server,
    waiting: VecDeque<(usize, u64, Request)>,
    devices: Vec<Device>,
    asking: BTreeMap<(usize, u64), crate::clock::Moment>,
    images: BTreeMap<usize, Disk>,
    backups: Vec<Server>,
    /// What devices held as settled when their server was lost.
    settled: BTreeSet<ChangeId>,
    /// What each history that was lost had taken.
    histories: Vec<BTreeSet<ChangeId>>,
    /// Items and places that were below zero when their server was lost.
    overdrawn: BTreeSet<(String, String)>,
    /// Which change made which record.
    makers: BTreeMap<Ref, ChangeId>,
    land: Land,
    shelf: Shelf,
    checks: Checks,
    fired: [u64; Fault::ALL.len()],
    /// The end that was told of each change, and how far each device was told its chain is taken.
    told: BTreeMap<ChangeId, Outcome>,
    acked: BTreeMap<DeviceId, u64>,
    /// Recorded on a device, with which; gone with a disk that somebody replaced.
    recorded: Vec<(ChangeId, usize)>,
    destroyed: BTreeSet<ChangeId>,
    /// Let go of because every backup holds it.
    let_go: heal::Held,
    poisoned: Vec<ChangeId>,
    /// Snapshots that were made wrong.
    spoilt: BTreeSet<uuid::Uuid>,
    causes: cause::Causes,
    calm: bool,
    hash: u64,
    trace: Vec<String>,
}

/// Runs `plan` with those of its steps that are named.
pub fn run(plan: &Plan, steps: &[usize], mode: Mode) -> Outcomes {
    let mut world = World::new(plan, mode);
    for &step in steps {
        world.at(START + plan.steps[step].at, Event::Step(step));
    }
    world.unfold();
    if world.checks.breach.is_none() {
        world.come_to_rest();
    }
    world.finish()
}

impl World<'_> {
    fn at(&mut self, at: i64, event: Event) {
        self.queue.push(Reverse((at, self.events.len())));
        self.events.push(Some(event));
    }

    fn after(&mut self, delay: i64, event: Event) {
        self.at(self.now + delay, event);
    }

    fn next(&mut self) -> Option<Event> {
        let Reverse((at, id)) = self.queue.pop()?;
        // No two things happen at the same microsecond.
        self.now = at.max(self.now + 1);
        self.events.get_mut(id)?.take()
    }

    fn unfold(&mut self) {
        let last = self.plan.steps.last().map_or(START, |step| START + step.at);
        while self.checks.breach.is_none()
            && self.queue.peek().is_some_and(|Reverse((at, _))| *at <= last)
            && let Some(event) = self.next()
        {
            self.happen(event);
        }
    }

    fn come_to_rest(&mut self) {
        self.calm_down();
        let (deadline, most) = (self.now + PATIENCE, self.served + MOST);
        let goes_on = |world: &Self| world.served < LEAST || !world.is_at_rest();
        while self.checks.breach.is_none() && self.now < deadline && self.served < most && goes_on(self) {
            let Some(event) = self.next() else { break };
            self.happen(event);
        }
        self.check_rest();
    }

    fn happen(&mut self, event: Event) {
        self.served += 1;
        self.note(&event);
        match event {
            Event::Step(step) => self.step(step),
            Event::Request { device, ask, what } => self.request(device, ask, what),
            Event::Serve => self.serve(),
            Event::Answer { device, ask, reply } => self.answer(device, ask, reply),
            Event::TimedOut { device, ask } => self.timed_out(device, ask),
            Event::Poke { device } => self.nudge(device),
            Event::Poll { device } => self.poll(device),
        }
        if self.mode.every || self.served.is_multiple_of(64) {
            self.check_server();
        }
        self.check_stores(self.mode.every || self.served.is_multiple_of(16));
    }

    /// Every device that has the production store beside it holds the same in both.
    fn check_stores(&mut self, whole: bool) {
        for (at, device) in self.devices.iter().enumerate() {
            if let Some(compared) = device.disk.compared(whole) {
                let what = || format!("device {at}: {}", compared.clone().err().unwrap_or_default());
                self.checks.hold(Check::StoresAgree, compared.is_ok(), what);
            }
        }
    }

    /// Every sum on the server.
    fn check_server(&mut self) {
        for cell in self.server.book.cells.keys() {
            check_cell(&self.server, cell, &mut self.checks);
        }
        let mut sums: BTreeMap<uuid::Uuid, i64> = BTreeMap::new();
        for (cell, level) in self.server.book.cells.iter() {
            *sums.entry(cell.item.0).or_default() += level.on_hand.0;
        }
        for kept in self.server.book.movements.values() {
            let movement = &kept.movement;
            for (place, delta) in [(movement.from, -movement.qty.0), (movement.to, movement.qty.0)] {
                if place.site.is_none() {
                    *sums.entry(movement.item.0).or_default() += delta;
                }
            }
        }
        for (item, sum) in sums {
            self.checks.hold(Check::ItemsSumToZero, sum == 0, || format!("{item} sums to {sum} over all places"));
        }
        for (scope, log) in &self.server.logs {
            let whole = log.iter().zip(1..).all(|(row, seq)| row.seq == seq);
            self.checks.hold(Check::LogIsWhole, whole, || format!("the log of {scope} has a hole"));
        }
    }

    fn fire(&mut self, fault: Fault) -> bool {
        let strikes = !self.calm && self.plan.on(fault) && self.dice.chance(self.plan.rate(fault));
        if strikes {
            self.fired(fault);
        }
        strikes
    }

    fn fired(&mut self, fault: Fault) {
        self.fired[fault.at()] += 1;
        self.mix(1000 + fault.at() as u64);
        self.say(|| format!("  fault: {}", fault.name()));
    }

    fn say(&mut self, what: impl FnOnce() -> String) {
        if self.mode.trace {
            let at = self.now - START;
            self.trace.push(format!("{:>4}.{:06} {}", at / 1_000_000, at % 1_000_000, what()));
        }
    }

    fn note(&mut self, event: &Event) {
        let (code, device) = match event {
            Event::Step(step) => (1, *step),
            Event::Request { device, .. } => (2, *device),
            Event::Serve => (3, 0),
            Event::Answer { device, .. } => (4, *device),
            Event::TimedOut { device, .. } => (5, *device),
            Event::Poke { device } => (6, *device),
            Event::Poll { device } => (7, *device),
        };
        self.mix(code);
        self.mix(device as u64);
        self.mix((self.now - START).unsigned_abs());
    }

    /// Takes a number into the hash of what happened.
    fn mix(&mut self, number: u64) {
        self.hash = (self.hash.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn mix_id(&mut self, id: uuid::Uuid) {
        let (high, low) = id.as_u64_pair();
        self.mix(high ^ low);
    }

    fn finish(mut self) -> Outcomes {
        let known: Vec<_> = self.server.devices.iter().map(|(id, known)| (*id, known.ack(*id))).collect();
        for (id, ack) in known {
            self.mix_id(id.0);
            self.mix_id(uuid::Uuid::from_bytes(ack.chain.0));
        }
        let held: Vec<i64> = self.server.book.cells.values().map(|level| level.on_hand.0).collect();
        held.into_iter().for_each(|held| self.mix(held.unsigned_abs()));
        Outcomes {
            events: self.served,
            fired: self.fired,
            times: self.checks.times,
            breach: self.checks.breach,
            hash: self.hash,
            trace: self.trace,
        }
    }
}
