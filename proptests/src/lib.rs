//! Strategies for the values of the protocol, for property tests of every room.

pub mod algorithms;
pub mod attributes;
pub mod operations;
pub mod replies;

use proptest::collection::vec;
use proptest::prelude::*;

/// Text of up to 16 characters, any of them.
pub fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..=16).prop_map(String::from_iter)
}

/// Up to 300 bytes; every fifth is long enough for a length of two bytes in protobuf.
pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..=48), 1 => vec(any::<u8>(), 120..=300)]
}

/// As [`bytes`], to be wiped.
pub fn secret_bytes() -> impl Strategy<Value = parsecd_wire::SecretBytes> {
    bytes().prop_map_into()
}
