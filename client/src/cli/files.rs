//! Files in and out, and what the build keeps generated copies of.

use super::{
    Outcome, Said,
    arguments::Kind,
    show::{left, right, table},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufWriter, Write},
    path::Path,
};
use stillage_client::{
    Engine, Failure,
    commands::typescript,
    import::{self, ImportKind},
    store::{dump, migrate},
};

fn import_kind(kind: Kind) -> ImportKind {
    match kind {
        Kind::Items => ImportKind::Items,
        Kind::Locations => ImportKind::Locations,
        Kind::Stock => ImportKind::Stock,
    }
}

/// Exit 4 when a row is bad: the others are recorded all the same.
pub async fn import(
    engine: &Engine,
    (file, kind, map): (&Path, Option<Kind>, Vec<String>),
    dry_run: bool,
) -> Result<Said, Failure> {
    let mut columns = BTreeMap::new();
    for pair in map {
        let (column, field) = pair
            .split_once('=')
            .ok_or_else(|| Failure::bad_input(format!("--map needs COLUMN=FIELD and got {pair:?}.")))?;
        columns.insert(column.to_owned(), field.to_owned());
    }
    let path = std::path::absolute(file)?;
    let args = json!({ "path": path, "kind": kind.map(import_kind), "map": columns });
    let verb = if dry_run { "import.preview" } else { "import.run" };
    let report = engine.call(verb, args).await?;
    let bad = report["bad"].as_array().cloned().unwrap_or_default();
    let mut text = format!(
        "{} of {} rows are good; {} recorded. Read as {}, columns split by {:?}, decimals with {:?}.",
        report["good"],
        report["rows"],
        report["recorded"],
        plain(&report, "encoding"),
        plain(&report, "delimiter"),
        plain(&report, "decimal"),
    );
    if !bad.is_empty() {
        let columns = [
            right("ROW", "row"),
            left("COLUMN", "column"),
            left("VALUE", "value"),
            left("CODE", "code"),
            left("REASON", "reason"),
        ];
        text = format!("{text}\n\n{}", table(&columns, &bad));
    }
    Ok(Said { exit: if bad.is_empty() { 0 } else { 4 }, ..Said::new(report, text) })
}

/// Exit 0 also when everything of it is here already.
pub async fn bootstrap(engine: &Engine, from: &Path) -> Result<Said, Failure> {
    let brought = engine.bootstrap(std::path::absolute(from)?).await?;
    let text = format!(
        "{} rows of {} scopes are in, {} bytes read. The next sync goes on from there.",
        brought.rows,
        brought.scopes.len(),
        brought.bytes
    );
    Ok(Said::new(serde_json::to_value(&brought)?, text))
}

fn plain<'v>(report: &'v Value, name: &str) -> &'v str {
    report[name].as_str().unwrap_or_default()
}

pub async fn export(engine: &Engine, kind: Kind) -> Result<(), Failure> {
    let file = import::export(engine, import_kind(kind)).await?;
    write_all(&file)
}

fn write_all(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(fault) if fault.kind() != std::io::ErrorKind::BrokenPipe => Err(fault.into()),
        _ => Ok(()),
    }
}

/// The lines alone, with or without `--json`: two dumps are compared byte for byte.
pub async fn dump(engine: &Engine) -> Result<(), Failure> {
    engine
        .read(|conn| {
            let mut out = BufWriter::new(std::io::stdout());
            dump::dump(conn, |line| Ok(writeln!(out, "{line}")?))?;
            Ok(out.flush()?)
        })
        .await
}

pub fn bindings() -> Said {
    let text = typescript::bindings();
    Said::new(json!(text), text)
}

/// The schema of a fresh database, in the order in which it is made.
pub async fn client_schema() -> Outcome {
    let mut connection = rusqlite::Connection::open_in_memory()?;
    migrate::migrate(&mut connection)?;
    let text = stillage_client::store::queries::schema(&connection)?;
    Ok(Some(Said::new(json!(text), text)))
}
