//! The server is lost, and an older backup of it goes on as another history: what its devices do about that, step by step
//! as the client's `sync/push.rs`, `sync/pull.rs` and `sync/enrol.rs`, and what must be there again.

use super::World;
use crate::{
    checks::Check,
    device::{Ask, Reply, Row, State},
    plan::Fault,
    server::{Certificate, Known},
};
use std::{collections::BTreeMap, rc::Rc};
use stillage_core::{
    change::{Change, Outcome},
    id::{ChangeId, EpochId, InboxId, MovementId},
    quantity::Quantity,
    record::{Kind, Ref},
    wire::{PushAnswer, PushRefusal},
};

pub(super) type Held = BTreeMap<ChangeId, Rc<Change>>;

impl World<'_> {
    pub(super) fn back_up(&mut self) {
        self.backups.push(self.server.clone());
    }

    /// What was under way to the lost server is lost with it; what it had told of its history may still arrive.
    pub(super) fn restore(&mut self) {
        let Some(backup) = self.dice.pick(&self.backups) else { return };
        let backup = backup.clone();
        self.fired(Fault::Restore);
        let epoch = EpochId(self.dice.uuid());
        self.note_overdrawn();
        self.remember();
        // One that this backup itself has another end of was taken in a history beside its own.
        self.settled.retain(|change| backup.changes.get(change).is_none_or(|known| is_taken(known.outcome)));
        self.server = backup.restored(epoch);
        self.waiting.clear();
        // Outcomes and acknowledgements are those of a history.
        self.told.clear();
        self.acked.clear();
        self.say(|| format!("  the server goes on as {epoch}"));
        self.poke_all();
    }

    /// A device hears how far every backup holds its chain: whichever is restored, what it lets go of is there.
    pub(super) fn let_go(&mut self, at: usize) {
        let disk = &self.devices[at].disk;
        let held = self.backups.iter().map(|backup| backup.devices.get(&disk.device).map_or(0, |d| d.links.len()));
        let held = held.min().unwrap_or(0) as u64;
        if held == 0 || disk.epoch != self.server.epoch {
            return;
        }
        let gone = self.devices[at].disk.let_go(held);
        if gone.is_empty() {
            return;
        }
        self.fired(Fault::LetGo);
        self.say(|| format!("  {} changes are let go of", gone.len()));
        let settled = gone.iter().filter(|row| row.state == State::Settled).map(|row| row.change.id);
        self.settled.extend(settled);
        self.let_go.extend(gone.into_iter().map(|row| (row.change.id, row.change)));
        self.flush(at);
    }

    /// What devices know to be taken when its server is lost.
    fn remember(&mut self) {
        for device in &self.devices {
            let settled = device.disk.outbox.iter().filter(|row| row.state == State::Settled);
            self.settled.extend(settled.map(|row| row.change.id));
        }
        let taken = self.server.changes.iter().filter(|(_, known)| is_taken(known.outcome));
        self.histories.push(taken.map(|(change, _)| *change).collect());
    }

    /// Where the lost history was below zero: what was taken there again on its way back does not all fit a second time.
    fn note_overdrawn(&mut self) {
        let cells = self.server.book.cells.iter().filter(|(_, level)| level.on_hand < Quantity::ZERO);
        self.overdrawn.extend(cells.map(|(cell, _)| (cell.item.to_string(), cell.location.to_string())));
    }

    /// Everything that somebody in the fleet still has.
    fn held(&self) -> Held {
        let rows = self.devices.iter().flat_map(|device| &device.disk.outbox);
        let held = rows.map(|row| (row.change.id, Rc::clone(&row.change)));
        held.chain(self.let_go.iter().map(|(id, change)| (*id, Rc::clone(change)))).collect()
    }

    /// How a device goes on that was refused.
    pub(super) fn refused(&mut self, at: usize, refusal: PushRefusal, answer: &PushAnswer) {
        let known = self.devices[at].disk.epoch;
        match refusal {
            PushRefusal::DeviceForked => self.devices[at].forked = true,
            // A push that names another history is told nothing about the device's chain.
            PushRefusal::EpochChanged if known != answer.epoch => self.devices[at].meeting = Some(answer.epoch),
            PushRefusal::EpochChanged => self.begin_epoch(at, answer),
        }
        let lost = self.fired[Fault::Restore.at()] > 0 || refusal == PushRefusal::DeviceForked;
        self.checks.hold(Check::NoResetLoops, lost, || "the server's history became another one".into());
    }

    /// The other history has said how far it holds this device's chain.
    pub(super) fn met(&mut self, at: usize, answer: &PushAnswer) {
        self.devices[at].meeting = None;
        match answer.refusal {
            Some(PushRefusal::DeviceForked) => self.devices[at].forked = true,
            None | Some(PushRefusal::EpochChanged) => self.begin_epoch(at, answer),
        }
        self.ask(at);
    }

    fn begin_epoch(&mut self, at: usize, answer: &PushAnswer) {
        let disk = &mut self.devices[at].disk;
        if !disk.is_own(answer.ack) {
            self.devices[at].forked = true;
            return;
        }
        disk.begin_epoch(answer.epoch, answer.ack);
        self.flush(at);
        self.say(|| format!("  device {at} meets {}, which has its chain to {}", answer.epoch, answer.ack.seq));
    }

    /// A server that was restored from before this device joined takes it back by its certificate.
    pub(super) fn signed_out(&mut self, at: usize, epoch: EpochId) {
        let device = &mut self.devices[at];
        (device.forked, device.meeting, device.pulling) = (false, None, false);
        let lost = epoch != device.disk.epoch;
        self.checks.hold(Check::NoResetLoops, lost, || format!("device {at} is unknown in its own history"));
        if !lost {
            return self.give_up(at);
        }
        self.devices[at].returning = Some(epoch);
        self.ask(at);
    }

    pub(super) fn take_back(&mut self, certificate: Certificate, epoch: EpochId) -> Reply {
        // Its proof is for one history.
        if epoch != self.server.epoch {
            return Reply::Unavailable;
        }
        let Certificate { device, person, sites } = certificate;
        let change = self.dice.uuid();
        self.server.enrol(device, Known { person, sites, links: Vec::new(), first: false }, change, &mut self.checks);
        self.certified(device)
    }

    pub(super) fn certified(&self, device: stillage_core::id::DeviceId) -> Reply {
        self.server.certificate(device).map_or(Reply::Unavailable, Reply::Enrolled)
    }

    /// The token of the device whose certificate it had, under another id if that was cut short.
    pub(super) fn returned(&mut self, at: usize, certificate: Certificate) {
        self.devices[at].keyring = certificate.device;
        if self.crashes(at) {
            return;
        }
        let device = &mut self.devices[at];
        (device.returning, device.pulling) = (None, false);
        device.disk.certificate = Some(certificate);
        self.flush(at);
        self.finish_new_id(at);
        self.say(|| format!("  device {at} was taken back"));
        self.ask(at);
    }

    /// A change of id that was cut short.
    pub(super) fn finish_new_id(&mut self, at: usize) {
        let device = &mut self.devices[at];
        if device.keyring != device.disk.device {
            let new = device.keyring;
            device.disk.take_new_device(new);
            self.flush(at);
        }
    }

    /// What to ask of a history that was met.
    pub(super) fn ask_of_epoch(&mut self, at: usize) -> Option<Ask> {
        let device = &self.devices[at];
        if let (Some(epoch), Some(certificate)) = (device.returning, &device.disk.certificate) {
            return Some(Ask::Return { certificate: certificate.clone(), epoch });
        }
        let input = device.disk.meet(device.meeting?);
        self.checks.hold(Check::GapFreePrefix, input.is_some(), || format!("the chain of device {at} has a hole"));
        input.map(Ask::Push)
    }

    /// Stock that was settled in a history which the server lost is there again, as far as somebody still has the change.
    /// Records and answers may meet another order of return: every change has an end that somebody sees (`check_ends`).
    pub(super) fn check_came_back(&mut self) {
        let held = self.held();
        for change in &self.settled {
            let stock = held.get(change).is_some_and(|change| change.kind.starts_with("stock."));
            if !stock {
                continue;
            }
            let known = self.server.changes.get(change);
            let back = known.is_some_and(|known| is_taken(known.outcome));
            let fair = back || self.is_excused_from_return(*change, &held, &[]);
            self.checks.hold(Check::ComesBack, fair, || {
                let end = known.map(|known| (known.outcome, known.code.clone(), known.details.to_string()));
                format!("{change} was taken and came to {end:?}")
            });
        }
    }

    /// Whether it stands on something that nobody in the fleet has any more, what it takes back was taken back by somebody
    /// else, or a person put it aside while it waited for what had not come back yet. `asked` are those that it is asked for.
    fn is_excused_from_return(&self, change: ChangeId, held: &Held, asked: &[ChangeId]) -> bool {
        let Some(known) = self.server.changes.get(&change) else { return false };
        let named = |field: &str| known.details.get(field).and_then(|of| of.as_str());
        let gone = |cause: ChangeId| match self.server.changes.get(&cause) {
            None => !held.contains_key(&cause),
            Some(known) => !is_taken(known.outcome),
        };
        let row = InboxId::derived(change.0, "inbox/0");
        let open = self.server.book.records.get(&row.into()).is_some_and(|row| row.text("state") == Some("open"));
        if known.outcome == Outcome::Parked && !open {
            return true;
        }
        let lacks = |place: (&str, &str)| {
            let short =
                self.is_promised_twice(change, place) || self.is_short_of(place, held, &[asked, &[change]].concat());
            short || self.waits_with_its_reversal(change)
        };
        let places = self.lacks_stock(change, held);
        if places.iter().any(|(item, location)| lacks((item, location))) {
            return true;
        }
        match known.code.as_deref() {
            Some("NOT_FOUND") => {
                // What it waited for at first may be there by now, and something else that it names never comes.
                let names = |of: &Ref| held.get(&change).is_some_and(|change| change.body.contains(&of.to_string()));
                self.makers.iter().any(|(of, maker)| gone(*maker) && names(of))
            }
            Some("MOVEMENT_NOT_FOUND") => {
                named("movement").and_then(|of| of.parse::<MovementId>().ok()).is_some_and(|of| gone(ChangeId(of.0)))
            }
            Some("DEPENDS_ON_REJECTED") => named("root").and_then(|of| of.parse().ok()).is_some_and(gone),
            Some("NOT_ENOUGH_STOCK") => named("item").zip(named("location")).is_some_and(lacks),
            Some("ALREADY_REVERSED") => {
                let of = named("movement").and_then(|of| of.parse::<MovementId>().ok());
                of.is_some_and(|of| self.server.book.reversed.contains_key(&of))
            }
            _ => false,
        }
    }

    /// Of what and where it may lack stock by now, though it waited for something else at first.
    fn lacks_stock(&self, change: ChangeId, held: &Held) -> Vec<(String, String)> {
        let (Some(item), Some(change)) = (self.server.awaits(change), held.get(&change)) else { return Vec::new() };
        let here = |of: &Ref| of.kind == Kind::Item && of.to_string() == item;
        if !self.server.book.records.keys().any(here) {
            return Vec::new();
        }
        let reversed = self.server.book.movements.values().map(|kept| &kept.movement);
        let reversed = reversed.filter(|moved| change.body.contains(&moved.id.to_string()));
        let named = self.server.book.records.keys().filter(|of| of.kind == Kind::Location).map(ToString::to_string);
        let named = named.filter(|location| change.body.contains(location));
        let places = reversed.map(|moved| moved.to.location.to_string()).chain(named);
        places.map(|location| (item.to_owned(), location)).collect()
    }

    /// In a place that may not go below zero somebody has taken since what was gone before, or counted that it is missing, or
    /// had done so in another history than this change; more was taken than there was in the lost history; or what came in
    /// there was on a disk that is no more.
    fn is_promised_twice(&self, change: ChangeId, (item, location): (&str, &str)) -> bool {
        let together = |other| self.histories.iter().any(|taken| taken.contains(&change) && taken.contains(&other));
        let mut moved = self.server.book.movements.values().map(|kept| &kept.movement);
        let since = moved.any(|movement| {
            let here = movement.item.to_string() == item && movement.from.location.to_string() == location;
            let both = self.settled.contains(&movement.change) && together(movement.change);
            here && !both
        });
        let overdrawn = self.overdrawn.contains(&(item.to_owned(), location.to_owned()));
        since || overdrawn || !self.destroyed.is_empty()
    }

    /// Something else that was done in this place and taken is excused itself: it may have brought what is missing here.
    fn is_short_of(&self, (item, location): (&str, &str), held: &Held, asked: &[ChangeId]) -> bool {
        self.settled.iter().filter(|other| !asked.contains(other)).any(|other| {
            let here = |change: &Rc<Change>| change.body.contains(item) && change.body.contains(location);
            let taken = self.server.changes.get(other).is_none_or(|known| is_taken(known.outcome));
            held.get(other).is_some_and(here) && !taken && self.is_excused_from_return(*other, held, asked)
        })
    }

    /// What came in was taken back after what it went out with, and both of that wait: it for the goods, and what takes it
    /// back, which would bring them, for it. Together they come to nothing.
    fn waits_with_its_reversal(&self, change: ChangeId) -> bool {
        let movement = MovementId(change.0).to_string();
        self.server.changes.values().any(|other| {
            let waits = other.outcome == Outcome::Parked && other.code.as_deref() == Some("MOVEMENT_NOT_FOUND");
            waits && other.details.get("movement").and_then(|of| of.as_str()) == Some(movement.as_str())
        })
    }

    /// What a device need not offer again has the end there that it was told: unless a copy of the device has offered it,
    /// or the server was restored twice, from backups of two histories.
    pub(super) fn is_of_lost(&self, row: &Row) -> bool {
        let fired = |fault: Fault| self.fired[fault.at()];
        let other = fired(Fault::CopiedDisk) > 0 || fired(Fault::OldImage) > 0 || fired(Fault::Restore) > 1;
        other && row.told_in.is_some_and(|epoch| epoch != self.server.epoch)
    }

    /// Everybody hears of it by and by.
    pub(super) fn has_met(&self, at: usize) -> bool {
        let device = &self.devices[at];
        let asks = device.meeting.is_some() || device.returning.is_some();
        device.disk.epoch == self.server.epoch && !device.disk.reset && !asks
    }
}

const fn is_taken(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Applied | Outcome::Merged)
}
