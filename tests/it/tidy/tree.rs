//! Rules for the tree as a whole: how deep it is, and that it speaks of nobody's machine.

use super::{files, none};

const DEEPEST: usize = 4;

/// Written in halves, or this file would be the first breach.
const PRIVATE: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("artif", "actory"), concat!("/home", "/runner")];

#[test]
fn nothing_is_deeper_than_four_folders() {
    let deep = files().into_iter().filter(|file| file.path.matches('/').count() > DEEPEST);
    none(deep.map(|file| file.path).collect());
}

#[test]
fn no_file_speaks_of_the_machine_it_was_written_on() {
    let mut breaches = Vec::new();
    for file in files() {
        for (number, line) in file.text.lines().enumerate() {
            let named = PRIVATE.iter().find(|private| line.contains(**private));
            breaches.extend(named.map(|private| format!("{}:{}: {private}", file.path, number + 1)));
        }
    }
    none(breaches);
}

#[test]
fn locked_packages_come_from_the_public_registries() {
    let mut breaches = Vec::new();
    for file in files() {
        let (marker, public) = match file.name() {
            "Cargo.lock" => ("source = ", "registry+https://github.com/rust-lang/crates.io-index"),
            "package-lock.json" => ("\"resolved\": ", "https://registry.npmjs.org/"),
            _ => continue,
        };
        let foreign = file.text.lines().filter(|line| {
            line.trim_start().strip_prefix(marker).is_some_and(|rest| !rest.trim_start_matches('"').starts_with(public))
        });
        breaches.extend(foreign.map(|line| format!("{}: {}", file.path, line.trim())));
    }
    none(breaches);
}
