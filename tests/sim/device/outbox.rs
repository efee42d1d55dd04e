//! Everything a person did here, in order: queued, then sealed into the device's chain, then settled by the server's
//! word. The same steps as the client's `store/outbox.rs`.

use super::Disk;
use std::{cell::OnceCell, rc::Rc};
use stillage_core::{
    change::{Act, Change, ChangeResult, Digest, Outcome},
    decide::Effects,
    id::{ChangeId, DeviceId, EpochId},
    wire::{Ack, PushInput},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Queued,
    Sealed,
    Settled,
    Rejected,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub n: u64,
    pub change: Rc<Change>,
    pub state: State,
    pub device: Option<DeviceId>,
    pub seq: u64,
    pub chain: Digest,
    pub outcome: Option<Outcome>,
    /// In which history its end was told.
    pub told_in: Option<EpochId>,
    /// The place it had in a history that the server lost.
    pub order: Option<i64>,
    /// What is shown of it until its end has come in.
    pub effects: Option<Rc<Effects>>,
    /// What it says, once somebody has read it.
    read: OnceCell<Option<Rc<Act>>>,
}

impl Row {
    pub fn queued(n: u64, change: Change, effects: Option<Rc<Effects>>) -> Self {
        let change = Rc::new(change);
        let (state, chain) = (State::Queued, Digest([0; 16]));
        let (outcome, told_in, order, read) = (None, None, None, OnceCell::new());
        Self { n, change, state, device: None, seq: 0, chain, outcome, told_in, order, effects, read }
    }

    /// Nothing when this version cannot read it.
    pub fn act(&self) -> Option<Act> {
        let read = self.read.get_or_init(|| self.change.read().ok().map(Rc::new));
        read.as_deref().cloned()
    }

    pub fn waits(&self) -> bool {
        matches!(self.state, State::Queued | State::Sealed)
    }
}

impl Disk {
    pub fn waiting(&self) -> usize {
        self.outbox.iter().filter(|row| row.waits()).count()
    }

    /// As they were recorded. What was sealed under a former id and goes again is sealed behind the rest.
    fn own(&self) -> impl Iterator<Item = &Row> {
        self.outbox.iter().filter(|row| row.device == Some(self.device))
    }

    /// Where the chain of this device begins here.
    fn start(&self) -> Ack {
        let link = self.link.filter(|(device, _)| *device == self.device).map(|(_, link)| link);
        link.unwrap_or(Ack { seq: 0, chain: Digest::start(self.device) })
    }

    fn last_sealed(&self) -> Ack {
        let last = self.own().max_by_key(|row| row.seq).map(|row| Ack { seq: row.seq, chain: row.chain });
        last.unwrap_or_else(|| self.start())
    }

    pub fn chain_at(&self, seq: u64) -> Option<Digest> {
        if seq == 0 {
            return Some(Digest::start(self.device));
        }
        let own = self.own().find(|row| row.seq == seq).map(|row| row.chain);
        own.or_else(|| Some(self.start()).filter(|start| start.seq == seq).map(|start| start.chain))
    }

    pub fn is_own(&self, ack: Ack) -> bool {
        let own = self.chain_at(ack.seq) == Some(ack.chain);
        self.twin.iter().for_each(|twin| twin.is_own(ack, own));
        own
    }

    pub fn settled_seq(&self) -> u64 {
        let first = self.own().filter(|row| row.state == State::Sealed).map(|row| row.seq - 1).min();
        first.unwrap_or_else(|| self.last_sealed().seq)
    }

    /// Deletes what is settled up to `seq`; what is parked has no end yet, and the last row stays. The same steps as the
    /// client's `store/backed_up.rs`.
    pub fn let_go(&mut self, seq: u64) -> Vec<Row> {
        let (device, n) = (self.device, self.last_n());
        let stays = |row: &&Row| row.outcome == Some(Outcome::Parked) || row.n == n;
        let stays = self.own().filter(stays).map(|row| row.seq).min().unwrap_or(u64::MAX);
        let last = seq.min(self.settled_seq()).min(stays - 1);
        let goes = |row: &mut Row| row.device == Some(device) && row.seq <= last;
        let chain = self.chain_at(last);
        let gone: Vec<Row> = self.outbox.extract_if(.., goes).collect();
        if let Some(chain) = chain.filter(|_| !gone.is_empty()) {
            self.link = Some((device, Ack { seq: last, chain }));
        }
        self.twin.iter().for_each(|twin| twin.let_go(seq, gone.len()));
        gone
    }

