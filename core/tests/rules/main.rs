//! The rules of stock on a server in memory: what a batch of changes comes to, in any order of
//! arrival.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod ambiguous;
mod counting;
mod order;
mod records;
mod release;
mod stock;
mod world;
