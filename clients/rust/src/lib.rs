//! A small synchronous client of a Parsec service (wire protocol 1.0).
//!
//! One connection per request, a total deadline for each, no retries but one (see
//! [`Client::generate_key`]). Secrets that pass through are wiped.
//!
//! [`Client::bootstrap`] finds the service and chooses provider and authenticator as the lists of the service
//! propose; [`Client::new`] leaves everything to the caller. Key names should be unique over all providers
//! of the service, because other services than parsecd may insist on it.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::arithmetic_side_effects
    )
)]

mod authentication;
mod bootstrap;
mod client;
mod endpoint;
mod error;
mod operations;
mod transport;

pub use authentication::Authentication;
pub use client::Client;
pub use endpoint::{DEFAULT_SOCKET_PATH, ENDPOINT_VARIABLE, Endpoint};
pub use error::{Error, ProtocolError, TransportError, UsageError};
pub use parsecd_wire as wire;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
