//! Up, down, and the hint in between.

pub mod certificate;
mod combine;
pub mod enrol;
mod growth;
mod poke;
mod pull;
mod push;
pub mod snapshot;

pub use poke::Pokes;
pub use pull::pull;
pub use push::Pusher;
pub use snapshot::Snapshots;

#[cfg(test)]
mod tests;
