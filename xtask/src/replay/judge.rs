//! The verdict: what the binaries say at the end against a plain fold of the plan.
//!
//! It knows the product only by its printed dumps. Dumps that equal the server's byte for byte are
//! not judged a second time; one that differs is judged by itself, so that the report says in what.

use crate::replay::{
    dump::{Dump, Micro},
    fleet::opening_reference,
    plan::{BINS, Plan},
    schedule::{Clash, Edit, Field, Schedule},
};
use anyhow::{Context, Result};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

/// What must be on hand by folded SKU and bin.
pub type Levels = BTreeMap<(String, String), Micro>;

pub struct Case<'a> {
    pub plan: &'a Plan,
    pub schedule: &'a Schedule,
    /// The ids of the plan's items.
    pub items: &'a [String],
    /// Every change the devices said they had, each once.
    pub acknowledged: &'a [String],
    /// The same for edits of records.
    pub edits: &'a [(String, Edit)],
    pub inbox: &'a BTreeMap<String, Value>,
}

/// Opening stock and every line, added up. Cells at zero are left out.
#[must_use]
pub fn fold(plan: &Plan) -> Levels {
    let mut levels = Levels::new();
    let cell = |item: usize| (plan.items[item].sku.to_lowercase(), BINS[plan.items[item].bin].to_owned());
    for (at, item) in plan.items.iter().enumerate() {
        *levels.entry(cell(at)).or_default() += Micro::from(item.opening) * 1_000_000;
    }
    for entry in &plan.entries {
        *levels.entry(cell(entry.item)).or_default() += Micro::from(entry.delta) * 1_000_000;
    }
    levels.retain(|_, level| *level != 0);
    levels
}

/// Everything that is not as it must be; nothing when all agree. The first dump is the server's.
pub fn judge(case: &Case<'_>, dumps: &[(String, PathBuf)]) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    let (_, server) = dumps.first().context("no dumps")?;
    for (at, (name, path)) in dumps.iter().enumerate() {
        if at > 0 {
            let Some(line) = first_difference(server, path)? else { continue };
            differences.push(format!("{name} and the server part at line {line} of their dumps"));
        }
        let dump = Dump::read(BufReader::new(File::open(path)?)).with_context(|| format!("the dump of {name}"))?;
        differences.extend(case.check(&dump).into_iter().map(|what| format!("{name}: {what}")));
    }
    differences.extend(case.unseen_conflicts());
    Ok(differences)
}

