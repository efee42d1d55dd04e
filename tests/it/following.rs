//! What is recorded on one desktop is brought to the others by their sockets.

use crate::world::{World, furnish};
use serde_json::json;
use std::time::Duration;
use stillage_client::engine::Engine;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

async fn desktop(world: &World, person: &str) -> Engine {
    let engine = Engine::open(world.dir.path().join(format!("engine-{person}")));
    engine.create(person.into(), Some("nuts and bolts".into())).await.unwrap();
    let code = world.server(&["device-code", "--name", person, "--person", person]);
    engine.connect(world.url.clone(), code["code"].as_str().map(str::to_owned)).await.unwrap();
    engine.sync(PATIENCE).await.unwrap();
    engine
}

/// Until the socket is open the desktop asks, as it does when there is none.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_desktop_records_comes_to_another_that_asks_for_nothing() {
    let world = World::start();
    let mut clerk = world.desktop("Clerk");
    let shelf = furnish(&mut clerk);
    clerk.drain();
    let (ana, ben) = (desktop(&world, "Ana").await, desktop(&world, "Ben").await);
    let mut changes = ben.changes();
    ana.start_sync();
    ben.start_sync();
    let mut silent = 0;
    for held in 21..60 {
        let before = ben.traffic();
        let receipt = json!({ "item": shelf.item, "location": shelf.bin, "qty": "1" });
        ana.call("stock.receive", receipt).await.unwrap();
        let expected = format!("{held}");
        let arrived = async {
            while on_hand(&ben, &shelf.item).await != expected {
                changes.recv().await.unwrap();
            }
        };
        timeout(PATIENCE, arrived).await.expect("it never came");
        silent = if ben.traffic().sent == before.sent { silent + 1 } else { 0 };
        if silent == 3 {
            break;
        }
    }
    assert_eq!(silent, 3, "it asked for each of them");
    for engine in [ana, ben] {
        assert!(engine.sync(PATIENCE).await.unwrap().drained);
        engine.close().await;
    }
    assert_eq!(world.server(&["verify"])["ok"], true);
}

async fn on_hand(engine: &Engine, item: &str) -> String {
    let card = engine.call("items.get", json!({ "id": item })).await.unwrap();
    card["on_hand"].as_str().unwrap_or_default().to_owned()
}
