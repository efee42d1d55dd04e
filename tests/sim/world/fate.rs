//! Crashes: of a process at each commit, of a machine with what the disk had not flushed, and databases that somebody
//! replaced or copied.

use super::{Event, World};
use crate::{checks::Check, clock::Machine, device::Device, plan::Fault};

/// No more copies than this.
const MOST_DEVICES: usize = 8;

impl World<'_> {
    /// Whether the process dies here. It is started again at once; what was not committed is gone.
    pub(super) fn crashes(&mut self, device: usize) -> bool {
        let dies = self.fire(Fault::DeviceCrash);
        if dies {
            self.restart(device);
        }
        dies
    }

    pub(super) fn restart(&mut self, device: usize) {
        self.devices[device].restart();
        self.check_recorded(device);
        let delay = self.dice.between(1000, 3_000_000);
        self.after(delay, Event::Poke { device });
    }

    /// The disk has it: nothing the machine does takes it back.
    pub(super) fn flush(&mut self, device: usize) {
        if self.plan.on(Fault::PowerLoss) {
            let device = &mut self.devices[device];
            device.flushed = Some(device.disk.clone());
        }
    }

    pub(super) fn power_loss(&mut self, device: usize) {
        let now = self.now;
        let machine = &mut self.devices[device];
        let Some(flushed) = machine.flushed.clone() else { return };
        machine.disk = flushed;
        machine.machine.reboot(now);
        self.fired(Fault::PowerLoss);
        self.restart(device);
    }

    pub(super) fn old_image(&mut self, device: usize) {
        let Some(image) = self.images.get(&device).cloned() else { return };
        self.fired(Fault::OldImage);
        let disk = &mut self.devices[device].disk;
        let gone = disk.outbox.iter().map(|row| row.change.id).filter(|id| image.row(*id).is_none());
        self.destroyed.extend(gone);
        *disk = image;
        self.flush(device);
        self.restart(device);
    }

    pub(super) fn copied_disk(&mut self, device: usize) {
        if self.devices.len() >= MOST_DEVICES {
            return;
        }
        self.fired(Fault::CopiedDisk);
        let of = &self.devices[device];
        let mut copy = Device::new(of.disk.clone(), Machine::exact(self.now - 1));
        copy.keyring = of.keyring;
        copy.machine.boot = 1000;
        self.devices.push(copy);
        let at = self.devices.len() - 1;
        self.flush(at);
        self.after(1000, Event::Poll { device: at });
    }

    /// What somebody was told is recorded is still there.
    fn check_recorded(&mut self, device: usize) {
        let disk = &self.devices[device].disk;
        for (change, _) in self.recorded.iter().filter(|(_, at)| *at == device) {
            let given_up = self.destroyed.contains(change) || self.let_go.contains_key(change);
            let kept = given_up || disk.row(*change).is_some();
            self.checks.hold(Check::AcknowledgedSurvives, kept, || format!("{change} was recorded and is gone"));
        }
    }
}
