//! What a device was told of its changes, in one history: an end is an end, and an acknowledgement is kept.

use super::World;
use crate::checks::Check;
use stillage_core::{
    change::{ChangeResult, Outcome},
    id::{DeviceId, EpochId},
    settle::awaited,
};

impl World<'_> {
    /// The end of a change that was told once is its end.
    pub(super) fn told(&mut self, epoch: EpochId, results: &[ChangeResult]) {
        if epoch != self.server.epoch {
            return;
        }
        for result in results.iter().filter(|result| result.code.as_deref() != Some("CHANGE_ID_REUSED")) {
            let first = *self.told.entry(result.id).or_insert(result.outcome);
            // What waited for others to come back has its end when they have.
            let parked = first == Outcome::Parked || awaited(result).is_some();
            let same = first == result.outcome || parked;
            let id = result.id;
            self.checks
                .hold(Check::OutcomesNeverChange, same, || format!("{id} was {first:?}, now {:?}", result.outcome));
        }
    }

    pub(super) fn acknowledged(&mut self, epoch: EpochId, (id, seq): (DeviceId, u64)) {
        if epoch != self.server.epoch {
            return;
        }
        let most = self.acked.entry(id).or_default();
        *most = seq.max(*most);
        let most = *most;
        let has = self.server.devices.get(&id).map_or(0, |known| known.links.len() as u64);
        self.checks.hold(Check::AcknowledgedSurvives, has >= most, || format!("{id} was told {most}, there are {has}"));
    }
}
