//! Values of the protocol in words.

use parsecd_wire::algorithm::{
    Algorithm, AsymmetricEncryption, AsymmetricSignature, Hash, KeyAgreement, SignHash,
};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_wire::{AuthenticationType, Opcode, ProviderId};

/// A name from outside, safe for a terminal: control characters and those that reorder a line are escaped.
pub(crate) fn printable(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        let reorders = matches!(character, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || reorders {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

/// Bytes in lower case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `--provider` calls it.
pub(crate) fn provider(id: ProviderId) -> &'static str {
    match id {
        ProviderId::Core => "core",
        ProviderId::MbedCrypto => "mbed-crypto",
        ProviderId::Pkcs11 => "pkcs11",
        ProviderId::Tpm => "tpm",
        ProviderId::TrustedService => "trusted-service",
        ProviderId::CryptoAuthLib => "cryptoauthlib",
    }
}

/// What it is called, with the word for `--auth` where there is one.
pub(crate) fn authenticator(id: AuthenticationType) -> &'static str {
    match id {
        AuthenticationType::None => "no authentication (none)",
        AuthenticationType::Direct => "Direct (direct:NAME)",
        AuthenticationType::Jwt => "JWT",
        AuthenticationType::UnixPeerCredentials => "Unix peer credentials (unix)",
        AuthenticationType::JwtSvid => "SPIFFE JWT-SVID",
    }
}

/// Number and name of an operation.
pub(crate) fn opcode(number: u32) -> String {
    match Opcode::from_number(number) {
        Some(opcode) => format!("{number:#04x} {opcode:?}"),
        None => format!("{number:#04x} unknown to this tool"),
    }
}

/// Type and size of a key.
pub(crate) fn key_type(key_type: KeyType, bits: u32) -> String {
    match key_type {
        KeyType::RsaKeyPair => format!("RSA-{bits} key pair"),
        KeyType::RsaPublicKey => format!("RSA-{bits} public key"),
        KeyType::EccKeyPair(family) => format!("{} key pair", curve(family, bits)),
        KeyType::EccPublicKey(family) => format!("{} public key", curve(family, bits)),
        KeyType::DhKeyPair(_) => format!("DH-{bits} key pair"),
        KeyType::DhPublicKey(_) => format!("DH-{bits} public key"),
        KeyType::Aes => format!("AES-{bits}"),
        KeyType::Des => format!("DES, {bits} bits"),
        KeyType::Camellia => format!("Camellia-{bits}"),
        KeyType::Arc4 => format!("ARC4, {bits} bits"),
        KeyType::ChaCha20 => "ChaCha20".into(),
        KeyType::Hmac => format!("HMAC, {bits} bits"),
        KeyType::Derive => format!("derivation secret, {bits} bits"),
        KeyType::RawData => format!("raw data, {bits} bits"),
    }
}

fn curve(family: EccFamily, bits: u32) -> String {
    match (family, bits) {
        (EccFamily::SecpR1, _) => format!("ECC P-{bits}"),
        (EccFamily::SecpK1, _) => format!("ECC secp{bits}k1"),
        (EccFamily::SecpR2, _) => format!("ECC secp{bits}r2"),
        (EccFamily::SectK1, _) => format!("ECC sect{bits}k1"),
        (EccFamily::SectR1, _) => format!("ECC sect{bits}r1"),
        (EccFamily::SectR2, _) => format!("ECC sect{bits}r2"),
        (EccFamily::BrainpoolPR1, _) => format!("ECC brainpoolP{bits}r1"),
        (EccFamily::Frp, _) => "ECC FRP256v1".into(),
        (EccFamily::Montgomery, 255) => "X25519".into(),
        (EccFamily::Montgomery, 448) => "X448".into(),
        (EccFamily::Montgomery, _) => format!("ECC Montgomery, {bits} bits"),
    }
}

/// Name of a hash.
pub(crate) fn hash(hash: Hash) -> &'static str {
    match hash {
        Hash::Md2 => "MD2",
        Hash::Md4 => "MD4",
        Hash::Md5 => "MD5",
        Hash::Ripemd160 => "RIPEMD-160",
        Hash::Sha1 => "SHA-1",
        Hash::Sha224 => "SHA-224",
        Hash::Sha256 => "SHA-256",
        Hash::Sha384 => "SHA-384",
        Hash::Sha512 => "SHA-512",
        Hash::Sha512_224 => "SHA-512/224",
        Hash::Sha512_256 => "SHA-512/256",
        Hash::Sha3_224 => "SHA3-224",
        Hash::Sha3_256 => "SHA3-256",
        Hash::Sha3_384 => "SHA3-384",
        Hash::Sha3_512 => "SHA3-512",
    }
}

/// The algorithm a key is made for.
pub(crate) fn algorithm(algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::None => "nothing".into(),
        Algorithm::AsymmetricSignature(scheme) => signature(scheme),
        Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaPkcs1v15Crypt) => {
            "RSA PKCS#1 v1.5 encryption".into()
        }
        Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaOaep(name)) => {
            format!("RSA OAEP with {}", hash(name))
        }
        Algorithm::KeyAgreement(KeyAgreement::Raw(agreement)) => format!("{agreement:?} key agreement"),
        other => format!("{other:?}"),
    }
}

fn signature(scheme: AsymmetricSignature) -> String {
    let name = match scheme {
        AsymmetricSignature::RsaPkcs1v15Sign(_) => "RSA PKCS#1 v1.5 signature",
        AsymmetricSignature::RsaPkcs1v15SignRaw => "RSA PKCS#1 v1.5 signature without a hash",
        AsymmetricSignature::RsaPss(_) => "RSA PSS",
        AsymmetricSignature::Ecdsa(_) => "ECDSA",
        AsymmetricSignature::EcdsaAny => "ECDSA without a hash",
        AsymmetricSignature::DeterministicEcdsa(_) => "deterministic ECDSA",
    };
    match scheme.hash() {
        None => name.into(),
        Some(SignHash::Any) => format!("{name} with any hash"),
        Some(SignHash::Specific(with)) => format!("{name} with {}", hash(with)),
    }
}

/// What a key may be used for.
pub(crate) fn usage(flags: UsageFlags) -> String {
    let words: Vec<&str> = [
        (flags.sign_hash || flags.sign_message, "sign"),
        (flags.verify_hash || flags.verify_message, "verify"),
        (flags.encrypt, "encrypt"),
        (flags.decrypt, "decrypt"),
        (flags.derive, "derive"),
        (flags.export, "export"),
    ]
    .into_iter()
    .filter_map(|(set, word)| set.then_some(word))
    .collect();
    if words.is_empty() { "no use".into() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_reach_the_terminal_without_control_over_it() {
        assert_eq!(printable("clé 👩‍🚀🗝️"), "clé 👩‍🚀🗝️");
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb\\nc\\u{202e}d");
    }
}
