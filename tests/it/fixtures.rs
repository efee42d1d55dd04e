//! What earlier versions left behind (`tests/fixtures/v*`) is understood by this one: their databases are opened and
//! brought up to date, what waited in them arrives, and what they say on the wire is answered as it was.
//!
//! The surprise: with nothing recorded, these tests hold. A version is recorded as its very last commit.

pub mod desktops;
mod device;
mod goods;
mod kept;
mod record;
mod story;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use stillage_client::{
    Mint,
    store::{Durability, Store, absorb, dump, outbox, settings},
};
use stillage_core::{
    change::Change,
    wire::{PullAnswer, PushInput},
};

use crate::world::{Desktop, World};
use goods::{Goods, UNKNOWN_FIELD};
use kept::{Kept, every_version};
use wire::{Exchange, Line, Recording, lost};

fn dump_of(desktop: &Desktop) -> String {
    let said = desktop.cli(&["dump", "--canonical"]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

/// Two dumps are the same; if not, the first line tells.
fn agree(now: &str, then: &str) {
    if let Some((now, then)) = now.lines().zip(then.lines()).find(|(now, then)| now != then) {
        panic!("\n  now  {now}\n  then {then}");
    }
    assert_eq!(now.lines().count(), then.lines().count());
}

/// Ana's desktop, its network put back, on today's server with the data of then. Told so by single runs of the
/// command line: a desktop that stays open would first look for the server of then.
fn reunited(kept: &Kept) -> (World, Desktop) {
    let world = kept.world("server.sql");
    let ana = kept.desktop(&world.dir.path().join("ana"));
    for args in [["call", "app.cut", r#"{"cut":false}"#].as_slice(), &["connect", &world.url]] {
        let done = ana.cli(args);
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stdout));
    }
    (world, ana)
}

#[test]
fn an_earlier_desktops_database_opens_and_shows_what_it_showed() {
    every_version(|kept| {
        let dir = tempfile::tempdir().unwrap();
        let mut ana = kept.desktop(&dir.path().join("ana"));
        agree(&dump_of(&ana), &kept.dump());
        let shown = kept.shown();
        let status = ana.call("app.status", json!({}));
        assert_eq!((&status["outbox"]["count"], &status["inbox"]), (&json!(shown.outbox), &json!(shown.inbox)));
        assert_eq!(ana.inbox().len() as u64, shown.inbox);
        for (amount, item, location) in &shown.on_hand {
            assert_eq!(&ana.on_hand(item, location), amount, "{item} in {location}");
        }
        ana.kill();
        let waits = desktops::outbox(&ana.dir);
        assert!(waits["queued"] > 0 && waits["sealed"] > 0 && waits["queued"] + waits["sealed"] == shown.outbox);
    });
}

#[test]
fn what_waited_on_an_earlier_desktop_arrives_at_a_server_brought_up_to_date() {
    every_version(|kept| {
        let (world, mut ana) = reunited(kept);
        agree(&String::from_utf8(world.server_dump()).unwrap(), &kept.dump());
        let mut late = world.desktop("Late");
        world.check(&mut [&mut ana, &mut late]);
        for (amount, item, location) in &kept.shown().on_hand {
            assert_eq!(&late.on_hand(item, location), amount, "{item} in {location}");
        }
        // Nothing that had happened has unhappened.
        let (now, then) = (dump_of(&ana), kept.dump());
        let now: BTreeSet<&str> = now.lines().collect();
        let facts = then.lines().filter(|line| line.starts_with(r#"["movement""#) || line.starts_with(r#"["outcome""#));
        let gone: Vec<&str> = facts.filter(|line| !now.contains(line)).collect();
        assert!(gone.is_empty(), "{gone:#?}");
        ana.kill();
        let waits = desktops::outbox(&ana.dir);
        assert!(!waits.contains_key("queued") && !waits.contains_key("sealed"), "{waits:?}");
    });
}

#[test]
fn pushes_of_an_earlier_version_end_as_they_ended_then() {
    every_version(|kept| {
        let world = kept.world("before.sql");
        let (pushes, line) = (kept.recording("pushes.json"), Line::to(&world));
        for Exchange { input, answer } in &pushes.exchanges {
            let now = pushes.ask(&line, input);
            assert_eq!(lost(answer, &now), None, "{input}");
        }
        assert_eq!(world.server(&["verify"])["ok"], true);
    });
}

#[test]
fn pulls_of_an_earlier_version_bring_from_a_migrated_server_what_they_brought_then() {
    every_version(|kept| {
        let world = kept.world("server.sql");
        let (pulls, line) = (kept.recording("pulls.json"), Line::to(&world));
        for (device, exchanges) in of_each_device(&pulls) {
            let then = entries(exchanges.iter().map(|one| one.answer.clone()));
            let now = entries(pulled(&pulls, &line, &exchanges[0].input));
            assert_eq!(lost(&json!(then), &json!(now)), None, "{device}");
        }
    });
}

#[test]
fn answers_an_earlier_version_pulled_give_a_fresh_store_the_dump_of_then() {
    every_version(|kept| {
        let (pushes, pulls) = (kept.recording("pushes.json"), kept.recording("pulls.json"));
        for (device, exchanges) in of_each_device(&pulls) {
            let dir = tempfile::tempdir().unwrap();
            let store = store_of(dir.path(), device, &taken(&pushes, device));
            for one in exchanges {
                let answer: PullAnswer = serde_json::from_value(one.answer.clone()).unwrap();
                absorb::apply(&store, &answer).unwrap().unwrap_or_else(|discard| panic!("{device}: {discard}"));
            }
            agree(&dump_of_store(&store), &kept.dump());
            assert_eq!(store.read(outbox::waiting).unwrap(), 0, "everything sent is settled");
        }
    });
}

#[test]
fn a_field_that_no_version_knows_is_kept_and_passed_on() {
    every_version(|kept| {
        let (world, mut ana) = reunited(kept);
        let bolt = Goods::new().bolt.to_string();
        let unknown = |dump: &str| {
            let item = dump.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let item = item.into_iter().find(|line| line[0] == "item" && line[1] == bolt.as_str());
            item.map(|line| line[2][UNKNOWN_FIELD].clone())
        };
        let before = unknown(&kept.dump());
        assert!(before.as_ref().is_some_and(|value| !value.is_null()), "it was recorded");
        ana.drain();
        ana.call("items.save", json!({ "id": bolt, "fields": { "name": "Bolt, renamed today" } }));
        let mut late = world.desktop("Late");
        world.check(&mut [&mut ana, &mut late]);
        let after = dump_of(&late);
        assert!(after.contains("Bolt, renamed today"));
        assert_eq!(unknown(&after), before);
    });
}

fn of_each_device(recording: &Recording) -> BTreeMap<&str, Vec<&Exchange>> {
    let mut devices: BTreeMap<&str, Vec<&Exchange>> = BTreeMap::new();
    for one in &recording.exchanges {
        devices.entry(one.device()).or_default().push(one);
    }
    devices
}

/// What a device of then gets today that starts with `first` and asks on to the head.
fn pulled(pulls: &Recording, line: &Line, first: &Value) -> Vec<Value> {
    let (mut input, mut answers) = (first.clone(), Vec::new());
    let mut cursors = BTreeMap::new();
    loop {
        let answer = pulls.ask(line, &input);
        let pages = answer["pages"].as_array().into_iter().flatten();
        cursors.extend(pages.map(|page| (page["scope"].to_string(), (page["scope"].clone(), page["to"].clone()))));
        let at = cursors.values().map(|(scope, seq)| json!({ "scope": scope, "seq": seq })).collect();
        input["cursors"] = Value::Array(at);
        let has_more = answer["hasMore"] == true;
        answers.push(answer);
        if !has_more {
            return answers;
        }
    }
}

/// The entries of each scope, however they were cut into pages.
fn entries(answers: impl IntoIterator<Item = Value>) -> BTreeMap<String, Vec<Value>> {
    let mut scopes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for answer in answers {
        for page in answer["pages"].as_array().into_iter().flatten() {
            let name = page["scope"].as_str().expect("a page is of a scope").to_owned();
            scopes.entry(name).or_default().extend(page["entries"].as_array().cloned().unwrap_or_default());
        }
    }
    scopes
}

/// The changes of a device that the server took, in their order.
fn taken(pushes: &Recording, device: &str) -> Vec<Change> {
    let own = pushes.exchanges.iter().filter(|one| one.device() == device && one.answer["refusal"].is_null());
    let inputs = own.map(|one| serde_json::from_value::<PushInput>(one.input.clone()).unwrap());
    let by_seq: BTreeMap<u64, Change> =
        inputs.flat_map(|input| input.changes).map(|change| (change.seq, change)).collect();
    by_seq.into_values().collect()
}

/// A new store of that device, with what it had sealed and nothing else.
fn store_of(dir: &std::path::Path, device: &str, sealed: &[Change]) -> Store {
    let key = "0f".repeat(32);
    Store::create(dir, &key, &Mint::new(), "Fresh").unwrap();
    let store = Store::open(dir, &key).unwrap();
    let write = |transaction: &rusqlite::Transaction<'_>| {
        settings::set(transaction, settings::DEVICE, device)?;
        for (n, change) in (1..).zip(sealed) {
            outbox::append(transaction, n, change, 0)?;
        }
        outbox::seal(transaction)
    };
    let batch = store.write(Durability::Full, write).unwrap();
    assert_eq!(batch.map(|batch| batch.changes).unwrap_or_default(), sealed);
    store
}

fn dump_of_store(store: &Store) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        text.extend([line, "\n"]);
        Ok(())
    };
    store.read(|conn| dump::dump(conn, &mut line)).unwrap();
    text
}
