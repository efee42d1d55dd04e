//! What will be done: the file's lines as items, opening stock and stock movements. Pure.
//!
//! How a line is read:
//!
//! | line | movement |
//! | --- | --- |
//! | invoice `C…` | a return: receive what came back |
//! | no price, no customer, and a negative quantity, or words that are not the item's name | a clerk's correction: adjust by the quantity as signed (`-6 damaged` takes 6 out, `3 found` puts 3 in), the words being the reason |
//! | quantity 0 | nothing; counted as skipped |
//! | any other negative quantity | adjust, as a correction |
//! | everything else: sales, gifts at no price, postage, fees, `A…` invoices | issue |
//!
//! The surprise is the correction: there the file's sign is that of the stock, elsewhere it is that
//! of the sale. Codes that differ only by letter case are one item, and every code is stocked.

use crate::replay::read::Line;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub const BINS: [&str; 12] = ["A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4", "C1", "C2", "C3", "C4"];

/// How many items in a hundred get less opening stock than they need.
const SHORT_PERCENT: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Issue,
    Return,
    Adjust,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub sku: String,
    pub aliases: Vec<String>,
    pub name: String,
    pub reorder_point: i64,
    pub bin: usize,
    pub opening: i64,
    pub short: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub item: usize,
    pub verb: Verb,
    /// By how much the bin's stock changes; never 0.
    pub delta: i64,
    pub reference: String,
    pub reason: Option<usize>,
    pub note: Option<String>,
}

/// One invoice's lines: recorded at once, all or nothing.
pub type Document = std::ops::Range<usize>;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub items: Vec<Item>,
    /// Reasons in the clerks' own words, folded.
    pub reasons: Vec<String>,
    pub entries: Vec<Entry>,
    pub documents: Vec<Document>,
    pub skipped: usize,
}

impl Plan {
    #[must_use]
    pub fn of(lines: &[Line], seed: u64) -> Self {
        let mut plan = Self { items: items(lines), ..Self::default() };
        let index: HashMap<String, usize> =
            plan.items.iter().enumerate().map(|(at, i)| (i.sku.to_lowercase(), at)).collect();
        let mut reasons = BTreeMap::new();
        let mut invoice = None;
        for line in lines {
            let Some(&item) = index.get(&line.code.to_lowercase()) else { continue };
            let Some(entry) = entry(line, item, &plan.items[item].name, &mut reasons) else {
                plan.skipped += 1;
                continue;
            };
            let at = plan.entries.len();
            plan.entries.push(entry);
            match plan.documents.last_mut() {
                Some(document) if invoice == Some(&line.invoice) => document.end = at + 1,
                _ => plan.documents.push(at..at + 1),
            }
            invoice = Some(&line.invoice);
        }
        plan.reasons = vec![String::new(); reasons.len()];
        for (words, at) in reasons {
            plan.reasons[at] = words;
        }
        plan.open(seed);
        plan
    }

