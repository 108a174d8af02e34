//! Rules between algorithms, policies and key types (operations.md 4.1, 4.2 and 4.4).

use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
};
use parsecd_wire::attributes::KeyType;

/// Whether a policy of algorithm `policy` permits a request for `requested` (operations.md 4.1).
///
/// *Any* hash in a policy stands for every specific hash of the same scheme; in a request it is never
/// permitted.
pub fn permits(policy: Algorithm, requested: Algorithm) -> bool {
    match (policy, requested) {
        (Algorithm::None, _) | (_, Algorithm::None) => false,
        (Algorithm::AsymmetricSignature(policy), Algorithm::AsymmetricSignature(requested)) => {
            match (policy.hash(), requested.hash()) {
                (_, Some(SignHash::Any)) => false,
                (Some(SignHash::Any), Some(specific)) => with_hash(policy, specific) == requested,
                _ => policy == requested,
            }
        }
        _ => policy == requested,
    }
}

/// The scheme of `signature` with another hash; schemes without a hash stay as they are.
pub fn with_hash(signature: AsymmetricSignature, hash: SignHash) -> AsymmetricSignature {
    match signature {
        AsymmetricSignature::RsaPkcs1v15Sign(_) => AsymmetricSignature::RsaPkcs1v15Sign(hash),
        AsymmetricSignature::RsaPss(_) => AsymmetricSignature::RsaPss(hash),
        AsymmetricSignature::Ecdsa(_) => AsymmetricSignature::Ecdsa(hash),
        AsymmetricSignature::DeterministicEcdsa(_) => AsymmetricSignature::DeterministicEcdsa(hash),
        AsymmetricSignature::RsaPkcs1v15SignRaw | AsymmetricSignature::EcdsaAny => signature,
    }
}

/// Whether a key of this type can be used with this algorithm at all (operations.md 4.2).
pub fn is_compatible(key_type: KeyType, algorithm: Algorithm) -> bool {
    match key_type {
        KeyType::RawData => false,
        KeyType::Hmac => matches!(mac_of(algorithm), Some(FullLengthMac::Hmac(_))),
        KeyType::Derive => matches!(algorithm, Algorithm::KeyDerivation(_)),
        KeyType::Aes | KeyType::Camellia => {
            is_block_cipher_mac(algorithm)
                || is_block_cipher_mode(algorithm)
                || matches!(aead_of(algorithm), Some(AeadAlgorithm::Ccm | AeadAlgorithm::Gcm))
        }
        KeyType::Des => is_block_cipher_mac(algorithm) || is_block_cipher_mode(algorithm),
        KeyType::Arc4 => algorithm == Algorithm::Cipher(Cipher::StreamCipher),
        KeyType::ChaCha20 => {
            algorithm == Algorithm::Cipher(Cipher::StreamCipher)
                || aead_of(algorithm) == Some(AeadAlgorithm::ChaCha20Poly1305)
        }
        KeyType::RsaKeyPair | KeyType::RsaPublicKey => match algorithm {
            Algorithm::AsymmetricSignature(signature) => is_rsa(signature),
            Algorithm::AsymmetricEncryption(_) => true,
            _ => false,
        },
        KeyType::EccKeyPair(_) | KeyType::EccPublicKey(_) => match algorithm {
            Algorithm::AsymmetricSignature(signature) => !is_rsa(signature),
            _ => agreement_of(algorithm) == Some(RawKeyAgreement::Ecdh),
        },
        KeyType::DhKeyPair(_) | KeyType::DhPublicKey(_) => {
            agreement_of(algorithm) == Some(RawKeyAgreement::Ffdh)
        }
    }
}

/// The MAC whose whole or truncated code `algorithm` is.
fn mac_of(algorithm: Algorithm) -> Option<FullLengthMac> {
    match algorithm {
        Algorithm::Mac(Mac::FullLength(mac) | Mac::Truncated { algorithm: mac, .. }) => Some(mac),
        _ => None,
    }
}

/// The AEAD algorithm of any tag length that `algorithm` is.
fn aead_of(algorithm: Algorithm) -> Option<AeadAlgorithm> {
    match algorithm {
        Algorithm::Aead(Aead::DefaultLengthTag(aead) | Aead::ShortenedTag { algorithm: aead, .. }) => {
            Some(aead)
        }
        _ => None,
    }
}

/// The agreement, raw or before a derivation, that `algorithm` is.
fn agreement_of(algorithm: Algorithm) -> Option<RawKeyAgreement> {
    match algorithm {
        Algorithm::KeyAgreement(
            KeyAgreement::Raw(agreement) | KeyAgreement::WithKeyDerivation { agreement, .. },
        ) => Some(agreement),
        _ => None,
    }
}

fn is_block_cipher_mac(algorithm: Algorithm) -> bool {
    matches!(mac_of(algorithm), Some(FullLengthMac::CbcMac | FullLengthMac::Cmac))
}

fn is_block_cipher_mode(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Cipher(cipher) if cipher != Cipher::StreamCipher)
}

fn is_rsa(signature: AsymmetricSignature) -> bool {
    match signature {
        AsymmetricSignature::RsaPkcs1v15Sign(_)
        | AsymmetricSignature::RsaPkcs1v15SignRaw
        | AsymmetricSignature::RsaPss(_) => true,
        AsymmetricSignature::Ecdsa(_)
        | AsymmetricSignature::EcdsaAny
        | AsymmetricSignature::DeterministicEcdsa(_) => false,
    }
}

/// Whether a deprecated hash occurs anywhere in `algorithm` (operations.md 4.4).
pub fn is_deprecated(algorithm: Algorithm) -> bool {
    let hash = match algorithm {
        Algorithm::Hash(hash)
        | Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaOaep(hash))
        | Algorithm::KeyDerivation(
            KeyDerivation::Hkdf(hash) | KeyDerivation::Tls12Prf(hash) | KeyDerivation::Tls12PskToMs(hash),
        )
        | Algorithm::KeyAgreement(KeyAgreement::WithKeyDerivation {
            derivation:
                KeyDerivation::Hkdf(hash) | KeyDerivation::Tls12Prf(hash) | KeyDerivation::Tls12PskToMs(hash),
            ..
        }) => hash,
        Algorithm::Mac(_) => match mac_of(algorithm) {
            Some(FullLengthMac::Hmac(hash)) => hash,
            Some(FullLengthMac::CbcMac | FullLengthMac::Cmac) | None => return false,
        },
        Algorithm::AsymmetricSignature(signature) => match signature.hash() {
            Some(SignHash::Specific(hash)) => hash,
            Some(SignHash::Any) | None => return false,
        },
        Algorithm::None
        | Algorithm::Cipher(_)
        | Algorithm::Aead(_)
        | Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaPkcs1v15Crypt)
        | Algorithm::KeyAgreement(KeyAgreement::Raw(_)) => return false,
    };
    matches!(hash, Hash::Md2 | Hash::Md4 | Hash::Md5 | Hash::Sha1)
}
