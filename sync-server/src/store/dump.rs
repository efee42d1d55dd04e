//! The server's state as sorted lines of canonical JSON, byte for byte what a settled desktop of
//! all sites prints.

use super::{Tx, cells::KeyRow, records::corrupt};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sqlx::FromRow;
use std::io::Write;
use stillage_core::{
    id::ChangeId,
    quantity::Quantity,
    record::{Kind, Ref},
    text,
};
use uuid::Uuid;

/// Ids sort as their bytes do, so every section comes sorted from the database.
pub async fn canonical(tx: &mut Tx, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    balances(tx, out).await?;
    for kind in [Kind::Item, Kind::Location] {
        records(tx, kind, out).await?;
    }
    movements(tx, out).await?;
    outcomes(tx, out).await
}

fn line(out: &mut (dyn Write + Send), value: &Value) -> std::io::Result<()> {
    writeln!(out, "{}", text::canonical(value))
}

#[derive(Debug, FromRow)]
struct BalanceLine {
    #[sqlx(flatten)]
    key: KeyRow,
    on_hand: i64,
}

async fn balances(tx: &mut Tx, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let org = tx.org.0;
    let mut rows = sqlx::query_as::<_, BalanceLine>(
        "SELECT item, location, lot, status, on_hand FROM balance WHERE org = $1 AND on_hand <> 0
         ORDER BY item, location, lot, status COLLATE \"C\"",
    )
    .bind(org)
    .fetch(tx.conn());
    while let Some(row) = rows.try_next().await? {
        let cell = row.key.cell()?;
        let on_hand = Quantity(row.on_hand);
        line(out, &json!(["balance", cell.item, cell.location, cell.lot, cell.status.name(), on_hand]))?;
    }
    Ok(())
}

async fn records(tx: &mut Tx, kind: Kind, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let org = tx.org.0;
    let mut rows =
        sqlx::query_as::<_, (Uuid, String)>("SELECT id, body FROM record WHERE org = $1 AND kind = $2 ORDER BY id")
            .bind(org)
            .bind(kind.name())
            .fetch(tx.conn());
    while let Some((id, body)) = rows.try_next().await? {
        let body: Value = serde_json::from_str(&body).map_err(corrupt)?;
        line(out, &json!([kind.name(), Ref { kind, id }, body]))?;
    }
    Ok(())
}

async fn movements(tx: &mut Tx, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let org = tx.org.0;
    let mut rows = sqlx::query_as::<_, (String, String)>(
        "SELECT DISTINCT ON (id COLLATE \"C\") id, body FROM log
         WHERE org = $1 AND kind = 'movement' AND scope LIKE 'site:%' ORDER BY id COLLATE \"C\"",
    )
    .bind(org)
    .fetch(tx.conn());
    while let Some((id, body)) = rows.try_next().await? {
        let body: Value = serde_json::from_str(&body).map_err(corrupt)?;
        line(out, &json!(["movement", id, body]))?;
    }
    Ok(())
}

async fn outcomes(tx: &mut Tx, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let org = tx.org.0;
    let mut rows = sqlx::query_as::<_, (Uuid, String)>(
        "SELECT DISTINCT change, outcome COLLATE \"C\" FROM log
         WHERE org = $1 AND (scope = 'catalogue' OR scope LIKE 'site:%') ORDER BY 1, 2",
    )
    .bind(org)
    .fetch(tx.conn());
    while let Some((change, outcome)) = rows.try_next().await? {
        line(out, &json!(["outcome", ChangeId(change), outcome]))?;
    }
    Ok(())
}
