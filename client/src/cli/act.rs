//! Verbs that record something. Each is one command of the list, with codes turned into ids.

use super::{
    Said,
    arguments::{Archived, BarcodeFields, CategoryFields, ItemFields, Keep, Line, LocationFields, ReasonFields},
    names, show,
};
use serde_json::{Map, Value, json};
use stillage_client::{Engine, Failure};
use stillage_core::{
    money::Money,
    record::{Kind, Ref},
};

pub async fn stock(engine: &Engine, verb: &str, line: Line) -> Result<Said, Failure> {
    let item = names::item(engine, &line.sku).await?;
    let mut entry = Fields::default();
    entry.set("item", Some(item));
    entry.set("location", Some(names::known(engine, Kind::Location, &line.location).await?));
    if let Some(to) = &line.to {
        entry.set("to", Some(names::known(engine, Kind::Location, to).await?));
    }
    if let Some(reason) = &line.reason {
        entry.set("reason", Some(names::known(engine, Kind::Reason, reason).await?));
    }
    entry.set("qty", Some(line.qty.join(" ")));
    entry.set("lot", line.lot);
    entry.set("expiry", line.expiry);
    entry.set("serial", line.serial);
    entry.set("status", line.status);
    entry.set("to_status", line.to_status);
    entry.set("note", line.note);
    entry.set("reference", line.reference);
    entry.set("cost", line.cost.as_deref().map(cost).transpose()?);
    let recorded = engine.call(&format!("stock.{verb}"), entry.into()).await?;
    let text = format!("Recorded. {} now has {} at {}.", line.sku, show::text(&recorded["on_hand"]), line.location);
    Ok(Said::new(recorded, text))
}

/// `2.50EUR` in minor units.
fn cost(typed: &str) -> Result<Money, Failure> {
    let letters = typed.find(char::is_alphabetic).unwrap_or(typed.len());
    let (amount, currency) = typed.split_at(letters);
    Money::read(amount, currency)
        .map_err(|_| Failure::bad_input(format!("{typed:?} is not a cost. Write it like 2.50EUR, or 300JPY.")))
}

/// Fields that were given; what was not stays as it is.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, name: &str, value: Option<impl serde::Serialize>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), json!(value));
        }
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Object(fields.0)
    }
}

async fn save(engine: &Engine, noun: &str, of: Option<Ref>, fields: Fields) -> Result<Said, Failure> {
    let saved = engine.call(&format!("{noun}.save"), json!({ "id": of, "fields": fields.0 })).await?;
    let text = format!("Saved as {}.", show::text(&saved["id"]));
    Ok(Said::new(saved, text))
}

pub async fn item_save(engine: &Engine, given: ItemFields) -> Result<Said, Failure> {
    let of = names::find(engine, Kind::Item, &given.sku).await?.map(|record| record.of);
    let mut fields = Fields::default();
    fields.set("sku", given.new_sku.or_else(|| of.is_none().then_some(given.sku)));
    fields.set("name", given.name);
    fields.set("description", given.description);
    fields.set("base_unit", given.unit);
    fields.set("display_scale", given.scale);
    fields.set("tracking", given.tracking);
    fields.set("min", given.min);
    fields.set("reorder_point", given.reorder_point);
    fields.set("aliases", Some(given.alias).filter(|aliases| !aliases.is_empty()));
    if !given.pack.is_empty() {
        let packs: Result<Vec<Value>, Failure> = given.pack.iter().map(|text| pack(text)).collect();
        fields.set("packs", Some(packs?));
    }
    if let Some(category) = &given.category {
        fields.set("category", Some(names::known(engine, Kind::Category, category).await?));
    }
    save(engine, "items", of, fields).await
}

fn pack(text: &str) -> Result<Value, Failure> {
    let read = text.split_once('=').and_then(|(code, ratio)| {
        let (numerator, denominator) = ratio.split_once('/').unwrap_or((ratio, "1"));
        Some(json!({
            "code": code.trim(),
            "numerator": numerator.trim().parse::<i64>().ok()?,
            "denominator": denominator.trim().parse::<i64>().ok()?,
        }))
    });
    read.ok_or_else(|| Failure::bad_input(format!("{text:?} is not a pack. Write it like BOX=12.")))
}

