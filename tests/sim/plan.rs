//! What one seed stands for: how many there are of everything, which faults are on and how often, and the list of what
//! people and fate do. The list is drawn before anything runs, so that a failing schedule can be made smaller by leaving
//! events out.

use crate::{checks::named, dice::Dice, server::Cut};

named! {
    /// What goes wrong.
    Fault {
        Drop = "drop";
        Delay = "delay";
        Duplicate = "duplicate";
        Reorder = "reorder";
        Truncate = "truncate";
        LostPoke = "lost_poke";
        Cut = "cut";
        DeviceCrash = "device_crash";
        PowerLoss = "power_loss";
        ServerCrashBefore = "server_crash_before";
        ServerCrashAfter = "server_crash_after";
        Abort = "abort";
        TwoServers = "two_servers";
        OldImage = "old_image";
        CopiedDisk = "copied_disk";
        ClockOffset = "clock_offset";
        ClockJump = "clock_jump";
        ClockDrift = "clock_drift";
        ClockBack = "clock_back";
        Revoked = "revoked";
        Granted = "granted";
        Poison = "poison";
        UnknownField = "unknown_field";
        UnknownEntry = "unknown_entry";
        CountedTwice = "counted_twice";
        RecountOffline = "recount_offline";
        Restore = "restore";
        Newcomer = "newcomer";
        SnapshotCut = "snapshot_cut";
        SnapshotGone = "snapshot_gone";
        LetGo = "let_go";
    }
}

impl Fault {
    /// Drawn by itself, after everything else: schedules without it are what they were before there was one.
    const LATE: [Self; 1] = [Self::Restore];
    /// And these after that: without any, nobody makes snapshots.
    const LATER: [Self; 3] = [Self::Newcomer, Self::SnapshotCut, Self::SnapshotGone];

    fn is_late(self) -> bool {
        Self::LATE.contains(&self) || Self::LATER.contains(&self) || self == Self::LetGo
    }

    fn is_clock(self) -> bool {
        matches!(self, Self::ClockOffset | Self::ClockJump | Self::ClockDrift | Self::ClockBack)
    }
}

/// One thing that happens from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Act,
    Nudge,
    Cut,
    Join,
    Crash,
    PowerLoss,
    ClockOffset,
    ClockJump,
    ClockDrift,
    ClockBack,
    Image,
    OldImage,
    CopiedDisk,
    Revoked,
    Granted,
    Poison,
    UnknownField,
    UnknownEntry,
    CountedTwice,
    Recount,
    Backup,
    Restore,
    Newcomer,
    NewBin,
    LetGo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its own stream of chance.
    pub stream: u64,
    /// Microseconds after the start.
    pub at: i64,
    pub device: usize,
    pub what: What,
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub devices: usize,
    pub sites: usize,
    pub bins: usize,
    pub items: usize,
    /// How often each fault strikes, per thousand occasions; 0 is off.
    pub rates: [u64; Fault::ALL.len()],
    pub rows: usize,
    pub results: usize,
    pub push: usize,
    /// How long a writer may wait for more pushes, in microseconds.
    pub gather: i64,
    /// How long a message is under way at most, in microseconds: the worse, the less a clock is worth.
    pub latency: i64,
    /// Clocks are off, and everybody works in the same few bins at once: only clocks say what came first.
    pub close: bool,
    /// How the server makes snapshots, if it does.
    pub snapshots: Option<Cut>,
    pub steps: Vec<Step>,
}

/// Faults that are enabled by whoever runs this; each seed draws from them.
pub type Enabled = [bool; Fault::ALL.len()];

impl Plan {
    pub fn draw(seed: u64, enabled: &Enabled) -> Self {
        let mut dice = Dice::new(seed, 0);
        let rates = rates(&mut dice, enabled);
        let wide = dice.chance(300);
        let inexact = Fault::ALL.iter().any(|fault| fault.is_clock() && rates[fault.at()] > 0);
        let close = inexact && dice.chance(600);
        let mut plan = Self {
            seed,
            devices: 2 + dice.index(5),
            sites: 2 + dice.index(2),
            bins: 1 + if close { 0 } else { dice.index(2) },
            items: if close { 1 } else { 2 + dice.index(3) },
            rates,
            rows: if wide { 400 } else { 4 + dice.index(40) },
            results: if wide { 400 } else { 1 + dice.index(20) },
            push: if wide { 500 } else { 1 + dice.index(20) },
            gather: if rates[Fault::TwoServers.at()] > 0 { 400_000 } else { [3000, 100_000][dice.index(2)] },
            latency: [40_000, 40_000, 400_000, 4_000_000][if close { 2 + dice.index(2) } else { dice.index(4) }],
            close,
            snapshots: None,
            steps: Vec::new(),
        };
        plan.steps = plan.steps(&mut dice);
        plan.later(enabled);
        plan.snapshots(enabled);
        plan.let_go(enabled);
        plan
    }

