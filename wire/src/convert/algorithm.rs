//! Algorithms (operations.md 3.4).

use super::{DecodeError, required};
use crate::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
};
use crate::generated as proto;
use proto::Empty;

/// A type that is a protobuf enum on the wire.
pub(super) trait Enumeration: Sized {
    /// The number on the wire.
    fn number(self) -> i32;
    /// The member with this number, unless it means none or is unknown.
    fn from_number(number: i32) -> Result<Self, DecodeError>;
}

/// Both directions between a type of this crate and the generated enum, member by member.
macro_rules! enumeration {
    ($native:ident, $what:literal, [$($member:ident = $generated:ident),+ $(,)?]) => {
        impl $crate::convert::algorithm::Enumeration for $native {
            fn number(self) -> i32 {
                i32::from(match self {
                    $($native::$member => $crate::generated::$native::$generated),+
                })
            }

            fn from_number(number: i32) -> Result<Self, $crate::convert::DecodeError> {
                match $crate::generated::$native::try_from(number) {
                    $(Ok($crate::generated::$native::$generated) => Ok($native::$member),)+
                    #[allow(unreachable_patterns, reason = "an enum may have no member that means none")]
                    Ok(_) | Err(_) => Err($crate::convert::DecodeError::UnknownNumber { what: $what, number }),
                }
            }
        }
    };
}
pub(super) use enumeration;

enumeration!(
    Hash,
    "hash",
    [
        Md2 = Md2,
        Md4 = Md4,
        Md5 = Md5,
        Ripemd160 = Ripemd160,
        Sha1 = Sha1,
        Sha224 = Sha224,
        Sha256 = Sha256,
        Sha384 = Sha384,
        Sha512 = Sha512,
        Sha512_224 = Sha512224,
        Sha512_256 = Sha512256,
        Sha3_224 = Sha3224,
        Sha3_256 = Sha3256,
        Sha3_384 = Sha3384,
        Sha3_512 = Sha3512,
    ]
);

enumeration!(
    Cipher,
    "cipher",
    [
        StreamCipher = StreamCipher,
        Ctr = Ctr,
        Cfb = Cfb,
        Ofb = Ofb,
        Xts = Xts,
        EcbNoPadding = EcbNoPadding,
        CbcNoPadding = CbcNoPadding,
        CbcPkcs7 = CbcPkcs7,
    ]
);

enumeration!(AeadAlgorithm, "AEAD algorithm", [Ccm = Ccm, Gcm = Gcm, ChaCha20Poly1305 = Chacha20Poly1305]);

enumeration!(RawKeyAgreement, "key agreement", [Ffdh = Ffdh, Ecdh = Ecdh]);

fn hash_parameter(hash: Hash) -> proto::HashParameter {
    proto::HashParameter { hash_alg: hash.number() }
}

impl From<FullLengthMac> for proto::mac::FullLength {
    fn from(mac: FullLengthMac) -> Self {
        use proto::mac::full_length::Variant;
        let variant = match mac {
            FullLengthMac::Hmac(hash) => Variant::Hmac(hash_parameter(hash)),
            FullLengthMac::CbcMac => Variant::CbcMac(Empty {}),
            FullLengthMac::Cmac => Variant::Cmac(Empty {}),
        };
        proto::mac::FullLength { variant: Some(variant) }
    }
}

impl TryFrom<proto::mac::FullLength> for FullLengthMac {
    type Error = DecodeError;

    fn try_from(message: proto::mac::FullLength) -> Result<Self, DecodeError> {
        use proto::mac::full_length::Variant;
        Ok(match message.variant.ok_or(DecodeError::Missing("MAC of full length"))? {
            Variant::Hmac(parameter) => FullLengthMac::Hmac(Hash::from_number(parameter.hash_alg)?),
            Variant::CbcMac(Empty {}) => FullLengthMac::CbcMac,
            Variant::Cmac(Empty {}) => FullLengthMac::Cmac,
        })
    }
}

