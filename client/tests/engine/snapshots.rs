//! A device that begins from a snapshot holds, byte for byte, what one holds that followed the log; killed, cut off, granted
//! and revoked at any chunk.

use crate::{
    ledger::Ledger,
    world::{Bin, Desk, count, create, edit, issue, receive},
};
use serde_json::json;
use stillage_client::store::{
    Durability, reset, settings,
    snapshot::{self, Due, Ready},
};
use stillage_core::{
    change::Digest,
    id::ItemId,
    quantity::Quantity,
    scope::Scope,
    snapshot::{Chunk, Manifest, Part},
    sum::Sum,
    wire::Ack,
};

const BASE: [&str; 7] = ["record", "balance", "movement", "posted_count", "outcome", "cursor", "unknown_entry"];

/// Every base table, row by row; without the movements that wait for the server.
fn base(desk: &Desk) -> Vec<String> {
    let mut lines = Vec::new();
    let read = desk.store.read(|conn| {
        for table in BASE {
            let waiting = if table == "movement" { "WHERE n IS NULL" } else { "" };
            let mut statement = conn.prepare(&format!("SELECT * FROM {table} {waiting} ORDER BY 1, 2")).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let values: Vec<_> = (0..columns).map(|column| row.get_ref(column).unwrap()).collect();
                lines.push(format!("{table} {values:?}"));
            }
        }
        Ok(())
    });
    read.unwrap();
    // Cells share an item and a location.
    lines.sort();
    lines
}

/// A ledger with edits, movements, counts and an item that was written over, and a desk that followed its log.
fn busy() -> (Desk, Ledger, Bin) {
    let (desk, mut ledger) = (Desk::new(), Ledger::new());
    let bin = desk.furnish();
    let more =
        (0..7).map(|n| create(ItemId(desk.mint.id()), &[("sku", json!(format!("NUT-{n}"))), ("name", json!("Nut"))]));
    desk.act(more.chain((1..9).map(|units| receive(&bin, units))).collect()).unwrap();
    desk.act(vec![edit(bin.item, "name", "Bolt", "Carriage bolt"), issue(&bin, 3), count(&bin, 40)]).unwrap();
    desk.sync(&mut ledger);
    desk.act(vec![edit(bin.item, "name", "Carriage bolt", "Coach bolt"), count(&bin, 41), issue(&bin, 1)]).unwrap();
    desk.sync(&mut ledger);
    (desk, ledger, bin)
}

fn next(desk: &Desk, history: bool) -> Option<Due> {
    desk.store.read(|conn| snapshot::due(conn, None, history)).unwrap()
}

fn load_one(desk: &Desk, chunks: &[Chunk], history: bool) -> bool {
    let Some(due) = next(desk, history) else { return false };
    // What travels is the encoded chunk.
    let chunk = Chunk::decode(&chunks[due.name.n as usize].encode().unwrap()).unwrap();
    snapshot::load(&desk.store, &due, &Ready::new(&due, chunk).unwrap()).unwrap();
    true
}

fn begin(desk: &Desk, (manifest, chunks): &(Manifest, Vec<Chunk>)) {
    assert!(snapshot::accept(&desk.store, manifest).unwrap());
    while load_one(desk, chunks, false) {}
}

#[test]
fn a_snapshot_and_what_followed_is_byte_for_byte_what_the_log_says() {
    let (first, mut ledger, bin) = busy();
    let taken = ledger.snapshot();
    first.act(vec![issue(&bin, 2), edit(bin.item, "name", "Coach bolt", "Bolt")]).unwrap();
    first.sync(&mut ledger);
    let (follower, second) = (Desk::new(), Desk::new());
    follower.pull(&ledger).unwrap();
    begin(&second, &taken);
    while load_one(&second, &taken.1, true) {}
    second.pull(&ledger).unwrap();
    assert_eq!(second.dump(), follower.dump());
    assert_eq!(base(&second), base(&follower));
    assert_eq!(second.count("SELECT count(*) FROM snapshot_chunk"), 0);
}

#[test]
fn killed_after_any_chunk_it_goes_on_where_it_was() {
    let (first, ledger, _) = busy();
    let taken = ledger.snapshot();
    let mut second = Desk::new();
    assert!(snapshot::accept(&second.store, &taken.0).unwrap());
    let mut loaded = 0;
    while load_one(&second, &taken.1, true) {
        loaded += 1;
        second = second.reopened();
    }
    assert_eq!(loaded, taken.1.len());
    second.pull(&ledger).unwrap();
    assert_eq!(second.dump(), first.dump());
}

