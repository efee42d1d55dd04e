//! The server's half of the protocol against a real Postgres.

mod ambiguous;
mod audit;
mod canary;
mod carried;
mod clocks;
mod enrolling;
mod following;
mod healing;
mod horizon;
mod pulling;
mod pushing;
mod returning;
mod snapshots;
mod sums;
mod world;
mod writing;
