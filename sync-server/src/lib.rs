//! The central server.

pub mod postgres;
