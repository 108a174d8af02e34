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

pub mod audit;
pub mod authenticate;
pub mod capability;
pub mod config;
pub mod connection;
pub mod encoding;
pub mod identity;
pub mod ids;
pub mod input;
pub mod job;
pub mod observer;
pub mod outcome;
pub mod output;
pub mod policy;
pub mod record;
pub mod service;
pub mod store;
pub mod time;
