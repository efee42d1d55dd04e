//! A damaged database is built anew from the mirror of its outbox and the server: nothing that was
//! recorded is lost, nothing happens twice, and the damaged file is kept.

use crate::{
    ledger::Ledger,
    world::{Bin, Desk, KEY, issue, receive},
};
use std::{
    fs::{self, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::Path,
};
use stillage_client::{
    Code, Engine, Gate,
    store::{self, FILE, Store, mirror, rebuild, settings},
};
use stillage_core::quantity::Quantity;

type Damage = (&'static str, fn(&Path));

/// What may happen to a file.
const DAMAGES: [Damage; 4] = [
    ("pages in the middle are overwritten", overwrite_pages),
    ("the file ends early", truncate),
    ("the header is zeroed", zero_header),
    ("the file is gone", |path| fs::remove_file(path).unwrap()),
];

fn overwrite_pages(path: &Path) {
    let length = fs::metadata(path).unwrap().len();
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(8192)).unwrap();
    file.write_all(&vec![0xA5; usize::try_from(length - 16384).unwrap()]).unwrap();
}

fn truncate(path: &Path) {
    let length = fs::metadata(path).unwrap().len();
    OpenOptions::new().write(true).open(path).unwrap().set_len(length / 2 / 4096 * 4096 + 100).unwrap();
}

fn zero_header(path: &Path) {
    OpenOptions::new().write(true).open(path).unwrap().write_all(&[0; 4096]).unwrap();
}

/// The desk after its file was damaged, as the next start finds it.
fn ruined(desk: Desk, damage: fn(&Path)) -> Desk {
    let Desk { dir, store, mint } = desk;
    drop(store);
    damage(&dir.path().join(FILE));
    // Most damage shows only where it is read: whoever meets it asks for this.
    rebuild::anew(dir.path(), KEY, &mint).unwrap();
    let store = rebuild::open(dir.path(), KEY, &mint).unwrap();
    Desk { dir, store, mint }
}

/// A desk with something settled, something sealed and sent in vain, and something queued: 20 pieces in all.
fn busy(ledger: &mut Ledger) -> (Desk, Bin) {
    let desk = Desk::new();
    let bin = desk.furnish();
    desk.act(vec![receive(&bin, 10), receive(&bin, 1)]).unwrap();
    desk.sync(ledger);
    desk.act(vec![receive(&bin, 12), issue(&bin, 1)]).unwrap();
    desk.seal().unwrap();
    desk.act(vec![issue(&bin, 2)]).unwrap();
    assert_eq!(desk.on_hand(&bin), Quantity::whole(20));
    (desk, bin)
}

fn device(desk: &Desk) -> String {
    desk.store.read(|conn| Ok(settings::device(conn)?.to_string())).unwrap()
}

fn aside(dir: &Path) -> usize {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("damaged") && name.ends_with(".db")).count()
}

#[test]
fn whatever_happens_to_the_file_everything_is_on_the_server_once() {
    for (name, damage) in DAMAGES {
        let mut ledger = Ledger::new();
        let (desk, bin) = busy(&mut ledger);
        let before = device(&desk);
        let desk = ruined(desk, damage);
        assert_eq!(device(&desk), before, "{name}");
        assert_eq!(desk.waiting(), 3, "{name}");
        desk.sync(&mut ledger);
        assert_eq!((desk.waiting(), desk.on_hand(&bin)), (0, Quantity::whole(20)), "{name}");
        let late = Desk::new();
        late.sync(&mut ledger);
        assert_eq!((late.on_hand(&bin), late.dump()), (Quantity::whole(20), desk.dump()), "{name}");
        assert_eq!(aside(desk.dir.path()), usize::from(name != "the file is gone"), "{name}: the old file is kept");
        // And the chain goes on from there.
        desk.act(vec![issue(&bin, 5)]).unwrap();
        desk.sync(&mut ledger);
        assert_eq!((desk.waiting(), desk.on_hand(&bin)), (0, Quantity::whole(15)), "{name}");
    }
}

