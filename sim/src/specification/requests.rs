//! Requests of every kind there is, right in form: no matter what in their fields, boundaries preferred.

use super::algorithm::HASHES;
use super::attributes::{FAMILIES, PLAIN_TYPES};
use super::choices::Choices;
use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
};
use parsecd_wire::attributes::{DhFamily, KeyType, UsageFlags};
use parsecd_wire::{CheckType, KeyAttributes, Operation, ProviderId};

const CIPHERS: [Cipher; 8] = [
    Cipher::StreamCipher,
    Cipher::Ctr,
    Cipher::Cfb,
    Cipher::Ofb,
    Cipher::Xts,
    Cipher::EcbNoPadding,
    Cipher::CbcNoPadding,
    Cipher::CbcPkcs7,
];
const AEADS: [AeadAlgorithm; 3] = [AeadAlgorithm::Ccm, AeadAlgorithm::Gcm, AeadAlgorithm::ChaCha20Poly1305];
const CHECKS: [CheckType; 4] = [CheckType::Use, CheckType::Generate, CheckType::Import, CheckType::Derive];
const PROVIDERS: [ProviderId; 6] = [
    ProviderId::Core,
    ProviderId::MbedCrypto,
    ProviderId::Pkcs11,
    ProviderId::Tpm,
    ProviderId::TrustedService,
    ProviderId::CryptoAuthLib,
];
/// Operations from here on are made by [`unserved`].
const SERVED: u64 = 18;
/// How many of those there are.
const UNSERVED: u64 = 13;

/// A request of any kind, about the key of this name if it is about a key.
pub fn any(key_name: &str, choices: &mut Choices) -> Operation {
    let key_name = key_name.to_owned();
    let attributes = attributes(choices);
    match choices.below(SERVED + UNSERVED) {
        0 => Operation::Ping,
        1 => Operation::ListProviders,
        2 => Operation::ListAuthenticators,
        3 => Operation::ListOpcodes { provider: one_of(&PROVIDERS, choices) },
        4 => Operation::ListKeys,
        5 => Operation::ListClients,
        6 => Operation::DeleteClient { client: key_name },
        7 => Operation::PsaGenerateKey { key_name, attributes },
        8 => Operation::PsaImportKey { key_name, attributes, data: bytes(choices).into() },
        9 => Operation::PsaExportPublicKey { key_name },
        10 => Operation::PsaExportKey { key_name },
        11 => Operation::PsaDestroyKey { key_name },
        12 => Operation::PsaSignHash { key_name, algorithm: signature(choices), hash: bytes(choices) },
        13 => Operation::PsaVerifyHash {
            key_name,
            algorithm: signature(choices),
            hash: bytes(choices),
            signature: bytes(choices),
        },
        14 => Operation::PsaHashCompute { algorithm: hash(choices), input: bytes(choices).into() },
        15 => Operation::PsaHashCompare {
            algorithm: hash(choices),
            input: bytes(choices).into(),
            hash: bytes(choices),
        },
        16 => Operation::PsaGenerateRandom { size: size(choices) },
        17 => Operation::CanDoCrypto { check_type: one_of(&CHECKS, choices), attributes },
        _ => unserved(&key_name, choices),
    }
}

/// A request of a kind that only providers serve that are not here, about the key of this name.
pub fn unserved(key_name: &str, choices: &mut Choices) -> Operation {
    let key_name = key_name.to_owned();
    let salt = if choices.one_in(2) { None } else { Some(vec![0, 0xFF]) };
    match choices.below(UNSERVED) {
        0 => Operation::PsaSignMessage {
            key_name,
            algorithm: signature(choices),
            message: bytes(choices).into(),
        },
        1 => Operation::PsaVerifyMessage {
            key_name,
            algorithm: signature(choices),
            message: bytes(choices).into(),
            signature: bytes(choices),
        },
        2 => Operation::PsaAsymmetricEncrypt {
            key_name,
            algorithm: encryption(choices),
            plaintext: bytes(choices).into(),
            salt,
        },
        3 => Operation::PsaAsymmetricDecrypt {
            key_name,
            algorithm: encryption(choices),
            ciphertext: bytes(choices),
            salt,
        },
        4 => Operation::PsaAeadEncrypt {
            key_name,
            algorithm: aead(choices),
            nonce: bytes(choices),
            additional_data: bytes(choices),
            plaintext: bytes(choices).into(),
        },
        5 => Operation::PsaAeadDecrypt {
            key_name,
            algorithm: aead(choices),
            nonce: bytes(choices),
            additional_data: bytes(choices),
            ciphertext: bytes(choices),
        },
        6 => Operation::PsaCipherEncrypt {
            key_name,
            algorithm: one_of(&CIPHERS, choices),
            plaintext: bytes(choices).into(),
        },
        7 => Operation::PsaCipherDecrypt {
            key_name,
            algorithm: one_of(&CIPHERS, choices),
            ciphertext: bytes(choices),
        },
        8 => Operation::PsaMacCompute { key_name, algorithm: mac(choices), input: bytes(choices).into() },
        9 => Operation::PsaMacVerify {
            key_name,
            algorithm: mac(choices),
            input: bytes(choices).into(),
            mac: bytes(choices),
        },
        10 => Operation::PsaRawKeyAgreement {
            algorithm: raw_agreement(choices),
            private_key_name: key_name,
            peer_key: bytes(choices),
        },
        11 => Operation::PrepareKeyAttestation {
            attested_key_name: key_name,
            attesting_key_name: other_name(choices),
        },
        _ => Operation::AttestKey {
            attested_key_name: key_name,
            attesting_key_name: other_name(choices),
            credential_blob: bytes(choices),
            secret: bytes(choices).into(),
        },
    }
}

