//! What a backup of the server has held for two weeks is let go of, and nothing else.

use crate::{
    ledger::Ledger,
    world::{Bin, Desk, issue, receive},
};
use stillage_client::store::{Durability, backed_up, outbox, reset, settings};
use stillage_core::{
    change::Digest,
    quantity::Quantity,
    wire::{Ack, Hello, PROTOCOL, PROTOCOL_MIN},
};

const DAY: i64 = 24 * 3600 * 1_000_000;

fn rows(desk: &Desk) -> u64 {
    desk.count("SELECT count(*) FROM outbox")
}

/// What the server says on some day; how many rows went.
fn heard(desk: &Desk, safe_seq: u64, day: i64) -> u64 {
    let heard = desk.store.write(Durability::Normal, |tx| {
        let epoch = settings::epoch(tx)?.unwrap();
        let hello = Hello {
            protocol: PROTOCOL,
            protocol_min: PROTOCOL_MIN,
            epoch,
            server_time: day * DAY,
            version: "0".to_owned(),
            safe_seq,
        };
        backed_up::heard(tx, &hello)
    });
    heard.unwrap()
}

/// A desk with six changes that are settled, and the chain after each.
fn worked() -> (Desk, Ledger, Bin, Vec<Digest>) {
    let (desk, mut ledger) = (Desk::new(), Ledger::new());
    let bin = desk.furnish();
    for units in 1..=4 {
        desk.act(vec![receive(&bin, units)]).unwrap();
    }
    desk.sync(&mut ledger);
    let chain = |seq| desk.store.read(|conn| outbox::chain_at(conn, settings::device(conn)?, seq)).unwrap().unwrap();
    let chains = (0..=6).map(chain).collect();
    (desk, ledger, bin, chains)
}

fn is_own(desk: &Desk, seq: u64, chain: Digest) -> bool {
    desk.store.read(|conn| reset::is_own(conn, Ack { seq, chain })).unwrap()
}

#[test]
fn what_a_backup_has_held_for_two_weeks_is_let_go_of_and_the_chain_goes_on() {
    let (desk, mut ledger, bin, chains) = worked();
    assert_eq!((heard(&desk, 4, 1), heard(&desk, 6, 14), rows(&desk)), (0, 0, 6));
    assert_eq!((heard(&desk, 6, 15), rows(&desk)), (4, 2), "as much as was held two weeks before");
    assert_eq!((heard(&desk, 6, 15), heard(&desk, 6, 28), rows(&desk)), (0, 0, 2), "then it waits again");
    assert!(is_own(&desk, 4, chains[4]) && is_own(&desk, 6, chains[6]));
    assert!(!is_own(&desk, 3, chains[3]), "a server restored from before that meets it as another device");
    desk.act(vec![issue(&bin, 2)]).unwrap();
    desk.sync(&mut ledger);
    let desk = desk.reopened();
    assert_eq!((desk.waiting(), desk.on_hand(&bin), rows(&desk)), (0, Quantity::whole(8), 3));
}

#[test]
fn what_is_not_settled_stays_however_much_a_backup_is_said_to_hold() {
    let (desk, mut ledger, bin, _) = worked();
    desk.act(vec![issue(&bin, 1), issue(&bin, 1)]).unwrap();
    let input = desk.seal().unwrap();
    assert_eq!((heard(&desk, 100, 1), heard(&desk, 100, 20), rows(&desk)), (0, 6, 2));
    assert_eq!(desk.seal().unwrap(), input, "it is sent as it was");
    desk.sync(&mut ledger);
    assert_eq!((heard(&desk, 100, 20), heard(&desk, 100, 20), rows(&desk)), (1, 0, 1), "the last row stays");
    desk.act(vec![issue(&bin, 1)]).unwrap();
    desk.sync(&mut ledger);
    assert_eq!((desk.waiting(), desk.on_hand(&bin)), (0, Quantity::whole(7)));
}

#[test]
fn what_is_parked_stays_with_all_behind_it() {
    let (desk, ..) = worked();
    desk.store
        .write(Durability::Normal, |tx| {
            Ok(tx.execute("UPDATE outbox SET state = 'rejected', outcome = 'PARKED' WHERE seq = 3", [])?)
        })
        .unwrap();
    assert_eq!((heard(&desk, 6, 1), heard(&desk, 6, 15), rows(&desk)), (0, 2, 4));
}

#[test]
fn neither_another_history_nor_a_clock_that_was_put_back_says_how_long_a_backup_has_held() {
    let (desk, ..) = worked();
    heard(&desk, 5, 1);
    let device = desk.store.read(settings::device).unwrap();
    let (epoch, ack) = (stillage_core::id::EpochId(desk.mint.id()), Ack { seq: 0, chain: Digest::start(device) });
    desk.store.write(Durability::Full, |tx| reset::begin_epoch(tx, epoch, ack)).unwrap();
    assert_eq!((heard(&desk, 5, 16), rows(&desk)), (0, 6));
    let (desk, ..) = worked();
    heard(&desk, 5, 100);
    assert_eq!((heard(&desk, 5, 1), heard(&desk, 5, 14), rows(&desk)), (0, 0, 6));
    assert_eq!((heard(&desk, 5, 15), rows(&desk)), (5, 1));
}
