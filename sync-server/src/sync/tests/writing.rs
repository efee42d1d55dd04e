//! The combining writer when something in a batch goes wrong, and when many push at once.

use super::world::{Desk, MINUTE, NOON, World};
use crate::{
    config::open_url,
    mint::Mint,
    store::batch::PushRequest,
    sync::{combine::Writer, growth::Growth},
};
use serde_json::json;
use stillage_core::{
    change::{Change, Outcome},
    decide::Door,
    quantity::Quantity,
};

fn request(desk: &Desk, changes: Vec<Change>) -> PushRequest {
    PushRequest {
        device: desk.principal.device,
        chained: true,
        door: Door::Late,
        first_seq: desk.ack.seq + 1,
        prev_chain: desk.ack.chain,
        changes,
        received_at: NOON + 60 * MINUTE,
        healing: stillage_core::settle::Healing::default(),
    }
}

fn writer(world: &World) -> Writer {
    let app = &world.app;
    let (store, pokes, growth) = (app.store.clone(), app.pokes.clone(), Growth::new(app.store.clone()));
    Writer { store, org: app.org, epoch: app.epoch, pokes, growth, mint: Mint }
}

/// Makes the database choke on every movement of 13 units, as a fault in it would.
async fn poison(world: &World) {
    let statements = [
        "CREATE FUNCTION choke() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           RAISE EXCEPTION 'choked' USING ERRCODE = '22000'; END $$",
        "CREATE TRIGGER choke BEFORE INSERT ON movement FOR EACH ROW WHEN (NEW.qty = 13000000)
           EXECUTE FUNCTION choke()",
    ];
    for statement in statements {
        sqlx::query(statement).execute(&world.app.pool).await.unwrap();
    }
}

#[tokio::test]
async fn one_poison_change_is_parked_and_everything_around_it_is_applied() {
    let world = World::start().await;
    let (anna, shelf) = world.furnished().await;
    let ben = world.desk("Ben").await;
    poison(&world).await;
    let hers = anna.seal_all([1, 2, 13, 4, 5].map(|units| shelf.receive(units)), NOON);
    let his = ben.seal_all([shelf.receive(100)], NOON);
    let poisoned = hers[2].id;
    let answers = writer(&world).settle(&[request(&anna, hers), request(&ben, his)]).await;
    let settled = answers[0].as_ref().unwrap();
    assert_eq!(settled.refusal, None);
    assert_eq!(settled.ack.seq, anna.ack.seq + 5);
    for result in &settled.results {
        let expected = if result.id == poisoned { Outcome::Parked } else { Outcome::Applied };
        assert_eq!(result.outcome, expected);
    }
    assert_eq!(settled.results[2].code.as_deref(), Some("INTERNAL"));
    let row = world.inbox_row(poisoned).await;
    assert_eq!((&row["kind"], &row["subject"]), (&json!("parked"), &json!(shelf.item)));
    assert_eq!((&row["person"], &row["acted_at"]), (&json!(anna.principal.person), &json!(NOON + 2)));
    assert_eq!(answers[1].as_ref().unwrap().results[0].outcome, Outcome::Applied);
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(112));
    world.check().await;
}

#[tokio::test]
async fn a_kind_that_the_database_cannot_store_blocks_nobody() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut changes = anna.seal_all([shelf.receive(1), shelf.receive(2)], NOON);
    changes[0].kind = "stock.\0".into();
    let answer = anna.push(changes).await;
    assert_eq!(answer.results[0].outcome, Outcome::Parked);
    assert_eq!(answer.results[1].outcome, Outcome::Applied);
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logs_stay_gapless_under_sixteen_pushers_and_two_servers() {
    let world = World::start().await;
    let (_, shelf) = world.furnished().await;
    let second = open_url(world.database.url()).await.unwrap();
    let mut pushing = tokio::task::JoinSet::new();
    for n in 0..16 {
        let mut desk = world.desk(&format!("Desk {n}")).await;
        if n % 2 == 1 {
            desk.app = second.clone();
        }
        pushing.spawn(async move {
            for round in 0..10 {
                let actions = [shelf.receive(3), shelf.issue(1)];
                let changes = desk.seal_all(actions, NOON + i64::from(round) * MINUTE);
                let answer = desk.push(changes).await;
                assert!(answer.results.iter().all(|result| result.outcome == Outcome::Applied));
            }
        });
    }
    while let Some(done) = pushing.join_next().await {
        done.unwrap();
    }
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(16 * 10 * 2));
    world.check().await;
}

#[tokio::test]
async fn what_was_accepted_is_finished_before_the_server_closes() {
    let world = World::start().await;
    let (anna, shelf) = world.furnished().await;
    let pushing = tokio::spawn({
        let mut anna = anna.clone();
        async move { anna.act(shelf.receive(5), NOON).await }
    });
    tokio::task::yield_now().await;
    world.app.pusher.close().await;
    assert_eq!(pushing.await.unwrap(), Outcome::Applied);
    let late = anna.app.pusher.push(&anna.principal, anna.input(Vec::new())).await.unwrap_err();
    assert_eq!(late.code(), "UNAVAILABLE");
    world.check().await;
}
