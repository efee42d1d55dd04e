//! Reads a retailer's sales file: CSV with the eight columns of UCI Online Retail, as it is or in zstd.
//!
//! A surprise: nothing is repaired or dropped here. Blank descriptions, zero and negative prices,
//! customer ids written as floats and repeated lines are all lines. Only what cannot be read as a
//! line at all (a missing column, a quantity that is no whole number) fails the file.

use anyhow::{Context, Result, bail, ensure};
use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which line of the file it is, the first one after the header being 1.
    pub number: u32,
    pub invoice: String,
    pub code: String,
    /// What the till or the clerk wrote, without spaces around it; often blank.
    pub words: String,
    pub qty: i64,
    /// `2010-12-01 08:26:00`; orders as text.
    pub at: String,
    /// The price was zero.
    pub free: bool,
    pub customer: Option<u64>,
}

const COLUMNS: [&str; 7] =
    ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"];

/// The first `limit` lines of the file, in time order (lines of one minute keep the file's order).
pub fn read_file(path: &Path, limit: Option<usize>) -> Result<Vec<Line>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let zipped = path.extension().is_some_and(|ext| ext == "zst");
    let text: Box<dyn Read> = if zipped { Box::new(zstd::Decoder::new(file)?) } else { Box::new(BufReader::new(file)) };
    read(text, limit).with_context(|| format!("cannot read {}", path.display()))
}

pub fn read(text: impl Read, limit: Option<usize>) -> Result<Vec<Line>> {
    let mut rows = csv::Reader::from_reader(text);
    let header = rows.headers()?.clone();
    let mut at = [0; COLUMNS.len()];
    for (place, name) in at.iter_mut().zip(COLUMNS) {
        *place = header.iter().position(|h| h == name).with_context(|| format!("column {name} is missing"))?;
    }
    let mut lines = Vec::new();
    for row in rows.records().take(limit.unwrap_or(usize::MAX)) {
        let number = u32::try_from(lines.len() + 1)?;
        let row = row.with_context(|| format!("line {number}"))?;
        let fields = at.map(|place| row.get(place).unwrap_or_default().trim());
        lines.push(line(number, fields).with_context(|| format!("line {number}"))?);
    }
    ensure!(!lines.is_empty(), "the file has no lines");
    lines.sort_by(|a, b| a.at.cmp(&b.at));
    Ok(lines)
}

fn line(number: u32, fields: [&str; COLUMNS.len()]) -> Result<Line> {
    let [invoice, code, words, qty, at, price, customer] = fields;
    ensure!(!invoice.is_empty() && !code.is_empty(), "an invoice number and a stock code are needed");
    ensure!(at.len() == 19 && at.as_bytes()[10] == b' ', "not a time: {at}");
    Ok(Line {
        number,
        invoice: invoice.into(),
        code: code.into(),
        words: words.into(),
        qty: qty.parse().with_context(|| format!("not a whole quantity: {qty}"))?,
        at: at.into(),
        free: is_zero(price)?,
        customer: whole(customer)?,
    })
}

/// Prices are only asked whether they are zero; a sale's price is not what the goods cost.
fn is_zero(price: &str) -> Result<bool> {
    let digits = price.strip_prefix('-').unwrap_or(price);
    let sound = !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.matches('.').count() <= 1;
    ensure!(sound, "not a price: {price}");
    Ok(digits.bytes().all(|b| matches!(b, b'0' | b'.')))
}

/// A customer id that a spreadsheet made a float: `17850.0` is customer 17850.
fn whole(customer: &str) -> Result<Option<u64>> {
    if customer.is_empty() {
        return Ok(None);
    }
    let digits = match customer.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|b| b == b'0') => digits,
        Some(_) => bail!("not a customer id: {customer}"),
        None => customer,
    };
    Ok(Some(digits.parse().with_context(|| format!("not a customer id: {customer}"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

    fn check(rows: &str) -> Result<Vec<Line>> {
        read(format!("{HEADER}{rows}").as_bytes(), None)
    }

    #[test]
    fn a_customer_id_written_as_a_float_is_the_whole_number() {
        let lines = check("536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n").unwrap();
        assert_eq!(lines[0].customer, Some(17850));
    }

    #[test]
    fn blank_words_zero_prices_and_missing_customers_are_lines_too() {
        let lines = check("536414,22139,,-56,2010-12-01 11:52:00,0.0,,United Kingdom\n").unwrap();
        assert_eq!((lines[0].words.as_str(), lines[0].free, lines[0].customer, lines[0].qty), ("", true, None, -56));
    }

    #[test]
    fn a_negative_price_is_not_a_zero_price() {
        let lines = check("A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom\n").unwrap();
        assert!(!lines[0].free);
    }

    #[test]
    fn lines_come_in_time_order_and_lines_of_one_minute_in_the_files_order() {
        let rows =
            "2,b,B,1,2010-12-02 08:00:00,1,,UK\n1,a,A,1,2010-12-01 08:00:00,1,,UK\n1,c,C,1,2010-12-01 08:00:00,1,,UK\n";
        let codes: Vec<_> = check(rows).unwrap().into_iter().map(|l| l.code).collect();
        assert_eq!(codes, ["a", "c", "b"]);
    }

    #[test]
    fn a_quantity_that_is_no_whole_number_fails_the_file_and_names_the_line() {
        let failure = check("1,a,A,six,2010-12-01 08:00:00,1,,UK\n").unwrap_err();
        assert!(format!("{failure:#}").contains("line 1: not a whole quantity: six"), "{failure:#}");
    }
}