    pub fn has_unsent(&self) -> bool {
        let unanswered = |row: &&Row| row.state == State::Sealed && row.seq > self.pushed;
        self.outbox.iter().any(|row| row.state == State::Queued) || self.own().any(|row| unanswered(&row))
    }

    /// The next batch to send: what was sealed and not answered goes again exactly as it was; only then are queued
    /// changes sealed.
    pub fn seal(&mut self, most: usize) -> Option<PushInput> {
        let mut input = self.seal_here(most);
        if self.lost_epoch.is_some() {
            self.keep_orders(None);
        }
        if let Some(input) = &mut input {
            let order = |change: &Change| Some((change.id, self.row(change.id)?.order?));
            input.orders = input.changes.iter().filter_map(order).collect();
        }
        self.twin.iter().for_each(|twin| twin.seal(most, input.as_ref()));
        input
    }

    /// The server has taken everything up to here.
    pub fn pushed_to(&mut self, seq: u64) {
        self.pushed = seq;
        self.twin.iter().for_each(|twin| twin.pushed_to(seq));
    }

    fn seal_here(&mut self, most: usize) -> Option<PushInput> {
        let mut again: Vec<&Row> = self.own().filter(|row| row.seq > self.pushed).collect();
        again.sort_by_key(|row| row.seq);
        again.truncate(most);
        if let Some(first) = again.first() {
            let first_seq = first.seq;
            let changes = again.iter().map(|row| row.change.as_ref().clone()).collect();
            return Some(self.input(first_seq, self.chain_at(first_seq - 1)?, changes));
        }
        let Ack { seq: last, chain: prev_chain } = self.last_sealed();
        let (mut chain, device) = (prev_chain, self.device);
        let mut changes = Vec::new();
        let queued = self.outbox.iter_mut().filter(|row| row.state == State::Queued);
        for (row, seq) in queued.take(most).zip(last + 1..) {
            chain = chain.next(row.change.id, row.change.hash());
            let change = Change { seq, ..row.change.as_ref().clone() };
            changes.push(change.clone());
            (row.change, row.state, row.device) = (Rc::new(change), State::Sealed, Some(device));
            (row.seq, row.chain) = (seq, chain);
        }
        if changes.is_empty() { None } else { Some(self.input(last + 1, prev_chain, changes)) }
    }

    fn input(&self, first_seq: u64, prev_chain: Digest, changes: Vec<Change>) -> PushInput {
        PushInput {
            device: self.device,
            epoch: Some(self.epoch),
            first_seq,
            prev_chain,
            changes,
            orders: Default::default(),
        }
    }

    pub(super) fn settle(&mut self, seq: u64, results: &[ChangeResult]) {
        for result in results {
            let device = self.device;
            let sealed = |row: &&mut Row| row.state == State::Sealed && row.device == Some(device) && row.seq <= seq;
            let row = self.outbox.iter_mut().filter(sealed).find(|row| row.change.id == result.id);
            if let Some(row) = row {
                let refused = matches!(result.outcome, Outcome::Rejected | Outcome::Parked);
                row.state = if refused { State::Rejected } else { State::Settled };
                row.outcome = Some(result.outcome);
                row.told_in = Some(self.epoch);
            }
        }
        self.pushed = self.pushed.max(seq);
    }

    pub fn row(&self, change: ChangeId) -> Option<&Row> {
        self.outbox.iter().find(|row| row.change.id == change)
    }

    /// This file is a copy, or was restored: it goes on under a new id. What is not settled is numbered anew; the ids
    /// of the changes stay.
    pub fn take_new_device(&mut self, new: DeviceId) {
        (self.device, self.forked, self.pushed) = (new, true, 0);
        for row in self.outbox.iter_mut().filter(|row| row.state == State::Sealed) {
            (row.state, row.device, row.seq) = (State::Queued, None, 0);
        }
        self.decide_again();
        self.twin.iter().for_each(|twin| twin.take_new_device(new));
    }
}
