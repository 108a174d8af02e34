//! Key attributes (operations.md 3.1 to 3.3) and the check type of CanDoCrypto.

use super::algorithm::{Enumeration, enumeration};
use super::{DecodeError, required};
use crate::CheckType;
use crate::attributes::{DhFamily, EccFamily, KeyAttributes, KeyType, UsageFlags};
use crate::generated as proto;
use proto::Empty;

enumeration!(
    EccFamily,
    "curve family",
    [
        SecpK1 = SecpK1,
        SecpR1 = SecpR1,
        SecpR2 = SecpR2,
        SectK1 = SectK1,
        SectR1 = SectR1,
        SectR2 = SectR2,
        BrainpoolPR1 = BrainpoolPR1,
        Frp = Frp,
        Montgomery = Montgomery,
    ]
);

enumeration!(DhFamily, "group family", [Rfc7919 = Rfc7919]);

enumeration!(CheckType, "check type", [Use = Use, Generate = Generate, Import = Import, Derive = Derive]);

impl From<KeyType> for proto::KeyType {
    fn from(key_type: KeyType) -> Self {
        use proto::key_type::{Dh, Ecc, Variant};
        let ecc = |family: EccFamily| Ecc { curve_family: family.number() };
        let dh = |family: DhFamily| Dh { group_family: family.number() };
        let variant = match key_type {
            KeyType::RawData => Variant::RawData(Empty {}),
            KeyType::Hmac => Variant::Hmac(Empty {}),
            KeyType::Derive => Variant::Derive(Empty {}),
            KeyType::Aes => Variant::Aes(Empty {}),
            KeyType::Des => Variant::Des(Empty {}),
            KeyType::Camellia => Variant::Camellia(Empty {}),
            KeyType::Arc4 => Variant::Arc4(Empty {}),
            KeyType::ChaCha20 => Variant::Chacha20(Empty {}),
            KeyType::RsaPublicKey => Variant::RsaPublicKey(Empty {}),
            KeyType::RsaKeyPair => Variant::RsaKeyPair(Empty {}),
            KeyType::EccKeyPair(family) => Variant::EccKeyPair(ecc(family)),
            KeyType::EccPublicKey(family) => Variant::EccPublicKey(ecc(family)),
            KeyType::DhKeyPair(family) => Variant::DhKeyPair(dh(family)),
            KeyType::DhPublicKey(family) => Variant::DhPublicKey(dh(family)),
        };
        proto::KeyType { variant: Some(variant) }
    }
}

impl TryFrom<proto::KeyType> for KeyType {
    type Error = DecodeError;

    fn try_from(message: proto::KeyType) -> Result<Self, DecodeError> {
        use proto::key_type::{Dh, Ecc, Variant};
        let ecc = |curve: Ecc| EccFamily::from_number(curve.curve_family);
        let dh = |group: Dh| DhFamily::from_number(group.group_family);
        Ok(match message.variant.ok_or(DecodeError::Missing("key type"))? {
            Variant::RawData(Empty {}) => KeyType::RawData,
            Variant::Hmac(Empty {}) => KeyType::Hmac,
            Variant::Derive(Empty {}) => KeyType::Derive,
            Variant::Aes(Empty {}) => KeyType::Aes,
            Variant::Des(Empty {}) => KeyType::Des,
            Variant::Camellia(Empty {}) => KeyType::Camellia,
            Variant::Arc4(Empty {}) => KeyType::Arc4,
            Variant::Chacha20(Empty {}) => KeyType::ChaCha20,
            Variant::RsaPublicKey(Empty {}) => KeyType::RsaPublicKey,
            Variant::RsaKeyPair(Empty {}) => KeyType::RsaKeyPair,
            Variant::EccKeyPair(curve) => KeyType::EccKeyPair(ecc(curve)?),
            Variant::EccPublicKey(curve) => KeyType::EccPublicKey(ecc(curve)?),
            Variant::DhKeyPair(group) => KeyType::DhKeyPair(dh(group)?),
            Variant::DhPublicKey(group) => KeyType::DhPublicKey(dh(group)?),
        })
    }
}

impl From<UsageFlags> for proto::UsageFlags {
    fn from(usage: UsageFlags) -> Self {
        let UsageFlags {
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
        } = usage;
        proto::UsageFlags {
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
        }
    }
}

impl From<proto::UsageFlags> for UsageFlags {
    fn from(message: proto::UsageFlags) -> Self {
        let proto::UsageFlags {
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
        } = message;
        UsageFlags {
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
        }
        .with_implied()
    }
}

impl From<KeyAttributes> for proto::KeyAttributes {
    fn from(attributes: KeyAttributes) -> Self {
        proto::KeyAttributes {
            key_type: Some(attributes.key_type.into()),
            key_bits: attributes.bits,
            key_policy: Some(proto::KeyPolicy {
                key_usage_flags: Some(attributes.usage.into()),
                key_algorithm: Some(attributes.algorithm.into()),
            }),
        }
    }
}

impl TryFrom<proto::KeyAttributes> for KeyAttributes {
    type Error = DecodeError;

    fn try_from(message: proto::KeyAttributes) -> Result<Self, DecodeError> {
        let policy = message.key_policy.ok_or(DecodeError::Missing("key policy"))?;
        let usage = policy.key_usage_flags.ok_or(DecodeError::Missing("usage flags"))?;
        Ok(KeyAttributes {
            key_type: required("key type", message.key_type)?,
            bits: message.key_bits,
            usage: usage.into(),
            algorithm: required("algorithm", policy.key_algorithm)?,
        })
    }
}
