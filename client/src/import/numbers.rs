//! Numbers as people's programs write them: `1.234,5` and `1,234.5` are the same amount. One sign
//! is chosen for the whole file, so that `1,5` never means fifteen in one row.

/// The decimal sign of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimal {
    Point,
    Comma,
}

impl Decimal {
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    const fn grouping(self) -> char {
        match self {
            Self::Point => ',',
            Self::Comma => '.',
        }
    }

    /// The sign that most numbers can only be read with.
    #[must_use]
    pub fn guess<'a>(numbers: impl Iterator<Item = &'a str>) -> Self {
        let (mut points, mut commas) = (0, 0);
        for number in numbers {
            match (number.rfind('.'), number.rfind(',')) {
                (Some(point), Some(comma)) if point > comma => points += 1,
                (Some(_), Some(_)) => commas += 1,
                (Some(_), None) if !is_grouped(number, '.') => points += 1,
                (None, Some(_)) if !is_grouped(number, ',') => commas += 1,
                _ => {}
            }
        }
        if commas > points { Self::Comma } else { Self::Point }
    }

    /// The number with a point and without grouping; what is no number stays as it is.
    #[must_use]
    pub fn plain(self, number: &str) -> String {
        let number: String = number.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'')).collect();
        let (whole, part) = match number.split_once(self.sign()) {
            Some((whole, part)) => (whole, Some(part)),
            None => (number.as_str(), None),
        };
        let whole =
            if is_grouped(whole, self.grouping()) { whole.replace(self.grouping(), "") } else { whole.to_owned() };
        match part {
            Some(part) => format!("{whole}.{part}"),
            None => whole,
        }
    }
}

/// Whether every sign stands before exactly three digits: `1.234.567`.
fn is_grouped(number: &str, sign: char) -> bool {
    let mut parts = number.trim_start_matches(['-', '+']).split(sign);
    let first = parts.next().unwrap_or_default();
    let mut rest = parts.peekable();
    (1..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_digit())
        && rest.peek().is_some()
        && rest.all(|part| part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()))
}

/// What a spreadsheet makes of a long code: `8,02E+12`.
#[must_use]
pub fn is_mangled(code: &str) -> bool {
    let Some((number, power)) = code.split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number: String = number.chars().filter(|c| !matches!(c, '.' | ',')).collect();
    power.strip_prefix('+').is_some_and(digits) && digits(&number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_of_the_file_is_found_and_the_other_groups() {
        assert_eq!(Decimal::guess(["1.234,5", "7", "2,25"].into_iter()), Decimal::Comma);
        assert_eq!(Decimal::guess(["1,234.5", "7"].into_iter()), Decimal::Point);
        assert_eq!(Decimal::guess(["7", "1.000"].into_iter()), Decimal::Point);
        assert_eq!(Decimal::Comma.plain("1.234,50"), "1234.50");
        assert_eq!(Decimal::Point.plain("1,234.5"), "1234.5");
        assert_eq!(Decimal::Point.plain("12 000"), "12000");
        assert_eq!(Decimal::Comma.plain("zwölf"), "zwölf");
    }

    #[test]
    fn a_number_with_both_meanings_is_not_guessed_away() {
        assert_eq!(Decimal::Point.plain("1,5"), "1,5");
        assert!("1,5".parse::<stillage_core::quantity::Quantity>().is_err());
    }

    #[test]
    fn shortened_barcodes_are_recognised() {
        assert!(is_mangled("8,02E+12") && is_mangled("8.02E+12") && is_mangled("8E+12"));
        assert!(!is_mangled("8020000000000") && !is_mangled("CE+12") && !is_mangled("E+1"));
    }
}
