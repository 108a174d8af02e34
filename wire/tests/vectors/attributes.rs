//! Key attributes and algorithms from JSON.

use super::{number, text};
use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
};
use parsecd_wire::attributes::{DhFamily, EccFamily, KeyAttributes, KeyType, UsageFlags};
use serde_json::Value;

/// The only key of an object and what is under it: a oneof.
fn only(value: &Value) -> (&str, &Value) {
    let object = value.as_object().unwrap_or_else(|| panic!("{value} is an object"));
    assert_eq!(object.len(), 1, "{value}");
    let (name, content) = object.iter().next().expect("one member");
    (name, content)
}

fn is_empty(value: &Value) {
    assert_eq!(value.as_object().map(serde_json::Map::len), Some(0), "{value}");
}

pub fn hash(value: &Value) -> Hash {
    match text(&value["name"]) {
        "SHA_256" => Hash::Sha256,
        "SHA_384" => Hash::Sha384,
        "SHA_512" => Hash::Sha512,
        other => panic!("hash {other}"),
    }
}

pub fn cipher(value: &Value) -> Cipher {
    match text(&value["name"]) {
        "CTR" => Cipher::Ctr,
        "CBC_PKCS7" => Cipher::CbcPkcs7,
        other => panic!("cipher {other}"),
    }
}

fn aead_algorithm(value: &Value) -> AeadAlgorithm {
    match text(&value["name"]) {
        "CCM" => AeadAlgorithm::Ccm,
        "GCM" => AeadAlgorithm::Gcm,
        "CHACHA20_POLY1305" => AeadAlgorithm::ChaCha20Poly1305,
        other => panic!("AEAD algorithm {other}"),
    }
}

pub fn aead(value: &Value) -> Aead {
    match only(value) {
        ("aead_with_default_length_tag", kind) => Aead::DefaultLengthTag(aead_algorithm(kind)),
        ("aead_with_shortened_tag", shortened) => Aead::ShortenedTag {
            algorithm: aead_algorithm(&shortened["aead_alg"]),
            tag_length: number(&shortened["tag_length"]),
        },
        other => panic!("AEAD {other:?}"),
    }
}

fn full_length_mac(value: &Value) -> FullLengthMac {
    match only(value) {
        ("hmac", parameter) => FullLengthMac::Hmac(hash(&parameter["hash_alg"])),
        ("cmac", empty) => {
            is_empty(empty);
            FullLengthMac::Cmac
        }
        other => panic!("MAC {other:?}"),
    }
}

fn mac(value: &Value) -> Mac {
    match only(value) {
        ("full_length", mac) => Mac::FullLength(full_length_mac(mac)),
        ("truncated", truncated) => Mac::Truncated {
            algorithm: full_length_mac(&truncated["mac_alg"]),
            length: number(&truncated["mac_length"]),
        },
        other => panic!("MAC {other:?}"),
    }
}

fn sign_hash(value: &Value) -> SignHash {
    match only(&value["hash_alg"]) {
        ("any", empty) => {
            is_empty(empty);
            SignHash::Any
        }
        ("specific", specific) => SignHash::Specific(hash(specific)),
        other => panic!("hash {other:?}"),
    }
}

pub fn asymmetric_signature(value: &Value) -> AsymmetricSignature {
    match only(value) {
        ("rsa_pkcs1v15_sign", parameter) => AsymmetricSignature::RsaPkcs1v15Sign(sign_hash(parameter)),
        ("rsa_pkcs1v15_sign_raw", empty) => {
            is_empty(empty);
            AsymmetricSignature::RsaPkcs1v15SignRaw
        }
        ("rsa_pss", parameter) => AsymmetricSignature::RsaPss(sign_hash(parameter)),
        ("ecdsa", parameter) => AsymmetricSignature::Ecdsa(sign_hash(parameter)),
        ("ecdsa_any", empty) => {
            is_empty(empty);
            AsymmetricSignature::EcdsaAny
        }
        ("deterministic_ecdsa", parameter) => AsymmetricSignature::DeterministicEcdsa(sign_hash(parameter)),
        other => panic!("signature scheme {other:?}"),
    }
}

pub fn asymmetric_encryption(value: &Value) -> AsymmetricEncryption {
    match only(value) {
        ("rsa_pkcs1v15_crypt", empty) => {
            is_empty(empty);
            AsymmetricEncryption::RsaPkcs1v15Crypt
        }
        ("rsa_oaep", parameter) => AsymmetricEncryption::RsaOaep(hash(&parameter["hash_alg"])),
        other => panic!("encryption scheme {other:?}"),
    }
}

