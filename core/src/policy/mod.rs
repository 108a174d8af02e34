//! What a key may be and what it may be used for: the rules between key type, algorithm and usage
//! (operations.md 4, decisions.md 3). Checked here, once, for all providers.

pub mod algorithm;
pub mod creation;
pub mod usage;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
