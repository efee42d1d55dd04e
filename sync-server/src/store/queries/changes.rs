//! What became of a change, for a caller who repeats a request.

use super::Reader;
use sqlx::Row;
use stillage_core::{
    change::{ChangeResult, Outcome},
    id::ChangeId,
};

/// A stored change: its body as it was written, and its one end.
#[derive(Debug, Clone)]
pub struct StoredChange {
    pub body: String,
    pub result: ChangeResult,
}

/// The change of that id, if it was ever decided.
pub async fn change_find(reader: &Reader, id: ChangeId) -> Result<Option<StoredChange>, sqlx::Error> {
    let row = sqlx::query("SELECT seq, body, outcome, code, details FROM change WHERE org = $1 AND id = $2")
        .bind(reader.org.0)
        .bind(id.0)
        .fetch_optional(&reader.pool)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let outcome: String = row.try_get("outcome")?;
    let details: String = row.try_get("details")?;
    let seq: i64 = row.try_get("seq")?;
    let outcome: Outcome =
        outcome.parse().map_err(|()| sqlx::Error::Decode(format!("unknown outcome {outcome}").into()))?;
    let result = ChangeResult {
        id,
        seq: u64::try_from(seq).unwrap_or(0),
        outcome,
        duplicate: true,
        code: row.try_get("code")?,
        details: serde_json::from_str(&details).unwrap_or_default(),
    };
    Ok(Some(StoredChange { body: row.try_get("body")?, result }))
}
