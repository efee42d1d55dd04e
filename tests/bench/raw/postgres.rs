//! Postgres alone: set-based SQL in one connection, on the server's cluster, in tables of their own that have the
//! columns and indexes of the server's.

use anyhow::Result;
use sqlx::{Connection as _, PgConnection};
use stillage_core::{
    action::Action,
    change::Outcome,
    id::{ChangeId, MovementId},
    order::OrderKey,
    scope::Scope,
    seed::Virtual,
    stock::{Movement, MovementKind, Place, StockStatus},
    text,
    wire::entry,
};
use uuid::Uuid;

use crate::{goods::Catalogue, mint::Mint};

const TABLES: [&str; 4] = [
    "CREATE SCHEMA IF NOT EXISTS raw",
    "CREATE TABLE IF NOT EXISTS raw.log (LIKE public.log INCLUDING ALL)",
    "CREATE TABLE IF NOT EXISTS raw.movement (LIKE public.movement INCLUDING ALL)",
    "CREATE TABLE IF NOT EXISTS raw.balance (LIKE public.balance INCLUDING ALL) WITH (fillfactor = 80)",
];

pub async fn prepare(conn: &mut PgConnection) -> Result<()> {
    for sql in TABLES {
        sqlx::query(sql).execute(&mut *conn).await?;
    }
    Ok(())
}

/// The rows that a batch of receipts becomes, column by column. `first` is the number of the first log row.
#[derive(Debug, Default)]
pub struct Batch {
    seqs: Vec<i64>,
    ids: Vec<Uuid>,
    items: Vec<Uuid>,
    locations: Vec<Uuid>,
    qtys: Vec<i64>,
    ats: Vec<i64>,
    bodies: Vec<String>,
    org: Uuid,
    device: Uuid,
    site: Uuid,
}

/// Receipts in batches of `size`, numbered on from `first`.
pub fn batches(catalogue: &Catalogue, (first, count): (i64, usize), size: usize, mint: &mut Mint) -> Vec<Batch> {
    let (org, device) = (mint.id(), mint.id());
    let actions = catalogue.receipts(count, mint);
    let mut numbers = first..;
    let batch = |chunk: &[Action]| {
        let mut batch = Batch { org, device, site: catalogue.site.0, ..Batch::default() };
        for action in chunk {
            if let (Action::Receive(receive), Some(seq)) = (action, numbers.next()) {
                batch.add(&movement(receive, catalogue, seq, mint), seq);
            }
        }
        batch
    };
    actions.chunks(size).map(batch).collect()
}

fn movement(receive: &stillage_core::action::Receive, catalogue: &Catalogue, seq: i64, mint: &mut Mint) -> Movement {
    let (id, at) = (mint.id(), mint.at());
    Movement {
        id: MovementId(id),
        change: ChangeId(id),
        kind: MovementKind::Receive,
        item: receive.item,
        lot: None,
        from: Virtual::Supplier.place(),
        to: Place { location: receive.location, site: Some(catalogue.site), status: StockStatus::Available },
        qty: receive.qty,
        order: OrderKey { ts: at, device: id.into(), seq: seq.unsigned_abs() },
        at,
        clock_error: 0,
        person: None,
        remarks: receive.remarks.clone(),
        unit_cost: None,
        supplier: None,
        reverses: None,
        count: None,
    }
}

impl Batch {
    fn add(&mut self, movement: &Movement, seq: i64) {
        self.seqs.push(seq);
        self.ids.push(movement.id.0);
        self.items.push(movement.item.0);
        self.locations.push(movement.to.location.0);
        self.qtys.push(movement.qty.0);
        self.ats.push(movement.at);
        self.bodies.push(text::canonical(&serde_json::to_value(movement).unwrap_or_default()));
    }

