//! The tree of categories, by name.

use super::{
    Nothing,
    save::{Save, Saved},
};
use crate::{Engine, Failure, store::queries};
use serde::Serialize;
use stillage_core::record::{Category, Kind};
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct CategoryRow {
    pub id: String,
    pub name: String,
    pub parent: Option<String>,
}

pub async fn list(engine: &Engine, _: Nothing) -> Result<Vec<CategoryRow>, Failure> {
    engine
        .read(|conn| {
            let mut rows = Vec::new();
            for record in queries::all(conn, Kind::Category)?.into_iter().filter(|record| !record.archived) {
                let category: Category = queries::view(&record)?;
                let parent = category.parent.map(|parent| parent.to_string());
                rows.push(CategoryRow { id: record.of.to_string(), name: category.name, parent });
            }
            rows.sort_by_key(|row| row.name.to_lowercase());
            Ok(rows)
        })
        .await
}

pub async fn save(engine: &Engine, args: Save) -> Result<Saved, Failure> {
    super::save::save(engine, Kind::Category, args).await
}