#[test]
fn people_count_and_are_pulled_for_before_the_history_is_in() {
    let (first, mut ledger, bin) = busy();
    let taken = ledger.snapshot();
    let second = Desk::new();
    begin(&second, &taken);
    assert_eq!(second.on_hand(&bin), Quantity::whole(40));
    assert_eq!(second.count("SELECT count(*) FROM movement"), 0);
    second.act(vec![count(&bin, 38)]).unwrap();
    second.sync(&mut ledger);
    first.act(vec![issue(&bin, 1)]).unwrap();
    first.sync(&mut ledger);
    assert!(load_one(&second, &taken.1, true));
    second.act(vec![receive(&bin, 5)]).unwrap();
    while load_one(&second, &taken.1, true) {}
    second.sync(&mut ledger);
    first.pull(&ledger).unwrap();
    assert_eq!(second.on_hand(&bin), first.on_hand(&bin));
    assert_eq!(second.dump(), first.dump());
}

#[test]
fn what_was_recorded_before_the_first_sync_stands_on_what_comes_in() {
    let (first, mut ledger, bin) = busy();
    let second = Desk::new();
    let nut = ItemId(second.mint.id());
    second.act(vec![create(nut, &[("sku", json!("HOOK-1")), ("name", json!("Hook"))])]).unwrap();
    let taken = ledger.snapshot();
    begin(&second, &taken);
    second.act(vec![issue(&bin, 4)]).unwrap();
    while load_one(&second, &taken.1, true) {}
    second.sync(&mut ledger);
    first.pull(&ledger).unwrap();
    assert_eq!((second.waiting(), second.dump()), (0, first.dump()));
}

#[test]
fn nothing_is_taken_while_own_changes_are_between_sent_and_settled() {
    let (_, mut ledger, _) = busy();
    let second = Desk::new();
    second.furnish();
    second.push(&mut ledger);
    assert!(!snapshot::accept(&second.store, &ledger.snapshot().0).unwrap());
    assert_eq!(next(&second, true), None);
}

/// What waits here and was never sent may have been sent by a copy of this database: the server has a longer chain then.
#[test]
fn nothing_is_taken_while_the_server_has_more_of_this_devices_chain() {
    let (_, mut ledger, bin) = busy();
    let second = Desk::new();
    second.furnish();
    let (mut manifest, _) = ledger.snapshot();
    let device = second.store.read(settings::device).unwrap();
    manifest.ack = Some(Ack { seq: 0, chain: Digest::start(device) });
    let other = Ack { seq: 1, chain: Digest::of(&[b"of a copy"]) };
    assert!(!snapshot::accept(&second.store, &Manifest { ack: Some(other), ..manifest.clone() }).unwrap());
    assert!(snapshot::accept(&second.store, &manifest).unwrap());
    snapshot::replace(&second.store, &Manifest { ack: Some(other), ..manifest }).unwrap();
    assert_eq!(next(&second, true), None);
    second.sync(&mut ledger);
    assert_eq!(second.on_hand(&bin), Quantity::whole(40));
}

#[test]
fn a_site_that_is_revoked_while_its_history_arrives_leaves_nothing_behind() {
    let (_, ledger, bin) = busy();
    let taken = ledger.snapshot();
    let second = Desk::new();
    begin(&second, &taken);
    load_one(&second, &taken.1, true);
    load_one(&second, &taken.1, true);
    let due = next(&second, true).unwrap();
    let mut answer = second.asked(&ledger);
    let site = answer.heads.iter().map(|head| head.scope).find(|scope| matches!(scope, Scope::Site(_))).unwrap();
    answer.pages.retain(|page| page.scope != site);
    answer.heads.retain(|head| head.scope != site);
    answer.removed = vec![site];
    second.apply(&answer).unwrap();
    // It was on its way already.
    let late = Chunk::decode(&taken.1[due.name.n as usize].encode().unwrap()).unwrap();
    snapshot::load(&second.store, &due, &Ready::new(&due, late).unwrap()).unwrap();
    while load_one(&second, &taken.1, true) {}
    assert_eq!(second.on_hand(&bin), Quantity::ZERO);
    assert_eq!(second.count("SELECT count(*) FROM movement") + second.count("SELECT count(*) FROM snapshot_chunk"), 0);
}

#[test]
fn a_site_granted_later_comes_as_a_snapshot_beside_what_is_here() {
    let (first, ledger, bin) = busy();
    let second = Desk::new();
    let mut answer = second.asked(&ledger);
    let site = answer.heads.iter().map(|head| head.scope).find(|scope| matches!(scope, Scope::Site(_))).unwrap();
    answer.pages.retain(|page| page.scope != site);
    answer.heads.retain(|head| head.scope != site);
    second.apply(&answer).unwrap();
    assert_eq!(second.on_hand(&bin), Quantity::ZERO);
    let taken = ledger.snapshot();
    begin(&second, &taken);
    assert_eq!(second.on_hand(&bin), Quantity::whole(40));
    while load_one(&second, &taken.1, true) {}
    second.pull(&ledger).unwrap();
    assert_eq!(second.dump(), first.dump());
}

