//! Strategies for algorithms: every shape of the protocol, lengths over their whole range.

use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
};
use proptest::prelude::*;
use proptest::sample::select;

/// Any hash.
pub fn hash() -> impl Strategy<Value = Hash> + Clone {
    select(&Hash::ALL[..])
}

/// Any hash of a signature scheme.
pub fn sign_hash() -> impl Strategy<Value = SignHash> + Clone {
    prop_oneof![1 => Just(SignHash::Any), 7 => hash().prop_map(SignHash::Specific)]
}

/// A length: small ones, where the limits of algorithms are, as often as others.
fn length() -> impl Strategy<Value = u32> {
    prop_oneof![0..=64_u32, any::<u32>()]
}

/// Any MAC.
pub fn mac() -> impl Strategy<Value = Mac> {
    let full_length = prop_oneof![
        2 => hash().prop_map(FullLengthMac::Hmac),
        1 => Just(FullLengthMac::CbcMac),
        1 => Just(FullLengthMac::Cmac),
    ];
    (full_length, proptest::option::of(length())).prop_map(|(algorithm, length)| match length {
        None => Mac::FullLength(algorithm),
        Some(length) => Mac::Truncated { algorithm, length },
    })
}

/// Any cipher mode.
pub fn cipher() -> impl Strategy<Value = Cipher> {
    select(&Cipher::ALL[..])
}

/// Any AEAD.
pub fn aead() -> impl Strategy<Value = Aead> {
    (select(&AeadAlgorithm::ALL[..]), proptest::option::of(length())).prop_map(|(algorithm, length)| {
        match length {
            None => Aead::DefaultLengthTag(algorithm),
            Some(tag_length) => Aead::ShortenedTag { algorithm, tag_length },
        }
    })
}

/// Any signature scheme.
pub fn asymmetric_signature() -> impl Strategy<Value = AsymmetricSignature> {
    prop_oneof![
        3 => sign_hash().prop_map(AsymmetricSignature::RsaPkcs1v15Sign),
        1 => Just(AsymmetricSignature::RsaPkcs1v15SignRaw),
        3 => sign_hash().prop_map(AsymmetricSignature::RsaPss),
        3 => sign_hash().prop_map(AsymmetricSignature::Ecdsa),
        1 => Just(AsymmetricSignature::EcdsaAny),
        3 => sign_hash().prop_map(AsymmetricSignature::DeterministicEcdsa),
    ]
}

/// Any encryption scheme.
pub fn asymmetric_encryption() -> impl Strategy<Value = AsymmetricEncryption> {
    prop_oneof![
        1 => Just(AsymmetricEncryption::RsaPkcs1v15Crypt),
        3 => hash().prop_map(AsymmetricEncryption::RsaOaep),
    ]
}

/// Any raw key agreement.
pub fn raw_key_agreement() -> impl Strategy<Value = RawKeyAgreement> {
    select(&[RawKeyAgreement::Ffdh, RawKeyAgreement::Ecdh][..])
}

/// Any key derivation.
pub fn key_derivation() -> impl Strategy<Value = KeyDerivation> {
    prop_oneof![
        hash().prop_map(KeyDerivation::Hkdf),
        hash().prop_map(KeyDerivation::Tls12Prf),
        hash().prop_map(KeyDerivation::Tls12PskToMs),
    ]
}

/// Any key agreement.
pub fn key_agreement() -> impl Strategy<Value = KeyAgreement> {
    (raw_key_agreement(), proptest::option::of(key_derivation())).prop_map(|(agreement, derivation)| {
        match derivation {
            None => KeyAgreement::Raw(agreement),
            Some(derivation) => KeyAgreement::WithKeyDerivation { agreement, derivation },
        }
    })
}

/// Any algorithm.
pub fn algorithm() -> impl Strategy<Value = Algorithm> {
    prop_oneof![
        Just(Algorithm::None),
        hash().prop_map(Algorithm::Hash),
        mac().prop_map(Algorithm::Mac),
        cipher().prop_map(Algorithm::Cipher),
        aead().prop_map(Algorithm::Aead),
        asymmetric_signature().prop_map(Algorithm::AsymmetricSignature),
        asymmetric_encryption().prop_map(Algorithm::AsymmetricEncryption),
        key_agreement().prop_map(Algorithm::KeyAgreement),
        key_derivation().prop_map(Algorithm::KeyDerivation),
    ]
}
