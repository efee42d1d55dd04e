//! Who does what, when, with which network: the whole disorder of a run, drawn from the seed. Pure.
//!
//! The file is cut into rounds of consecutive invoices. Within a round devices work side by side;
//! between rounds they wait for each other. In two rounds of three some devices have no network
//! from before the first of their invoices until after everybody's last one: what two of them moved
//! then, they surely moved while both were offline. Other devices lose their network for a few
//! invoices in the middle of a round, and devices and the server are killed in the middle of things.

use crate::replay::plan::Plan;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Record the movements of this document.
    Record(usize),
    Edit(Edit),
    Cut,
    Restore,
    /// Push and pull until nothing is left to do.
    Sync,
    /// SIGKILL with requests under way, and open again.
    Kill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Name,
    ReorderPoint,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub item: usize,
    pub field: Field,
    pub value: String,
}

/// Two edits of one item on two devices that cannot see each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    pub item: usize,
    pub edits: [Edit; 2],
}

impl Clash {
    /// Both sides changed one field, so one of them must lose.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.edits[0].field == self.edits[1].field
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Devices without network for the whole round.
    pub offline: BTreeSet<usize>,
    pub steps: Vec<Vec<Step>>,
    pub server_dies: bool,
}

impl Round {
    fn documents(&self, device: usize) -> impl Iterator<Item = usize> {
        self.steps[device]
            .iter()
            .filter_map(|step| if let Step::Record(document) = step { Some(*document) } else { None })
    }

    #[must_use]
    pub fn lines(&self, plan: &Plan) -> usize {
        (0..self.steps.len()).flat_map(|device| self.documents(device)).map(|d| plan.documents[d].len()).sum()
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    pub rounds: Vec<Round>,
    pub clashes: Vec<Clash>,
}

/// Lines under which a file is too short for devices to meet by chance.
const SHORT_FILE: usize = 20_000;
const LINES_A_KILL: usize = 7_000;
const LINES_A_SERVER_KILL: usize = 40_000;

impl Schedule {
    #[must_use]
    pub fn of(plan: &Plan, devices: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5343_4845_4455_4c45);
        let mut fresh: Vec<usize> = (0..plan.items.len()).collect();
        fresh.shuffle(&mut rng);
        let mut schedule = Self::default();
        for (at, documents) in rounds(plan).into_iter().enumerate() {
            let mut round = Round { steps: vec![Vec::new(); devices], ..Round::default() };
            for document in documents {
                round.steps[rng.random_range(0..devices)].push(Step::Record(document));
            }
            if at % 3 != 2 {
                let mut all: Vec<usize> = (0..devices).collect();
                all.shuffle(&mut rng);
                // A short file needs everybody away for two of them to meet in a fifth of its items.
                let away = if plan.entries.len() < SHORT_FILE { devices } else { rng.random_range(2..=devices) };
                round.offline = all.into_iter().take(away).collect();
                schedule.clash(plan, &mut round, &mut fresh, &mut rng);
            }
            for device in 0..devices {
                if !round.offline.contains(&device) {
                    disturb(&mut round.steps[device], &mut rng);
                }
            }
            schedule.rounds.push(round);
        }
        schedule.kill(plan.entries.len(), &mut rng);
        schedule
    }

    /// Items that two or more devices moved in a round for all of which both were offline.
    #[must_use]
    pub fn shared_items(&self, plan: &Plan) -> BTreeSet<usize> {
        let mut shared = BTreeSet::new();
        for round in &self.rounds {
            let mut moved = BTreeMap::new();
            for &device in &round.offline {
                for entry in round.documents(device).flat_map(|d| plan.documents[d].clone()) {
                    let item = plan.entries[entry].item;
                    if *moved.entry(item).or_insert(device) != device {
                        shared.insert(item);
                    }
                }
            }
        }
        shared
    }

    /// One item renamed twice, one given two reorder points, one renamed here and given a reorder
    /// point there. An item clashes once in a run, so that what must come out of it is plain.
    fn clash(&mut self, plan: &Plan, round: &mut Round, fresh: &mut Vec<usize>, rng: &mut ChaCha8Rng) {
        let pair: Vec<usize> = round.offline.iter().copied().take(2).collect();
        for fields in
            [[Field::Name, Field::Name], [Field::Name, Field::ReorderPoint], [Field::ReorderPoint, Field::ReorderPoint]]
        {
            let (Some(item), &[left, right]) = (fresh.pop(), pair.as_slice()) else { return };
            let edits = [(left, fields[0]), (right, fields[1])].map(|(device, field)| {
                let value = match field {
                    Field::Name => format!("{} ({})", plan.items[item].name, device + 1),
                    Field::ReorderPoint => {
                        (plan.items[item].reorder_point + 10 + i64::try_from(device).unwrap_or(0)).to_string()
                    }
                };
                let edit = Edit { item, field, value };
                let steps = &mut round.steps[device];
                steps.insert(rng.random_range(0..=steps.len()), Step::Edit(edit.clone()));
                edit
            });
            self.clashes.push(Clash { item, edits });
        }
    }

