//! Changes that another device hands over.

use super::world::{Desk, NOON, Shelf, World};
use crate::{
    app::PrincipalKind,
    sync::{enrol, push_changes},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use stillage_core::{
    change::Outcome,
    id::{DeviceId, OrganisationId},
    quantity::Quantity,
    wire::{CarriedPush, PushInput},
};

/// A desk with a key of its own, and another one that stands in the network.
async fn two(world: &World) -> (Desk, SigningKey, Desk, Shelf) {
    let (ben, shelf) = world.furnished().await;
    let key = SigningKey::from_bytes(&[7; 32]);
    let anna = world.desk("Cleo").await;
    sqlx::query("UPDATE device SET public_key = $2 WHERE device = $1")
        .bind(anna.principal.device.0)
        .bind(STANDARD.encode(key.verifying_key().to_bytes()))
        .execute(&world.app.pool)
        .await
        .unwrap();
    (anna, key, ben, shelf)
}

fn signed(push: PushInput, key: &SigningKey, org: OrganisationId) -> CarriedPush {
    let signature = STANDARD.encode(key.sign(&push.signed_text(org)).to_bytes());
    CarriedPush { push, signature: Some(signature) }
}

#[tokio::test]
async fn what_another_device_carries_settles_as_the_signers_own_and_once() {
    let world = World::start().await;
    let (anna, key, ben, shelf) = two(&world).await;
    let input = anna.input(anna.seal_all([shelf.receive(5), shelf.issue(2)], NOON));
    let carried = signed(input.clone(), &key, world.app.org);
    for duplicate in [false, true] {
        let answer = push_changes(&world.app, &ben.principal, carried.clone()).await.unwrap();
        let applied = |outcome| outcome == Outcome::Applied;
        assert!(answer.results.iter().all(|result| applied(result.outcome) && result.duplicate == duplicate));
    }
    let own = anna.app.pusher.push(&anna.principal, input).await.unwrap();
    assert!(own.refusal.is_none() && own.results.iter().all(|result| result.duplicate));
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(3));
    let person: Option<uuid::Uuid> = sqlx::query_scalar("SELECT person FROM movement WHERE order_device = $1 LIMIT 1")
        .bind(anna.principal.device.0)
        .fetch_one(&world.app.pool)
        .await
        .unwrap();
    assert_eq!(person, Some(anna.principal.person.0), "it was its own, whoever carried it");
    world.check().await;
}

#[tokio::test]
async fn what_is_altered_unsigned_or_of_a_revoked_or_unknown_device_is_refused() {
    let world = World::start().await;
    let (anna, key, ben, shelf) = two(&world).await;
    let input = anna.input(vec![anna.seal(shelf.receive(5), (NOON, 0))]);
    let good = signed(input.clone(), &key, world.app.org);
    let mut altered = good.clone();
    altered.push.changes[0].body = altered.push.changes[0].body.replace(r#""5""#, r#""9""#);
    assert_ne!(altered, good);
    let other_key = signed(input.clone(), &SigningKey::from_bytes(&[8; 32]), world.app.org);
    let other_organisation = signed(input.clone(), &key, OrganisationId(uuid::Uuid::nil()));
    let unsigned = CarriedPush { push: input.clone(), signature: None };
    let mut unknown = input;
    unknown.device = DeviceId(world.app.mint.uuid());
    let unknown = signed(unknown, &key, world.app.org);
    for refused in [altered, other_key, other_organisation, unsigned, unknown] {
        let error = push_changes(&world.app, &ben.principal, refused).await.unwrap_err();
        assert_eq!(error.code(), "FORBIDDEN");
    }
    let mut program = ben.principal.clone();
    program.kind = PrincipalKind::Api;
    assert_eq!(push_changes(&world.app, &program, good.clone()).await.unwrap_err().code(), "FORBIDDEN");
    assert!(enrol::revoke(&world.app, anna.principal.device).await.unwrap());
    assert_eq!(push_changes(&world.app, &ben.principal, good).await.unwrap_err().code(), "FORBIDDEN");
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(0));
    world.check().await;
}
