//! The offline engine: an encrypted SQLite file, everything a person can do with it, and the sync
//! with the server. It knows no window: the command line and the desktop are two faces of it.

/// Whether a deliberate fault is on (`seeded.rs` of the core). Never, in any build but that of the simulation.
#[cfg(not(seeded_bugs))]
macro_rules! seeded {
    ($bug:ident) => {
        false
    };
}
#[cfg(seeded_bugs)]
macro_rules! seeded {
    ($bug:ident) => {
        stillage_core::seeded::is_on(stillage_core::seeded::Bug::$bug)
    };
}

pub mod commands;
pub mod engine;
pub mod failure;
pub mod import;
pub mod mint;
pub mod place;
mod secrets;
pub mod store;
pub mod sync;

pub use engine::{Acted, Changed, Engine, Gate, Tag};
pub use failure::{Code, Failure};
pub use mint::Mint;
