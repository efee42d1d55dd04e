//! Killed at any moment, nothing acknowledged is lost and nothing happens twice.

use crate::world::{World, furnish, two_in_step};
use serde_json::json;

#[test]
fn what_a_desktop_acknowledged_survives_its_death() {
    let world = World::start();
    let mut ana = world.lone_desktop("Ana");
    let shelf = furnish(&mut ana);
    for _ in 0..5 {
        ana.stock("issue", &shelf.item, &shelf.bin, "1");
        ana.kill();
    }
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "15");
    world.connect(&mut ana, "Ana");
    world.check(&mut [&mut ana]);
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "15");
}

#[test]
fn a_server_killed_between_pushes_loses_and_repeats_nothing() {
    let (mut world, mut ana, mut ben, shelf) = two_in_step();
    for round in 0..3 {
        for _ in 0..4 {
            ana.stock("issue", &shelf.item, &shelf.bin, "1");
            ben.stock("receive", &shelf.item, &shelf.bin, "2");
        }
        world.kill_and_restart_server();
        if round == 1 {
            ben.kill();
        }
    }
    world.check(&mut [&mut ana, &mut ben]);
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "32");
}

#[test]
fn a_copied_data_directory_writes_on_under_a_name_of_its_own() {
    let world = World::start();
    let mut ana = world.desktop("Ana");
    let shelf = furnish(&mut ana);
    ana.drain();
    ana.kill();
    let copy = world.dir.path().join("copy");
    let copied = std::process::Command::new("cp").arg("-r").arg(&ana.dir).arg(&copy).status().unwrap();
    assert!(copied.success());
    ana.stock("issue", &shelf.item, &shelf.bin, "1");
    ana.drain();
    let mut twin = crate::world::Desktop::at(copy);
    twin.stock("issue", &shelf.item, &shelf.bin, "2");
    twin.drain();
    world.check(&mut [&mut ana, &mut twin]);
    assert_eq!(ana.on_hand(&shelf.item, &shelf.bin), "17");
    let own = |d: &mut crate::world::Desktop| d.call("app.status", json!({}))["device"]["id"].clone();
    assert_ne!(own(&mut ana), own(&mut twin));
}
