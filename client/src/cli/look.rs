//! Verbs that only look.

use super::{
    Said,
    arguments::Filter,
    cards, names,
    show::{self, at, left, right, table},
};
use serde_json::{Value, json};
use stillage_client::{Engine, Failure};
use stillage_core::record::Kind;

type Window = (u32, u32);

pub async fn items(
    engine: &Engine,
    search: Option<String>,
    filter: Option<Filter>,
    (offset, limit): Window,
) -> Result<Said, Failure> {
    let filter = match filter.unwrap_or(Filter::All) {
        Filter::All => "all",
        Filter::Low => "low",
        Filter::Expiring => "expiring",
        Filter::NeverCounted => "never_counted",
        Filter::Negative => "negative",
        Filter::Archived => "archived",
    };
    let args = json!({ "search": search, "filter": filter, "offset": offset, "limit": limit });
    let page = engine.call("items.list", args).await?;
    let columns = [
        left("SKU", "sku"),
        left("NAME", "name"),
        right("ON HAND", "on_hand"),
        right("AVAILABLE", "available"),
        left("UNIT", "unit"),
        right("MIN", "min"),
        left("WAITING", "pending"),
    ];
    Ok(listed(page, &columns, "items"))
}

fn listed(page: Value, columns: &[show::Column], what: &str) -> Said {
    let rows = page["rows"].as_array().cloned().unwrap_or_default();
    let text = format!("{}\n{} of {} {what}", table(columns, &rows), rows.len(), page["total"]);
    Said::new(page, text)
}

pub async fn item(engine: &Engine, sku: &str) -> Result<Said, Failure> {
    let id = names::item(engine, sku).await?;
    let card = engine.call("items.get", json!({ "id": id })).await?;
    let list = |name: &str, field: &str| {
        let entries = card[name].as_array().into_iter().flatten();
        entries.map(|entry| show::text(at(entry, field))).collect::<Vec<_>>().join(", ")
    };
    let packs = card["packs"].as_array().into_iter().flatten().map(|pack| match &pack["denominator"] {
        one if *one == json!(1) => format!("{}={}", show::text(&pack["code"]), pack["numerator"]),
        denominator => format!("{}={}/{denominator}", show::text(&pack["code"]), pack["numerator"]),
    });
    let aliases = card["aliases"].as_array().into_iter().flatten().map(show::text);
    let facts = show::facts(&[
        ("SKU", show::text(&card["sku"])),
        ("name", show::text(&card["name"])),
        ("description", show::text(&card["description"])),
        ("unit", show::text(&card["unit"])),
        ("packs", packs.collect::<Vec<_>>().join(", ")),
        ("tracking", show::text(&card["tracking"])),
        ("category", show::text(&card["category"]["name"])),
        ("minimum", show::text(&card["min"])),
        ("reorder point", show::text(&card["reorder_point"])),
        ("barcodes", list("barcodes", "code")),
        ("other names", aliases.collect::<Vec<_>>().join(", ")),
        ("on hand", show::text(&card["on_hand"])),
        ("available", show::text(&card["available"])),
        ("archived", show::text(&card["archived"])),
        ("id", show::text(&card["id"])),
    ]);
    let cells = card["cells"].as_array().cloned().unwrap_or_default();
    let text = if cells.is_empty() { facts } else { format!("{facts}\n\n{}", table(&CELLS[1..], &cells)) };
    Ok(Said::new(card, text))
}

const CELLS: [show::Column; 7] = [
    left("SKU", "item.sku"),
    left("LOCATION", "location.code"),
    left("LOT", "lot.code"),
    left("EXPIRY", "lot.expiry"),
    left("STATUS", "status"),
    right("ON HAND", "on_hand"),
    left("COUNTED", "last_counted"),
];

pub async fn stock(engine: &Engine, location: Option<String>, (offset, limit): Window) -> Result<Said, Failure> {
    if let Some(code) = location {
        let of = names::known(engine, Kind::Location, &code).await?;
        let args = json!({ "id": of, "below": true, "offset": offset, "limit": limit });
        return Ok(listed(engine.call("locations.contents", args).await?, &CELLS, "cells"));
    }
    let rows = engine.call("locations.list", json!({})).await?;
    let rows = rows.as_array().cloned().unwrap_or_default();
    let (mut cells, mut total) = (Vec::new(), 0);
    for row in rows.iter().filter(|row| row["items"] != json!(0)) {
        let args = json!({ "id": row["id"], "below": false, "offset": 0, "limit": u32::MAX });
        let page = engine.call("locations.contents", args).await?;
        total += page["total"].as_u64().unwrap_or(0);
        cells.extend(page["rows"].as_array().cloned().unwrap_or_default());
    }
    let rows: Vec<Value> = cells.into_iter().skip(offset as usize).take(limit as usize).collect();
    Ok(listed(json!({ "rows": rows, "total": total }), &CELLS, "cells"))
}

pub async fn history(engine: &Engine, sku: &str, limit: u32) -> Result<Said, Failure> {
    let id = names::item(engine, sku).await?;
    let rows = engine.call("items.history", json!({ "id": id, "limit": limit })).await?;
    let columns = [
        left("AT", "at"),
        left("KIND", "kind"),
        right("QTY", "qty"),
        left("FROM", "from.code"),
        left("TO", "to.code"),
        left("LOT", "lot.code"),
        left("REASON", "reason.code"),
        left("STATE", "state"),
        left("REVERSED", "reversed"),
        left("PERSON", "person"),
        left("ID", "id"),
    ];
    let shown = table(&columns, rows.as_array().map(Vec::as_slice).unwrap_or_default());
    Ok(Said::new(rows, shown))
}

pub async fn inbox(engine: &Engine, resolved: bool) -> Result<Said, Failure> {
    let state = if resolved { "resolved" } else { "open" };
    let answer = engine.call("inbox.list", json!({ "state": state })).await?;
    let columns = [
        left("ID", "id"),
        left("KIND", "kind"),
        left("ABOUT", "subject.label"),
        left("FIELD", "field"),
        left("BEFORE", "base"),
        left("MINE", "mine"),
        left("THEIRS", "theirs"),
        left("BY", "theirs_by"),
        left("CODE", "code"),
    ];
    let rows: Vec<Value> = answer.as_array().into_iter().flatten().map(cards::row).collect();
    let text = if rows.is_empty() { "Nothing waits.".to_owned() } else { table(&columns, &rows) };
    Ok(Said::new(answer, text))
}
