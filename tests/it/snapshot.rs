//! A desktop that begins from a snapshot has what one has that followed the log, however it came to it.

mod wire;

use crate::world::{Desktop, World};
use serde_json::{Value, json};
use std::{path::Path, sync::atomic::Ordering::SeqCst};
use wire::BadLine;

/// More than what is left to the log.
const ITEMS: u32 = 2_100;

/// Ana's desktop with so many items and as many cells that hold something, handed over.
fn stocked() -> (World, Desktop) {
    let world = World::start();
    let mut ana = world.desktop("Ana");
    let site = ana.save("locations", json!({ "code": "DC", "name": "Depot", "role": "site" }));
    ana.save("locations", json!({ "code": "A-1", "parent": site, "role": "storage" }));
    let rows = |line: &dyn Fn(u32) -> String| (1..=ITEMS).map(line).collect::<String>();
    let items = format!("sku,name\n{}", rows(&|n| format!("SKU-{n},Item {n}\n")));
    let stock = format!("sku,location,quantity\n{}", rows(&|n| format!("SKU-{n},A-1,{n}\n")));
    for (kind, text) in [("items", items), ("stock", stock)] {
        let file = world.dir.path().join(format!("{kind}.csv"));
        std::fs::write(&file, text).unwrap();
        let report = ana.call("import.run", json!({ "path": file, "kind": kind, "map": {} }));
        assert_eq!(report["recorded"], ITEMS, "{report}");
    }
    ana.drain();
    (world, ana)
}

fn fetched(desktop: &mut Desktop) -> u64 {
    desktop.call("app.traffic", json!({}))["received"].as_u64().unwrap()
}

#[test]
fn a_second_desktop_begins_from_a_snapshot_and_holds_what_the_first_does() {
    let (world, mut ana) = stocked();
    let mut ben = world.desktop("Ben");
    println!("{} bytes for {ITEMS} items and {ITEMS} movements", fetched(&mut ben));
    let item = ben.call("items.list", json!({ "search": "SKU-77", "offset": 0, "limit": 1 }));
    assert_eq!(item["rows"][0]["sku"], "SKU-77", "{item}");
    world.check(&mut [&mut ana, &mut ben]);
}

#[test]
fn a_desktop_killed_while_it_loads_goes_on_and_ends_the_same() {
    let (world, mut ana) = stocked();
    let mut ben = world.lone_desktop("Ben");
    let code = world.server(&["device-code", "--name", "Ben", "--person", "Ben"]);
    ben.call("app.connect", json!({ "url": world.url, "code": code["code"] }));
    for _ in 0..6 {
        // Killed wherever it is by now.
        ben.call("app.status", json!({}));
        ben.kill();
    }
    world.check(&mut [&mut ana, &mut ben]);
}

#[test]
fn a_part_that_is_cut_off_is_continued_and_a_damaged_one_is_fetched_again() {
    let (world, mut ana) = stocked();
    let line = BadLine::to(&world.url);
    let mut ben = world.lone_desktop("Ben");
    let code = world.server(&["device-code", "--name", "Ben", "--person", "Ben"]);
    ben.call("app.connect", json!({ "url": line.url, "code": code["code"] }));
    ben.drain();
    let ranges = line.ranges.lock().unwrap().clone();
    assert!(line.asked.load(SeqCst) > 4, "{ranges:?}");
    assert_eq!((ranges[0].as_str(), ranges[2].as_str()), ("range: bytes=0-", "range: bytes=0-"));
    assert!(ranges[1].starts_with("range: bytes=") && ranges[1] != ranges[0], "{ranges:?}");
    world.check(&mut [&mut ana, &mut ben]);
}

fn bootstrap(desktop: &Desktop, folder: &Path) -> (Value, i32) {
    let ran = desktop.cli(&["bootstrap", "--from", folder.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    (serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap(), ran.status.code().unwrap())
}

/// A desktop of Ben's that is connected and has synced nothing.
fn beginner(world: &World, name: &str) -> Desktop {
    let ben = world.lone_desktop(name);
    let code = world.server(&["device-code", "--name", name, "--person", name]);
    assert!(ben.cli(&["connect", &world.url, "--code", code["code"].as_str().unwrap()]).status.success());
    ben
}

#[test]
fn a_folder_brings_a_desktop_everything_but_what_came_after() {
    let (world, mut ana) = stocked();
    let folder = world.dir.path().join("stick");
    let written = world.server(&["snapshot", "--out", folder.to_str().unwrap()]);
    assert_eq!(written["scopes"].as_array().unwrap().len(), 2, "{written}");
    let item = ana.call("items.list", json!({ "offset": 0, "limit": 1 }))["rows"][0]["id"].clone();
    ana.rename(item.as_str().unwrap(), "Renamed since");
    let mut ben = beginner(&world, "Ben");
    let (brought, exit) = bootstrap(&ben, &folder);
    assert_eq!((exit, &brought["rows"]), (0, &written["rows"]), "{brought}");
    world.check(&mut [&mut ana, &mut ben]);
    let (again, exit) = bootstrap(&ben, &folder);
    assert_eq!((exit, again["rows"].as_u64()), (0, Some(0)), "{again}");
}

#[test]
fn a_damaged_or_foreign_folder_is_refused_and_the_network_still_brings_everything() {
    let (world, mut ana) = stocked();
    let folder = world.dir.path().join("stick");
    world.server(&["snapshot", "--out", folder.to_str().unwrap()]);
    let mut ben = beginner(&world, "Ben");
    let manifest = folder.join("manifest.json");
    let whole = std::fs::read_to_string(&manifest).unwrap();
    let mut foreign: Value = serde_json::from_str(&whole).unwrap();
    foreign["organisation"] = json!("org_00000000000000000000000000000001");
    std::fs::write(&manifest, foreign.to_string()).unwrap();
    let (error, exit) = bootstrap(&ben, &folder);
    assert_eq!((&error["error"]["code"], exit), (&json!("FORBIDDEN"), 4), "{error}");
    std::fs::write(&manifest, whole).unwrap();
    for chunk in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        if chunk.extension().is_some_and(|end| end == "zst") {
            let bytes = std::fs::read(&chunk).unwrap();
            std::fs::write(&chunk, &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    let (error, exit) = bootstrap(&ben, &folder);
    assert_eq!((&error["error"]["code"], exit), (&json!("FILE_UNREADABLE"), 2), "{error}");
    world.check(&mut [&mut ana, &mut ben]);
}