impl From<Mac> for proto::Mac {
    fn from(mac: Mac) -> Self {
        use proto::mac::{Truncated, Variant};
        let variant = match mac {
            Mac::FullLength(mac) => Variant::FullLength(mac.into()),
            Mac::Truncated { algorithm, length } => {
                Variant::Truncated(Truncated { mac_alg: Some(algorithm.into()), mac_length: length })
            }
        };
        proto::Mac { variant: Some(variant) }
    }
}

impl TryFrom<proto::Mac> for Mac {
    type Error = DecodeError;

    fn try_from(message: proto::Mac) -> Result<Self, DecodeError> {
        use proto::mac::Variant;
        Ok(match message.variant.ok_or(DecodeError::Missing("MAC"))? {
            Variant::FullLength(mac) => Mac::FullLength(mac.try_into()?),
            Variant::Truncated(truncated) => Mac::Truncated {
                algorithm: required("algorithm of the truncated MAC", truncated.mac_alg)?,
                length: truncated.mac_length,
            },
        })
    }
}

impl From<Aead> for proto::Aead {
    fn from(aead: Aead) -> Self {
        use proto::aead::{ShortenedTag, Variant};
        let variant = match aead {
            Aead::DefaultLengthTag(algorithm) => Variant::AeadWithDefaultLengthTag(algorithm.number()),
            Aead::ShortenedTag { algorithm, tag_length } => {
                Variant::AeadWithShortenedTag(ShortenedTag { aead_alg: algorithm.number(), tag_length })
            }
        };
        proto::Aead { variant: Some(variant) }
    }
}

impl TryFrom<proto::Aead> for Aead {
    type Error = DecodeError;

    fn try_from(message: proto::Aead) -> Result<Self, DecodeError> {
        use proto::aead::Variant;
        Ok(match message.variant.ok_or(DecodeError::Missing("AEAD algorithm"))? {
            Variant::AeadWithDefaultLengthTag(number) => {
                Aead::DefaultLengthTag(AeadAlgorithm::from_number(number)?)
            }
            Variant::AeadWithShortenedTag(shortened) => Aead::ShortenedTag {
                algorithm: AeadAlgorithm::from_number(shortened.aead_alg)?,
                tag_length: shortened.tag_length,
            },
        })
    }
}

impl From<SignHash> for proto::SignHash {
    fn from(hash: SignHash) -> Self {
        use proto::sign_hash::Variant;
        let variant = match hash {
            SignHash::Any => Variant::Any(Empty {}),
            SignHash::Specific(hash) => Variant::Specific(hash.number()),
        };
        proto::SignHash { variant: Some(variant) }
    }
}

impl TryFrom<proto::SignHash> for SignHash {
    type Error = DecodeError;

    fn try_from(message: proto::SignHash) -> Result<Self, DecodeError> {
        use proto::sign_hash::Variant;
        Ok(match message.variant.ok_or(DecodeError::Missing("hash of the signature"))? {
            Variant::Any(Empty {}) => SignHash::Any,
            Variant::Specific(number) => SignHash::Specific(Hash::from_number(number)?),
        })
    }
}

impl From<AsymmetricSignature> for proto::AsymmetricSignature {
    fn from(scheme: AsymmetricSignature) -> Self {
        use proto::asymmetric_signature::{SignHashParameter, Variant};
        let parameter = |hash: SignHash| SignHashParameter { hash_alg: Some(hash.into()) };
        let variant = match scheme {
            AsymmetricSignature::RsaPkcs1v15Sign(hash) => Variant::RsaPkcs1v15Sign(parameter(hash)),
            AsymmetricSignature::RsaPkcs1v15SignRaw => Variant::RsaPkcs1v15SignRaw(Empty {}),
            AsymmetricSignature::RsaPss(hash) => Variant::RsaPss(parameter(hash)),
            AsymmetricSignature::Ecdsa(hash) => Variant::Ecdsa(parameter(hash)),
            AsymmetricSignature::EcdsaAny => Variant::EcdsaAny(Empty {}),
            AsymmetricSignature::DeterministicEcdsa(hash) => Variant::DeterministicEcdsa(parameter(hash)),
        };
        proto::AsymmetricSignature { variant: Some(variant) }
    }
}

