//! Reason codes: why the book was corrected.

use super::{
    Nothing,
    save::{Save, Saved},
};
use crate::{Engine, Failure, store::queries};
use serde::Serialize;
use stillage_core::record::{Direction, Kind, Reason};
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ReasonRow {
    pub id: String,
    pub code: String,
    pub name: String,
    #[ts(type = "\"in\" | \"out\" | \"both\"")]
    pub direction: Direction,
    pub note_required: bool,
}

pub async fn list(engine: &Engine, _: Nothing) -> Result<Vec<ReasonRow>, Failure> {
    engine
        .read(|conn| {
            let mut rows = Vec::new();
            for record in queries::all(conn, Kind::Reason)?.into_iter().filter(|record| !record.archived) {
                let reason: Reason = queries::view(&record)?;
                rows.push(ReasonRow {
                    id: record.of.to_string(),
                    code: reason.code,
                    name: reason.name,
                    direction: reason.direction,
                    note_required: reason.note_required,
                });
            }
            rows.sort_by(|a, b| a.code.cmp(&b.code));
            Ok(rows)
        })
        .await
}

pub async fn save(engine: &Engine, args: Save) -> Result<Saved, Failure> {
    super::save::save(engine, Kind::Reason, args).await
}
