//! Where the data of this person lies when nothing else is said: one place for the
//! command line and the window, so that both work on one device.

use std::{env, path::PathBuf};

/// The directory that was given, else the platform's; `None` where the platform names none.
#[must_use]
pub fn data_dir(given: Option<PathBuf>) -> Option<PathBuf> {
    given.or_else(of_the_platform)
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
