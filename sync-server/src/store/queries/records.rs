//! Records: by id, by key, and as sorted, filtered, searched pages.

use super::{
    Key, Page, Reader, Rows, Sql,
    page::{Column, Order, by_owner},
};
use sqlx::{Row, postgres::PgRow};
use std::collections::HashMap;
use stillage_core::record::{Kind, Record, Ref};
use uuid::Uuid;

/// By what a list of records is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RecordSort {
    /// The SKU or code; records without one come first.
    #[default]
    Key,
    Name,
    /// The number at which it last changed.
    Version,
    /// What was searched for: the exact code, codes and names that begin with it, then the rest.
    Relevance,
}

/// Which records of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RecordFilter {
    /// `None` is both.
    pub archived: Option<bool>,
    pub ids: Option<Vec<Uuid>>,
    /// The parent in a tree; of a barcode or lot, its item.
    pub parents: Option<Vec<Uuid>>,
    /// Fields of the body that must hold one of these texts.
    pub fields: Vec<(&'static str, Vec<String>)>,
    pub changed_after: Option<i64>,
    pub search: Option<Search>,
}

/// What somebody typed, folded, and what it names exactly.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Search {
    pub text: String,
    pub tokens: Vec<String>,
    /// Items with that SKU or a barcode of that code.
    pub exact: Vec<Uuid>,
}

fn order(sort: RecordSort, descending: bool) -> Order {
    let columns: &'static [Column] = match sort {
        RecordSort::Key => &[Column::Text("coalesce(r.key, '')"), Column::Id("r.id")],
        RecordSort::Name => &[Column::Text("lower(r.name)"), Column::Id("r.id")],
        RecordSort::Version => &[Column::Int("r.version"), Column::Id("r.id")],
        RecordSort::Relevance => &[Column::Int("h.rank"), Column::Text("lower(r.name)"), Column::Id("r.id")],
    };
    Order { columns, descending }
}

/// Whether a key from a cursor fits this sort.
#[must_use]
pub fn key_fits(sort: RecordSort, key: &Key) -> bool {
    let columns = order(sort, false).columns;
    columns.len() == key.len() && columns.iter().zip(key).all(|(column, part)| column.takes(part))
}

/// One page of a kind.
pub async fn records_page(
    reader: &Reader,
    kind: Kind,
    filter: &RecordFilter,
    (sort, descending): (RecordSort, bool),
    page: &Page,
) -> Result<Rows<Record>, sqlx::Error> {
    let order = order(sort, descending);
    let mut sql = Sql::new("SELECT r.id, r.version, r.archived, r.body");
    order.push_keys(&mut sql);
    push_from(&mut sql, filter);
    push_where(&mut sql, reader, kind, filter);
    order.push(&mut sql, page);
    let rows = sql.build().fetch_all(&reader.pool).await?;
    let rows: Result<Vec<_>, sqlx::Error> = rows.iter().map(|row| Ok((order.key(row)?, record(kind, row)?))).collect();
    Ok(Rows::cut(page, rows?))
}

/// How many records of a kind the filter lets through.
pub async fn records_count(reader: &Reader, kind: Kind, filter: &RecordFilter) -> Result<i64, sqlx::Error> {
    let mut sql = Sql::new("SELECT count(*)");
    push_from(&mut sql, filter);
    push_where(&mut sql, reader, kind, filter);
    sql.build_query_scalar().fetch_one(&reader.pool).await
}

/// The first records under each of several parents, in the order of their codes.
pub async fn records_under(
    reader: &Reader,
    kind: Kind,
    parents: &[Uuid],
    page: &Page,
) -> Result<HashMap<Uuid, Rows<Record>>, sqlx::Error> {
    let order = order(RecordSort::Key, false);
    let mut sql = Sql::new("SELECT o.owner, x.* FROM unnest(");
    sql.push_bind(parents);
    sql.push(") AS o(owner) CROSS JOIN LATERAL (SELECT r.id, r.version, r.archived, r.body");
    order.push_keys(&mut sql);
    sql.push(" FROM record r WHERE r.parent = o.owner AND NOT r.archived AND r.org = ");
    sql.push_bind(reader.org.0).push(" AND r.kind = ").push_bind(kind.name());
    order.push(&mut sql, page);
    sql.push(") x");
    order.push_outer(&mut sql, page);
    let rows = sql.build().fetch_all(&reader.pool).await?;
    let rows: Result<Vec<_>, sqlx::Error> =
        rows.iter().map(|row| Ok((row.try_get("owner")?, order.key(row)?, record(kind, row)?))).collect();
    Ok(by_owner(page, rows?))
}

/// How many records stand under each parent.
pub async fn records_under_count(
    reader: &Reader,
    kind: Kind,
    parents: &[Uuid],
) -> Result<HashMap<Uuid, i64>, sqlx::Error> {
    let counts: Vec<(Uuid, i64)> = sqlx::query_as(
        "SELECT parent, count(*) FROM record \
         WHERE org = $1 AND kind = $2 AND parent = ANY($3) AND NOT archived GROUP BY parent",
    )
    .bind(reader.org.0)
    .bind(kind.name())
    .bind(parents)
    .fetch_all(&reader.pool)
    .await?;
    Ok(counts.into_iter().collect())
}

