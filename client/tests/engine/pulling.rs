//! What comes back from the server lies under what is still pending, and nothing counts twice.

use crate::{
    ledger::Ledger,
    world::{Bin, Desk, count, edit, issue, receive},
};
use serde_json::{Value, json};
use stillage_client::store::{
    Durability, outbox,
    queries::inbox::{self, InboxState},
    record, reset, settings,
};
use stillage_core::{
    absorb::Discard,
    action::{Archive, Keep, Resolve},
    change::Outcome,
    id::{ChangeId, DeviceId},
    quantity::Quantity,
    record::{Record, merge::FieldChange},
};

/// Two desks that hold the same furnished bin with ten in it.
fn two_desks() -> (Desk, Desk, Ledger, Bin) {
    let (a, b, mut ledger) = (Desk::new(), Desk::new(), Ledger::new());
    let bin = a.furnish();
    a.act(vec![receive(&bin, 10)]).unwrap();
    a.sync(&mut ledger);
    b.sync(&mut ledger);
    (a, b, ledger, bin)
}

#[test]
fn what_one_desk_did_shows_on_the_other() {
    let (a, b, _, bin) = two_desks();
    assert_eq!((a.on_hand(&bin), b.on_hand(&bin)), (Quantity::whole(10), Quantity::whole(10)));
    assert_eq!((a.waiting(), b.waiting()), (0, 0));
    assert_eq!(a.dump(), b.dump());
}

