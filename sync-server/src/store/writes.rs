//! Writes what a batch came to, set-based. Heads are bumped after everything that needs no
//! number, in the order of their scopes, and the numbered rows follow as head + offset.

use super::{
    Tx,
    cells::CellColumns,
    fault::Fault,
    log::{self, Heads, Numbers},
    records,
};
use sqlx::{AssertSqlSafe, Error};
use std::collections::{BTreeSet, HashMap, HashSet};
use stillage_core::{
    facts::CellFacts,
    id::DeviceId,
    record::Ref,
    scope::Scope,
    settle::{self, ChangeRow, Writes},
    stock::Cell,
    sum::SumChanges,
    text,
};

/// What the writes themselves do not say.
#[derive(Debug)]
pub struct Writing<'a> {
    /// The version each existing record had when it was read.
    pub versions: &'a HashMap<Ref, u64>,
    /// The cells whose balance row is there, and locked.
    pub held: &'a HashSet<Cell>,
    /// The devices whose changes form a chain.
    pub chained: &'a BTreeSet<DeviceId>,
    pub recorded_at: i64,
}

/// Returns the new heads of the scopes that grew.
pub async fn write(tx: &mut Tx, writes: &Writes, writing: &Writing<'_>) -> Result<Heads, Fault> {
    changes(tx, writes, writing.chained).await?;
    counts(tx, writes).await?;
    balances(tx, writes, writing.held).await?;
    costs(tx, writes).await?;
    let numbers = log::number(tx, &writes.log).await?;
    let sums = SumChanges::of(writes, |of| numbers.of_record(of));
    log::append(tx, &writes.log, (&numbers, &sums)).await?;
    movements(tx, writes, &numbers, writing.recorded_at).await?;
    count_numbers(tx, writes, &numbers).await?;
    records::write(tx, writes, &numbers, writing.versions).await?;
    Ok(numbers.heads)
}

/// Postgres keeps no U+0000. No text of ours holds one; a stranger's is kept as near as can be,
/// and its hash is that of what came.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The changes with their ends, their links in the chains of their devices, and how far each device has come.
async fn changes(tx: &mut Tx, writes: &Writes, chained: &BTreeSet<DeviceId>) -> Result<(), Error> {
    if writes.changes.is_empty() && writes.devices.is_empty() {
        return Ok(());
    }
    let rows: Vec<&ChangeRow> = writes.changes.iter().filter(|row| !row.repeat).collect();
    let links: Vec<&ChangeRow> = writes.changes.iter().filter(|row| chained.contains(&row.device)).collect();
    sqlx::query(CHANGES)
        .bind(tx.org.0)
        .bind(rows.iter().map(|row| row.change.id.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.device.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| signed(row.change.seq)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| storable(&row.change.kind)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| i64::from(row.change.version)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.change.hash().0.to_vec()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| storable(&row.change.body)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.result.outcome.name()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.result.code.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| text::canonical(&row.result.details)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| refused_create(row)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.received_at).collect::<Vec<_>>())
        // What it waits for may have come meanwhile: it is looked at once more when nobody else writes.
        .bind(rows.iter().map(|row| settle::awaited(&row.result).map(|_| "")).collect::<Vec<_>>())
        .bind(links.iter().map(|row| row.device.0).collect::<Vec<_>>())
        .bind(links.iter().map(|row| signed(row.change.seq)).collect::<Vec<_>>())
        .bind(links.iter().map(|row| row.change.id.0).collect::<Vec<_>>())
        .bind(links.iter().map(|row| row.chain.0.to_vec()).collect::<Vec<_>>())
        .bind(links.iter().map(|row| own_code(row)).collect::<Vec<_>>())
        .bind(writes.devices.keys().map(|id| id.0).collect::<Vec<_>>())
        .bind(writes.devices.values().map(|ack| signed(ack.seq)).collect::<Vec<_>>())
        .bind(writes.devices.values().map(|ack| ack.chain.0.to_vec()).collect::<Vec<_>>())
        .execute(tx.conn())
        .await
        .map(drop)
}

const CHANGES: &str = "
WITH kept AS (
  INSERT INTO change (org, id, device, seq, kind, version, hash, body, outcome, code, details, refused_create,
                      received_at, waits_for)
  SELECT $1, * FROM UNNEST($2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bigint[], $7::bytea[], $8::text[],
                           $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[])
), linked AS (
  INSERT INTO chain_link (org, device, seq, change, chain, code)
  SELECT $1, * FROM UNNEST($15::uuid[], $16::bigint[], $17::uuid[], $18::bytea[], $19::text[]))