/// Records of any kinds, by their ids.
pub async fn records_by_id(reader: &Reader, refs: &[Ref]) -> Result<HashMap<Ref, Record>, sqlx::Error> {
    let kinds: Vec<&str> = refs.iter().map(|of| of.kind.name()).collect();
    let ids: Vec<Uuid> = refs.iter().map(|of| of.id).collect();
    let rows = sqlx::query(
        "SELECT r.kind, r.id, r.version, r.archived, r.body FROM unnest($2::text[], $3::uuid[]) AS w(kind, id) \
         JOIN record r ON r.org = $1 AND r.kind = w.kind AND r.id = w.id",
    )
    .bind(reader.org.0)
    .bind(kinds)
    .bind(ids)
    .fetch_all(&reader.pool)
    .await?;
    rows.iter()
        .map(|row| {
            let kind: String = row.try_get("kind")?;
            let kind = kind.parse().map_err(|()| broken(format!("unknown kind {kind}")))?;
            let record = record(kind, row)?;
            Ok((record.of, record))
        })
        .collect()
}

/// The record of a kind that holds a human key (folded).
pub async fn record_by_key(reader: &Reader, kind: Kind, key: &str) -> Result<Option<Record>, sqlx::Error> {
    let row = sqlx::query("SELECT id, version, archived, body FROM record WHERE org = $1 AND kind = $2 AND key = $3")
        .bind(reader.org.0)
        .bind(kind.name())
        .bind(key)
        .fetch_optional(&reader.pool)
        .await?;
    row.as_ref().map(|row| record(kind, row)).transpose()
}

/// Items that a folded text names exactly: by SKU, or by the code of a barcode.
pub async fn items_named(reader: &Reader, text: &str) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM record WHERE org = $1 AND kind = 'item' AND key = $2 \
         UNION SELECT parent FROM record WHERE org = $1 AND kind = 'barcode' AND key = $2 AND parent IS NOT NULL",
    )
    .bind(reader.org.0)
    .bind(text)
    .fetch_all(&reader.pool)
    .await
}

/// `LIKE` patterns are made of what people typed: its own wildcards mean themselves.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// The rank is computed beside the row, so that the page's conditions can name it.
fn push_from(sql: &mut Sql, filter: &RecordFilter) {
    sql.push(" FROM record r");
    if let Some(search) = &filter.search {
        sql.push(" CROSS JOIN LATERAL (SELECT CASE WHEN r.id = ANY(").push_bind(search.exact.clone());
        sql.push(") THEN 0 WHEN r.key LIKE ").push_bind(format!("{}%", escaped(&search.text)));
        sql.push(" THEN 1 WHEN lower(r.name) LIKE ").push_bind(format!("{}%", escaped(&search.text)));
        sql.push(" THEN 2 ELSE 3 END::bigint AS rank) h");
    }
}

fn push_where(sql: &mut Sql, reader: &Reader, kind: Kind, filter: &RecordFilter) {
    sql.push(" WHERE r.org = ").push_bind(reader.org.0);
    // Written out, not bound: the search index is for items alone, and a plan must see that it fits.
    sql.push(format_args!(" AND r.kind = '{}'", kind.name()));
    if let Some(archived) = filter.archived {
        sql.push(if archived { " AND r.archived" } else { " AND NOT r.archived" });
    }
    if kind == Kind::Item {
        // An item that was merged into another is only a name of it. It has no key, so that few bodies are read.
        sql.push(" AND (r.key IS NOT NULL OR r.body::jsonb->>'alias_of' IS NULL)");
    }
    if let Some(ids) = &filter.ids {
        sql.push(" AND r.id = ANY(").push_bind(ids.clone()).push(")");
    }
    if let Some(parents) = &filter.parents {
        sql.push(" AND r.parent = ANY(").push_bind(parents.clone()).push(")");
    }
    for (field, texts) in &filter.fields {
        sql.push(format_args!(" AND r.body::jsonb->>'{field}' = ANY(")).push_bind(texts.clone()).push(")");
    }
    if let Some(version) = filter.changed_after {
        sql.push(" AND r.version > ").push_bind(version);
    }
    if let Some(search) = &filter.search {
        sql.push(" AND (r.id = ANY(").push_bind(search.exact.clone()).push(") OR (true");
        for token in &search.tokens {
            sql.push(" AND r.search LIKE ").push_bind(format!("%{}%", escaped(token)));
        }
        sql.push("))");
    }
}

fn record(kind: Kind, row: &PgRow) -> Result<Record, sqlx::Error> {
    let id: Uuid = row.try_get("id")?;
    let version: i64 = row.try_get("version")?;
    let body: String = row.try_get("body")?;
    let version = u64::try_from(version).map_err(|fault| sqlx::Error::Decode(Box::new(fault)))?;
    let mut record =
        Record::from_body(Ref { kind, id }, version, &body).map_err(|fault| sqlx::Error::Decode(Box::new(fault)))?;
    record.archived = row.try_get("archived")?;
    Ok(record)
}

fn broken(text: String) -> sqlx::Error {
    sqlx::Error::Decode(text.into())
}
