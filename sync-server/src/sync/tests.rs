//! The server's half of the protocol against a real Postgres.

mod ambiguous;
mod audit;
mod enrolling;
mod pulling;
mod pushing;
mod snapshots;
mod world;
mod writing;