UPDATE device d SET ack_seq = w.seq, ack_chain = w.chain
FROM UNNEST($20::uuid[], $21::bigint[], $22::bytea[]) AS w(device, seq, chain)
WHERE d.org = $1 AND d.device = w.device";

/// A repeat has the end of the change it repeats, unless its id was another change's.
fn own_code(row: &ChangeRow) -> Option<&str> {
    if row.repeat && !row.result.duplicate { row.result.code.as_deref() } else { None }
}

pub fn refused_create(row: &ChangeRow) -> Option<String> {
    use stillage_core::change::Outcome::{Parked, Rejected};
    row.creates.filter(|_| matches!(row.result.outcome, Rejected | Parked)).map(|of| of.to_string())
}

async fn counts(tx: &mut Tx, writes: &Writes) -> Result<(), Error> {
    let rows = &writes.counts;
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO posted_count (org, change, item, location, site, lot, status, counted, order_ts, order_device,
                                   order_seq, at, person, clock_error)
         SELECT $1, * FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::bigint[],
                                  $9::bigint[], $10::uuid[], $11::bigint[], $12::bigint[], $13::uuid[], $14::bigint[])",
    )
    .bind(tx.org.0)
    .bind(rows.iter().map(|count| count.change.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| count.item.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| count.place.location.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| count.place.site.map(|site| site.0)).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| count.lot.map(|lot| lot.0)).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| count.place.status.name()).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| count.counted.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| count.order.ts).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| count.order.device.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| signed(count.order.seq)).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| count.at).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| count.person.map(|person| person.0)).collect::<Vec<_>>())
    .bind(rows.iter().map(|count| count.clock_error).collect::<Vec<_>>())
    .execute(tx.conn())
    .await
    .map(drop)
}

/// Rows that are there are locked: for them the conflict is the look-up by key, which no plan can get wrong. A row that
/// somebody else made since the look is a conflict that fails.
async fn balances(tx: &mut Tx, writes: &Writes, held: &HashSet<Cell>) -> Result<(), Error> {
    let (held, new): (Vec<_>, Vec<_>) = writes.cells.iter().partition(|(cell, _)| held.contains(cell));
    insert_balances(tx, &new, "").await?;
    let replace = "ON CONFLICT (org, item, location, lot, status) DO UPDATE SET
           on_hand = EXCLUDED.on_hand, last_order = EXCLUDED.last_order, count_change = EXCLUDED.count_change,
           count_ts = EXCLUDED.count_ts, count_device = EXCLUDED.count_device, count_seq = EXCLUDED.count_seq,
           counted = EXCLUDED.counted, count_error = EXCLUDED.count_error, count_person = EXCLUDED.count_person,
           count_log_seq = EXCLUDED.count_log_seq";
    insert_balances(tx, &held, replace).await
}

async fn insert_balances(tx: &mut Tx, rows: &[(&Cell, &CellFacts)], on_conflict: &str) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let keys: CellColumns = rows.iter().map(|(cell, _)| *cell).collect();
    let counts: Vec<_> = rows.iter().map(|(_, cell)| cell.count).collect();
    let sql = format!(
        "INSERT INTO balance (org, item, location, lot, status, on_hand, last_order, count_change, count_ts,
                              count_device, count_seq, counted, count_error, count_person, count_log_seq)
         SELECT $1, * FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::uuid[],
                                  $9::bigint[], $10::uuid[], $11::bigint[], $12::bigint[], $13::bigint[], $14::uuid[],
                                  $15::bigint[]) {on_conflict}"
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(tx.org.0)
        .bind(keys.items)
        .bind(keys.locations)
        .bind(keys.lots)
        .bind(keys.statuses)
        .bind(rows.iter().map(|(_, cell)| cell.on_hand.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, cell)| cell.last_order).collect::<Vec<_>>())
        .bind(counts.iter().map(|count| count.map(|count| count.change.0)).collect::<Vec<_>>())
        .bind(counts.iter().map(|count| count.map(|count| count.order.ts)).collect::<Vec<_>>())
        .bind(counts.iter().map(|count| count.map(|count| count.order.device.0)).collect::<Vec<_>>())
        .bind(counts.iter().map(|count| count.map(|count| signed(count.order.seq))).collect::<Vec<_>>())
        .bind(counts.iter().map(|count| count.map(|count| count.counted.0)).collect::<Vec<_>>())
        .bind(counts.iter().map(|count| count.map(|count| count.clock_error)).collect::<Vec<_>>())
        .bind(
            counts.iter().map(|count| count.and_then(|count| count.person).map(|person| person.0)).collect::<Vec<_>>(),
        )
        .bind(counts.iter().map(|count| count.and_then(|count| count.log_seq).map(signed)).collect::<Vec<_>>())
        .execute(tx.conn())
        .await
        .map(drop)
}

