//! What the frames of a mirror come to when they are read one after the other.

use super::frame::{Frame, Link, Row};
use std::collections::{BTreeMap, HashMap};
use stillage_core::id::ChangeId;

#[derive(Debug, Clone, Default)]
pub struct Kept {
    pub who: BTreeMap<String, String>,
    /// Up to here everything of the device is settled.
    pub settled: Option<Link>,
    pub rows: HashMap<ChangeId, Row>,
    /// Whether the bodies of changes are kept as well: they are only needed to make an outbox of them.
    pub with_bodies: bool,
    /// Frames read or written, also those that later ones made void.
    pub frames: usize,
    /// Frames that could not be read.
    pub rotten: usize,
}

impl Kept {
    pub fn with_bodies() -> Self {
        Self { with_bodies: true, ..Self::default() }
    }

    pub fn take(&mut self, frame: Frame) {
        self.frames += 1;
        match frame {
            Frame::Who { settings } => self.who = settings,
            Frame::Row(mut row) => {
                if !self.with_bodies {
                    row.change.body = String::new();
                }
                self.rows.insert(row.change.id, *row);
            }
            Frame::Placed { change, place, order_ts } => {
                if let Some(row) = self.rows.get_mut(&change) {
                    (row.place, row.order_ts) = (place, order_ts);
                }
            }
            Frame::Settled(link) => {
                let is_settled = |row: &Row| row.place.is_some_and(|p| p.device == link.device && p.seq <= link.seq);
                self.rows.retain(|_, row| !is_settled(row));
                self.settled = Some(link);
            }
            Frame::Dropped { change } => {
                self.rows.remove(&change);
            }
        }
    }

    /// The rows in the order in which they were recorded.
    pub fn into_rows(self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.rows.into_values().collect();
        rows.sort_by_key(|row| row.n);
        rows
    }
}
