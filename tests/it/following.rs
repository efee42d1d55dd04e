//! What is recorded on one desktop is brought to the others by their sockets.

use crate::world::{Shelf, World, furnish};
use serde_json::json;
use std::time::Duration;
use stillage_client::engine::{Changed, Engine};
use tokio::{sync::broadcast::Receiver, time::timeout};

const PATIENCE: Duration = Duration::from_secs(30);
/// A desktop with nothing to do asks after 21 s at the earliest.
const BEFORE_POLL: Duration = Duration::from_secs(15);

/// Of the sites that `limits` names.
async fn desktop(world: &World, person: &str, limits: &[&str]) -> Engine {
    let engine = Engine::open(world.dir.path().join(format!("engine-{person}")));
    engine.create(person.into(), Some("nuts and bolts".into())).await.unwrap();
    let code = world.server(&[&["device-code", "--name", person, "--person", person], limits].concat());
    engine.connect(world.url.clone(), code["code"].as_str().map(str::to_owned)).await.unwrap();
    engine.sync(PATIENCE).await.unwrap();
    engine
}

/// Ana's and Ben's, with one shelf that both of them know.
async fn two_desktops(world: &World) -> (Engine, Engine, Shelf) {
    let mut clerk = world.desktop("Clerk");
    let shelf = furnish(&mut clerk);
    clerk.drain();
    (desktop(world, "Ana", &[]).await, desktop(world, "Ben", &[]).await, shelf)
}

/// Until the socket is open the desktop asks, as it does when there is none.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_desktop_records_comes_to_another_that_asks_for_nothing() {
    let world = World::start();
    let (ana, ben, shelf) = two_desktops(&world).await;
    let mut changes = ben.changes();
    ana.start_sync();
    ben.start_sync();
    assert_brought(&ana, (&ben, &mut changes), (&shelf, 20)).await;
    assert_in_step(&world, [ana, ben]).await;
}

/// The socket that a desktop opened before it had heard of that brings it nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_in_a_restored_history_is_brought_as_before() {
    let mut world = World::start();
    let (ana, ben, shelf) = two_desktops(&world).await;
    let file = world.dir.path().join("backup").to_str().unwrap().to_owned();
    assert_eq!(world.server_exit(&["backup", &file]).1, 0);
    let mut changes = ben.changes();
    world.lose_server();
    world.restore(&file);
    ana.start_sync();
    ben.start_sync();
    assert_brought(&ana, (&ben, &mut changes), (&shelf, 20)).await;
    assert_in_step(&world, [ana, ben]).await;
}

/// Long before a desktop would have asked by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_granted_meanwhile_comes_at_once_and_what_happens_there_too() {
    let world = World::start();
    let mut clerk = world.desktop("Clerk");
    let shelf = furnish(&mut clerk);
    clerk.save("locations", json!({ "code": "YARD", "name": "Yard", "role": "site" }));
    clerk.drain();
    let ben = desktop(&world, "Ben", &["--site", "YARD"]).await;
    assert_eq!(on_hand(&ben, &shelf.item).await, "0");
    let mut changes = ben.changes();
    ben.start_sync();
    let devices = world.server(&["device", "list"]);
    let limited = devices["devices"].as_array().unwrap().iter().find(|device| device["sites"].is_array()).unwrap();
    let granted = world.server(&["device", "grant", limited["device"].as_str().unwrap(), "--site", "DC"]);
    assert_eq!(granted["ok"], true, "{granted}");
    timeout(BEFORE_POLL, has_on_hand(&ben, &mut changes, (&shelf.item, 20))).await.expect("the site never came");
    clerk.stock("receive", &shelf.item, &shelf.bin, "5");
    clerk.drain();
    timeout(BEFORE_POLL, has_on_hand(&ben, &mut changes, (&shelf.item, 25))).await.expect("the receipt never came");
    ben.close().await;
}

/// Three receipts of one desktop, one after the other, come to the other though it asks for nothing. Until its socket is open
/// it asks, so there may be more of them.
async fn assert_brought(from: &Engine, to: (&Engine, &mut Receiver<Changed>), (shelf, before): (&Shelf, u32)) {
    let (to, changes) = to;
    let mut silent = 0;
    for held in before + 1..before + 400 {
        let before = to.traffic();
        let receipt = json!({ "item": shelf.item, "location": shelf.bin, "qty": "1" });
        from.call("stock.receive", receipt).await.unwrap();
        let arrived = has_on_hand(to, changes, (&shelf.item, held));
        timeout(PATIENCE, arrived).await.expect("it never came");
        silent = if to.traffic().sent == before.sent { silent + 1 } else { 0 };
        if silent == 3 {
            return;
        }
    }
    panic!("it asked for each of them");
}

async fn assert_in_step(world: &World, engines: [Engine; 2]) {
    for engine in engines {
        assert!(engine.sync(PATIENCE).await.unwrap().drained);
        engine.close().await;
    }
    assert_eq!(world.server(&["verify"])["ok"], true);
}

async fn has_on_hand(engine: &Engine, changes: &mut Receiver<Changed>, (item, held): (&str, u32)) {
    while on_hand(engine, item).await != held.to_string() {
        changes.recv().await.unwrap();
    }
}

async fn on_hand(engine: &Engine, item: &str) -> String {
    let card = engine.call("items.get", json!({ "id": item })).await.unwrap();
    card["on_hand"].as_str().unwrap_or_default().to_owned()
}
