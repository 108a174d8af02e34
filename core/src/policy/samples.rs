//! Every key type, every algorithm, every flag, for tests that go through all of them.

use alloc::vec::Vec;
use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
};
use parsecd_wire::attributes::{DhFamily, EccFamily, KeyType, UsageFlags};

pub const CURVES: [EccFamily; 9] = [
    EccFamily::SecpK1,
    EccFamily::SecpR1,
    EccFamily::SecpR2,
    EccFamily::SectK1,
    EccFamily::SectR1,
    EccFamily::SectR2,
    EccFamily::BrainpoolPR1,
    EccFamily::Frp,
    EccFamily::Montgomery,
];

pub const SYMMETRIC: [KeyType; 8] = [
    KeyType::RawData,
    KeyType::Hmac,
    KeyType::Derive,
    KeyType::Aes,
    KeyType::Des,
    KeyType::Camellia,
    KeyType::Arc4,
    KeyType::ChaCha20,
];

pub const CIPHERS: [Cipher; 8] = [
    Cipher::StreamCipher,
    Cipher::Ctr,
    Cipher::Cfb,
    Cipher::Ofb,
    Cipher::Xts,
    Cipher::EcbNoPadding,
    Cipher::CbcNoPadding,
    Cipher::CbcPkcs7,
];

pub const AEADS: [AeadAlgorithm; 3] =
    [AeadAlgorithm::Ccm, AeadAlgorithm::Gcm, AeadAlgorithm::ChaCha20Poly1305];

pub fn key_types() -> Vec<KeyType> {
    let mut types = Vec::from(SYMMETRIC);
    types.extend([KeyType::RsaKeyPair, KeyType::RsaPublicKey]);
    types.extend([KeyType::DhKeyPair(DhFamily::Rfc7919), KeyType::DhPublicKey(DhFamily::Rfc7919)]);
    types.extend(CURVES.map(KeyType::EccKeyPair));
    types.extend(CURVES.map(KeyType::EccPublicKey));
    types
}

/// Signature schemes that name a hash, with this one.
pub fn hashing_signatures(hash: SignHash) -> [AsymmetricSignature; 4] {
    [
        AsymmetricSignature::RsaPkcs1v15Sign(hash),
        AsymmetricSignature::RsaPss(hash),
        AsymmetricSignature::Ecdsa(hash),
        AsymmetricSignature::DeterministicEcdsa(hash),
    ]
}

pub fn derivations(hash: Hash) -> [KeyDerivation; 3] {
    [KeyDerivation::Hkdf(hash), KeyDerivation::Tls12Prf(hash), KeyDerivation::Tls12PskToMs(hash)]
}

/// Every algorithm; tags and truncated MACs of 4, 12 and 16 bytes.
pub fn algorithms() -> Vec<Algorithm> {
    let mut signatures = Vec::from([AsymmetricSignature::RsaPkcs1v15SignRaw, AsymmetricSignature::EcdsaAny]);
    signatures.extend(hashing_signatures(SignHash::Any));
    let mut all = Vec::from([
        Algorithm::None,
        Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaPkcs1v15Crypt),
        Algorithm::KeyAgreement(KeyAgreement::Raw(RawKeyAgreement::Ffdh)),
        Algorithm::KeyAgreement(KeyAgreement::Raw(RawKeyAgreement::Ecdh)),
    ]);
    let mut macs = Vec::from([FullLengthMac::CbcMac, FullLengthMac::Cmac]);
    for hash in Hash::ALL {
        all.push(Algorithm::Hash(hash));
        macs.push(FullLengthMac::Hmac(hash));
        signatures.extend(hashing_signatures(SignHash::Specific(hash)));
        all.push(Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaOaep(hash)));
        for derivation in derivations(hash) {
            all.push(Algorithm::KeyDerivation(derivation));
            for agreement in [RawKeyAgreement::Ffdh, RawKeyAgreement::Ecdh] {
                all.push(Algorithm::KeyAgreement(KeyAgreement::WithKeyDerivation { agreement, derivation }));
            }
        }
    }
    for algorithm in macs {
        all.push(Algorithm::Mac(Mac::FullLength(algorithm)));
        all.extend([4, 12, 16].map(|length| Algorithm::Mac(Mac::Truncated { algorithm, length })));
    }
    for algorithm in AEADS {
        all.push(Algorithm::Aead(Aead::DefaultLengthTag(algorithm)));
        all.extend(
            [4, 12, 16].map(|tag_length| Algorithm::Aead(Aead::ShortenedTag { algorithm, tag_length })),
        );
    }
    all.extend(CIPHERS.map(Algorithm::Cipher));
    all.extend(signatures.into_iter().map(Algorithm::AsymmetricSignature));
    all
}

/// The flags of operations.md 3.3 whose bits are set in `bits`, flag `n` being bit `n - 1`.
pub fn usage(bits: u16) -> UsageFlags {
    let flag = |position: u32| (bits >> position) & 1 == 1;
    UsageFlags {
        export: flag(0),
        copy: flag(1),
        cache: flag(2),
        encrypt: flag(3),
        decrypt: flag(4),
        sign_message: flag(5),
        verify_message: flag(6),
        sign_hash: flag(7),
        verify_hash: flag(8),
        derive: flag(9),
    }
}

/// No flag, each flag, all but each flag, all flags.
pub fn usages() -> Vec<UsageFlags> {
    let mut all = Vec::from([usage(0), usage(0x3ff)]);
    all.extend((0..10).map(|position| usage(1 << position)));
    all.extend((0..10).map(|position| usage(0x3ff ^ (1 << position))));
    all
}
