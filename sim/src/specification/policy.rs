//! What keys may be made and used for (operations.md 4, decisions.md 3).

use parsecd_wire::KeyAttributes;
use parsecd_wire::algorithm::{
    Algorithm, AsymmetricEncryption, AsymmetricSignature, FullLengthMac, Hash, KeyAgreement, KeyDerivation,
    Mac, SignHash,
};
use parsecd_wire::attributes::{EccFamily, KeyType};

/// Bytes of a hash.
pub fn length(hash: Hash) -> usize {
    match hash {
        Hash::Md2 | Hash::Md4 | Hash::Md5 => 16,
        Hash::Ripemd160 | Hash::Sha1 => 20,
        Hash::Sha224 | Hash::Sha512_224 | Hash::Sha3_224 => 28,
        Hash::Sha256 | Hash::Sha512_256 | Hash::Sha3_256 => 32,
        Hash::Sha384 | Hash::Sha3_384 => 48,
        Hash::Sha512 | Hash::Sha3_512 => 64,
    }
}

/// The hash that is signed; `None` for ways to sign whatever there is.
pub fn hash_of(signature: &AsymmetricSignature) -> Option<SignHash> {
    match *signature {
        AsymmetricSignature::RsaPkcs1v15Sign(hash)
        | AsymmetricSignature::RsaPss(hash)
        | AsymmetricSignature::Ecdsa(hash)
        | AsymmetricSignature::DeterministicEcdsa(hash) => Some(hash),
        AsymmetricSignature::RsaPkcs1v15SignRaw | AsymmetricSignature::EcdsaAny => None,
    }
}

/// Whether a policy permits what a request asks.
pub fn permits(policy: &Algorithm, asked: &AsymmetricSignature) -> bool {
    let Algorithm::AsymmetricSignature(policy) = policy else { return false };
    let any = SignHash::Any;
    let scheme = match asked {
        AsymmetricSignature::RsaPkcs1v15Sign(_) => AsymmetricSignature::RsaPkcs1v15Sign(any),
        AsymmetricSignature::RsaPss(_) => AsymmetricSignature::RsaPss(any),
        AsymmetricSignature::Ecdsa(_) => AsymmetricSignature::Ecdsa(any),
        AsymmetricSignature::DeterministicEcdsa(_) => AsymmetricSignature::DeterministicEcdsa(any),
        without_hash => *without_hash,
    };
    hash_of(asked) != Some(any) && (policy == asked || *policy == scheme)
}

/// Whether keys of a type can sign in this way.
pub fn fits(key_type: KeyType, asked: &AsymmetricSignature) -> bool {
    let rsa = matches!(
        asked,
        AsymmetricSignature::RsaPkcs1v15Sign(_)
            | AsymmetricSignature::RsaPkcs1v15SignRaw
            | AsymmetricSignature::RsaPss(_)
    );
    match key_type {
        KeyType::RsaKeyPair | KeyType::RsaPublicKey => rsa,
        KeyType::EccKeyPair(_) | KeyType::EccPublicKey(_) => !rsa,
        _ => false,
    }
}

/// Whether a key is not generated because it, or what it is for, is deprecated.
pub fn is_deprecated(attributes: &KeyAttributes) -> bool {
    let hash = match attributes.algorithm {
        Algorithm::Hash(hash) => Some(hash),
        Algorithm::Mac(Mac::FullLength(mac) | Mac::Truncated { algorithm: mac, .. }) => match mac {
            FullLengthMac::Hmac(hash) => Some(hash),
            _ => None,
        },
        Algorithm::AsymmetricSignature(signature) => match hash_of(&signature) {
            Some(SignHash::Specific(hash)) => Some(hash),
            _ => None,
        },
        Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaOaep(hash)) => Some(hash),
        Algorithm::KeyAgreement(KeyAgreement::WithKeyDerivation { derivation, .. })
        | Algorithm::KeyDerivation(derivation) => match derivation {
            KeyDerivation::Hkdf(hash) | KeyDerivation::Tls12Prf(hash) | KeyDerivation::Tls12PskToMs(hash) => {
                Some(hash)
            }
        },
        _ => None,
    };
    let curve = match attributes.key_type {
        KeyType::EccKeyPair(family) | KeyType::EccPublicKey(family) => match family {
            EccFamily::SecpR2 | EccFamily::SectR2 => true,
            EccFamily::BrainpoolPR1 => attributes.bits == 160,
            EccFamily::SectR1 | EccFamily::SectK1 => attributes.bits == 163,
            _ => false,
        },
        _ => false,
    };
    curve
        || matches!(hash, Some(Hash::Md2 | Hash::Md4 | Hash::Md5 | Hash::Sha1))
        || matches!(attributes.key_type, KeyType::Des | KeyType::Arc4)
}