    /// One transaction, three statements.
    pub async fn write(&self, conn: &mut PgConnection) -> Result<()> {
        let mut tx = conn.begin().await?;
        self.balances(&mut tx).await?;
        self.log(&mut tx).await?;
        self.movements(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// The same rows in one statement that commits by itself.
    pub async fn write_at_once(&self, conn: &mut PgConnection) -> Result<()> {
        let sql = "WITH w AS (
                     SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[],
                                          $7::text[]) AS w(id, item, location, seq, qty, at, body)
                   ), balances AS (
                     INSERT INTO raw.balance (org, item, location, lot, status, on_hand, last_order)
                     SELECT $8, item, location, $9, 'available', sum(qty), max(at) FROM w GROUP BY item, location
                     ON CONFLICT (org, item, location, lot, status) DO UPDATE
                     SET on_hand = balance.on_hand + excluded.on_hand, last_order = excluded.last_order
                   ), log AS (
                     INSERT INTO raw.log (org, scope, seq, kind, id, version, change, outcome, body)
                     SELECT $8, $10, seq, 'movement', id::text, 1, id, 'APPLIED', body FROM w
                   )
                   INSERT INTO raw.movement (org, id, change, kind, item, from_location, from_status, to_location,
                                             to_site, to_status, to_seq, qty, order_ts, order_device, order_seq, at,
                                             recorded_at)
                   SELECT $8, id, id, 'receive', item, $11, 'available', location, $12, 'available', seq, qty, at, $13,
                          seq, at, at FROM w";
        let query = sqlx::query(sql).bind(&self.ids).bind(&self.items).bind(&self.locations).bind(&self.seqs);
        let query = query.bind(&self.qtys).bind(&self.ats).bind(&self.bodies).bind(self.org).bind(Uuid::nil());
        let query = query.bind(Scope::Site(self.site.into()).to_string()).bind(Virtual::Supplier.id().0);
        query.bind(self.site).bind(self.device).execute(conn).await?;
        Ok(())
    }

    async fn balances(&self, conn: &mut PgConnection) -> Result<()> {
        let sql = "INSERT INTO raw.balance (org, item, location, lot, status, on_hand, last_order)
                   SELECT $1, item, location, $2, 'available', sum(qty), max(at)
                   FROM UNNEST($3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[]) AS w(item, location, qty, at)
                   GROUP BY item, location
                   ON CONFLICT (org, item, location, lot, status) DO UPDATE
                   SET on_hand = balance.on_hand + excluded.on_hand, last_order = excluded.last_order";
        let query = sqlx::query(sql).bind(self.org).bind(Uuid::nil());
        query.bind(&self.items).bind(&self.locations).bind(&self.qtys).bind(&self.ats).execute(conn).await?;
        Ok(())
    }

    async fn log(&self, conn: &mut PgConnection) -> Result<()> {
        let sql = "INSERT INTO raw.log (org, scope, seq, kind, id, version, change, outcome, body)
                   SELECT $1, $2, seq, $3, id::text, 1, id, $4, body
                   FROM UNNEST($5::bigint[], $6::uuid[], $7::text[]) AS w(seq, id, body)";
        let scope = Scope::Site(self.site.into()).to_string();
        let query = sqlx::query(sql).bind(self.org).bind(scope).bind(entry::MOVEMENT).bind(Outcome::Applied.name());
        query.bind(&self.seqs).bind(&self.ids).bind(&self.bodies).execute(conn).await?;
        Ok(())
    }

    async fn movements(&self, conn: &mut PgConnection) -> Result<()> {
        let sql = "INSERT INTO raw.movement (org, id, change, kind, item, from_location, from_status, to_location,
                                             to_site, to_status, to_seq, qty, order_ts, order_device, order_seq, at,
                                             recorded_at)
                   SELECT $1, id, id, 'receive', item, $2, 'available', location, $3, 'available', seq, qty, at, $4,
                          seq, at, at
                   FROM UNNEST($5::uuid[], $6::uuid[], $7::uuid[], $8::bigint[], $9::bigint[], $10::bigint[])
                        AS w(id, item, location, seq, qty, at)";
        let query = sqlx::query(sql).bind(self.org).bind(Virtual::Supplier.id().0).bind(self.site).bind(self.device);
        let query = query.bind(&self.ids).bind(&self.items).bind(&self.locations);
        query.bind(&self.seqs).bind(&self.qtys).bind(&self.ats).execute(conn).await?;
        Ok(())
    }
}
