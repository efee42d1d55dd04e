//! The engine on real encrypted files. The other side of a sync is the rules' own `settle` over
//! facts in memory: what a server would decide, without one.

mod acting;
mod ledger;
mod opening;
mod plans;
mod pulling;
mod world;
