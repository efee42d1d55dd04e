//! What the production store holds, beside what is held in memory. In short: settings, cursors and the outbox. Whole:
//! every row of the base, what is shown of every pending change, and each answer that the rules may ask for, of what
//! people see and of the base alone.

use super::Disk;
use crate::{book::Over, device::State};
use rusqlite::Connection;
use std::{collections::BTreeMap, fmt::Debug};
use stillage_client::{
    Failure,
    store::{
        facts::{View, load, read_word},
        movement, outbox, settings, sums,
    },
};
use stillage_core::{
    change::{Digest, Outcome},
    decide::Effects,
    facts::{CellFacts, Facts, LastCount, Needs},
    id::{ChangeId, DeviceId, MovementId},
    record::{Kind, Record, Ref},
    scope::Scope,
    snapshot::ChunkName,
    stock::{Cell, Movement, PostedCount},
    wire::LogEntry,
};

/// Names the first difference.
pub fn difference(conn: &Connection, disk: &Disk, whole: bool) -> Result<Option<String>, Failure> {
    if let Some(found) = short(conn, disk)? {
        return Ok(Some(found));
    }
    if !whole {
        return Ok(None);
    }
    for part in [records, movements, counts, kept, shown, answers] {
        if let Some(found) = part(conn, disk)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn unlike<T: PartialEq + Debug>(what: &str, store: &T, memory: &T) -> Option<String> {
    (store != memory).then(|| format!("{what}: {store:?} in SQLite, {memory:?} in memory"))
}

/// The first row that only one has, or that they have otherwise.
fn odd<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    store: &BTreeMap<K, V>,
    memory: &BTreeMap<K, V>,
) -> Option<String> {
    let mut keys = store.keys().chain(memory.keys());
    let key = keys.find(|key| store.get(key) != memory.get(key))?;
    Some(format!("{what} {key:?}: {:?} in SQLite, {:?} in memory", store.get(key), memory.get(key)))
}

/// An own change as far as both keep it: its text, state, place in the chain, end, and place in a lost history.
type Own = (ChangeId, String, State, Option<(DeviceId, u64, Digest)>, Option<Outcome>, Option<i64>);

fn short(conn: &Connection, disk: &Disk) -> Result<Option<String>, Failure> {
    let pushed: u64 = settings::parsed(conn, settings::PUSHED_SEQ)?.unwrap_or(0);
    let device = settings::device(conn)?;
    let here = (device, settings::person(conn)?, settings::epoch(conn)?, pushed);
    let there = (disk.device, Some(disk.person), Some(disk.epoch), disk.pushed);
    let figures = (outbox::waiting(conn)?, outbox::has_unsent(conn)?, outbox::settled_seq(conn, device)?);
    let counted = (disk.waiting() as u64, disk.has_unsent(), disk.settled_seq());
    let own = odd("change", &own_changes(conn)?, &remembered(disk));
    let reset = settings::get(conn, settings::RESET)?.is_some();
    let lost = (settings::parsed(conn, settings::LOST_EPOCH)?, reset);
    let found = unlike("settings", &here, &there)
        .or_else(|| unlike("lost history", &lost, &(disk.lost_epoch, disk.reset)))
        .or_else(|| unlike("waiting, unsent, settled", &figures, &counted))
        .or(own)
        .or(odd("cursor", &settings::cursors(conn)?, &disk.cursors))
        .or(unlike("owed", &owed(conn)?, &disk.owed.iter().map(|owed| owed.plain()).collect()));
    if found.is_some() {
        return Ok(found);
    }
    for (scope, mine) in &disk.sums {
        // The store leaves it out until it is asked for.
        let kept = sums::kept(conn, *scope)?;
        if kept.is_some_and(|kept| kept != *mine) {
            return Ok(unlike("sum", &kept, &Some(*mine)));
        }
    }
    Ok(None)
}

fn owed(conn: &Connection) -> Result<Vec<(ChunkName, u64, bool)>, Failure> {
    let mut statement = conn.prepare_cached("SELECT name, seq, loaded FROM snapshot_chunk ORDER BY place")?;
    let mut rows = statement.query([])?;
    let mut owed = Vec::new();
    while let Some(row) = rows.next()? {
        owed.push((serde_json::from_str(&row.get::<_, String>(0)?)?, row.get(1)?, row.get(2)?));
    }
    Ok(owed)
}

fn own_changes(conn: &Connection) -> Result<BTreeMap<u64, Own>, Failure> {
    let sql = "SELECT n, change, body, state, device, seq, chain, outcome, order_ts FROM outbox";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut own = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let state = match row.get::<_, String>(3)?.as_str() {
            "queued" => State::Queued,
            "sealed" => State::Sealed,
            "settled" => State::Settled,
            _ => State::Rejected,
        };
        let place = match row.get::<_, Option<uuid::Uuid>>(4)? {
            Some(device) => Some((DeviceId(device), row.get(5)?, Digest(row.get(6)?))),
            None => None,
        };
        let outcome = row.get::<_, Option<String>>(7)?;
        let outcome = outcome.map(|word| serde_json::from_value(word.into())).transpose()?;
        own.insert(row.get(0)?, (ChangeId(row.get(1)?), row.get(2)?, state, place, outcome, row.get(8)?));
    }
    Ok(own)
}

