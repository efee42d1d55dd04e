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
use rusqlite::{Connection, OptionalExtension, Transaction};
use serde_json::{Value, json};
use stillage_core::{
    action::Action,
    change::{Act, Change, Cut, MAX_BODY},
    decide::{Door, Effects},
    facts::Facts,
    id::{ChangeId, DeviceId, PersonId},
    record::{Record, Ref},
    rejection::Rejection,
    settle,
};
use uuid::Uuid;

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

/// A record of the base as its row: what is unique, sorted or looked up is lifted out of the body.
#[derive(Debug)]
pub struct Stored {
    pub of: Ref,
    pub version: u64,
    pub archived: bool,
    pub key: Option<String>,
    pub name: String,
    pub parent: Option<Uuid>,
    pub body: String,
}

impl Stored {
    /// From the body as it came.
    pub fn read(of: Ref, version: u64, body: String) -> Result<Self, Failure> {
        Ok(Self::of(&Record::from_body(of, version, &body)?, body))
    }

    /// The same for whoever has read the record.
    #[must_use]
    pub fn of(record: &Record, body: String) -> Self {
        let (key, name, parent) = (record.key(), record.name().to_owned(), record.parent());
        Self { of: record.of, version: record.version, archived: record.archived, key, name, parent, body }
    }

    pub fn find(conn: &Connection, of: Ref) -> Result<Option<Self>, Failure> {
        let sql = "SELECT version, archived, key, name, parent, body FROM record WHERE kind = ?1 AND id = ?2";
        let found = conn.prepare_cached(sql)?.query_row((of.kind.name(), of.id), |row| {
            let (version, archived, key) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Self { of, version, archived, key, name: row.get(3)?, parent: row.get(4)?, body: row.get(5)? })
        });
        Ok(found.optional()?)
    }

    fn lifted(&self) -> (bool, Option<&str>, &str, Option<Uuid>) {
        (self.archived, self.key.as_deref(), &self.name, self.parent)
    }

    /// Writes it where `before` stands, if anything does. Most edits leave alone what is lifted out, and its indexes.
    pub fn write_over(&self, conn: &Connection, before: Option<&Self>) -> Result<(), Failure> {
        if before.is_none_or(|before| before.lifted() != self.lifted()) {
            return self.write(conn);
        }
        let sql = "UPDATE record SET version = ?3, body = ?4 WHERE kind = ?1 AND id = ?2";
        conn.prepare_cached(sql)?.execute((self.of.kind.name(), self.of.id, self.version, &self.body))?;
        Ok(())
    }

    pub fn write(&self, conn: &Connection) -> Result<(), Failure> {
        let sql = "INSERT OR REPLACE INTO record (kind, id, version, archived, key, name, parent, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let Self { of, version, archived, key, name, parent, body } = self;
        conn.prepare_cached(sql)?.execute((of.kind.name(), of.id, version, archived, key, name, parent, body))?;
        Ok(())
    }
}

/// Writes a record of the base.
pub fn write_base(conn: &Connection, record: &Record) -> Result<(), Failure> {
    Stored::of(record, record.body()).write(conn)
}
