//! Up, down, and the hint in between.

mod carried;
pub(crate) mod combine;
pub mod enrol;
mod growth;
mod poke;
mod pull;
mod push;

pub use carried::push_changes;
pub use poke::Pokes;
pub use pull::pull;
pub use push::Pusher;

#[cfg(test)]
mod tests;
