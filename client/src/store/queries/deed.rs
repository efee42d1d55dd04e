//! What a person wanted to do, as data: whoever shows it has the words, in the person's language.

use super::{
    field_value::{FieldOf, FieldValue},
    labels::Labels,
};
use crate::store::movement;
use rusqlite::Connection;
use serde::Serialize;
use stillage_core::{
    action::{Action, Keep, Save},
    id::{ItemId, LocationId, MovementId},
    quantity::Quantity,
    record::merge::FieldChange,
};
use ts_rs::TS;

/// Goods and where: for a move, the place they come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Goods {
    pub sku: String,
    /// An adjustment takes away what is negative.
    pub qty: String,
    pub unit: String,
    /// Decimal places people see.
    pub scale: u32,
    /// The code of the place.
    pub location: String,
    /// The code of the place they go to, for a move.
    pub to: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct FieldDeed {
    pub field: String,
    /// Null for nothing.
    pub value: Option<FieldValue>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Deed {
    Receive {
        goods: Goods,
    },
    Issue {
        goods: Goods,
    },
    Transfer {
        goods: Goods,
    },
    Adjust {
        goods: Goods,
    },
    Count {
        goods: Goods,
    },
    Reverse {
        /// What was moved, where this device holds the movement.
        goods: Option<Goods>,
    },
    Save {
        created: bool,
        #[ts(inline)]
        fields: Vec<FieldDeed>,
    },
    Archive {
        /// False brings it back.
        archived: bool,
        label: String,
    },
    Resolve {
        #[ts(type = "InboxCard[\"keeps\"][number]")]
        keep: Keep,
    },
}

pub fn deed(conn: &Connection, labels: &mut Labels<'_>, action: &Action) -> rusqlite::Result<Deed> {
    let mut of = |item, qty, place, to| goods(labels, (item, qty), (place, to));
    Ok(match action {
        Action::Receive(verb) => Deed::Receive { goods: of(verb.item, verb.qty, verb.location, None)? },
        Action::Issue(verb) => Deed::Issue { goods: of(verb.item, verb.qty, verb.location, None)? },
        Action::Transfer(verb) => Deed::Transfer { goods: of(verb.item, verb.qty, verb.from, Some(verb.to))? },
        Action::Adjust(verb) => Deed::Adjust { goods: of(verb.item, verb.delta, verb.location, None)? },
        Action::Count(verb) => Deed::Count { goods: of(verb.item, verb.counted, verb.location, None)? },
        Action::Reverse(verb) => Deed::Reverse { goods: moved(conn, labels, verb.movement)? },
        Action::Save(save) => Deed::Save { created: save.create, fields: fields(conn, labels, save)? },
        Action::Archive(verb) => Deed::Archive { archived: verb.archived, label: labels.name(verb.record)? },
        Action::Resolve(verb) => Deed::Resolve { keep: verb.keep },
    })
}

fn goods(
    labels: &mut Labels<'_>,
    (item, qty): (ItemId, Quantity),
    (place, to): (LocationId, Option<LocationId>),
) -> rusqlite::Result<Goods> {
    let item = labels.item(item.0)?;
    let location = labels.location(place.0)?.label.code;
    let to = to.map(|to| labels.location(to.0)).transpose()?.map(|to| to.label.code);
    Ok(Goods { sku: item.sku, qty: qty.to_string(), unit: item.unit, scale: item.scale, location, to })
}

/// What a movement moved, between those of its places that hold stock.
fn moved(conn: &Connection, labels: &mut Labels<'_>, id: MovementId) -> rusqlite::Result<Option<Goods>> {
    let Some(movement) = movement::find(conn, id)? else { return Ok(None) };
    let mut places = [movement.from, movement.to].into_iter().filter(|place| place.site.is_some());
    let Some(place) = places.next() else { return Ok(None) };
    let places = (place.location, places.next().map(|to| to.location));
    goods(labels, (movement.item, movement.qty), places).map(Some)
}

fn fields(conn: &Connection, labels: &mut Labels<'_>, save: &Save) -> rusqlite::Result<Vec<FieldDeed>> {
    let told = |change: &FieldChange| {
        let value = FieldOf { of: save.record, name: &change.field }.value(conn, labels, &change.value)?;
        Ok(FieldDeed { field: change.field.clone(), value })
    };
    save.patch.iter().map(told).collect()
}
