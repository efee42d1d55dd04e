//! One number per scope over everything that stands in it, whatever the order in which it came: both sides keep it as
//! they write, and two copies at one head that are not alike are found by comparing 16 bytes.
//!
//! What every installation is born with has no number and is in no sum: a newer build may be born with more.

use crate::{change::Digest, id::IdFault, quantity::Quantity, record::Ref, scope::Scope, settle::Writes, stock::Cell};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The wrapping sum of the elements' hashes (BLAKE3 cut to 128 bits). 32 hex digits on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sum(pub u128);

impl Sum {
    /// Of a scope that nothing stands in.
    pub const EMPTY: Self = Self(0);

    /// The element of a record, from the body that is stored and sent.
    #[must_use]
    pub fn of_record(of: Ref, version: u64, body: &str) -> Self {
        if version == 0 {
            return Self::EMPTY;
        }
        let kind = of.kind.name().as_bytes();
        Self::of(&[b"record", kind, of.id.as_bytes(), &version.to_le_bytes(), body.as_bytes()])
    }

    /// The element of a cell: none while it is empty, whatever it has seen.
    #[must_use]
    pub fn of_cell(cell: &Cell, on_hand: Quantity) -> Self {
        if on_hand == Quantity::ZERO {
            return Self::EMPTY;
        }
        let lot = cell.lot.map_or([0; 16], |lot| lot.0.into_bytes());
        let (item, location) = (cell.item.0.as_bytes(), cell.location.0.as_bytes());
        Self::of(&[b"cell", item, location, &lot, &on_hand.0.to_le_bytes(), cell.status.name().as_bytes()])
    }

    fn of(parts: &[&[u8]]) -> Self {
        Self(u128::from_le_bytes(Digest::of(parts).0))
    }

    #[must_use]
    pub const fn with(self, element: Self) -> Self {
        Self(self.0.wrapping_add(element.0))
    }

    #[must_use]
    pub const fn without(self, element: Self) -> Self {
        Self(self.0.wrapping_sub(element.0))
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Sum {
    type Err = IdFault;
    fn from_str(hex: &str) -> Result<Self, IdFault> {
        let digits = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let fault = || IdFault { expected: "32 hex digits", got: hex.chars().take(64).collect() };
        u128::from_str_radix(hex, 16).ok().filter(|_| digits).map(Self).ok_or_else(fault)
    }
}

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        hex.parse().map_err(serde::de::Error::custom)
    }
}

/// How the sums of scopes change in one transaction: what stood there goes out, what stands there comes in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SumChanges(pub BTreeMap<Scope, Sum>);

impl SumChanges {
    pub fn leave(&mut self, scope: Scope, element: Sum) {
        if !seeded!(SumKeepsOld) {
            let sum = self.0.entry(scope).or_default();
            *sum = sum.without(element);
        }
    }

    pub fn enter(&mut self, scope: Scope, element: Sum) {
        let sum = self.0.entry(scope).or_default();
        *sum = sum.with(element);
    }

    /// A cell of `scope` that held `old` holds `new`.
    pub fn cell(&mut self, (scope, cell): (Scope, &Cell), old: Quantity, new: Quantity) {
        if old != new && (new != Quantity::ZERO || !seeded!(SumSkipsEmptied)) {
            self.leave(scope, Sum::of_cell(cell, old));
            self.enter(scope, Sum::of_cell(cell, new));
        }
    }

    /// What a batch changes, once its rows have their numbers. Stock changes through movements alone, and a movement
    /// says which scope each of its cells is in: that never changes.
    #[must_use]
    pub fn of(writes: &Writes, number_of: impl Fn(Ref) -> Option<u64>) -> Self {
        let mut changes = Self::default();
        for record in writes.records.values() {
            if let Some(Some(old)) = writes.before.records.get(&record.of) {
                changes.leave(Scope::of(old), Sum::of_record(old.of, old.version, &old.body()));
            }
            if let Some(version) = number_of(record.of) {
                changes.enter(Scope::of(record), Sum::of_record(record.of, version, &record.body()));
            }
        }
        let moved = writes.movements.iter().flat_map(crate::stock::Movement::entries);
        let cells: BTreeMap<Cell, Scope> = moved.map(|line| (line.cell, line.scope)).collect();
        for (cell, scope) in &cells {
            let new = writes.cells.get(cell).map_or(Quantity::ZERO, |state| state.on_hand);
            let old = writes.before.cells.get(cell).copied().unwrap_or_default();
            changes.cell((*scope, cell), old, new);
        }
        changes
    }
}

/// What a device says of a scope whose sum is not the server's. Neither takes the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    pub scope: Scope,
    pub seq: u64,
    pub mine: Sum,
    pub theirs: Sum,
    /// The scope had been built anew within a day before, and that did not help.
    #[serde(default)]
    pub again: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{ItemId, LocationId},
        record::Kind,
        stock::StockStatus,
    };
    use uuid::Uuid;

    fn cell(item: u128) -> Cell {
        let (item, location) = (ItemId(Uuid::from_u128(item)), LocationId(Uuid::from_u128(7)));
        Cell { item, location, lot: None, status: StockStatus::Available }
    }

    #[test]
    fn the_order_of_elements_does_not_matter_and_each_can_be_taken_out_again() {
        let (a, b) = (Sum::of_cell(&cell(1), Quantity(5)), Sum::of_cell(&cell(2), Quantity(5)));
        assert_eq!(Sum::EMPTY.with(a).with(b), Sum::EMPTY.with(b).with(a));
        assert_eq!(Sum::EMPTY.with(a).with(b).without(a), b);
        assert_ne!(a, b);
    }

    #[test]
    fn what_is_empty_or_was_born_with_the_installation_counts_for_nothing() {
        let of = Ref { kind: Kind::Reason, id: Uuid::from_u128(1) };
        assert_eq!(Sum::of_cell(&cell(1), Quantity::ZERO), Sum::EMPTY);
        assert_eq!(Sum::of_record(of, 0, "{}"), Sum::EMPTY);
        assert_ne!(Sum::of_record(of, 1, "{}"), Sum::of_record(of, 2, "{}"));
    }

    #[test]
    fn a_sum_is_written_as_32_hex_digits_and_nothing_else_is_read_as_one() {
        let sum = Sum(0xabc);
        assert_eq!(sum.to_string().parse::<Sum>(), Ok(sum));
        for wrong in ["", "abc", "+0000000000000000000000000000abc", "0000000000000000000000000000000g"] {
            assert!(wrong.parse::<Sum>().is_err(), "{wrong}");
        }
    }
}
