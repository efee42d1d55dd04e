//! Backups, and what comes back from the desktops after an old one was restored.

use crate::world::{World, furnish, two_in_step};
use serde_json::{Value, json};

fn backup(world: &World, name: &str) -> (String, Value) {
    let file = world.dir.path().join(name).display().to_string();
    let made = world.server(&["backup", &file]);
    assert!(made["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{made}");
    (file, made)
}

#[test]
fn a_backup_of_a_running_server_is_restored_as_it_was_with_a_new_history() {
    let (mut world, mut ana, _ben, shelf) = two_in_step();
    let before = world.server_dump();
    let (file, made) = backup(&world, "day.backup");
    ana.stock("issue", &shelf.item, &shelf.bin, "1");
    ana.drain();
    world.lose_server();
    let restored = world.server(&["restore", &file]);
    assert_eq!((&restored["verified"], &restored["heads"]), (&json!(true), &made["heads"]), "{restored}");
    assert_eq!(restored["organisation"], made["organisation"]);
    assert_ne!(restored["epoch"], made["epoch"]);
    assert_eq!(world.server_dump(), before);
}

#[test]
fn a_restore_never_replaces_work() {
    let (mut world, ..) = two_in_step();
    let (file, _) = backup(&world, "day.backup");
    let before = world.server_dump();
    world.stop_server();
    let refused = world.server_exit(&["restore", &file]);
    assert_eq!((&refused.0["error"]["code"], refused.1), (&json!("RESTORE_NOT_EMPTY"), 4), "{refused:?}");
    assert!(!refused.0["error"]["next"].as_str().unwrap().is_empty());
    assert_eq!(world.server_dump(), before);
}

#[test]
fn a_file_that_is_no_whole_backup_is_refused_and_leaves_nothing_behind() {
    let mut world = World::start();
    let mut ana = world.desktop("Ana");
    furnish(&mut ana);
    ana.drain();
    let (file, _) = backup(&world, "day.backup");
    world.lose_server();
    let whole = std::fs::read(&file).unwrap();
    let path = |name: &str| world.dir.path().join(name).display().to_string();
    std::fs::write(path("cut"), &whole[..whole.len() * 2 / 3]).unwrap();
    std::fs::write(path("text"), "not a backup").unwrap();
    for (name, code) in [
        ("cut", "BACKUP_UNREADABLE"),
        ("text", "BACKUP_UNREADABLE"),
        ("nowhere", "FILE_NOT_FOUND"),
        (".", "FILE_UNREADABLE"),
    ] {
        let (answer, exit) = world.server_exit(&["restore", &path(name)]);
        assert_eq!((&answer["error"]["code"], exit), (&json!(code), 2), "{name}: {answer}");
        assert!(!answer["error"]["next"].as_str().unwrap().is_empty(), "{name}: {answer}");
    }
    assert_eq!(world.server(&["restore", &file])["verified"], true, "nothing was in the way");
}

#[test]
fn a_backup_that_cannot_be_written_says_why_and_keeps_the_older_one() {
    let world = World::start();
    let path = |name: &str| world.dir.path().join(name).display().to_string();
    let (answer, exit) = world.server_exit(&["backup", &path("")]);
    assert_eq!((&answer["error"]["code"], exit), (&json!("FILE_UNREADABLE"), 2), "{answer}");
    let (answer, exit) = world.server_exit(&["backup", &path("no/such/folder.backup")]);
    assert_eq!((&answer["error"]["code"], exit), (&json!("FILE_NOT_FOUND"), 2), "{answer}");
    // A disk without room, as far as the part beside the file goes.
    let (file, _) = backup(&world, "day.backup");
    let older = std::fs::read(&file).unwrap();
    std::os::unix::fs::symlink("/dev/full", path("day.backup.part")).unwrap();
    let (answer, exit) = world.server_exit(&["backup", &file]);
    assert_eq!((&answer["error"]["code"], exit), (&json!("DISK_FULL"), 5), "{answer}");
    assert!(!answer["error"]["next"].as_str().unwrap().is_empty());
    assert_eq!(std::fs::read(&file).unwrap(), older);
    assert!(std::fs::symlink_metadata(path("day.backup.part")).is_err());
}
