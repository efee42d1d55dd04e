//! How things are called where they are only mentioned: an item in a movement, a location in a
//! cell. Looked up once per answer, since a list names the same few again and again.

use super::{record, view};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use stillage_core::{
    id::{ItemId, LocationId, LotId, ReasonId},
    record::{Item, Kind, Location, LocationRole, Lot, Reason, Record, Ref},
};
use ts_rs::TS;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ItemLabel {
    pub id: String,
    pub sku: String,
    pub name: String,
    pub unit: String,
    /// Decimal places people see.
    pub scale: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LocationLabel {
    pub id: String,
    pub code: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LotLabel {
    pub id: String,
    pub code: String,
    pub expiry: Option<String>,
    pub serial: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReasonLabel {
    pub id: String,
    pub code: String,
    pub name: String,
}

/// A location with whether it is the other side of receipts and issues.
#[derive(Debug, Clone)]
pub struct Placed {
    pub label: LocationLabel,
    pub is_virtual: bool,
}

/// Remembers what it looked up for as long as one answer is made.
pub struct Labels<'c> {
    conn: &'c Connection,
    items: HashMap<Uuid, ItemLabel>,
    locations: HashMap<Uuid, Placed>,
    lots: HashMap<Uuid, LotLabel>,
    reasons: HashMap<Uuid, ReasonLabel>,
}

impl<'c> Labels<'c> {
    #[must_use]
    pub fn new(conn: &'c Connection) -> Self {
        Self { conn, items: HashMap::new(), locations: HashMap::new(), lots: HashMap::new(), reasons: HashMap::new() }
    }

    pub fn item(&mut self, id: Uuid) -> rusqlite::Result<ItemLabel> {
        if let Some(known) = self.items.get(&id) {
            return Ok(known.clone());
        }
        let label = match record(self.conn, ItemId(id))? {
            Some(found) => item_label(&found)?,
            None => item_label(&nameless(Kind::Item, id))?,
        };
        self.items.insert(id, label.clone());
        Ok(label)
    }

    pub fn location(&mut self, id: Uuid) -> rusqlite::Result<Placed> {
        if let Some(known) = self.locations.get(&id) {
            return Ok(known.clone());
        }
        let found = record(self.conn, LocationId(id))?.unwrap_or_else(|| nameless(Kind::Location, id));
        let location: Location = view(&found)?;
        let label = LocationLabel { id: LocationId(id).to_string(), code: location.code, name: location.name };
        let placed = Placed { label, is_virtual: location.role == LocationRole::Virtual };
        self.locations.insert(id, placed.clone());
        Ok(placed)
    }

    pub fn lot(&mut self, id: Uuid) -> rusqlite::Result<LotLabel> {
        if let Some(known) = self.lots.get(&id) {
            return Ok(known.clone());
        }
        let id_text = LotId(id).to_string();
        let label = match record(self.conn, LotId(id))? {
            Some(found) => {
                let lot: Lot = view(&found)?;
                LotLabel { id: id_text, code: lot.code, expiry: lot.expiry, serial: lot.serial }
            }
            None => LotLabel { id: id_text, code: String::new(), expiry: None, serial: false },
        };
        self.lots.insert(id, label.clone());
        Ok(label)
    }

    /// What a record is called where it is only mentioned.
    pub fn name(&mut self, of: Ref) -> rusqlite::Result<String> {
        Ok(match of.kind {
            Kind::Item => {
                let label = self.item(of.id)?;
                [label.sku, label.name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
            }
            Kind::Location => self.location(of.id)?.label.code,
            Kind::Lot => self.lot(of.id)?.code,
            _ => record(self.conn, of)?.map_or_else(|| of.to_string(), |found| found.name().to_owned()),
        })
    }

    pub fn reason(&mut self, id: Uuid) -> rusqlite::Result<ReasonLabel> {
        if let Some(known) = self.reasons.get(&id) {
            return Ok(known.clone());
        }
        let found = record(self.conn, ReasonId(id))?.unwrap_or_else(|| nameless(Kind::Reason, id));
        let reason: Reason = view(&found)?;
        let label = ReasonLabel { id: ReasonId(id).to_string(), code: reason.code, name: reason.name };
        self.reasons.insert(id, label.clone());
        Ok(label)
    }
}

/// What stands in for a record that this device does not hold.
fn nameless(kind: Kind, id: Uuid) -> Record {
    Record { of: Ref { kind, id }, version: 0, archived: false, fields: std::collections::BTreeMap::new() }
}

pub fn item_label(record: &Record) -> rusqlite::Result<ItemLabel> {
    let item: Item = view(record)?;
    Ok(ItemLabel {
        id: record.of.to_string(),
        sku: item.sku,
        name: item.name,
        unit: item.base_unit,
        scale: item.display_scale,
    })
}
