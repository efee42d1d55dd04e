//! The engine on real encrypted files. The other side of a sync is the rules' own `settle` over
//! facts in memory: what a server would decide, without one.

#![expect(clippy::unwrap_used, reason = "what goes wrong here is a failed test")]

mod acting;
mod asked;
mod backed_up;
mod cards;
mod damage;
mod ledger;
mod opening;
mod plans;
mod pulling;
mod schemas;
mod snapshots;
mod staging;
mod sums;
mod world;