pub fn raw_key_agreement(value: &Value) -> RawKeyAgreement {
    match text(&value["name"]) {
        "FFDH" => RawKeyAgreement::Ffdh,
        "ECDH" => RawKeyAgreement::Ecdh,
        other => panic!("key agreement {other}"),
    }
}

fn key_derivation(value: &Value) -> KeyDerivation {
    match only(value) {
        ("hkdf", parameter) => KeyDerivation::Hkdf(hash(&parameter["hash_alg"])),
        ("tls12_prf", parameter) => KeyDerivation::Tls12Prf(hash(&parameter["hash_alg"])),
        other => panic!("key derivation {other:?}"),
    }
}

fn key_agreement(value: &Value) -> KeyAgreement {
    match only(value) {
        ("raw", agreement) => KeyAgreement::Raw(raw_key_agreement(agreement)),
        ("with_key_derivation", with) => KeyAgreement::WithKeyDerivation {
            agreement: raw_key_agreement(&with["ka_alg"]),
            derivation: key_derivation(&with["kdf_alg"]),
        },
        other => panic!("key agreement {other:?}"),
    }
}

fn algorithm(value: &Value) -> Algorithm {
    match only(value) {
        ("none", empty) => {
            is_empty(empty);
            Algorithm::None
        }
        ("mac", content) => Algorithm::Mac(mac(content)),
        ("cipher", content) => Algorithm::Cipher(cipher(content)),
        ("aead", content) => Algorithm::Aead(aead(content)),
        ("asymmetric_signature", content) => Algorithm::AsymmetricSignature(asymmetric_signature(content)),
        ("asymmetric_encryption", content) => Algorithm::AsymmetricEncryption(asymmetric_encryption(content)),
        ("key_agreement", content) => Algorithm::KeyAgreement(key_agreement(content)),
        ("key_derivation", content) => Algorithm::KeyDerivation(key_derivation(content)),
        other => panic!("algorithm {other:?}"),
    }
}

fn ecc_family(value: &Value) -> EccFamily {
    match text(&value["curve_family"]["name"]) {
        "SECP_R1" => EccFamily::SecpR1,
        "BRAINPOOL_P_R1" => EccFamily::BrainpoolPR1,
        "MONTGOMERY" => EccFamily::Montgomery,
        other => panic!("curve family {other}"),
    }
}

fn key_type(value: &Value) -> KeyType {
    let (name, content) = only(value);
    match name {
        "ecc_key_pair" => return KeyType::EccKeyPair(ecc_family(content)),
        "ecc_public_key" => return KeyType::EccPublicKey(ecc_family(content)),
        _ => is_empty(content),
    }
    match name {
        "raw_data" => KeyType::RawData,
        "hmac" => KeyType::Hmac,
        "derive" => KeyType::Derive,
        "aes" => KeyType::Aes,
        "camellia" => KeyType::Camellia,
        "chacha20" => KeyType::ChaCha20,
        "rsa_public_key" => KeyType::RsaPublicKey,
        "rsa_key_pair" => KeyType::RsaKeyPair,
        "dh_key_pair" => KeyType::DhKeyPair(DhFamily::Rfc7919),
        other => panic!("key type {other}"),
    }
}

fn usage(value: &Value) -> UsageFlags {
    let object = value.as_object().unwrap_or_else(|| panic!("{value} is an object"));
    let mut usage = UsageFlags::default();
    for (name, set) in object {
        assert_eq!(set, &Value::Bool(true), "{name}");
        let flag = match name.as_str() {
            "export" => &mut usage.export,
            "copy" => &mut usage.copy,
            "cache" => &mut usage.cache,
            "encrypt" => &mut usage.encrypt,
            "decrypt" => &mut usage.decrypt,
            "sign_message" => &mut usage.sign_message,
            "verify_message" => &mut usage.verify_message,
            "sign_hash" => &mut usage.sign_hash,
            "verify_hash" => &mut usage.verify_hash,
            "derive" => &mut usage.derive,
            other => panic!("usage flag {other}"),
        };
        *flag = true;
    }
    usage
}

pub fn key_attributes(value: &Value) -> KeyAttributes {
    KeyAttributes {
        key_type: key_type(&value["key_type"]),
        bits: number(&value["key_bits"]),
        usage: usage(&value["key_policy"]["key_usage_flags"]),
        algorithm: algorithm(&value["key_policy"]["key_algorithm"]),
    }
}
