//! The way in: passphrases, two handles on one directory, and files that cannot be read.

use crate::world::{Desk, KEY, receive};
use std::time::Duration;
use stillage_client::{Code, Engine, Gate, store::Store};
use stillage_core::quantity::Quantity;

async fn set_up(dir: &std::path::Path) -> Engine {
    let engine = Engine::open(dir.to_path_buf());
    assert_eq!(engine.create("Desk".into(), Some("correct horse".into())).await.unwrap(), Gate::Ready);
    engine
}

#[tokio::test]
async fn without_a_keyring_a_passphrase_opens_the_data() {
    let dir = tempfile::tempdir().unwrap();
    set_up(dir.path()).await.close().await;
    let engine = Engine::open(dir.path().to_path_buf());
    assert_eq!(engine.gate().await.unwrap(), Gate::Locked);
    assert_eq!(engine.act(Vec::new()).await.unwrap_err().code, Code::Locked);
    assert_eq!(engine.unlock("wrong".into()).await.unwrap_err().code, Code::BadPassphrase);
    assert_eq!(engine.unlock("correct horse".into()).await.unwrap(), Gate::Ready);
}

#[tokio::test]
async fn nothing_is_readable_without_the_key() {
    let dir = tempfile::tempdir().unwrap();
    set_up(dir.path()).await.close().await;
    let bytes = std::fs::read(dir.path().join("stillage.db")).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"SQLite" || window == b"outbox"));
}

#[tokio::test]
async fn a_device_is_set_up_once() {
    let dir = tempfile::tempdir().unwrap();
    let engine = set_up(dir.path()).await;
    let again = engine.create("Desk".into(), Some("other".into())).await.unwrap_err();
    assert_eq!(again.code, Code::BadInput);
}

#[tokio::test]
async fn before_it_is_set_up_a_device_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path().to_path_buf());
    assert_eq!(engine.act(Vec::new()).await.unwrap_err().code, Code::NeedsSetup);
    assert_eq!(engine.sync(Duration::from_secs(1)).await.unwrap_err().code, Code::NeedsSetup);
}

#[tokio::test]
async fn a_device_without_a_server_says_so_when_asked_to_sync() {
    let dir = tempfile::tempdir().unwrap();
    let engine = set_up(dir.path()).await;
    assert_eq!(engine.sync(Duration::from_secs(1)).await.unwrap_err().code, Code::NotConnected);
}

#[test]
fn two_handles_on_one_directory_see_each_others_work() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let other = Store::open(desk.dir.path(), KEY).unwrap();
    assert!(!desk.store.changed_elsewhere().unwrap());
    stillage_client::store::record::act(&other, &desk.mint, vec![receive(&bin, 2)]).unwrap();
    assert!(desk.store.changed_elsewhere().unwrap());
    desk.act(vec![receive(&bin, 3)]).unwrap();
    assert_eq!(desk.on_hand(&bin), Quantity::whole(5));
}

#[test]
fn a_damaged_file_says_so() {
    let desk = Desk::new();
    let path = desk.dir.path().join("stillage.db");
    let Desk { dir, store, .. } = desk;
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100..2000].fill(0);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(Store::open(dir.path(), KEY).err().unwrap().code, Code::Damaged);
}

#[tokio::test]
async fn files_are_closed_only_when_the_last_reader_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let engine = std::sync::Arc::new(set_up(dir.path()).await);
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let reader = std::sync::Arc::clone(&engine);
    let reading = tokio::spawn(async move {
        let slow = reader.read(move |_| {
            begun.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        });
        slow.await.unwrap();
    });
    tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
    let mut closing = Box::pin(engine.close());
    let early = tokio::time::timeout(Duration::from_millis(100), &mut closing).await;
    assert!(early.is_err(), "closed under a reader");
    release.send(()).unwrap();
    closing.await;
    reading.await.unwrap();
}
