//! GTIN-8, -12, -13 and -14 are one number space, right-aligned. A scanner may strip or add the
//! leading zero, so codes are compared as 14 digits. A failed check digit is a misread, which is
//! something else than an unknown item.

/// What a scanned text turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// Padded to 14 digits.
    Gtin(String),
    /// It has the length of a GTIN and the wrong check digit.
    Misread,
    /// Something of the house's own.
    Other(String),
}

/// Reads a code as it came from a scanner or a file.
#[must_use]
pub fn read(code: &str) -> Scanned {
    let code = code.trim();
    let gtin_length = matches!(code.len(), 8 | 12 | 13 | 14);
    if !gtin_length || !code.bytes().all(|b| b.is_ascii_digit()) {
        return Scanned::Other(code.to_owned());
    }
    if check_digit_holds(code) { Scanned::Gtin(format!("{code:0>14}")) } else { Scanned::Misread }
}

/// The forms under which one code may be stored: as scanned, and with or without leading zeros.
#[must_use]
pub fn spellings(code: &str) -> Vec<String> {
    match read(code) {
        Scanned::Gtin(padded) => {
            let mut all = vec![code.trim().to_owned()];
            for length in [14, 13, 12, 8] {
                let (zeros, rest) = padded.split_at(14 - length);
                if zeros.bytes().all(|b| b == b'0') && !all.iter().any(|known| known == rest) {
                    all.push(rest.to_owned());
                }
            }
            all
        }
        Scanned::Misread | Scanned::Other(_) => vec![code.trim().to_owned()],
    }
}

/// From the right: weights 1, 3, 1, 3, …; the sum is a multiple of ten.
fn check_digit_holds(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .zip([1, 3].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ean_and_its_upc_are_one_code() {
        assert_eq!(read("036000291452"), read("0036000291452"));
        assert!(spellings("0036000291452").contains(&"036000291452".to_owned()));
    }

    #[test]
    fn a_wrong_check_digit_is_a_misread() {
        assert_eq!(read("4006381333931"), Scanned::Gtin("04006381333931".into()));
        assert_eq!(read("4006381333932"), Scanned::Misread);
    }

    #[test]
    fn codes_of_the_house_are_left_alone() {
        assert_eq!(read("A-03-2"), Scanned::Other("A-03-2".into()));
    }
}
