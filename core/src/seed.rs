//! What every installation is born with, under the same ids everywhere: the virtual locations and
//! the first reason codes. Written at version 0 by both sides, so it never needs to travel.

use crate::{
    id::{LocationId, ReasonId},
    record::{Fields, Record},
    stock::{Place, StockStatus},
};
use serde_json::json;
use uuid::Uuid;

/// The other side of every receipt, issue and correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Virtual {
    Supplier,
    Customer,
    Scrap,
    Production,
    Adjustment,
    CountVariance,
    InTransit,
}

impl Virtual {
    pub const ALL: [Self; 7] = [
        Self::Supplier,
        Self::Customer,
        Self::Scrap,
        Self::Production,
        Self::Adjustment,
        Self::CountVariance,
        Self::InTransit,
    ];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Supplier => "SUPPLIER",
            Self::Customer => "CUSTOMER",
            Self::Scrap => "SCRAP",
            Self::Production => "PRODUCTION",
            Self::Adjustment => "ADJUSTMENT",
            Self::CountVariance => "COUNT_VARIANCE",
            Self::InTransit => "IN_TRANSIT",
        }
    }

    #[must_use]
    pub fn id(self) -> LocationId {
        LocationId::derived(Uuid::nil(), &format!("virtual/{}", self.code()))
    }

    #[must_use]
    pub fn place(self) -> Place {
        Place { location: self.id(), site: None, status: StockStatus::Available }
    }
}

/// Code, English name, direction, whether a note must say more.
const REASONS: &[(&str, &str, &str, bool)] = &[
    ("COUNT_CORRECTION", "Count correction", "both", false),
    ("DAMAGED", "Damaged", "out", false),
    ("WATER_DAMAGE", "Water damage", "out", false),
    ("EXPIRED", "Expired", "out", false),
    ("MISSING", "Missing", "out", false),
    ("FOUND", "Found", "in", false),
    ("MISPLACED", "Misplaced", "both", false),
    ("THEFT", "Theft", "out", false),
    ("SCRAPPED", "Scrapped", "out", false),
    ("SAMPLE_GIVEN", "Sample given away", "out", false),
    ("CONSUMED_NOT_BOOKED", "Used without booking", "out", false),
    ("RECEIPT_NOT_BOOKED", "Receipt not booked", "in", false),
    ("ISSUE_NOT_BOOKED", "Issue not booked", "out", false),
    ("RETURN_NOT_BOOKED", "Return not booked", "in", false),
    ("WRONG_ITEM_BOOKED", "Wrong item booked", "both", false),
    ("WRONG_LOT", "Wrong lot", "both", false),
    ("WRONG_UNIT", "Wrong unit", "both", false),
    ("WRONG_LOCATION", "Wrong location", "both", false),
    ("DATA_ENTRY_ERROR", "Data entry error", "both", false),
    ("LABEL_MIXUP", "Labels mixed up", "both", false),
    ("SOLD_AS_SET", "Sold as a set", "both", false),
    ("FIX_NEGATIVE", "Negative stock put right", "in", false),
    ("OPENING", "Opening stock", "in", false),
    ("OTHER", "Other", "both", true),
];

/// The id of a reason that every installation has.
#[must_use]
pub fn reason(code: &str) -> ReasonId {
    ReasonId::derived(Uuid::nil(), &format!("reason/{code}"))
}

/// All of it, as records.
#[must_use]
pub fn records() -> Vec<Record> {
    let virtual_locations = Virtual::ALL.into_iter().map(|place| {
        let fields = [("code", json!(place.code())), ("role", json!("virtual")), ("negative", json!("allow"))];
        born(place.id().into(), &fields)
    });
    let reasons = REASONS.iter().map(|&(code, name, direction, note_required)| {
        let fields = [
            ("code", json!(code)),
            ("name", json!(name)),
            ("direction", json!(direction)),
            ("note_required", json!(note_required)),
        ];
        born(reason(code).into(), &fields)
    });
    virtual_locations.chain(reasons).collect()
}

fn born(of: crate::record::Ref, fields: &[(&str, serde_json::Value)]) -> Record {
    let fields: Fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Record { of, version: 0, archived: false, fields }
}
