//! Generated files in git are what their generators make today. With `STILLAGE_GENERATE=write` these same tests write
//! the files instead of comparing them; that is what `cargo xtask generate` does.

use std::env;
use std::fs;

use stillage_server::postgres::TrialDatabase;

use crate::programs::{output_of, root};

fn keep(path: &str, made: &str) {
    let file = root().join(path);
    if env::var("STILLAGE_GENERATE").is_ok_and(|mode| mode == "write") {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, made).unwrap();
        return;
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    if let Some(difference) = first_difference(&kept, made) {
        panic!("{path} is out of date: run `cargo xtask generate` and commit the result.\n{difference}");
    }
}

fn first_difference(kept: &str, made: &str) -> Option<String> {
    if kept == made {
        return None;
    }
    let (mut old, mut new) = (kept.lines(), made.lines());
    for number in 1.. {
        let (old, new) = (old.next(), new.next());
        if old != new {
            let show = |line: Option<&str>| line.unwrap_or("(end of file)").to_owned();
            return Some(format!("line {number}\n  in git: {}\n  now:    {}", show(old), show(new)));
        }
        if old.is_none() {
            break;
        }
    }
    Some("they differ in line ends only".to_owned())
}

/// One newline at the end, whatever the program printed.
fn text(made: &str) -> String {
    format!("{}\n", made.trim_end())
}

#[test]
fn schema_graphql_is_what_the_server_serves() {
    keep("sync-server/schema.graphql", &text(&output_of("stillage-server", &["schema"], &[])));
}

#[test]
fn bindings_ts_is_what_the_client_speaks() {
    keep("ui/src/backend/bindings.ts", &text(&output_of("stillage", &["bindings"], &[])));
}

#[test]
fn client_schema_sql_is_what_the_migrations_make() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    let schema = output_of("stillage", &["--data", home, "client-schema"], &[]);
    keep("migrations/client.schema.sql", &text(&schema));
}

#[test]
fn server_schema_sql_is_what_the_migrations_make() {
    let trial = TrialDatabase::create().unwrap();
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    output_of("stillage-server", &["--data", home, "migrate"], &[("DATABASE_URL", trial.url())]);
    keep("migrations/server.schema.sql", &text(&readable(&trial.dump_schema().unwrap())));
}

/// What pg_dump prints, without what differs from one version of it to the next: comments, settings, and the random
/// token of `\restrict`.
pub fn readable(dump: &str) -> String {
    let noise = ["--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict"];
    let mut lines: Vec<&str> = Vec::new();
    for line in dump.lines().filter(|line| !noise.iter().any(|start| line.starts_with(start))) {
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line);
        }
    }
    lines.join("\n")
}
