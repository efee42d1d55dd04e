//! Bringing in a file of items, locations or opening stock, and writing such files. A file is
//! checked whole before anything is written, and every bad row is named at once; good rows are
//! then recorded in large transactions. What the file does not mention is not touched.

mod cells;
mod columns;
mod export;
mod items;
mod locations;
mod numbers;
mod stock;
mod table;

pub use export::export;

use crate::{Engine, Failure};
use cells::Sheet;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};
use stillage_core::action::Action;
use ts_rs::TS;

/// Actions per transaction: large enough that the disk is not waited for, small enough that others
/// get their turn.
const AT_ONCE: usize = 2000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    Items,
    Locations,
    Stock,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct BadRow {
    pub row: u32,
    pub column: String,
    pub value: String,
    pub code: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ImportReport {
    pub kind: ImportKind,
    pub rows: u32,
    pub good: u32,
    /// Rows that changed something; a row that says what is known already does not.
    pub recorded: u32,
    pub delimiter: String,
    pub encoding: String,
    pub decimal: String,
    pub bad: Vec<BadRow>,
    /// The first line of the file.
    pub headings: Vec<String>,
    /// The heading that was taken for each field.
    #[ts(type = "Record<string, string>")]
    pub places: BTreeMap<&'static str, String>,
}

/// A file and how to read it.
#[derive(Debug, Clone)]
pub struct Order {
    pub path: PathBuf,
    pub kind: Option<ImportKind>,
    /// Heading of a column to the field it means; to nothing, when the column is to be left alone.
    pub map: BTreeMap<String, String>,
}

/// What one row comes to.
#[derive(Debug, Clone, Default)]
struct Step {
    row: u32,
    /// Rows that said the same thing in other words.
    joined: u32,
    actions: Vec<Action>,
}

/// What a file comes to.
#[derive(Debug, Default)]
struct Plan {
    steps: Vec<Step>,
    bad: Vec<BadRow>,
}

/// Only checks.
pub async fn preview(engine: &Engine, order: Order) -> Result<ImportReport, Failure> {
    Ok(checked(engine, order).await?.0)
}

/// Checks, and records what is good.
pub async fn run(engine: &Engine, order: Order) -> Result<ImportReport, Failure> {
    let (mut report, steps) = checked(engine, order).await?;
    let total = steps.len();
    let under_way = UnderWay::start(engine, total);
    let mut done = 0;
    let mut waiting = Vec::new();
    let mut actions = 0;
    for (index, step) in steps.into_iter().enumerate() {
        actions += step.actions.len();
        waiting.push(step);
        if actions >= AT_ONCE || index + 1 == total {
            done += waiting.len();
            record(engine, &mut report, std::mem::take(&mut waiting)).await?;
            actions = 0;
            under_way.done(done, total);
        }
    }
    report.bad.sort_by_key(|bad| bad.row);
    Ok(report)
}

/// Shows an import in the status for as long as it lives.
struct UnderWay<'e>(&'e Engine);

impl<'e> UnderWay<'e> {
    fn start(engine: &'e Engine, total: usize) -> Self {
        engine.imported(Some((0, rows(total))));
        Self(engine)
    }

    fn done(&self, done: usize, total: usize) {
        self.0.imported(Some((rows(done), rows(total))));
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.imported(None);
    }
}

fn rows(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

async fn checked(engine: &Engine, order: Order) -> Result<(ImportReport, Vec<Step>), Failure> {
    let minting = engine.clone();
    engine
        .read(move |conn| {
            let table = table::read(&std::fs::read(&order.path)?)?;
            let columns = columns::find(&table.heading, order.kind, &order.map)?;
            let sheet = Sheet::new(table, columns);
            let plan = plan(conn, &sheet, &|| minting.mint().id())?;
            Ok(report(&sheet, plan))
        })
        .await
}

/// Makes a new id.
type Mints<'a> = &'a dyn Fn() -> uuid::Uuid;

fn plan(conn: &Connection, sheet: &Sheet, mint: Mints<'_>) -> Result<Plan, Failure> {
    match sheet.columns.kind {
        ImportKind::Items => items::plan(conn, sheet, mint),
        ImportKind::Locations => locations::plan(conn, sheet, mint),
        ImportKind::Stock => stock::plan(conn, sheet),
    }
}

fn report(sheet: &Sheet, plan: Plan) -> (ImportReport, Vec<Step>) {
    let mut bad = plan.bad;
    bad.sort_by_key(|bad| bad.row);
    let mut rows: Vec<u32> = bad.iter().map(|bad| bad.row).collect();
    rows.dedup();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let report = ImportReport {
        kind: sheet.columns.kind,
        rows: count(sheet.table.rows.len()),
        good: count(sheet.table.rows.len() - rows.len()),
        recorded: 0,
        delimiter: sheet.table.delimiter.to_string(),
        encoding: sheet.table.encoding.clone(),
        decimal: sheet.decimal.sign().to_string(),
        bad,
        headings: sheet.table.heading.clone(),
        places: sheet.columns.taken(&sheet.table.heading),
    };
    let steps = plan.steps.into_iter().filter(|step| !step.actions.is_empty()).collect();
    (report, steps)
}

/// Records steps in one transaction. A row that the rules of stock refuse becomes a bad row, and
/// the others are tried again without it.
async fn record(engine: &Engine, report: &mut ImportReport, mut steps: Vec<Step>) -> Result<(), Failure> {
    while !steps.is_empty() {
        let actions = steps.iter().flat_map(|step| step.actions.iter().cloned()).collect();
        let failure = match engine.act(actions).await {
            Ok(_) => {
                report.recorded += steps.iter().map(|step| 1 + step.joined).sum::<u32>();
                return Ok(());
            }
            Err(failure) if failure.code.exit() == 4 => failure,
            Err(failure) => return Err(failure),
        };
        let refused = steps.remove(step_of(&steps, failure.details.get("index")));
        report.good = report.good.saturating_sub(1 + refused.joined);
        let text = |name: &str| failure.details.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        report.bad.push(BadRow {
            row: refused.row,
            column: text("field"),
            value: text("key"),
            code: failure.code.name().to_owned(),
            reason: failure.message,
        });
    }
    Ok(())
}

/// The step an action belongs to, by its place among all actions.
fn step_of(steps: &[Step], index: Option<&Value>) -> usize {
    let mut left = index.and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
    for (place, step) in steps.iter().enumerate() {
        match left.checked_sub(step.actions.len()) {
            Some(rest) => left = rest,
            None => return place,
        }
    }
    0
}
