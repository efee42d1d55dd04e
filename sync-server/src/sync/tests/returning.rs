//! Devices that a restored server does not know come back by their certificates, and nobody else does.

use super::{
    healing::lost,
    world::{Desk, MINUTE, NOON, World, create, enrolment},
};
use crate::{
    store::{devices, sums},
    sync::{
        certificate::Seal,
        enrol::{self, secret_hash},
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::json;
use stillage_core::{
    certificate::{Certificate, Membership, Shown},
    change::Outcome,
    id::{DeviceId, EpochId, LocationId},
    quantity::Quantity,
    wire::{EnrolInput, Enrolled},
};

/// A desktop of one site that the server has lost, with what it kept.
struct Lost {
    world: World,
    device: DeviceId,
    site: LocationId,
    key: SigningKey,
    before: Enrolled,
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(key: &SigningKey) -> String {
    STANDARD.encode(key.verifying_key().to_bytes())
}

impl Lost {
    async fn new() -> Self {
        let world = World::start().await;
        let mut anna = world.desk("Anna").await;
        let site = LocationId(world.app.mint.uuid());
        let made = anna.act(create(site, &[("code", json!("DC")), ("role", json!("site"))]), NOON).await;
        assert_eq!(made, Outcome::Applied);
        let code = enrol::device_code(&world.app, "Desk", "Ben", &["DC".to_owned()]).await.unwrap().code;
        let (device, key) = (DeviceId(world.app.mint.uuid()), key(7));
        let input = EnrolInput { public_key: public(&key), ..enrolment(Some(code), device) };
        let before = enrol::enrol(&world.app, None, input).await.unwrap();
        let lost = Self { world, device, site, key, before };
        lost.lose().await;
        lost
    }

    /// As a backup of before it joined has it.
    async fn lose(&self) {
        for sql in ["DELETE FROM device_site WHERE device = $1", "DELETE FROM device WHERE device = $1"] {
            sqlx::query(sql).bind(self.device.0).execute(&self.world.app.pool).await.unwrap();
        }
        let person = "DELETE FROM record WHERE kind = 'person' AND id = $1";
        let app = &self.world.app;
        sqlx::query(person).bind(self.before.person.0).execute(&app.pool).await.unwrap();
        sqlx::query("UPDATE scope SET sum = NULL").execute(&app.pool).await.unwrap();
        sums::fill(&app.store, app.org).await.unwrap();
    }

    fn certificate(&self) -> Certificate {
        self.before.certificate.clone().unwrap()
    }

    fn shows(&self, certificate: Certificate, key: &SigningKey) -> EnrolInput {
        let app = &self.world.app;
        self.shows_at(certificate, key, (app.epoch, app.mint.now()))
    }

    fn shows_at(&self, certificate: Certificate, key: &SigningKey, (epoch, at): (EpochId, i64)) -> EnrolInput {
        let proof = STANDARD.encode(key.sign(&certificate.challenge(epoch, at)).to_bytes());
        let shown = Some(Shown { certificate, at, proof });
        EnrolInput { public_key: public(&self.key), certificate: shown, ..enrolment(None, self.device) }
    }

    async fn refuses(&self, input: EnrolInput) {
        let refused = enrol::enrol(&self.world.app, None, input).await.unwrap_err();
        assert_eq!(refused.code(), "FORBIDDEN");
        let known = sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT 1 FROM device WHERE device = $1)");
        let known = known.bind(self.device.0).fetch_one(&self.world.app.pool).await.unwrap();
        assert!(!known);
    }
}

#[tokio::test]
async fn a_certificate_brings_a_device_back_as_it_was() {
    let lost = Lost::new().await;
    let app = &lost.world.app;
    let back = enrol::enrol(app, None, lost.shows(lost.certificate(), &lost.key)).await.unwrap();
    assert_eq!((back.person, back.person_name.as_str()), (lost.before.person, "Ben"));
    assert_ne!(back.token, lost.before.token);
    let principal = lost.world.principal(&back.token).await.unwrap();
    assert_eq!((principal.device, principal.sites), (lost.device, Some(vec![lost.site])));
    let returned = sqlx::query_scalar::<_, Option<i64>>("SELECT returned_at FROM device WHERE token_hash = $1");
    let returned = returned.bind(secret_hash(&back.token)).fetch_one(&app.pool).await.unwrap();
    assert!(returned.is_some());
    // The answer may be lost on its way: it asks again.
    let again = enrol::enrol(app, None, lost.shows(lost.certificate(), &lost.key)).await.unwrap();
    assert!(lost.world.principal(&again.token).await.is_some());
    lost.world.check().await;
}

#[tokio::test]
async fn what_comes_back_under_an_earlier_id_keeps_its_place_though_it_comes_in_another_order() {
    let world = World::start().await;
    let (_, shelf) = world.furnished().await;
    let code = enrol::device_code(&world.app, "Desk", "Ben", &[]).await.unwrap().code;
    let (device, key) = (DeviceId(world.app.mint.uuid()), key(7));
    let input = EnrolInput { public_key: public(&key), ..enrolment(Some(code), device) };
    let before = enrol::enrol(&world.app, None, input).await.unwrap();
    // The id that it took later is lost, this one is not.
    let lost_desk = Lost { world, device, site: shelf.site, key, before };
    let app = &lost_desk.world.app;
    let back = enrol::enrol(app, None, lost_desk.shows(lost_desk.certificate(), &lost_desk.key)).await.unwrap();
    let desk = Desk::new(app.clone(), lost_desk.world.principal(&back.token).await.unwrap());
    let changes = lost(&desk, [shelf.receive(7), shelf.count(0)]);
    let mut input = desk.input(changes.clone());
    input.orders = [(changes[1].id, NOON), (changes[0].id, NOON + MINUTE)].into();
    app.pusher.push(&desk.principal, input).await.unwrap();
    assert_eq!(lost_desk.world.on_hand(&shelf).await, Quantity::whole(7));
    lost_desk.world.check().await;
}

#[tokio::test]
async fn an_admin_adopts_a_device_that_came_back_and_no_other() {
    let lost = Lost::new().await;
    let app = &lost.world.app;
    assert!(!enrol::adopt(app, lost.device).await.unwrap(), "it is not here yet");
    let anna = lost.world.desk("Anna").await;
    assert!(!enrol::adopt(app, anna.principal.device).await.unwrap(), "it was never away");
    enrol::enrol(app, None, lost.shows(lost.certificate(), &lost.key)).await.unwrap();
    for _ in 0..2 {
        assert!(enrol::adopt(app, lost.device).await.unwrap());
    }
    let mut tx = app.store.snapshot(app.org).await.unwrap();
    let adopted = devices::list(&mut tx).await.unwrap().into_iter().filter(|row| row.adopted_at.is_some());
    assert_eq!(adopted.map(|row| row.device).collect::<Vec<_>>(), [lost.device.0]);
    enrol::revoke(app, lost.device).await.unwrap();
    assert!(!enrol::adopt(app, lost.device).await.unwrap(), "it was revoked");
}

#[tokio::test]
async fn a_forged_certificate_brings_nobody_back() {
    let lost = Lost::new().await;
    let whole = lost.certificate();
    let membership: Membership = serde_json::from_str(&whole.body).unwrap();
    let wider = Membership { sites: None, ..membership.clone() };
    lost.refuses(lost.shows(Certificate { body: wider.body(), ..whole.clone() }, &lost.key)).await;
    lost.refuses(lost.shows(Seal::new(&[9; 32]).certify(&membership), &lost.key)).await;
    lost.refuses(lost.shows(Certificate { signature: String::new(), ..whole }, &lost.key)).await;
}

#[tokio::test]
async fn a_certificate_is_of_no_use_without_the_key_of_its_device() {
    let lost = Lost::new().await;
    let other = key(8);
    lost.refuses(lost.shows(lost.certificate(), &other)).await;
    let own_key = EnrolInput { public_key: public(&other), ..lost.shows(lost.certificate(), &other) };
    lost.refuses(own_key).await;
    let own_id = EnrolInput { device: DeviceId(lost.site.0), ..lost.shows(lost.certificate(), &lost.key) };
    lost.refuses(own_id).await;
}

#[tokio::test]
async fn a_proof_for_another_history_or_another_day_is_refused() {
    let lost = Lost::new().await;
    let (app, hour) = (&lost.world.app, 3_600_000_000);
    let other = EpochId(lost.site.0);
    for when in [(other, app.mint.now()), (app.epoch, app.mint.now() - hour), (app.epoch, app.mint.now() + hour)] {
        lost.refuses(lost.shows_at(lost.certificate(), &lost.key, when)).await;
    }
}

#[tokio::test]
async fn a_device_that_is_known_as_revoked_does_not_come_back() {
    let lost = Lost::new().await;
    let app = &lost.world.app;
    enrol::enrol(app, None, lost.shows(lost.certificate(), &lost.key)).await.unwrap();
    assert!(enrol::revoke(app, lost.device).await.unwrap());
    let refused = enrol::enrol(app, None, lost.shows(lost.certificate(), &lost.key)).await.unwrap_err();
    assert_eq!(refused.code(), "FORBIDDEN");
}

#[tokio::test]
async fn an_organisation_of_an_older_version_gets_one_key_and_keeps_it() {
    let world = World::start().await;
    let keys = "SELECT signing_key FROM organisation";
    sqlx::query("UPDATE organisation SET signing_key = NULL").execute(&world.app.pool).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        crate::config::open_url(world.database.url()).await.unwrap();
        seen.push(sqlx::query_scalar::<_, Vec<u8>>(keys).fetch_one(&world.app.pool).await.unwrap());
    }
    assert_eq!((seen[0].len(), &seen[0]), (32, &seen[1]));
}
