//! One table per kind: what its fields are, what each may hold, and how two edits of it merge.
//! A field that is not in the table comes from a newer version; it is kept as it is.

use super::{Kind, Record, Ref, Tracking, views::Pack};
use crate::{
    quantity::Quantity,
    rejection::{FieldProblem, Rejection},
    text::{self, TextFault},
};
use serde_json::Value;

/// What a field may hold. A null or missing value is allowed unless the field is required.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Text of at most so many characters.
    Text(usize),
    /// Several texts.
    Texts(usize),
    /// One of these words.
    Choice(&'static [&'static str]),
    Integer(i64, i64),
    Quantity,
    Flag,
    /// Another record.
    Of(Kind),
    Packs,
    /// `YYYY-MM-DD`.
    Date,
    /// Whatever the server wrote.
    Any,
}

/// What happens when two people changed the same field to different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The server's value stands and the other goes to its author's inbox.
    ServerWins,
    /// Lists: everything either side added, less what either side removed.
    Union,
}

#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub shape: Shape,
    pub policy: Policy,
    pub required: bool,
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, policy: Policy::ServerWins, required: false }
}

const fn must(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, policy: Policy::ServerWins, required: true }
}

const fn union(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, policy: Policy::Union, required: false }
}

const NEGATIVE: &[&str] = &["allow", "warn", "block"];

const ITEM: &[Field] = &[
    must("sku", Shape::Text(64)),
    field("name", Shape::Text(200)),
    field("description", Shape::Text(4000)),
    field("base_unit", Shape::Text(16)),
    field("display_scale", Shape::Integer(0, 6)),
    field("packs", Shape::Packs),
    field("tracking", Shape::Choice(&["none", "lot", "serial"])),
    field("category", Shape::Of(Kind::Category)),
    field("supplier", Shape::Of(Kind::Supplier)),
    field("min", Shape::Quantity),
    field("reorder_point", Shape::Quantity),
    union("aliases", Shape::Texts(64)),
    field("alias_of", Shape::Of(Kind::Item)),
];

const BARCODE: &[Field] = &[
    must("item", Shape::Of(Kind::Item)),
    must("code", Shape::Text(128)),
    field("unit", Shape::Text(16)),
    field("units_per_scan", Shape::Quantity),
];

const CATEGORY: &[Field] = &[must("name", Shape::Text(200)), field("parent", Shape::Of(Kind::Category))];

const LOCATION: &[Field] = &[
    must("code", Shape::Text(64)),
    field("name", Shape::Text(200)),
    field("parent", Shape::Of(Kind::Location)),
    field("site", Shape::Of(Kind::Location)),
    field("role", Shape::Choice(&["site", "storage", "virtual"])),
    field("negative", Shape::Choice(NEGATIVE)),
];

const LOT: &[Field] = &[
    must("item", Shape::Of(Kind::Item)),
    must("code", Shape::Text(64)),
    field("expiry", Shape::Date),
    field("serial", Shape::Flag),
];

const REASON: &[Field] = &[
    must("code", Shape::Text(64)),
    field("name", Shape::Text(200)),
    field("direction", Shape::Choice(&["in", "out", "both"])),
    field("note_required", Shape::Flag),
];

const SUPPLIER: &[Field] = &[must("code", Shape::Text(64)), field("name", Shape::Text(200))];

const PERSON: &[Field] = &[must("name", Shape::Text(200))];

const DEVICE: &[Field] = &[must("name", Shape::Text(200)), field("person", Shape::Of(Kind::Person))];

const INBOX: &[Field] = &[
    must("kind", Shape::Text(64)),
    field("person", Shape::Of(Kind::Person)),
    field("subject", Shape::Any),
    field("mine", Shape::Any),
    field("theirs", Shape::Any),
];

#[must_use]
pub const fn fields(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Item => ITEM,
        Kind::Barcode => BARCODE,
        Kind::Category => CATEGORY,
        Kind::Location => LOCATION,
        Kind::Lot => LOT,
        Kind::Reason => REASON,
        Kind::Supplier => SUPPLIER,
        Kind::Person => PERSON,
        Kind::Device => DEVICE,
        Kind::Inbox => INBOX,
    }
}

/// The field that people know a record of this kind by, unique in the organisation.
#[must_use]
pub const fn key_field(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Item => Some("sku"),
        Kind::Barcode | Kind::Location | Kind::Reason | Kind::Supplier => Some("code"),
        Kind::Category | Kind::Lot | Kind::Person | Kind::Device | Kind::Inbox => None,
    }
}

/// How edits of a field merge; a field we do not know merges by the default.
#[must_use]
pub fn policy(kind: Kind, name: &str) -> Policy {
    fields(kind).iter().find(|f| f.name == name).map_or(Policy::ServerWins, |f| f.policy)
}