    pub fn rate(&self, fault: Fault) -> u64 {
        self.rates[fault.at()]
    }

    pub fn on(&self, fault: Fault) -> bool {
        self.rate(fault) > 0
    }

    /// Whether every machine knows what time it is.
    pub fn exact(&self) -> bool {
        !Fault::ALL.iter().any(|fault| fault.is_clock() && self.on(*fault))
    }

    pub fn faults(&self) -> Vec<Fault> {
        Fault::ALL.iter().copied().filter(|fault| self.on(*fault)).collect()
    }

    fn steps(&self, dice: &mut Dice) -> Vec<Step> {
        let acts = 60 + 8 * (6 - self.devices) + dice.index(40);
        let mut drawn: Vec<What> = vec![What::Act; acts];
        drawn.extend(vec![What::Nudge; 15 + dice.index(10)]);
        drawn.extend(self.strikes(dice));
        dice.shuffle(&mut drawn);
        let spread = [20_000, 400_000, 8_000_000][dice.index(if self.close { 2 } else { 3 })];
        let mut at = 0;
        let mut steps = Vec::with_capacity(drawn.len());
        for (stream, what) in (1..).zip(drawn) {
            at += dice.between(1, spread);
            steps.push(Step { stream, at, device: dice.index(self.devices), what });
        }
        steps
    }

    /// What is drawn apart, and put between the other steps.
    fn later(&mut self, enabled: &Enabled) {
        let mut dice = Dice::new(self.seed, LATER);
        let few = self.faults().len() < FEWEST;
        for fault in Fault::LATE {
            let (drawn, rate) = (dice.chance(250), rate(&mut dice));
            if enabled[fault.at()] && (drawn || few) {
                self.rates[fault.at()] = rate;
            }
        }
        let mut drawn: Vec<(i64, What)> = Vec::new();
        let last = self.steps.last().map_or(1, |step| step.at);
        if self.on(Fault::Restore) {
            for _ in 0..=dice.index(2) {
                let taken = dice.between(1, last);
                drawn.extend([(taken, What::Backup), (dice.between(taken, last), What::Restore)]);
            }
        }
        for (stream, (at, what)) in (LATER_STEPS..).zip(drawn) {
            self.steps.push(Step { stream, at, device: dice.index(self.devices), what });
        }
        self.steps.sort_by_key(|step| step.at);
    }

    /// Newcomers, who have something to do before they hold anything and while history is on its way.
    fn snapshots(&mut self, enabled: &Enabled) {
        let mut dice = Dice::new(self.seed, SNAPSHOTS);
        let few = self.faults().len() < FEWEST;
        let made = dice.chance(300);
        for fault in Fault::LATER {
            let (drawn, rate) = (fault == Fault::Newcomer || dice.chance(600), rate(&mut dice));
            if enabled[fault.at()] && (made && drawn || few) {
                self.rates[fault.at()] = rate;
            }
        }
        if !Fault::LATER.iter().any(|fault| self.on(*fault)) {
            return;
        }
        let most = [3, 12, 60][dice.index(3)];
        let rows = 1 + dice.index(most);
        self.snapshots = Some(Cut { worth: 1 + dice.below(40), fresh: 40 + dice.below(60), rows });
        let mut drawn: Vec<(i64, What)> = Vec::new();
        let last = self.steps.last().map_or(1, |step| step.at);
        if self.on(Fault::Newcomer) {
            for _ in 0..=dice.index(3) {
                let comes = dice.between(1, last);
                drawn.push((comes, What::Newcomer));
                drawn.extend((0..4 + dice.index(8)).map(|_| (dice.between(comes, last), What::Act)));
            }
        }
        // A snapshot of a site may know places that an older one of the catalogue does not.
        drawn.extend((0..dice.index(3)).map(|_| (dice.between(1, last), What::NewBin)));
        for (stream, (at, what)) in (SNAPSHOT_STEPS..).zip(drawn) {
            self.steps.push(Step { stream, at, device: self.devices + dice.index(3), what });
        }
        self.steps.sort_by_key(|step| step.at);
    }

