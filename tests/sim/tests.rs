//! A part of the long run for every day, and that the run would notice.

use crate::{
    checks::Check,
    fleet::{Order, run},
    plan::{Enabled, Fault},
    server::Broken,
    world::Mode,
};

const ALL: [bool; Fault::ALL.len()] = [true; Fault::ALL.len()];

/// The schedules that seeds were before anything was let go of.
fn with_everything_kept() -> Enabled {
    let mut enabled = ALL;
    enabled[Fault::LetGo.at()] = false;
    enabled
}

/// And before anybody could begin with a snapshot.
fn without_snapshots() -> Enabled {
    let mut enabled = with_everything_kept();
    [Fault::Newcomer, Fault::SnapshotCut, Fault::SnapshotGone].iter().for_each(|fault| enabled[fault.at()] = false);
    enabled
}

/// And before the server could be lost.
fn without_loss() -> Enabled {
    let mut enabled = without_snapshots();
    enabled[Fault::Restore.at()] = false;
    enabled
}

fn order(seed: u64, schedules: u64, mode: Mode) -> Order {
    Order { seed, schedules, enabled: ALL, mode, threads: 2 }
}

/// A schedule that once failed.
fn once(seed: u64, mode: Mode) -> Order {
    Order { enabled: with_everything_kept(), ..order(seed, 1, mode) }
}

#[test]
fn some_hundred_schedules_hold() {
    let run = run(order(1, 200, Mode::default()));
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
    let (events, faults) = run.least.unwrap();
    assert!(events >= 200 && faults >= 3, "a schedule had {events} events and {faults} kinds of fault");
    for fault in Fault::ALL {
        assert!(run.fired[fault.at()] > 0, "{} never struck", fault.name());
    }
    let idle: Vec<_> = Check::ALL.iter().filter(|check| run.times[check.at()] == 0).collect();
    assert_eq!(idle, [&Check::StoresAgree]);
}

/// With a seed of its own every time: the assertion names the one that fails.
#[cfg(feature = "sqlite")]
#[test]
fn some_schedules_hold_in_the_production_store_and_do_what_they_do_in_memory() {
    let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) >> 16;
    let order = |mode| order(seed, 10, mode);
    let sqlite = run(order(Mode { sqlite: true, ..Mode::default() }));
    assert!(sqlite.failing.is_empty(), "seed {seed} --with-sqlite: {:#?}", sqlite.failing);
    assert!(sqlite.times[Check::StoresAgree.at()] > 1000);
    let memory = run(order(Mode::default()));
    assert_eq!((sqlite.hash, sqlite.fired), (memory.hash, memory.fired), "seed {seed} --with-sqlite");
}

#[cfg(feature = "sqlite")]
#[test]
fn schedules_with_snapshots_hold_in_the_production_store() {
    let run = run(order(2_000_015, 10, Mode { sqlite: true, ..Mode::default() }));
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
    assert!(run.fired[Fault::Newcomer.at()] > 0);
}

/// Each showed a fault of the client's store: putting away what others brought goods to, transfers that come in by
/// halves, sites that are taken away; a lot that somebody else made just as it is shown, what is taken back before it is
/// heard of, a code that another gives up.
#[cfg(feature = "sqlite")]
#[test]
fn seeds_that_once_failed_in_the_production_store_hold() {
    for seed in [1019, 1024, 1040, 1049, 1060, 1063, 1092, 100_076, 101_252, 101_540, 101_555] {
        let mode = Mode { sqlite: true, ..Mode::default() };
        let run = run(Order { enabled: without_loss(), ..order(seed, 1, mode) });
        assert!(run.failing.is_empty(), "seed {seed} --with-sqlite: {:#?}", run.failing);
    }
}

/// A reversal of what still waits was not decided again with it when the base was built anew.
#[cfg(feature = "sqlite")]
#[test]
fn seeds_whose_reversals_were_not_shown_after_a_restore_hold_in_the_production_store() {
    for seed in [40_002, 40_028] {
        let run =
            run(Order { enabled: without_snapshots(), ..order(seed, 1, Mode { sqlite: true, ..Mode::default() }) });
        assert!(run.failing.is_empty(), "seed {seed} --with-sqlite: {:#?}", run.failing);
    }
}

