//! The verdict on one cycle, from what Postgres and the binaries print.

use super::hand::Said;
use crate::replay::dump::Dump;
use std::collections::BTreeMap;

/// What is wrong, by kind.
#[derive(Debug, Default)]
pub struct Verdict {
    pub lost: Vec<String>,
    pub twice: Vec<String>,
}

/// Outcomes by change as the server keeps them, ids without prefix and hyphens.
pub type Outcomes = BTreeMap<String, String>;

/// An id in the one form that Postgres and the wire can both be brought to.
#[must_use]
pub fn bare(id: &str) -> String {
    id.rsplit('_').next().unwrap_or(id).replace('-', "")
}

/// Everything a desktop said it had is there once; what it did not get to say is there once at most.
pub fn judge(said: &Said, outcomes: &Outcomes, dump: &Dump) -> Verdict {
    let mut verdict = Verdict::default();
    let gone = said.changes.iter().filter(|change| !outcomes.contains_key(&bare(change)));
    verdict.lost.extend(gone.map(|change| format!("{change} was acknowledged and has no outcome")));
    let times = |reference: &str| dump.movements.get(reference).map_or(0, |seen| seen.times);
    for (reference, change) in &said.movements {
        let applied = matches!(outcomes.get(&bare(change)).map(String::as_str), Some("APPLIED" | "MERGED"));
        match (applied, times(reference)) {
            (true, 1) | (false, 0) => {}
            (true, 0) => verdict.lost.push(format!("{reference} ({change}) was applied and moved nothing")),
            (_, times) => verdict.twice.push(format!("{reference} ({change}) moved {times} times")),
        }
    }
    let doubled = said.unsure.iter().filter(|reference| times(reference) > 1);
    verdict.twice.extend(doubled.map(|reference| format!("{reference} was cut short and moved more than once")));
    verdict
}

/// Balances are what the movements add up to, in every real place, and each item sums to nothing over all places.
pub fn balances(dump: &Dump) -> Vec<String> {
    let real = |cells: &BTreeMap<(String, String), i128>| -> BTreeMap<(String, String), i128> {
        let cells = cells.iter().filter(|((_, place), level)| dump.locations.contains_key(place) && **level != 0);
        cells.map(|(cell, level)| (cell.clone(), *level)).collect()
    };
    let (balances, entries) = (real(&dump.balances), real(&dump.entries));
    let mut faults: Vec<String> = balances
        .keys()
        .chain(entries.keys())
        .filter(|cell| balances.get(*cell) != entries.get(*cell))
        .map(|cell| {
            format!("{cell:?} has {:?} and its movements add up to {:?}", balances.get(cell), entries.get(cell))
        })
        .collect();
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    dump.entries.iter().for_each(|((item, _), level)| *sums.entry(item).or_default() += level);
    faults.extend(sums.iter().filter(|(_, sum)| **sum != 0).map(|(item, sum)| format!("{item} sums to {sum}")));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::dump::Seen;

    fn seen(times: usize) -> Seen {
        Seen { item: "item_1".into(), location: "loc_1".into(), delta: 1_000_000, change: "change_1".into(), times }
    }

    fn said() -> Said {
        let movements = [("A/1".to_owned(), "change_0-1".to_owned())].into();
        Said { changes: vec!["change_0-1".into()], movements, unsure: vec!["A/2".into()] }
    }

    #[test]
    fn an_acknowledged_change_without_outcome_is_lost() {
        let verdict = judge(&said(), &Outcomes::new(), &Dump::default());
        assert_eq!((verdict.lost.len(), verdict.twice.len()), (1, 0));
    }

    #[test]
    fn what_was_cut_short_may_be_there_once_and_not_two_times() {
        let outcomes: Outcomes = [("01".to_owned(), "APPLIED".to_owned())].into();
        let mut dump = Dump::default();
        dump.movements.insert("A/1".into(), seen(1));
        dump.movements.insert("A/2".into(), seen(1));
        assert!(judge(&said(), &outcomes, &dump).twice.is_empty());
        dump.movements.insert("A/2".into(), seen(2));
        assert_eq!(judge(&said(), &outcomes, &dump).twice.len(), 1);
    }

    #[test]
    fn a_balance_that_is_not_its_movements_is_named() {
        let mut dump = Dump::default();
        dump.locations.insert("loc_1".into(), "A1".into());
        dump.balances.insert(("item_1".into(), "loc_1".into()), 5);
        assert_eq!(balances(&dump).len(), 1);
    }
}