/// Brings one value into the form in which it is stored, or says what is wrong with it.
pub fn check(kind: Kind, name: &str, value: &Value) -> Result<Value, Rejection> {
    let refuse = |problem| Err(Rejection::Field { kind, field: name.to_owned(), problem });
    let Some(field) = fields(kind).iter().find(|f| f.name == name) else {
        return Ok(value.clone());
    };
    let cleaned = match shaped(field.shape, value) {
        Ok(cleaned) => cleaned,
        Err(problem) => return refuse(problem),
    };
    let empty = cleaned.is_null() || cleaned.as_str() == Some("");
    if field.required && empty { refuse(FieldProblem::Missing) } else { Ok(cleaned) }
}

/// The fields a new record must have and did not get.
pub fn check_complete(record: &Record) -> Result<(), Rejection> {
    for field in fields(record.of.kind).iter().filter(|f| f.required) {
        if !record.fields.get(field.name).is_some_and(|v| !v.is_null() && v.as_str() != Some("")) {
            return Err(Rejection::Field {
                kind: record.of.kind,
                field: field.name.to_owned(),
                problem: FieldProblem::Missing,
            });
        }
    }
    Ok(())
}

fn shaped(shape: Shape, value: &Value) -> Result<Value, FieldProblem> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let as_text = || value.as_str().ok_or(FieldProblem::WrongType);
    match shape {
        Shape::Any => Ok(value.clone()),
        Shape::Text(max) => cleaned(as_text()?, max).map(Value::String),
        Shape::Texts(max) => {
            let list = value.as_array().ok_or(FieldProblem::WrongType)?;
            let texts: Result<Vec<_>, _> =
                list.iter().map(|v| v.as_str().ok_or(FieldProblem::WrongType).and_then(|t| cleaned(t, max))).collect();
            texts.map(|texts| texts.into_iter().map(Value::String).collect())
        }
        Shape::Choice(words) => {
            let word = as_text()?;
            if words.contains(&word) { Ok(value.clone()) } else { Err(FieldProblem::NotAChoice) }
        }
        Shape::Integer(min, max) => match value.as_i64() {
            Some(n) if (min..=max).contains(&n) => Ok(value.clone()),
            Some(_) => Err(FieldProblem::OutOfRange),
            None => Err(FieldProblem::WrongType),
        },
        Shape::Quantity => {
            let quantity: Quantity = as_text()?.parse().map_err(|_| FieldProblem::NotAQuantity)?;
            if quantity < Quantity::ZERO {
                Err(FieldProblem::OutOfRange)
            } else {
                Ok(Value::String(quantity.to_string()))
            }
        }
        Shape::Flag => value.as_bool().map(Value::Bool).ok_or(FieldProblem::WrongType),
        Shape::Of(kind) => match as_text()?.parse::<Ref>() {
            Ok(of) if of.kind == kind => Ok(value.clone()),
            _ => Err(FieldProblem::NotAnId),
        },
        Shape::Packs => packs(value),
        Shape::Date => {
            if is_date(as_text()?) {
                Ok(value.clone())
            } else {
                Err(FieldProblem::NotADate)
            }
        }
    }
}

fn cleaned(text: &str, max: usize) -> Result<String, FieldProblem> {
    text::clean(text, max).map_err(|fault| match fault {
        TextFault::Empty => FieldProblem::Missing,
        TextFault::TooLong { max } => FieldProblem::TooLong { max },
        TextFault::Control => FieldProblem::ControlCharacter,
    })
}

fn packs(value: &Value) -> Result<Value, FieldProblem> {
    let packs: Vec<Pack> = serde_json::from_value(value.clone()).map_err(|_| FieldProblem::WrongType)?;
    let mut seen = std::collections::HashSet::new();
    for pack in &packs {
        text::required(&pack.code, 16).map_err(|_| FieldProblem::Missing)?;
        if pack.numerator <= 0 || pack.denominator <= 0 || !seen.insert(text::fold(&pack.code)) {
            return Err(FieldProblem::OutOfRange);
        }
    }
    serde_json::to_value(packs).map_err(|_| FieldProblem::WrongType)
}

/// A day of the Gregorian calendar as `YYYY-MM-DD`.
#[must_use]
pub fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut number = |width: usize| {
        let part = parts.next().filter(|p| p.len() == width && p.bytes().all(|b| b.is_ascii_digit()))?;
        part.parse::<u32>().ok()
    };
    let (Some(year), Some(month), Some(day)) = (number(4), number(2), number(2)) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    parts.next().is_none() && (1..=days).contains(&day)
}

/// How an item's units are told apart, read without the rest of the item.
#[must_use]
pub fn tracking(record: &Record) -> Tracking {
    match record.text("tracking") {
        Some("lot") => Tracking::Lot,
        Some("serial") => Tracking::Serial,
        _ => Tracking::None,
    }
}
