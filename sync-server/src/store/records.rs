//! Records as rows: the body that travels, and the columns read from it.

use super::{Tx, fault::Fault, log::Numbers, writes::signed};
use futures_util::TryStreamExt;
use sqlx::Error;
use std::collections::{BTreeSet, HashMap};
use stillage_core::{
    record::{Kind, Record, Ref},
    scope::Scope,
    settle::Writes,
    text,
};
use uuid::Uuid;

/// A row of `record` that is not one this version wrote.
pub fn corrupt(what: impl std::fmt::Display) -> Error {
    Error::Decode(what.to_string().into())
}

/// Splits references into the two columns that name them.
pub fn columns<'a>(refs: impl IntoIterator<Item = &'a Ref>) -> (Vec<&'static str>, Vec<Uuid>) {
    refs.into_iter().map(|of| (of.kind.name(), of.id)).unzip()
}

pub async fn find(tx: &mut Tx, refs: &BTreeSet<Ref>) -> Result<Vec<Record>, Error> {
    let (kinds, ids) = columns(refs);
    let mut rows = sqlx::query_as::<_, (String, Uuid, i64, String)>(
        "SELECT r.kind, r.id, r.version, r.body FROM UNNEST($2::text[], $3::uuid[]) AS w(kind, id)
         CROSS JOIN LATERAL (SELECT * FROM record r WHERE r.org = $1 AND r.kind = w.kind AND r.id = w.id OFFSET 0) r",
    )
    .bind(tx.org.0)
    .bind(kinds)
    .bind(ids)
    .fetch(tx.conn());
    // Each is read while Postgres looks for the next.
    let mut found = Vec::with_capacity(refs.len());
    while let Some((kind, id, version, body)) = rows.try_next().await? {
        found.push(read(&kind, id, version, &body)?);
    }
    Ok(found)
}

pub fn read(kind: &str, id: Uuid, version: i64, body: &str) -> Result<Record, Error> {
    let kind: Kind = kind.parse().map_err(|()| corrupt(format!("record kind {kind}")))?;
    Record::from_body(Ref { kind, id }, version.unsigned_abs(), body).map_err(corrupt)
}

/// Who holds these folded human keys.
pub async fn holders(tx: &mut Tx, keys: &BTreeSet<(Kind, String)>) -> Result<Vec<(Kind, String, Ref)>, Error> {
    let (kinds, texts): (Vec<&str>, Vec<&str>) = keys.iter().map(|(kind, key)| (kind.name(), key.as_str())).unzip();
    let rows: Vec<(String, String, Uuid)> = sqlx::query_as(
        "SELECT r.kind, r.key, r.id FROM UNNEST($2::text[], $3::text[]) AS w(kind, key)
         CROSS JOIN LATERAL (SELECT * FROM record r WHERE r.org = $1 AND r.kind = w.kind AND r.key = w.key
                               AND r.key IS NOT NULL OFFSET 0) r",
    )
    .bind(tx.org.0)
    .bind(kinds)
    .bind(texts)
    .fetch_all(tx.conn())
    .await?;
    let read = |(kind, key, id): (String, String, Uuid)| {
        let kind: Kind = kind.parse().map_err(|()| corrupt(format!("record kind {kind}")))?;
        Ok((kind, key, Ref { kind, id }))
    };
    rows.into_iter().map(read).collect()
}

/// What a record is found by: its key, name, other spellings and description, folded.
#[must_use]
pub fn search_text(record: &Record) -> String {
    if record.of.kind == Kind::Inbox {
        return String::new();
    }
    let mut words: Vec<&str> = ["sku", "code", "name", "description"].iter().filter_map(|f| record.text(f)).collect();
    let aliases = record.fields.get("aliases").and_then(|value| value.as_array());
    words.extend(aliases.into_iter().flatten().filter_map(|alias| alias.as_str()));
    text::fold(&words.join(" "))
}

/// New records are inserted, known ones updated at the version they were read at. Keys that
/// change hands are let go first, or two records could not swap theirs.
pub async fn write(tx: &mut Tx, writes: &Writes, numbers: &Numbers, versions: &HashMap<Ref, u64>) -> Result<(), Fault> {
    let (known, new): (Vec<&Record>, Vec<&Record>) =
        writes.records.values().partition(|record| versions.contains_key(&record.of));
    if !known.is_empty() {
        release_keys(tx, &known).await?;
        let rows = RecordColumns::of(&known, numbers);
        let read_at = known.iter().map(|record| versions.get(&record.of).map(|v| signed(*v))).collect();
        let updated = update_records(tx, rows, read_at).await?;
        if updated != known.len() as u64 {
            // Somebody else wrote a lot this batch had read; the whole batch is asked again.
            return Err(Fault::Crossed(anyhow::anyhow!("a record changed between the look and the write")));
        }
    }
    if !new.is_empty() {
        insert_records(tx, RecordColumns::of(&new, numbers)).await?;
    }
    Ok(())
}

