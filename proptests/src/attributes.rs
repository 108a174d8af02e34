//! Strategies for key attributes: every shape of the protocol, whether it makes sense or not.

use crate::algorithms::algorithm;
use parsecd_wire::attributes::{DhFamily, EccFamily, KeyAttributes, KeyType, UsageFlags};
use proptest::prelude::*;
use proptest::sample::select;

/// Any key type.
pub fn key_type() -> impl Strategy<Value = KeyType> {
    let without_family = select(
        &[
            KeyType::RawData,
            KeyType::Hmac,
            KeyType::Derive,
            KeyType::Aes,
            KeyType::Des,
            KeyType::Camellia,
            KeyType::Arc4,
            KeyType::ChaCha20,
            KeyType::RsaPublicKey,
            KeyType::RsaKeyPair,
            KeyType::DhKeyPair(DhFamily::Rfc7919),
            KeyType::DhPublicKey(DhFamily::Rfc7919),
        ][..],
    );
    let family = select(&EccFamily::ALL[..]);
    prop_oneof![
        2 => without_family,
        1 => family.clone().prop_map(KeyType::EccKeyPair),
        1 => family.prop_map(KeyType::EccPublicKey),
    ]
}

/// Any combination of usage flags, also those that decoding never leaves as they are.
pub fn usage_flags() -> impl Strategy<Value = UsageFlags> {
    any::<[bool; 10]>().prop_map(
        |[
            export,
            copy,
            cache,
            encrypt,
            decrypt,
            sign_message,
            verify_message,
            sign_hash,
            verify_hash,
            derive,
        ]| UsageFlags {
            export,
            copy,
            cache,
            encrypt,
            decrypt,
            sign_message,
            verify_message,
            sign_hash,
            verify_hash,
            derive,
        },
    )
}

/// Any key attributes.
pub fn key_attributes() -> impl Strategy<Value = KeyAttributes> {
    (key_type(), any::<u32>(), usage_flags(), algorithm())
        .prop_map(|(key_type, bits, usage, algorithm)| KeyAttributes { key_type, bits, usage, algorithm })
}
