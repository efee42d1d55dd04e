//! The server's history became another one: what it lacks of this device's chain is offered again, in the places it had,
//! and the base is built anew. The same steps as the client's `store/reset.rs`.

use super::{Disk, Row, State};
use crate::book::Book;
use stillage_core::{
    id::{EpochId, MovementId},
    scope::Scope,
    wire::{Ack, PushInput},
};

impl Disk {
    /// The history that the base stands on.
    pub fn history(&self) -> EpochId {
        self.lost_epoch.unwrap_or(self.epoch)
    }

    /// Names another history and asks how much of this device's chain it holds.
    pub fn meet(&self, epoch: EpochId) -> Option<PushInput> {
        let prev_chain = self.chain_at(self.pushed)?;
        let (device, first_seq) = (self.device, self.pushed + 1);
        Some(PushInput {
            device,
            epoch: Some(epoch),
            first_seq,
            prev_chain,
            changes: Vec::new(),
            orders: Default::default(),
        })
    }

    pub fn begin_epoch(&mut self, epoch: EpochId, ack: Ack) {
        self.keep_orders(None);
        for row in &mut self.outbox {
            if row.device == Some(self.device) && row.seq > ack.seq {
                (row.state, row.outcome) = (State::Sealed, None);
            } else if row.device != Some(self.device) && !row.waits() {
                (row.state, row.outcome, row.device, row.seq) = (State::Queued, None, None, 0);
            }
        }
        // Until the base is built anew, what people do still stands on the lost history.
        if !self.reset {
            self.lost_epoch = Some(self.epoch);
        }
        (self.pushed, self.epoch, self.reset) = (ack.seq, epoch, true);
        self.twin.iter().for_each(|twin| twin.begin_epoch(epoch, ack));
    }

    /// Notes the place that own changes have among what happened in their cells; of those of one site when it is taken away,
    /// as nothing that comes in later would say it.
    pub(super) fn keep_orders(&mut self, of: Option<Scope>) {
        let base = &self.base;
        let unplaced = |row: &&mut Row| row.order.is_none() && row.change.kind.starts_with("stock.");
        for row in self.outbox.iter_mut().filter(unplaced) {
            let (change, id) = (row.change.id, MovementId(row.change.id.0));
            let shown = row.effects.as_deref();
            let moved = base.movements.get(&id).map(|kept| &kept.movement);
            let moved = moved.or_else(|| shown?.movements.iter().find(|moved| moved.id == id));
            let moved = moved.filter(|moved| of.is_none_or(|of| moved.scopes().contains(&of)));
            let counted = base.counts.get(&change).map(|count| count.as_ref());
            let counted = counted.or_else(|| shown?.counts.iter().find(|count| count.change == change));
            let counted = counted.filter(|count| of.is_none_or(|of| count.place.site.map(Scope::Site) == Some(of)));
            let order = moved.map(|moved| moved.order).or(counted.map(|count| count.order));
            row.order = order.map(|order| order.ts);
        }
    }

    /// Empties the base, in the transaction that stores the first answer of the new history.
    pub(super) fn wipe(&mut self) {
        self.keep_orders(None);
        self.cursors.clear();
        self.sums.clear();
        self.outcomes.clear();
        self.unknown.clear();
        self.owed.clear();
        self.absent.clear();
        self.base = Book::born();
        (self.reset, self.lost_epoch) = (false, None);
        self.decide_again();
    }
}
