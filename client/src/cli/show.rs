//! Tables for people. Numbers stand to the right, and a column is as wide as it must be.

use serde_json::Value;

pub struct Column {
    heading: &'static str,
    path: &'static str,
    right: bool,
}

/// A column with the heading, and where in a row its value is (`item.sku`).
pub const fn left(heading: &'static str, path: &'static str) -> Column {
    Column { heading, path, right: false }
}

pub const fn right(heading: &'static str, path: &'static str) -> Column {
    Column { heading, path, right: true }
}

pub fn table(columns: &[Column], rows: &[Value]) -> String {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|column| text(at(row, column.path))).collect()).collect();
    let width = |index: usize| {
        let longest = cells.iter().map(|row| row[index].chars().count()).max().unwrap_or(0);
        longest.max(columns[index].heading.chars().count())
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |values: &[String]| {
        let padded = values.iter().zip(&widths).zip(columns).map(|((value, width), column)| {
            if column.right { format!("{value:>width$}") } else { format!("{value:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let heading: Vec<String> = columns.iter().map(|column| column.heading.to_owned()).collect();
    let mut lines = vec![line(&heading)];
    lines.extend(cells.iter().map(|row| line(row)));
    lines.join("\n")
}

/// `name: value` lines.
pub fn facts(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let shown = pairs.iter().filter(|(_, value)| !value.is_empty());
    shown.map(|(name, value)| format!("{name:<width$}  {value}")).collect::<Vec<_>>().join("\n")
}

pub fn at<'v>(row: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(row, |value, name| &value[name])
}

pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace(['\n', '\t'], " "),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_stand_to_the_right_and_nothing_trails() {
        let rows = [json!({"item": {"sku": "A"}, "qty": "12"}), json!({"item": {"sku": "BOLT"}, "qty": "3"})];
        let shown = table(&[left("SKU", "item.sku"), right("QTY", "qty"), left("LOT", "lot.code")], &rows);
        assert_eq!(shown, "SKU   QTY  LOT\nA      12\nBOLT    3");
    }
}