/// A copy that had gone on under an id of its own began a site with a snapshot, which held what it had sent before.
#[test]
fn a_copy_that_begins_with_a_snapshot_shows_nothing_twice() {
    let run = run(once(2_003_465, Mode { sqlite: cfg!(feature = "sqlite"), ..Mode::default() }));
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
}

/// What was put aside while it waited would have brought what something else needed; more was taken than there was on the
/// way back from one restore, and had to come back from another; of two records that were missing one is gone for good; what
/// went out and was taken back had taken what came in and was taken back as well; the same goods were taken in two histories.
#[test]
fn what_cannot_come_back_for_want_of_goods_is_excused_and_nothing_else() {
    for seed in [6_118_886, 6_027_490, 6_451_836, 8_026_738, 9_054_574] {
        let run = run(once(seed, Mode::default()));
        assert!(run.failing.is_empty(), "seed {seed}: {:#?}", run.failing);
    }
}

/// An item was made under a code that was taken, made one with the one that had it, and received, all in one push of a device
/// that came back; what the place held was read for neither, and taken to be nothing.
#[test]
fn what_only_the_batch_before_has_named_is_read_before_it_is_decided_on() {
    let run = run(order(9_358_515, 1, Mode::default()));
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
    assert!(run.fired[Fault::Restore.at()] > 0);
}

/// A change of id was cut short before its certificate was kept, and the restored server took the desktop back under the id
/// of before: its count of then came behind what it had received since.
#[test]
fn what_comes_back_under_an_earlier_id_keeps_its_place() {
    let run = run(order(9_461_931, 1, Mode::default()));
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
    assert!(run.fired[Fault::Restore.at()] > 1);
}

/// Of an old image that came back a change was in already, where it had waited for others; it was taken for sent, and not offered
/// when the server was lost once more.
#[test]
fn what_waited_under_another_id_is_offered_after_the_next_restore() {
    let run = run(order(9_707_942, 1, Mode::default()));
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
    assert!(run.fired[Fault::Restore.at()] > 1);
}

/// What went out waited for its item at first, and then for a receipt that a person had put aside.
#[test]
fn what_waits_for_goods_by_now_is_excused_by_what_brought_them() {
    let run = run(order(9_273_836, 1, Mode::default()));
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
}

/// Of two counts that agree the earlier one is booked as the later; what came after both has a clock that lies.
#[test]
fn what_a_lying_clock_books_before_two_counts_is_excused() {
    let run = run(order(9_350_478, 1, Mode::default()));
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
}

/// A count that its device had not sent when the server was lost came before the transfer that it lies before.
#[test]
fn what_a_count_found_missing_before_it_came_back_is_excused() {
    let run = run(order(9_208_815, 1, Mode::default()));
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
}

/// A transfer came in by the page of one site, the receipt before it at the other was still to come, and was shown and
/// offered again behind it.
#[test]
fn what_was_done_before_something_that_is_in_already_keeps_its_place_in_a_restore() {
    let run = run(once(7_081_564, Mode::default()));
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
    assert!(run.fired[Fault::Restore.at()] > 0);
}

/// What goes again under a new id is sealed behind what was done after it, and is settled later; what is left of a lost
/// history is not shown twice when a device takes a new id before it has the other one.
#[cfg(feature = "sqlite")]
#[test]
fn copies_that_go_on_after_a_restore_show_what_they_should_in_the_production_store() {
    for seed in [5_100_059, 5_100_798, 5_100_962] {
        let run = run(once(seed, Mode { sqlite: true, ..Mode::default() }));
        assert!(run.failing.is_empty(), "seed {seed} --with-sqlite: {:#?}", run.failing);
    }
}

/// What is put away was emptied just before, in the same push; an answer waited for its question, and what stood on what it
/// would join was not decided again with it; a transfer came in by the page of one site, and its other end counted already.
#[cfg(feature = "sqlite")]
#[test]
fn what_waits_is_decided_again_with_all_that_it_hangs_together_with() {
    for seed in [7_210_285, 7_211_776, 7_214_037, 7_205_515] {
        let run = run(once(seed, Mode { sqlite: true, ..Mode::default() }));
        assert!(run.failing.is_empty(), "seed {seed} --with-sqlite: {:#?}", run.failing);
    }
}

