//! `cargo xtask generate-retail`: a sales file of the same shape and with the same quirks as the
//! real one that `replay` is meant for, at the same proportions, from a seed. Continuous
//! integration replays this one, because the real file is not part of the project.
//!
//! The surprise: every quirk appears at least once within the first few hundred lines, however rare
//! it is in the real file, so that a short file tests them all.

mod goods;

use crate::replay::mint;
use anyhow::{Context, Result};
use goods::{Goods, KINDS, Kind, quantity, spaced};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{fs::File, io::Write, path::PathBuf, process::ExitCode};
use time::{Duration, PrimitiveDateTime, macros::datetime};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where to write; a name that ends in .zst is compressed.
    out: PathBuf,
    #[arg(long, default_value_t = 5_000)]
    lines: usize,
    /// The same seed gives the same file; left out, one is drawn and printed.
    #[arg(long)]
    seed: Option<u64>,
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let seed = args.seed.unwrap_or_else(mint::seed);
    let file = File::create(&args.out).with_context(|| format!("cannot write {}", args.out.display()))?;
    if args.out.extension().is_some_and(|ext| ext == "zst") {
        let mut zipped = zstd::Encoder::new(file, 9)?;
        write(&mut zipped, args.lines, seed)?;
        zipped.finish()?;
    } else {
        write(file, args.lines, seed)?;
    }
    if args.json {
        println!("{}", serde_json::json!({ "file": args.out, "lines": args.lines, "seed": seed }));
    } else {
        println!("{} lines, seed {seed}: {}", args.lines, args.out.display());
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Clone)]
struct Row {
    code: String,
    words: String,
    qty: i64,
    price: String,
    customer: Option<u64>,
}

/// Writes `lines` lines and the header.
pub fn write(out: impl Write, lines: usize, seed: u64) -> Result<()> {
    let mut shop = Shop::open(lines, seed);
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "InvoiceNo",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
        "Country",
    ])?;
    let clock = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:00");
    while shop.written < lines {
        let (invoice, rows) = shop.document();
        let at = shop.at.format(clock)?;
        for row in rows.into_iter().take(lines - shop.written) {
            let customer = row.customer.map(|c| format!("{c}.0")).unwrap_or_default();
            let country = if row.customer.is_some_and(|c| c % 11 == 0) { "Germany" } else { "United Kingdom" };
            csv.write_record([
                &invoice,
                &row.code,
                &row.words,
                &row.qty.to_string(),
                &at,
                &row.price,
                &customer,
                country,
            ])?;
            shop.written += 1;
        }
    }
    csv.flush()?;
    Ok(())
}

struct Shop {
    rng: ChaCha8Rng,
    goods: Goods,
    at: PrimitiveDateTime,
    invoice: u64,
    written: usize,
    done: [usize; KINDS.len()],
    /// Some of what was sold, which people bring back.
    sold: Vec<Row>,
}

impl Shop {
    fn open(lines: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let goods = Goods::of((lines / 12).clamp(40, 3_950), &mut rng);
        Self {
            rng,
            goods,
            at: datetime!(2010-12-01 08:26),
            invoice: 536_365,
            written: 0,
            done: [0; KINDS.len()],
            sold: Vec::new(),
        }
    }

    /// The next invoice. A quirk whose share has fallen behind comes first.
    fn document(&mut self) -> (String, Vec<Row>) {
        self.at += Duration::minutes(self.rng.random_range(0..6));
        self.invoice += 1;
        let number = self.invoice;
        let kind = self.due(true);
        match kind {
            Some(Kind::Cancellation) => (format!("C{number}"), self.cancellation()),
            Some(Kind::Discount) => (format!("C{number}"), vec![self.fee("D", "Discount", -1)]),
            Some(Kind::BadDebt) => (format!("A{number}"), vec![self.fee("B", "Adjust bad debt", 1)]),
            Some(Kind::WriteOff) => (number.to_string(), vec![self.correction(-1, &goods::LOST, 65)]),
            Some(Kind::Found) => (number.to_string(), vec![self.correction(1, &goods::FOUND, 77)]),
            _ => (number.to_string(), self.sale()),
        }
    }

    /// The quirk that is most overdue, of those that fill an invoice or of those that are a line.
    fn due(&mut self, invoice: bool) -> Option<Kind> {
        let written = self.written as f64;
        let at = KINDS.iter().position(|&(kind, rate)| {
            kind.fills_an_invoice() == invoice && (self.done[kind as usize] as f64) < rate * written
        })?;
        self.done[at] += 1;
        Some(KINDS[at].0)
    }

    fn sale(&mut self) -> Vec<Row> {
        let customer = self.rng.random_bool(0.75).then(|| self.rng.random_range(12_346..18_288));
        let size = 1 + (-21.0 * (1.0 - self.rng.random::<f64>()).ln()) as usize;
        let mut rows: Vec<Row> = Vec::with_capacity(size);
        for _ in 0..size {
            let quirk = self.due(false);
            let row = match (quirk, rows.last()) {
                (Some(Kind::Duplicate), Some(last)) => last.clone(),
                (Some(Kind::Gift), _) => Row { price: "0.0".into(), ..self.piece(None) },
                (Some(Kind::Postage), _) => Row { customer, ..self.fee("POST", "POSTAGE", 1) },
                (Some(Kind::Dotcom), _) => self.fee("DOT", "DOTCOM POSTAGE", 1),
                (Some(Kind::Manual), _) => Row { customer, ..self.fee("M", "Manual", 1) },
                (Some(Kind::ManualLower), _) => Row { customer, ..self.fee("m", "Manual", 1) },
                (Some(Kind::Carriage), _) => Row { customer, ..self.fee("C2", "CARRIAGE", 1) },
                (Some(Kind::Bank), _) => self.fee("BANK CHARGES", "Bank Charges", 1),
                _ => self.piece(customer),
            };
            rows.push(row);
            self.written += 1;
        }
        self.written -= size;
        if let Some(row) = rows.last().filter(|row| row.customer.is_some()) {
            self.sold.push(row.clone());
        }
        rows
    }

