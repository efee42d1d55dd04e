//! Cards of the inbox as rows of a table: what is sent as data becomes words.

use super::show::{at, text};
use serde_json::{Value, json};

/// A card whose values can be read in a line.
pub fn row(card: &Value) -> Value {
    let mut row = card.clone();
    for side in ["base", "mine", "theirs"] {
        row[side] = json!(value(&card[side]));
    }
    if card["taken"].is_object() {
        row["theirs"] = json!(format!("it is {}", rival(&card["taken"]["theirs"])));
    }
    if let close @ Value::Object(_) = &card["close"] {
        let unit = text(&close["unit"]);
        row["mine"] = json!(format!("counted {} {unit} in {}", text(&close["counted"]), text(&close["location"])));
        let kind = close["kind"].as_str().unwrap_or("moved");
        row["theirs"] = json!(format!("{kind} {} {unit}", text(&close["moved"])));
    }
    row
}

fn value(of: &Value) -> String {
    match of["is"].as_str() {
        None => text(of),
        Some("amount") => format!("{} {}", text(&of["qty"]), text(&of["unit"])).trim().to_owned(),
        Some("choice") => text(&of["word"]),
        Some("flag") => if of["on"] == true { "yes" } else { "no" }.to_owned(),
        Some("day") => text(&of["day"]),
        Some("packs") => {
            let packs = of["packs"].as_array().into_iter().flatten();
            packs.map(|one| pack(one, &text(&of["unit"]))).collect::<Vec<_>>().join(", ")
        }
        Some(_) => "(made by a newer version)".to_owned(),
    }
}

fn pack(pack: &Value, unit: &str) -> String {
    let (code, numerator, denominator) = (text(&pack["code"]), &pack["numerator"], &pack["denominator"]);
    if denominator == 1 {
        format!("{code} = {numerator} {unit}")
    } else {
        format!("{code} = {numerator}/{denominator} {unit}")
    }
}

fn rival(of: &Value) -> String {
    [text(at(of, "code")), text(at(of, "name"))]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_data_are_read_in_a_line() {
        let packs = json!([{"code": "BOX", "numerator": 12, "denominator": 1}, {"code": "HALF", "numerator": 1, "denominator": 2}]);
        for (sent, read) in [
            (json!(null), ""),
            (json!("Bolt"), "Bolt"),
            (json!({ "is": "amount", "qty": "12.5", "unit": "KGM", "scale": 2 }), "12.5 KGM"),
            (json!({ "is": "choice", "word": "block" }), "block"),
            (json!({ "is": "flag", "on": false }), "no"),
            (json!({ "is": "packs", "packs": packs, "unit": "EA" }), "BOX = 12 EA, HALF = 1/2 EA"),
            (json!({ "is": "unreadable" }), "(made by a newer version)"),
        ] {
            assert_eq!(row(&json!({ "mine": sent }))["mine"], read);
        }
    }

    #[test]
    fn two_items_and_two_acts_are_named() {
        let taken = json!({ "theirs": { "code": "SKU-7", "name": "Hex bolt" } });
        assert_eq!(row(&json!({ "mine": "SKU-7", "taken": taken }))["theirs"], "it is SKU-7 Hex bolt");
        let close = json!({ "counted": "12", "moved": "-3", "unit": "EA", "location": "A1", "kind": "issue" });
        let row = row(&json!({ "close": close }));
        assert_eq!((&row["mine"], &row["theirs"]), (&json!("counted 12 EA in A1"), &json!("issue -3 EA")));
    }
}