#[derive(Debug, Default)]
struct RecordColumns {
    kinds: Vec<&'static str>,
    ids: Vec<Uuid>,
    scopes: Vec<String>,
    versions: Vec<i64>,
    archived: Vec<bool>,
    keys: Vec<Option<String>>,
    names: Vec<String>,
    parents: Vec<Option<Uuid>>,
    searches: Vec<String>,
    bodies: Vec<String>,
}

impl RecordColumns {
    fn of(records: &[&Record], numbers: &Numbers) -> Self {
        let (kinds, ids) = columns(records.iter().map(|record| &record.of));
        let mut rows = Self { kinds, ids, ..Self::default() };
        for record in records {
            rows.scopes.push(Scope::of(record).to_string());
            // What the installation was born with has no number.
            rows.versions.push(numbers.of_record(record.of).map_or(0, signed));
            rows.archived.push(record.archived);
            rows.keys.push(record.key());
            rows.names.push(record.name().to_owned());
            rows.parents.push(record.parent());
            rows.searches.push(search_text(record));
            rows.bodies.push(record.body());
        }
        rows
    }
}

async fn release_keys(tx: &mut Tx, known: &[&Record]) -> Result<(), Error> {
    let (kinds, ids) = columns(known.iter().map(|record| &record.of));
    let keys: Vec<Option<String>> = known.iter().map(|record| record.key()).collect();
    sqlx::query(
        "UPDATE record r SET key = NULL
         FROM (SELECT t.ctid AS at FROM UNNEST($2::text[], $3::uuid[], $4::text[]) AS w(kind, id, key)
               CROSS JOIN LATERAL (SELECT t.ctid, t.key FROM record t
                                   WHERE t.org = $1 AND t.kind = w.kind AND t.id = w.id OFFSET 0) t
               WHERE t.key IS NOT NULL AND t.key IS DISTINCT FROM w.key) w
         WHERE r.ctid = w.at",
    )
    .bind(tx.org.0)
    .bind(kinds)
    .bind(ids)
    .bind(keys)
    .execute(tx.conn())
    .await
    .map(drop)
}

async fn update_records(tx: &mut Tx, rows: RecordColumns, read_at: Vec<Option<i64>>) -> Result<u64, Error> {
    let done = sqlx::query(
        "UPDATE record r SET scope = w.scope, version = w.version, archived = w.archived, key = w.key, name = w.name,
                parent = w.parent, search = w.search, body = w.body
         FROM (SELECT w.*, t.ctid AS at
               FROM UNNEST($2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::bool[], $7::text[], $8::text[],
                           $9::uuid[], $10::text[], $11::text[], $12::bigint[])
                    AS w(kind, id, scope, version, archived, key, name, parent, search, body, read_at)
               CROSS JOIN LATERAL (SELECT t.ctid FROM record t WHERE t.org = $1 AND t.kind = w.kind AND t.id = w.id
                                     AND t.version = w.read_at OFFSET 0) t) w
         WHERE r.ctid = w.at",
    )
    .bind(tx.org.0)
    .bind(rows.kinds)
    .bind(rows.ids)
    .bind(rows.scopes)
    .bind(rows.versions)
    .bind(rows.archived)
    .bind(rows.keys)
    .bind(rows.names)
    .bind(rows.parents)
    .bind(rows.searches)
    .bind(rows.bodies)
    .bind(read_at)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

async fn insert_records(tx: &mut Tx, rows: RecordColumns) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO record (org, kind, id, scope, version, archived, key, name, parent, search, body)
         SELECT $1, * FROM UNNEST($2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::bool[], $7::text[], $8::text[],
                                  $9::uuid[], $10::text[], $11::text[])",
    )
    .bind(tx.org.0)
    .bind(rows.kinds)
    .bind(rows.ids)
    .bind(rows.scopes)
    .bind(rows.versions)
    .bind(rows.archived)
    .bind(rows.keys)
    .bind(rows.names)
    .bind(rows.parents)
    .bind(rows.searches)
    .bind(rows.bodies)
    .execute(tx.conn())
    .await
    .map(drop)
}
