//! Real clusters, started, stopped and killed.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

/// Under a root account the parent must be passable for `postgres`, so the directory itself is the cluster's.
fn home() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("stillage-pg-").tempdir().unwrap()
}

fn ask(postgres: &PrivatePostgres, sql: &str) -> String {
    let answer = postgres.cluster.tools.psql(&postgres.url(), sql).unwrap();
    answer.trim().to_owned()
}

fn pid_of(dir: &Path) -> String {
    let text = fs::read_to_string(dir.join("data/postmaster.pid")).unwrap();
    text.lines().next().unwrap().to_owned()
}

fn kill(signal: &str, pid: &str) {
    let status = Command::new("kill").args([signal, pid]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_restarted_cluster_keeps_its_data() {
    let home = home();
    let first = PrivatePostgres::start(home.path(), Durability::Full).unwrap();
    ask(&first, "CREATE TABLE kept AS SELECT 42 AS n");
    drop(first);
    assert!(!home.path().join("data/postmaster.pid").exists());

    let second = PrivatePostgres::start(home.path(), Durability::Full).unwrap();
    assert_eq!(ask(&second, "SELECT n FROM kept"), "42");
    assert_eq!(ask(&second, "SHOW fsync"), "on");
}

#[test]
fn a_second_user_joins_and_the_last_one_out_stops_it() {
    let home = home();
    let first = PrivatePostgres::start(home.path(), Durability::Full).unwrap();
    let pid = pid_of(home.path());
    let second = PrivatePostgres::start(home.path(), Durability::Full).unwrap();
    assert_eq!(first.url(), second.url());

    drop(first);
    assert_eq!(ask(&second, "SELECT 1"), "1");
    assert_eq!(pid_of(home.path()), pid);
    drop(second);
    assert!(!home.path().join("data/postmaster.pid").exists());
}

#[test]
fn a_killed_postmaster_leaves_nothing_in_the_way_of_the_next_start() {
    let home = home();
    let first = PrivatePostgres::start(home.path(), Durability::Full).unwrap();
    ask(&first, "CREATE TABLE kept AS SELECT 7 AS n");
    kill("-KILL", &pid_of(home.path()));

    let second = PrivatePostgres::start(home.path(), Durability::Full).unwrap();
    assert_eq!(ask(&second, "SELECT n FROM kept"), "7");
    drop(first);
    assert_eq!(ask(&second, "SELECT n FROM kept"), "7");
}

#[test]
fn a_cluster_whose_postmaster_was_killed_is_mended_by_those_who_use_it() {
    let home = home();
    let [first, second] = [(); 2].map(|()| PrivatePostgres::start(home.path(), Durability::Full).unwrap());
    ask(&first, "CREATE TABLE kept AS SELECT 7 AS n");
    assert!(!first.mend().unwrap(), "nothing is wrong yet");
    let killed = pid_of(home.path());
    kill("-KILL", &killed);
    while !first.mend().unwrap() {}
    assert_ne!(pid_of(home.path()), killed);
    assert!(!second.mend().unwrap(), "one of them is enough");
    assert_eq!(ask(&second, "SELECT n FROM kept"), "7");
}

#[test]
fn a_stale_pid_file_that_names_a_living_stranger_is_seen_through() {
    let home = home();
    drop(PrivatePostgres::start(home.path(), Durability::Full).unwrap());
    let stranger = std::process::id();
    let data = home.path().join("data");
    let text = format!("{stranger}\n{}\n1\n5432\n/tmp\n\n", data.display());
    fs::write(data.join("postmaster.pid"), text).unwrap();

    let postgres = PrivatePostgres::start(home.path(), Durability::Full).unwrap();
    assert_eq!(ask(&postgres, "SELECT 1"), "1");
}

#[test]
fn a_half_made_cluster_is_made_again() {
    let home = home();
    fs::create_dir(home.path().join("data.new")).unwrap();
    fs::write(home.path().join("data.new/PG_VERSION"), "15\n").unwrap();

    let postgres = PrivatePostgres::start(home.path(), Durability::Full).unwrap();
    assert_eq!(ask(&postgres, "SELECT 1"), "1");
}

#[test]
fn a_path_too_long_for_a_socket_finds_a_shorter_place() {
    let home = home();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let long = home.path().join("a directory, with 'odd' signs").join("x".repeat(90));
    let postgres = PrivatePostgres::start(&long, Durability::Full).unwrap();
    assert!(!postgres.socket_dir.starts_with(&long));
    assert_eq!(ask(&postgres, "SELECT current_database()"), "stillage");
    fs::remove_dir_all(&postgres.socket_dir).unwrap();
}

#[test]
fn a_parent_nobody_may_pass_is_named() {
    let account = Account::for_cluster().unwrap();
    if account.uid == account.own_uid {
        return; // an ordinary user runs Postgres as itself and needs no passage
    }
    let home = home();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let fault = PrivatePostgres::start(&home.path().join("inner"), Durability::Full).unwrap_err();
    let PostgresFault::NoPassage { parent, .. } = fault else {
        panic!("{fault}");
    };
    assert_eq!(parent, home.path());
}

#[test]
fn a_cluster_of_a_version_that_is_not_installed_is_refused() {
    let home = home();
    fs::create_dir(home.path().join("data")).unwrap();
    fs::write(home.path().join("data/PG_VERSION"), "9\n").unwrap();
    let fault = PrivatePostgres::start(home.path(), Durability::Full).unwrap_err();
    assert!(matches!(fault, PostgresFault::WrongMajor { made_by: 9, .. }));
}

#[test]
fn the_cluster_outlives_a_killed_user_by_moments_only() {
    let home = home();
    let mut postgres = PrivatePostgres::start(home.path(), Durability::Full).unwrap();
    // What the kernel does for a killed process: the pipe ends without a word and the lock goes with it.
    drop(postgres.watcher.pipe.take());
    postgres.users.unlock().unwrap();
    postgres.watcher.child.wait().unwrap();
    assert!(!home.path().join("data/postmaster.pid").exists());
}

#[tokio::test]
async fn the_url_is_one_sqlx_understands() {
    let trial = TrialDatabase::create().unwrap();
    let pool = sqlx::PgPool::connect(trial.url()).await.unwrap();
    let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&pool).await.unwrap();
    assert!(trial.url().contains(&name));
    pool.close().await;
}
