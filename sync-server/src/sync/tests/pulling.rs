//! What a device is given, and what it is not.

use super::world::{Desk, NOON, World, create};
use crate::{
    error::ServerError,
    sync::{self, enrol},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::join_all;
use serde_json::json;
use stillage_core::{
    id::LocationId,
    scope::Scope,
    snapshot::{Chunk, FORMAT},
    wire::{LogEntry, PullAnswer, PullInput},
};

/// So few rows at a time that no answer is taken from the quick look.
const AT_LENGTH: u32 = 99;

#[tokio::test]
async fn pages_tile_and_the_ack_comes_only_at_the_head() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let changes = anna.seal_all((1..=40).map(|units| shelf.receive(units)), NOON);
    anna.push(changes).await;
    let mut pulls = 0;
    loop {
        let answer = anna.pull(7).await;
        pulls += 1;
        assert_eq!(answer.ack.is_some(), !answer.has_more);
        if let Some(ack) = answer.ack {
            assert_eq!((ack.seq, ack.chain), (anna.ack.seq, anna.ack.chain));
            assert_eq!(ack.results.len(), 43);
            break;
        }
    }
    assert!(pulls > 6);
    assert_eq!(anna.cursors[&Scope::Site(shelf.site)], 40);
    let idle = anna.pull(7).await;
    assert!(idle.pages.is_empty() && idle.ack.is_some_and(|ack| ack.results.is_empty()));
}

#[tokio::test]
async fn a_device_that_follows_closely_hears_the_same_as_one_that_pages() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut ben = world.desk("Ben").await;
    for desk in [&mut anna, &mut ben] {
        desk.pull(5000).await;
    }
    for (receipts, rows) in [(0, 0), (3, 3), (150, 150)] {
        let changes = anna.seal_all((1..=receipts).map(|units| shelf.receive(units)), NOON);
        anna.push(changes).await;
        for desk in [&mut anna, &mut ben] {
            let mut paging = desk.clone();
            let (closely, at_length) = (desk.pull(5000).await, paging.pull(AT_LENGTH).await);
            assert_eq!(closely.pages.iter().map(|page| page.entries.len()).sum::<usize>(), rows);
            assert!(closely.ack.is_some() && !closely.has_more);
            if rows < AT_LENGTH as usize {
                assert_eq!(PullAnswer { server_time: at_length.server_time, ..closely }, at_length);
            }
        }
    }
}

#[tokio::test]
async fn all_who_ask_at_the_same_moment_are_answered() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut crowd = Vec::new();
    for n in 0..20 {
        let mut desk = world.desk(&format!("Desk {n}")).await;
        desk.pull(5000).await;
        // One that asks twice: its first question was cut off, or so it thinks.
        crowd.extend([desk.clone(), desk]);
    }
    anna.act(shelf.receive(5), NOON).await;
    let answers = join_all(crowd.iter_mut().map(|desk: &mut Desk| desk.pull(5000))).await;
    assert!(answers.iter().all(|answer| answer.pages.iter().any(|page| page.scope == Scope::Site(shelf.site))));
}

#[tokio::test]
async fn a_revoked_device_pulls_nothing_though_its_token_was_just_seen() {
    let world = World::start().await;
    let (mut anna, _) = world.furnished().await;
    anna.pull(5000).await;
    assert!(enrol::revoke(&world.app, anna.principal.device).await.unwrap());
    for max_rows in [5000, AT_LENGTH] {
        let cursors = anna.cursors.iter().map(|(scope, seq)| stillage_core::wire::Cursor { scope: *scope, seq: *seq });
        let (device, epoch, cursors) = (anna.principal.device, Some(world.app.epoch), cursors.collect());
        let input =
            PullInput { device, epoch, cursors, settled_seq: 0, max_rows, mismatches: Vec::new(), chunks: None };
        assert!(matches!(sync::pull(&world.app, &anna.principal, input).await, Err(ServerError::SignedOut)));
    }
}