#[test]
fn a_second_damage_right_after_the_first_loses_nothing_either() {
    let mut ledger = Ledger::new();
    let (desk, bin) = busy(&mut ledger);
    let desk = ruined(ruined(desk, zero_header), truncate);
    desk.sync(&mut ledger);
    assert_eq!((desk.waiting(), desk.on_hand(&bin)), (0, Quantity::whole(20)));
}

#[test]
fn the_work_of_a_device_that_never_met_a_server_shows_again() {
    for (name, damage) in DAMAGES {
        let desk = Desk::new();
        let bin = desk.furnish();
        desk.act(vec![receive(&bin, 7), issue(&bin, 2)]).unwrap();
        let desk = ruined(desk, damage);
        assert_eq!((desk.on_hand(&bin), desk.waiting()), (Quantity::whole(5), 4), "{name}");
        assert_eq!(desk.name(&bin), "Bolt", "{name}");
    }
}

#[test]
fn work_in_a_damaged_write_ahead_log_is_brought_back() {
    let mut ledger = Ledger::new();
    let (desk, bin) = busy(&mut ledger);
    desk.store.mirrored();
    // As a crash leaves it: the log is not folded back, and then half of it is lost.
    let crashed = tempfile::tempdir().unwrap();
    for name in ["stillage.db", "stillage.db-wal", mirror::FILE] {
        fs::copy(desk.dir.path().join(name), crashed.path().join(name)).unwrap();
    }
    let log = crashed.path().join("stillage.db-wal");
    let length = fs::metadata(&log).unwrap().len();
    let mut file = OpenOptions::new().write(true).open(&log).unwrap();
    file.seek(SeekFrom::Start(length / 2)).unwrap();
    file.write_all(&[0x5A; 4096]).unwrap();
    let store = rebuild::open(crashed.path(), KEY, &desk.mint).unwrap();
    let back = Desk { dir: crashed, store, mint: stillage_client::Mint::new() };
    back.sync(&mut ledger);
    assert_eq!((back.waiting(), back.on_hand(&bin)), (0, Quantity::whole(20)));
}

#[test]
fn a_torn_tail_is_cut_off_and_what_it_held_is_written_again() {
    let desk = Desk::new();
    let bin = desk.furnish();
    desk.act(vec![receive(&bin, 7)]).unwrap();
    let Desk { dir, store, mint } = desk;
    drop(store);
    let path = dir.path().join(mirror::FILE);
    let length = fs::metadata(&path).unwrap().len();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 5).unwrap();
    assert_eq!(mirror::read(dir.path(), KEY).unwrap().unwrap().rows.len(), 2, "the last one is torn");
    drop(Store::open(dir.path(), KEY).unwrap());
    let kept = mirror::read(dir.path(), KEY).unwrap().unwrap();
    assert_eq!((kept.rows.len(), kept.rotten), (3, 0));
    let desk = ruined(Desk { store: Store::open(dir.path(), KEY).unwrap(), dir, mint }, zero_header);
    assert_eq!(desk.on_hand(&bin), Quantity::whole(7));
}

#[test]
fn a_rotten_frame_is_passed_over_and_the_mirror_made_whole() {
    let desk = Desk::new();
    let bin = desk.furnish();
    desk.act(vec![receive(&bin, 7)]).unwrap();
    let Desk { dir, store, .. } = desk;
    drop(store);
    let path = dir.path().join(mirror::FILE);
    let mut bytes = fs::read(&path).unwrap();
    // In the second frame, behind its length.
    let first = u32::from_le_bytes(bytes[32..36].try_into().unwrap()) as usize;
    bytes[32 + 8 + first + 8 + 30] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(mirror::read(dir.path(), KEY).unwrap().unwrap().rotten, 1);
    drop(Store::open(dir.path(), KEY).unwrap());
    let kept = mirror::read(dir.path(), KEY).unwrap().unwrap();
    assert_eq!((kept.rows.len(), kept.rotten), (3, 0));
}

