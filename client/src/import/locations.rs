//! Locations from a file: by code, with a parent by code or a path `Hall 1 > Rack A > A1`. Rows may
//! stand in any order; a location is made after the one it stands under.

use super::{Mints, Plan, Step, cells::Cells, cells::Sheet};
use crate::{Failure, commands::save::patch, store::queries};
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use stillage_core::{
    record::{Kind, Ref},
    text::fold,
};

const ROLES: &[(&str, &str)] =
    &[("site", "site"), ("storage", "storage"), ("standort", "site"), ("lagerplatz", "storage")];
const NEGATIVE: &[(&str, &str)] = &[
    ("allow", "allow"),
    ("warn", "warn"),
    ("block", "block"),
    ("erlauben", "allow"),
    ("warnen", "warn"),
    ("sperren", "block"),
];

struct Wanted {
    row: u32,
    code: String,
    parent: Option<String>,
    fields: Map<String, Value>,
    /// It only appears in the path of another one.
    implied: bool,
}

pub fn plan(conn: &Connection, sheet: &Sheet, mint: Mints<'_>) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let mut wanted: HashMap<String, Wanted> = HashMap::new();
    let mut order: Vec<String> = Vec::new();
    for mut cells in sheet.rows() {
        let rows = read(&mut cells);
        if let Some(known) = rows.last().and_then(|row| wanted.get(&fold(&row.code))).filter(|known| !known.implied) {
            let reason = format!("Row {} has this location already.", known.row);
            cells.complain(if cells.has("code") { "code" } else { "path" }, "DUPLICATE", reason);
        }
        if !cells.bad.is_empty() {
            plan.bad.append(&mut cells.bad);
            continue;
        }
        for row in rows {
            let key = fold(&row.code);
            if !wanted.contains_key(&key) {
                order.push(key.clone());
            } else if row.implied {
                continue;
            }
            wanted.insert(key, row);
        }
    }
    let known = unknown_parents(conn, sheet, &wanted)?;
    let is_bad = |row: u32| known.iter().any(|bad| bad.row == row);
    wanted.retain(|_, row| !is_bad(row.row));
    plan.bad.extend(known);
    let mut ids = HashMap::new();
    for key in order {
        place(conn, &mut plan, (&mut wanted, &mut ids), (&key, mint))?;
    }
    Ok(plan)
}

/// The row's location, after those its path implies.
fn read(cells: &mut Cells<'_>) -> Vec<Wanted> {
    let path: Vec<&str> = cells.text("path").unwrap_or_default().split('>').map(str::trim).collect();
    let path: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
    let code = cells.text("code").or(path.last().copied()).unwrap_or_default();
    let field = if cells.text("code").is_some() { "code" } else { "path" };
    if code.is_empty() {
        cells.complain("code", "MISSING", "Every location needs a code.");
    } else if let Err(rejection) = stillage_core::record::fields::check(Kind::Location, "code", &json!(code)) {
        cells.refuse(field, &rejection);
    }
    let mut above: Vec<&str> = path;
    if above.last() == Some(&code) {
        above.pop();
    }
    let mut rows: Vec<Wanted> = Vec::new();
    for (at, part) in above.iter().enumerate() {
        let parent = at.checked_sub(1).map(|up| above[up].to_owned());
        let fields = Map::new();
        rows.push(Wanted { row: cells.number(), code: (*part).to_owned(), parent, fields, implied: true });
    }
    let parent = cells.text("parent").or(above.last().copied()).map(str::to_owned);
    let mut fields = Map::new();
    if cells.has("name") {
        let name = cells.checked(Kind::Location, "name", cells.text("name").map_or(Value::Null, |name| json!(name)));
        fields.extend(name.map(|name| ("name".to_owned(), name)));
    }
    fields.extend(cells.word("role", ROLES).map(|role| ("role".to_owned(), json!(role))));
    fields.extend(cells.word("negative", NEGATIVE).map(|level| ("negative".to_owned(), json!(level))));
    if fields.get("role") == Some(&json!("site")) && parent.is_some() {
        cells.complain("role", "SITE_WITH_PARENT", "A site stands under nothing.");
    }
    if fields.get("role") == Some(&json!("storage")) && parent.is_none() {
        cells.complain("parent", "MISSING", "A storage location stands under another one.");
    }
    rows.push(Wanted { row: cells.number(), code: code.to_owned(), parent, fields, implied: false });
    rows
}

/// Rows under a location that is neither in the file nor known, or under themselves.
fn unknown_parents(
    conn: &Connection,
    sheet: &Sheet,
    wanted: &HashMap<String, Wanted>,
) -> Result<Vec<super::BadRow>, Failure> {
    let mut bad = Vec::new();
    for mut cells in sheet.rows() {
        let at = wanted.values().find(|row| row.row == cells.number() && !row.implied);
        let Some(row) = at else { continue };
        let field = if cells.has("parent") { "parent" } else { "path" };
        let mut seen = vec![fold(&row.code)];
        let mut next = row.parent.clone();
        while let Some(parent) = next {
            let key = fold(&parent);
            if seen.contains(&key) {
                cells.complain(field, "TREE_LOOP", "A location cannot stand under itself.");
                break;
            }
            match wanted.get(&key) {
                Some(above) => next = above.parent.clone(),
                None => {
                    if queries::by_key(conn, Kind::Location, &parent)?.is_none() {
                        let reason = format!("There is no location {parent}, neither here nor in this file.");
                        cells.complain(field, "NOT_FOUND", reason);
                    }
                    break;
                }
            }
            seen.push(key);
        }
        bad.append(&mut cells.bad);
    }
    Ok(bad)
}

type Places<'a> = (&'a mut HashMap<String, Wanted>, &'a mut HashMap<String, Ref>);

/// Plans one location and before it everything it stands under; its id.
fn place(
    conn: &Connection,
    plan: &mut Plan,
    (wanted, ids): Places<'_>,
    (key, mint): (&str, Mints<'_>),
) -> Result<Option<Ref>, Failure> {
    if let Some(of) = ids.get(key) {
        return Ok(Some(*of));
    }
    let Some(row) = wanted.remove(key) else {
        return Ok(queries::by_key(conn, Kind::Location, key)?.map(|found| found.of));
    };
    let parent = match &row.parent {
        Some(parent) => place(conn, plan, (wanted, ids), (&fold(parent), mint))?,
        None => None,
    };
    let now = queries::by_key(conn, Kind::Location, &row.code)?;
    let of = now.as_ref().map_or_else(|| Ref { kind: Kind::Location, id: mint() }, |record| record.of);
    ids.insert(key.to_owned(), of);
    let mut fields = row.fields;
    fields.extend(parent.map(|parent| ("parent".to_owned(), json!(parent))));
    if now.is_none() {
        fields.insert("code".into(), json!(row.code));
    }
    let save = patch(Kind::Location, of, now.as_ref(), fields)?;
    if !save.patch.is_empty() {
        plan.steps.push(Step { row: row.row, joined: 0, actions: vec![save.into()] });
    }
    Ok(Some(of))
}
