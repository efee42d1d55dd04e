//! A desktop in memory. `Disk` is its database: whatever a method of it does is one transaction, so that a crash leaves
//! either all of it or nothing. What is not on the disk (a round under way) is lost with the process.
//!
//! With `--with-sqlite` every disk has a twin: the production store on a real file, which is told the same.

mod apply;
mod epoch;
mod outbox;
mod snapshot;
#[cfg(not(feature = "sqlite"))]
#[path = "device/no_twin.rs"]
mod twin;
#[cfg(feature = "sqlite")]
mod twin;

pub use outbox::{Row, State};
pub use snapshot::Owed;

use crate::{
    book::Book,
    clock::{Clock, Moment},
    server::Certificate,
    world::Beginning,
};
use std::{collections::BTreeMap, rc::Rc};
use stillage_core::{
    action::Action,
    change::{Act, Change, Cut, Outcome},
    decide::{Door, Effects},
    facts::Facts,
    id::{ChangeId, DeviceId, EpochId, LocationId, PersonId},
    record::{Kind, Ref},
    rejection::Rejection,
    scope::Scope,
    settle::{context, needs_of},
    snapshot::{ChunkName, Manifest, ManifestInput},
    sum::Sum,
    wire::{Ack, LogEntry, PullAnswer, PullInput, PushAnswer, PushInput},
};

/// Everything that is in the file.
#[derive(Debug, Clone)]
pub struct Disk {
    pub device: DeviceId,
    /// It had another id before.
    pub forked: bool,
    pub person: PersonId,
    pub epoch: EpochId,
    /// The history that the base stands on while it waits to be built anew from the next answer.
    pub lost_epoch: Option<EpochId>,
    pub reset: bool,
    /// To come back with to a server that was restored from before.
    pub certificate: Option<Certificate>,
    pub pushed: u64,
    pub cursors: BTreeMap<Scope, u64>,
    /// Of the base, beside the cursors.
    pub sums: BTreeMap<Scope, Sum>,
    pub base: Book,
    pub outbox: Vec<Row>,
    /// The place of this device's chain up to which it was let go of.
    link: Option<(DeviceId, Ack)>,
    pub outcomes: BTreeMap<ChangeId, Outcome>,
    pub unknown: BTreeMap<(Scope, u64), LogEntry>,
    /// Of the snapshots that are being loaded.
    pub owed: Vec<Owed>,
    /// Sites of places whose records are not here.
    absent: BTreeMap<LocationId, Scope>,
    pub clock: Clock,
    twin: Option<twin::Twin>,
}

/// When somebody acts: the server's time as the device believes it, how far that may be off, and what its machine says.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    pub at: i64,
    pub error: i64,
    pub here: Moment,
}

/// What is asked of the server.
#[derive(Debug, Clone)]
pub enum Ask {
    Push(PushInput),
    Pull(PullInput),
    Manifest(ManifestInput),
    Chunk {
        device: DeviceId,
        name: ChunkName,
    },
    /// A new id for a database that was found to be a copy.
    Enrol {
        new: DeviceId,
        before: DeviceId,
    },
    /// To be taken back by this history.
    Return {
        certificate: Certificate,
        epoch: EpochId,
    },
}

#[derive(Debug, Clone)]
pub enum Reply {
    Push(PushAnswer),
    Pull(PullAnswer),
    Manifest(Manifest),
    Chunk(Vec<u8>),
    /// There is no such chunk, or not for this device.
    Gone,
    Enrolled(Certificate),
    /// The server does not know who asks; its history is this one.
    SignedOut(EpochId),
    /// The server could not.
    Unavailable,
}

/// How a round goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Idle,
    /// Waits for the answer to this question.
    Asked(u64),
}

/// The machine with its process.
#[derive(Debug)]
pub struct Device {
    pub disk: Disk,
    /// As of the last commit that waited for the disk; only kept while the power may fail.
    pub flushed: Option<Disk>,
    /// Whose token the keyring holds: it is beside the database, and survives what happens to that.
    pub keyring: DeviceId,
    pub machine: crate::clock::Machine,
    pub stage: Stage,
    /// The chains were found to part: the next question is for a new id.
    pub forked: bool,
    /// Another history was met: the next question is how much of the chain it holds.
    pub meeting: Option<EpochId>,
    /// The server of this history has lost the device: the next question is to be taken back.
    pub returning: Option<EpochId>,
    pub online: bool,
    /// Everything was pushed; what comes next is pulling.
    pub pulling: bool,
    pub beginning: Beginning,
    pub refusals: u32,
    pub discards: u32,
    /// Something happened during the round: another one follows.
    pub again: bool,
    pub forks: u32,
}

impl Device {
    pub fn new(disk: Disk, machine: crate::clock::Machine) -> Self {
        let keyring = disk.device;
        Self {
            disk,
            flushed: None,
            keyring,
            machine,
            stage: Stage::Idle,
            forked: false,
            meeting: None,
            returning: None,
            online: true,
            pulling: false,
            beginning: Beginning::default(),
            refusals: 0,
            discards: 0,
            again: false,
            forks: 0,
        }
    }

