//! Which crate may stand on which, read from the manifests.

use std::collections::BTreeMap;
use std::env;
use std::process::Command;

use super::none;
use crate::programs::root;

/// Package name to the names of what it is built from; what only its tests use is left out.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &serde_json::Value| value["name"].as_str().unwrap().to_owned();
    packages
        .iter()
        .map(|package| {
            let used = package["dependencies"].as_array().unwrap().iter();
            (name(package), used.filter(|used| used["kind"] != "dev").map(name).collect())
        })
        .collect()
}

fn refuse(of: &str, starts: &[&str]) {
    let all = dependencies();
    let used = all.get(of).unwrap_or_else(|| panic!("there is no crate {of}"));
    let breach = |used: &&String| starts.iter().any(|start| used.starts_with(start));
    none(used.iter().filter(breach).map(|used| format!("{of} depends on {used}")).collect());
}

#[test]
fn core_does_no_io_and_is_never_async() {
    let io =
        ["tokio", "rusqlite", "sqlx", "reqwest", "tauri", "axum", "async", "futures", "hyper", "rand", "getrandom"];
    refuse("stillage-core", &io);
    refuse("stillage-core", &["stillage"]);
}

#[test]
fn client_knows_neither_the_server_nor_the_window() {
    refuse("stillage-client", &["stillage-server", "tauri", "sqlx", "axum", "async-graphql"]);
}

#[test]
fn server_knows_neither_the_client_nor_the_window() {
    refuse("stillage-server", &["stillage-client", "stillage-desktop", "tauri", "rusqlite"]);
}

#[test]
fn the_window_stands_on_the_client_alone() {
    refuse("stillage-desktop", &["stillage-server", "stillage-core", "rusqlite", "sqlx", "reqwest"]);
}

#[test]
fn xtask_drives_the_programs_and_links_none_of_them() {
    refuse("xtask", &["stillage"]);
}

/// Time, network and chance are its own: with anything else, a seed would not be a schedule. The client's store is only
/// there to be compared.
#[test]
fn simulated_fleets_stand_on_core_and_on_the_clients_store_alone() {
    refuse("stillage-sim", &["stillage-server", "tokio", "sqlx", "reqwest", "getrandom"]);
}

#[test]
fn nothing_depends_on_the_tests() {
    for name in dependencies().keys() {
        refuse(name, &["stillage-tests", "stillage-sim"]);
    }
}
