//! From the fields of an input to the patch of a record.

use super::user_errors::UserError;
use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use serde_json::{Value, json};
use stillage_core::record::{Fields, merge::FieldChange, views};

/// The most entries of a list in an input.
pub const MAX_LIST: usize = 100;

/// What one unit of an item's stock is told apart by.
pub use crate::graphql::api::items::Tracking;
pub use crate::graphql::api::locations::NegativeStock;
pub use crate::graphql::api::others::Direction;

/// A location that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum NewLocationRole {
    Site,
    Storage,
}

/// A named multiple of the base unit: one `code` is `numerator / denominator` base units.
#[derive(Debug, Clone, InputObject)]
pub struct PackInput {
    pub code: String,
    /// A whole number as a string.
    pub numerator: String,
    /// A whole number as a string.
    #[graphql(default_with = "\"1\".to_owned()")]
    pub denominator: String,
}

/// Collects what a mutation changes, and what is wrong with it, field by field.
#[derive(Debug)]
pub struct Patch<'a> {
    base: Option<&'a Fields>,
    changes: Vec<FieldChange>,
    errors: Vec<UserError>,
}

impl<'a> Patch<'a> {
    /// A patch of what stands, or of nothing for what is new.
    #[must_use]
    pub const fn new(base: Option<&'a Fields>) -> Self {
        Self { base, changes: Vec::new(), errors: Vec::new() }
    }

    /// Sets a field.
    #[must_use]
    pub fn set(mut self, field: &str, value: Value) -> Self {
        let base = self.base.and_then(|fields| fields.get(field)).cloned().unwrap_or(Value::Null);
        self.changes.push(FieldChange { field: field.to_owned(), base, value });
        self
    }

    /// Sets a field if it was given.
    #[must_use]
    pub fn maybe<T>(self, field: &str, given: Option<T>, value: impl FnOnce(T) -> Value) -> Self {
        match given {
            Some(given) => self.set(field, value(given)),
            None => self,
        }
    }

    /// Sets, clears, or leaves a field.
    #[must_use]
    pub fn edit<T>(self, field: &str, given: MaybeUndefined<T>, value: impl FnOnce(T) -> Value) -> Self {
        match given {
            MaybeUndefined::Undefined => self,
            MaybeUndefined::Null => self.set(field, Value::Null),
            MaybeUndefined::Value(given) => self.set(field, value(given)),
        }
    }

    /// Notes what is wrong with a field, if anything is.
    #[must_use]
    pub fn check(mut self, error: Option<UserError>) -> Self {
        self.errors.extend(error);
        self
    }

    /// The patch, or everything that is wrong with it at once.
    pub fn done(self) -> Result<Vec<FieldChange>, Vec<UserError>> {
        if self.errors.is_empty() { Ok(self.changes) } else { Err(self.errors) }
    }
}

#[must_use]
pub fn id_value(id: ID) -> Value {
    Value::String(id.0)
}

/// Packs as the record keeps them; what is no whole number is kept as text, and refused by the rules.
#[must_use]
pub fn packs_value(packs: Vec<PackInput>) -> Value {
    let number = |text: &str| text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number));
    let pack = |pack: PackInput| json!({ "code": pack.code, "numerator": number(&pack.numerator), "denominator": number(&pack.denominator) });
    packs.into_iter().map(pack).collect()
}

/// A list that is longer than anybody needs.
#[must_use]
pub fn too_long<T>(field: &str, list: Option<&Vec<T>>) -> Option<UserError> {
    list.filter(|list| list.len() > MAX_LIST).map(|list| {
        let text = format!("{field} holds {} entries; the most is {MAX_LIST}.", list.len());
        UserError::new("LIST_TOO_LONG", field, text, "Leave some out.")
    })
}

#[must_use]
pub fn tracking_value(tracking: Tracking) -> Value {
    json!(views::Tracking::from(tracking))
}

#[must_use]
pub fn negative_value(level: NegativeStock) -> Value {
    json!(views::Level::from(level))
}

#[must_use]
pub fn direction_value(direction: Direction) -> Value {
    json!(views::Direction::from(direction))
}