    /// Devices let go of what every backup holds.
    fn let_go(&mut self, enabled: &Enabled) {
        let mut dice = Dice::new(self.seed, LETTING_GO);
        let backup = self.steps.iter().find(|step| step.what == What::Backup).map(|step| step.at);
        let Some(first) = backup.filter(|_| enabled[Fault::LetGo.at()] && dice.chance(500)) else { return };
        self.rates[Fault::LetGo.at()] = rate(&mut dice);
        let last = self.steps.last().map_or(first, |step| step.at).max(first + 1);
        for stream in (LETTING_GO_STEPS..).take(2 + dice.index(10)) {
            let (at, device) = (dice.between(first, last), dice.index(self.devices + 2));
            self.steps.push(Step { stream, at, device, what: What::LetGo });
        }
        self.steps.sort_by_key(|step| step.at);
    }

    /// Faults that strike by themselves and not on the occasion of something else.
    fn strikes(&self, dice: &mut Dice) -> Vec<What> {
        let mut drawn = Vec::new();
        let mut add = |fault: Fault, most: usize, what: &[What]| {
            if self.on(fault) {
                for _ in 0..=dice.index(most) {
                    drawn.extend(what);
                }
            }
        };
        add(Fault::Cut, 8, &[What::Cut, What::Join]);
        add(Fault::DeviceCrash, 6, &[What::Crash]);
        add(Fault::PowerLoss, 4, &[What::PowerLoss]);
        add(Fault::OldImage, 2, &[What::Image, What::OldImage, What::OldImage]);
        add(Fault::CopiedDisk, 2, &[What::CopiedDisk]);
        add(Fault::ClockOffset, 4, &[What::ClockOffset]);
        add(Fault::ClockJump, 4, &[What::ClockJump]);
        add(Fault::ClockDrift, 4, &[What::ClockDrift]);
        add(Fault::ClockBack, 4, &[What::ClockBack]);
        add(Fault::Revoked, 4, &[What::Revoked]);
        add(Fault::Granted, 4, &[What::Granted]);
        add(Fault::Poison, 4, &[What::Poison]);
        add(Fault::UnknownField, 3, &[What::UnknownField]);
        add(Fault::UnknownEntry, 3, &[What::UnknownEntry]);
        add(Fault::CountedTwice, 3, &[What::CountedTwice]);
        add(Fault::RecountOffline, 4, &[What::Cut, What::Recount, What::Recount, What::Join]);
        drawn
    }
}

/// The stream of what is drawn apart, and the first of those of its steps.
const LATER: u64 = u64::MAX - 1;
const LATER_STEPS: u64 = 1 << 32;
const SNAPSHOTS: u64 = u64::MAX - 2;
const SNAPSHOT_STEPS: u64 = 1 << 33;
const LETTING_GO: u64 = u64::MAX - 3;
const LETTING_GO_STEPS: u64 = 1 << 34;
/// So many kinds of fault are on in every schedule.
const FEWEST: usize = 3;

fn rate(dice: &mut Dice) -> u64 {
    let most = [25, 80, 200][dice.index(3)];
    5 + dice.below(most)
}

/// At least three kinds, as far as so many are enabled; clocks are exact in most schedules.
fn rates(dice: &mut Dice, enabled: &Enabled) -> [u64; Fault::ALL.len()] {
    let mut rates = [0; Fault::ALL.len()];
    let clocks = dice.chance(350);
    let possible: Vec<Fault> = Fault::ALL.iter().copied().filter(|f| enabled[f.at()] && !f.is_late()).collect();
    let share = 120 + dice.below(400);
    for fault in &possible {
        let drawn = dice.chance(share);
        if drawn && (clocks || !fault.is_clock()) {
            rates[fault.at()] = rate(dice);
        }
    }
    let mut left: Vec<Fault> = possible.iter().copied().filter(|f| rates[f.at()] == 0).collect();
    dice.shuffle(&mut left);
    left.sort_by_key(|fault| fault.is_clock());
    let missing = FEWEST.saturating_sub(possible.len() - left.len());
    for fault in left.into_iter().take(missing) {
        rates[fault.at()] = rate(dice);
    }
    rates
}