#[test]
fn settled_changes_leave_no_pending_effect_behind() {
    let (a, ..) = two_desks();
    for table in ["pending_record", "pending_balance", "pending_need"] {
        assert_eq!(a.count(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    assert_eq!(a.count("SELECT count(*) FROM movement WHERE n IS NOT NULL"), 0);
    assert_eq!(a.count("SELECT count(*) FROM outbox WHERE state = 'settled'"), 3);
}

#[test]
fn a_pull_lies_under_what_is_pending() {
    let (a, b, mut ledger, bin) = two_desks();
    a.act(vec![issue(&bin, 3)]).unwrap();
    b.act(vec![issue(&bin, 4)]).unwrap();
    b.sync(&mut ledger);
    a.pull(&ledger).unwrap();
    assert_eq!(a.on_hand(&bin), Quantity::whole(3));
    assert_eq!(a.waiting(), 1);
    a.sync(&mut ledger);
    b.sync(&mut ledger);
    assert_eq!((a.on_hand(&bin), b.on_hand(&bin)), (Quantity::whole(3), Quantity::whole(3)));
    assert_eq!(a.dump(), b.dump());
}

#[test]
fn a_pending_count_is_decided_again_on_what_was_pulled() {
    let (a, b, mut ledger, bin) = two_desks();
    b.act(vec![issue(&bin, 4)]).unwrap();
    a.act(vec![count(&bin, 6)]).unwrap();
    assert_eq!(a.on_hand(&bin), Quantity::whole(6));
    b.sync(&mut ledger);
    a.pull(&ledger).unwrap();
    assert_eq!(a.on_hand(&bin), Quantity::whole(6), "the shelf had been seen after the four left");
    a.sync(&mut ledger);
    b.sync(&mut ledger);
    assert_eq!(b.on_hand(&bin), Quantity::whole(6));
    assert_eq!(a.dump(), b.dump());
}

/// Seed 1049 of the simulated fleets.
#[test]
fn goods_that_come_in_take_back_what_is_shown_of_putting_their_item_away() {
    let (a, b, mut ledger, bin) = two_desks();
    a.act(vec![issue(&bin, 10)]).unwrap();
    a.sync(&mut ledger);
    b.sync(&mut ledger);
    let archived = true;
    b.act(vec![Archive { record: bin.item.into(), archived, expected_version: None }.into()]).unwrap();
    assert_eq!(b.count("SELECT count(*) FROM pending_record"), 1);
    a.act(vec![receive(&bin, 5)]).unwrap();
    a.sync(&mut ledger);
    b.pull(&ledger).unwrap();
    assert_eq!(b.count("SELECT count(*) FROM pending_record"), 0);
}

#[test]
fn a_count_too_close_to_a_movement_is_asked_about_and_turned_round_offline() {
    let (a, b, mut ledger, bin) = two_desks();
    // Neither clock was ever compared, so that nobody can say which came first.
    b.act(vec![issue(&bin, 4)]).unwrap();
    a.act(vec![count(&bin, 6)]).unwrap();
    b.sync(&mut ledger);
    a.sync(&mut ledger);
    let of = Ledger::person(b.store.read(settings::device).unwrap()).into();
    let fields = [("name".to_owned(), json!("Ben"))].into();
    let ben = Record { of, version: 1, archived: false, fields };
    a.store.write(Durability::Normal, |tx| record::write_base(tx, &ben)).unwrap();
    let card = a.store.read(|conn| Ok(inbox::list(conn, InboxState::Open)?)).unwrap().remove(0);
    assert_eq!(card.keeps, [Keep::Mine, Keep::Theirs, Keep::Recount]);
    assert_eq!(card.theirs_by.as_deref(), Some("Ben"));
    assert_eq!((&card.details["counted"], &card.details["moved"]), (&json!("6"), &json!("-4")));
    let answer = Resolve { inbox: card.id.parse().unwrap(), keep: Keep::Theirs, value: Value::Null };
    a.act(vec![answer.into()]).unwrap();
    assert_eq!(a.on_hand(&bin), Quantity::whole(2), "the four left after the six were counted");
    a.sync(&mut ledger);
    b.sync(&mut ledger);
    assert_eq!((a.on_hand(&bin), b.on_hand(&bin)), (Quantity::whole(2), Quantity::whole(2)));
    assert_eq!(a.dump(), b.dump());
}

#[test]
fn two_close_counts_that_differ_are_asked_about_and_the_other_one_speaks_when_it_was_later() {
    let (a, b, mut ledger, bin) = two_desks();
    b.act(vec![count(&bin, 4)]).unwrap();
    a.act(vec![count(&bin, 6)]).unwrap();
    b.sync(&mut ledger);
    a.sync(&mut ledger);
    assert_eq!(a.on_hand(&bin), Quantity::whole(6), "booked as the later one");
    let card = a.store.read(|conn| Ok(inbox::list(conn, InboxState::Open)?)).unwrap().remove(0);
    assert_eq!(card.keeps, [Keep::Mine, Keep::Theirs, Keep::Recount]);
    let close = card.close.unwrap();
    assert_eq!((close.counted.as_str(), close.other.as_deref()), ("6", Some("4")));
    let answer = Resolve { inbox: card.id.parse().unwrap(), keep: Keep::Theirs, value: Value::Null };
    a.act(vec![answer.into()]).unwrap();
    assert_eq!(a.on_hand(&bin), Quantity::whole(4), "shown before the server has said so");
    a.sync(&mut ledger);
    b.sync(&mut ledger);
    assert_eq!((a.on_hand(&bin), b.on_hand(&bin)), (Quantity::whole(4), Quantity::whole(4)));
    assert_eq!(a.dump(), b.dump());
}

#[test]
fn a_conflict_keeps_the_servers_name_and_opens_an_inbox_row() {
    let (a, b, mut ledger, bin) = two_desks();
    a.act(vec![edit(bin.item, "name", "Bolt", "Bolt zinc")]).unwrap();
    b.act(vec![edit(bin.item, "name", "Bolt", "Hex bolt")]).unwrap();
    a.sync(&mut ledger);
    assert_eq!(b.name(&bin), "Hex bolt");
    b.pull(&ledger).unwrap();
    assert_eq!(b.name(&bin), "Bolt zinc", "what the server will say is shown before it says it");
    b.sync(&mut ledger);
    assert_eq!(b.store.read(outbox::open_inbox).unwrap(), 1);
    a.pull(&ledger).unwrap();
    assert_eq!(a.store.read(outbox::open_inbox).unwrap(), 0);
    assert_eq!(a.dump(), b.dump());
}

#[test]
fn a_batch_whose_answer_was_lost_goes_again_as_it_was() {
    let (a, _, mut ledger, bin) = two_desks();
    a.act(vec![issue(&bin, 1)]).unwrap();
    let first = a.seal().unwrap();
    let a = a.reopened();
    a.act(vec![issue(&bin, 1)]).unwrap();
    let again = a.seal().unwrap();
    assert_eq!(first, again);
    ledger.push(first);
    let repeated = ledger.push(again);
    assert!(repeated.results.iter().all(|result| result.duplicate));
    a.pushed(repeated.ack);
    a.sync(&mut ledger);
    assert_eq!(a.on_hand(&bin), Quantity::whole(8));
    assert_eq!(a.waiting(), 0);
}

#[test]
fn an_effect_that_comes_before_its_settlement_does_not_count_twice() {
    let (a, _, mut ledger, bin) = two_desks();
    a.act(vec![issue(&bin, 4)]).unwrap();
    a.push(&mut ledger);
    let device = a.store.read(settings::device).unwrap();
    let cursors = a.store.read(settings::cursors).unwrap();
    let cursors = cursors.into_iter().map(|(scope, seq)| stillage_core::wire::Cursor { scope, seq }).collect();
    let mismatches = Vec::new();
    let input = stillage_core::wire::PullInput {
        device,
        epoch: None,
        cursors,
        settled_seq: 3,
        max_rows: 100,
        mismatches,
        chunks: None,
    };
    let mut answer = ledger.pull(&input);
    answer.ack = None;
    stillage_client::store::absorb::apply(&a.store, &answer).unwrap().unwrap();
    assert_eq!(a.on_hand(&bin), Quantity::whole(6));
    assert_eq!(a.waiting(), 1);
    a.pull(&ledger).unwrap();
    assert_eq!((a.on_hand(&bin), a.waiting()), (Quantity::whole(6), 0));
}

#[test]
fn a_page_that_does_not_fit_is_thrown_away_with_its_ack() {
    let (a, b, mut ledger, bin) = two_desks();
    b.act(vec![issue(&bin, 4)]).unwrap();
    b.push(&mut ledger);
    let device = a.store.read(settings::device).unwrap();
    let (cursors, mismatches) = (Vec::new(), Vec::new());
    let input = stillage_core::wire::PullInput {
        device,
        epoch: None,
        cursors,
        settled_seq: 0,
        max_rows: 100,
        mismatches,
        chunks: None,
    };
    let answer = ledger.pull(&input);
    let discard = stillage_client::store::absorb::apply(&a.store, &answer).unwrap().unwrap_err();
    assert!(matches!(discard, Discard::NotAtCursor { .. }));
    assert_eq!(a.on_hand(&bin), Quantity::whole(10));
}

#[test]
fn a_rejected_change_blocks_nothing_and_reaches_the_inbox() {
    let (a, b, mut ledger, bin) = two_desks();
    // The reference is fine here; on the server the item is gone under another id.
    let lost = Bin { item: stillage_core::id::ItemId(b.mint.id()), location: bin.location };
    a.store
        .write(Durability::Full, |tx| {
            let act = stillage_core::change::Act {
                action: issue(&lost, 1),
                at: 1,
                clock_error: 0,
                cut: stillage_core::change::Cut::default(),
                person: None,
            };
            let n = outbox::last_n(tx)? + 1;
            let change = stillage_core::change::Change::write(stillage_core::id::ChangeId(a.mint.id()), &act);
            outbox::append(tx, n, &change, 1)
        })
        .unwrap();
    a.act(vec![issue(&bin, 1)]).unwrap();
    a.sync(&mut ledger);
    assert_eq!(a.waiting(), 0);
    assert_eq!(a.on_hand(&bin), Quantity::whole(9));
    assert_eq!(a.count("SELECT count(*) FROM outbox WHERE state = 'rejected' AND code = 'NOT_FOUND'"), 1);
    assert_eq!(a.store.read(outbox::open_inbox).unwrap(), 1);
}

#[test]
fn a_copied_database_goes_on_under_a_new_id_and_loses_nothing() {
    let (a, b, mut ledger, bin) = two_desks();
    let copy = tempfile::tempdir().unwrap();
    let a = a.reopened();
    a.store.read(|conn| Ok(conn.execute_batch("SELECT 1")?)).unwrap();
    let Desk { dir, store, mint } = a;
    drop(store);
    std::fs::copy(dir.path().join("stillage.db"), copy.path().join("stillage.db")).unwrap();
    let open = |path: &std::path::Path| stillage_client::store::Store::open(path, crate::world::KEY).unwrap();
    let twin = Desk { store: open(copy.path()), dir: copy, mint: stillage_client::Mint::new() };
    let a = Desk { store: open(dir.path()), dir, mint };
    a.act(vec![issue(&bin, 1)]).unwrap();
    twin.act(vec![issue(&bin, 2)]).unwrap();
    a.sync(&mut ledger);
    let refused = ledger.push(twin.seal().unwrap());
    assert_eq!(refused.refusal, Some(stillage_core::wire::PushRefusal::DeviceForked));
    let new = DeviceId(twin.mint.id());
    twin.store.write(Durability::Full, |tx| reset::take_new_device(tx, new)).unwrap();
    twin.sync(&mut ledger);
    a.sync(&mut ledger);
    b.sync(&mut ledger);
    assert_eq!(a.on_hand(&bin), Quantity::whole(7));
    assert_eq!((twin.dump(), b.dump()), (a.dump(), a.dump()));
}

#[test]
fn after_the_servers_history_changed_everything_comes_back() {
    let (a, b, mut ledger, bin) = two_desks();
    a.act(vec![issue(&bin, 2)]).unwrap();
    a.sync(&mut ledger);
    b.sync(&mut ledger);
    let mut restored = Ledger::new();
    let device = a.store.read(settings::device).unwrap();
    let nothing = stillage_core::wire::Ack { seq: 0, chain: stillage_core::change::Digest::start(device) };
    let epoch = stillage_core::id::EpochId(a.mint.id());
    a.store.write(Durability::Full, |tx| reset::begin_epoch(tx, epoch, nothing)).unwrap();
    a.push(&mut restored);
    a.store.write(Durability::Normal, reset::wipe_base).unwrap();
    a.pull(&restored).unwrap();
    assert_eq!((a.on_hand(&bin), a.waiting()), (Quantity::whole(8), 0));
    assert_eq!(a.dump(), b.dump());
}

/// A copy of this database had sent it to a restored server, where it waited for others and came free.
#[test]
fn what_waits_here_and_came_to_its_end_under_another_id_still_goes() {
    let (a, _, mut ledger, bin) = two_desks();
    a.act(vec![issue(&bin, 2)]).unwrap();
    let ended = a.store.write(Durability::Normal, |tx| {
        let sql = "SELECT n, change FROM outbox WHERE state = 'queued'";
        let (n, change) = tx.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1).map(ChangeId)?)))?;
        outbox::land(tx, n, Outcome::Parked)?;
        outbox::end_parked(tx, change, Outcome::Applied)
    });
    ended.unwrap();
    assert_eq!(a.waiting(), 1);
    a.sync(&mut ledger);
    assert_eq!(a.waiting(), 0);
    let sent = a.count("SELECT count(*) FROM outbox WHERE device IS NOT NULL");
    assert_eq!(a.count("SELECT count(*) FROM outbox"), sent);
    // One that an earlier version took for settled without sending it goes again too.
    let lost = "UPDATE outbox SET device = NULL, seq = NULL, chain = NULL WHERE n = (SELECT max(n) FROM outbox)";
    a.store.write(Durability::Normal, |tx| Ok(tx.execute(lost, [])?)).unwrap();
    let device = a.store.read(settings::device).unwrap();
    let nothing = stillage_core::wire::Ack { seq: 0, chain: stillage_core::change::Digest::start(device) };
    let epoch = stillage_core::id::EpochId(a.mint.id());
    a.store.write(Durability::Full, |tx| reset::begin_epoch(tx, epoch, nothing)).unwrap();
    assert_eq!(a.waiting(), sent);
}

