//! Everything of parsecd that touches the world. The binary is `main.rs`; this library is what it is made of,
//! so that tests can reach the parts.
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
        clippy::cast_sign_loss
    )
)]

pub mod audit;
pub mod bell;
pub mod clock;
pub mod config;
pub mod connections;
pub mod executor;
pub mod hosts;
pub mod listener;
pub mod listeners;
pub mod log;
pub mod observe;
pub mod poller;
pub mod reload;
pub mod runtime;
pub mod service_manager;
pub mod signals;
pub mod start;
pub mod store;
mod turns;
mod world;
