//! Quantities as people type them: `12`, `3 BOX`, `3 BOX + 7 EA`. Both the exact quantity and what
//! was typed are kept.

use crate::{
    quantity::Quantity,
    record::{Item, Kind},
    rejection::{FieldProblem, Rejection},
    text,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// In base units.
    pub quantity: Quantity,
    /// What was typed, tidied; `None` when it was the plain quantity.
    pub text: Option<String>,
}

/// Reads what was typed for an item. The decimal sign is a point: screens convert a comma first.
/// A leading minus holds for the whole.
pub fn parse(typed: &str, item: &Item) -> Result<Entered, Rejection> {
    let typed = typed.trim();
    let (negative, rest) = match typed.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest),
        None => (false, typed),
    };
    let mut sum = Quantity::ZERO;
    let mut parts = Vec::new();
    let mut packed = false;
    for part in rest.split('+') {
        let (amount, unit) = split(part)?;
        let (numerator, denominator) = ratio(&unit, item)?;
        packed |= !unit.is_empty();
        let quantity = amount.times(numerator, denominator).ok_or(Rejection::QuantityOutOfRange)?;
        sum = sum.checked_add(quantity).ok_or(Rejection::Overflow)?;
        parts.push(if unit.is_empty() { amount.to_string() } else { format!("{amount} {unit}") });
    }
    let sign = if negative { "-" } else { "" };
    let plain = parts.len() == 1 && !packed;
    Ok(Entered {
        quantity: if negative { sum.negated() } else { sum },
        text: (!plain).then(|| format!("{sign}{}", parts.join(" + "))),
    })
}

fn split(part: &str) -> Result<(Quantity, String), Rejection> {
    let part = part.trim();
    let end = part.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(part.len());
    let (number, unit) = part.split_at(end);
    let refuse = |problem| Rejection::Field { kind: Kind::Item, field: "qty".into(), problem };
    let amount = number.parse().map_err(|_| refuse(FieldProblem::NotAQuantity))?;
    Ok((amount, unit.trim().to_uppercase()))
}

fn ratio(unit: &str, item: &Item) -> Result<(i64, i64), Rejection> {
    let wanted = text::fold(unit);
    if unit.is_empty() || wanted == text::fold(&item.base_unit) {
        return Ok((1, 1));
    }
    item.packs
        .iter()
        .find(|pack| text::fold(&pack.code) == wanted)
        .map(|pack| (pack.numerator, pack.denominator))
        .ok_or(Rejection::Field { kind: Kind::Item, field: "unit".into(), problem: FieldProblem::NotAChoice })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Pack;

    fn item() -> Item {
        let packs = vec![Pack { code: "BOX".into(), numerator: 12, denominator: 1 }];
        Item { packs, ..Item::default() }
    }

    #[test]
    fn boxes_and_pieces_add_up_and_both_forms_are_kept() {
        let entered = parse("3 box + 7 ea", &item()).unwrap();
        assert_eq!(entered.quantity, Quantity::whole(43));
        assert_eq!(entered.text.as_deref(), Some("3 BOX + 7 EA"));
    }

    #[test]
    fn a_plain_number_is_just_itself() {
        assert_eq!(parse(" 12.5 ", &item()).unwrap(), Entered { quantity: Quantity(12_500_000), text: None });
    }

    #[test]
    fn a_minus_holds_for_the_whole() {
        assert_eq!(parse("-1BOX+2", &item()).unwrap().quantity, Quantity::whole(-14));
    }

    #[test]
    fn nonsense_and_unknown_units_are_refused() {
        for typed in ["", "box", "1 PALLET", "1,5", "++", "1e9", "9999999999999 BOX"] {
            assert!(parse(typed, &item()).is_err(), "{typed:?} was read");
        }
    }
}