/// A copy sent what waited in both, and the original began a site with a snapshot that held it.
#[test]
fn an_original_that_begins_with_a_snapshot_shows_nothing_twice_that_its_copy_sent() {
    for seed in [4_026_671, 4_031_374, 5_004_826] {
        let run = run(once(seed, Mode { sqlite: cfg!(feature = "sqlite"), ..Mode::default() }));
        assert!(run.failing.is_empty(), "seed {seed}: {:#?}", run.failing);
    }
}

/// Balances came before the catalogue that says where their places are, and were to go again.
#[test]
fn a_site_whose_snapshot_is_gone_before_its_catalogue_came_leaves_nothing_behind() {
    let run = run(once(2_006_887, Mode { sqlite: cfg!(feature = "sqlite"), ..Mode::default() }));
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
}

#[test]
fn two_servers_that_make_one_lot_at_once_keep_its_sum() {
    for seed in [607_497, 610_152] {
        let run = run(Order { enabled: without_loss(), ..order(seed, 1, Mode::default()) });
        assert!(run.failing.is_empty(), "seed {seed}: {:#?}", run.failing);
    }
}

/// After a restore a clock that was ahead lost its place, what left a place that may not go below zero was refused because
/// what had come there was not back yet, and so was an edit of an item whose SKU somebody else had meanwhile; what had been
/// taken back since could not come back before its reversal, nor that before it; what a
/// device had only foreseen stood before what it did earlier, and so did what it did after something that waited.
#[test]
fn seeds_that_once_lost_something_in_a_restore_hold() {
    for seed in [801_784, 800_997, 801_293, 800_634, 921_149, 925_825, 1_012_531, 3_134_911, 3_191_740, 3_203_945] {
        let run = run(Order { enabled: without_snapshots(), ..order(seed, 1, Mode::default()) });
        assert!(run.failing.is_empty(), "seed {seed}: {:#?}", run.failing);
        assert!(run.fired[Fault::Restore.at()] > 0, "seed {seed} restores nothing");
    }
}

/// Two counts that agree by a movement which may have come before both; three counts of which one was asked about; what
/// a clock that is put right did is moved up behind what the same device did before.
#[test]
fn seeds_that_ended_with_a_wrong_cell_nobody_was_asked_about_hold() {
    for seed in [602_222, 619_863, 712_970, 713_792, 754_876, 788_822, 798_243, 1_050_228] {
        let run = run(Order { enabled: without_loss(), ..order(seed, 1, Mode::default()) });
        assert!(run.failing.is_empty(), "seed {seed}: {:#?}", run.failing);
    }
}

/// The push that makes two items one also counts under the name that goes: what came in under the other is read too.
#[test]
fn a_count_in_the_push_that_joins_its_item_keeps_what_came_since() {
    let run = run(Order { enabled: without_snapshots(), ..order(903_355, 1, Mode::default()) });
    assert!(run.failing.is_empty(), "{:#?}", run.failing);
}

#[test]
fn the_same_seeds_do_the_same_on_any_number_of_threads() {
    let one = run(Order { threads: 1, ..order(500, 20, Mode::default()) });
    let three = run(Order { threads: 3, ..order(500, 20, Mode { every: true, ..Mode::default() }) });
    assert_eq!((one.hash, one.events, one.fired), (three.hash, three.events, three.fired));
}

#[test]
fn a_fold_that_forgets_late_movements_is_caught() {
    let broken = Some(Broken::NoVariance);
    let run = run(order(1, 30, Mode { broken, ..Mode::default() }));
    assert!(!run.failing.is_empty(), "nobody noticed");
}

#[test]
fn a_balance_that_misses_a_batch_is_caught_and_made_small() {
    let broken = Some(Broken::StaleBalance);
    let run = run(order(1, 10, Mode { broken, ..Mode::default() }));
    let smallest = run.failing.iter().map(|failing| failing.minimal.len()).min();
    assert!(smallest.is_some_and(|steps| (1..12).contains(&steps)), "{smallest:?} steps");
}
