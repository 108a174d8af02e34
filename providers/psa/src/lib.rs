//! The embedded software provider: PSA Crypto as Mbed TLS implements it.
//!
//! It keeps nothing. Material is sealed with the store key when a key is made, comes back with each job,
//! and lives in the library only while that job runs.

mod agreement;
mod capabilities;
mod digest_info;
mod encryption;
mod ffi;
mod hash;
mod provider;
mod seal;
mod signature;
mod symmetric;

pub use ffi::{LibraryError, PsaError};
pub use provider::{OpenError, Provider};
pub use seal::STORE_KEY_LENGTH;