fn remembered(disk: &Disk) -> BTreeMap<u64, Own> {
    let own = disk.outbox.iter().map(|row| {
        let place = row.device.map(|device| (device, row.seq, row.chain));
        (row.n, (row.change.id, row.change.body.clone(), row.state, place, row.outcome, row.order))
    });
    own.collect()
}

fn records(conn: &Connection, disk: &Disk) -> Result<Option<String>, Failure> {
    let mut statement = conn.prepare_cached("SELECT kind, id, version, body FROM record")?;
    let mut rows = statement.query([])?;
    let mut held = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let of = Ref { kind: read_word::<Kind>(row, 0)?, id: row.get(1)? };
        held.insert(of, Record::from_body(of, row.get(2)?, &row.get::<_, String>(3)?)?);
    }
    let memory = disk.base.records.iter().map(|(of, record)| (*of, record.as_ref().clone())).collect();
    Ok(odd("record", &held, &memory))
}

/// Movements of the base, each with its number at either end.
fn movements(conn: &Connection, disk: &Disk) -> Result<Option<String>, Failure> {
    let sql = format!("SELECT {}, from_seq, to_seq FROM movement WHERE n IS NULL", movement::COLUMNS);
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut held: BTreeMap<MovementId, (Movement, [Option<u64>; 2])> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let moved = movement::read(row)?;
        held.insert(moved.id, (moved, [row.get(movement::WIDTH)?, row.get(movement::WIDTH + 1)?]));
    }
    let memory = disk.base.movements.values().map(|kept| {
        let Movement { id, from, to, .. } = &kept.movement;
        let number = |site: Option<_>| site.and_then(|site| kept.numbers.get(&Scope::Site(site))).copied();
        (*id, (kept.movement.clone(), [number(from.site), number(to.site)]))
    });
    Ok(odd("movement", &held, &memory.collect()))
}

fn counts(conn: &Connection, disk: &Disk) -> Result<Option<String>, Failure> {
    let mut statement = conn.prepare_cached("SELECT body FROM posted_count WHERE n IS NULL")?;
    let mut rows = statement.query([])?;
    let mut held: BTreeMap<ChangeId, PostedCount> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let count: PostedCount = serde_json::from_str(&row.get::<_, String>(0)?)?;
        held.insert(count.change, count);
    }
    let memory = disk.base.counts.iter().map(|(change, count)| (*change, count.as_ref().clone()));
    Ok(odd("count", &held, &memory.collect()))
}

/// Outcomes of everybody's changes, and entries that nobody can read yet.
fn kept(conn: &Connection, disk: &Disk) -> Result<Option<String>, Failure> {
    let mut statement = conn.prepare_cached("SELECT change, outcome FROM outcome")?;
    let mut rows = statement.query([])?;
    let mut held = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let outcome: Outcome = serde_json::from_value(row.get::<_, String>(1)?.into())?;
        held.insert(ChangeId(row.get(0)?), outcome);
    }
    if let Some(found) = odd("outcome", &held, &disk.outcomes) {
        return Ok(Some(found));
    }
    let mut statement = conn.prepare_cached("SELECT scope, seq, entry FROM unknown_entry")?;
    let mut rows = statement.query([])?;
    let mut held: BTreeMap<(String, u64), LogEntry> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        held.insert((row.get(0)?, row.get(1)?), serde_json::from_str(&row.get::<_, String>(2)?)?);
    }
    let memory = disk.unknown.iter().map(|((scope, seq), entry)| ((scope.to_string(), *seq), entry.clone()));
    Ok(odd("unknown entry", &held, &memory.collect()))
}

/// The effects of one pending change: bodies of records, movements, counts.
type Layer = (BTreeMap<Ref, String>, BTreeMap<MovementId, Movement>, BTreeMap<ChangeId, PostedCount>);

fn shown(conn: &Connection, disk: &Disk) -> Result<Option<String>, Failure> {
    let mut held: BTreeMap<u64, Layer> = BTreeMap::new();
    let mut statement = conn.prepare_cached("SELECT n, kind, id, body FROM pending_record")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let of = Ref { kind: read_word::<Kind>(row, 1)?, id: row.get(2)? };
        held.entry(row.get(0)?).or_default().0.insert(of, row.get(3)?);
    }
    let sql = format!("SELECT {}, n FROM movement WHERE n IS NOT NULL", movement::COLUMNS);
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let moved = movement::read(row)?;
        held.entry(row.get(movement::WIDTH)?).or_default().1.insert(moved.id, moved);
    }
    let mut statement = conn.prepare_cached("SELECT n, body FROM posted_count WHERE n IS NOT NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let count: PostedCount = serde_json::from_str(&row.get::<_, String>(1)?)?;
        held.entry(row.get(0)?).or_default().2.insert(count.change, PostedCount { clock_error: 0, ..count });
    }
    let memory = disk.outbox.iter().filter_map(|row| Some((row.n, layer(row.effects.as_deref()?)))).collect();
    Ok(odd("effects of change", &visible(held, disk), &visible(memory, disk)))
}

