//! The Parsec wire protocol 1.0 as bytes and types, shared by the daemon and its clients.
//!
//! A frame is a 36-byte [`header`], a protobuf body and, in requests, authentication bytes. Bodies are
//! [`Operation`]s one way and [`Reply`]s the other. Generated protobuf types are private: they are
//! converted to the types of this crate as soon as they are decoded, so no secret stays in a type that
//! prints or is not wiped.
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

pub mod algorithm;
pub mod attributes;
pub mod header;
mod identifiers;
mod opcode;
mod operation;
mod secret;
mod status;

pub use attributes::KeyAttributes;
pub use header::{RawHeader, RequestHeader, ResponseHeader, ResponseHeaderError};
pub use identifiers::{AuthenticationType, ProviderId, Uuid};
pub use opcode::Opcode;
pub use operation::{AuthenticatorInfo, CheckType, KeyInfo, Operation, ProviderInfo, Reply};
pub use secret::SecretBytes;
pub use status::Status;
