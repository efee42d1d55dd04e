//! The raw limits of reading: the statement that fetches fifty items and their cells, or one, or those that hold what
//! was typed, and nothing around it.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

/// Where a page starts: for the API, and for the statement.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub cursor: Option<String>,
    pub key: String,
    pub id: Uuid,
}

/// How many items came.
pub async fn page(conn: &mut PgConnection, after: &Place) -> Result<usize> {
    let sql = "SELECT r.id, r.version, r.body, cells.total, cells.list
               FROM record r
               LEFT JOIN LATERAL (
                 SELECT sum(on_hand)::bigint AS total, json_agg(json_build_array(on_hand, status))::text AS list
                 FROM balance b WHERE b.org = r.org AND b.item = r.id
               ) cells ON true
               WHERE r.org = (SELECT org FROM organisation LIMIT 1) AND r.kind = 'item' AND NOT r.archived
                 AND (coalesce(r.key, ''), r.id) > ($1, $2)
               ORDER BY coalesce(r.key, ''), r.id LIMIT 50";
    type Row = (Uuid, i64, String, Option<i64>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(sql).bind(&after.key).bind(after.id).fetch_all(conn).await?;
    Ok(rows.len())
}

/// Whether the item was there; its cells come with it.
pub async fn item(conn: &mut PgConnection, id: Uuid) -> Result<bool> {
    let sql = "SELECT r.id, r.version, r.body, cells.total, cells.list
               FROM record r
               LEFT JOIN LATERAL (
                 SELECT sum(on_hand)::bigint AS total, json_agg(json_build_array(on_hand, status))::text AS list
                 FROM balance b WHERE b.org = r.org AND b.item = r.id
               ) cells ON true
               WHERE r.org = (SELECT org FROM organisation LIMIT 1) AND r.kind = 'item' AND r.id = $1";
    type Row = (Uuid, i64, String, Option<i64>, Option<String>);
    let row: Option<Row> = sqlx::query_as(sql).bind(id).fetch_optional(conn).await?;
    Ok(row.is_some())
}

/// How many of the first twenty items hold both.
pub async fn search(conn: &mut PgConnection, one: &str, other: &str) -> Result<usize> {
    let sql = "SELECT r.id, r.version, r.body FROM record r
               WHERE r.org = (SELECT org FROM organisation LIMIT 1) AND r.kind = 'item' AND NOT r.archived
                 AND r.search LIKE $1 AND r.search LIKE $2 LIMIT 20";
    let rows: Vec<(Uuid, i64, String)> = sqlx::query_as(sql).bind(one).bind(other).fetch_all(conn).await?;
    Ok(rows.len())
}
