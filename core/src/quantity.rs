//! Exact amounts. A quantity is an `i64` in millionths of an item's base unit, a decimal string
//! on the wire. There are no floats.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// Millionths in one base unit.
pub const ONE: i64 = 1_000_000;
/// The largest amount one action may carry: a million million base units leaves room to sum.
pub const LIMIT: i64 = 1_000_000_000_000 * ONE;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityFault {
    #[error("not a decimal number")]
    NotANumber,
    #[error("more than six decimal places")]
    TooPrecise,
    #[error("larger than a million million")]
    TooLarge,
}

/// An amount of an item in millionths of its base unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(pub i64);

impl Quantity {
    pub const ZERO: Self = Self(0);

    /// Whole base units.
    #[must_use]
    pub const fn whole(units: i64) -> Self {
        Self(units * ONE)
    }

    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    #[must_use]
    pub const fn negated(self) -> Self {
        Self(-self.0)
    }

    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// `self * numerator / denominator`, if that is exact and within the limit.
    #[must_use]
    pub fn times(self, numerator: i64, denominator: i64) -> Option<Self> {
        let product = i128::from(self.0) * i128::from(numerator);
        let divisor = i128::from(denominator);
        if divisor == 0 || product % divisor != 0 {
            return None;
        }
        let result = product / divisor;
        (result.abs() <= i128::from(LIMIT)).then(|| i64::try_from(result).map(Self).ok())?
    }

    /// Decimal places that are in use (0 to 6).
    #[must_use]
    pub fn scale(self) -> u32 {
        (0..6).find(|digits| self.0 % 10_i64.pow(6 - digits) == 0).unwrap_or(6)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (magnitude / ONE.unsigned_abs(), magnitude % ONE.unsigned_abs());
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{part:06}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl FromStr for Quantity {
    type Err = QuantityFault;

    /// A plain decimal with a point: what travels on the wire. People's commas are for the edge.
    fn from_str(text: &str) -> Result<Self, QuantityFault> {
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let only_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() && part.is_empty() || !only_digits(whole) || !only_digits(part) {
            return Err(QuantityFault::NotANumber);
        }
        let part = part.trim_end_matches('0');
        if part.len() > 6 {
            return Err(QuantityFault::TooPrecise);
        }
        if whole.trim_start_matches('0').len() > 13 {
            return Err(QuantityFault::TooLarge);
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| QuantityFault::TooLarge)? };
        let part: i64 = format!("{part:0<6}").parse().map_err(|_| QuantityFault::NotANumber)?;
        let value = whole.checked_mul(ONE).and_then(|w| w.checked_add(part)).ok_or(QuantityFault::TooLarge)?;
        if value > LIMIT {
            return Err(QuantityFault::TooLarge);
        }
        Ok(Self(if negative { -value } else { value }))
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_round_trip_exactly() {
        for text in ["0", "1", "-1", "0.5", "-0.000001", "1234567.25", "1000000000000"] {
            assert_eq!(text.parse::<Quantity>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_an_exact_decimal_is_refused() {
        assert_eq!("".parse::<Quantity>(), Err(QuantityFault::NotANumber));
        assert_eq!("1,5".parse::<Quantity>(), Err(QuantityFault::NotANumber));
        assert_eq!("1e3".parse::<Quantity>(), Err(QuantityFault::NotANumber));
        assert_eq!("0.0000001".parse::<Quantity>(), Err(QuantityFault::TooPrecise));
        assert_eq!("1000000000000.1".parse::<Quantity>(), Err(QuantityFault::TooLarge));
        assert_eq!("99999999999999999999".parse::<Quantity>(), Err(QuantityFault::TooLarge));
    }

    #[test]
    fn a_pack_ratio_that_is_not_exact_gives_nothing() {
        assert_eq!(Quantity::whole(3).times(12, 1), Some(Quantity::whole(36)));
        assert_eq!(Quantity::whole(1).times(1, 3), None);
        assert_eq!(Quantity(LIMIT).times(2, 1), None);
    }

    #[test]
    fn scale_counts_the_places_in_use() {
        assert_eq!("1.250".parse::<Quantity>().unwrap().scale(), 2);
        assert_eq!(Quantity::whole(9).scale(), 0);
    }
}
