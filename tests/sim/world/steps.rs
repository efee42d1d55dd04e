//! What people and fate do.

use super::{Event, World};
use crate::{
    device::Stamp,
    dice::Dice,
    people::{Intent, Person, Spot, count, create, receive},
    plan::{Fault, Step, What},
    shelf::Known,
};
use serde_json::json;
use std::collections::BTreeSet;
use stillage_core::{
    action::Action,
    change::{Change, Outcome},
    id::{ChangeId, LocationId},
    scope::Scope,
    settle::{LogRow, Writes},
};

const SECOND: i64 = 1_000_000;

impl World<'_> {
    pub(super) fn step(&mut self, step: usize) {
        let Step { stream, device, what, .. } = self.plan.steps[step];
        let device = device % self.devices.len();
        let mut dice = Dice::new(self.plan.seed, stream);
        self.say(|| format!("step {step}: device {device} {what:?}"));
        match what {
            What::Act => self.act(device, &mut dice),
            What::Nudge => self.nudge(device),
            What::Cut => {
                self.devices[device].online = false;
                self.fired(Fault::Cut);
            }
            What::Join => self.join(),
            What::Crash => {
                self.fired(Fault::DeviceCrash);
                self.restart(device);
            }
            What::PowerLoss => self.power_loss(device),
            What::ClockOffset | What::ClockJump | What::ClockDrift => self.clock(device, what, &mut dice),
            What::Image => drop(self.images.insert(device, self.devices[device].disk.clone())),
            What::OldImage => self.old_image(device),
            What::CopiedDisk => self.copied_disk(device),
            What::Revoked => self.revoke(device, &mut dice),
            What::Granted => self.grant(device, &mut dice),
            What::Poison => self.poison(device, &mut dice),
            What::UnknownField => self.unknown_field(device, &mut dice),
            What::UnknownEntry => self.unknown_entry(&mut dice),
            What::CountedTwice => self.counted_twice(device, &mut dice),
            What::Recount => self.recount(device, &mut dice),
            What::ClockBack => self.clock_back(device, &mut dice),
            What::Backup => self.back_up(),
            What::Restore => self.restore(),
            What::Newcomer => self.newcomer(&mut dice),
            What::LetGo => self.let_go(device),
            What::NewBin => self.new_bin(device, &mut dice),
        }
    }

    pub(super) fn join(&mut self) {
        for at in 0..self.devices.len() {
            if !std::mem::replace(&mut self.devices[at].online, true) {
                self.after(1000 + at as i64, Event::Poke { device: at });
            }
        }
    }

    fn act(&mut self, device: usize, dice: &mut Dice) {
        let (land, shelf, disk) = (&self.land, &self.shelf, &self.devices[device].disk);
        if let Some(intent) = (Person { dice, land, disk, shelf }).intend() {
            self.record(device, intent, dice);
        }
    }

    /// Records what somebody did; their goods move only when the device said that it has it.
    fn record(&mut self, device: usize, intent: Intent, dice: &mut Dice) -> bool {
        if let Some((cell, delta)) = intent.hidden {
            self.shelf.hidden(cell, delta);
        }
        let id = ChangeId(dice.uuid());
        if self.crashes(device) {
            return false;
        }
        let (now, exact) = (self.now, self.plan.exact());
        let desktop = &mut self.devices[device];
        let here = desktop.machine.moment(now);
        if exact {
            desktop.disk.set_clock(here, now);
        }
        let (at, error) = desktop.disk.clock.now(here);
        let (kind, made) = (intent.action.kind(), intent.action.creates());
        let told =
            if self.mode.trace { serde_json::to_string(&intent.action).unwrap_or_default() } else { String::new() };
        match desktop.disk.act(intent.action, id, Stamp { at, error, here }) {
            Ok(effects) => {
                self.makers.extend(made.map(|of| (of, id)));
                self.shelf.acted(id, Known { t: now, at, error }, &effects, intent.mistake);
                self.knew(device, id, &effects);
                self.say(|| format!("  {id} at {:+} ±{error}: {told}", at - now));
                self.kept(device, id);
                true
            }
            Err(rejection) => {
                self.say(|| format!("  {kind} refused: {}", rejection.code()));
                false
            }
        }
    }

    fn kept(&mut self, device: usize, id: ChangeId) {
        self.mix_id(id.0);
        self.recorded.push((id, device));
        self.flush(device);
        if !self.crashes(device) && self.dice.chance(800) {
            let delay = self.dice.between(1, 2000);
            self.after(delay, Event::Poke { device });
        }
    }

    fn clock(&mut self, device: usize, what: What, dice: &mut Dice) {
        let now = self.now;
        let machine = &mut self.devices[device].machine;
        let far = [SECOND, 60 * SECOND, 3600 * SECOND][dice.index(3)];
        let by = dice.between(-far, far);
        let fault = match what {
            What::ClockOffset => {
                machine.reboot(now);
                machine.offset += by;
                Fault::ClockOffset
            }
            What::ClockJump => {
                machine.offset += by;
                Fault::ClockJump
            }
            _ => {
                machine.reboot(now);
                machine.drift = dice.between(-40, 41);
                Fault::ClockDrift
            }
        };
        self.fired(fault);
    }

    /// Somebody goes on in one place after the machine came up with an earlier time.
    fn clock_back(&mut self, device: usize, dice: &mut Dice) {
        let (land, shelf, disk) = (&self.land, &self.shelf, &self.devices[device].disk);
        let Some(spot) = (Person { dice, land, disk, shelf }).spot() else { return };
        if dice.chance(600) && !self.something_here(device, &spot, dice) {
            return;
        }
        self.now += 1;
        let machine = &mut self.devices[device].machine;
        machine.reboot(self.now);
        machine.offset -= dice.between(SECOND, 3600 * SECOND);
        if self.something_here(device, &spot, dice) {
            self.fired(Fault::ClockBack);
        }
    }

    fn something_here(&mut self, device: usize, spot: &Spot, dice: &mut Dice) -> bool {
        if dice.chance(400) {
            return self.count_here(device, spot, dice);
        }
        self.record(device, Intent { action: receive(spot), mistake: false, hidden: None }, dice)
    }

    fn sites_of(&mut self, device: usize) -> Option<&mut Option<BTreeSet<LocationId>>> {
        let id = self.devices[device].disk.device;
        self.server.devices.get_mut(&id).map(|known| &mut known.sites)
    }

    fn revoke(&mut self, device: usize, dice: &mut Dice) {
        let all: BTreeSet<LocationId> = self.land.sites.iter().copied().collect();
        let Some(sites) = self.sites_of(device) else { return };
        let held = sites.get_or_insert(all);
        let list: Vec<LocationId> = held.iter().copied().collect();
        if let Some(site) = dice.pick(&list) {
            held.remove(site);
            self.fired(Fault::Revoked);
        }
    }

    fn grant(&mut self, device: usize, dice: &mut Dice) {
        let all = self.land.sites.clone();
        let every = dice.chance(300);
        let Some(sites) = self.sites_of(device) else { return };
        let Some(held) = sites else { return };
        let site = dice.pick(&all).copied();
        held.extend(site);
        if every {
            *sites = None;
        }
        self.fired(Fault::Granted);
    }

    fn poison(&mut self, device: usize, dice: &mut Dice) {
        let id = ChangeId(dice.uuid());
        let (kind, version, body) = match dice.below(3) {
            0 => ("stock.teleport", 1, r#"{"action":{"do":"stock.teleport"},"at":1}"#),
            1 => ("stock.count", 2, r#"{"action":{"do":"stock.count"},"at":1}"#),
            _ => ("stock.issue", 1, r#"{"action":{"do":"stock.receive"},"at":1}"#),
        };
        let change = Change { id, seq: 0, kind: kind.to_owned(), version, body: body.to_owned() };
        self.devices[device].disk.act_unread(change);
        self.poisoned.push(id);
        self.fired(Fault::Poison);
        self.kept(device, id);
    }

    fn unknown_field(&mut self, device: usize, dice: &mut Dice) {
        let (land, shelf, disk) = (&self.land, &self.shelf, &self.devices[device].disk);
        let action = Person { dice, land, disk, shelf }.edited(true);
        if let Some(action) = action
            && self.record(device, Intent { action, mistake: false, hidden: None }, dice)
        {
            self.fired(Fault::UnknownField);
        }
    }

    /// A newer server logs something this version has never heard of.
    fn unknown_entry(&mut self, dice: &mut Dice) {
        let scope = if dice.chance(500) { None } else { dice.pick(&self.land.sites).copied() };
        let scope = scope.map_or(Scope::Catalogue, Scope::Site);
        let mut writes = Writes::default();
        writes.log.push(LogRow {
            scope,
            kind: "hologram",
            id: "hol_1".to_owned(),
            change: ChangeId(dice.uuid()),
            outcome: Outcome::Applied,
            body: json!({ "n": dice.below(1000) }).to_string(),
            record: None,
            movement: None,
        });
        self.server.commit_writes(&writes, &mut self.checks);
        self.fired(Fault::UnknownEntry);
        self.poke_all();
    }

    fn new_bin(&mut self, device: usize, dice: &mut Dice) {
        let Some(site) = dice.pick(&self.land.sites).copied() else { return };
        let of = LocationId(dice.uuid());
        let code = json!(format!("NEW-{}", dice.below(1_000_000)));
        let fields = [("code", code), ("parent", json!(site)), ("negative", json!("warn"))];
        let action = create(of.into(), &fields);
        if self.record(device, Intent { action, mistake: false, hidden: None }, dice) {
            self.land.bins.push((of, site));
        }
    }

    fn count_here(&mut self, device: usize, spot: &Spot, dice: &mut Dice) -> bool {
        let action: Action = count(spot, self.shelf.held(&spot.cell));
        self.record(device, Intent { action, mistake: false, hidden: None }, dice)
    }

    fn counted_twice(&mut self, device: usize, dice: &mut Dice) {
        let (land, shelf, disk) = (&self.land, &self.shelf, &self.devices[device].disk);
        let Some(spot) = (Person { dice, land, disk, shelf }).spot() else { return };
        let other = if dice.chance(500) { device } else { dice.index(self.devices.len()) };
        let first = self.count_here(device, &spot, dice);
        self.now += 1;
        if first && self.count_here(other, &spot, dice) {
            self.fired(Fault::CountedTwice);
        }
    }

    /// Counted again by somebody who is cut off.
    fn recount(&mut self, device: usize, dice: &mut Dice) {
        self.devices[device].online = false;
        let (land, shelf, disk) = (&self.land, &self.shelf, &self.devices[device].disk);
        let mut person = Person { dice, land, disk, shelf };
        let seen = |spot: &Spot| shelf.places.get(&spot.cell).is_some_and(|place| !place.seen.is_empty());
        let Some(spot) = (0..8).find_map(|_| person.spot().filter(seen)) else { return };
        if self.count_here(device, &spot, dice) {
            self.fired(Fault::RecountOffline);
        }
    }
}
