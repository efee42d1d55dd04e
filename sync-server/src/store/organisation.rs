//! The organisation, its first records, and writes of the server's own that pass through no
//! device: enrolled people and devices, and changes that had to be parked.

use super::{
    Store, Tx,
    fault::Fault,
    log::Heads,
    records::{self, corrupt},
    writes::{self, Writing},
};
use sqlx::{Error, FromRow, migrate::Migrator};
use std::collections::{BTreeSet, HashMap, HashSet};
use stillage_core::{
    change::{Change, ChangeResult, Digest, Outcome},
    id::{ChangeId, DeviceId, EpochId, LocationId, OrganisationId, PersonId},
    record::{Fields, Kind, Record, Ref, UNNUMBERED},
    scope::Scope,
    seed,
    settle::{ChangeRow, LogRow, Writes},
    text,
    wire::entry,
};
use uuid::Uuid;

pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations/server");

/// Not to be printed: it holds a key.
#[derive(Clone, FromRow)]
pub struct OrganisationRow {
    pub org: Uuid,
    pub name: String,
    pub epoch: Uuid,
    /// The seed of its signing key.
    pub signing_key: Option<Vec<u8>>,
}

/// What the first start of a database needs from outside.
#[derive(Clone)]
pub struct Founding {
    pub org: OrganisationId,
    pub name: String,
    pub epoch: EpochId,
    pub at: i64,
    /// For an organisation of an older version too, which has no key yet.
    pub signing_key: [u8; 32],
}

/// Brings the schema up to date. Several servers may do so at once: sqlx holds a lock.
pub async fn migrate(store: &Store) -> anyhow::Result<()> {
    Ok(MIGRATOR.run(&store.readers).await?)
}

/// Whether the database answers and has every migration of this build.
pub async fn is_current(store: &Store) -> Result<bool, Error> {
    let latest = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    sqlx::query_scalar("SELECT coalesce(max(version), 0) >= $1 FROM _sqlx_migrations WHERE success")
        .bind(latest)
        .fetch_one(&store.readers)
        .await
}

/// The organisation of this database, founded if there is none.
pub async fn open(store: &Store, founding: &Founding) -> Result<OrganisationRow, Fault> {
    let mut tx = store.locked(OrganisationId(Uuid::nil()), true).await?;
    let known: Option<OrganisationRow> =
        sqlx::query_as("SELECT org, name, epoch, signing_key FROM organisation ORDER BY created_at")
            .fetch_optional(tx.conn())
            .await?;
    if let Some(known) = known {
        return with_key(tx, known, founding).await;
    }
    tx.org = founding.org;
    sqlx::query("INSERT INTO organisation (org, name, epoch, created_at, signing_key) VALUES ($1, $2, $3, $4, $5)")
        .bind(founding.org.0)
        .bind(&founding.name)
        .bind(founding.epoch.0)
        .bind(founding.at)
        .bind(founding.signing_key.to_vec())
        .execute(tx.conn())
        .await?;
    let records = seed::records().into_iter().map(|record| (record.of, record)).collect();
    let born = Writes { records, ..Writes::default() };
    let (versions, chained) = (HashMap::new(), BTreeSet::new());
    let writing = Writing { versions: &versions, held: &HashSet::new(), chained: &chained, recorded_at: founding.at };
    writes::write(&mut tx, &born, &writing).await?;
    tx.commit().await?;
    let signing_key = Some(founding.signing_key.to_vec());
    Ok(OrganisationRow { org: founding.org.0, name: founding.name.clone(), epoch: founding.epoch.0, signing_key })
}

async fn with_key(mut tx: Tx, known: OrganisationRow, founding: &Founding) -> Result<OrganisationRow, Fault> {
    if known.signing_key.is_some() {
        return Ok(known);
    }
    let key = founding.signing_key.to_vec();
    let give = sqlx::query("UPDATE organisation SET signing_key = $2 WHERE org = $1");
    give.bind(known.org).bind(&key).execute(tx.conn()).await?;
    tx.commit().await?;
    Ok(OrganisationRow { signing_key: Some(key), ..known })
}

