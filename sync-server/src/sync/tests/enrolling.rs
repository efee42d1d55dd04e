//! How devices come to be known.

use super::world::{NOON, World, enrolment};
use crate::sync::enrol;
use stillage_core::{change::Outcome, id::DeviceId};

#[tokio::test]
async fn a_code_works_once() {
    let world = World::start().await;
    let code = enrol::device_code(&world.app, "Desk", "Anna", &[]).await.unwrap().code;
    let device = || DeviceId(world.app.mint.uuid());
    let typed = code.to_lowercase().replace('-', " ");
    assert!(enrol::enrol(&world.app, None, enrolment(Some(typed), device())).await.is_ok());
    let again = enrol::enrol(&world.app, None, enrolment(Some(code), device())).await.unwrap_err();
    assert_eq!(again.code(), "CODE_INVALID");
}

#[tokio::test]
async fn people_and_devices_are_records_that_everybody_pulls() {
    let world = World::start().await;
    let mut anna = world.desk("Anna").await;
    let pulled = anna.pull(5000).await;
    let ids: Vec<&str> = pulled.pages.iter().flat_map(|page| &page.entries).map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, [anna.principal.person.to_string(), anna.principal.device.to_string()]);
}

#[tokio::test]
async fn a_forked_device_takes_a_new_id_and_its_changes_are_not_done_twice() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let mut copy = anna.clone();
    let shared = anna.seal(shelf.receive(5), (NOON, 0));
    anna.push(vec![shared.clone()]).await;
    let mut input = enrolment(None, DeviceId(world.app.mint.uuid()));
    input.forked_from = Some(copy.principal.device);
    let enrolled = enrol::enrol(&world.app, Some(&copy.principal), input).await.unwrap();
    let principal = world.principal(&enrolled.token).await.unwrap();
    assert_eq!(principal.person, copy.principal.person);
    copy = super::world::Desk::new(world.app.clone(), principal);
    let mut repeated = shared;
    repeated.seq = 1;
    let fresh = copy.seal(shelf.receive(1), (NOON + 1, 1));
    let answer = copy.push(vec![repeated, fresh]).await;
    assert_eq!(answer.refusal, None);
    assert!(answer.results[0].duplicate && !answer.results[1].duplicate);
    assert_eq!(answer.results[1].outcome, Outcome::Applied);
    assert_eq!(world.on_hand(&shelf).await, stillage_core::quantity::Quantity::whole(6));
    world.check().await;
}

#[tokio::test]
async fn a_revoked_device_is_nobody() {
    let world = World::start().await;
    let (anna, shelf) = world.furnished().await;
    assert!(enrol::revoke(&world.app, anna.principal.device).await.unwrap());
    let input = anna.input(anna.seal_all([shelf.receive(1)], NOON));
    let refused = world.app.pusher.push(&anna.principal, input).await.unwrap_err();
    assert_eq!(refused.code(), "SIGNED_OUT");
}
