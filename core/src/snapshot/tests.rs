//! Whatever a log holds comes back byte for byte.

use super::*;
use crate::{
    change::Outcome,
    facts::LastCount,
    id::{ChangeId, ItemId, LocationId, LotId, MovementId, PersonId, ReasonId, SupplierId},
    money::Money,
    order::OrderKey,
    quantity::Quantity,
    stock::{Cell, Movement, MovementKind, Place, PostedCount, Remarks, StockStatus},
    text,
    wire::LogEntry,
};
use serde_json::json;

/// Small, seeded, and good enough to make rows that differ.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn id(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.next(), self.next())
    }

    fn of(&mut self, ids: &[Uuid]) -> Uuid {
        ids[usize::try_from(self.below(ids.len() as u64)).unwrap()]
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(3) == 0).then(|| make(self))
    }

    fn qty(&mut self) -> Quantity {
        let size = self.below(1_000_000).cast_signed();
        if self.below(4) == 0 { Quantity(size + 1) } else { Quantity::whole(size + 1) }
    }

    fn remarks(&mut self) -> Remarks {
        Remarks {
            reason: self.maybe(|dice| ReasonId(dice.id())),
            note: self.maybe(|dice| format!("Nót \"{}\"\n", dice.below(5))),
            reference: self.maybe(|dice| format!("PO-{}", dice.below(50))),
            entered: self.maybe(|_| "3 BOX + 7 EA".to_owned()),
        }
    }

    fn place(&mut self, ids: &[Uuid]) -> Place {
        let statuses = [StockStatus::Available, StockStatus::Quarantine, StockStatus::Hold];
        let status = statuses[usize::try_from(self.below(3)).unwrap()];
        Place { location: LocationId(self.of(ids)), site: self.maybe(|dice| LocationId(dice.of(ids))), status }
    }

    fn order(&mut self, ids: &[Uuid]) -> OrderKey {
        OrderKey { ts: self.next().cast_signed() >> 12, device: self.of(ids).into(), seq: self.below(1 << 40) }
    }

    fn movement(&mut self, change: ChangeId, ids: &[Uuid]) -> Movement {
        let id = match self.below(4) {
            0 => MovementId(change.0),
            1 => MovementId::derived(change.0, "variance/1"),
            2 => MovementId::derived(change.0, "turned"),
            _ => MovementId(self.id()),
        };
        let cost = Money { minor: self.next().cast_signed() >> 20, currency: "EUR".into() };
        Movement {
            id,
            change,
            kind: if self.below(2) == 0 { MovementKind::Receive } else { MovementKind::CountVariance },
            item: ItemId(self.of(ids)),
            lot: self.maybe(|dice| LotId(dice.of(ids))),
            from: self.place(ids),
            to: self.place(ids),
            qty: self.qty(),
            order: self.order(ids),
            at: self.next().cast_signed() >> 12,
            clock_error: self.below(2).cast_signed() * self.below(1 << 30).cast_signed(),
            person: self.maybe(|dice| PersonId(dice.of(ids))),
            remarks: self.remarks(),
            unit_cost: self.maybe(|_| cost),
            supplier: self.maybe(|dice| SupplierId(dice.of(ids))),
            reverses: self.maybe(|dice| MovementId(dice.id())),
            count: self.maybe(|dice| if dice.below(2) == 0 { change } else { ChangeId(dice.id()) }),
        }
    }

    fn count(&mut self, change: ChangeId, ids: &[Uuid]) -> PostedCount {
        PostedCount {
            change,
            item: ItemId(self.of(ids)),
            lot: self.maybe(|dice| LotId(dice.of(ids))),
            place: self.place(ids),
            counted: self.qty(),
            order: self.order(ids),
            at: self.below(1 << 50).cast_signed(),
            clock_error: self.below(2).cast_signed() * 7,
            person: self.maybe(|dice| PersonId(dice.of(ids))),
            remarks: self.remarks(),
        }
    }

    fn entry(&mut self, seq: u64, ids: &[Uuid]) -> LogEntry {
        let change = ChangeId(self.id());
        let (kind, id, body) = match self.below(5) {
            0 => {
                let item = ItemId(self.id());
                ("record", item.to_string(), json!({ "sku": format!("S-{}", self.below(99)), "later": [1, null] }))
            }
            1 => ("record", "robot_0123".to_owned(), json!({ "new": true })),
            2 => {
                let count = self.count(change, ids);
                ("count", change.to_string(), json!(count))
            }
            _ => {
                let movement = self.movement(change, ids);
                let mut body = json!(movement);
                if self.below(5) == 0 {
                    body["from_a_newer_peer"] = json!({ "b": 1, "a": "x" });
                }
                ("movement", movement.id.to_string(), body)
            }
        };
        let outcome = if self.below(9) == 0 { Outcome::Merged } else { Outcome::Applied };
        let version = if self.below(20) == 0 { 2 } else { 1 };
        LogEntry { seq, kind: kind.into(), id, version, change, outcome, body: text::canonical(&body) }
    }
}

