//! Deliberate faults, here and in the client's store, to see that the simulation notices them. This module is there only under `--cfg seeded_bugs`;
//! without it `seeded!` is `false` and nothing of a fault is compiled.

use std::cell::Cell;

macro_rules! bugs {
    ($($bug:ident = $name:literal, $what:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug { $(#[doc = $what] $bug),* }

        impl Bug {
            pub const ALL: &'static [Self] = &[$(Self::$bug),*];

            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$bug => $name),* }
            }

            /// What it does wrong.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$bug => $what),* }
            }
        }
    };
}

bugs! {
    RepeatDecidedAgain = "repeat_decided_again", "a change that came under another number before is decided again";
    RepeatSaysApplied = "repeat_says_applied", "a repeated change is answered as applied, whatever became of it";
    RepeatNotLinked = "repeat_not_linked", "a repeated change leaves no link in its device's chain";
    LastLinkUnchecked = "last_link_unchecked", "a push that ends where the server's chain does is not compared with it";
    OlderLinksUnchecked = "older_links_unchecked", "what lies before the end of the chain is known by its number alone";
    ReceiptClampMissing = "receipt_clamp_missing", "a change may be of a time after its receipt";
    RefusalNotInInbox = "refusal_not_in_inbox", "a refused change leaves no row in the inbox";
    BatchBlind = "batch_blind", "the changes of a batch do not see those before them";
    TailNotLoaded = "tail_not_loaded", "entries later than a change are not read";
    UnreadIsNothing = "unread_is_nothing", "what only the batch before has named is taken to be nothing";
    CountNotTold = "count_not_told", "a posted count is not in the log of its site";
    SecondSiteNotTold = "second_site_not_told", "a movement between two sites is in the log of the first alone";
    SecondLegDropped = "second_leg_dropped", "a transfer leaves its place and arrives nowhere";
    LateNotTakenOut = "late_not_taken_out", "a movement that arrives after the count it lay before stays in the book";
    LateVarianceSign = "late_variance_sign", "a late movement is booked twice and not taken out";
    LateVariancePlace = "late_variance_place", "a late movement is taken out where it left, even if it was counted where it arrived";
    CountSetsNow = "count_sets_now", "a count sets the level of now, and what moved since is forgotten";
    DesiredAddsVariances = "desired_adds_variances", "corrections of the book are added to what was counted";
    OldCountOverrides = "old_count_overrides", "a count that arrives late corrects the level although a later one spoke";
    OldCountReplaces = "old_count_replaces", "the count that arrived last is taken for the last";
    OldCountAbsorbed = "old_count_absorbed", "a device takes the last count of a page for the last";
    CountNumberLost = "count_number_lost", "a device forgets under which number a count came";
    CountRaisesNoOrder = "count_raises_no_order", "a cell does not know that something was counted so late";
    MovementRaisesNoOrder = "movement_raises_no_order", "a cell does not know that something moved so late";
    AbsorbedRaisesNoOrder = "absorbed_raises_no_order", "a device does not know that something moved so late";
    OrderIgnoresKnown = "order_ignores_known", "an act may come before what its device knew of others";
    OrderIgnoresOwn = "order_ignores_own", "an act may come before what its own device did before";
    OrderIgnoresCount = "order_ignores_count", "an act may come before a count that its device knew";
    OrderByArrival = "order_by_arrival", "an act comes after everything the server has, known or not";
    NothingAmbiguous = "nothing_ambiguous", "nobody is asked about a count and a movement that no clock could tell apart";
    OneClockError = "one_clock_error", "only the movement's clock is doubted, not the one of the count";
    CountLooksNotBack = "count_looks_not_back", "a count is not compared with movements just before it";
    TombstoneEdited = "tombstone_edited", "an edit of an archived record brings it back";
    LastWriterWins = "last_writer_wins", "of two values for one field the one that arrived last stands";
    ConflictNotInInbox = "conflict_not_in_inbox", "the value that lost is told to nobody";
    UnionDropsTheirs = "union_drops_theirs", "a list loses what somebody else added to it";
    UnionRevives = "union_revives", "a list takes back what somebody removed from it";
    UnknownFieldDropped = "unknown_field_dropped", "a field of a newer version is left out of a patch";
    UnknownEntryDropped = "unknown_entry_dropped", "an entry of a newer version is not kept";
    TakenKeyAccepted = "taken_key_accepted", "two records may have one key";
    KeyOfBatchUnseen = "key_of_batch_unseen", "a key that was taken in the same batch is free";
    RestoredKeyAccepted = "restored_key_accepted", "a record that is brought back takes its key from another";
    AliasNotFollowed = "alias_not_followed", "stock is booked under an item that was merged into another";
    ReversedTwice = "reversed_twice", "a movement may be taken back twice";
    ReversedNow = "reversed_now", "a reversal stands at its own time and not where its movement does";
    ReversedSameWay = "reversed_same_way", "a reversal moves the goods the same way again";
    NegativeNotFlagged = "negative_not_flagged", "a cell goes below zero and nobody is asked";
    OtherScopesCells = "other_scopes_cells", "a page changes the cells of other sites too";
    StalePageAccepted = "stale_page_accepted", "a page that does not begin at the cursor is applied";
    HoleAccepted = "hole_accepted", "a page with a missing entry is applied";
    ShortPageAccepted = "short_page_accepted", "a page that ends too early moves the cursor to its end";
    ChainAdopted = "chain_adopted", "an acknowledgement of somebody else's chain is believed";
    AckTooFar = "ack_too_far", "one change more than was acknowledged is taken for settled";
    RemovedScopeKept = "removed_scope_kept", "a site that was taken away stays";
    ShownTwice = "shown_twice", "what has arrived is shown on top of itself until it is acknowledged";
    SumKeepsOld = "sum_keeps_old", "what a write replaces stays in the sum of its scope";
    SumSkipsEmptied = "sum_skips_emptied", "a cell that becomes empty stays in the sum of its scope";
    SumOfFirstScope = "sum_of_first_scope", "a device takes every cell of an answer for one of the same scope";
    PendingNotCarried = "pending_not_carried", "pending changes do not see those before them when they are decided again";
    SnapshotKeepsOld = "snapshot_keeps_old", "a snapshot holds what was written over, beside what stands";
    SnapshotDropsUnknown = "snapshot_drops_unknown", "a snapshot leaves out entries of a newer version";
    ChunkUnchecked = "chunk_unchecked", "a part of a snapshot is taken without looking at its digest";
    LostPlaceIgnored = "lost_place_ignored", "what comes back after a restore is placed anew";
    NothingWaits = "nothing_waits", "what comes back before what it stands on is refused";
    NothingComesFree = "nothing_comes_free", "what was parked until others have come back stays parked";
    ParkedPlaceLost = "parked_place_lost", "what waited for others is placed when it comes free";
    StoreCursorFirst = "store_cursor_first", "the cursor is stored before the page, which may be thrown away";
    StoreOldCountKept = "store_old_count_kept", "the first count of a cell speaks for it for good";
    StoreHalfTaken = "store_half_taken", "a transfer of which one end has come in is taken for whole";
    StoreStockUnasked = "store_stock_unasked", "putting away what goods came in for is not decided again";
    StoreLaterNotDecided = "store_later_not_decided", "what stands on a change that is decided again is not";
    StoreBalanceKept = "store_balance_kept", "the balances of a site that was taken away stay";
    StoreSettledNotOffered = "store_settled_not_offered", "what was settled in a lost history is not offered again";
    StorePlacesNotKept = "store_places_not_kept", "what is offered again has lost its place";
    StoreLostBaseKept = "store_lost_base_kept", "balances of a lost history stay";
    StoreSealsKept = "store_seals_kept", "under a new id, what was sealed under the old one stays sealed";
    StoreTakenOverCopy = "store_taken_over_copy", "a snapshot is taken although a copy has sent what waits here";
    StoreTakenOverSent = "store_taken_over_sent", "a snapshot is taken while the end of what was sent is not known";
    StoreHistoryNotOwed = "store_history_not_owed", "the cursor stands at a snapshot of which the history is not owed";
    StoreOwedForgotten = "store_owed_forgotten", "history that is owed is forgotten once people can work";
    StoreHistoryAdds = "store_history_adds", "history adds to balances that have it already";
    StoreCursorShort = "store_cursor_short", "the last entry of a snapshot is told again by the log";
    StoreSumAdopted = "store_sum_adopted", "the sum that a snapshot says is taken for that of its rows";
    StoreLoadedNotDecided = "store_loaded_not_decided", "what waits is not decided again on what a snapshot brings";
    StoreHalfIsEntry = "store_half_is_entry", "a transfer is an entry where its page is still to come";
    StoreNewNeedsUnseen = "store_new_needs_unseen", "what hangs together over rows that were not there is not decided again";
    StoreUnsettledLetGo = "store_unsettled_let_go", "what has no settled end is let go of with what has";
    StoreRevokedOwed = "store_revoked_owed", "the snapshot of a site that was taken away is loaded on";
}

impl Bug {
    /// Those of the client's store, which only shows beside the one in memory.
    #[must_use]
    pub fn is_of_store(self) -> bool {
        self.name().starts_with("store_")
    }
}

thread_local! {
    static ON: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Which fault is on in this thread; `None` for none.
pub fn turn_on(bug: Option<Bug>) {
    ON.set(bug);
}

#[must_use]
pub fn is_on(bug: Bug) -> bool {
    ON.get() == Some(bug)
}
