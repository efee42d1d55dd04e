//! Up, down, and the hint in between.

mod carried;
pub mod certificate;
pub(crate) mod combine;
pub mod enrol;
mod growth;
mod poke;
mod pull;
mod push;
pub mod snapshot;

pub use carried::push_changes;
pub use poke::{Pokes, pokes};
pub use pull::{Cursors, Followers, pull};
pub use push::Pusher;
pub use snapshot::Snapshots;

#[cfg(test)]
mod tests;
