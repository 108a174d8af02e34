//! Key attributes: what a key is and what it may be used for (operations.md 3).

use crate::algorithm::Algorithm;

/// Attributes of a key as the protocol carries them. The lifetime is always persistent and not on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyAttributes {
    /// Type of the key.
    pub key_type: KeyType,
    /// Size in bits; 0 on import means: take it from the data.
    pub bits: u32,
    /// Operations the policy permits.
    pub usage: UsageFlags,
    /// Algorithm the policy permits.
    pub algorithm: Algorithm,
}

/// Type of a key (operations.md 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// Bytes without cryptographic meaning.
    RawData,
    /// HMAC key.
    Hmac,
    /// Secret for key derivation.
    Derive,
    /// AES.
    Aes,
    /// DES or 3DES.
    Des,
    /// Camellia.
    Camellia,
    /// ARC4.
    Arc4,
    /// ChaCha20.
    ChaCha20,
    /// RSA public key.
    RsaPublicKey,
    /// RSA private and public key.
    RsaKeyPair,
    /// Elliptic curve private and public key.
    EccKeyPair(EccFamily),
    /// Elliptic curve public key.
    EccPublicKey(EccFamily),
    /// Finite-field Diffie-Hellman private and public key.
    DhKeyPair(DhFamily),
    /// Finite-field Diffie-Hellman public key.
    DhPublicKey(DhFamily),
}

impl KeyType {
    /// Whether it is the public half only.
    pub fn is_public(self) -> bool {
        matches!(self, KeyType::RsaPublicKey | KeyType::EccPublicKey(_) | KeyType::DhPublicKey(_))
    }

    /// Whether it is a private key together with its public half.
    pub fn is_key_pair(self) -> bool {
        matches!(self, KeyType::RsaKeyPair | KeyType::EccKeyPair(_) | KeyType::DhKeyPair(_))
    }

    /// Whether it has a public half.
    pub fn is_asymmetric(self) -> bool {
        self.is_public() || self.is_key_pair()
    }

    /// The type of its public half; symmetric types have none.
    pub fn public_type(self) -> Option<KeyType> {
        match self {
            KeyType::RsaKeyPair | KeyType::RsaPublicKey => Some(KeyType::RsaPublicKey),
            KeyType::EccKeyPair(family) | KeyType::EccPublicKey(family) => {
                Some(KeyType::EccPublicKey(family))
            }
            KeyType::DhKeyPair(family) | KeyType::DhPublicKey(family) => Some(KeyType::DhPublicKey(family)),
            _ => None,
        }
    }
}

/// Family of elliptic curves; the curve follows from the key size (operations.md 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EccFamily {
    /// SEC Koblitz curves over prime fields.
    SecpK1,
    /// SEC random curves over prime fields (P-192 to P-521).
    SecpR1,
    /// SEC additional random curves over prime fields.
    SecpR2,
    /// SEC Koblitz curves over binary fields.
    SectK1,
    /// SEC random curves over binary fields.
    SectR1,
    /// SEC additional random curves over binary fields.
    SectR2,
    /// Brainpool P random curves.
    BrainpoolPR1,
    /// FRP256v1.
    Frp,
    /// Curve25519 and Curve448.
    Montgomery,
}

impl EccFamily {
    /// Every family, in the order of the wire numbers 1 to 9.
    pub const ALL: [EccFamily; 9] = [
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
}

/// Family of finite-field Diffie-Hellman groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DhFamily {
    /// RFC 7919, 2048 to 8192 bits.
    Rfc7919,
}

/// What a key may be used for (operations.md 3.3).
///
/// Decoding from the wire sets `sign_message` with `sign_hash` and `verify_message` with `verify_hash`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageFlags {
    /// Export of private or secret material.
    pub export: bool,
    /// Nothing in Parsec.
    pub copy: bool,
    /// Nothing in Parsec.
    pub cache: bool,
    /// Asymmetric, AEAD and cipher encryption.
    pub encrypt: bool,
    /// Decryption.
    pub decrypt: bool,
    /// SignMessage and MacCompute.
    pub sign_message: bool,
    /// VerifyMessage and MacVerify.
    pub verify_message: bool,
    /// SignHash and SignMessage.
    pub sign_hash: bool,
    /// VerifyHash and VerifyMessage.
    pub verify_hash: bool,
    /// Key agreement and derivation.
    pub derive: bool,
}

impl UsageFlags {
    /// The same flags with the message bits that the hash bits imply, as the protocol decodes them.
    pub fn with_implied(mut self) -> Self {
        self.sign_message |= self.sign_hash;
        self.verify_message |= self.verify_hash;
        self
    }
}