    fn piece(&mut self, customer: Option<u64>) -> Row {
        let good = self.goods.pick(&mut self.rng);
        let (code, words) = (good.spelling(&mut self.rng), spaced(good.name(&mut self.rng), &mut self.rng));
        let price =
            if good.nameless() { "0.0".into() } else { format!("{}.{:02}", good.price / 100, good.price % 100) };
        let customer = customer.filter(|_| !good.nameless());
        Row { code, words, qty: quantity(&mut self.rng), price, customer }
    }

    fn cancellation(&mut self) -> Vec<Row> {
        let lines = self.rng.random_range(1..=4);
        self.done[Kind::Cancellation as usize] += lines - 1;
        (0..lines)
            .map(|_| {
                let known = (!self.sold.is_empty()).then(|| self.rng.random_range(0..self.sold.len()));
                let row = match known {
                    Some(at) => self.sold.swap_remove(at),
                    None => self.piece(Some(17_850)),
                };
                Row { qty: -self.rng.random_range(1..=row.qty.abs()), ..row }
            })
            .collect()
    }

    fn correction(&mut self, sign: i64, words: &[&str], blank_percent: u32) -> Row {
        let row = self.piece(None);
        let blank = self.rng.random_ratio(blank_percent, 100);
        let words = if blank { String::new() } else { words[self.rng.random_range(0..words.len())].into() };
        Row { words, qty: sign * row.qty, price: "0.0".into(), ..row }
    }

    fn fee(&mut self, code: &str, words: &str, qty: i64) -> Row {
        let pence = self.rng.random_range(100..5_000);
        Row {
            code: code.into(),
            words: words.into(),
            qty,
            price: format!("{}.{:02}", pence / 100, pence % 100),
            customer: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{
        plan::{Plan, Verb},
        read::{Line, read},
    };
    use std::collections::{BTreeMap, BTreeSet};

    fn file(lines: usize, seed: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, lines, seed).unwrap();
        out
    }

    fn lines(count: usize) -> Vec<Line> {
        read(file(count, 5).as_slice(), None).unwrap()
    }

    fn share(lines: &[Line], holds: impl Fn(&Line) -> bool) -> f64 {
        lines.iter().filter(|l| holds(l)).count() as f64 / lines.len() as f64
    }

    #[test]
    fn one_seed_gives_one_file_of_exactly_the_lines_asked_for() {
        assert_eq!(file(700, 3), file(700, 3));
        assert_ne!(file(700, 3), file(700, 4));
        assert_eq!(lines(700).len(), 700);
    }

    #[test]
    fn quirks_have_the_shares_they_have_in_the_real_file() {
        let lines = lines(60_000);
        let close = |name: &str, got: f64, wanted: f64| {
            assert!((got / wanted - 1.0).abs() < 0.25, "{name}: {got} for {wanted}")
        };
        close("cancellations", share(&lines, |l| l.invoice.starts_with('C')), 9_288.0 / 541_909.0);
        close("write-offs", share(&lines, |l| l.qty < 0 && !l.invoice.starts_with('C')), 1_336.0 / 541_909.0);
        close("zero prices", share(&lines, |l| l.free), 2_515.0 / 541_909.0);
        close("no customer", share(&lines, |l| l.customer.is_none()), 135_080.0 / 541_909.0);
        close("blank words", share(&lines, |l| l.words.is_empty()), 1_454.0 / 541_909.0);
        close("postage", share(&lines, |l| l.code == "POST"), 1_256.0 / 541_909.0);
        close(
            "lines an invoice",
            lines.len() as f64 / lines.iter().map(|l| &l.invoice).collect::<BTreeSet<_>>().len() as f64,
            20.9,
        );
    }

    #[test]
    fn a_short_file_has_every_quirk_at_least_once() {
        let lines = lines(1_500);
        let has = |name: &str, holds: &dyn Fn(&Line) -> bool| assert!(lines.iter().any(holds), "{name}");
        for code in ["POST", "DOT", "M", "m", "D", "B", "C2", "BANK CHARGES"] {
            has(code, &|l| l.code == code);
        }
        has("A-invoice", &|l| l.invoice.starts_with('A'));
        has("clerk's words", &|l| l.qty < 0 && l.free && !l.words.is_empty());
        has("what was found", &|l| l.qty > 0 && l.free && l.words.is_empty());
        let mut seen = BTreeMap::new();
        lines.iter().for_each(|l| *seen.entry((&l.invoice, &l.code, &l.words, l.qty, &l.at)).or_insert(0) += 1);
        assert!(seen.values().any(|&n| n > 1), "exact duplicates");
    }

    #[test]
    fn its_plan_has_twins_corrections_returns_and_items_of_several_names() {
        let lines = lines(6_000);
        let plan = Plan::of(&lines, 1);
        assert!(plan.items.iter().any(|i| !i.aliases.is_empty()));
        assert!(plan.items.iter().any(|i| i.name == i.sku), "an item without any name");
        for verb in [Verb::Issue, Verb::Return, Verb::Adjust] {
            assert!(plan.entries.iter().any(|e| e.verb == verb), "{verb:?}");
        }
    }
}