    fn kill(&mut self, lines: usize, rng: &mut ChaCha8Rng) {
        let mut busy: Vec<(usize, usize)> = Vec::new();
        for (at, round) in self.rounds.iter().enumerate() {
            let working = |steps: &Vec<Step>| steps.iter().any(|s| matches!(s, Step::Record(_)));
            busy.extend(
                round.steps.iter().enumerate().filter(|(_, steps)| working(steps)).map(|(device, _)| (at, device)),
            );
        }
        busy.shuffle(rng);
        for (at, device) in busy.into_iter().take((lines / LINES_A_KILL).max(2)) {
            let steps = &mut self.rounds[at].steps[device];
            let recorded: Vec<usize> = (0..steps.len()).filter(|&s| matches!(steps[s], Step::Record(_))).collect();
            let after = recorded[rng.random_range(0..recorded.len())];
            steps.insert(after + 1, Step::Kill);
        }
        let mut places: Vec<usize> = (1..self.rounds.len()).collect();
        places.shuffle(rng);
        for at in places.into_iter().take((lines / LINES_A_SERVER_KILL).max(1)) {
            self.rounds[at].server_dies = true;
        }
    }
}

/// A device with network: it may catch up first, and may lose the network for a few invoices.
fn disturb(steps: &mut Vec<Step>, rng: &mut ChaCha8Rng) {
    if rng.random_bool(0.3) {
        let from = rng.random_range(0..=steps.len());
        let until = (from + rng.random_range(1..=4)).min(steps.len());
        steps.insert(until, Step::Restore);
        steps.insert(from, Step::Cut);
    }
    if rng.random_bool(0.5) {
        steps.insert(0, Step::Sync);
    }
}

/// Consecutive documents, about as many lines to each round.
fn rounds(plan: &Plan) -> Vec<Vec<usize>> {
    let size = (plan.entries.len() / 6).clamp(200, 1_500);
    let (mut rounds, mut lines) = (vec![Vec::new()], 0);
    for (at, document) in plan.documents.iter().enumerate() {
        if lines >= size {
            rounds.push(Vec::new());
            lines = 0;
        }
        lines += document.len();
        if let Some(round) = rounds.last_mut() {
            round.push(at);
        }
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::plan::{Entry, Item, Verb};

    fn plan(documents: usize, lines_each: usize) -> Plan {
        let item = |n: usize| Item {
            sku: format!("i{n}"),
            aliases: vec![],
            name: "THING".into(),
            reorder_point: 5,
            bin: 0,
            opening: 0,
            short: false,
        };
        let entry = |n: usize| Entry {
            item: n % 3_000,
            verb: Verb::Issue,
            delta: -1,
            reference: n.to_string(),
            reason: None,
            note: None,
        };
        Plan {
            items: (0..3_000).map(item).collect(),
            entries: (0..documents * lines_each).map(entry).collect(),
            documents: (0..documents).map(|d| d * lines_each..(d + 1) * lines_each).collect(),
            ..Plan::default()
        }
    }

    fn count(schedule: &Schedule, wanted: &Step) -> usize {
        schedule.rounds.iter().flat_map(|r| r.steps.iter().flatten()).filter(|s| *s == wanted).count()
    }

    #[test]
    fn a_hundred_thousand_lines_bring_fifty_cuts_ten_kills_and_twenty_clashes_with_any_fleet() {
        for devices in [2, 4, 9] {
            let schedule = Schedule::of(&plan(5_000, 20), devices, 1);
            let windows: usize = schedule.rounds.iter().map(|r| r.offline.len()).sum();
            assert!(windows >= 50, "{devices}: {windows}");
            assert!(count(&schedule, &Step::Kill) >= 10);
            assert!(schedule.clashes.iter().filter(|c| c.is_conflict()).count() >= 20);
        }
    }

    #[test]
    fn an_item_is_shared_only_when_both_devices_were_offline_in_one_round() {
        let plan = plan(4, 1);
        let same_item = Plan {
            entries: plan.entries.iter().cloned().map(|e| crate::replay::plan::Entry { item: 7, ..e }).collect(),
            ..plan
        };
        let steps = || vec![vec![Step::Record(0)], vec![Step::Record(1)]];
        let shared = |offline: &[usize]| {
            let round = Round { offline: offline.iter().copied().collect(), steps: steps(), server_dies: false };
            Schedule { rounds: vec![round], clashes: vec![] }.shared_items(&same_item).len()
        };
        assert_eq!([shared(&[0, 1]), shared(&[1]), shared(&[])], [1, 0, 0]);
    }

    #[test]
    fn every_document_is_recorded_once_and_in_order_on_its_device() {
        let schedule = Schedule::of(&plan(300, 10), 3, 9);
        let mut all = Vec::new();
        for device in 0..3 {
            let steps = schedule.rounds.iter().flat_map(|r| &r.steps[device]);
            let mine: Vec<usize> =
                steps.filter_map(|s| if let Step::Record(d) = s { Some(*d) } else { None }).collect();
            assert!(mine.is_sorted());
            all.extend(mine);
        }
        all.sort_unstable();
        assert_eq!(all, (0..300).collect::<Vec<_>>());
    }

    #[test]
    fn the_two_sides_of_a_clash_are_offline_together_and_an_item_clashes_once() {
        let schedule = Schedule::of(&plan(300, 10), 3, 9);
        let items: BTreeSet<usize> = schedule.clashes.iter().map(|c| c.item).collect();
        assert_eq!(items.len(), schedule.clashes.len());
        for round in &schedule.rounds {
            for (device, steps) in round.steps.iter().enumerate() {
                assert!(round.offline.contains(&device) || !steps.iter().any(|s| matches!(s, Step::Edit(_))));
            }
        }
    }

    #[test]
    fn a_device_that_is_cut_in_a_round_gets_its_network_back_in_it() {
        let schedule = Schedule::of(&plan(300, 10), 3, 9);
        assert_eq!(count(&schedule, &Step::Cut), count(&schedule, &Step::Restore));
    }
}
