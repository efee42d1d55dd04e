//! A chunk made ready to be written: read, parsed, hashed and sorted. All of that needs no database, and is done while
//! the chunk before it is written.

use super::Due;
use crate::{Failure, store::record::Stored};
use stillage_core::{
    change::Outcome,
    id::ChangeId,
    snapshot::{Balance, Chunk, Row, What},
    stock::{Movement, PostedCount},
    sum::Sum,
    wire::LogEntry,
};

/// A movement with its number in the scope, and its body when that is to be kept whole.
pub(super) type Moved = (u64, Box<Movement>, Option<String>);

/// What one chunk brings, each list in the order of its table's key, so that rows are added to the end of it.
#[derive(Debug, Default)]
pub struct Ready {
    pub(super) records: Vec<Stored>,
    pub(super) balances: Vec<Balance>,
    pub(super) movements: Vec<Moved>,
    pub(super) counts: Vec<(Box<PostedCount>, String)>,
    pub(super) unknown: Vec<LogEntry>,
    pub(super) outcomes: Vec<(ChangeId, Outcome)>,
    /// Of what it adds to the scope.
    pub(super) sum: Sum,
}

impl Ready {
    /// Of rows later than the number of the snapshot, the pull brings what counts.
    pub fn new(due: &Due, chunk: Chunk) -> Result<Self, Failure> {
        let mut ready = Self::default();
        match chunk {
            Chunk::Rows(rows) => {
                rows.into_iter().filter(|row| row.seq <= due.seq).try_for_each(|row| ready.row(row))?;
            }
            Chunk::Balances(balances) => {
                let sums = balances.iter().map(|balance| Sum::of_cell(&balance.cell, balance.on_hand));
                ready.sum = sums.fold(Sum::EMPTY, Sum::with);
                ready.balances = balances;
            }
        }
        ready.records.sort_by_key(|record| record.of.id);
        ready.movements.sort_by_key(|(_, movement, _)| movement.id);
        // Of two ends of one change the first stands.
        ready.outcomes.sort_by_key(|(change, _)| *change);
        Ok(ready)
    }

    fn row(&mut self, row: Row) -> Result<(), Failure> {
        self.outcomes.push((row.change, row.outcome));
        match row.what {
            What::Gone => {}
            What::Record { of, body } => {
                self.sum = self.sum.with(Sum::of_record(of, row.seq, &body));
                self.records.push(Stored::read(of, row.seq, body)?);
            }
            What::Movement { movement, body } => self.movements.push((row.seq, movement, body)),
            What::Count { count, body } => self.counts.push((count, body)),
            What::Unknown(entry) => self.unknown.push(*entry),
        }
        Ok(())
    }
}
