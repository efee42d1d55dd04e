//! Devices that begin with snapshots: what there is is asked for, then chunk after chunk, with people's changes going out
//! between those of history. Step by step as the client's `sync/bootstrap.rs`; whatever goes wrong, the log remains.

use super::{ATTEMPTS, Event, World};
use crate::{
    checks::Check,
    clock::Machine,
    device::{Ask, Device, Disk, Owed, Reply},
    dice::Dice,
    plan::Fault,
    server::{Known, Spoilt},
};
use stillage_core::{
    id::{DeviceId, LocationId, PersonId},
    scope::Scope,
    snapshot::{Chunk, ChunkFault, ChunkName, FORMAT, Manifest, ManifestInput, wanted},
    wire::{PullAnswer, PullInput},
};

/// How often a device asks whether what is being made is there.
const PATIENCE: u32 = 3;
/// No more newcomers than this.
const MOST_DEVICES: usize = 9;

/// Where a round is with snapshots.
#[derive(Debug, Default)]
pub struct Beginning {
    /// Has looked what there is, before the first push; `looks` while it waits for the answer.
    looked: bool,
    looks: bool,
    /// Once in a pull.
    pub offered: bool,
    /// The next question is for snapshots of these; instead of what was being loaded.
    wants: Option<Vec<Scope>>,
    replaces: bool,
    asked: u32,
    /// Everything but history comes before anything else.
    front: bool,
    due: Option<Owed>,
}

