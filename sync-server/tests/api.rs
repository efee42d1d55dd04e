//! The public API through real HTTP on a real Postgres, one fresh database per test.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

#[path = "api/codes.rs"]
mod codes;
#[path = "api/guard.rs"]
mod guard;
#[path = "api/lists.rs"]
mod lists;
#[path = "api/loading.rs"]
mod loading;
#[path = "api/records.rs"]
mod records;
#[path = "api/server.rs"]
mod server;
#[path = "api/stock.rs"]
mod stock;
