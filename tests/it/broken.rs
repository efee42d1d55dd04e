//! Devices that were copied, restored, damaged, or have no network of their own: what was done on
//! them is on the server in the end, once.

use crate::{
    fixtures::desktops::inspect,
    world::{Desktop, World, furnish, two_in_step},
};
use serde_json::{Value, json};
use std::{
    fs::{self, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::Path,
};

fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

/// Ends the process as people end it, so that the mirror is written; returns the database.
fn ended(desktop: &mut Desktop) -> std::path::PathBuf {
    desktop.kill();
    assert!(desktop.cli(&["status"]).status.success());
    desktop.dir.join("stillage.db")
}

fn overwrite(path: &Path) {
    let length = fs::metadata(path).unwrap().len();
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(8192)).unwrap();
    file.write_all(&vec![0xA5; usize::try_from(length - 16384).unwrap()]).unwrap();
}

fn zero_header(path: &Path) {
    OpenOptions::new().write(true).open(path).unwrap().write_all(&[0; 4096]).unwrap();
}

fn device(desktop: &mut Desktop) -> Value {
    desktop.call("app.status", json!({}))["device"]["id"].clone()
}

fn said(output: &std::process::Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("not JSON: {text}"))
}

#[test]
fn a_damaged_database_is_built_anew_and_nothing_is_lost() {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    let mut expected = 20;
    let damages: [fn(&Path); 3] = [overwrite, zero_header, |path| fs::remove_file(path).unwrap()];
    for damage in damages {
        let before = device(&mut ana);
        ana.kill();
        // One run of the command line records and does not sync.
        let issued = ana.cli(&["issue", "BOLT-8", "2", "--location", "A-1"]);
        assert!(issued.status.success(), "{}", said(&issued));
        expected -= 2;
        damage(&ana.dir.join("stillage.db"));
        let drained = ana.drain();
        assert_eq!(drained["drained"], true, "{drained}");
        world.check(&mut [&mut ana, &mut ben]);
        assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), expected.to_string());
        assert_eq!(device(&mut ana), before, "it goes on as the same device");
        assert!(ana.call("app.status", json!({}))["rebuilt"].is_string());
        assert!(ana.call("app.rebuilt_seen", json!({})).get("rebuilt").is_none());
    }
}

#[test]
fn a_mirror_that_is_behind_makes_the_device_go_on_under_a_new_id() {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    let database = ended(&mut ana);
    let mirror = ana.dir.join("outbox.mirror");
    let old = fs::read(&mirror).unwrap();
    let before = device(&mut ana);
    ana.stock("issue", &shelf.item, &shelf.bin, "3");
    ana.drain();
    ended(&mut ana);
    fs::write(&mirror, old).unwrap();
    zero_header(&database);
    ana.drain();
    ana.stock("issue", &shelf.item, &shelf.bin, "4");
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "13");
    assert_ne!(device(&mut ana), before);
}

#[test]
fn changes_in_a_file_arrive_by_way_of_another_desktop_and_once() {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    ana.cut(true);
    ana.stock("issue", &shelf.item, &shelf.bin, "3");
    ana.rename(&shelf.item, "Hex bolt");
    let file = world.dir.path().join("ana.outbox").display().to_string();
    assert_eq!(said(&ana.cli(&["outbox", "export", &file]))["changes"], 2);
    let first = said(&ben.cli(&["outbox", "import", &file]));
    assert_eq!((&first["changes"], &first["applied"], &first["duplicates"]), (&json!(2), &json!(2), &json!(0)));
    let again = said(&ben.cli(&["outbox", "import", &file]));
    assert_eq!((&again["applied"], &again["duplicates"]), (&json!(0), &json!(2)));
    ben.drain();
    assert_eq!(ben.on_hand(&shelf.item, &shelf.bin), "17");
    let history = ben.call("items.history", json!({ "id": shelf.item, "limit": 1 }));
    assert_eq!(history[0]["person"], "Ana", "{history}");
    ana.stock("issue", &shelf.item, &shelf.bin, "1");
    ana.cut(false);
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "16");
}

#[test]
fn a_restored_disk_image_gets_back_what_was_exported() {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    ended(&mut ana);
    let image = world.dir.path().join("image");
    copy(&ana.dir, &image);
    ana.cut(true);
    ana.stock("issue", &shelf.item, &shelf.bin, "3");
    let file = world.dir.path().join("ana.outbox").display().to_string();
    assert!(ana.cli(&["outbox", "export", &file]).status.success());
    ana.kill();
    fs::remove_dir_all(&ana.dir).unwrap();
    copy(&image, &ana.dir);
    let imported = said(&ana.cli(&["outbox", "import", &file]));
    assert_eq!((&imported["queued"], &imported["duplicates"]), (&json!(1), &json!(0)));
    assert_eq!(said(&ana.cli(&["outbox", "import", &file]))["duplicates"], 1);
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "17");
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ben.on_hand(&shelf.item, &shelf.bin), "17");
}

