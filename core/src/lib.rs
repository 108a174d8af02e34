//! Everything that decides, as one deterministic state machine.
//!
//! A driver feeds a `Service` one [`input::Input`] at a time and does what the [`output::Output`]s say.
//! There is no clock, no I/O, no thread and no randomness in here, so a simulator can drive the same
//! machine through years of faults.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;

mod accepting;
mod accounts;
pub mod audit;
pub mod authenticate;
pub mod capability;
pub mod config;
pub mod connection;
mod deadlines;
pub mod encoding;
mod fingerprint;
pub mod identity;
pub mod ids;
pub mod input;
pub mod job;
mod key_life;
mod keystore;
pub mod observer;
mod operations;
pub mod outcome;
pub mod output;
mod pipeline;
pub mod policy;
mod providers;
pub mod record;
mod reload;
mod request;
mod schedule;
pub mod service;
mod shutdown;
mod state;
pub mod store;
mod sweeper;
pub mod time;
mod tokens;

/// A length in memory as an amount for accounts.
fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A length on the wire as a length in memory.
fn length(size: u32) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}
