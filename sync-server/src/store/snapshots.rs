//! Snapshots of scopes: made from one view of the database and kept as rows, so that every server process on it hands out
//! the same bytes.
//!
//! The surprise: what is made is written through another connection, chunk by chunk, while the view is held. A site is
//! never in memory as a whole.

use super::{
    Store, Tx,
    cells::KeyRow,
    facts::digest,
    log::{self, EntryRow},
    records::corrupt,
    writes::signed,
};
use futures_util::TryStreamExt;
use sqlx::{Error, FromRow, PgPool};
use stillage_core::{
    change::Digest,
    facts::LastCount,
    id::{ChangeId, DeviceId, EpochId, OrganisationId},
    order::OrderKey,
    quantity::Quantity,
    scope::Scope,
    snapshot::{Balance, Chunk, ChunkFault, ChunkName, FORMAT, Part, Row, What},
    sum::Sum,
    wire::Cursor,
};
use uuid::Uuid;

/// A chunk ends with this many rows, or this many bytes of bodies. Of history that is some 4 MiB once it is packed: what
/// comes again in a chunk is in it once. What people wait for comes in small ones, for a desktop fetches and reads one
/// while it writes the one before it.
const HISTORY_ROWS: usize = 180_000;
const ROWS: usize = 20_000;
const BYTES: usize = 48 * 1024 * 1024;
/// Packing harder takes longer than sending.
const LEVEL: i32 = 9;
/// What nobody has asked for so long is deleted, in microseconds.
const KEPT: i64 = 24 * 3600 * 1_000_000;
/// How often it is noted that somebody asks.
const NOTED: i64 = 3600 * 1_000_000;

/// What a snapshot is made of, and when.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub org: OrganisationId,
    pub epoch: EpochId,
    pub scope: Scope,
    pub id: Uuid,
    pub now: i64,
}

/// A snapshot of a scope at a number, with the sum that was kept there.
#[derive(Debug, Clone, Copy)]
pub struct Newest {
    pub id: Uuid,
    pub seq: u64,
    pub sum: Option<Sum>,
}

/// The newest snapshot of a scope that is ready.
pub async fn newest(tx: &mut Tx, epoch: EpochId, scope: Scope) -> Result<Option<Newest>, Error> {
    let row: Option<(Uuid, i64, Option<String>)> = sqlx::query_as(
        "SELECT id, seq, sum::text FROM snapshot WHERE org = $1 AND scope = $2 AND epoch = $3 AND format = $4
           AND ready_at IS NOT NULL ORDER BY seq DESC LIMIT 1",
    )
    .bind(tx.org.0)
    .bind(scope.to_string())
    .bind(epoch.0)
    .bind(i64::from(FORMAT))
    .fetch_optional(tx.conn())
    .await?;
    let Some((id, seq, sum)) = row else { return Ok(None) };
    Ok(Some(Newest { id, seq: seq.unsigned_abs(), sum: sum.as_deref().map(log::read_sum).transpose()? }))
}

#[derive(Debug, FromRow)]
struct NameRow {
    n: i32,
    part: String,
    rows: i64,
    bytes: i64,
    digest: Vec<u8>,
}

/// Its chunks, in the order of their numbers.
pub async fn names(tx: &mut Tx, snapshot: Uuid, scope: Scope) -> Result<Vec<ChunkName>, Error> {
    let rows: Vec<NameRow> = sqlx::query_as(
        "SELECT n, part, rows, octet_length(body)::bigint AS bytes, digest FROM snapshot_chunk
         WHERE org = $1 AND snapshot = $2 ORDER BY n",
    )
    .bind(tx.org.0)
    .bind(snapshot)
    .fetch_all(tx.conn())
    .await?;
    let name = |row: NameRow| {
        Ok(ChunkName {
            snapshot,
            n: row.n.unsigned_abs(),
            scope,
            part: row.part.parse().map_err(|()| corrupt(format!("part {}", row.part)))?,
            rows: row.rows.unsigned_abs(),
            bytes: row.bytes.unsigned_abs(),
            digest: digest(&row.digest)?,
        })
    };
    rows.into_iter().map(name).collect()
}

/// Notes that somebody wants these.
pub async fn used(pool: &PgPool, org: OrganisationId, ids: &[Uuid], now: i64) -> Result<(), Error> {
    sqlx::query("UPDATE snapshot SET used_at = $3 WHERE org = $1 AND id = ANY($2) AND used_at < $4")
        .bind(org.0)
        .bind(ids)
        .bind(now)
        .bind(now - NOTED)
        .execute(pool)
        .await
        .map(drop)
}

