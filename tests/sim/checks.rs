//! What must hold, each under a short name, with how often it was looked at. The first breach ends a schedule.

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$line:meta])* $variant:ident = $word:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$line])* $variant),* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            pub const fn at(self) -> usize {
                self as usize
            }
        }
    };
}
pub(crate) use named;

named! {
    /// The invariants.
    Check {
        /// Every step.
        CursorsNeverGoBack = "cursors_never_go_back";
        PagesTile = "pages_tile";
        GapFreePrefix = "gap_free_prefix";
        OneEffect = "one_effect";
        AcknowledgedSurvives = "acknowledged_survives";
        AckCoversEffects = "ack_covers_effects";
        ItemsSumToZero = "items_sum_to_zero";
        BalancesAreSums = "balances_are_sums";
        CountsAreKept = "counts_are_kept";
        KeysAreUnique = "keys_are_unique";
        OutcomesNeverChange = "outcomes_never_change";
        HoldsOnlyGranted = "holds_only_granted";
        LogIsWhole = "log_is_whole";
        SumsAgree = "sums_agree";
        TombstoneStaysDead = "tombstone_stays_dead";
        NothingFromTheFuture = "nothing_from_the_future";
        NothingOverwritten = "nothing_overwritten";
        NegativesAreAsked = "negatives_are_asked";
        AliasesAreFollowed = "aliases_are_followed";
        CauseComesFirst = "cause_comes_first";
        SnapshotEqualsLog = "snapshot_equals_log";
        /// With the production store beside the one in memory.
        StoresAgree = "stores_agree";
        /// At rest.
        DevicesEqualServer = "devices_equal_server";
        EveryChangeEnds = "every_change_ends";
        CountedEqualsShelf = "counted_equals_shelf";
        WrongIsFlagged = "wrong_is_flagged";
        AnyArrivalOrder = "any_arrival_order";
        ComesBack = "comes_back";
        /// Liveness.
        OutboxesDrain = "outboxes_drain";
        PokesEndAtHead = "pokes_end_at_head";
        PoisonDelaysNobody = "poison_delays_nobody";
        NoResetLoops = "no_reset_loops";
    }
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    pub check: Check,
    pub what: String,
}

/// How often each was looked at, and the first that did not hold.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    pub times: [u64; Check::ALL.len()],
    pub breach: Option<Breach>,
}

impl Checks {
    pub fn hold(&mut self, check: Check, held: bool, what: impl FnOnce() -> String) {
        self.times[check.at()] += 1;
        if !held && self.breach.is_none() {
            self.breach = Some(Breach { check, what: what() });
        }
    }
}
