//! The scalars of the API. Numbers that must be exact are strings: a JSON number would be a float
//! in half of the languages that read it.

use async_graphql::{
    InputObject, InputType, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value,
};
use stillage_core::{money, quantity, record::fields::is_date};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The number at which a record last changed, as a string of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seq(pub u64);

#[Scalar]
impl ScalarType for Seq {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = text_of(&value, "a string of digits, as in \"42\"")?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(Self(number)),
            _ => Err(InputValueError::custom(format!("{text:?} is not a version; send a string of digits"))),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An exact decimal number of base units, as a string: "12", "-0.5". At most six decimal places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity(pub quantity::Quantity);

#[Scalar]
impl ScalarType for Quantity {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = text_of(&value, "a decimal string, as in \"12.5\"")?;
        text.parse()
            .map(Self)
            .map_err(|fault| InputValueError::custom(format!("{text:?} is {fault}; send a string like \"12.5\"")))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A moment, RFC 3339 with offset: "2027-04-30T06:00:00Z". Kept to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime(pub i64);

#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = text_of(&value, "a moment, as in \"2027-04-30T06:00:00Z\"")?;
        let micros = OffsetDateTime::parse(&text, &Rfc3339).ok().map(|at| at.unix_timestamp_nanos() / 1000);
        micros.and_then(|micros| i64::try_from(micros).ok()).map(Self).ok_or_else(|| {
            InputValueError::custom(format!("{text:?} is not a moment; send one like \"2027-04-30T06:00:00Z\""))
        })
    }

    fn to_value(&self) -> Value {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000).ok();
        at.and_then(|at| at.format(&Rfc3339).ok()).map_or(Value::Null, Value::String)
    }
}

/// A day: "2027-04-30".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Date(pub String);

#[Scalar]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = text_of(&value, "a day, as in \"2027-04-30\"")?;
        if is_date(&text) {
            Ok(Self(text))
        } else {
            Err(InputValueError::custom(format!("{text:?} is not a day; send one like \"2027-04-30\"")))
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct Money {
    /// Minor units (cents), a whole number as a string.
    pub minor: String,
    /// ISO 4217: three capital letters.
    pub currency: String,
}

impl From<money::Money> for Money {
    fn from(money: money::Money) -> Self {
        Self { minor: money.minor.to_string(), currency: money.currency }
    }
}

/// An amount of money.
#[derive(Debug, Clone, InputObject)]
pub struct MoneyInput {
    /// Minor units (cents), a whole number as a string: "1250" is 12.50.
    pub minor: String,
    /// ISO 4217: three capital letters.
    pub currency: String,
}

fn text_of<T: InputType>(value: &Value, wanted: &str) -> Result<String, InputValueError<T>> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(InputValueError::custom(format!("{other} is not a string; send {wanted}"))),
    }
}
