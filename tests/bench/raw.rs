//! The limits beside the figures: the same rows through the same databases, with nothing of ours in between.

pub mod history;
pub mod list;
pub mod postgres;
pub mod sqlite;