/// A write of the server's own: records under one change that no chain holds.
#[derive(Debug)]
pub struct OwnWrite {
    pub change: ChangeId,
    pub kind: &'static str,
    pub device: DeviceId,
    pub at: i64,
    pub records: Vec<Record>,
}

/// The caller holds the organisation's lock alone.
pub async fn write_own(tx: &mut Tx, own: OwnWrite) -> Result<Heads, Fault> {
    let change = Change { id: own.change, seq: 0, kind: own.kind.to_owned(), version: 1, body: "{}".into() };
    let outcome = Outcome::Applied;
    let details = serde_json::Value::Null;
    let result = ChangeResult { id: own.change, seq: 0, outcome, duplicate: false, code: None, details };
    let mut writes = Writes::default();
    let refs: BTreeSet<Ref> = own.records.iter().map(|record| record.of).collect();
    let known = records::find(tx, &refs).await?;
    let versions = known.iter().map(|record| (record.of, record.version)).collect();
    writes.before.records = known.into_iter().map(|record| (record.of, Some(record))).collect();
    for record in own.records {
        writes.log.push(record_row(&record, (own.change, outcome)));
        writes.records.insert(record.of, record);
    }
    let (device, hash, chain) = (own.device, change.hash(), Digest::start(own.device));
    let (repeat, creates, received_at) = (false, None, own.at);
    writes.changes.push(ChangeRow { change, device, hash, chain, result, creates, repeat, received_at });
    let chained = BTreeSet::new();
    let (held, recorded_at) = (&HashSet::new(), own.at);
    let writing = Writing { versions: &versions, held, chained: &chained, recorded_at };
    Ok(writes::write(tx, &writes, &writing).await?.heads)
}

/// The log row that carries a record.
pub fn record_row(record: &Record, (change, outcome): (ChangeId, Outcome)) -> LogRow {
    LogRow {
        scope: Scope::of(record),
        kind: entry::RECORD,
        id: record.of.to_string(),
        change,
        outcome,
        body: record.body(),
        record: Some(record.of),
        movement: None,
    }
}

/// A record that has no number yet.
pub fn new_record(of: Ref, fields: Fields) -> Record {
    Record { of, version: UNNUMBERED, archived: false, fields }
}

/// The person of this name, if there is one.
pub async fn person_named(tx: &mut Tx, name: &str) -> Result<Option<PersonId>, Error> {
    let rows: Vec<(Uuid, String)> =
        sqlx::query_as("SELECT id, name FROM record WHERE org = $1 AND kind = 'person' AND NOT archived")
            .bind(tx.org.0)
            .fetch_all(tx.conn())
            .await?;
    let wanted = text::fold(name);
    Ok(rows.into_iter().find(|(_, name)| text::fold(name) == wanted).map(|(id, _)| PersonId(id)))
}

pub async fn person_name(tx: &mut Tx, person: PersonId) -> Result<String, Error> {
    let name: Option<String> =
        sqlx::query_scalar("SELECT name FROM record WHERE org = $1 AND kind = 'person' AND id = $2")
            .bind(tx.org.0)
            .bind(person.0)
            .fetch_optional(tx.conn())
            .await?;
    Ok(name.unwrap_or_default())
}

/// The site that an admin names by its code or its id.
pub async fn site_named(tx: &mut Tx, named: &str) -> Result<Option<LocationId>, Error> {
    let id = match named.parse::<LocationId>() {
        Ok(id) => Some(id.0),
        Err(_) => {
            let keys = BTreeSet::from([(Kind::Location, text::fold(named))]);
            records::holders(tx, &keys).await?.first().map(|(_, _, of)| of.id)
        }
    };
    let Some(id) = id else { return Ok(None) };
    let of = Ref { kind: Kind::Location, id };
    let found = records::find(tx, &BTreeSet::from([of])).await?;
    let Some(record) = found.first() else { return Ok(None) };
    let view: stillage_core::record::Location = record.read().map_err(corrupt)?;
    Ok((view.role == stillage_core::record::LocationRole::Site).then_some(LocationId(id)))
}