/// A chunk as it travels.
#[derive(Debug)]
pub struct Body {
    pub scope: Scope,
    pub digest: Digest,
    pub bytes: Vec<u8>,
}

pub async fn body(pool: &PgPool, org: OrganisationId, (id, n): (Uuid, u32)) -> Result<Option<Body>, Error> {
    let row: Option<(String, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT s.scope, c.digest, c.body FROM snapshot s JOIN snapshot_chunk c ON c.org = s.org AND c.snapshot = s.id
         WHERE s.org = $1 AND s.id = $2 AND c.n = $3 AND s.ready_at IS NOT NULL",
    )
    .bind(org.0)
    .bind(id)
    .bind(i32::try_from(n).unwrap_or(i32::MAX))
    .fetch_optional(pool)
    .await?;
    row.map(|(scope, hash, bytes)| Ok(Body { scope: scope.parse().map_err(corrupt)?, digest: digest(&hash)?, bytes }))
        .transpose()
}

/// Deletes what nobody asks for any more, and what was never finished.
pub async fn sweep(store: &Store, org: OrganisationId, now: i64) -> Result<(), Error> {
    let mut tx = store.write(org).await?;
    sqlx::query("DELETE FROM snapshot WHERE org = $1 AND used_at < $2")
        .bind(org.0)
        .bind(now - KEPT)
        .execute(tx.conn())
        .await?;
    sqlx::query(
        "DELETE FROM snapshot_chunk c WHERE c.org = $1
           AND NOT EXISTS (SELECT 1 FROM snapshot s WHERE s.org = c.org AND s.id = c.snapshot)",
    )
    .bind(org.0)
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// Makes a snapshot of one scope; says its number, or nothing when another process is at it. It can be asked for as soon
/// as this is done.
pub async fn make(store: &Store, order: Order) -> anyhow::Result<Option<u64>> {
    let mut view = store.snapshot(order.org).await?;
    let free: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtextextended($1 || $2, 0))")
        .bind(order.org.0.to_string())
        .bind(order.scope.to_string())
        .fetch_one(view.conn())
        .await?;
    if !free {
        return Ok(None);
    }
    let kept = log::sums(&mut view).await?.into_iter().find(|kept| kept.scope == order.scope);
    let (seq, sum) = kept.map_or((0, None), |kept| (kept.head, kept.sum));
    begin(store, order, (seq, sum)).await?;
    let mut making = Making { store, order, n: 0 };
    if let Scope::Site(site) = order.scope {
        balances(&mut view, &site.to_string(), &mut making).await?;
    }
    rows(&mut view, &mut making).await?;
    view.commit().await?;
    let mut tx = store.write(order.org).await?;
    sqlx::query("UPDATE snapshot SET ready_at = $3 WHERE org = $1 AND id = $2")
        .bind(order.org.0)
        .bind(order.id)
        .bind(order.now)
        .execute(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(Some(seq))
}

async fn begin(store: &Store, order: Order, (seq, sum): (u64, Option<Sum>)) -> Result<(), Error> {
    let mut tx = store.write(order.org).await?;
    sqlx::query(
        "INSERT INTO snapshot (org, id, scope, epoch, seq, format, used_at, sum)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8::numeric)",
    )
    .bind(order.org.0)
    .bind(order.id)
    .bind(order.scope.to_string())
    .bind(order.epoch.0)
    .bind(signed(seq))
    .bind(i64::from(FORMAT))
    .bind(order.now)
    .bind(sum.map(|sum| sum.0.to_string()))
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// Where the chunks go.
struct Making<'a> {
    store: &'a Store,
    order: Order,
    n: i32,
}

impl Making<'_> {
    async fn chunk(&mut self, part: Part, chunk: Chunk) -> anyhow::Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        let rows = signed(chunk.len() as u64);
        let packed = tokio::task::spawn_blocking(move || pack(&chunk)).await??;
        let mut tx = self.store.write(self.order.org).await?;
        sqlx::query(
            "INSERT INTO snapshot_chunk (org, snapshot, n, part, rows, digest, body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(self.order.org.0)
        .bind(self.order.id)
        .bind(self.n)
        .bind(part.name())
        .bind(rows)
        .bind(Digest::of(&[&packed]).0.to_vec())
        .bind(packed)
        .execute(tx.conn())
        .await?;
        tx.commit().await?;
        self.n += 1;
        Ok(())
    }
}

fn pack(chunk: &Chunk) -> anyhow::Result<Vec<u8>> {
    let bytes = chunk.encode().map_err(|fault: ChunkFault| anyhow::anyhow!(fault))?;
    Ok(zstd::bulk::compress(&bytes, LEVEL)?)
}

