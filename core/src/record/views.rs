//! Typed views of records for the rules that read them. A view never writes: a record is changed
//! by patches to its fields, so that what this version does not know survives.

use crate::{
    id::{CategoryId, ItemId, LocationId},
    quantity::Quantity,
};
use serde::{Deserialize, Serialize};

/// What one unit of an item's stock is told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tracking {
    #[default]
    None,
    Lot,
    Serial,
}

/// A named multiple of the base unit, as an exact ratio: one `code` is `numerator/denominator`
/// base units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pack {
    pub code: String,
    pub numerator: i64,
    #[serde(default = "one")]
    pub denominator: i64,
}

const fn one() -> i64 {
    1
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Item {
    /// Empty when another record holds the code it asked for.
    pub sku: String,
    pub name: String,
    pub base_unit: String,
    /// Decimal places people see and may type (0 to 6).
    pub display_scale: u32,
    pub packs: Vec<Pack>,
    pub tracking: Tracking,
    pub category: Option<CategoryId>,
    pub min: Option<Quantity>,
    pub reorder_point: Option<Quantity>,
    /// Other spellings under which the item is found.
    pub aliases: Vec<String>,
    pub alias_of: Option<ItemId>,
}

impl Default for Item {
    fn default() -> Self {
        Self {
            sku: String::new(),
            name: String::new(),
            base_unit: "EA".into(),
            display_scale: 0,
            packs: Vec::new(),
            tracking: Tracking::None,
            category: None,
            min: None,
            reorder_point: None,
            aliases: Vec::new(),
            alias_of: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Barcode {
    pub item: ItemId,
    #[serde(default)]
    pub code: String,
    /// The unit one scan stands for; the base unit when empty.
    #[serde(default)]
    pub unit: String,
    #[serde(default = "one_scan")]
    pub units_per_scan: Quantity,
}

const fn one_scan() -> Quantity {
    Quantity::whole(1)
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Category {
    pub name: String,
    pub parent: Option<CategoryId>,
}

/// What a location is for. The virtual ones are the other side of every receipt and issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocationRole {
    /// A root of the tree, with a scope of its own.
    Site,
    #[default]
    Storage,
    Virtual,
}

/// What happens when an action would take a cell below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Allow,
    /// Accept, and tell a person once each time the cell crosses below zero.
    #[default]
    Warn,
    Block,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Location {
    pub code: String,
    pub name: String,
    pub parent: Option<LocationId>,
    /// The root it stands under (itself for a site); set once. None for virtual locations.
    pub site: Option<LocationId>,
    pub role: LocationRole,
    pub negative: Level,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Lot {
    pub item: ItemId,
    pub code: String,
    /// ISO 8601 date.
    #[serde(default)]
    pub expiry: Option<String>,
    #[serde(default)]
    pub serial: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Reason {
    pub code: String,
    pub name: String,
    pub direction: Direction,
    pub note_required: bool,
}

/// Which way stock may go under a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    In,
    Out,
    #[default]
    Both,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Person {
    pub name: String,
}