impl TryFrom<proto::AsymmetricSignature> for AsymmetricSignature {
    type Error = DecodeError;

    fn try_from(message: proto::AsymmetricSignature) -> Result<Self, DecodeError> {
        use proto::asymmetric_signature::{SignHashParameter, Variant};
        let hash = |parameter: SignHashParameter| required("hash of the signature", parameter.hash_alg);
        Ok(match message.variant.ok_or(DecodeError::Missing("signature scheme"))? {
            Variant::RsaPkcs1v15Sign(parameter) => AsymmetricSignature::RsaPkcs1v15Sign(hash(parameter)?),
            Variant::RsaPkcs1v15SignRaw(Empty {}) => AsymmetricSignature::RsaPkcs1v15SignRaw,
            Variant::RsaPss(parameter) => AsymmetricSignature::RsaPss(hash(parameter)?),
            Variant::Ecdsa(parameter) => AsymmetricSignature::Ecdsa(hash(parameter)?),
            Variant::EcdsaAny(Empty {}) => AsymmetricSignature::EcdsaAny,
            Variant::DeterministicEcdsa(parameter) => {
                AsymmetricSignature::DeterministicEcdsa(hash(parameter)?)
            }
        })
    }
}

impl From<AsymmetricEncryption> for proto::AsymmetricEncryption {
    fn from(scheme: AsymmetricEncryption) -> Self {
        use proto::asymmetric_encryption::Variant;
        let variant = match scheme {
            AsymmetricEncryption::RsaPkcs1v15Crypt => Variant::RsaPkcs1v15Crypt(Empty {}),
            AsymmetricEncryption::RsaOaep(hash) => Variant::RsaOaep(hash_parameter(hash)),
        };
        proto::AsymmetricEncryption { variant: Some(variant) }
    }
}

impl TryFrom<proto::AsymmetricEncryption> for AsymmetricEncryption {
    type Error = DecodeError;

    fn try_from(message: proto::AsymmetricEncryption) -> Result<Self, DecodeError> {
        use proto::asymmetric_encryption::Variant;
        Ok(match message.variant.ok_or(DecodeError::Missing("encryption scheme"))? {
            Variant::RsaPkcs1v15Crypt(Empty {}) => AsymmetricEncryption::RsaPkcs1v15Crypt,
            Variant::RsaOaep(parameter) => {
                AsymmetricEncryption::RsaOaep(Hash::from_number(parameter.hash_alg)?)
            }
        })
    }
}

impl From<KeyDerivation> for proto::KeyDerivation {
    fn from(derivation: KeyDerivation) -> Self {
        use proto::key_derivation::Variant;
        let variant = match derivation {
            KeyDerivation::Hkdf(hash) => Variant::Hkdf(hash_parameter(hash)),
            KeyDerivation::Tls12Prf(hash) => Variant::Tls12Prf(hash_parameter(hash)),
            KeyDerivation::Tls12PskToMs(hash) => Variant::Tls12PskToMs(hash_parameter(hash)),
        };
        proto::KeyDerivation { variant: Some(variant) }
    }
}

impl TryFrom<proto::KeyDerivation> for KeyDerivation {
    type Error = DecodeError;

