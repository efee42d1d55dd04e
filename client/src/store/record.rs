//! Recording: what a person did becomes effects and an outbox row in one durable transaction.

use super::{
    Durability, Store,
    clock::Clock,
    effects,
    facts::{self, View},
    outbox,
    search::Stale,
    settings,
};
use crate::{Failure, Mint, engine::Acted};
use rusqlite::{Connection, Transaction};
use serde_json::{Value, json};
use stillage_core::{
    action::Action,
    change::{Act, Change, Cut, MAX_BODY},
    decide::{Door, Effects},
    facts::Facts,
    id::{ChangeId, DeviceId, PersonId},
    record::Record,
    rejection::Rejection,
    settle,
};

/// What every action of one call has in common.
struct Here {
    device: DeviceId,
    person: Option<PersonId>,
    cut: Cut,
    clock: Clock,
}

/// Records all of `actions` or none. Each is decided on what those before it left.
pub fn act(store: &Store, mint: &Mint, actions: Vec<Action>) -> Result<Vec<Acted>, Failure> {
    act_then(store, mint, actions, |_| Ok(()))
}

/// The same, with something more at the end of the transaction.
pub fn act_then(
    store: &Store,
    mint: &Mint,
    actions: Vec<Action>,
    then: impl FnOnce(&Connection) -> Result<(), Failure>,
) -> Result<Vec<Acted>, Failure> {
    store.write(Durability::Full, |transaction| {
        let here = Here {
            device: settings::device(transaction)?,
            person: settings::person(transaction)?,
            cut: settings::cut(transaction)?,
            clock: Clock::load(transaction)?,
        };
        let alone = actions.len() == 1;
        let first = outbox::last_n(transaction)? + 1;
        let (mut facts, mut stale) = (Facts::default(), Stale::default());
        let mut acted = Vec::with_capacity(actions.len());
        for (n, action) in (first..).zip(actions) {
            let (change, effects) = one(transaction, mint, &here, (n, action), &mut facts)
                .map_err(|failure| if alone { failure } else { at_index(failure, n - first) })?;
            effects::write(transaction, n, &effects, &mut stale)?;
            acted.push(summary(change, n, effects));
        }
        stale.refresh(transaction)?;
        then(transaction)?;
        Ok(acted)
    })
}

fn one(
    transaction: &Transaction<'_>,
    mint: &Mint,
    here: &Here,
    (n, action): (u64, Action),
    facts: &mut Facts,
) -> Result<(ChangeId, Effects), Failure> {
    let (at, clock_error) = here.clock.now(&mint.moment());
    let act = Act { action, at, clock_error, cut: here.cut.clone(), person: here.person };
    let change = Change::write(ChangeId(mint.id()), &act);
    if change.body.len() > MAX_BODY {
        return Err(Rejection::Malformed { reason: "it is larger than 64 KiB".into() }.into());
    }
    let needs = facts::load_for(transaction, View::Now, &act, facts)?;
    let context = settle::context(&act, (change.id, here.device, n), &needs.cells, facts, Door::Direct);
    let effects = act.action.decide(&context, facts)?;
    facts.apply(&effects);
    outbox::append(transaction, n, &change, at)?;
    effects::write_needs(transaction, n, &act.action, &needs)?;
    Ok((change.id, effects))
}

fn summary(change_id: ChangeId, n: u64, effects: Effects) -> Acted {
    let records = effects.records.iter().map(|record| record.of).collect();
    Acted { change_id, n, movements: effects.movements, records }
}

/// Says which of several actions failed.
fn at_index(mut failure: Failure, index: u64) -> Failure {
    match &mut failure.details {
        Value::Object(details) => {
            details.insert("index".into(), json!(index));
        }
        other => *other = json!({ "index": index }),
    }
    failure
}

/// Writes a record of the base.
pub fn write_base(conn: &Connection, record: &Record) -> Result<(), Failure> {
    write_body(conn, record, &record.body())
}

/// The same for whoever has its body at hand.
pub fn write_body(conn: &Connection, record: &Record, body: &str) -> Result<(), Failure> {
    let sql = "INSERT OR REPLACE INTO record (kind, id, version, archived, key, name, parent, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let kind = record.of.kind.name();
    let (key, name, parent) = (record.key(), record.name(), record.parent());
    let row = (kind, record.of.id, record.version, record.archived, key, name, parent, body);
    conn.prepare_cached(sql)?.execute(row)?;
    Ok(())
}
