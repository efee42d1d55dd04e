//! Writes what a batch came to, set-based. Heads are bumped after everything that needs no
//! number, in the order of their scopes, and the numbered rows follow as head + offset.

use super::{
    Tx,
    cells::CellColumns,
    fault::Fault,
    inserts::{Columns, Inserts},
    log::{self, Numbers},
    records,
};
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};
use stillage_core::{
    facts::CellFacts,
    id::{DeviceId, OrganisationId},
    record::Ref,
    scope::Scope,
    settle::{self, ChangeRow, Writes},
    stock::{Cell, Remarks},
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

/// Returns the numbers, with the new heads of the scopes that grew. What comes next is made ready while Postgres is
/// busy with what came before it.
pub async fn write(tx: &mut Tx, writes: &Writes, writing: &Writing<'_>) -> Result<Numbers, Fault> {
    let org = tx.org;
    let first = unnumbered(org, writes, writing);
    let (done, ready) = tokio::join!(biased; first.run(tx), async { Numbered::of(org, writes, writing) });
    done?;
    let numbers = log::number(tx, &writes.log).await?;
    ready.with(writes, &numbers).run(tx).await?;
    records::write(tx, writes, &numbers, writing.versions).await?;
    Ok(numbers)
}

fn unnumbered(org: OrganisationId, writes: &Writes, writing: &Writing<'_>) -> Inserts {
    let mut to = Inserts::of(org);
    changes(&mut to, writes);
    links(&mut to, writes, writing.chained);
    counts(&mut to, writes);
    balances(&mut to, writes, writing.held);
    costs(&mut to, writes);
    acks(&mut to, writes);
    to
}

/// The rows that carry numbers, all but those.
struct Numbered {
    to: Inserts,
    movements: Columns,
    log: Columns,
}

impl Numbered {
    fn of(org: OrganisationId, writes: &Writes, writing: &Writing<'_>) -> Self {
        let mut to = Inserts::of(org);
        movements(&mut to, writes, writing.recorded_at);
        let movements = to.put_aside();
        log::rows(&mut to, &writes.log);
        let log = to.put_aside();
        Self { to, movements, log }
    }

    fn with(self, writes: &Writes, numbers: &Numbers) -> Inserts {
        let Self { mut to, movements, log } = self;
        if !writes.movements.is_empty() {
            to.take_up(movements);
            movement_numbers(&mut to, writes, numbers);
            to.end_table("movement", "");
        }
        if !writes.log.is_empty() {
            to.take_up(log);
            log::numbered(&mut to, numbers, &SumChanges::of(writes, |of| numbers.of_record(of)));
        }
        count_numbers(&mut to, writes, numbers);
        to
    }
}

/// Postgres keeps no U+0000. No text of ours holds one; a stranger's is kept as near as can be,
/// and its hash is that of what came.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The changes with their ends.
fn changes(to: &mut Inserts, writes: &Writes) {
    let rows = || writes.changes.iter().filter(|row| !row.repeat);
    if rows().next().is_none() {
        return;
    }
    to.column("id", rows().map(|row| row.change.id.0));
    to.column("device", rows().map(|row| row.device.0));
    to.column("seq", rows().map(|row| signed(row.change.seq)));
    to.column("kind", rows().map(|row| storable(&row.change.kind)));
    to.column("version", rows().map(|row| i64::from(row.change.version)));
    to.column("hash", rows().map(|row| row.hash.0.as_slice()));
    to.column("body", rows().map(|row| storable(&row.change.body)));
    to.column("outcome", rows().map(|row| row.result.outcome.name()));
    to.optional("code", rows().map(|row| row.result.code.as_deref()));
    to.column("details", rows().map(|row| text::canonical(&row.result.details)));
    to.optional("refused_create", rows().map(refused_create));
    to.column("received_at", rows().map(|row| row.received_at));
    // What it waits for may have come meanwhile: it is looked at once more when nobody else writes.
    to.optional("waits_for", rows().map(|row| settle::awaited(&row.result).map(|_| "")));
    to.end_table("change", "");
}

/// Their links in the chains of their devices.
fn links(to: &mut Inserts, writes: &Writes, chained: &BTreeSet<DeviceId>) {
    let rows = || writes.changes.iter().filter(move |row| chained.contains(&row.device));
    if rows().next().is_none() {
        return;
    }
    to.column("device", rows().map(|row| row.device.0));
    to.column("seq", rows().map(|row| signed(row.change.seq)));
    to.column("change", rows().map(|row| row.change.id.0));
    to.column("chain", rows().map(|row| row.chain.0.as_slice()));
    to.optional("code", rows().map(own_code));
    to.end_table("chain_link", "");
}

/// How far each device has come.
fn acks(to: &mut Inserts, writes: &Writes) {
    if writes.devices.is_empty() {
        return;
    }
    let devices = to.bind(writes.devices.keys().map(|id| id.0).collect::<Vec<_>>());
    let seqs = to.bind(writes.devices.values().map(|ack| signed(ack.seq)).collect::<Vec<_>>());
    let chains = to.bind(writes.devices.values().map(|ack| ack.chain.0.as_slice()).collect::<Vec<_>>());
    to.and(format!(
        "UPDATE device d SET ack_seq = w.seq, ack_chain = w.chain
         FROM UNNEST({devices}, {seqs}, {chains}) AS w(device, seq, chain) WHERE d.org = $1 AND d.device = w.device"
    ));
}

/// A repeat has the end of the change it repeats, unless its id was another change's.
fn own_code(row: &ChangeRow) -> Option<&str> {
    if row.repeat && !row.result.duplicate { row.result.code.as_deref() } else { None }
}

pub fn refused_create(row: &ChangeRow) -> Option<String> {
    use stillage_core::change::Outcome::{Parked, Rejected};
    row.creates.filter(|_| matches!(row.result.outcome, Rejected | Parked)).map(|of| of.to_string())
}

fn counts(to: &mut Inserts, writes: &Writes) {
    let rows = || writes.counts.iter();
    if writes.counts.is_empty() {
        return;
    }
    to.column("change", rows().map(|count| count.change.0));
    to.column("item", rows().map(|count| count.item.0));
    to.column("location", rows().map(|count| count.place.location.0));
    to.column("site", rows().map(|count| count.place.site.map(|site| site.0)));
    to.optional("lot", rows().map(|count| count.lot.map(|lot| lot.0)));
    to.column("status", rows().map(|count| count.place.status.name()));
    to.column("counted", rows().map(|count| count.counted.0));
    to.column("order_ts", rows().map(|count| count.order.ts));
    to.column("order_device", rows().map(|count| count.order.device.0));
    to.column("order_seq", rows().map(|count| signed(count.order.seq)));
    to.column("at", rows().map(|count| count.at));
    to.optional("person", rows().map(|count| count.person.map(|person| person.0)));
    to.column("clock_error", rows().map(|count| count.clock_error));
    to.end_table("posted_count", "");
}

/// Rows that are there are locked: for them the conflict is the look-up by key, which no plan can get wrong. A row that
/// somebody else made since the look is a conflict that fails.
fn balances(to: &mut Inserts, writes: &Writes, held: &HashSet<Cell>) {
    let (held, new): (Vec<_>, Vec<_>) = writes.cells.iter().partition(|(cell, _)| held.contains(cell));
    let counted = held.iter().any(|(_, cell)| cell.count.is_some());
    insert_balances(to, &new, "");
    insert_balances(to, &held, if counted { REPLACE_COUNTED } else { REPLACE });
}

fn insert_balances(to: &mut Inserts, rows: &[(&Cell, &CellFacts)], on_conflict: &str) {
    if rows.is_empty() {
        return;
    }
    let keys: CellColumns = rows.iter().map(|(cell, _)| *cell).collect();
    let counts = || rows.iter().map(|(_, cell)| cell.count);
    to.column("item", keys.items.into_iter());
    to.column("location", keys.locations.into_iter());
    to.column("lot", keys.lots.into_iter());
    to.column("status", keys.statuses.into_iter());
    to.column("on_hand", rows.iter().map(|(_, cell)| cell.on_hand.0));
    to.column("last_order", rows.iter().map(|(_, cell)| cell.last_order));
    if counts().any(|count| count.is_some()) {
        to.column("count_change", counts().map(|count| count.map(|count| count.change.0)));
        to.column("count_ts", counts().map(|count| count.map(|count| count.order.ts)));
        to.column("count_device", counts().map(|count| count.map(|count| count.order.device.0)));
        to.column("count_seq", counts().map(|count| count.map(|count| signed(count.order.seq))));
        to.column("counted", counts().map(|count| count.map(|count| count.counted.0)));
        to.column("count_error", counts().map(|count| count.map(|count| count.clock_error)));
        to.column("count_person", counts().map(|count| count.and_then(|count| count.person).map(|person| person.0)));
        to.column("count_log_seq", counts().map(|count| count.and_then(|count| count.log_seq).map(signed)));
    }
    to.end_table("balance", on_conflict);
}

const REPLACE: &str = "
ON CONFLICT (org, item, location, lot, status) DO UPDATE SET
  on_hand = EXCLUDED.on_hand, last_order = EXCLUDED.last_order";

const REPLACE_COUNTED: &str = "
ON CONFLICT (org, item, location, lot, status) DO UPDATE SET
  on_hand = EXCLUDED.on_hand, last_order = EXCLUDED.last_order, count_change = EXCLUDED.count_change,
  count_ts = EXCLUDED.count_ts, count_device = EXCLUDED.count_device, count_seq = EXCLUDED.count_seq,
  counted = EXCLUDED.counted, count_error = EXCLUDED.count_error, count_person = EXCLUDED.count_person,
  count_log_seq = EXCLUDED.count_log_seq";

/// The numbers of this batch's counts, in the cells whose latest they are. A write of its own: balances are written
/// before the heads are bumped, and only counts pay for it.
fn count_numbers(to: &mut Inserts, writes: &Writes, numbers: &Numbers) {
    let number = |(cell, state): (&Cell, &CellFacts)| Some((*cell, numbers.of_count(state.count?.change)?));
    let counted: Vec<(Cell, u64)> = writes.cells.iter().filter_map(number).collect();
    if counted.is_empty() {
        return;
    }
    let keys: CellColumns = counted.iter().map(|(cell, _)| cell).collect();
    let (items, locations) = (to.bind(keys.items), to.bind(keys.locations));
    let (lots, statuses) = (to.bind(keys.lots), to.bind(keys.statuses));
    let seqs = to.bind(counted.iter().map(|(_, number)| signed(*number)).collect::<Vec<_>>());
    to.and(format!(
        "UPDATE balance b SET count_log_seq = w.number
         FROM (SELECT t.ctid AS at, w.number
               FROM UNNEST({items}, {locations}, {lots}, {statuses}, {seqs})
                    AS w(item, location, lot, status, number)
               CROSS JOIN LATERAL (SELECT t.ctid FROM balance t WHERE t.org = $1 AND t.item = w.item
                                     AND t.location = w.location AND t.lot = w.lot AND t.status = w.status
                                   OFFSET 0) t) w
         WHERE b.ctid = w.at"
    ));
}

fn costs(to: &mut Inserts, writes: &Writes) {
    if writes.costs.is_empty() {
        return;
    }
    let items = to.bind(writes.costs.keys().map(|item| item.0).collect::<Vec<_>>());
    let averages = to.bind(writes.costs.values().map(|cost| cost.average).collect::<Vec<_>>());
    let currencies = to.bind(writes.costs.values().map(|cost| cost.currency.as_str()).collect::<Vec<_>>());
    to.and(format!(
        "UPDATE item_cost c SET average = w.average, currency = w.currency
         FROM UNNEST({items}, {averages}, {currencies}) AS w(item, average, currency)
         WHERE c.org = $1 AND c.item = w.item"
    ));
}

fn movements(to: &mut Inserts, writes: &Writes, recorded_at: i64) {
    let rows = || writes.movements.iter();
    to.constant("recorded_at", recorded_at);
    to.column("id", rows().map(|m| m.id.0));
    to.column("change", rows().map(|m| m.change.0));
    to.column("kind", rows().map(|m| m.kind.name()));
    to.column("item", rows().map(|m| m.item.0));
    to.optional("lot", rows().map(|m| m.lot.map(|lot| lot.0)));
    to.column("from_location", rows().map(|m| m.from.location.0));
    to.optional("from_site", rows().map(|m| m.from.site.map(|site| site.0)));
    to.column("from_status", rows().map(|m| m.from.status.name()));
    to.column("to_location", rows().map(|m| m.to.location.0));
    to.optional("to_site", rows().map(|m| m.to.site.map(|site| site.0)));
    to.column("to_status", rows().map(|m| m.to.status.name()));
    to.column("qty", rows().map(|m| m.qty.0));
    to.column("order_ts", rows().map(|m| m.order.ts));
    to.column("order_device", rows().map(|m| m.order.device.0));
    to.column("order_seq", rows().map(|m| signed(m.order.seq)));
    to.column("at", rows().map(|m| m.at));
    to.column("clock_error", rows().map(|m| m.clock_error));
    to.optional("person", rows().map(|m| m.person.map(|person| person.0)));
    // What is said together is left out together: each choice of columns is a statement that Postgres has to learn.
    if rows().any(|m| m.remarks != Remarks::default()) {
        to.column("reason", rows().map(|m| m.remarks.reason.map(|reason| reason.0)));
        to.column("note", rows().map(|m| m.remarks.note.as_deref()));
        to.column("reference", rows().map(|m| m.remarks.reference.as_deref()));
        to.column("entered", rows().map(|m| m.remarks.entered.as_deref()));
    }
    if rows().any(|m| m.unit_cost.is_some() || m.supplier.is_some()) {
        to.column("cost_minor", rows().map(|m| m.unit_cost.as_ref().map(|cost| cost.minor)));
        to.column("cost_currency", rows().map(|m| m.unit_cost.as_ref().map(|cost| cost.currency.as_str())));
        to.column("supplier", rows().map(|m| m.supplier.map(|supplier| supplier.0)));
    }
    if rows().any(|m| m.reverses.is_some() || m.count.is_some()) {
        to.column("reverses", rows().map(|m| m.reverses.map(|id| id.0)));
        to.column("count", rows().map(|m| m.count.map(|change| change.0)));
    }
}

/// Their numbers in the scopes of both ends.
fn movement_numbers(to: &mut Inserts, writes: &Writes, numbers: &Numbers) {
    let rows = || writes.movements.iter();
    let number = |site: Option<_>, id| site.and_then(|site| numbers.of_movement(id, Scope::Site(site))).map(signed);
    to.optional("from_seq", rows().map(|m| number(m.from.site, m.id)));
    to.optional("to_seq", rows().map(|m| number(m.to.site, m.id)));
}
