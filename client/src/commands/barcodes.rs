//! Scannable codes of items, each with its unit and how many of them one scan stands for.

use super::{
    save::{Archive, Save, Saved},
    stock::Recorded,
};
use crate::{Code, Engine, Failure};
use serde_json::{Value, json};
use stillage_core::{
    gtin::{self, Scanned},
    record::Kind,
};

pub async fn save(engine: &Engine, args: Save) -> Result<Saved, Failure> {
    if let Some(code) = args.fields.get("code").and_then(Value::as_str)
        && gtin::read(code) == Scanned::Misread
    {
        return Err(Failure::new(
            Code::BadInput,
            format!("The check digit of {code} is wrong."),
            "Scan the code again, or read it off the label digit by digit.",
        )
        .with(json!({ "field": "code", "problem": "misread" })));
    }
    super::save::save(engine, Kind::Barcode, args).await
}

pub async fn archive(engine: &Engine, args: Archive) -> Result<Recorded, Failure> {
    super::save::archive(engine, Kind::Barcode, args).await
}