    /// Opening stock: what the deepest dip of the file asks for, and for a few items less.
    fn open(&mut self, seed: u64) {
        let (mut level, mut dip) = (vec![0_i64; self.items.len()], vec![0_i64; self.items.len()]);
        for entry in &self.entries {
            level[entry.item] += entry.delta;
            dip[entry.item] = dip[entry.item].min(level[entry.item]);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut needy: Vec<usize> = (0..self.items.len()).filter(|&at| dip[at] < 0).collect();
        needy.shuffle(&mut rng);
        let short: BTreeSet<usize> = needy.iter().take(self.items.len() * SHORT_PERCENT / 100).copied().collect();
        for (at, item) in self.items.iter_mut().enumerate() {
            item.opening = -dip[at];
            if short.contains(&at) {
                item.short = true;
                item.opening = rng.random_range(0..item.opening);
            }
        }
    }
}

fn entry(line: &Line, item: usize, name: &str, reasons: &mut BTreeMap<String, usize>) -> Option<Entry> {
    if line.qty == 0 {
        return None;
    }
    let (verb, delta) = if line.invoice.starts_with('C') {
        (Verb::Return, -line.qty)
    } else if line.qty < 0 || is_correction(line, name) {
        (Verb::Adjust, line.qty)
    } else {
        (Verb::Issue, -line.qty)
    };
    // A cancellation of something positive takes stock out again.
    let verb = if verb == Verb::Return && delta < 0 { Verb::Issue } else { verb };
    let next = reasons.len();
    let reason = (verb == Verb::Adjust).then(|| *reasons.entry(line.words.to_lowercase()).or_insert(next));
    let note = match (verb, line.customer) {
        (Verb::Adjust, _) if !line.words.is_empty() => Some(line.words.clone()),
        (_, Some(customer)) => Some(format!("customer {customer}")),
        _ => None,
    };
    Some(Entry { item, verb, delta, reference: format!("{}/{}", line.invoice, line.number), reason, note })
}

/// Nobody bought it and it cost nothing; and the words are a clerk's, not the name on the label.
/// Labels are in capitals, which is how "check" and "found" are told from other names of the item.
fn is_correction(line: &Line, name: &str) -> bool {
    let clerk = line.words.chars().any(char::is_lowercase) || !line.words.chars().any(char::is_alphabetic);
    line.free && line.customer.is_none() && clerk && line.words != name
}

/// Items in the order in which their codes fold, so that a plan does not depend on hashing.
fn items(lines: &[Line]) -> Vec<Item> {
    let mut spellings: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    let mut names: HashMap<String, BTreeMap<&str, usize>> = HashMap::new();
    for line in lines {
        let key = line.code.to_lowercase();
        *spellings.entry(key.clone()).or_default().entry(&line.code).or_default() += 1;
        if !line.words.is_empty() {
            *names.entry(key).or_default().entry(&line.words).or_default() += 1;
        }
    }
    let most = |counts: &BTreeMap<&str, usize>| {
        counts.iter().max_by_key(|&(text, n)| (n, std::cmp::Reverse(text))).map(|(text, _)| (*text).to_owned())
    };
    spellings
        .iter()
        .map(|(key, written)| {
            let sku = most(written).unwrap_or_else(|| key.clone());
            let aliases = written.keys().filter(|&&other| other != sku).map(|&other| other.to_owned()).collect();
            let name = names.get(key).and_then(most).unwrap_or_else(|| sku.clone());
            let hash =
                key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
            let reorder_point = i64::try_from(hash >> 32 & 0x3f).unwrap_or(0) + 1;
            Item {
                sku,
                aliases,
                name,
                reorder_point,
                bin: usize::try_from(hash % BINS.len() as u64).unwrap_or(0),
                opening: 0,
                short: false,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::read::read;

    fn plan(rows: &str) -> Plan {
        let text = format!("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n{rows}");
        Plan::of(&read(text.as_bytes(), None).unwrap(), 7)
    }

    fn row(invoice: &str, code: &str, words: &str, qty: i64, price_customer: &str) -> String {
        format!("{invoice},{code},{words},{qty},2010-12-01 08:26:00,{price_customer},UK\n")
    }

    fn deltas(plan: &Plan) -> Vec<(Verb, i64)> {
        plan.entries.iter().map(|e| (e.verb, e.delta)).collect()
    }

    #[test]
    fn a_sale_of_six_takes_six_out_and_its_cancellation_brings_them_back() {
        let plan = plan(&(row("1", "a", "HOLDER", 6, "2.55,17850.0") + &row("C2", "a", "HOLDER", -6, "2.55,17850.0")));
        assert_eq!(deltas(&plan), [(Verb::Issue, -6), (Verb::Return, 6)]);
        assert_eq!(plan.entries[1].reference, "C2/2");
        assert_eq!(plan.items[0].opening, 6);
    }

    #[test]
    fn a_clerks_write_off_takes_out_and_what_was_found_comes_in() {
        let sold = row("1", "a", "HOLDER", 1, "2.55,1.0");
        let rows = sold.clone()
            + &sold
            + &row("2", "a", "Damaged", -4, "0.0,")
            + &row("3", "a", "found", 3, "0.0,")
            + &row("4", "a", "", 2, "0.0,");
        let plan = plan(&rows);
        assert_eq!(deltas(&plan)[2..], [(Verb::Adjust, -4), (Verb::Adjust, 3), (Verb::Adjust, 2)]);
        assert_eq!(plan.reasons, ["damaged", "found", ""]);
        assert_eq!(plan.entries[2].note.as_deref(), Some("Damaged"));
    }

    #[test]
    fn an_item_given_away_under_its_own_name_is_issued() {
        let plan = plan(
            &(row("1", "a", "PAD 40x40cm", 2, "1.0,")
                + &row("2", "a", "PAD 40x40cm", 5, "0.0,")
                + &row("3", "a", "PAD", 1, "0.0,")),
        );
        assert_eq!(deltas(&plan), [(Verb::Issue, -2), (Verb::Issue, -5), (Verb::Issue, -1)]);
    }

    #[test]
    fn codes_that_differ_by_case_are_one_item_under_the_usual_spelling() {
        let plan = plan(
            &(row("1", "85123A", "HOLDER", 1, "1,")
                + &row("1", "85123A", "HOLDER", 1, "1,")
                + &row("1", "85123a", "LAMP", 1, "1,")),
        );
        assert_eq!(plan.items.len(), 1);
        assert_eq!((plan.items[0].sku.as_str(), plan.items[0].name.as_str()), ("85123A", "HOLDER"));
        assert_eq!(plan.items[0].aliases, ["85123a"]);
    }

    #[test]
    fn an_invoice_is_one_document_and_exact_duplicates_stay_two_lines() {
        let same = row("1", "a", "HOLDER", 1, "1,");
        let plan = plan(&(same.clone() + &same + &row("2", "a", "HOLDER", 1, "1,")));
        assert_eq!(plan.documents, [0..2, 2..3]);
    }

    #[test]
    fn a_line_of_quantity_zero_is_counted_as_skipped() {
        let plan = plan(&(row("1", "a", "HOLDER", 0, "1,") + &row("1", "a", "HOLDER", 1, "1,")));
        assert_eq!((plan.skipped, plan.entries.len()), (1, 1));
    }

    #[test]
    fn opening_stock_is_the_deepest_dip_and_three_in_a_hundred_items_get_less() {
        let rows: String = (0..100)
            .map(|n| {
                row("1", &format!("i{n:03}"), "THING", 5, "1,") + &row("C2", &format!("i{n:03}"), "THING", -5, "1,")
            })
            .collect();
        let plan = plan(&rows);
        assert_eq!(plan.items.iter().filter(|i| i.opening == 5 && !i.short).count(), 97);
        assert_eq!(plan.items.iter().filter(|i| i.opening < 5 && i.short).count(), 3);
    }

    #[test]
    fn one_seed_gives_one_plan() {
        let rows = row("1", "a", "HOLDER", 6, "1,") + &row("1", "b", "LAMP", 9, "1,");
        assert_eq!(plan(&rows), plan(&rows));
    }
}
