//! At rest a device holds of its scopes exactly what the server does, and shows nothing else.

use crate::{book::Level, checks::Check, world::World};
use std::collections::{BTreeMap, BTreeSet};
use stillage_core::{facts::LastCount, record::Kind, scope::Scope, stock::Cell};

/// What a device keeps of a cell, from the log or from a snapshot: neither the clock nor the person of its count.
fn kept((cell, level): (&Cell, &Level)) -> (Cell, Level) {
    let count = level.count.map(|count| LastCount { clock_error: 0, person: None, ..count });
    (*cell, Level { count, ..*level })
}

impl World<'_> {
    pub(super) fn check_equal(&mut self, at: usize) {
        let disk = &self.devices[at].disk;
        let Some(known) = self.server.devices.get(&disk.device) else { return };
        let (ours, theirs, checks) = (&disk.base, &self.server.book, &mut self.checks);
        let mut same = |what: &str, same: bool, detail: &dyn Fn() -> String| {
            checks.hold(Check::DevicesEqualServer, same, || format!("device {at}, {what}: {}", detail()));
        };
        same("pending effects", disk.shown().is_empty(), &|| "something is still shown".into());
        let mine =
            |of: &&std::rc::Rc<stillage_core::record::Record>| of.of.kind != Kind::Inbox || known.holds(Scope::of(of));
        let wanted: Vec<_> = theirs.records.values().filter(mine).collect();
        let have: Vec<_> = ours.records.values().collect();
        same("records", wanted == have, &|| {
            let odd = wanted.iter().find(|record| ours.records.get(&record.of) != Some(record));
            format!("{} there, {} here; {odd:?}", wanted.len(), have.len())
        });
        let site_of = |cell: &Cell| {
            let site = theirs.records.get(&cell.location.into()).and_then(|record| record.reference("site"));
            site.is_some_and(|site| known.holds(Scope::Site(stillage_core::id::LocationId(site))))
        };
        let wanted: BTreeMap<_, _> = theirs.cells.iter().filter(|(cell, _)| site_of(cell)).map(kept).collect();
        let have: BTreeMap<_, _> = ours.cells.iter().map(kept).collect();
        same("cells", wanted == have, &|| {
            let odd = wanted.iter().find(|(cell, level)| have.get(cell) != Some(level));
            format!("there {odd:?}, here {:?}", odd.and_then(|(cell, _)| have.get(cell)))
        });
        let numbered = |book: &crate::book::Book| -> BTreeSet<_> {
            let rows = book
                .movements
                .values()
                .flat_map(|kept| kept.numbers.iter().map(|(scope, seq)| (kept.movement.id, *scope, *seq)));
            rows.filter(|(_, scope, _)| known.holds(*scope)).collect()
        };
        let (wanted, have) = (numbered(theirs), numbered(ours));
        same("movements", wanted == have, &|| format!("{:?}", wanted.symmetric_difference(&have).next()));
        let counted =
            theirs.counts.values().filter(|count| count.place.site.is_some_and(|site| known.holds(Scope::Site(site))));
        let wanted: Vec<_> = counted.collect();
        let have: Vec<_> = ours.counts.values().collect();
        same("counts", wanted == have, &|| format!("{} there, {} here", wanted.len(), have.len()));
        let unknown = self.server.logs.iter().filter(|(scope, _)| known.holds(**scope));
        let unknown = unknown.flat_map(|(_, log)| log).filter(|row| row.kind == "hologram").count();
        same("unknown entries", unknown == disk.unknown.len(), &|| {
            format!("{unknown} there, {} here", disk.unknown.len())
        });
    }
}
