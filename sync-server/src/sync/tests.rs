//! The server's half of the protocol against a real Postgres.

mod ambiguous;
mod audit;
mod enrolling;
mod horizon;
mod pulling;
mod pushing;
mod sums;
mod world;
mod writing;
