//! Whole-product tests in one binary: one link for all of them.

#[cfg(test)]
mod generated;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod whole;
