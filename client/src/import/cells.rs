//! One row at a time, by field instead of by column, collecting everything that is wrong with it.

use super::{
    BadRow,
    columns::Columns,
    numbers::{Decimal, is_mangled},
    table::{Row, Table},
};
use serde_json::{Value, json};
use stillage_core::{
    gtin::{self, Scanned},
    record::{Kind, fields},
    rejection::{FieldProblem, Rejection},
};

/// Fields that hold numbers with a decimal sign.
const NUMBERS: &[&str] = &["qty", "min", "reorder_point", "cost"];

/// A file whose columns are understood.
#[derive(Debug)]
pub struct Sheet {
    pub table: Table,
    pub columns: Columns,
    pub decimal: Decimal,
}

impl Sheet {
    pub fn new(table: Table, columns: Columns) -> Self {
        let places: Vec<usize> = NUMBERS.iter().filter_map(|field| columns.place(field)).collect();
        let numbers = table.rows.iter().flat_map(|row| places.iter().filter_map(|&place| row.cells.get(place)));
        let decimal = Decimal::guess(numbers.map(String::as_str));
        Self { table, columns, decimal }
    }

    pub fn rows(&self) -> impl Iterator<Item = Cells<'_>> {
        self.table.rows.iter().map(|row| Cells { sheet: self, row, bad: Vec::new() })
    }
}

pub struct Cells<'s> {
    sheet: &'s Sheet,
    row: &'s Row,
    pub bad: Vec<BadRow>,
}

impl<'s> Cells<'s> {
    pub const fn number(&self) -> u32 {
        self.row.number
    }

    pub fn has(&self, field: &str) -> bool {
        self.sheet.columns.has(field)
    }

    /// What stands in the field's column; empty cells count as nothing.
    pub fn text(&self, field: &str) -> Option<&'s str> {
        let place = self.sheet.columns.place(field)?;
        self.row.cells.get(place).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub const fn decimal(&self) -> Decimal {
        self.sheet.decimal
    }

    /// A number as it travels: a point and no grouping.
    pub fn plain(&self, field: &str) -> Option<String> {
        self.text(field).map(|number| self.sheet.decimal.plain(number))
    }

    pub fn complain(&mut self, field: &str, code: &str, reason: impl Into<String>) {
        let column = match self.sheet.columns.place(field) {
            Some(place) => self.sheet.table.heading[place].clone(),
            None => field.to_owned(),
        };
        let value = self.text(field).unwrap_or_default().to_owned();
        self.bad.push(BadRow { row: self.row.number, column, value, code: code.to_owned(), reason: reason.into() });
    }

    /// The value of a record's field, checked as the rules of stock check it.
    pub fn checked(&mut self, kind: Kind, field: &str, value: Value) -> Option<Value> {
        match fields::check(kind, field, &value) {
            Ok(value) => Some(value),
            Err(rejection) => {
                self.refuse(field, &rejection);
                None
            }
        }
    }

    pub fn refuse(&mut self, field: &str, rejection: &Rejection) {
        let code = match rejection {
            Rejection::Field { problem, .. } => problem_name(*problem),
            other => other.code(),
        };
        self.complain(field, &code, rejection.explain().0);
    }

    /// A code that a scanner will read: not shortened by a spreadsheet, and with a sound check digit.
    pub fn scannable(&mut self, field: &str, code: &str) -> bool {
        if !self.unmangled(field, code) {
            return false;
        }
        if gtin::read(code) == Scanned::Misread {
            let reason = format!("The check digit of {code} is wrong: a digit is missing or mistyped.");
            self.complain(field, "MISREAD", reason);
            return false;
        }
        true
    }

    pub fn unmangled(&mut self, field: &str, code: &str) -> bool {
        let mangled = is_mangled(code);
        if mangled {
            let reason = "A spreadsheet shortened this code; format the column as text and export it again.";
            self.complain(field, "MANGLED_BARCODE", reason);
        }
        !mangled
    }

    /// An ISO date, or one of `31.12.2027`.
    pub fn date(&mut self, field: &str) -> Option<String> {
        let text = self.text(field)?;
        let parts: Vec<&str> = text.split('.').collect();
        let date = match parts[..] {
            [day, month, year] if year.len() == 4 => format!("{year}-{month:0>2}-{day:0>2}"),
            _ => text.to_owned(),
        };
        if fields::is_date(&date) {
            return Some(date);
        }
        self.complain(field, "NOT_A_DATE", "Write the day as 2027-12-31.");
        None
    }

    /// One of a few words, in English or German.
    pub fn word<T: Copy>(&mut self, field: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(field)?.to_lowercase();
        let known = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if known.is_none() {
            let choices: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.complain(field, "NOT_A_CHOICE", format!("It must be one of: {}.", choices.join(", ")));
        }
        known
    }
}

fn problem_name(problem: FieldProblem) -> String {
    let value = serde_json::to_value(problem).unwrap_or(json!({}));
    value["problem"].as_str().unwrap_or_default().to_uppercase()
}