#[tokio::test]
async fn a_device_of_one_site_sees_no_other_and_no_foreign_inbox() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    anna.act(shelf.receive(5), NOON).await;
    // Below zero: a row in Anna's inbox.
    anna.act(shelf.issue(9), NOON + 1).await;
    let other = LocationId(world.app.mint.uuid());
    anna.act(create(other, &[("code", json!("OTHER")), ("role", json!("site"))]), NOON).await;
    let mut ben = world.desk_of("Ben", &["OTHER".to_owned()]).await;
    let heads: Vec<Scope> = ben.pull(5000).await.heads.iter().map(|head| head.scope).collect();
    assert_eq!(heads, [Scope::Catalogue, Scope::Site(other), Scope::Inbox(ben.principal.person)]);
    ben.cursors.insert(Scope::Site(shelf.site), 1);
    assert_eq!(ben.pull(5000).await.removed, [Scope::Site(shelf.site)]);
}

#[tokio::test]
async fn a_restricted_device_is_granted_the_site_it_makes() {
    let world = World::start().await;
    let (_, shelf) = world.furnished().await;
    let mut ben = world.desk_of("Ben", &[shelf.site.to_string()]).await;
    let made = LocationId(world.app.mint.uuid());
    ben.act(create(made, &[("code", json!("NEW")), ("role", json!("site"))]), NOON).await;
    let heads = ben.pull(5000).await.heads;
    assert!(heads.iter().any(|head| head.scope == Scope::Site(made)));
}

#[tokio::test]
async fn a_long_page_is_the_same_in_columns_for_who_reads_them() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let changes = anna.seal_all((1..=120).map(|units| shelf.receive(units)), NOON);
    anna.push(changes).await;
    let asked = |chunks| PullInput {
        device: anna.principal.device,
        epoch: Some(world.app.epoch),
        cursors: Vec::new(),
        settled_seq: 0,
        max_rows: 5000,
        mismatches: Vec::new(),
        chunks,
    };
    let [plain, strange, packed] = [None, Some(FORMAT + 1), Some(FORMAT)].map(asked);
    let [plain, strange, packed] = [
        sync::pull(&world.app, &anna.principal, plain).await.unwrap(),
        sync::pull(&world.app, &anna.principal, strange).await.unwrap(),
        sync::pull(&world.app, &anna.principal, packed).await.unwrap(),
    ];
    assert_eq!(strange.pages, plain.pages);
    let long = plain.pages.iter().zip(&packed.pages).filter(|(plain, _)| plain.scope == Scope::Site(shelf.site));
    for (plain, packed) in long {
        assert_eq!((packed.from, packed.to, packed.entries.len()), (0, 120, 0));
        let bytes = STANDARD.decode(packed.chunk.as_ref().unwrap()).unwrap();
        assert!(bytes.len() * 4 < serde_json::to_vec(&plain.entries).unwrap().len());
        let Chunk::Rows(rows) = Chunk::decode(&zstd::bulk::decompress(&bytes, 1 << 20).unwrap()).unwrap() else {
            panic!("rows are expected")
        };
        assert_eq!(rows.into_iter().map(LogEntry::from).collect::<Vec<_>>(), plain.entries);
    }
    // A few are not worth it.
    assert!(packed.pages.iter().any(|page| page.chunk.is_none() && !page.entries.is_empty()));
}

#[tokio::test]
async fn a_device_of_another_epoch_is_served_from_the_start_without_an_ack() {
    let world = World::start().await;
    let (mut anna, _) = world.furnished().await;
    anna.pull(5000).await;
    let input = stillage_core::wire::PullInput {
        device: anna.principal.device,
        epoch: Some(world.app.mint.uuid().into()),
        cursors: anna.cursors.iter().map(|(s, n)| stillage_core::wire::Cursor { scope: *s, seq: *n }).collect(),
        settled_seq: 0,
        max_rows: 5000,
        mismatches: Vec::new(),
        chunks: None,
    };
    let answer = crate::sync::pull(&world.app, &anna.principal, input).await.unwrap();
    assert_eq!(answer.epoch, world.app.epoch);
    assert!(answer.ack.is_none());
    assert!(answer.pages.iter().all(|page| page.from == 0));
}

#[tokio::test]
async fn a_commit_pokes_the_scopes_that_grew_and_only_those_who_may_see_them() {
    use futures_util::StreamExt;
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let ben = world.desk_of("Ben", &[shelf.site.to_string()]).await;
    let mut pokes = std::pin::pin!(sync::pokes(world.app.clone(), ben.principal, None).ok().unwrap());
    pokes.next().await.unwrap();
    anna.act(shelf.receive(5), NOON).await;
    let moved = pokes.next().await.unwrap().heads;
    assert_eq!(moved.len(), 1);
    assert_eq!((moved[0].scope, moved[0].seq), (Scope::Site(shelf.site), 1));
}
