//! People type SKUs and codes; commands take ids.

use stillage_client::{
    Code, Engine, Failure,
    store::queries::{self, search},
};
use stillage_core::{
    id::ItemId,
    record::{Kind, Record, Ref},
};

pub async fn item(engine: &Engine, sku: &str) -> Result<ItemId, Failure> {
    let typed = sku.to_owned();
    let found = engine.read(move |conn| Ok(search::item_named(conn, &typed)?)).await?;
    found.ok_or_else(|| unknown(Kind::Item, sku))
}

pub async fn known(engine: &Engine, kind: Kind, key: &str) -> Result<Ref, Failure> {
    find(engine, kind, key).await?.map(|record| record.of).ok_or_else(|| unknown(kind, key))
}

/// The record with this key, if there is one. A category goes by its name; an id is taken as it is.
pub async fn find(engine: &Engine, kind: Kind, key: &str) -> Result<Option<Record>, Failure> {
    let typed = key.to_owned();
    engine
        .read(move |conn| {
            if let Some(of) = typed.parse::<Ref>().ok().filter(|of| of.kind == kind) {
                return Ok(queries::record(conn, of)?);
            }
            if kind != Kind::Category {
                return Ok(queries::by_key(conn, kind, &typed)?);
            }
            let named = |record: &Record| !record.archived && record.name().to_lowercase() == typed.to_lowercase();
            Ok(queries::all(conn, kind)?.into_iter().find(named))
        })
        .await
}

pub fn unknown(kind: Kind, key: &str) -> Failure {
    Failure::new(Code::NotFound, format!("There is no {kind} {key}."), "Check how it is written.")
        .with(serde_json::json!({ "kind": kind.name(), "key": key }))
}