#[derive(Debug, FromRow)]
struct BalanceRow {
    #[sqlx(flatten)]
    key: KeyRow,
    on_hand: i64,
    last_order: i64,
    count_change: Option<Uuid>,
    count_ts: Option<i64>,
    count_device: Option<Uuid>,
    count_seq: Option<i64>,
    counted: Option<i64>,
    count_log_seq: Option<i64>,
}

impl BalanceRow {
    fn balance(self) -> Result<Balance, Error> {
        let count = match (self.count_change, self.count_ts, self.count_device, self.count_seq, self.counted) {
            (Some(change), Some(ts), Some(device), Some(seq), Some(counted)) => Some(LastCount {
                change: ChangeId(change),
                order: OrderKey { ts, device: DeviceId(device), seq: seq.unsigned_abs() },
                counted: Quantity(counted),
                log_seq: self.count_log_seq.map(i64::unsigned_abs),
                clock_error: 0,
                person: None,
            }),
            _ => None,
        };
        Ok(Balance { cell: self.key.cell()?, on_hand: Quantity(self.on_hand), last_order: self.last_order, count })
    }
}

/// The cells of a site. Sorted, so that an item's cells lie together.
async fn balances(view: &mut Tx, site: &str, making: &mut Making<'_>) -> anyhow::Result<()> {
    let org = view.org.0;
    let mut found = sqlx::query_as::<_, BalanceRow>(
        "SELECT b.item, b.location, b.lot, b.status, b.on_hand, b.last_order, b.count_change, b.count_ts, b.count_device,
                b.count_seq, b.counted, b.count_log_seq
         FROM balance b JOIN record r ON r.org = b.org AND r.kind = 'location' AND r.id = b.location
         WHERE b.org = $1 AND r.body::jsonb ->> 'site' = $2 ORDER BY b.item, b.location, b.lot, b.status",
    )
    .bind(org)
    .bind(site)
    .fetch(view.conn());
    let mut held = Vec::new();
    while let Some(row) = found.try_next().await? {
        held.push(row.balance()?);
        if held.len() == ROWS {
            making.chunk(Part::Balances, Chunk::Balances(std::mem::take(&mut held))).await?;
        }
    }
    making.chunk(Part::Balances, Chunk::Balances(held)).await
}

#[derive(Debug, FromRow)]
struct LoggedRow {
    #[sqlx(flatten)]
    entry: EntryRow,
    gone: bool,
}

/// Rows of one part that are not in a chunk yet.
#[derive(Default)]
struct Held {
    rows: Vec<Row>,
    bytes: usize,
}

impl Held {
    fn is_full(&self, part: Part) -> bool {
        let most = if part == Part::History { HISTORY_ROWS } else { ROWS };
        self.rows.len() >= most || self.bytes >= BYTES
    }

    fn take(&mut self) -> Chunk {
        self.bytes = 0;
        Chunk::Rows(std::mem::take(&mut self.rows))
    }
}

/// What the log says, without what it wrote over.
async fn rows(view: &mut Tx, making: &mut Making<'_>) -> anyhow::Result<()> {
    let org = view.org.0;
    let mut found = sqlx::query_as::<_, LoggedRow>(
        "SELECT l.seq, l.kind, l.id, l.version, l.change, l.outcome, l.body, l.kind = 'record' AND r.id IS NULL AS gone
         FROM log l LEFT JOIN record r ON r.org = l.org AND r.scope = l.scope AND r.version = l.seq
         WHERE l.org = $1 AND l.scope = $2 ORDER BY l.seq",
    )
    .bind(org)
    .bind(making.order.scope.to_string())
    .fetch(view.conn());
    let (mut records, mut history) = (Held::default(), Held::default());
    while let Some(LoggedRow { entry, gone }) = found.try_next().await? {
        let entry = entry.entry()?;
        let bytes = entry.body.len();
        let row = Row::of(entry, gone);
        let (part, held) = match row.what {
            What::Record { .. } | What::Unknown(_) => (Part::Records, &mut records),
            _ => (Part::History, &mut history),
        };
        held.rows.push(row);
        held.bytes += bytes;
        if held.is_full(part) {
            making.chunk(part, held.take()).await?;
        }
    }
    making.chunk(Part::Records, records.take()).await?;
    making.chunk(Part::History, history.take()).await
}

/// Every scope that somebody has written to, but nobody's inbox.
pub async fn scopes(tx: &mut Tx) -> Result<Vec<Cursor>, Error> {
    let heads = log::heads(tx).await?;
    let whole = heads.into_iter().filter(|(scope, seq)| *seq > 0 && !matches!(scope, Scope::Inbox(_)));
    Ok(whole.map(|(scope, seq)| Cursor { scope, seq }).collect())
}
