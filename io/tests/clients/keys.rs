//! The key that most of these tests make.

use parsecd_client::wire::KeyAttributes;
use parsecd_client::wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_client::wire::attributes::{EccFamily, KeyType, UsageFlags};

/// ECDSA with SHA-256.
pub const ECDSA: AsymmetricSignature = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));

/// A P-256 key pair that signs and verifies by [`ECDSA`].
pub fn ecdsa_key() -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
        bits: 256,
        usage: UsageFlags { sign_hash: true, verify_hash: true, ..UsageFlags::default() },
        algorithm: Algorithm::AsymmetricSignature(ECDSA),
    }
}