/// A pending record that is as the base has it shows nothing. The store leaves it there when somebody else's came in
/// just like it, a new lot for example; in memory it is gone, as everything is decided again.
fn visible(mut layers: BTreeMap<u64, Layer>, disk: &Disk) -> BTreeMap<u64, Layer> {
    let bodies = |of: &Ref| disk.base.records.get(of).map(|record| record.body());
    layers.values_mut().for_each(|layer| layer.0.retain(|of, body| bodies(of).as_ref() != Some(body)));
    layers.retain(|_, layer| *layer != Layer::default());
    layers
}

fn layer(effects: &Effects) -> Layer {
    let records = effects.records.iter().map(|record| (record.of, record.body()));
    let movements = effects.movements.iter().map(|movement| (movement.id, movement.clone()));
    // An answer takes over how sure the count beside it is, which a store keeps of none.
    let counts = effects.counts.iter().map(|count| (count.change, PostedCount { clock_error: 0, ..count.clone() }));
    (records.collect(), movements.collect(), counts.collect())
}

/// Asks both for everything that there is.
fn answers(conn: &Connection, disk: &Disk) -> Result<Option<String>, Failure> {
    let shown = disk.shown();
    for (view, over) in [(View::Now, shown.as_slice()), (View::Base, [].as_slice())] {
        let needs = everything(disk, over);
        let (mut store, mut memory) = (Facts::default(), Facts::default());
        load(conn, view, &needs, &mut store)?;
        disk.base.load(&needs, over, &mut memory);
        let cells = |facts: &Facts| -> BTreeMap<Cell, CellFacts> {
            facts.cells.iter().map(|(cell, known)| (*cell, plain(known.clone()))).collect()
        };
        let cells_of = |facts: &Facts| -> BTreeMap<Ref, Vec<Cell>> {
            let sorted = |(of, cells): (&Ref, &Vec<Cell>)| {
                let mut cells = cells.clone();
                cells.sort_unstable();
                (*of, cells)
            };
            facts.cells_of.iter().map(sorted).collect()
        };
        let found = odd(&format!("{view:?}: cell"), &cells(&store), &cells(&memory))
            .or_else(|| odd(&format!("{view:?}: cells of"), &cells_of(&store), &cells_of(&memory)))
            .or_else(|| odd(&format!("{view:?}: record"), &sorted(&store.records), &sorted(&memory.records)))
            .or_else(|| odd(&format!("{view:?}: key"), &sorted(&store.keys), &sorted(&memory.keys)))
            .or_else(|| odd(&format!("{view:?}: stocked"), &sorted(&store.stocked), &sorted(&memory.stocked)))
            .or_else(|| odd(&format!("{view:?}: movement"), &sorted(&store.movements), &sorted(&memory.movements)));
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn sorted<K: Ord + Clone, V: Clone>(map: &std::collections::HashMap<K, V>) -> BTreeMap<K, V> {
    map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn everything(disk: &Disk, over: &Over<'_>) -> Needs {
    let mut needs = Needs::default();
    let records = over.iter().flat_map(|effects| &effects.records);
    needs.records = disk.base.records.keys().copied().chain(records.clone().map(|record| record.of)).collect();
    let keys = records.filter_map(|record| Some((record.of.kind, record.key()?)));
    needs.keys = disk.base.keys.keys().cloned().chain(keys).collect();
    needs.cells = disk.base.all_cells(over);
    needs.tails = needs.cells.iter().map(|cell| (*cell, i64::MIN)).collect();
    let of = |kinds: &[Kind]| needs.records.iter().filter(|of| kinds.contains(&of.kind)).copied().collect();
    needs.cells_of = of(&[Kind::Item, Kind::Lot]);
    needs.stocked = of(&[Kind::Item, Kind::Location]);
    let moved = over.iter().flat_map(|effects| &effects.movements);
    needs.movements = disk.base.movements.keys().copied().chain(moved.map(|movement| movement.id)).collect();
    needs
}

/// Without what a device does not keep, and in one order.
fn plain(mut known: CellFacts) -> CellFacts {
    known.count = known.count.map(|count| LastCount { clock_error: 0, person: None, ..count });
    known.tail.iter_mut().for_each(|entry| entry.clock_error = 0);
    known.tail.sort_by_key(|entry| (entry.order, entry.movement, entry.delta));
    known
}
