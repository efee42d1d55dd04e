//! A server that lost a part of its history: an older copy of itself goes on under another name, and what its devices
//! offer again is parked until what it stands on has come. The same steps as the server's `store/release.rs`.

use super::{Known, Server, commit::Commit};
use crate::checks::Checks;
use std::collections::BTreeSet;
use stillage_core::{
    change::{Change, Digest},
    decide::Door,
    facts::Facts,
    id::{ChangeId, DeviceId, EpochId, LocationId, PersonId},
    settle::{self, ChangeRow, DeviceFacts, Healing, Push, Released, Writes},
    wire::Ack,
};

/// A parked change and what it waits for; nothing when that may have come.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    change: Change,
    device: DeviceId,
    received_at: i64,
    of: String,
}

/// Who a device is, as the organisation has signed it when the device joined.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub device: DeviceId,
    pub person: PersonId,
    pub sites: Option<BTreeSet<LocationId>>,
}

impl Server {
    /// A backup goes on as another history.
    pub fn restored(&self, epoch: EpochId) -> Self {
        Self { epoch, ..self.clone() }
    }

    pub fn certificate(&self, device: DeviceId) -> Option<Certificate> {
        let Known { person, sites, .. } = self.devices.get(&device)?;
        Some(Certificate { device, person: *person, sites: sites.clone() })
    }

    /// What was just parked counts as free: what it missed may have been committed beside it.
    pub(super) fn park(&mut self, row: &ChangeRow) {
        if settle::awaited(&row.result).is_some() {
            let ChangeRow { change, device, received_at, .. } = row.clone();
            self.waits.insert(change.id, Waiting { change, device, received_at, of: String::new() });
        }
    }

    /// What a parked change waits for now, by its prefixed id. Its details say what it waited for at first.
    pub fn awaits(&self, change: ChangeId) -> Option<&str> {
        self.waits.get(&change).map(|waiting| waiting.of.as_str())
    }

    pub(super) fn set_free(&mut self, writes: &Writes) {
        if self.waits.is_empty() {
            return;
        }
        let brought: BTreeSet<String> = writes.brought().into_iter().collect();
        self.waits.values_mut().filter(|waiting| brought.contains(&waiting.of)).for_each(|waiting| waiting.of.clear());
    }

    /// Decides again what may have come free, until nothing more does; says what was written.
    pub fn release(&mut self, checks: &mut Checks) -> Vec<Writes> {
        let mut written = Vec::new();
        loop {
            let batch = self.free();
            if batch.is_empty() {
                return written;
            }
            let mut facts = Facts::default();
            self.load(&batch, &mut facts);
            let Released { writes, still } = settle::release(&batch, &mut facts);
            for (change, of) in still {
                match (self.waits.get_mut(&change), of) {
                    (Some(waiting), Some(of)) => waiting.of = of,
                    _ => drop(self.waits.remove(&change)),
                }
            }
            for row in &writes.changes {
                self.waits.remove(&row.change.id);
            }
            self.set_free(&writes);
            Commit { server: self, checks }.released(&writes);
            written.push(writes);
        }
    }

    fn free(&self) -> Vec<Push> {
        let mut free: Vec<&Waiting> = self.waits.values().filter(|waiting| waiting.of.is_empty()).collect();
        free.sort_by_key(|waiting| (waiting.received_at, waiting.device, waiting.change.seq));
        free.into_iter().filter_map(|waiting| self.parked(waiting)).collect()
    }

    /// Where a parked change would have stood.
    fn kept_place(&self, change: ChangeId) -> Option<i64> {
        self.changes.get(&change).and_then(|known| known.details.get("order_ts")?.as_i64())
    }

    pub(super) fn last_waiting(&self, device: DeviceId) -> Option<i64> {
        let own = self.waits.values().filter(|waiting| waiting.device == device);
        own.filter_map(|waiting| self.kept_place(waiting.change.id)).max()
    }

    fn parked(&self, waiting: &Waiting) -> Option<Push> {
        let Waiting { change, device, received_at, .. } = waiting;
        let (person, chain) = (self.devices.get(device)?.person, Digest::start(*device));
        let orders = self.kept_place(change.id).map(|ts| (change.id, ts)).into_iter().collect();
        Some(Push {
            device: DeviceFacts {
                id: *device,
                person,
                ack: Ack { seq: 0, chain },
                chain_before: None,
                waiting: None,
                first_id: false,
            },
            chained: true,
            door: Door::Late,
            first_seq: change.seq,
            prev_chain: chain,
            changes: vec![change.clone()],
            received_at: *received_at,
            healing: Healing { epoch: Some(self.epoch), orders, parked: true },
        })
    }
}
