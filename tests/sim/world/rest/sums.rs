//! The sums of scopes: those of a device and of the server at one number are alike, and each is that of its rows.

use crate::{
    book::Book,
    checks::{Check, Checks},
    device::Disk,
    world::World,
};
use std::collections::BTreeMap;
use stillage_core::{
    id::LocationId,
    scope::Scope,
    sum::{Sum, SumChanges},
    wire::PullAnswer,
};

/// What an answer says of the scopes that it brought to their heads.
pub(super) fn check_told(at: usize, (disk, answer): (&Disk, &PullAnswer), checks: &mut Checks) {
    for told in answer.sums.iter().filter(|told| disk.cursors.get(&told.scope) == Some(&told.seq)) {
        let mine = disk.sums.get(&told.scope).copied().unwrap_or_default();
        checks.hold(Check::SumsAgree, mine == told.sum, || {
            format!("device {at}: {} at {} sums to {mine}, the server's to {}", told.scope, told.seq, told.sum)
        });
    }
}

impl World<'_> {
    /// What is kept is what the rows come to, on both sides.
    pub(super) fn check_sums(&mut self) {
        let devices = self.devices.iter().map(|device| (&device.disk.sums, &device.disk.base));
        let sides = std::iter::once((&self.server.sums, &self.server.book)).chain(devices);
        for (side, (kept, book)) in sides.enumerate() {
            let mut real = of_rows(book);
            real.retain(|_, sum| *sum != Sum::EMPTY);
            let mut kept = kept.clone();
            kept.retain(|_, sum| *sum != Sum::EMPTY);
            self.checks.hold(Check::SumsAgree, kept == real, || {
                let odd = kept.iter().find(|(scope, sum)| real.get(scope) != Some(sum));
                format!("side {side} keeps {} sums of {}; {odd:?}", kept.len(), real.len())
            });
        }
    }
}

fn of_rows(book: &Book) -> BTreeMap<Scope, Sum> {
    let mut sums = SumChanges::default();
    for record in book.records.values() {
        sums.enter(Scope::of(record), Sum::of_record(record.of, record.version, &record.body()));
    }
    for (cell, level) in book.cells.iter() {
        let site = book.records.get(&cell.location.into()).and_then(|record| record.reference("site"));
        if let Some(site) = site {
            sums.enter(Scope::Site(LocationId(site)), Sum::of_cell(cell, level.on_hand));
        }
    }
    sums.0
}
