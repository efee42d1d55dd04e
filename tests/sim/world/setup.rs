//! How a schedule begins: people, sites, bins and items are there, and every device has pulled them.

use super::{Event, Mode, START, World};
use crate::{
    checks::Checks,
    clock::Machine,
    device::{Device, Disk, Stamp},
    dice::Dice,
    people::{Land, create},
    plan::{Fault, Plan},
    server::{Known, Limits, Request, Server},
    shelf::Shelf,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use stillage_core::{
    action::Action,
    id::{ChangeId, DeviceId, EpochId, ItemId, LocationId, PersonId},
    record::{Ref, Tracking},
};

impl<'a> World<'a> {
    pub(super) fn new(plan: &'a Plan, mode: Mode) -> Self {
        let mut dice = Dice::new(plan.seed, u64::MAX);
        let mut server = Server::new(EpochId(dice.uuid()));
        let mut checks = Checks::default();
        let (land, actions) = furnish(plan, &mut dice);
        furnished(&mut server, &mut checks, &mut dice, actions);
        server.broken = mode.broken;
        let mut world = Self {
            plan,
            mode,
            now: START,
            queue: BinaryHeap::new(),
            events: Vec::with_capacity(1024),
            asked: 0,
            served: 0,
            dice,
            server,
            waiting: VecDeque::new(),
            devices: Vec::new(),
            asking: BTreeMap::new(),
            images: BTreeMap::new(),
            backups: Vec::new(),
            settled: BTreeSet::new(),
            histories: Vec::new(),
            overdrawn: BTreeSet::new(),
            makers: BTreeMap::new(),
            land,
            shelf: Shelf::default(),
            checks,
            fired: [0; Fault::ALL.len()],
            told: BTreeMap::new(),
            acked: BTreeMap::new(),
            recorded: Vec::new(),
            destroyed: BTreeSet::new(),
            let_go: Default::default(),
            poisoned: Vec::new(),
            spoilt: BTreeSet::new(),
            causes: Default::default(),
            calm: false,
            hash: plan.seed,
            trace: Vec::new(),
        };
        world.people();
        world
    }

    /// Some people have two devices; a device may hold every site or some.
    fn people(&mut self) {
        let mut person = PersonId(self.dice.uuid());
        for at in 0..self.plan.devices {
            if at > 0 && !self.dice.chance(250) {
                person = PersonId(self.dice.uuid());
            }
            let mut sites = self.land.sites.clone();
            self.dice.shuffle(&mut sites);
            sites.truncate(1 + self.dice.index(sites.len()));
            let sites = self.dice.chance(500).then(|| sites.into_iter().collect());
            let (id, change) = (DeviceId(self.dice.uuid()), self.dice.uuid());
            self.server.enrol(id, Known { person, sites, links: Vec::new(), first: true }, change, &mut self.checks);
            let new = if self.mode.sqlite { Disk::with_sqlite } else { Disk::new };
            let mut disk = new(id, person, self.server.epoch);
            disk.certificate = self.server.certificate(id);
            self.devices.push(Device::new(disk, Machine::exact(START - 1_000_000)));
        }
        for at in 0..self.devices.len() {
            self.first_sync(at);
            let delay = self.dice.between(1, 30_000_000);
            self.after(delay, Event::Poll { device: at });
        }
    }

    fn first_sync(&mut self, at: usize) {
        let limits = Limits { rows: 5000, results: 5000 };
        let now = self.now;
        let device = &mut self.devices[at];
        while let Some(answer) = self.server.pull(&device.disk.pull_input(), limits, now, &mut self.checks) {
            let applied = device.disk.apply(&answer);
            if !answer.has_more && !applied.is_ok_and(|applied| applied.new_scope) {
                break;
            }
        }
        // How good this first sample is stays with a device for long.
        let way = if self.plan.exact() { 0 } else { self.dice.between(0, 2 * self.plan.latency) };
        let there = if way == 0 { 0 } else { self.dice.between(0, way) };
        let (asked, answered) = (device.machine.moment(now - way), device.machine.moment(now));
        device.disk.sample(asked, answered, now - there);
        if self.plan.on(Fault::PowerLoss) {
            device.flushed = Some(device.disk.clone());
        }
    }
}

fn furnish(plan: &Plan, dice: &mut Dice) -> (Land, Vec<Action>) {
    let mut land = Land::default();
    let mut actions = Vec::new();
    for site in 0..plan.sites {
        let id = LocationId(dice.uuid());
        actions.push(create(id.into(), &[("code", json!(format!("SITE-{site}"))), ("role", json!("site"))]));
        land.sites.push(id);
        for bin in 0..plan.bins {
            let of = LocationId(dice.uuid());
            let code = json!(format!("BIN-{site}-{bin}"));
            let level = ["warn", "warn", "warn", "allow", "block"][dice.index(5)];
            let fields = [("code", code), ("parent", json!(id)), ("negative", json!(level))];
            actions.push(create(of.into(), &fields));
            land.bins.push((of, id));
        }
    }
    for item in 0..plan.items {
        let id = ItemId(dice.uuid());
        let (tracking, word) = match dice.below(10) {
            0..7 => (Tracking::None, "none"),
            7..9 => (Tracking::Lot, "lot"),
            _ => (Tracking::Serial, "serial"),
        };
        let sku = json!(format!("SKU-{item}"));
        actions.push(create(id.into(), &[("sku", sku), ("name", json!("thing")), ("tracking", json!(word))]));
        land.items.push((id, tracking));
    }
    (land, actions)
}

/// An admin's device writes it all and is not seen again.
fn furnished(server: &mut Server, checks: &mut Checks, dice: &mut Dice, actions: Vec<Action>) {
    let (id, person) = (DeviceId(dice.uuid()), PersonId(dice.uuid()));
    server.enrol(id, Known { person, sites: None, links: Vec::new(), first: true }, dice.uuid(), checks);
    let mut disk = Disk::new(id, person, server.epoch);
    let machine = Machine::exact(START - 1_000_000);
    for (at, action) in (START - 900_000..).zip(actions) {
        let subject: Option<Ref> = action.creates();
        let made = disk.act(action, ChangeId(dice.uuid()), Stamp { at, error: 0, here: machine.moment(at) });
        debug_assert!(made.is_ok(), "{subject:?} could not be made: {made:?}");
    }
    if let Some(input) = disk.seal(500) {
        let attempt = server.attempt(&[Request { input, received_at: START }]);
        server.commit(&attempt, checks);
    }
}
