//! Beginning from a folder: the same manifest and chunks as the server gives, carried by hand. The server is asked two
//! small questions all the same: what this device may hold of which history, and how far it has this device's chain.

use super::{
    bootstrap::{self, Source},
    lock, pull,
    round::{PATIENCE, Round, blocking, put_in_place},
};
use crate::{
    Code, Failure,
    engine::{Inner, Tag},
    store::{settings, snapshot},
};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use stillage_core::{
    scope::Scope,
    snapshot::{FORMAT, MANIFEST_FILE, Manifest},
    wire::{PullAnswer, PullInput},
};

/// What a folder brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Brought {
    pub scopes: Vec<Scope>,
    pub rows: u64,
    pub bytes: u64,
}

pub(super) async fn load(inner: &Arc<Inner>, folder: PathBuf) -> Result<Brought, Failure> {
    let manifest = read(folder.clone()).await?;
    let _alone = inner.sync.round.lock().await;
    let lock = lock::take(&inner.data_dir, PATIENCE).await?;
    let mut round = Round::begin(inner, Some(lock)).await?;
    let store = Arc::clone(&round.opened.store);
    let organisation = blocking(move || store.read(|conn| settings::get(conn, settings::ORGANISATION))).await?;
    if organisation.is_some_and(|own| own != manifest.organisation.to_string()) {
        return Err(refused("The snapshot belongs to another organisation.", "Choose the folder of your own server."));
    }
    let input = PullInput { max_rows: 1, ..pull::input(&round).await? };
    let asked = input.clone();
    let answer = round.asking(|transport| async move { transport.pull(&asked).await }).await?;
    round.answered(answer.server_time).await?;
    let ack = bootstrap::ack(&mut round).await?;
    let manifest = Manifest { ack, ..wanted(manifest, &input, &answer)? };
    let brought = Brought {
        scopes: manifest.scopes.iter().map(|cursor| cursor.scope).collect(),
        rows: manifest.chunks.iter().map(|chunk| chunk.rows).sum(),
        bytes: manifest.chunks.iter().map(|chunk| chunk.bytes).sum(),
    };
    let store = Arc::clone(&round.opened.store);
    let accepted = blocking(move || snapshot::accept(&store, &manifest)).await?;
    if !accepted && !brought.scopes.is_empty() {
        return Err(Failure::new(
            Code::Busy,
            "Work of this device is on its way to the server.",
            "Run `stillage sync` first, then load the folder.",
        ));
    }
    let loaded = bootstrap::from_folder(&mut round, &Source::Folder(folder)).await;
    put_in_place(inner).await?;
    inner.tell(Tag::ALL);
    loaded.map(|()| brought)
}

fn refused(message: &str, next: &str) -> Failure {
    Failure::new(Code::Forbidden, message, next)
}

async fn read(folder: PathBuf) -> Result<Manifest, Failure> {
    blocking(move || {
        let text = std::fs::read(folder.join(MANIFEST_FILE))?;
        serde_json::from_slice(&text).map_err(|_| unreadable(&folder))
    })
    .await
}

fn unreadable(folder: &Path) -> Failure {
    let message = format!("There is no snapshot in {} that this version reads.", folder.display());
    Failure::new(Code::FileUnreadable, message, "Write one with `stillage-server snapshot --out DIR`.")
}

/// What of it this device may hold and holds nothing of.
fn wanted(mut manifest: Manifest, input: &PullInput, answer: &PullAnswer) -> Result<Manifest, Failure> {
    if manifest.format != FORMAT {
        let next = "Update this app, or sync over the network.";
        return Err(Failure::new(Code::UpgradeRequired, "The snapshot is of another version.", next));
    }
    if manifest.epoch != answer.epoch {
        let next = "Write a new one: the server was restored since.";
        return Err(refused("The snapshot is of a history that the server has left.", next));
    }
    let granted = |scope: Scope| answer.heads.iter().any(|head| head.scope == scope);
    let sites = manifest.scopes.iter().filter(|cursor| matches!(cursor.scope, Scope::Site(_)));
    if sites.clone().count() > 0 && sites.clone().all(|cursor| !granted(cursor.scope)) {
        let next = "Ask whoever looks after your server for the sites of this device.";
        return Err(refused("This device may hold none of the sites in the snapshot.", next));
    }
    let has = |scope: Scope| input.cursors.iter().any(|cursor| cursor.scope == scope && cursor.seq > 0);
    manifest.scopes.retain(|cursor| granted(cursor.scope) && !has(cursor.scope));
    let scopes: Vec<Scope> = manifest.scopes.iter().map(|cursor| cursor.scope).collect();
    manifest.chunks.retain(|chunk| scopes.contains(&chunk.scope));
    Ok(manifest)
}