impl Case<'_> {
    fn check(&self, dump: &Dump) -> Vec<String> {
        let skus: HashMap<&String, String> = dump
            .items
            .iter()
            .map(|(id, fields)| (id, fields["sku"].as_str().unwrap_or_default().to_lowercase()))
            .collect();
        let named = |cells: &BTreeMap<(String, String), Micro>| -> Levels {
            let real =
                cells.iter().filter(|((_, location), level)| dump.locations.contains_key(location) && **level != 0);
            real.map(|((item, location), level)| {
                ((skus.get(item).unwrap_or(item).clone(), dump.locations[location].clone()), *level)
            })
            .collect()
        };
        let folded = fold(self.plan);
        let mut differences = compare("balance", &named(&dump.balances), &folded);
        differences.extend(compare("sum of movements", &named(&dump.entries), &folded));
        differences.extend(balances_elsewhere(dump));
        differences.extend(zero_sums(dump));
        differences.extend(self.movements(dump));
        differences.extend(self.outcomes(dump));
        differences.extend(self.schedule.clashes.iter().filter_map(|clash| self.clash(dump, clash)));
        differences
    }

    /// Every line of the plan is one movement of the right item by the right quantity, and there are no others.
    fn movements(&self, dump: &Dump) -> Vec<String> {
        let opening = self.plan.items.iter().filter(|item| item.opening > 0);
        let opening = opening.map(|item| (opening_reference(&item.sku), item.sku.as_str(), item.opening));
        let lines =
            self.plan.entries.iter().map(|e| (e.reference.clone(), self.plan.items[e.item].sku.as_str(), e.delta));
        let mut differences = Vec::new();
        let mut wanted = 0;
        for (reference, sku, delta) in opening.chain(lines) {
            wanted += 1;
            match dump.movements.get(&reference) {
                None => differences.push(format!("{reference} has no movement")),
                Some(seen) => {
                    let right = dump.items.get(&seen.item).is_some_and(|fields| fields["sku"] == sku);
                    if seen.times != 1 || !right || seen.delta != Micro::from(delta) * 1_000_000 {
                        differences.push(format!("{reference} should move {sku} by {delta} once, and is {seen:?}"));
                    }
                }
            }
        }
        if dump.movement_count != wanted {
            differences.push(format!("{} movements instead of {wanted}", dump.movement_count));
        }
        differences
    }

    fn outcomes(&self, dump: &Dump) -> Vec<String> {
        let times = |change: &String| dump.outcomes.get(change).copied().unwrap_or(0);
        // The outcome of an edit that lost goes to a person and not to everybody: one card stands for it.
        let carded = |change: &str, edit| self.cards(edit).filter(|card| card["change"] == change).count() == 1;
        let others = self.edits.iter().filter(|(change, edit)| times(change) != 0 || !carded(change, edit));
        let answerable = self.acknowledged.iter().chain(others.map(|(change, _)| change));
        let mut differences: Vec<String> = answerable
            .filter(|change| times(change) != 1)
            .map(|change| format!("{change} was acknowledged and has {} outcomes", times(change)))
            .collect();
        let distinct: BTreeSet<_> =
            self.acknowledged.iter().chain(self.edits.iter().map(|(change, _)| change)).collect();
        if distinct.len() != self.acknowledged.len() + self.edits.len() {
            differences.push(format!("only {} change ids were acknowledged as different", distinct.len()));
        }
        let twice = dump
            .movements
            .values()
            .filter(|seen| !seen.change.is_empty() && dump.outcomes.get(&seen.change) != Some(&1));
        differences.extend(twice.map(|seen| format!("{} moved stock and has not exactly one outcome", seen.change)));
        differences
    }

    /// Edits of two fields are both there; of one field, one of the two is.
    fn clash(&self, dump: &Dump, clash: &Clash) -> Option<String> {
        let plan = &self.plan.items[clash.item];
        let item = dump.items.values().find(|fields| fields["sku"] == plan.sku.as_str());
        let Some(item) = item else { return Some(format!("{} is missing", plan.sku)) };
        let holds = clash.edits.each_ref().map(|edit| match edit.field {
            Field::Name => item["name"] == edit.value.as_str(),
            Field::ReorderPoint => item["reorder_point"] == edit.value.as_str(),
        });
        let fine = if clash.is_conflict() { holds[0] != holds[1] } else { holds == [true, true] };
        (!fine).then(|| format!("{} came out of {:?} as {item}", plan.sku, clash.edits))
    }

    /// The cards that hold this edit as the side that lost.
    fn cards(&self, edit: &Edit) -> impl Iterator<Item = &Value> {
        let (item, value) = (self.items[edit.item].as_str(), edit.value.as_str());
        let wanted = move |mine: &Value| mine == value || mine["qty"] == value;
        let lost = move |card: &&Value| card["kind"] == "conflict" && wanted(&card["mine"]);
        let about = move |card: &&Value| card["subject"]["id"] == item;
        self.inbox.values().filter(move |card| lost(card) && about(card))
    }

    /// Whoever lost must be told: each clash over one field has its card in an inbox.
    fn unseen_conflicts(&self) -> Vec<String> {
        let lost =
            self.schedule.clashes.iter().filter(|clash| {
                clash.is_conflict() && !clash.edits.iter().any(|edit| self.cards(edit).next().is_some())
            });
        lost.map(|clash| format!("no inbox tells of {:?}", clash.edits)).collect()
    }
}

fn compare(what: &str, got: &Levels, wanted: &Levels) -> Vec<String> {
    let cells: BTreeSet<_> = got.keys().chain(wanted.keys()).collect();
    let differ = cells.into_iter().filter(|cell| got.get(*cell) != wanted.get(*cell));
    let units = |level: Option<&Micro>| level.map_or(0.0, |&level| level as f64 / 1e6);
    differ
        .map(|cell| {
            format!(
                "{what} of {} in {}: {} instead of {}",
                cell.0,
                cell.1,
                units(got.get(cell)),
                units(wanted.get(cell))
            )
        })
        .collect()
}

fn balances_elsewhere(dump: &Dump) -> Vec<String> {
    let lost = dump
        .balances
        .iter()
        .filter(|((item, location), _)| !dump.locations.contains_key(location) || !dump.items.contains_key(item));
    lost.map(|(cell, level)| format!("{level} millionths at {cell:?}, which is no item in a real location")).collect()
}

/// What went into real locations came out of virtual ones.
fn zero_sums(dump: &Dump) -> Vec<String> {
    let mut sums: BTreeMap<&String, Micro> = BTreeMap::new();
    for ((item, location), level) in &dump.entries {
        // The real half as the product keeps it, the virtual half as the movements say.
        if !dump.locations.contains_key(location) {
            *sums.entry(item).or_default() += level;
        }
    }
    for ((item, _), level) in &dump.balances {
        *sums.entry(item).or_default() += level;
    }
    sums.into_iter()
        .filter(|(_, sum)| *sum != 0)
        .map(|(item, sum)| format!("{item} sums to {sum} millionths"))
        .collect()
}

/// The number of the first line in which two files differ.
fn first_difference(left: &Path, right: &Path) -> Result<Option<usize>> {
    let (mut left, mut right) = (BufReader::new(File::open(left)?), BufReader::new(File::open(right)?));
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for at in 1.. {
        a.clear();
        b.clear();
        left.read_until(b'\n', &mut a)?;
        right.read_until(b'\n', &mut b)?;
        if a != b {
            return Ok(Some(at));
        }
        if a.is_empty() {
            break;
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
