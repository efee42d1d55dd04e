//! Whole-product tests in one binary: one link for all of them.

#[cfg(test)]
mod broken;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod following;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod restore;
#[cfg(test)]
mod snapshot;
#[cfg(test)]
mod sync;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod whole;
#[cfg(test)]
mod window;
#[cfg(test)]
mod world;
