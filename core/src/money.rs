//! Money: an `i64` in minor units with its currency. How many of its decimal places a currency
//! keeps is decided here alone, for whoever reads an amount that a person wrote: two doors that
//! disagreed would keep one price as two amounts.

use crate::quantity::{LIMIT, ONE, Quantity};
use serde::{Deserialize, Serialize};

/// Decimal places of a currency that nothing is said of.
pub const USUAL_DIGITS: u32 = 2;
/// Those with others (ISO 4217, amendments up to 179). Few and rarely changed: a crate would bring
/// the names, symbols and countries of all of them, and refuse a currency that is newer than it is.
/// The tables of browsers and operating systems will not do: they say what is usual to show, which
/// for twenty more currencies is none (HUF, COP, PKR).
pub const DIGITS: &[(&str, u32)] = &[
    ("BHD", 3),
    ("BIF", 0),
    ("CLF", 4),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("UYI", 0),
    ("UYW", 4),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// An amount of money in minor units (cents) of an ISO 4217 currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units, as a string on the wire.
    #[serde(with = "as_text")]
    pub minor: i64,
    /// Three capital letters.
    pub currency: String,
}

/// Why an amount cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyFault {
    #[error("not three letters of a currency")]
    Currency,
    #[error("not an amount of that currency")]
    Amount,
}

impl Money {
    /// Reads a plain decimal with a point, in whole units of a currency in any case: `2.5`, `eur`.
    /// One that is finer than the currency is refused, not rounded.
    pub fn read(amount: &str, currency: &str) -> Result<Self, MoneyFault> {
        let currency = currency.trim().to_ascii_uppercase();
        if !is_code(&currency) {
            return Err(MoneyFault::Currency);
        }
        let amount: Quantity = amount.trim().parse().map_err(|_| MoneyFault::Amount)?;
        let minor = amount.times(10_i64.pow(digits(&currency)), 1).ok_or(MoneyFault::Amount)?;
        if minor.scale() > 0 {
            return Err(MoneyFault::Amount);
        }
        Ok(Self { minor: minor.0 / ONE, currency })
    }

    /// Whether the currency has the shape of an ISO 4217 code.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        is_code(&self.currency) && self.minor.unsigned_abs() <= LIMIT.unsigned_abs()
    }

    /// Whether it can be what something cost.
    #[must_use]
    pub fn is_cost(&self) -> bool {
        self.is_well_formed() && self.minor >= 0
    }
}

/// Decimal places of a currency.
#[must_use]
pub fn digits(currency: &str) -> u32 {
    DIGITS.iter().find(|(code, _)| *code == currency).map_or(USUAL_DIGITS, |(_, digits)| *digits)
}

fn is_code(currency: &str) -> bool {
    currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase())
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_kept_in_the_digits_of_its_currency() {
        let minor = |amount, currency| Money::read(amount, currency).map(|money| money.minor);
        assert_eq!(minor("2.5", "EUR"), Ok(250));
        assert_eq!(minor("120", "JPY"), Ok(120));
        assert_eq!(minor("1.234", "KWD"), Ok(1234));
        assert_eq!(minor("0.0001", "CLF"), Ok(1));
        assert_eq!(minor("250", "HUF"), Ok(25_000), "what is usual to show is not what is kept");
        assert_eq!(minor("-2.50", "USD"), Ok(-250), "whether it may be negative is for the rule");
    }

    #[test]
    fn an_amount_that_is_finer_than_its_currency_is_refused() {
        for (amount, currency) in [("2.505", "EUR"), ("0.5", "JPY"), ("1.2345", "KWD"), ("1,5", "EUR"), ("", "EUR")] {
            assert_eq!(Money::read(amount, currency), Err(MoneyFault::Amount), "{amount} {currency}");
        }
        assert_eq!(Money::read("99999999999999", "EUR"), Err(MoneyFault::Amount));
    }

    #[test]
    fn a_currency_is_three_letters_in_any_case() {
        assert_eq!(Money::read("1", "eur").unwrap().currency, "EUR");
        for currency in ["", "EU", "EURO", "E1R", "€€€", "ÄÖÜ"] {
            assert_eq!(Money::read("1", currency), Err(MoneyFault::Currency), "{currency}");
        }
    }

    #[test]
    fn no_amount_is_too_small_to_be_judged() {
        assert!(!Money { minor: i64::MIN, currency: "EUR".into() }.is_well_formed());
    }

    #[test]
    fn the_table_is_sorted_and_says_only_what_is_unusual() {
        assert!(DIGITS.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(DIGITS.iter().all(|(code, digits)| is_code(code) && *digits != USUAL_DIGITS));
    }
}
