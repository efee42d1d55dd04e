//! A file of rows, whatever program wrote it: encoding, delimiter and heading are found out.
//! Rows are numbered as a spreadsheet shows them: the heading is row 1.

use crate::{Code, Failure};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde_json::json;

/// More than this is no file of a warehouse.
const LARGEST: usize = 512 * 1024 * 1024;
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub encoding: String,
    pub delimiter: char,
    pub heading: Vec<String>,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub number: u32,
    pub cells: Vec<String>,
}

pub fn read(bytes: &[u8]) -> Result<Table, Failure> {
    if bytes.len() > LARGEST {
        return Err(unreadable("The file is larger than 512 MiB.", "Split it and import the parts."));
    }
    let (encoding, text) = decode(bytes);
    let (hint, text, skipped) = without_hint(&text);
    let delimiter = hint.unwrap_or_else(|| guess_delimiter(text));
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let heading: Vec<String> = reader.headers().map_err(broken)?.iter().map(|cell| cell.trim().to_owned()).collect();
    if heading.iter().all(String::is_empty) {
        return Err(unreadable("The file has no heading.", "Put the names of the columns in the first row."));
    }
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(broken)?;
        let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(2 + skipped);
        let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            rows.push(Row { number, cells });
        }
    }
    Ok(Table { encoding: encoding.name().to_lowercase(), delimiter: char::from(delimiter), heading, rows })
}

fn broken(fault: csv::Error) -> Failure {
    unreadable("The file cannot be read as rows and columns.", "Export it again as CSV.")
        .with(json!({ "reason": fault.to_string() }))
}

fn unreadable(message: &str, next: &str) -> Failure {
    Failure::new(Code::FileUnreadable, message, next)
}

/// A mark at the start decides; else every other byte zero is UTF-16, valid UTF-8 is that, and
/// what is left was written by a Western Windows.
fn decode(bytes: &[u8]) -> (&'static Encoding, String) {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => {
            let start = &bytes[..bytes.len().min(1000)];
            let zeros =
                |odd: usize| start.iter().skip(odd).step_by(2).filter(|&&byte| byte == 0).count() * 4 > start.len();
            match (zeros(1), zeros(0), std::str::from_utf8(bytes).is_ok()) {
                (true, false, _) => UTF_16LE,
                (false, true, _) => UTF_16BE,
                (_, _, true) => UTF_8,
                _ => WINDOWS_1252,
            }
        }
    };
    (encoding, encoding.decode(bytes).0.into_owned())
}

/// Some spreadsheets write `sep=;` above the heading.
fn without_hint(text: &str) -> (Option<u8>, &str, u32) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    match first.trim_end().strip_prefix("sep=").map(str::as_bytes) {
        Some([delimiter]) => (Some(*delimiter), rest, 1),
        _ => (None, text, 0),
    }
}

/// The sign that splits the first lines into the most and the same number of cells.
fn guess_delimiter(text: &str) -> u8 {
    let sample: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(20).collect();
    let score = |delimiter: u8| {
        let counts: Vec<usize> = sample.iter().map(|line| count_outside_quotes(line, delimiter)).collect();
        let first = counts.first().copied().unwrap_or(0);
        let alike = counts.iter().filter(|&&count| count == first).count();
        if first == 0 { (0, 0) } else { (alike * 100 / counts.len().max(1), first) }
    };
    DELIMITERS.into_iter().rev().max_by_key(|&delimiter| score(delimiter)).unwrap_or(b',')
}

fn count_outside_quotes(line: &str, delimiter: u8) -> usize {
    let mut quoted = false;
    line.bytes()
        .filter(|&byte| {
            quoted ^= byte == b'"';
            !quoted && byte == delimiter
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_german_spreadsheet_is_read_in_its_own_encoding_and_delimiter() {
        let table = read(b"Artikelnummer;Bezeichnung\r\n4711;Schl\xfcssel, 10 mm\r\n").unwrap();
        assert_eq!((table.delimiter, table.encoding.as_str()), (';', "windows-1252"));
        assert_eq!(table.heading, ["Artikelnummer", "Bezeichnung"]);
        assert_eq!(table.rows, [Row { number: 2, cells: vec!["4711".into(), "Schlüssel, 10 mm".into()] }]);
    }

    #[test]
    fn marks_of_unicode_are_understood_and_not_part_of_the_heading() {
        let utf8 = read("\u{feff}sku,name\nA,Ä\n".as_bytes()).unwrap();
        assert_eq!((utf8.heading[0].as_str(), utf8.encoding.as_str()), ("sku", "utf-8"));
        let utf16: Vec<u8> = "\u{feff}sku\tname\nA\tÄ\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let table = read(&utf16).unwrap();
        assert_eq!((table.delimiter, table.rows[0].cells[1].as_str()), ('\t', "Ä"));
        let unmarked: Vec<u8> = "sku|name\nA|B\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&unmarked).unwrap().encoding, "utf-16be");
    }

    #[test]
    fn a_comma_inside_quotes_does_not_split() {
        let table = read(b"sku;name\nA;\"1,5 \"\"m\"\"; red\"\n").unwrap();
        assert_eq!(table.rows[0].cells[1], "1,5 \"m\"; red");
    }

    #[test]
    fn the_hint_of_a_spreadsheet_counts_as_a_row() {
        let table = read(b"sep=|\nsku|name\nA|B\n").unwrap();
        assert_eq!((table.delimiter, table.rows[0].number), ('|', 3));
    }

    #[test]
    fn a_file_without_a_heading_is_refused() {
        assert_eq!(read(b"").unwrap_err().code, Code::FileUnreadable);
    }
}
