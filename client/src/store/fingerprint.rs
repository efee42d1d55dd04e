//! Where this database is at home: shows a copy before its first push, so that it takes an id of its
//! own without first being refused.
//!
//! A database on another machine is a copy. On the same machine it is one if, at the place where it
//! was, there still is a database; if there is none, somebody moved the directory and it stays who it
//! is. To call a copy what is none costs a new id and nothing else. A copy that this does not see
//! (a cloned virtual machine, an older image put back in its place) is found by its chain as before.

use super::{FILE, settings};
use crate::{Failure, Mint, secrets::hex};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// As it is kept. The machine is told by a digest under a salt of this database's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Home {
    salt: String,
    machine: Option<String>,
    path: String,
}

fn kept(conn: &Connection) -> Result<Option<Home>, Failure> {
    let kept = settings::get(conn, settings::HOME)?;
    Ok(kept.as_deref().and_then(|text| serde_json::from_str(text).ok()))
}

/// Whether this database is where it was noted to be: then nothing is to be found out, and nothing to be written.
pub fn is_at_home(conn: &Connection, data_dir: &Path) -> Result<bool, Failure> {
    let Some(kept) = kept(conn)? else { return Ok(false) };
    Ok(here(data_dir, kept.salt.clone())? == kept)
}

/// Whether this database is a copy of one that may still be in use. The first time, and after a move,
/// it notes where it is.
pub fn is_copy(conn: &Connection, data_dir: &Path, mint: &Mint) -> Result<bool, Failure> {
    let kept = kept(conn)?;
    let salt = kept.as_ref().map_or_else(|| hex(&mint.secret::<16>()), |kept| kept.salt.clone());
    let now = here(data_dir, salt)?;
    if kept.as_ref() == Some(&now) {
        return Ok(false);
    }
    if let Some(kept) = kept
        && differs(&kept, &now, data_dir)
    {
        return Ok(true);
    }
    settings::set(conn, settings::HOME, &serde_json::to_string(&now)?)?;
    Ok(false)
}

/// Notes where a new database is at home.
pub fn note(conn: &Connection, data_dir: &Path, mint: &Mint) -> Result<(), Failure> {
    let now = here(data_dir, hex(&mint.secret::<16>()))?;
    settings::set(conn, settings::HOME, &serde_json::to_string(&now)?)
}

fn differs(kept: &Home, now: &Home, data_dir: &Path) -> bool {
    let other_machine = kept.machine.is_some() && now.machine.is_some() && kept.machine != now.machine;
    let old = Path::new(&kept.path).join(FILE);
    other_machine || kept.path != now.path && old.exists() && !is_same_file(&old, &data_dir.join(FILE))
}

fn here(data_dir: &Path, salt: String) -> Result<Home, Failure> {
    let digest = |id: String| hex(&blake3::hash(format!("{salt} {id}").as_bytes()).as_bytes()[..16]);
    let machine = machine().map(digest);
    let path = std::fs::canonicalize(data_dir)?.to_string_lossy().into_owned();
    Ok(Home { salt, machine, path })
}

/// What tells this machine from others; nothing where the system does not say without being asked for rights.
fn machine() -> Option<String> {
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|id| id.trim().to_owned());
    ["/etc/machine-id", "/var/lib/dbus/machine-id"].into_iter().filter_map(read).find(|id| id.len() >= 32)
}

/// One directory may be reached by two paths.
#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| std::fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    identity(one).is_some() && identity(one) == identity(other)
}

#[cfg(not(unix))]
fn is_same_file(one: &Path, other: &Path) -> bool {
    let path = |path: &Path| std::fs::canonicalize(path).ok();
    path(one).is_some() && path(one) == path(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(machine: Option<&str>, path: &Path) -> Home {
        Home { salt: "00".into(), machine: machine.map(str::to_owned), path: path.display().to_string() }
    }

    #[test]
    fn a_moved_directory_is_no_copy_and_one_beside_the_old_is() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (kept, now) = (home(Some("m"), old.path()), home(Some("m"), new.path()));
        std::fs::write(new.path().join(FILE), "").unwrap();
        assert!(!differs(&kept, &now, new.path()), "moved: nothing is left at the old place");
        std::fs::write(old.path().join(FILE), "").unwrap();
        assert!(differs(&kept, &now, new.path()), "copied: both are there");
    }

    #[test]
    fn another_machine_is_a_copy_and_an_unknown_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (kept, other) = (home(Some("m"), dir.path()), home(Some("n"), dir.path()));
        assert!(differs(&kept, &other, dir.path()));
        assert!(!differs(&kept, &home(None, dir.path()), dir.path()));
    }

    #[cfg(unix)]
    #[test]
    fn one_directory_by_two_paths_is_no_copy() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::fs::write(real.join(FILE), "").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(!differs(&home(None, &link), &home(None, &real), &real));
    }
}
