//! What the socket brings to a device that follows.

use super::world::{Desk, NOON, Shelf, World};
use crate::{
    error::ServerError,
    store::devices,
    sync::{self, enrol},
};
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use stillage_core::{
    id::{DeviceId, EpochId},
    scope::Scope,
    wire::{Followed, Poke, PullAnswer, PullInput},
};

const ROWS: u32 = 5000;

type Pokes = Pin<Box<dyn Stream<Item = Poke>>>;

/// Listens from now on; what is known already has been told.
async fn follow(desk: &Desk, input: Option<PullInput>) -> Pokes {
    let mut pokes: Pokes =
        Box::pin(sync::pokes(desk.app.clone(), desk.principal.clone(), input).unwrap_or_else(|_| panic!("refused")));
    pokes.next().await.unwrap();
    pokes
}

async fn brought(pokes: &mut Pokes) -> Option<Followed> {
    pokes.next().await.unwrap().followed
}

#[tokio::test]
async fn a_device_that_follows_is_brought_what_it_would_pull_and_asks_itself_when_that_is_much() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut ben = world.desk("Ben").await;
    anna.act(shelf.receive(1), NOON).await;
    for desk in [&mut anna, &mut ben] {
        desk.pull(ROWS).await;
    }
    let mut pokes = [follow(&anna, Some(anna.asks(ROWS))).await, follow(&ben, Some(ben.asks(ROWS))).await];
    // After much of her own, Anna is taken to know fewer ends than she does, once.
    let all = [(1, [true; 2]), (3, [true; 2]), (150, [false; 2]), (2, [false, true]), (1, [true; 2])];
    for (receipts, expected) in all {
        let changes = anna.seal_all((1..=receipts).map(|units| shelf.receive(units)), NOON);
        anna.push(changes).await;
        for ((desk, pokes), expected) in [&mut anna, &mut ben].into_iter().zip(&mut pokes).zip(expected) {
            let (brought, asks) = (brought(pokes).await, desk.asks(ROWS));
            let pulled = desk.pull(ROWS).await;
            assert_eq!(brought.is_some(), expected, "{receipts}");
            if let Some(brought) = brought {
                assert!(brought.fits(&asks), "{brought:?} does not fit {asks:?}");
                assert_eq!(PullAnswer { server_time: pulled.server_time, ..brought.answer }, pulled);
            }
        }
    }
}

#[tokio::test]
async fn what_is_brought_fits_only_where_it_begins() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut ben = world.desk("Ben").await;
    anna.act(shelf.receive(1), NOON).await;
    ben.pull(ROWS).await;
    let mut pokes = follow(&ben, Some(ben.asks(ROWS))).await;
    anna.act(shelf.receive(5), NOON).await;
    let here = ben.asks(ROWS);
    let brought = brought(&mut pokes).await.unwrap();
    assert!(brought.fits(&here));
    let elsewhere = [
        PullInput { settled_seq: here.settled_seq + 1, ..here.clone() },
        PullInput { epoch: Some(EpochId(world.app.mint.uuid())), ..here.clone() },
        PullInput { cursors: Vec::new(), ..here },
    ];
    assert!(elsewhere.iter().all(|input| !brought.fits(input)));
    ben.pull(ROWS).await;
    assert!(!brought.fits(&ben.asks(ROWS)), "it is here already");
}

#[tokio::test]
async fn nothing_is_brought_to_whoever_is_in_another_history_or_may_not_ask_any_more() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut ben = world.desk("Ben").await;
    ben.pull(ROWS).await;
    let other = PullInput { epoch: Some(EpochId(world.app.mint.uuid())), ..ben.asks(ROWS) };
    let (mut elsewhere, mut revoked) = (follow(&ben, Some(other)).await, follow(&ben, Some(ben.asks(ROWS))).await);
    enrol::revoke(&world.app, ben.principal.device).await.unwrap_or_else(|_| panic!("not revoked"));
    anna.act(shelf.receive(5), NOON).await;
    assert_eq!(brought(&mut elsewhere).await, None);
    assert!(revoked.next().await.is_none(), "what is told to a revoked device goes on");
    let stranger = PullInput { device: DeviceId(world.app.mint.uuid()), ..ben.asks(ROWS) };
    let refused = sync::pokes(world.app.clone(), ben.principal.clone(), Some(stranger)).err();
    assert!(matches!(refused, Some(ServerError::Forbidden(_))));
}

#[tokio::test]
async fn what_is_told_ends_for_whoever_may_hold_more_or_less_than_when_it_began() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let other = Shelf::new(&world.app);
    for action in other.creates() {
        anna.act(action, NOON).await;
    }
    let mut ben = world.desk_of("Ben", &[shelf.site.to_string()]).await;
    ben.pull(ROWS).await;
    let app = &world.app;
    for granted in [vec![other.site.to_string()], vec![], vec![other.site.to_string()]] {
        let mut listening = [follow(&ben, Some(ben.asks(ROWS))).await, follow(&ben, None).await];
        let mut untouched = follow(&anna, None).await;
        assert!(enrol::grant(app, ben.principal.device, &granted).await.unwrap());
        app.pokes.read_database(&app.store, app.org).await.unwrap();
        for pokes in &mut listening {
            assert!(pokes.next().await.is_none(), "it goes on after {granted:?}");
        }
        let mut tx = app.store.snapshot(app.org).await.unwrap();
        ben.principal = devices::by_id(&mut tx, ben.principal.device).await.unwrap().unwrap();
        anna.act(shelf.receive(1), NOON).await;
        assert!(untouched.next().await.is_some());
    }
    let mut pokes = follow(&ben, None).await;
    anna.act(other.receive(1), NOON).await;
    let heads = pokes.next().await.unwrap().heads;
    assert_eq!(heads.iter().map(|head| head.scope).collect::<Vec<_>>(), [Scope::Site(other.site)]);
}
