//! A desk: one data directory with its open store, and the few records every test wants.

use crate::ledger::Ledger;
use serde_json::{Value, json};
use stillage_client::{
    Failure, Mint,
    engine::Acted,
    store::{self, Durability, Store, outbox, queries, settings},
};
use stillage_core::{
    absorb::Discard,
    action::{Action, Adjust, Count, Issue, Receive, Save},
    id::{DeviceId, ItemId, LocationId},
    quantity::Quantity,
    record::{Ref, merge::FieldChange},
    seed,
    stock::{Remarks, StockStatus},
    wire::{Ack, PullAnswer, PullInput, PushInput},
};
use tempfile::TempDir;

pub const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

pub struct Desk {
    pub dir: TempDir,
    pub store: Store,
    pub mint: Mint,
}

pub struct Bin {
    pub item: ItemId,
    pub location: LocationId,
}

impl Desk {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mint = Mint::new();
        Store::create(dir.path(), KEY, &mint, "Desk").unwrap();
        let store = Store::open(dir.path(), KEY).unwrap();
        Self { dir, store, mint }
    }

    pub fn reopened(self) -> Self {
        let Self { dir, store, mint } = self;
        drop(store);
        let store = Store::open(dir.path(), KEY).unwrap();
        Self { dir, store, mint }
    }

    pub fn act(&self, actions: Vec<Action>) -> Result<Vec<Acted>, Failure> {
        store::record::act(&self.store, &self.mint, actions)
    }

    /// An item and a place for it.
    pub fn furnish(&self) -> Bin {
        let bin = Bin { item: ItemId(self.mint.id()), location: LocationId(self.mint.id()) };
        self.act(vec![
            create(bin.item, &[("sku", json!("BOLT-8")), ("name", json!("Bolt"))]),
            create(bin.location, &[("code", json!("MAIN")), ("role", json!("site"))]),
        ])
        .unwrap();
        bin
    }

    pub fn on_hand(&self, bin: &Bin) -> Quantity {
        let sql = "SELECT coalesce(sum(on_hand), 0) FROM balance_now WHERE item = ?1 AND location = ?2";
        let key = (bin.item.0, bin.location.0);
        self.store.read(|conn| Ok(Quantity(conn.query_row(sql, key, |row| row.get(0))?))).unwrap()
    }

    pub fn name(&self, bin: &Bin) -> String {
        self.store.read(|conn| Ok(queries::record(conn, bin.item)?.unwrap().name().to_owned())).unwrap()
    }

    pub fn count(&self, sql: &str) -> u64 {
        self.store.read(|conn| Ok(conn.query_row(sql, [], |row| row.get(0))?)).unwrap()
    }

    pub fn waiting(&self) -> u64 {
        self.store.read(outbox::waiting).unwrap()
    }

    pub fn seal(&self) -> Option<PushInput> {
        self.store
            .write(Durability::Full, |tx| {
                let device = settings::device(tx)?;
                let Some(outbox::Batch { first_seq, prev_chain, changes }) = outbox::seal(tx)? else {
                    return Ok(None);
                };
                let orders = outbox::orders(tx, &changes)?;
                Ok(Some(PushInput { device, epoch: None, first_seq, prev_chain, changes, orders }))
            })
            .unwrap()
    }

    pub fn pushed(&self, ack: Ack) {
        let seq = ack.seq.to_string();
        self.store.write(Durability::Normal, |tx| settings::set(tx, settings::PUSHED_SEQ, &seq)).unwrap();
    }

    pub fn push(&self, ledger: &mut Ledger) {
        while let Some(input) = self.seal() {
            let answer = ledger.push(input);
            assert_eq!(answer.refusal, None);
            self.pushed(answer.ack);
        }
    }

    pub fn pull(&self, ledger: &Ledger) -> Result<(), Discard> {
        self.apply(&self.asked(ledger))
    }

    pub fn apply(&self, answer: &PullAnswer) -> Result<(), Discard> {
        store::absorb::apply(&self.store, answer).unwrap().map(|_| ())
    }

    /// How many pending changes an answer made this desk decide again.
    pub fn decided_again(&self, answer: &PullAnswer) -> usize {
        store::absorb::apply(&self.store, answer).unwrap().unwrap().decided_again
    }

    /// What the other side answers to this desk's pull.
    pub fn asked(&self, ledger: &Ledger) -> PullAnswer {
        let input = self.store.read(|conn| {
            let device: DeviceId = settings::device(conn)?;
            let cursors = store::sums::cursors(conn)?;
            let settled_seq = outbox::settled_seq(conn, device)?;
            Ok((device, cursors, settled_seq))
        });
        let (device, cursors, settled_seq) = input.unwrap();
        let cursors = cursors.into_iter().map(|(scope, seq)| stillage_core::wire::Cursor { scope, seq }).collect();
        ledger.pull(&PullInput {
            device,
            epoch: None,
            cursors,
            settled_seq,
            max_rows: 1000,
            mismatches: Vec::new(),
            chunks: None,
        })
    }

    pub fn sync(&self, ledger: &mut Ledger) {
        self.push(ledger);
        self.pull(ledger).unwrap();
    }

    pub fn dump(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let dumped = self.store.read(|conn| {
            store::dump::dump(conn, |line| {
                lines.push(line.to_owned());
                Ok(())
            })
        });
        dumped.unwrap();
        lines
    }
}

pub fn patch(field: &str, base: Value, value: Value) -> FieldChange {
    FieldChange { field: field.into(), base, value }
}

pub fn create(record: impl Into<Ref>, fields: &[(&str, Value)]) -> Action {
    let patch = fields.iter().map(|(name, value)| patch(name, Value::Null, value.clone())).collect();
    Save { record: record.into(), create: true, base_version: 0, expected_version: None, patch }.into()
}

pub fn edit(record: impl Into<Ref>, field: &str, base: &str, value: &str) -> Action {
    let patch = vec![patch(field, json!(base), json!(value))];
    Save { record: record.into(), create: false, base_version: 1, expected_version: None, patch }.into()
}

pub fn receive(bin: &Bin, units: i64) -> Action {
    Receive {
        item: bin.item,
        location: bin.location,
        lot: None,
        status: StockStatus::Available,
        qty: Quantity::whole(units),
        unit_cost: None,
        supplier: None,
        remarks: Remarks::default(),
    }
    .into()
}

pub fn issue(bin: &Bin, units: i64) -> Action {
    Issue {
        item: bin.item,
        location: bin.location,
        lot: None,
        status: StockStatus::Available,
        qty: Quantity::whole(units),
        remarks: Remarks::default(),
    }
    .into()
}

pub fn count(bin: &Bin, units: i64) -> Action {
    Count {
        item: bin.item,
        location: bin.location,
        lot: None,
        status: StockStatus::Available,
        counted: Quantity::whole(units),
        remarks: Remarks::default(),
    }
    .into()
}

pub fn adjust(bin: &Bin, units: i64) -> Action {
    Adjust {
        item: bin.item,
        location: bin.location,
        lot: None,
        status: StockStatus::Available,
        delta: Quantity::whole(units),
        expected_on_hand: None,
        remarks: Remarks { reason: Some(seed::reason("FOUND")), ..Remarks::default() },
    }
    .into()
}
