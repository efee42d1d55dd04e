//! Beginning from snapshots instead of the log: ask what there is, fetch chunk after chunk, load each. While one is loaded,
//! the next is on its way. Whatever goes wrong, the log remains.

use super::{
    Bytes, Progress, pull, push,
    round::{Round, blocking},
    transport::Got,
};
use crate::{
    Failure,
    engine::{Inner, Tag},
    store::{
        Store, settings,
        snapshot::{self, Due, Ready},
        staged,
    },
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use stillage_core::{
    scope::Scope,
    snapshot::{Chunk, ChunkFault, FORMAT, MAX_UNPACKED, Manifest, ManifestInput, WORTH},
    wire::{Ack, PullAnswer, PullInput},
};

/// How long a server may take to make what was asked for, and how often it is asked about that.
const PATIENCE: Duration = Duration::from_secs(600);
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// How often a chunk is asked for before the server counts as out of reach.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

/// Scopes that this answer begins to tell from their first entry on, and that are long.
fn wanted(input: &PullInput, answer: &PullAnswer) -> Vec<Scope> {
    stillage_core::snapshot::wanted(&input.cursors, &answer.heads, WORTH)
}

/// Before the very first push: what waits here was never sent, so that no snapshot can hold it.
pub(super) async fn first(round: &mut Round) -> Result<(), Failure> {
    let store = Arc::clone(&round.opened.store);
    let blank =
        blocking(move || store.read(|conn| Ok(snapshot::is_blank(conn)? && snapshot::is_welcome(conn)?))).await?;
    if !blank {
        return Ok(());
    }
    let input = PullInput { max_rows: 1, ..pull::input(round).await? };
    let answer = round.asking(|transport| async move { transport.pull(&input).await.map(|a| (input, a)) }).await;
    let (input, answer) = match answer {
        Ok(asked) => asked,
        Err(failure) if failure.code == crate::Code::Offline => return Err(failure),
        // The push may still be taken; whoever pulls next says what is wrong.
        Err(_) => return Ok(()),
    };
    round.answered(answer.server_time).await?;
    match wanted(&input, &answer) {
        scopes if scopes.is_empty() => Ok(()),
        scopes => offer(round, scopes).await.map(drop),
    }
}

/// Takes snapshots instead of this answer, once in a pull.
pub(super) async fn instead(
    round: &mut Round,
    (input, answer): (&PullInput, &PullAnswer),
    offered: &mut bool,
) -> Result<bool, Failure> {
    let scopes = wanted(input, answer);
    if scopes.is_empty() || std::mem::replace(offered, true) {
        return Ok(false);
    }
    offer(round, scopes).await
}

/// Asks for snapshots of these scopes and loads all but their history; false when the log has to do.
async fn offer(round: &mut Round, scopes: Vec<Scope>) -> Result<bool, Failure> {
    let store = Arc::clone(&round.opened.store);
    if !blocking(move || store.read(snapshot::is_welcome)).await? {
        return Ok(false);
    }
    let Some(manifest) = manifest(round, scopes).await? else { return Ok(false) };
    let store = Arc::clone(&round.opened.store);
    let accepted = blocking(move || snapshot::accept(&store, &manifest)).await?;
    if accepted {
        front(round, &Source::Server).await?;
    }
    Ok(accepted)
}

/// How far the server has this device's chain, for a snapshot that it did not give.
pub(super) async fn ack(round: &mut Round) -> Result<Option<Ack>, Failure> {
    let input = ManifestInput { device: round.device, epoch: None, format: FORMAT, scopes: Vec::new() };
    let manifest = round.asking(|transport| async move { transport.manifest(&input).await }).await?;
    Ok(manifest.ack)
}

/// What the server has, once it is made. A server that does not know the question has nothing.
async fn manifest(round: &mut Round, scopes: Vec<Scope>) -> Result<Option<Manifest>, Failure> {
    let store = Arc::clone(&round.opened.store);
    let epoch = blocking(move || store.read(settings::epoch)).await?;
    let input = ManifestInput { device: round.device, epoch, format: FORMAT, scopes };
    let mut waited = Duration::ZERO;
    loop {
        let asked = input.clone();
        let answer = round.asking(|transport| async move { transport.manifest(&asked).await }).await;
        let manifest = match answer {
            Ok(manifest) => manifest,
            Err(failure) if failure.details["code"].is_string() => {
                tracing::warn!(%failure, "the server has no snapshots; its log has to do");
                return Ok(None);
            }
            Err(failure) => return Err(failure),
        };
        round.answered(manifest.server_time).await?;
        if manifest.making && waited < PATIENCE {
            waited += ASK_AGAIN;
            tokio::time::sleep(ASK_AGAIN).await;
            continue;
        }
        return Ok(Some(manifest).filter(|manifest| manifest.format == FORMAT && !manifest.scopes.is_empty()));
    }
}

/// Where chunks come from.
pub(super) enum Source {
    Server,
    Folder(std::path::PathBuf),
}

/// Loads all that must be there before people can work and pulls can go on.
pub(super) async fn front(round: &mut Round, source: &Source) -> Result<(), Failure> {
    let mut ahead = None;
    while let Some(due) = next(round, None, false).await? {
        ahead = step(round, source, (due, ahead), false).await?;
    }
    Ok(())
}

/// Loads history; people's changes go out and what is new comes in between the chunks.
pub(super) async fn history(round: &mut Round) -> Result<(u64, u64), Failure> {
    let (mut pushed, mut pulled, mut ahead) = (0, 0, None);
    if next(round, None, true).await?.is_some() {
        settle_front(round).await?;
    }
    while let Some(due) = next(round, None, true).await? {
        ahead = step(round, &Source::Server, (due, ahead), true).await?;
        pushed += push::run(round).await?;
        pulled += pull::run(round).await?;
    }
    Ok((pushed, pulled))
}

/// Loads everything there is in a folder.
pub(super) async fn from_folder(round: &mut Round, source: &Source) -> Result<(), Failure> {
    front(round, source).await?;
    settle_front(round).await?;
    let mut ahead = None;
    while let Some(due) = next(round, None, true).await? {
        ahead = step(round, source, (due, ahead), true).await?;
    }
    Ok(())
}

/// What people look up first is found quickly before the long part begins.
async fn settle_front(round: &Round) -> Result<(), Failure> {
    let store = Arc::clone(&round.opened.store);
    blocking(move || {
        while staged::step(&store)? {}
        snapshot::before_history(&store)
    })
    .await?;
    round.inner.tell(Tag::ALL);
    Ok(())
}

async fn next(round: &Round, after: Option<Due>, history: bool) -> Result<Option<Due>, Failure> {
    let store = Arc::clone(&round.opened.store);
    blocking(move || store.read(|conn| snapshot::due(conn, after.as_ref(), history))).await
}

type Ahead = Option<(Due, Fetched)>;

/// Loads `due`, fetched ahead or now, while the one after it comes in.
async fn step(round: &mut Round, source: &Source, (due, ahead): (Due, Ahead), history: bool) -> Result<Ahead, Failure> {
    show(round).await?;
    let fetched = match ahead {
        Some((known, fetched)) if known == due => fetched,
        _ => fetch(round, source, &due).await?,
    };
    let ready = match fetched {
        Fetched::Ready(ready) => ready,
        Fetched::Gone => return replace(round).await.map(|()| None),
        Fetched::Strange => return give_up(round).await.map(|()| None),
    };
    let after = next(round, Some(due.clone()), history).await?;
    let store = Arc::clone(&round.opened.store);
    let (loaded, fetched) = tokio::join!(blocking(move || snapshot::load(&store, &due, &ready)), async {
        match after {
            Some(after) => Some(fetch(round, source, &after).await.map(|fetched| (after, fetched))),
            None => None,
        }
    });
    let tags: BTreeSet<Tag> = loaded?;
    round.inner.tell(tags);
    show(round).await?;
    fetched.transpose()
}

/// The server has deleted what was being loaded, or this device may not have it any more: asks what there is now.
async fn replace(round: &mut Round) -> Result<(), Failure> {
    let store = Arc::clone(&round.opened.store);
    let scopes = blocking(move || store.read(snapshot::scopes)).await?;
    let found = manifest(round, scopes.into_keys().collect()).await?;
    tracing::info!(found = found.is_some(), "a snapshot is gone");
    let store = Arc::clone(&round.opened.store);
    blocking(move || match found {
        Some(manifest) => snapshot::replace(&store, &manifest),
        None => snapshot::give_up(&store),
    })
    .await
}

async fn give_up(round: &Round) -> Result<(), Failure> {
    tracing::warn!("a snapshot is of a format that this version does not read; the log has to do");
    let store: Arc<Store> = Arc::clone(&round.opened.store);
    blocking(move || snapshot::give_up(&store)).await
}

enum Fetched {
    Ready(Box<Ready>),
    Gone,
    /// Of a format of the future.
    Strange,
}

/// Fetches and reads one chunk. What came before a cut stays and is not asked for again.
async fn fetch(round: &Round, source: &Source, due: &Due) -> Result<Fetched, Failure> {
    let Source::Server = source else { return from_disk(source, due).await };
    let mut attempt = 0;
    loop {
        attempt += 1;
        let mut held = round.inner.sync.partial(due.name.digest);
        let got = round.transport.chunk(&due.name, &mut held).await;
        let failure = match got {
            Ok(Got::Gone) => return Ok(Fetched::Gone),
            Ok(Got::All) if due.name.is_of(&held) => return read(due.clone(), held).await,
            Ok(Got::All) => {
                held.clear();
                tracing::warn!(chunk = due.name.path(), "a chunk came damaged and is fetched again");
                Failure::offline("a part of a snapshot came damaged")
            }
            Err(failure) => failure,
        };
        round.inner.sync.keep_partial(due.name.digest, held);
        if attempt == ATTEMPTS || failure.code != crate::Code::Offline || round.inner.sync.is_cut() {
            return Err(failure);
        }
        tokio::time::sleep(round.inner.mint.jitter(PAUSE)).await;
    }
}

async fn from_disk(source: &Source, due: &Due) -> Result<Fetched, Failure> {
    let Source::Folder(folder) = source else { return Err(Failure::internal("no folder")) };
    let (path, name) = (folder.join(due.name.file()), due.name.clone());
    let bytes = blocking(move || {
        let bytes = std::fs::read(&path)?;
        if name.is_of(&bytes) {
            return Ok(bytes);
        }
        let next = "Copy the folder again, or write it again with `stillage-server snapshot --out DIR`.";
        let message = format!("{} is damaged.", path.display());
        Err(Failure::new(crate::Code::FileUnreadable, message, next))
    });
    read(due.clone(), bytes.await?).await
}

async fn read(due: Due, packed: Vec<u8>) -> Result<Fetched, Failure> {
    blocking(move || {
        let bytes = zstd::bulk::decompress(&packed, MAX_UNPACKED)?;
        match Chunk::decode(&bytes) {
            Ok(chunk) => Ok(Fetched::Ready(Box::new(Ready::new(&due, chunk)?))),
            Err(ChunkFault::Format) => Ok(Fetched::Strange),
            Err(fault) => Err(Failure::internal(fault)),
        }
    })
    .await
}

async fn show(round: &Round) -> Result<(), Failure> {
    let store = Arc::clone(&round.opened.store);
    let loaded = blocking(move || store.read(snapshot::loaded)).await?;
    if let Some(loaded) = loaded {
        tell(&round.inner, loaded);
    }
    Ok(())
}

fn tell(inner: &Inner, loaded: snapshot::Loaded) {
    let bytes = Some(Bytes { done: loaded.bytes, total: loaded.of_bytes });
    let progress = Progress { first: true, done: loaded.rows, total: loaded.of_rows, bytes };
    if inner.sync.set_progress(Some(progress)) {
        inner.tell([Tag::Status]);
    }
}
