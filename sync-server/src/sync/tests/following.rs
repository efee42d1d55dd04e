//! What the socket brings to a device that follows.

use super::world::{Desk, NOON, World};
use crate::{
    error::ServerError,
    sync::{self, enrol},
};
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use stillage_core::{
    id::{DeviceId, EpochId},
    wire::{Followed, Poke, PullAnswer, PullInput},
};

const ROWS: u32 = 5000;

type Pokes = Pin<Box<dyn Stream<Item = Poke>>>;

/// Listens from now on; what is known already has been told.
async fn follow(desk: &Desk, input: PullInput) -> Pokes {
    let mut pokes: Pokes = Box::pin(
        sync::pokes(desk.app.clone(), desk.principal.clone(), Some(input)).unwrap_or_else(|_| panic!("refused")),
    );
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
    let mut pokes = [follow(&anna, anna.asks(ROWS)).await, follow(&ben, ben.asks(ROWS)).await];
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
    let mut pokes = follow(&ben, ben.asks(ROWS)).await;
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
    let (mut elsewhere, mut revoked) = (follow(&ben, other).await, follow(&ben, ben.asks(ROWS)).await);
    enrol::revoke(&world.app, ben.principal.device).await.unwrap_or_else(|_| panic!("not revoked"));
    anna.act(shelf.receive(5), NOON).await;
    assert_eq!(brought(&mut elsewhere).await, None);
    assert!(revoked.next().await.is_none(), "what is told to a revoked device goes on");
    let stranger = PullInput { device: DeviceId(world.app.mint.uuid()), ..ben.asks(ROWS) };
    let refused = sync::pokes(world.app.clone(), ben.principal.clone(), Some(stranger)).err();
    assert!(matches!(refused, Some(ServerError::Forbidden(_))));
}
