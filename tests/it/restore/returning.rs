//! Devices that the backup does not know, or knows under another id.

use super::{backup, ended};
use crate::world::{Desktop, World, furnish};
use serde_json::{Value, json};

/// The row of a device in the list of the server.
fn listed(world: &World, desktop: &mut Desktop) -> Value {
    let id = desktop.call("app.status", json!({}))["device"]["id"].clone();
    let listed = world.server(&["device", "list"]);
    listed["devices"].as_array().unwrap().iter().find(|row| row["device"] == id).cloned().unwrap_or_default()
}

/// Ben joined, and worked, after the backup was taken.
fn ben_joined_late() -> (World, Desktop, Desktop, crate::world::Shelf, String) {
    let world = World::start();
    let mut ana = world.desktop("Ana");
    let shelf = furnish(&mut ana);
    ana.drain();
    let (file, _) = backup(&world, "old.backup");
    let mut ben = world.desktop("Ben");
    ben.stock("issue", &shelf.item, &shelf.bin, "4");
    world.check(&mut [&mut ana, &mut ben]);
    (world, ana, ben, shelf, file)
}

#[test]
fn a_desktop_that_joined_after_the_backup_comes_back_by_itself_and_its_work_is_there_once() {
    let (mut world, mut ana, mut ben, shelf, file) = ben_joined_late();
    let before = ended(&world).len();
    let was = listed(&world, &mut ben);
    world.lose_server();
    world.restore(&file);
    assert_eq!(listed(&world, &mut ben), Value::Null);
    ben.stock("issue", &shelf.item, &shelf.bin, "1");
    ben.drain();
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "15");
    assert_eq!(ended(&world).len(), before + 1);
    let row = listed(&world, &mut ben);
    assert!(row["returned_at"].is_i64() && listed(&world, &mut ana)["returned_at"].is_null(), "{row}");
    assert_eq!((&row["person"], &row["name"], &row["sites"]), (&was["person"], &was["name"], &was["sites"]));
    // It was given a certificate again, and a second loss is no worse than the first.
    world.lose_server();
    world.restore(&file);
    world.check(&mut [&mut ben, &mut ana]);
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "15");
}

#[test]
fn a_desktop_that_nobody_takes_back_keeps_its_work_until_somebody_does() {
    let (mut world, mut ana, mut ben, shelf, file) = ben_joined_late();
    let refused = |ben: &mut Desktop| {
        let refused = ben.try_call("sync.drain", json!({ "timeout_s": 60 })).unwrap_err();
        assert_eq!(refused["code"], "SIGNED_OUT", "{refused}");
    };
    // Another organisation at the old address did not give it its certificate.
    world.lose_server();
    world.start_again();
    ben.stock("issue", &shelf.item, &shelf.bin, "1");
    refused(&mut ben);
    world.lose_server();
    world.restore(&file);
    ben.drain();
    // Revoked in the history it knows, it has nothing to show.
    let id = listed(&world, &mut ben)["device"].as_str().unwrap().to_owned();
    world.server(&["device", "revoke", &id]);
    world.stop_server();
    world.start_again();
    ben.stock("issue", &shelf.item, &shelf.bin, "2");
    refused(&mut ben);
    assert_eq!(ben.on_hand(&shelf.item, &shelf.bin), "13", "nothing here is gone");
    ana.drain();
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "15");
}

#[test]
fn what_a_copy_did_under_its_former_id_comes_back_too() {
    let world = World::start();
    let mut ana = world.desktop("Ana");
    let shelf = furnish(&mut ana);
    ana.drain();
    let (file, _) = backup(&world, "old.backup");
    ana.stock("issue", &shelf.item, &shelf.bin, "1");
    ana.drain();
    ana.kill();
    let copy = world.dir.path().join("copy");
    let copied = std::process::Command::new("cp").arg("-r").arg(&ana.dir).arg(&copy).status().unwrap();
    assert!(copied.success());
    let mut twin = Desktop::at(copy);
    ana.stock("issue", &shelf.item, &shelf.bin, "2");
    ana.drain();
    twin.stock("issue", &shelf.item, &shelf.bin, "4");
    twin.drain();
    // The first desktop is lost with the server: what it did before it was copied is on the twin alone.
    drop(ana);
    let mut world = world;
    world.check(&mut [&mut twin]);
    let before = ended(&world).len();
    world.lose_server();
    world.restore(&file);
    twin.stock("issue", &shelf.item, &shelf.bin, "8");
    twin.drain();
    world.check(&mut [&mut twin]);
    assert_eq!(twin.on_hand(&shelf.item, &shelf.bin), "7", "all but what the lost desktop did alone");
    // One change of the lost desktop is gone, one of the twin is new.
    assert_eq!(ended(&world).len(), before);
}
