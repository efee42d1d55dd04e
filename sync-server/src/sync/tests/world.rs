//! One server on a database of its own, and devices that speak its protocol.

use crate::{
    app::{App, Principal, PrincipalKind},
    config::open_url,
    postgres::TrialDatabase,
    store::verify,
    sync::{self, enrol},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stillage_core::{
    action::{Action, Count, Issue, Receive, Save},
    change::{Act, Change, Cut, Digest, Outcome},
    id::{ChangeId, DeviceId, InboxId, ItemId, LocationId},
    quantity::Quantity,
    record::{Ref, merge::FieldChange},
    scope::Scope,
    stock::{Remarks, StockStatus},
    wire::{Ack, Cursor, EnrolInput, PullAnswer, PullInput, PushAnswer, PushInput},
};

/// Noon of a day in 2026, in microseconds.
pub const NOON: i64 = 1_780_000_000_000_000;
pub const MINUTE: i64 = 60_000_000;

pub struct World {
    pub app: App,
    pub database: TrialDatabase,
}

impl World {
    pub async fn start() -> Self {
        let database = tokio::task::spawn_blocking(TrialDatabase::create).await.unwrap().unwrap();
        let app = open_url(database.url()).await.unwrap();
        Self { app, database }
    }

    /// A desktop of every site.
    pub async fn desk(&self, name: &str) -> Desk {
        self.desk_of(name, &[]).await
    }

    pub async fn desk_of(&self, name: &str, sites: &[String]) -> Desk {
        let code = enrol::device_code(&self.app, name, name, sites).await.unwrap().code;
        let device = DeviceId(self.app.mint.uuid());
        let enrolled = enrol::enrol(&self.app, None, enrolment(Some(code), device)).await.unwrap();
        let sites = self.principal(&enrolled.token).await.unwrap().sites;
        let principal =
            Principal { device, person: enrolled.person, kind: PrincipalKind::Desktop, may_write: true, sites };
        Desk::new(self.app.clone(), principal)
    }

    /// A desktop with a site, a bin and an item that everybody has.
    pub async fn furnished(&self) -> (Desk, Shelf) {
        let mut desk = self.desk("Anna").await;
        let shelf = Shelf::new(&self.app);
        for action in shelf.creates() {
            assert_eq!(desk.act(action, NOON).await, Outcome::Applied);
        }
        (desk, shelf)
    }

    pub async fn principal(&self, token: &str) -> Option<Principal> {
        let hash = enrol::secret_hash(token);
        crate::store::devices::by_token(&self.app.pool, self.app.org, &hash).await.unwrap()
    }

    /// Every rule of the audit holds.
    pub async fn check(&self) {
        let mut tx = self.app.store.snapshot(self.app.org).await.unwrap();
        let violations = verify::verify_deep(&mut tx).await.unwrap();
        assert!(violations.is_empty(), "{violations:#?}");
    }

    /// The first inbox row that a change led to.
    pub async fn inbox_row(&self, change: ChangeId) -> Value {
        let body: String = sqlx::query_scalar("SELECT body::text FROM record WHERE kind = 'inbox' AND id = $1")
            .bind(InboxId::derived(change.0, "inbox/0").0)
            .fetch_one(&self.app.pool)
            .await
            .unwrap();
        serde_json::from_str(&body).unwrap()
    }

    pub async fn on_hand(&self, shelf: &Shelf) -> Quantity {
        let sum: Option<i64> =
            sqlx::query_scalar("SELECT sum(on_hand)::bigint FROM balance WHERE item = $1 AND location = $2")
                .bind(shelf.item.0)
                .bind(shelf.bin.0)
                .fetch_one(&self.app.pool)
                .await
                .unwrap();
        Quantity(sum.unwrap_or(0))
    }
}

pub fn enrolment(code: Option<String>, device: DeviceId) -> EnrolInput {
    EnrolInput { code, device, name: "Desk".into(), public_key: "key".into(), forked_from: None, certificate: None }
}

/// A site with one bin, and one item.
#[derive(Debug, Clone, Copy)]
pub struct Shelf {
    pub site: LocationId,
    pub bin: LocationId,
    pub item: ItemId,
}

impl Shelf {
    pub fn new(app: &App) -> Self {
        let mint = app.mint;
        Self { site: LocationId(mint.uuid()), bin: LocationId(mint.uuid()), item: ItemId(mint.uuid()) }
    }

    pub fn creates(&self) -> [Action; 3] {
        let code = |id: LocationId| id.to_string().chars().rev().take(8).collect::<String>();
        [
            create(self.site, &[("code", json!(code(self.site))), ("role", json!("site"))]),
            create(self.bin, &[("code", json!(code(self.bin))), ("parent", json!(self.site))]),
            create(self.item, &[("sku", json!(self.item.to_string())), ("name", json!("Bolt"))]),
        ]
    }

    pub fn receive(&self, units: i64) -> Action {
        Receive {
            item: self.item,
            location: self.bin,
            lot: None,
            status: StockStatus::Available,
            qty: Quantity::whole(units),
            unit_cost: None,
            supplier: None,
            remarks: Remarks::default(),
        }
        .into()
    }

    pub fn issue(&self, units: i64) -> Action {
        Issue {
            item: self.item,
            location: self.bin,
            lot: None,
            status: StockStatus::Available,
            qty: Quantity::whole(units),
            remarks: Remarks::default(),
        }
        .into()
    }

    pub fn count(&self, units: i64) -> Action {
        Count {
            item: self.item,
            location: self.bin,
            lot: None,
            status: StockStatus::Available,
            counted: Quantity::whole(units),
            remarks: Remarks::default(),
        }
        .into()
    }
}

pub fn create(of: impl Into<Ref>, fields: &[(&str, Value)]) -> Action {
    let change = |(field, value): &(&str, Value)| FieldChange {
        field: (*field).to_owned(),
        base: Value::Null,
        value: value.clone(),
    };
    let patch = fields.iter().map(change).collect();
    Save { record: of.into(), create: true, base_version: 0, expected_version: None, patch }.into()
}

pub fn edit(of: impl Into<Ref>, field: &str, (base, value): (&str, &str)) -> Action {
    let patch = vec![FieldChange { field: field.to_owned(), base: base.into(), value: value.into() }];
    Save { record: of.into(), create: false, base_version: 0, expected_version: None, patch }.into()
}

/// A device with its chain and cursors, and nothing else.
#[derive(Clone)]
pub struct Desk {
    pub app: App,
    pub principal: Principal,
    pub ack: Ack,
    pub cursors: BTreeMap<Scope, u64>,
    pub settled: u64,
}

impl Desk {
    pub fn new(app: App, principal: Principal) -> Self {
        let ack = Ack { seq: 0, chain: Digest::start(principal.device) };
        Self { app, principal, ack, cursors: BTreeMap::new(), settled: 0 }
    }

    /// An action sealed as this device's next change; `after` counts those sealed before it.
    pub fn seal(&self, action: Action, (at, after): (i64, u64)) -> Change {
        let act = Act { action, at, clock_error: 0, cut: Cut::default(), person: Some(self.principal.person) };
        let change = Change::write(ChangeId(self.app.mint.uuid()), &act);
        Change { seq: self.ack.seq + after + 1, ..change }
    }

    pub fn seal_all(&self, actions: impl IntoIterator<Item = Action>, at: i64) -> Vec<Change> {
        (0..).zip(actions).map(|(after, action)| self.seal(action, (at + after, after.unsigned_abs()))).collect()
    }

    pub fn input(&self, changes: Vec<Change>) -> PushInput {
        PushInput {
            device: self.principal.device,
            epoch: Some(self.app.epoch),
            first_seq: self.ack.seq + 1,
            prev_chain: self.ack.chain,
            changes,
            orders: Default::default(),
        }
    }

    /// Pushes and takes the answer's ack as its own.
    pub async fn push(&mut self, changes: Vec<Change>) -> PushAnswer {
        let answer = self.app.pusher.push(&self.principal, self.input(changes)).await.unwrap();
        if answer.refusal.is_none() {
            self.ack = answer.ack;
        }
        answer
    }

    pub async fn act(&mut self, action: Action, at: i64) -> Outcome {
        let change = self.seal(action, (at, 0));
        self.push(vec![change]).await.results[0].outcome
    }

    pub fn asks(&self, max_rows: u32) -> PullInput {
        PullInput {
            device: self.principal.device,
            epoch: Some(self.app.epoch),
            cursors: self.cursors.iter().map(|(scope, seq)| Cursor { scope: *scope, seq: *seq }).collect(),
            settled_seq: self.settled,
            max_rows,
            mismatches: Vec::new(),
            chunks: None,
        }
    }

    pub async fn pull(&mut self, max_rows: u32) -> PullAnswer {
        let input = self.asks(max_rows);
        let answer = sync::pull(&self.app, &self.principal, input).await.unwrap();
        for page in &answer.pages {
            assert_eq!(page.from, self.cursors.get(&page.scope).copied().unwrap_or(0));
            assert!(page.entries.iter().map(|entry| entry.seq).eq(page.from + 1..=page.to));
            self.cursors.insert(page.scope, page.to);
        }
        if let Some(ack) = &answer.ack {
            self.settled = ack.seq;
        }
        answer
    }
}
