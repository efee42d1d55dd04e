//! What the ledger is made of: cells, movements, posted counts, and the order they happened in.

mod body;

use crate::{
    id::{ChangeId, ItemId, LocationId, LotId, MovementId, PersonId, ReasonId, SupplierId},
    money::Money,
    order::OrderKey,
    quantity::Quantity,
    scope::Scope,
};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Whether stock may be promised and used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StockStatus {
    #[default]
    Available,
    Quarantine,
    Damaged,
    Hold,
}

impl StockStatus {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Quarantine => "quarantine",
            Self::Damaged => "damaged",
            Self::Hold => "hold",
        }
    }
}

impl FromStr for StockStatus {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Available, Self::Quarantine, Self::Damaged, Self::Hold]
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or(())
    }
}

/// What a balance is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    pub item: ItemId,
    pub location: LocationId,
    pub lot: Option<LotId>,
    pub status: StockStatus,
}

/// One end of a movement. A virtual location has no site and keeps no balance: its sum is read
/// from the ledger when somebody audits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    pub location: LocationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<LocationId>,
    #[serde(default)]
    pub status: StockStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    Receive,
    Issue,
    Transfer,
    Adjust,
    CountVariance,
    Reversal,
}

impl MovementKind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Issue => "issue",
            Self::Transfer => "transfer",
            Self::Adjust => "adjust",
            Self::CountVariance => "count_variance",
            Self::Reversal => "reversal",
        }
    }
}

impl FromStr for MovementKind {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        use MovementKind::{Adjust, CountVariance, Issue, Receive, Reversal, Transfer};
        [Receive, Issue, Transfer, Adjust, CountVariance, Reversal]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or(())
    }
}

/// What a person may add to any movement.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Remarks {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// A document of the outside world: an order, an invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What was typed, when it was not the plain quantity: `3 BOX + 7 EA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<String>,
}

/// Stock going from one place to another. Immutable; undone only by a reversing movement.
/// Its two ledger entries are `-qty` at `from` and `+qty` at `to`, so they sum to zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Movement {
    pub id: MovementId,
    pub change: ChangeId,
    pub kind: MovementKind,
    pub item: ItemId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<LotId>,
    pub from: Place,
    pub to: Place,
    /// More than zero.
    pub qty: Quantity,
    pub order: OrderKey,
    /// When it happened, in microseconds since 1970, on the server's clock as well as it is known.
    pub at: i64,
    /// How far off its clock may have been, in microseconds.
    #[serde(default, skip_serializing_if = "is_exact")]
    pub clock_error: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    #[serde(flatten)]
    pub remarks: Remarks,
    /// Per base unit, on receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<SupplierId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses: Option<MovementId>,
    /// The count a variance belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<ChangeId>,
}

impl Movement {
    /// Its entries in cells that keep a balance, with the scope each belongs to.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        [(self.from, self.qty.negated()), (self.to, self.qty)].into_iter().filter_map(|(place, delta)| {
            let site =
                place.site.filter(|_| !seeded!(SecondLegDropped) || place != self.to || self.from.site.is_none())?;
            let cell = Cell { item: self.item, location: place.location, lot: self.lot, status: place.status };
            Some(Entry { cell, delta, scope: Scope::Site(site) })
        })
    }

    /// The scopes it is logged in, whole: those of its places, once each.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes: Vec<Scope> = self.entries().map(|entry| entry.scope).collect();
        scopes.dedup();
        scopes.truncate(if seeded!(SecondSiteNotTold) { 1 } else { 2 });
        scopes
    }

    #[must_use]
    pub const fn is_variance(&self) -> bool {
        matches!(self.kind, MovementKind::CountVariance)
    }
}

/// One signed ledger line of a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub cell: Cell,
    pub delta: Quantity,
    pub scope: Scope,
}

/// A count that was posted: a statement about one cell at one moment. Kept also when it agreed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PostedCount {
    pub change: ChangeId,
    pub item: ItemId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<LotId>,
    pub place: Place,
    pub counted: Quantity,
    pub order: OrderKey,
    pub at: i64,
    #[serde(default, skip_serializing_if = "is_exact")]
    pub clock_error: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    #[serde(flatten)]
    pub remarks: Remarks,
}

/// Bodies written before errors were kept have none.
const fn is_exact(clock_error: &i64) -> bool {
    *clock_error == 0
}

impl PostedCount {
    #[must_use]
    pub const fn cell(&self) -> Cell {
        Cell { item: self.item, location: self.place.location, lot: self.lot, status: self.place.status }
    }
}

/// A lot or serial as a person names it; both sides derive the same id from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotEntry {
    pub code: String,
    /// ISO 8601 date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<String>,
}

/// The id of the lot or serial `code` of `item`: two devices that meet the same lot offline
/// name the same record.
#[must_use]
pub fn lot_id(item: ItemId, code: &str) -> LotId {
    LotId::derived(item.0, &format!("lot/{}", crate::text::fold(code)))
}