#[test]
fn a_moved_data_directory_stays_who_it_is_and_a_copied_one_does_not() {
    let (world, mut ana, mut ben, shelf) = two_in_step();
    let before = device(&mut ana);
    ana.kill();
    let moved = world.dir.path().join("moved");
    fs::rename(&ana.dir, &moved).unwrap();
    let mut ana = Desktop::at(moved);
    ana.stock("issue", &shelf.item, &shelf.bin, "1");
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(device(&mut ana), before);
    ana.kill();
    let copied = world.dir.path().join("copied");
    copy(&ana.dir, &copied);
    let mut twin = Desktop::at(copied);
    twin.stock("issue", &shelf.item, &shelf.bin, "2");
    // Its very first push is under an id of its own, although the original has done nothing since.
    twin.drain();
    assert_ne!(device(&mut twin), before);
    ana.stock("issue", &shelf.item, &shelf.bin, "4");
    world.check(&mut [&mut ana, &mut ben, &mut twin]);
    assert_eq!(device(&mut ana), before);
    assert_eq!(ben.on_hand(&shelf.item, &shelf.bin), "13");
}

#[test]
fn two_copies_of_a_device_that_never_met_a_server_join_as_two() {
    let world = World::start();
    let mut ana = world.lone_desktop("Ana");
    let shelf = furnish(&mut ana);
    world.connect(&mut ana, "Ana");
    let mut lone = world.lone_desktop("Lone");
    lone.save("items", json!({ "sku": "NUT-8", "name": "Nut" }));
    lone.kill();
    let copied = world.dir.path().join("copied");
    copy(&lone.dir, &copied);
    let mut twin = Desktop::at(copied);
    world.connect(&mut lone, "Lone");
    world.connect(&mut twin, "Lone");
    ana.stock("issue", &shelf.item, &shelf.bin, "1");
    world.check(&mut [&mut ana, &mut lone, &mut twin]);
    assert_ne!(device(&mut lone), device(&mut twin));
    // The server knows which of both may have changes of an earlier id behind those of this one.
    let forked = |desktop: &mut Desktop| {
        desktop.kill();
        inspect(&desktop.dir, "SELECT name, instr(value, 'forked_from') > 0 FROM setting WHERE name = 'certificate'")
    };
    assert_eq!([forked(&mut lone)["certificate"], forked(&mut twin)["certificate"]], [0, 1]);
}

#[test]
fn a_file_that_is_cut_short_altered_or_nobodys_is_refused_with_a_code() {
    let (world, mut ana, ben, shelf) = two_in_step();
    ana.cut(true);
    ana.stock("issue", &shelf.item, &shelf.bin, "3");
    let file = world.dir.path().join("ana.outbox");
    assert!(ana.cli(&["outbox", "export", &file.display().to_string()]).status.success());
    let text = fs::read_to_string(&file).unwrap();
    let bad = world.dir.path().join("bad.outbox");
    let short = &text[..text.len() / 2];
    let cut = text.lines().take(2).collect::<Vec<_>>().join("\n");
    let altered = text.replacen("stock.issue", "stock.count", 1);
    assert_ne!(altered, text);
    for damaged in [short, &cut, &altered, "", "no export\n"] {
        fs::write(&bad, damaged).unwrap();
        let refused = ben.cli(&["outbox", "import", &bad.display().to_string()]);
        assert_eq!(said(&refused)["error"]["code"], "FILE_DAMAGED", "{damaged}");
        assert_eq!(refused.status.code(), Some(2));
    }
    // A device that never met the server.
    let mut lone = world.lone_desktop("Lone");
    furnish(&mut lone);
    lone.kill();
    let nobodys = world.dir.path().join("lone.outbox").display().to_string();
    assert!(lone.cli(&["outbox", "export", &nobodys]).status.success());
    assert_eq!(said(&ben.cli(&["outbox", "import", &nobodys]))["error"]["code"], "FORBIDDEN");
    // And one of another organisation.
    let elsewhere = World::start();
    let mut eve = elsewhere.desktop("Eve");
    furnish(&mut eve);
    eve.kill();
    let foreign = world.dir.path().join("eve.outbox").display().to_string();
    assert!(eve.cli(&["outbox", "export", &foreign]).status.success());
    assert_eq!(said(&ben.cli(&["outbox", "import", &foreign]))["error"]["code"], "FORBIDDEN");
}
