//! Snapshots against the log they stand for.

use super::world::{Desk, NOON, Shelf, World};
use crate::{store::snapshots, sync::snapshot};
use stillage_core::{
    scope::Scope,
    snapshot::{Chunk, FORMAT, Manifest, ManifestInput, Part, Row, WORTH, What},
};

impl Desk {
    async fn manifest(&self, scopes: Vec<Scope>) -> Manifest {
        let (device, epoch) = (self.principal.device, Some(self.app.epoch));
        let input = ManifestInput { device, epoch, format: FORMAT, scopes };
        snapshot::manifest(&self.app, &self.principal, input).await.unwrap()
    }

    /// What the server offers once it is made.
    async fn offered(&self, scopes: Vec<Scope>) -> Manifest {
        loop {
            let manifest = self.manifest(scopes.clone()).await;
            if !manifest.making {
                return manifest;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn chunks(&self, manifest: &Manifest) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for name in &manifest.chunks {
            let body = snapshots::body(&self.app.pool, self.app.org, (name.snapshot, name.n)).await.unwrap().unwrap();
            assert_eq!((body.digest, body.bytes.len() as u64), (name.digest, name.bytes));
            let bytes = zstd::bulk::decompress(&body.bytes, 1 << 28).unwrap();
            chunks.push(Chunk::decode(&bytes).unwrap());
        }
        chunks
    }
}

/// A shelf that much was brought to, and that was counted in the end.
async fn busy(world: &World) -> (Desk, Shelf) {
    let (mut anna, shelf) = world.furnished().await;
    for batch in 0..WORTH.div_ceil(500) {
        let at = NOON + 1000 * i64::try_from(batch).unwrap();
        let changes = anna.seal_all((1..=500).map(|units| shelf.receive(units)), at);
        anna.push(changes).await;
    }
    anna.act(shelf.count(7), NOON + 1_000_000).await;
    (anna, shelf)
}

#[tokio::test]
async fn a_snapshot_of_a_site_is_its_log_and_its_balances() {
    let world = World::start().await;
    let (mut anna, shelf) = busy(&world).await;
    let site = Scope::Site(shelf.site);
    assert!(anna.manifest(vec![site]).await.making);
    let manifest = anna.offered(vec![site, Scope::Catalogue]).await;
    assert_eq!(manifest.ack, Some(anna.ack));
    // The catalogue is short.
    assert_eq!(manifest.scopes.iter().map(|cursor| cursor.scope).collect::<Vec<_>>(), [site]);
    assert_eq!(manifest.chunks.iter().map(|name| name.part).collect::<Vec<_>>(), [Part::Balances, Part::History]);
    let chunks = anna.chunks(&manifest).await;
    let (Chunk::Balances(balances), Chunk::Rows(rows)) = (&chunks[0], &chunks[1]) else { panic!("{chunks:?}") };
    assert_eq!((balances.len(), balances[0].on_hand), (1, world.on_hand(&shelf).await));
    assert!(balances[0].count.is_some_and(|count| count.log_seq == Some(WORTH + 1)));
    let mut logged = Vec::new();
    while anna.cursors.get(&site).copied().unwrap_or(0) < manifest.scopes[0].seq {
        let pages = anna.pull(5000).await.pages;
        logged.extend(pages.into_iter().filter(|page| page.scope == site).flat_map(|page| page.entries));
    }
    let expected: Vec<Row> = logged.into_iter().map(|entry| Row::of(entry, false)).collect();
    assert!(rows == &expected && !rows.iter().any(|row| matches!(row.what, What::Unknown(_))));
}

#[tokio::test]
async fn a_snapshot_is_made_again_when_the_log_has_outgrown_it() {
    let world = World::start().await;
    let (mut anna, shelf) = busy(&world).await;
    let site = Scope::Site(shelf.site);
    let first = anna.offered(vec![site]).await;
    anna.act(shelf.receive(1), NOON).await;
    assert_eq!(anna.offered(vec![site]).await.scopes, first.scopes);
    for _ in 0..2 {
        let changes = anna.seal_all((1..=500).map(|units| shelf.receive(units)), NOON);
        anna.push(changes).await;
    }
    assert!(anna.offered(vec![site]).await.scopes[0].seq > first.scopes[0].seq);
    // A day later both are gone.
    snapshots::sweep(&world.app.store, world.app.org, world.app.mint.now() + 25 * 3600 * 1_000_000).await.unwrap();
    assert!(anna.manifest(vec![site]).await.making);
    anna.offered(vec![site]).await;
}

#[tokio::test]
async fn a_snapshot_of_a_site_is_not_offered_to_a_device_of_another() {
    let world = World::start().await;
    let (anna, shelf) = busy(&world).await;
    anna.offered(vec![Scope::Site(shelf.site)]).await;
    let mut anna = anna;
    let other = stillage_core::id::LocationId(world.app.mint.uuid());
    let fields = [("code", serde_json::json!("OTHER")), ("role", serde_json::json!("site"))];
    anna.act(super::world::create(other, &fields), NOON).await;
    let ben = world.desk_of("Ben", &["OTHER".to_owned()]).await;
    let manifest = ben.manifest(vec![Scope::Site(shelf.site)]).await;
    assert!(manifest.scopes.is_empty() && manifest.chunks.is_empty() && !manifest.making);
}