#[test]
fn every_entry_of_a_log_comes_back_byte_for_byte() {
    for seed in 1..20 {
        let mut dice = Dice(seed);
        let ids: Vec<Uuid> = (0..7).map(|_| dice.id()).collect();
        let entries: Vec<LogEntry> = (1..300).map(|seq| dice.entry(seq * 3, &ids)).collect();
        let rows = entries.iter().cloned().map(|entry| Row::of(entry, false)).collect();
        let bytes = Chunk::Rows(rows).encode().unwrap();
        let Chunk::Rows(rows) = Chunk::decode(&bytes).unwrap() else { panic!("rows are expected") };
        assert_eq!(rows.into_iter().map(LogEntry::from).collect::<Vec<_>>(), entries);
    }
}

#[test]
fn bodies_are_written_as_their_canonical_text() {
    let mut dice = Dice(11);
    let ids: Vec<Uuid> = (0..7).map(|_| dice.id()).collect();
    for _ in 0..500 {
        let change = ChangeId(dice.id());
        let movement = dice.movement(change, &ids);
        assert_eq!(movement.body(), text::canonical(&json!(movement)));
        let count = dice.count(change, &ids);
        assert_eq!(count.body(), text::canonical(&json!(count)));
    }
}

#[test]
fn what_was_written_over_leaves_the_end_of_its_change() {
    let mut dice = Dice(5);
    let entry = dice.entry(9, &[Uuid::nil()]);
    let bytes = Chunk::Rows(vec![Row::of(entry.clone(), true)]).encode().unwrap();
    let gone = Row { seq: 9, change: entry.change, outcome: entry.outcome, what: What::Gone };
    assert_eq!(Chunk::decode(&bytes), Ok(Chunk::Rows(vec![gone])));
}

#[test]
fn balances_come_back_with_their_counts() {
    let mut dice = Dice(7);
    let ids: Vec<Uuid> = (0..5).map(|_| dice.id()).collect();
    let balance = |dice: &mut Dice| {
        let place = dice.place(&ids);
        let count = dice.maybe(|dice| LastCount {
            change: ChangeId(dice.id()),
            order: dice.order(&ids),
            counted: dice.qty(),
            log_seq: dice.maybe(|dice| dice.below(1 << 40)),
            clock_error: 0,
            person: None,
        });
        let lot = dice.maybe(|dice| LotId(dice.of(&ids)));
        let cell = Cell { item: ItemId(dice.of(&ids)), location: place.location, lot, status: place.status };
        Balance { cell, on_hand: dice.qty().negated(), last_order: dice.below(1 << 50).cast_signed(), count }
    };
    let balances: Vec<Balance> = (0..500).map(|_| balance(&mut dice)).collect();
    let bytes = Chunk::Balances(balances.clone()).encode().unwrap();
    assert_eq!(Chunk::decode(&bytes), Ok(Chunk::Balances(balances)));
}

#[test]
fn half_a_chunk_and_another_format_are_faults() {
    let mut dice = Dice(3);
    let rows = (1..50).map(|seq| Row::of(dice.entry(seq, &[Uuid::max()]), false)).collect();
    let bytes = Chunk::Rows(rows).encode().unwrap();
    for length in 0..bytes.len() {
        assert!(Chunk::decode(&bytes[..length]).is_err());
    }
    let newer = [&[9], &bytes[1..]].concat();
    assert_eq!(Chunk::decode(&newer), Err(ChunkFault::Format));
}