fn one_of<T: Copy, const N: usize>(items: &[T; N], choices: &mut Choices) -> T {
    items[choices.below(N as u64) as usize]
}

fn other_name(choices: &mut Choices) -> Option<String> {
    if choices.one_in(2) { None } else { Some("another key".to_owned()) }
}

fn bytes(choices: &mut Choices) -> Vec<u8> {
    let length: u32 = [0, 1, 20, 32, 64, 127, 128, 300][choices.below(8) as usize];
    let byte = choices.bits() as u8;
    (0..length).map(|index: u32| index as u8 ^ byte).collect()
}

/// A size that is near a power of two.
pub fn size(choices: &mut Choices) -> u64 {
    (1_u64 << choices.below(64)).wrapping_add(choices.below(3)).wrapping_sub(1)
}

/// Any hash.
pub fn hash(choices: &mut Choices) -> Hash {
    one_of(&HASHES, choices).1
}

fn sign_hash(choices: &mut Choices) -> SignHash {
    if choices.one_in(4) { SignHash::Any } else { SignHash::Specific(hash(choices)) }
}

/// Any way to sign.
pub fn signature(choices: &mut Choices) -> AsymmetricSignature {
    match choices.below(6) {
        0 => AsymmetricSignature::RsaPkcs1v15Sign(sign_hash(choices)),
        1 => AsymmetricSignature::RsaPkcs1v15SignRaw,
        2 => AsymmetricSignature::RsaPss(sign_hash(choices)),
        3 => AsymmetricSignature::Ecdsa(sign_hash(choices)),
        4 => AsymmetricSignature::EcdsaAny,
        _ => AsymmetricSignature::DeterministicEcdsa(sign_hash(choices)),
    }
}

fn encryption(choices: &mut Choices) -> AsymmetricEncryption {
    match choices.one_in(2) {
        true => AsymmetricEncryption::RsaPkcs1v15Crypt,
        false => AsymmetricEncryption::RsaOaep(hash(choices)),
    }
}

fn aead(choices: &mut Choices) -> Aead {
    let algorithm = one_of(&AEADS, choices);
    match choices.one_in(2) {
        true => Aead::DefaultLengthTag(algorithm),
        false => Aead::ShortenedTag { algorithm, tag_length: size(choices) as u32 },
    }
}

fn full_length(choices: &mut Choices) -> FullLengthMac {
    match choices.below(3) {
        0 => FullLengthMac::Hmac(hash(choices)),
        1 => FullLengthMac::CbcMac,
        _ => FullLengthMac::Cmac,
    }
}

fn mac(choices: &mut Choices) -> Mac {
    let algorithm = full_length(choices);
    match choices.one_in(2) {
        true => Mac::FullLength(algorithm),
        false => Mac::Truncated { algorithm, length: size(choices) as u32 },
    }
}

fn raw_agreement(choices: &mut Choices) -> RawKeyAgreement {
    if choices.one_in(2) { RawKeyAgreement::Ffdh } else { RawKeyAgreement::Ecdh }
}

fn derivation(choices: &mut Choices) -> KeyDerivation {
    let hash = hash(choices);
    match choices.below(3) {
        0 => KeyDerivation::Hkdf(hash),
        1 => KeyDerivation::Tls12Prf(hash),
        _ => KeyDerivation::Tls12PskToMs(hash),
    }
}

/// Any algorithm that a policy can have.
pub fn algorithm(choices: &mut Choices) -> Algorithm {
    match choices.below(10) {
        0 => Algorithm::None,
        1 => Algorithm::Hash(hash(choices)),
        2 => Algorithm::Mac(mac(choices)),
        3 => Algorithm::Cipher(one_of(&CIPHERS, choices)),
        4 => Algorithm::Aead(aead(choices)),
        5 => Algorithm::AsymmetricEncryption(encryption(choices)),
        6 => Algorithm::KeyAgreement(KeyAgreement::Raw(raw_agreement(choices))),
        7 => Algorithm::KeyAgreement(KeyAgreement::WithKeyDerivation {
            agreement: raw_agreement(choices),
            derivation: derivation(choices),
        }),
        8 => Algorithm::KeyDerivation(derivation(choices)),
        _ => Algorithm::AsymmetricSignature(signature(choices)),
    }
}

/// Any flags, with what they imply.
pub fn usage(choices: &mut Choices) -> UsageFlags {
    let mut flag = || choices.one_in(2);
    let (sign_hash, verify_hash) = (flag(), flag());
    UsageFlags {
        export: flag(),
        copy: flag(),
        cache: flag(),
        encrypt: flag(),
        decrypt: flag(),
        sign_message: sign_hash || flag(),
        verify_message: verify_hash || flag(),
        sign_hash,
        verify_hash,
        derive: flag(),
    }
}

/// Attributes of any key, whether there can be such a key or not.
pub fn attributes(choices: &mut Choices) -> KeyAttributes {
    let key_type = match choices.below(6) {
        0 => KeyType::EccKeyPair(one_of(&FAMILIES, choices).1),
        1 => KeyType::EccPublicKey(one_of(&FAMILIES, choices).1),
        2 => KeyType::DhKeyPair(DhFamily::Rfc7919),
        3 => KeyType::DhPublicKey(DhFamily::Rfc7919),
        _ => one_of(&PLAIN_TYPES, choices),
    };
    let bits = size(choices) as u32;
    KeyAttributes { key_type, bits, usage: usage(choices), algorithm: algorithm(choices) }
}
