//! Where the data of this person lies when nothing else is said.

use std::{env, path::PathBuf};
use stillage_client::Failure;

pub fn data_dir(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    given.or_else(of_the_platform).ok_or_else(|| Failure::bad_input("Say where the data lies with --data DIR."))
}

fn of_the_platform() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        set("APPDATA")
    } else if cfg!(target_os = "macos") {
        set("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("stillage"))
}