#[test]
fn a_snapshot_that_is_gone_is_replaced_by_a_younger_one_at_any_chunk() {
    let (first, mut ledger, bin) = busy();
    let old = ledger.snapshot();
    first.act(vec![issue(&bin, 2), receive(&bin, 9)]).unwrap();
    first.sync(&mut ledger);
    let young = ledger.snapshot();
    for before in 0..old.1.len() {
        let second = Desk::new();
        assert!(snapshot::accept(&second.store, &old.0).unwrap());
        for _ in 0..before {
            load_one(&second, &old.1, true);
        }
        snapshot::replace(&second.store, &young.0).unwrap();
        while load_one(&second, &young.1, false) {}
        second.pull(&ledger).unwrap();
        while load_one(&second, &young.1, true) {}
        assert_eq!(base(&second), base(&first), "replaced after {before} chunks");
    }
}

#[test]
fn a_snapshot_that_is_gone_for_good_leaves_the_work_to_the_log() {
    let (first, ledger, _) = busy();
    let taken = ledger.snapshot();
    for before in 0..taken.1.len() {
        let second = Desk::new();
        assert!(snapshot::accept(&second.store, &taken.0).unwrap());
        for _ in 0..before {
            load_one(&second, &taken.1, true);
        }
        snapshot::give_up(&second.store).unwrap();
        second.pull(&ledger).unwrap();
        assert_eq!(base(&second), base(&first), "given up after {before} chunks");
    }
}

#[test]
fn a_new_history_forgets_what_was_being_loaded() {
    let (_, ledger, _) = busy();
    let taken = ledger.snapshot();
    let second = Desk::new();
    begin(&second, &taken);
    load_one(&second, &taken.1, true);
    second.store.write(Durability::Normal, reset::wipe_base).unwrap();
    assert_eq!(next(&second, true), None);
    assert!(second.store.read(|conn| Ok(settings::cursors(conn)?.is_empty())).unwrap());
}

#[test]
fn catalogue_and_balances_come_before_history() {
    let (_, ledger, _) = busy();
    let parts: Vec<Part> = ledger.snapshot().0.chunks.iter().map(|chunk| chunk.part).collect();
    assert!(parts.is_sorted() && parts.contains(&Part::Balances) && parts.contains(&Part::History));
}

#[test]
fn a_snapshot_that_does_not_come_to_its_sum_is_not_believed_and_what_waits_is_not_lost() {
    let (first, mut ledger, bin) = busy();
    for wrong in [Scope::Catalogue, Scope::Site(bin.location)] {
        let mut taken = ledger.snapshot();
        let told = taken.0.sums.iter_mut().find(|told| told.scope == wrong).unwrap();
        told.sum = told.sum.with(Sum(1));
        let second = Desk::new();
        begin(&second, &taken);
        let cursors = second.store.read(settings::cursors).unwrap();
        assert!(cursors.iter().all(|(scope, seq)| (*seq == 0) == (*scope == wrong)), "{wrong}: {cursors:?}");
        // Goods are received of items that are known.
        let nut = create(ItemId(second.mint.id()), &[("sku", json!("NUT-X")), ("name", json!("Nut"))]);
        second.act(vec![if wrong == Scope::Catalogue { nut } else { receive(&bin, 1) }]).unwrap();
        second.pull(&ledger).unwrap();
        while load_one(&second, &taken.1, true) {}
        assert_eq!((base(&second), second.waiting()), (base(&first), 1), "{wrong}");
        second.sync(&mut ledger);
        first.sync(&mut ledger);
        assert_eq!(second.dump(), first.dump());
    }
}

#[test]
fn whoever_follows_a_trimmed_log_from_its_start_or_from_below_the_horizon_holds_what_the_others_do() {
    let (first, mut ledger, bin) = busy();
    let below = Desk::new();
    below.pull(&ledger).unwrap();
    first.act(vec![edit(bin.item, "name", "Coach bolt", "Eye bolt")]).unwrap();
    first.sync(&mut ledger);
    first.act(vec![edit(bin.item, "name", "Eye bolt", "Bolt")]).unwrap();
    first.sync(&mut ledger);
    let follower = Desk::new();
    follower.pull(&ledger).unwrap();
    ledger.trim(Scope::Catalogue, u64::MAX);
    let new = Desk::new();
    for desk in [&below, &new] {
        desk.pull(&ledger).unwrap();
        assert_eq!(base(desk), base(&follower));
    }
    let from_snapshot = Desk::new();
    begin(&from_snapshot, &ledger.snapshot());
    while load_one(&from_snapshot, &ledger.snapshot().1, true) {}
    from_snapshot.pull(&ledger).unwrap();
    assert_eq!(base(&from_snapshot), base(&follower));
}