#[test]
fn a_mirror_of_settled_work_is_replaced_by_a_small_one() {
    let mut ledger = Ledger::new();
    let desk = Desk::new();
    let bin = desk.furnish();
    for _ in 0..3 {
        desk.act((0..400).map(|_| receive(&bin, 1)).collect()).unwrap();
        desk.store.mirrored();
    }
    let grown = fs::metadata(desk.dir.path().join(mirror::FILE)).unwrap().len();
    desk.push(&mut ledger);
    while desk.waiting() > 0 {
        desk.pull(&ledger).unwrap();
    }
    desk.store.mirrored();
    let small = fs::metadata(desk.dir.path().join(mirror::FILE)).unwrap().len();
    assert!(small < 4096 && grown > 100_000, "{grown} then {small}");
    let desk = ruined(desk, zero_header);
    while desk.on_hand(&bin) < Quantity::whole(1200) {
        desk.pull(&ledger).unwrap();
    }
    assert_eq!(desk.on_hand(&bin), Quantity::whole(1200));
}

#[test]
fn a_mirror_that_cannot_be_written_fails_nothing_and_is_made_whole_later() {
    let desk = Desk::new();
    let bin = desk.furnish();
    desk.store.mirrored();
    let path = desk.dir.path().join("outbox.mirror.lock");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    desk.act(vec![receive(&bin, 7)]).unwrap();
    desk.store.mirrored();
    fs::remove_dir(&path).unwrap();
    desk.act(vec![issue(&bin, 1)]).unwrap();
    desk.store.mirrored();
    assert_eq!(mirror::read(desk.dir.path(), KEY).unwrap().unwrap().rows.len(), 4);
    assert_eq!(desk.on_hand(&bin), Quantity::whole(6));
}

#[test]
fn two_processes_write_one_mirror() {
    let desk = Desk::new();
    let bin = desk.furnish();
    let other = Store::open(desk.dir.path(), KEY).unwrap();
    for _ in 0..5 {
        desk.act(vec![receive(&bin, 1)]).unwrap();
        store::record::act(&other, &desk.mint, vec![receive(&bin, 1)]).unwrap();
        other.mirrored();
        desk.store.mirrored();
    }
    drop(other);
    let desk = ruined(desk, zero_header);
    assert_eq!((desk.on_hand(&bin), desk.waiting()), (Quantity::whole(10), 12));
}

#[test]
fn nothing_of_the_outbox_is_readable_in_its_mirror() {
    let desk = Desk::new();
    desk.furnish();
    desk.store.mirrored();
    let bytes = fs::read(desk.dir.path().join(mirror::FILE)).unwrap();
    assert!(!bytes.windows(4).any(|window| window == b"Bolt" || window == b"reco"));
}

#[tokio::test]
async fn an_engine_that_meets_damage_says_so_once_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path().to_path_buf());
    engine.create("Desk".into(), Some("horse".into())).await.unwrap();
    let fields = serde_json::json!({ "id": null, "fields": { "sku": "BOLT-8", "name": "Bolt" } });
    engine.call("items.save", fields).await.unwrap();
    engine.close().await;
    overwrite_pages(&dir.path().join(FILE));
    let engine = Engine::open(dir.path().to_path_buf());
    let met = match engine.unlock("horse".into()).await {
        Ok(Gate::Ready) => engine.call("items.list", serde_json::json!({ "offset": 0, "limit": 10 })).await.err(),
        other => panic!("{other:?}"),
    };
    assert!(met.as_ref().is_none_or(|met| met.code == Code::Damaged && met.details["rebuilt"] == true), "{met:?}");
    let page = engine.call("items.list", serde_json::json!({ "offset": 0, "limit": 10 })).await.unwrap();
    assert_eq!(page["rows"][0]["sku"], "BOLT-8", "{page}");
    let status = engine.call("app.status", serde_json::json!({})).await.unwrap();
    assert!(status["rebuilt"].is_string(), "{status}");
    assert_eq!(aside(dir.path()), 1);
    engine.close().await;
}