pub async fn location_save(engine: &Engine, given: LocationFields) -> Result<Said, Failure> {
    let of = names::find(engine, Kind::Location, &given.code).await?.map(|record| record.of);
    let mut fields = Fields::default();
    fields.set("code", given.new_code.or_else(|| of.is_none().then_some(given.code)));
    fields.set("name", given.name);
    fields.set("role", given.role);
    fields.set("negative", given.negative);
    if let Some(parent) = &given.parent {
        fields.set("parent", Some(names::known(engine, Kind::Location, parent).await?));
    }
    save(engine, "locations", of, fields).await
}

pub async fn barcode_save(engine: &Engine, given: BarcodeFields) -> Result<Said, Failure> {
    let of = names::find(engine, Kind::Barcode, &given.code).await?.map(|record| record.of);
    let mut fields = Fields::default();
    fields.set("item", Some(names::item(engine, &given.sku).await?));
    fields.set("code", of.is_none().then_some(given.code));
    fields.set("unit", given.unit);
    fields.set("units_per_scan", given.units_per_scan);
    save(engine, "barcodes", of, fields).await
}

pub async fn category_save(engine: &Engine, given: CategoryFields) -> Result<Said, Failure> {
    let of = names::find(engine, Kind::Category, &given.name).await?.map(|record| record.of);
    let mut fields = Fields::default();
    fields.set("name", given.new_name.or_else(|| of.is_none().then_some(given.name)));
    if let Some(parent) = &given.parent {
        fields.set("parent", Some(names::known(engine, Kind::Category, parent).await?));
    }
    save(engine, "categories", of, fields).await
}

pub async fn reason_save(engine: &Engine, given: ReasonFields) -> Result<Said, Failure> {
    let of = names::find(engine, Kind::Reason, &given.code).await?.map(|record| record.of);
    let mut fields = Fields::default();
    fields.set("code", of.is_none().then_some(given.code));
    fields.set("name", given.name);
    fields.set("direction", given.direction);
    fields.set("note_required", given.note_required);
    save(engine, "reasons", of, fields).await
}

pub async fn archive(engine: &Engine, kind: Archived, code: &str, archived: bool) -> Result<Said, Failure> {
    let (kind, noun) = match kind {
        Archived::Item => (Kind::Item, "items"),
        Archived::Location => (Kind::Location, "locations"),
        Archived::Barcode => (Kind::Barcode, "barcodes"),
    };
    let of = match (kind, archived) {
        (Kind::Item, true) => names::item(engine, code).await?.into(),
        _ => names::known(engine, kind, code).await?,
    };
    let recorded = engine.call(&format!("{noun}.archive"), json!({ "id": of, "archived": archived })).await?;
    let text = if archived { format!("{code} is archived.") } else { format!("{code} is back.") };
    Ok(Said::new(recorded, text))
}

pub async fn resolve(engine: &Engine, id: &str, keep: Option<Keep>, value: Option<String>) -> Result<Said, Failure> {
    let keep = match (keep, &value) {
        (Some(Keep::Mine), _) => "mine",
        (Some(Keep::Theirs), _) => "theirs",
        (Some(Keep::Recount), _) => "recount",
        (Some(Keep::Discard), _) => "discard",
        (Some(Keep::Value), _) | (None, Some(_)) => "value",
        (None, None) => return Err(Failure::bad_input("Say what to keep: --keep mine, or --value TEXT.")),
    };
    // A JSON text is that text; anything else is taken as it stands.
    let value = value.map(|typed| serde_json::from_str::<String>(&typed).unwrap_or(typed));
    let recorded = engine.call("inbox.resolve", json!({ "id": id, "keep": keep, "value": value })).await?;
    Ok(Said::new(recorded, "Answered.".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_read_in_the_digits_of_its_currency() {
        let minor = |typed| cost(typed).map(|money| (money.minor, money.currency)).ok();
        assert_eq!(minor("2.50EUR"), Some((250, "EUR".into())));
        assert_eq!(minor("300 jpy"), Some((300, "JPY".into())));
        assert_eq!((minor("0.5JPY"), minor("2.50"), minor("EUR")), (None, None, None));
    }
}