    fn try_from(message: proto::KeyDerivation) -> Result<Self, DecodeError> {
        use proto::key_derivation::Variant;
        let hash = |parameter: proto::HashParameter| Hash::from_number(parameter.hash_alg);
        Ok(match message.variant.ok_or(DecodeError::Missing("key derivation"))? {
            Variant::Hkdf(parameter) => KeyDerivation::Hkdf(hash(parameter)?),
            Variant::Tls12Prf(parameter) => KeyDerivation::Tls12Prf(hash(parameter)?),
            Variant::Tls12PskToMs(parameter) => KeyDerivation::Tls12PskToMs(hash(parameter)?),
        })
    }
}

impl From<KeyAgreement> for proto::KeyAgreement {
    fn from(agreement: KeyAgreement) -> Self {
        use proto::key_agreement::{Variant, WithKeyDerivation};
        let variant = match agreement {
            KeyAgreement::Raw(agreement) => Variant::Raw(agreement.number()),
            KeyAgreement::WithKeyDerivation { agreement, derivation } => {
                Variant::WithKeyDerivation(WithKeyDerivation {
                    ka_alg: agreement.number(),
                    kdf_alg: Some(derivation.into()),
                })
            }
        };
        proto::KeyAgreement { variant: Some(variant) }
    }
}

impl TryFrom<proto::KeyAgreement> for KeyAgreement {
    type Error = DecodeError;

    fn try_from(message: proto::KeyAgreement) -> Result<Self, DecodeError> {
        use proto::key_agreement::Variant;
        Ok(match message.variant.ok_or(DecodeError::Missing("key agreement"))? {
            Variant::Raw(number) => KeyAgreement::Raw(RawKeyAgreement::from_number(number)?),
            Variant::WithKeyDerivation(with) => KeyAgreement::WithKeyDerivation {
                agreement: RawKeyAgreement::from_number(with.ka_alg)?,
                derivation: required("key derivation of the agreement", with.kdf_alg)?,
            },
        })
    }
}

impl From<Algorithm> for proto::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        use proto::algorithm::Variant;
        let variant = match algorithm {
            Algorithm::None => Variant::None(Empty {}),
            Algorithm::Hash(hash) => Variant::Hash(hash.number()),
            Algorithm::Mac(mac) => Variant::Mac(mac.into()),
            Algorithm::Cipher(cipher) => Variant::Cipher(cipher.number()),
            Algorithm::Aead(aead) => Variant::Aead(aead.into()),
            Algorithm::AsymmetricSignature(scheme) => Variant::AsymmetricSignature(scheme.into()),
            Algorithm::AsymmetricEncryption(scheme) => Variant::AsymmetricEncryption(scheme.into()),
            Algorithm::KeyAgreement(agreement) => Variant::KeyAgreement(agreement.into()),
            Algorithm::KeyDerivation(derivation) => Variant::KeyDerivation(derivation.into()),
        };
        proto::Algorithm { variant: Some(variant) }
    }
}

impl TryFrom<proto::Algorithm> for Algorithm {
    type Error = DecodeError;

    fn try_from(message: proto::Algorithm) -> Result<Self, DecodeError> {
        use proto::algorithm::Variant;
        Ok(match message.variant.ok_or(DecodeError::Missing("algorithm"))? {
            Variant::None(Empty {}) => Algorithm::None,
            Variant::Hash(number) => Algorithm::Hash(Hash::from_number(number)?),
            Variant::Mac(mac) => Algorithm::Mac(mac.try_into()?),
            Variant::Cipher(number) => Algorithm::Cipher(Cipher::from_number(number)?),
            Variant::Aead(aead) => Algorithm::Aead(aead.try_into()?),
            Variant::AsymmetricSignature(scheme) => Algorithm::AsymmetricSignature(scheme.try_into()?),
            Variant::AsymmetricEncryption(scheme) => Algorithm::AsymmetricEncryption(scheme.try_into()?),
            Variant::KeyAgreement(agreement) => Algorithm::KeyAgreement(agreement.try_into()?),
            Variant::KeyDerivation(derivation) => Algorithm::KeyDerivation(derivation.try_into()?),
        })
    }
}
