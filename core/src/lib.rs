//! The rules of stock. Nothing here reads a clock, draws a random number, does IO or is async:
//! the same `decide` runs on the desktop and again on the server, and both say the same.

/// Whether a deliberate fault is on (`seeded.rs`). Never, in any build that is not made to try the simulation.
#[cfg(not(seeded_bugs))]
macro_rules! seeded {
    ($bug:ident) => {
        false
    };
}
#[cfg(seeded_bugs)]
macro_rules! seeded {
    ($bug:ident) => {
        crate::seeded::is_on(crate::seeded::Bug::$bug)
    };
}

pub mod absorb;
pub mod action;
pub mod certificate;
pub mod change;
pub mod decide;
pub mod entered;
pub mod facts;
pub mod gtin;
pub mod id;
pub mod money;
pub mod order;
pub mod quantity;
pub mod record;
pub mod rejection;
mod rejection_text;
pub mod scope;
pub mod seed;
#[cfg(seeded_bugs)]
pub mod seeded;
pub mod settle;
pub mod snapshot;
pub mod stock;
pub mod sum;
pub mod text;
pub mod wire;
