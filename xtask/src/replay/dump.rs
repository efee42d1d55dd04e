//! Reads what `dump --canonical` prints, and adds up its movements anew.
//!
//! Numbers are added in whole millionths by the few lines here: the judge must not borrow the
//! product's own arithmetic.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    io::BufRead,
};

/// Millionths of the base unit.
pub type Micro = i128;

#[derive(Debug, Default)]
pub struct Dump {
    /// By item and location, as the product has it.
    pub balances: BTreeMap<(String, String), Micro>,
    /// The same, added up from the movements; virtual locations included.
    pub entries: BTreeMap<(String, String), Micro>,
    pub items: HashMap<String, Value>,
    /// Real locations by id; a location the dump does not list is a virtual one.
    pub locations: HashMap<String, String>,
    /// By reference: item, signed effect on real locations, the change it came from, how often.
    pub movements: HashMap<String, Seen>,
    pub movement_count: usize,
    pub outcomes: HashMap<String, usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub item: String,
    pub location: String,
    pub delta: Micro,
    pub change: String,
    pub times: usize,
}

impl Dump {
    pub fn read(lines: impl BufRead) -> Result<Self> {
        let mut dump = Self::default();
        for (at, line) in lines.lines().enumerate() {
            let line = line?;
            let row: Value = serde_json::from_str(&line).with_context(|| format!("line {}", at + 1))?;
            // With --json the last line counts the others.
            if let Some(row) = row.as_array() {
                dump.take(row).with_context(|| format!("line {}: {line}", at + 1))?;
            }
        }
        Ok(dump)
    }

    fn take(&mut self, row: &[Value]) -> Result<()> {
        let text = |at: usize| row.get(at).and_then(Value::as_str).with_context(|| format!("no text at place {at}"));
        match text(0)? {
            "balance" => {
                let on_hand = micro(row.get(5).context("no balance")?)?;
                *self.balances.entry((text(1)?.to_owned(), text(2)?.to_owned())).or_default() += on_hand;
            }
            "item" => {
                self.items.insert(text(1)?.to_owned(), row.get(2).context("no fields")?.clone());
            }
            "location" => {
                let fields = row.get(2).context("no fields")?;
                if fields["role"] != "virtual" {
                    self.locations.insert(text(1)?.to_owned(), fields["code"].as_str().unwrap_or_default().to_owned());
                }
            }
            "movement" => self.movement(row.get(2).context("no body")?)?,
            "outcome" => *self.outcomes.entry(text(1)?.to_owned()).or_default() += 1,
            other => bail!("an unknown section: {other}"),
        }
        Ok(())
    }

    fn movement(&mut self, body: &Value) -> Result<()> {
        let text = |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("not a text: {value}"));
        let (item, qty) = (text(&body["item"])?, micro(&body["qty"])?);
        let (from, to) = (text(&body["from"]["location"])?, text(&body["to"]["location"])?);
        *self.entries.entry((item.clone(), from.clone())).or_default() -= qty;
        *self.entries.entry((item.clone(), to.clone())).or_default() += qty;
        self.movement_count += 1;
        // Locations come before movements, so it is known by now which end is real.
        let (location, delta) = if self.locations.contains_key(&from) { (from, -qty) } else { (to, qty) };
        let change = body["change"].as_str().unwrap_or_default().to_owned();
        let reference = body["reference"].as_str().unwrap_or_default().to_owned();
        self.movements.entry(reference).or_insert(Seen { item, location, delta, change, times: 0 }).times += 1;
        Ok(())
    }
}

/// A plain decimal, as text or as a JSON number, in millionths.
pub fn micro(value: &Value) -> Result<Micro> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let sound = !whole.is_empty() && part.len() <= 6 && (whole.to_owned() + part).bytes().all(|b| b.is_ascii_digit());
    if !sound {
        bail!("not a quantity: {text}");
    }
    let micros = format!("{whole}{part:0<6}").parse::<Micro>()?;
    Ok(if negative { -micros } else { micros })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_are_whole_millionths_whatever_their_writing() {
        let read = |value: Value| micro(&value).ok();
        assert_eq!(read(json!("12")), Some(12_000_000));
        assert_eq!(read(json!("-0.5")), Some(-500_000));
        assert_eq!(read(json!(7)), Some(7_000_000));
        assert_eq!(read(json!("1e3")), None);
        assert_eq!(read(json!("0.0000001")), None);
    }

    #[test]
    fn a_dump_is_read_and_its_movements_are_added_up_anew() {
        let text = r#"["balance","item_1","loc_1",null,"available","4"]
["item","item_1",{"sku":"a"}]
["location","loc_1",{"code":"A1","role":"storage"}]
["movement","mov_1",{"item":"item_1","qty":"6","from":{"location":"v"},"to":{"location":"loc_1"},"reference":"opening/a","change":"change_1"}]
["movement","mov_2",{"item":"item_1","qty":"2","from":{"location":"loc_1"},"to":{"location":"v"},"reference":"1/1","change":"change_2"}]
["outcome","change_1","APPLIED"]
{"lines":6,"digest":"x"}
"#;
        let dump = Dump::read(text.as_bytes()).unwrap();
        let cell = |location: &str| ("item_1".to_owned(), location.to_owned());
        assert_eq!(dump.balances[&cell("loc_1")], 4_000_000);
        assert_eq!((dump.entries[&cell("loc_1")], dump.entries[&cell("v")]), (4_000_000, -4_000_000));
        assert_eq!(dump.movements["1/1"].delta, -2_000_000);
        assert_eq!(dump.outcomes["change_1"], 1);
    }
}
