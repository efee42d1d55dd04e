//! The server's half of the protocol against a real Postgres.

mod ambiguous;
mod audit;
mod carried;
mod clocks;
mod enrolling;
mod pulling;
mod pushing;
mod world;
mod writing;
