//! Backups, and what comes back from the desktops after an old one was restored.

mod places;
mod returning;

use crate::world::{Desktop, World, furnish, two_in_step};
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
    assert!(restored["taken_at"].as_str().is_some_and(|time| time.ends_with("UTC")), "{restored}");
    assert!(restored["gone"].as_array().is_some_and(|gone| gone.contains(&json!("revocations"))), "{restored}");
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

/// What the server holds, of one kind of line.
fn lines(world: &World, kind: &str) -> Vec<Value> {
    let dump = String::from_utf8(world.server_dump()).unwrap();
    let lines = dump.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line[0] == kind).collect()
}

/// The changes that have an end, each as often as it has one.
fn ended(world: &World) -> Vec<String> {
    lines(world, "outcome").iter().map(|line| line[1].as_str().unwrap().to_owned()).collect()
}

/// How far each device's chain has come.
fn acknowledged(world: &World) -> Vec<(Value, Value)> {
    let listed = world.server(&["device", "list"]);
    listed["devices"].as_array().unwrap().iter().map(|row| (row["device"].clone(), row["ack_seq"].clone())).collect()
}

/// Movements with their place among the others; variances are the server's own and follow from them.
fn moved(world: &World) -> Vec<(Value, Value)> {
    let movements = lines(world, "movement");
    let done = movements.iter().filter(|line| line[2]["kind"] != "count_variance");
    done.map(|line| (line[1].clone(), line[2]["order"].clone())).collect()
}

fn conflicts(desktop: &mut Desktop) -> usize {
    desktop.inbox().iter().filter(|row| row["kind"] == "conflict").count()
}

fn waiting_rows(desktop: &mut Desktop) -> Vec<Value> {
    desktop.inbox().into_iter().filter(|row| row["kind"] == "parked" || row["kind"] == "rejected").collect()
}

struct Work {
    world: World,
    ana: Desktop,
    ben: Desktop,
    file: String,
    nut: String,
    bin: String,
}

/// Ana and Ben work on, each on what the other did, after a backup was taken.
fn work_after_a_backup() -> Work {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    let (file, _) = backup(&world, "old.backup");
    let nut = ana.save("items", json!({ "sku": "NUT-8", "name": "Nut" }));
    ana.stock("receive", &nut, &shelf.bin, "10");
    ana.drain();
    ben.drain();
    // Ben's work stands on Ana's item, and Ana's on Ben's bin.
    ben.stock("issue", &nut, &shelf.bin, "4");
    let bin = ben.save("locations", json!({ "code": "A-2", "parent": shelf.bin, "role": "storage" }));
    ben.stock("receive", &nut, &bin, "7");
    ben.drain();
    ana.drain();
    ana.stock("issue", &nut, &bin, "2");
    // Before the count, and known only after it.
    ben.cut(true);
    ben.stock("issue", &shelf.item, &shelf.bin, "3");
    ben.rename(&shelf.item, "Hex bolt");
    ana.stock("count", &shelf.item, &shelf.bin, "17");
    ana.rename(&shelf.item, "Bolt zinc");
    ana.drain();
    ben.cut(false);
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ben.on_hand(&shelf.item, &shelf.bin), "17");
    assert_eq!((conflicts(&mut ana), conflicts(&mut ben)), (0, 1));
    Work { world, ana, ben, file, nut, bin }
}

fn everything_comes_back(ben_comes_first: bool) {
    let Work { mut world, mut ana, mut ben, file, .. } = work_after_a_backup();
    let (before, balances) = (ended(&world), lines(&world, "balance"));
    let (acknowledged, moved) = (acknowledged(&world), moved(&world));
    world.lose_server();
    let restored = world.restore(&file);
    assert_eq!(restored["verified"], true, "{restored}");
    assert!(ended(&world).len() < before.len(), "the backup is older than the work");
    let (first, second) = if ben_comes_first { (&mut ben, &mut ana) } else { (&mut ana, &mut ben) };
    first.drain();
    assert_eq!(world.server(&["verify"])["ok"], true);
    second.drain();
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(self::acknowledged(&world), acknowledged);
    assert_eq!(self::moved(&world), moved, "every movement once, in the order it had");
    assert_eq!(ended(&world).len(), before.len());
    assert_eq!(lines(&world, "balance"), balances);
    assert_eq!(conflicts(&mut ana) + conflicts(&mut ben), 1, "one of the two names was not taken silently");
    assert_eq!((waiting_rows(&mut ana), waiting_rows(&mut ben)), (vec![], vec![]));
    for desktop in [&mut ana, &mut ben] {
        let status = desktop.call("app.status", json!({}));
        assert_eq!(status["outbox"]["count"], 0, "{status}");
    }
}

#[test]
fn after_an_old_backup_everything_comes_back_when_ana_connects_first() {
    everything_comes_back(false);
}

#[test]
fn after_an_old_backup_everything_comes_back_when_ben_connects_first() {
    everything_comes_back(true);
}

#[test]
fn what_waited_when_the_server_was_lost_arrives_beside_what_comes_back() {
    let Work { mut world, mut ana, mut ben, file, nut, bin } = work_after_a_backup();
    let before = ended(&world).len();
    world.lose_server();
    ben.cut(true);
    ben.stock("issue", &nut, &bin, "1");
    world.restore(&file);
    ben.cut(false);
    ben.drain();
    ben.kill();
    ana.drain();
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ended(&world).len(), before + 1);
    assert_eq!(ana.on_hand(&nut, &bin), "4");
}