/// The numbers of this batch's counts, in the cells whose latest they are. A write of its own:
/// balances are written before the heads are bumped, and only counts pay for it.
async fn count_numbers(tx: &mut Tx, writes: &Writes, numbers: &Numbers) -> Result<(), Error> {
    let number = |(cell, state): (&Cell, &CellFacts)| Some((*cell, numbers.of_count(state.count?.change)?));
    let counted: Vec<(Cell, u64)> = writes.cells.iter().filter_map(number).collect();
    if counted.is_empty() {
        return Ok(());
    }
    let keys: CellColumns = counted.iter().map(|(cell, _)| cell).collect();
    sqlx::query(
        "UPDATE balance b SET count_log_seq = w.number
         FROM (SELECT t.ctid AS at, w.number
               FROM UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[])
                    AS w(item, location, lot, status, number)
               CROSS JOIN LATERAL (SELECT t.ctid FROM balance t WHERE t.org = $1 AND t.item = w.item
                                     AND t.location = w.location AND t.lot = w.lot AND t.status = w.status OFFSET 0) t) w
         WHERE b.ctid = w.at",
    )
    .bind(tx.org.0)
    .bind(keys.items)
    .bind(keys.locations)
    .bind(keys.lots)
    .bind(keys.statuses)
    .bind(counted.iter().map(|(_, number)| signed(*number)).collect::<Vec<_>>())
    .execute(tx.conn())
    .await
    .map(drop)
}

async fn costs(tx: &mut Tx, writes: &Writes) -> Result<(), Error> {
    if writes.costs.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE item_cost c SET average = w.average, currency = w.currency
         FROM UNNEST($2::uuid[], $3::bigint[], $4::text[]) AS w(item, average, currency)
         WHERE c.org = $1 AND c.item = w.item",
    )
    .bind(tx.org.0)
    .bind(writes.costs.keys().map(|item| item.0).collect::<Vec<_>>())
    .bind(writes.costs.values().map(|cost| cost.average).collect::<Vec<_>>())
    .bind(writes.costs.values().map(|cost| cost.currency.clone()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await
    .map(drop)
}

async fn movements(tx: &mut Tx, writes: &Writes, numbers: &Numbers, recorded_at: i64) -> Result<(), Error> {
    let rows = &writes.movements;
    if rows.is_empty() {
        return Ok(());
    }
    let number = |site: Option<_>, id| site.and_then(|site| numbers.of_movement(id, Scope::Site(site))).map(signed);
    sqlx::query(
        "INSERT INTO movement (org, recorded_at, id, change, kind, item, lot, from_location, from_site, from_status,
           from_seq, to_location, to_site, to_status, to_seq, qty, order_ts, order_device, order_seq, at, person, reason,
           note, reference, entered, cost_minor, cost_currency, supplier, reverses, count, clock_error)
         SELECT $1, $2, * FROM UNNEST($3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[],
           $9::uuid[], $10::text[], $11::bigint[], $12::uuid[], $13::uuid[], $14::text[], $15::bigint[], $16::bigint[],
           $17::bigint[], $18::uuid[], $19::bigint[], $20::bigint[], $21::uuid[], $22::uuid[], $23::text[],
           $24::text[], $25::text[], $26::bigint[], $27::text[], $28::uuid[], $29::uuid[], $30::uuid[],
           $31::bigint[])",
    )
    .bind(tx.org.0)
    .bind(recorded_at)
    .bind(rows.iter().map(|m| m.id.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.change.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.kind.name()).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.item.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.lot.map(|lot| lot.0)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.from.location.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.from.site.map(|site| site.0)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.from.status.name()).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| number(m.from.site, m.id)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.to.location.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.to.site.map(|site| site.0)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.to.status.name()).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| number(m.to.site, m.id)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.qty.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.order.ts).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.order.device.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| signed(m.order.seq)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.at).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.person.map(|person| person.0)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.remarks.reason.map(|reason| reason.0)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.remarks.note.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.remarks.reference.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.remarks.entered.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.unit_cost.as_ref().map(|cost| cost.minor)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.unit_cost.as_ref().map(|cost| cost.currency.as_str())).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.supplier.map(|supplier| supplier.0)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.reverses.map(|id| id.0)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.count.map(|change| change.0)).collect::<Vec<_>>())
    .bind(rows.iter().map(|m| m.clock_error).collect::<Vec<_>>())
    .execute(tx.conn())
    .await
    .map(drop)
}
