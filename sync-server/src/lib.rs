//! The central server: the same rules as on the desktop, decided once, for everybody, in Postgres.

pub mod app;
pub mod commands;
pub mod config;
pub mod error;
pub mod graphql;
pub mod http;
pub mod mint;
pub mod postgres;
mod store;
pub mod sync;

pub use app::{App, Principal, PrincipalKind};
pub use error::ServerError;
