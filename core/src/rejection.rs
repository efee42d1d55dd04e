//! The domain says no. A rejection is data: it has a code that never changes, and what is needed
//! to explain it in any language. It is never logged as an error.

use crate::{
    id::{ChangeId, ItemId, LocationId, MovementId},
    quantity::Quantity,
    record::{Kind, Ref},
};
use serde::{Deserialize, Serialize};

/// What is wrong with a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum FieldProblem {
    Missing,
    TooLong {
        max: usize,
    },
    ControlCharacter,
    WrongType,
    NotAChoice,
    NotAQuantity,
    NotADate,
    NotAnId,
    OutOfRange,
    /// It may be set once and not changed afterwards.
    Fixed,
}

/// Why an action is not done. The code is the variant's name in capitals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rejection {
    /// A field does not hold what it must.
    Field {
        kind: Kind,
        field: String,
        #[serde(flatten)]
        problem: FieldProblem,
    },
    /// The record does not exist.
    NotFound {
        subject: Ref,
    },
    /// The record was archived.
    Archived {
        subject: Ref,
    },
    /// The record may only be changed by the server or through its own actions.
    NotEditable {
        subject: Ref,
    },
    /// Another record has the SKU, barcode or code.
    KeyTaken {
        kind: Kind,
        key: String,
        holder: Ref,
    },
    /// The record changed since the version that was expected.
    VersionConflict {
        subject: Ref,
        expected: u64,
        current: u64,
    },
    /// On hand is not what was expected for an absolute set.
    OnHandConflict {
        expected: Quantity,
        current: Quantity,
    },
    /// The quantity is zero or negative where it must be positive, or over the limit.
    QuantityOutOfRange,
    /// More decimal places than the item is kept in.
    QuantityTooPrecise {
        scale: u32,
    },
    /// Stock is kept in places, not in virtual locations.
    LocationNotStorable {
        location: LocationId,
    },
    /// A transfer from a cell to itself.
    SameCell,
    /// The location refuses to go below zero.
    NotEnoughStock {
        item: ItemId,
        location: LocationId,
        on_hand: Quantity,
    },
    LotRequired {
        item: ItemId,
    },
    /// The item is not tracked by lot or serial.
    LotNotKept {
        item: ItemId,
    },
    SerialRequired {
        item: ItemId,
    },
    /// A serial is one unit.
    SerialIsOne {
        item: ItemId,
    },
    ReasonRequired,
    /// The reason does not allow this direction.
    ReasonDirection,
    NoteRequired,
    MovementNotFound {
        movement: MovementId,
    },
    AlreadyReversed {
        movement: MovementId,
        by: MovementId,
    },
    /// A count variance is recounted, and a reversal is not reversed.
    NotReversible {
        movement: MovementId,
    },
    /// A tree may not contain itself.
    TreeLoop {
        subject: Ref,
    },
    /// The site of a location is set once.
    OtherSite {
        location: LocationId,
    },
    /// Still holds stock.
    NotEmpty {
        subject: Ref,
    },
    /// The inbox row was answered already.
    AlreadyResolved {
        subject: Ref,
    },
    /// The inbox row cannot be answered in this way.
    AnswerNotOffered {
        subject: Ref,
    },
    /// It builds on a change that was rejected or parked.
    DependsOnRejected {
        root: ChangeId,
    },
    /// The change was made by a newer version than the one that must decide it.
    UnknownAction {
        kind: String,
        version: u32,
    },
    /// The body cannot be read.
    Malformed {
        reason: String,
    },
    /// A sum left the range of 64 bits.
    Overflow,
}

impl Rejection {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.get("code").and_then(|c| c.as_str()).map(str::to_owned))
            .unwrap_or_else(|| "INTERNAL".to_owned())
    }

    /// What the code comes with.
    #[must_use]
    pub fn details(&self) -> serde_json::Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.remove("code");
        }
        value
    }

    /// Whether an admin must look at it rather than the person: kept whole, decided later.
    #[must_use]
    pub const fn parks(&self) -> bool {
        matches!(self, Self::UnknownAction { .. })
    }

    /// A sentence and the next step in English, for logs, the command line and the API.
    #[must_use]
    pub fn explain(&self) -> (String, &'static str) {
        crate::rejection_text::explain(self)
    }
}