    /// The process is gone; the file is as the last commit left it.
    pub fn restart(&mut self) {
        (self.stage, self.forked, self.again, self.pulling) = (Stage::Idle, false, false, false);
        (self.refusals, self.discards, self.meeting, self.returning) = (0, 0, None, None);
        self.beginning = Beginning::default();
        if let Some(twin) = &mut self.disk.twin {
            twin.crash();
        }
    }
}

impl Disk {
    pub fn new(device: DeviceId, person: PersonId, epoch: EpochId) -> Self {
        Self {
            device,
            forked: false,
            person,
            epoch,
            lost_epoch: None,
            reset: false,
            certificate: None,
            pushed: 0,
            cursors: BTreeMap::new(),
            sums: BTreeMap::new(),
            base: Book::born(),
            outbox: Vec::new(),
            link: None,
            outcomes: BTreeMap::new(),
            unknown: BTreeMap::new(),
            owed: Vec::new(),
            absent: BTreeMap::new(),
            clock: Clock::default(),
            twin: None,
        }
    }

    /// The same beside the production store.
    pub fn with_sqlite(device: DeviceId, person: PersonId, epoch: EpochId) -> Self {
        Self { twin: twin::Twin::new(device, person, epoch), ..Self::new(device, person, epoch) }
    }

    /// Why the production store does not hold the same; nothing when it was told nothing since it was last looked at.
    pub fn compared(&self, whole: bool) -> Option<Result<(), String>> {
        self.twin.as_ref()?.compared(self, whole)
    }

    /// The server has answered a question: what its clock says is a sample.
    pub fn sample(&mut self, asked: Moment, answered: Moment, server: i64) {
        // A process does not outlive its machine.
        if asked.boot == answered.boot {
            self.clock.add(asked, answered, server);
            self.twin.iter().for_each(|twin| twin.sample((asked, answered), server, false));
        }
    }

    /// The device knows what time it is.
    pub fn set_clock(&mut self, here: Moment, server: i64) {
        self.clock = Clock::default();
        self.clock.add(here, here, server);
        self.twin.iter().for_each(|twin| twin.sample((here, here), server, true));
    }

    /// What waits is shown on top of the base.
    pub fn shown(&self) -> Vec<&Effects> {
        self.outbox.iter().filter_map(|row| row.effects.as_deref()).collect()
    }

    fn last_n(&self) -> u64 {
        self.outbox.last().map_or(0, |row| row.n)
    }

    /// Records what a person did, if the rules let them: one transaction.
    pub fn act(&mut self, action: Action, id: ChangeId, stamp: Stamp) -> Result<Rc<Effects>, Rejection> {
        let again = self.twin.as_ref().map(|_| action.clone());
        let done = self.record(action, id, stamp);
        if let (Some(twin), Some(action)) = (&self.twin, again) {
            twin.act(action, id, stamp.here, &done);
        }
        done
    }

    fn record(&mut self, action: Action, id: ChangeId, stamp: Stamp) -> Result<Rc<Effects>, Rejection> {
        let Stamp { at, error, .. } = stamp;
        let cut = Cut { epoch: Some(self.history()), cursors: self.cursors.clone() };
        let act = Act { action, at, clock_error: error, cut, person: Some(self.person) };
        let change = Change::write(id, &act);
        let shown = self.shown();
        let mut facts = Facts::default();
        let needs = loop {
            let needs = needs_of(&act, &facts);
            let missing = needs.clone().missing(&facts);
            if missing.is_empty() {
                break needs;
            }
            self.base.load(&missing, &shown, &mut facts);
        };
        let n = self.last_n() + 1;
        let context = context(&act, (id, self.device, n), &needs.cells, &facts, Door::Direct);
        let effects = Rc::new(act.action.decide(&context, &facts)?);
        self.outbox.push(Row::queued(n, change, Some(Rc::clone(&effects))));
        Ok(effects)
    }

    /// A change that this version cannot read: left by a newer one before it was taken back.
    pub fn act_unread(&mut self, change: Change) {
        let n = self.last_n() + 1;
        self.twin.iter().for_each(|twin| twin.act_unread(n, &change));
        self.outbox.push(Row::queued(n, change, None));
    }

    pub fn pull_input(&self) -> PullInput {
        let held = self.cursors.iter().filter(|_| !self.reset);
        let cursors = held.map(|(&scope, &seq)| stillage_core::wire::Cursor { scope, seq }).collect();
        PullInput {
            device: self.device,
            epoch: Some(self.epoch),
            cursors,
            settled_seq: self.settled_seq(),
            max_rows: 5000,
            mismatches: Vec::new(),
            chunks: None,
        }
    }

    /// Whether this file holds a row of any scope that is not among these.
    pub fn holds_beyond(&self, granted: impl Fn(Scope) -> bool) -> Option<Scope> {
        let moved = self.base.movements.values().flat_map(|kept| kept.numbers.keys().copied());
        let counted = self.base.counts.values().filter_map(|count| count.place.site.map(Scope::Site));
        let inbox = Ref { kind: Kind::Inbox, id: uuid::Uuid::nil() };
        let inbox = self.base.records.range(inbox..).map(|(_, record)| record);
        let inbox = inbox.filter(|record| record.of.kind == Kind::Inbox).map(|record| Scope::of(record));
        moved.chain(counted).chain(inbox).find(|scope| !granted(*scope))
    }
}
