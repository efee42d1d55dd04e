//! Where a backup goes, and what may be in the way there.

use super::backup;
use crate::{
    programs::root,
    world::{World, furnish},
};
use serde_json::json;
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};
use stillage_server::postgres::{Durability, PrivatePostgres, TrialDatabase};

#[test]
fn a_backup_of_an_older_schema_is_restored_and_brought_up_to_date() {
    let older = root().join("tests/fixtures/v1/server.sql");
    let database = TrialDatabase::create().unwrap();
    database.restore(&older).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("older.backup");
    database.archive(&file).unwrap();
    // The same, brought up to date where it is.
    let there = World::on(database);
    let mut world = World::start();
    world.lose_server();
    let restored = world.restore(file.to_str().unwrap());
    assert_eq!(restored["verified"], true, "{restored}");
    assert_eq!(world.server_dump(), there.server_dump());
}

#[test]
fn a_full_disk_leaves_a_clear_error_and_an_empty_place() {
    let mut world = World::on(TrialDatabase::create().unwrap());
    world.stop_server();
    let database = world.database.take().unwrap();
    let path = |name: &str| world.dir.path().join(name);
    // A table larger than any file Postgres needs to come up.
    fs::write(path("rows.sql"), "CREATE TABLE filler AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 24000)")
        .unwrap();
    database.restore(&path("rows.sql")).unwrap();
    database.archive(&path("large.backup")).unwrap();
    let file = path("large.backup").display().to_string();
    // Not a whole number of pages: the last write is cut short, as on a disk that is full.
    let (answer, exit) = world.server_exit_within((16 << 20) + 4096, &["restore", &file]);
    assert_eq!((&answer["error"]["code"], exit), (&json!("DISK_FULL"), 5), "{answer}");
    assert!(!answer["error"]["next"].as_str().unwrap().is_empty());
    let restored = world.server(&["restore", &file]);
    assert_eq!(restored["verified"], true, "nothing was in the way: {restored}");
}

#[test]
fn a_restore_waits_for_nobody_when_a_server_runs_on_the_target() {
    let world = World::start();
    let (file, _) = backup(&world, "empty.backup");
    let (answer, exit) = world.server_exit(&["restore", &file]);
    assert_eq!((&answer["error"]["code"], exit), (&json!("BUSY"), 5), "{answer}");
    assert!(!answer["error"]["next"].as_str().unwrap().is_empty());
    let mut ana = world.desktop("Ana");
    furnish(&mut ana);
    world.check(&mut [&mut ana]);
}

/// A cluster that asks everybody for a password, with one database for each name.
fn guarded(dir: &Path, password: &str, databases: &[&str]) -> PrivatePostgres {
    let cluster = PrivatePostgres::start(dir, Durability::Tests).unwrap();
    for name in databases {
        cluster.create_database(name).unwrap();
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&cluster.url()).await.unwrap();
        let sql = format!("ALTER ROLE postgres PASSWORD '{password}'");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&pool).await.unwrap();
        fs::write(dir.join("data/pg_hba.conf"), "local all all scram-sha-256\n").unwrap();
        sqlx::query("SELECT pg_reload_conf()").execute(&pool).await.unwrap();
        let open = async || sqlx::PgPool::connect(&cluster.url()).await.is_ok();
        // It takes the new rule up in its own time.
        let mut asked = 0;
        while open().await {
            asked += 1;
            assert!(asked < 10_000, "it lets everybody in");
        }
        pool.close().await;
    });
    cluster
}

/// Every argument list on this machine that `secret` was seen in until told to stop.
fn told_of(secret: &str, stop: &AtomicBool) -> Vec<String> {
    let mut told = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let arguments = String::from_utf8_lossy(&arguments).into_owned();
            told.extend(arguments.contains(secret).then_some(arguments));
        }
    }
    told
}

/// Tells the others to stop, also when the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_database_with_a_password_is_backed_up_and_restored_and_no_argument_list_tells_it() {
    let home = tempfile::Builder::new().prefix("stillage-pg-").tempdir().unwrap();
    let cluster = guarded(home.path(), "s3@cret/x", &["source", "target"]);
    let url = |name: &str| cluster.url_of(name).replace("postgres@", "postgres:s3%40cret%2Fx@");
    let mut world = World::at(url("source"));
    let mut ana = world.desktop("Ana");
    furnish(&mut ana);
    world.check(&mut [&mut ana]);
    let before = world.server_dump();
    let stop = AtomicBool::new(false);
    let told = std::thread::scope(|scope| {
        let watching = [scope.spawn(|| told_of("s3%40cret", &stop)), scope.spawn(|| told_of("s3@cret", &stop))];
        let stopped = Stop(&stop);
        let (file, _) = backup(&world, "day.backup");
        world.stop_server();
        world.database_url = Some(url("target"));
        let restored = world.server(&["restore", &file]);
        drop(stopped);
        assert_eq!(restored["verified"], true, "{restored}");
        let (again, exit) = world.server_exit(&["restore", &file]);
        assert_eq!((&again["error"]["code"], exit), (&json!("RESTORE_NOT_EMPTY"), 4), "{again}");
        watching.map(|watching| watching.join().unwrap()).concat()
    });
    assert_eq!(told, Vec::<String>::new());
    assert_eq!(world.server_dump(), before);
}
