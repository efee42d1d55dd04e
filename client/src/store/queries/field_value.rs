//! What a field holds or should have held, as data: texts stay texts, and whoever shows a choice, a
//! list of packs or an amount has the words for it.

use super::{labels::Labels, record};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::Value;
use stillage_core::record::{
    Kind, Pack, Ref,
    fields::{Shape, fields},
};
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(untagged)]
pub enum FieldValue {
    /// A text, a whole number, or a record by its name.
    Text(String),
    Typed(TypedValue),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum TypedValue {
    Amount {
        qty: String,
        /// Empty where this device does not hold the item.
        unit: String,
        /// Decimal places people see.
        scale: u32,
    },
    /// One of the words that the field knows.
    Choice {
        word: String,
    },
    Flag {
        on: bool,
    },
    Packs {
        #[ts(type = "Pack[]")]
        packs: Vec<Pack>,
        unit: String,
    },
    /// `YYYY-MM-DD`.
    Day {
        day: String,
    },
    /// Only a newer version can read it.
    Unreadable,
}

/// The field of a record, as far as this version knows it.
#[derive(Debug, Clone, Copy)]
pub struct FieldOf<'n> {
    pub of: Ref,
    pub name: &'n str,
}

impl FieldOf<'_> {
    fn shape(self) -> Option<Shape> {
        fields(self.of.kind).iter().find(|field| field.name == self.name).map(|field| field.shape)
    }

    /// Whether a person can type what it holds as one text, number or day.
    #[must_use]
    pub fn is_typed(self) -> bool {
        matches!(self.shape(), Some(Shape::Text(_) | Shape::Integer(..) | Shape::Quantity | Shape::Date))
    }

    /// A stored value of it; none for nothing.
    pub fn value(
        self,
        conn: &Connection,
        labels: &mut Labels<'_>,
        value: &Value,
    ) -> rusqlite::Result<Option<FieldValue>> {
        if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        let typed = match (self.shape(), value) {
            (Some(Shape::Quantity), Value::String(qty)) => {
                let (unit, scale) = self.counted_in(conn, labels)?;
                TypedValue::Amount { qty: qty.clone(), unit, scale }
            }
            (Some(Shape::Choice(words)), Value::String(word)) if words.contains(&word.as_str()) => {
                TypedValue::Choice { word: word.clone() }
            }
            (Some(Shape::Date), Value::String(day)) => TypedValue::Day { day: day.clone() },
            (Some(Shape::Packs), value) => match serde_json::from_value(value.clone()) {
                Ok(packs) => TypedValue::Packs { packs, unit: self.counted_in(conn, labels)?.0 },
                Err(_) => TypedValue::Unreadable,
            },
            (Some(Shape::Text(_)), Value::String(text)) => return Ok(Some(FieldValue::Text(text.clone()))),
            (_, Value::Bool(on)) => TypedValue::Flag { on: *on },
            (_, value) => return Ok(Some(text(conn, labels, value)?)),
        };
        Ok(Some(FieldValue::Typed(typed)))
    }

    /// The unit and the decimal places of the item its amounts are of, where this device holds it.
    fn counted_in(self, conn: &Connection, labels: &mut Labels<'_>) -> rusqlite::Result<(String, u32)> {
        let found = record(conn, self.of)?;
        let item = match self.of.kind {
            Kind::Item => found.map(|item| item.of.id),
            _ => found.and_then(|found| found.reference("item")),
        };
        let label = item.map(|item| labels.item(item)).transpose()?;
        Ok(label.map(|item| (item.unit, item.scale)).unwrap_or_default())
    }
}

/// A text, a number, a record by its name, or several of them.
fn text(conn: &Connection, labels: &mut Labels<'_>, value: &Value) -> rusqlite::Result<FieldValue> {
    let words = match value {
        Value::String(text) => match text.parse::<Ref>() {
            Ok(of) if record(conn, of)?.is_some() => Some(labels.name(of)?),
            Ok(_) => None,
            Err(_) => Some(text.clone()),
        },
        Value::Number(number) => Some(number.to_string()),
        Value::Array(parts) if parts.iter().all(Value::is_string) => {
            Some(parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    };
    Ok(words.map_or(FieldValue::Typed(TypedValue::Unreadable), FieldValue::Text))
}