#[test]
fn edits_of_different_fields_both_stay() {
    let (a, b, mut ledger, bin) = two_desks();
    let reorder = FieldChange { field: "reorder_point".into(), base: serde_json::Value::Null, value: "5".into() };
    a.act(vec![edit(bin.item, "name", "Bolt", "Hex bolt")]).unwrap();
    b.act(vec![
        stillage_core::action::Save {
            record: bin.item.into(),
            create: false,
            base_version: 1,
            expected_version: None,
            patch: vec![reorder],
        }
        .into(),
    ])
    .unwrap();
    a.sync(&mut ledger);
    b.sync(&mut ledger);
    a.sync(&mut ledger);
    assert_eq!((a.name(&bin), b.name(&bin)), ("Hex bolt".into(), "Hex bolt".into()));
    assert_eq!(a.dump(), b.dump());
    assert!(a.dump().iter().any(|line| line.contains(r#""reorder_point":"5""#)));
}

#[test]
fn what_a_newer_server_says_of_a_movement_is_kept_as_it_came() {
    let (first, second, mut ledger, bin) = two_desks();
    first.act(vec![receive(&bin, 3)]).unwrap();
    first.push(&mut ledger);
    let mut answer = second.asked(&ledger);
    let entries = answer.pages.iter_mut().flat_map(|page| &mut page.entries);
    for entry in entries.filter(|entry| entry.kind == "movement") {
        entry.body = entry.body.replacen('{', r#"{"aisle":"7","#, 1);
    }
    second.apply(&answer).unwrap();
    assert_eq!(second.on_hand(&bin), Quantity::whole(13));
    assert_eq!(second.count("SELECT count(*) FROM movement WHERE body ->> '$.aisle' = '7'"), 1);
}

#[test]
fn what_was_recorded_before_anybody_was_known_comes_back_without_being_decided_again() {
    let (desk, mut ledger) = (Desk::new(), Ledger::new());
    let bin = desk.furnish();
    desk.act(vec![receive(&bin, 10), issue(&bin, 1)]).unwrap();
    desk.push(&mut ledger);
    desk.act(vec![issue(&bin, 2)]).unwrap();
    assert_eq!(desk.decided_again(&desk.asked(&ledger)), 0);
    assert_eq!(desk.on_hand(&bin), Quantity::whole(7));
}
