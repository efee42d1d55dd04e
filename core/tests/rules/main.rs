//! The rules of stock on a server in memory: what a batch of changes comes to, in any order of
//! arrival.

mod counting;
mod order;
mod records;
mod stock;
mod world;
