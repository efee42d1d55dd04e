//! What a text must be before any database sees it. Both databases would refuse different things
//! at different times; here both refuse the same, on the device already.

use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFault {
    Empty,
    /// More characters than the field may have.
    TooLong {
        max: usize,
    },
    /// U+0000 or another control character.
    Control,
}

/// Trims, normalises to NFC, and refuses control characters and texts over `max` characters.
/// An empty result is allowed: whether a field may be empty is the field's business.
pub fn clean(text: &str, max: usize) -> Result<String, TextFault> {
    let text = normalised(text);
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(TextFault::Control);
    }
    if text.chars().count() > max {
        return Err(TextFault::TooLong { max });
    }
    Ok(text)
}

/// As `clean`, and not empty.
pub fn required(text: &str, max: usize) -> Result<String, TextFault> {
    match clean(text, max)? {
        text if text.is_empty() => Err(TextFault::Empty),
        text => Ok(text),
    }
}

/// The form in which human keys are compared: case does not tell two codes apart.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut text = normalised(text);
    if text.is_ascii() {
        text.make_ascii_lowercase();
        return text;
    }
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Trimmed, and in NFC, which ASCII is as it stands.
fn normalised(text: &str) -> String {
    let text = text.trim();
    if text.is_ascii() { text.to_owned() } else { text.nfc().collect() }
}

/// One text for one value: object keys sorted, no white space. What is hashed and stored.
#[must_use]
pub fn canonical(value: &Value) -> String {
    // A value of JSON can always be written.
    serde_json::to_string(&Sorted(value)).unwrap_or_default()
}

/// The same for an object that is there as its fields. Of two with one name the later stands.
#[must_use]
pub fn canonical_object<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let fields: BTreeMap<&str, Sorted<'_>> = fields.map(|(name, value)| (name, Sorted(value))).collect();
    serde_json::to_string(&fields).unwrap_or_default()
}

/// serde_json keeps insertion order when any crate in the build asks for it, so sorting is ours.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let mut fields: Vec<(&String, &Value)> = map.iter().collect();
                fields.sort_unstable_by(|a, b| a.0.cmp(b.0));
                serializer.collect_map(fields.into_iter().map(|(name, value)| (name, Sorted(value))))
            }
            Value::Array(list) => serializer.collect_seq(list.iter().map(Sorted)),
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_long_texts_are_refused() {
        assert_eq!(clean("a\0b", 10), Err(TextFault::Control));
        assert_eq!(clean("abcdef", 5), Err(TextFault::TooLong { max: 5 }));
        assert_eq!(required("   ", 5), Err(TextFault::Empty));
        assert_eq!(clean("  e\u{301} ", 5), Ok("\u{e9}".into()));
    }

    #[test]
    fn codes_that_differ_by_case_fold_to_one() {
        assert_eq!(fold(" 85123a "), fold("85123A"));
        assert_eq!(fold("Ä1"), fold("ä1"));
        assert_eq!(fold(" E\u{301}a "), "\u{e9}a");
    }

    #[test]
    fn ascii_folds_as_any_text_does() {
        for c in '\0'..='\u{7f}' {
            let text = format!("{c}X{c}x{c}");
            assert_eq!(fold(&text), text.trim().nfc().flat_map(char::to_lowercase).collect::<String>());
        }
    }

    #[test]
    fn canonical_text_does_not_depend_on_key_order() {
        let a: Value = serde_json::from_str(r#"{"b":1,"a":{"d":2,"c":3}}"#).unwrap();
        assert_eq!(canonical(&a), r#"{"a":{"c":3,"d":2},"b":1}"#);
    }
}