impl World<'_> {
    /// What to ask before the device pushes or pulls.
    pub(super) fn ask_of_snapshot(&mut self, at: usize) -> Option<Ask> {
        self.plan.snapshots?;
        let Device { disk, beginning, pulling, .. } = &mut self.devices[at];
        let (device, epoch) = (disk.device, Some(disk.epoch));
        if let Some(scopes) = beginning.wants.clone() {
            return Some(Ask::Manifest(ManifestInput { device, epoch, format: FORMAT, scopes }));
        }
        if !*pulling && !beginning.looked && disk.is_blank() && disk.is_welcome() {
            (beginning.looked, beginning.looks) = (true, true);
            return Some(Ask::Pull(PullInput { max_rows: 1, ..disk.pull_input() }));
        }
        let free = beginning.front || !*pulling && !disk.has_unsent();
        self.ask_of_chunk(at, false).filter(|_| free)
    }

    fn ask_of_chunk(&mut self, at: usize, history: bool) -> Option<Ask> {
        let Device { disk, beginning, .. } = &mut self.devices[at];
        beginning.due = disk.due(history).cloned();
        beginning.front &= beginning.due.is_some();
        beginning.due.as_ref().map(|due| Ask::Chunk { device: disk.device, name: due.name.clone() })
    }

    /// After a pull has come to the head.
    pub(super) fn history(&mut self, at: usize) -> Option<Ask> {
        self.ask_of_chunk(at, true)
    }

    /// Whether snapshots are asked for instead of what this answer brings.
    pub(super) fn instead(&mut self, at: usize, answer: &PullAnswer) -> bool {
        let Some(cut) = self.plan.snapshots else { return false };
        let Device { disk, beginning, .. } = &mut self.devices[at];
        let looks = std::mem::take(&mut beginning.looks);
        if answer.epoch != disk.epoch {
            return looks;
        }
        let wants = wanted(&disk.pull_input().cursors, &answer.heads, cut.worth);
        if wants.is_empty() || !looks && std::mem::replace(&mut beginning.offered, true) {
            return looks;
        }
        if disk.is_welcome() {
            beginning.wants = Some(wants);
            return true;
        }
        looks
    }

    /// At the server: what there is. What is not there is made for whoever asks again.
    pub(super) fn manifest_of(&mut self, input: &ManifestInput) -> Reply {
        let Some(cut) = self.plan.snapshots else { return Reply::Unavailable };
        let (manifest, missing) = self.server.manifest(input, cut, self.now);
        for scope in missing {
            let spoilt = self
                .fire(Fault::SnapshotCut)
                .then(|| if self.dice.chance(500) { Spoilt::Short } else { Spoilt::Strange });
            let id = self.dice.uuid();
            self.spoilt.extend(spoilt.map(|_| id));
            let made = self.server.make_snapshot((id, scope), cut.rows, spoilt);
            self.checks.hold(Check::SnapshotEqualsLog, made.is_ok(), || format!("of {scope} no snapshot: {made:?}"));
        }
        Reply::Manifest(manifest)
    }

    pub(super) fn chunk_of(&mut self, device: DeviceId, name: &ChunkName) -> Reply {
        if self.fire(Fault::SnapshotGone) {
            self.server.drop_snapshot(name.snapshot);
        }
        let Some(bytes) = self.server.chunk(device, name) else { return Reply::Gone };
        let mut bytes = bytes.as_ref().clone();
        if self.fire(Fault::SnapshotCut) {
            let at = self.dice.index(bytes.len());
            match self.dice.below(3) {
                0 => bytes.truncate(at),
                1 => bytes[at] ^= 1 << self.dice.below(8),
                // Whole, but another one.
                _ => bytes = self.server.other_chunk(name, at).map_or(bytes, |other| other.as_ref().clone()),
            }
        }
        Reply::Chunk(bytes)
    }

    /// At the device.
    pub(super) fn manifest(&mut self, at: usize, manifest: &Manifest) {
        let Device { disk, beginning, .. } = &mut self.devices[at];
        if manifest.making && beginning.asked < PATIENCE {
            beginning.asked += 1;
            return self.ask(at);
        }
        (beginning.wants, beginning.asked) = (None, 0);
        let usable = manifest.format == FORMAT && !manifest.scopes.is_empty();
        if std::mem::take(&mut beginning.replaces) {
            if usable { disk.replace(manifest) } else { disk.give_up_snapshots() }
        } else if usable && disk.accept(manifest) {
            beginning.front = true;
        }
        self.check_loaded(at);
        self.ask(at);
    }

    pub(super) fn chunk(&mut self, at: usize, bytes: &[u8]) {
        let device = &mut self.devices[at];
        let Some(due) = device.beginning.due.take() else { return self.give_up(at) };
        if !due.name.is_of(bytes) {
            device.discards += 1;
            return if device.discards > ATTEMPTS - 1 { self.give_up(at) } else { self.again(at, due.is_history()) };
        }
        match Chunk::decode(bytes) {
            Ok(chunk) => {
                device.disk.load(&due, &chunk);
                let (snapshot, scope) = (due.name.snapshot, due.name.scope);
                let believed = due.is_history() || device.disk.cursors.get(&scope) != Some(&0);
                let fair = believed || self.spoilt.contains(&snapshot);
                let what = || format!("device {at}: the snapshot of {scope} at {} is not believed", due.seq);
                self.checks.hold(Check::SnapshotEqualsLog, fair, what);
            }
            Err(ChunkFault::Format) => device.disk.give_up_snapshots(),
            Err(_) => return self.give_up(at),
        }
        self.devices[at].pulling &= !due.is_history();
        self.check_loaded(at);
        self.ask(at);
    }

    fn again(&mut self, at: usize, history: bool) {
        match self.ask_of_chunk(at, history) {
            Some(ask) => self.send(at, ask),
            None => self.give_up(at),
        }
    }

    /// The server has deleted what was being loaded, or this device may not have it any more.
    pub(super) fn gone(&mut self, at: usize) {
        let Device { disk, beginning, .. } = &mut self.devices[at];
        beginning.wants = Some(disk.owing().into_keys().collect());
        beginning.replaces = true;
        self.ask(at);
    }

    /// What is here of a scope whose history is still owed is what its log comes to: at S and after it.
    fn check_loaded(&mut self, at: usize) {
        let disk = &self.devices[at].disk;
        if disk.epoch != self.server.epoch || disk.reset {
            return;
        }
        super::rest::check_owing(at, disk, &self.server, &mut self.checks);
        super::rest::check_once(at, disk, &mut self.checks);
    }

    /// Somebody unpacks a new desktop and begins to work before it has anything.
    pub(super) fn newcomer(&mut self, dice: &mut Dice) {
        if self.devices.len() >= MOST_DEVICES {
            return;
        }
        self.fired(Fault::Newcomer);
        let known = self.devices[dice.index(self.devices.len())].disk.person;
        let person = if dice.chance(300) { known } else { PersonId(dice.uuid()) };
        let mut sites: Vec<LocationId> = self.land.sites.clone();
        dice.shuffle(&mut sites);
        sites.truncate(1 + dice.index(sites.len()));
        let sites = dice.chance(500).then(|| sites.into_iter().collect());
        let (id, change) = (DeviceId(dice.uuid()), dice.uuid());
        self.server.enrol(id, Known { person, sites, links: Vec::new(), first: true }, change, &mut self.checks);
        let new = if self.mode.sqlite { Disk::with_sqlite } else { Disk::new };
        let mut disk = new(id, person, self.server.epoch);
        disk.certificate = self.server.certificate(id);
        self.devices.push(Device::new(disk, Machine::exact(self.now - 1)));
        let at = self.devices.len() - 1;
        self.flush(at);
        self.after(1000, Event::Poll { device: at });
    }
}
