//! Algorithms of policies and operations (operations.md 3.4).

/// Algorithm a policy permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Permits nothing.
    None,
    /// Hash.
    Hash(Hash),
    /// Message authentication code.
    Mac(Mac),
    /// Symmetric cipher without authentication.
    Cipher(Cipher),
    /// Authenticated encryption with associated data.
    Aead(Aead),
    /// Asymmetric signature.
    AsymmetricSignature(AsymmetricSignature),
    /// Asymmetric encryption.
    AsymmetricEncryption(AsymmetricEncryption),
    /// Key agreement.
    KeyAgreement(KeyAgreement),
    /// Key derivation.
    KeyDerivation(KeyDerivation),
}

/// Hash algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hash {
    /// MD2, deprecated.
    Md2,
    /// MD4, deprecated.
    Md4,
    /// MD5, deprecated.
    Md5,
    /// RIPEMD-160.
    Ripemd160,
    /// SHA-1, deprecated.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA-512/224.
    Sha512_224,
    /// SHA-512/256.
    Sha512_256,
    /// SHA3-224.
    Sha3_224,
    /// SHA3-256.
    Sha3_256,
    /// SHA3-384.
    Sha3_384,
    /// SHA3-512.
    Sha3_512,
}

impl Hash {
    /// Every hash, in the order of the wire numbers 1 to 15.
    pub const ALL: [Hash; 15] = [
        Hash::Md2,
        Hash::Md4,
        Hash::Md5,
        Hash::Ripemd160,
        Hash::Sha1,
        Hash::Sha224,
        Hash::Sha256,
        Hash::Sha384,
        Hash::Sha512,
        Hash::Sha512_224,
        Hash::Sha512_256,
        Hash::Sha3_224,
        Hash::Sha3_256,
        Hash::Sha3_384,
        Hash::Sha3_512,
    ];

    /// Length of its output in bytes.
    pub const fn length(self) -> usize {
        match self {
            Hash::Md2 | Hash::Md4 | Hash::Md5 => 16,
            Hash::Ripemd160 | Hash::Sha1 => 20,
            Hash::Sha224 | Hash::Sha512_224 | Hash::Sha3_224 => 28,
            Hash::Sha256 | Hash::Sha512_256 | Hash::Sha3_256 => 32,
            Hash::Sha384 | Hash::Sha3_384 => 48,
            Hash::Sha512 | Hash::Sha3_512 => 64,
        }
    }
}

/// Hash of a signature algorithm: one hash, or any of them (in policies only).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignHash {
    /// Any specific hash; never permitted in a request.
    Any,
    /// This hash only.
    Specific(Hash),
}

/// Message authentication code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mac {
    /// The whole code.
    FullLength(FullLengthMac),
    /// The first `length` bytes of the code.
    Truncated {
        /// The algorithm whose code is truncated.
        algorithm: FullLengthMac,
        /// Length in bytes.
        length: u32,
    },
}

/// Message authentication code of full length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FullLengthMac {
    /// HMAC with this hash.
    Hmac(Hash),
    /// CBC-MAC.
    CbcMac,
    /// CMAC.
    Cmac,
}

/// Symmetric cipher mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cipher {
    /// The stream cipher of the key type.
    StreamCipher,
    /// Counter mode.
    Ctr,
    /// Cipher feedback.
    Cfb,
    /// Output feedback.
    Ofb,
    /// XTS.
    Xts,
    /// Electronic code book without padding.
    EcbNoPadding,
    /// Cipher block chaining without padding.
    CbcNoPadding,
    /// Cipher block chaining with PKCS#7 padding.
    CbcPkcs7,
}

impl Cipher {
    /// Every mode, in the order of the wire numbers 1 to 8.
    pub const ALL: [Cipher; 8] = [
        Cipher::StreamCipher,
        Cipher::Ctr,
        Cipher::Cfb,
        Cipher::Ofb,
        Cipher::Xts,
        Cipher::EcbNoPadding,
        Cipher::CbcNoPadding,
        Cipher::CbcPkcs7,
    ];
}

/// Authenticated encryption. A shortened tag of 16 bytes differs from the default tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aead {
    /// Tag of 16 bytes.
    DefaultLengthTag(AeadAlgorithm),
    /// Tag of `tag_length` bytes.
    ShortenedTag {
        /// The algorithm whose tag is shortened.
        algorithm: AeadAlgorithm,
        /// Length in bytes.
        tag_length: u32,
    },
}

/// Authenticated encryption algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AeadAlgorithm {
    /// Counter with CBC-MAC.
    Ccm,
    /// Galois counter mode.
    Gcm,
    /// ChaCha20-Poly1305.
    ChaCha20Poly1305,
}

impl AeadAlgorithm {
    /// Every algorithm, in the order of the wire numbers 1 to 3.
    pub const ALL: [AeadAlgorithm; 3] =
        [AeadAlgorithm::Ccm, AeadAlgorithm::Gcm, AeadAlgorithm::ChaCha20Poly1305];
}

/// Asymmetric signature scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AsymmetricSignature {
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1v15Sign(SignHash),
    /// PKCS#1 v1.5 padding over the input as it is.
    RsaPkcs1v15SignRaw,
    /// RSASSA-PSS, salt as long as the hash.
    RsaPss(SignHash),
    /// ECDSA with a random nonce.
    Ecdsa(SignHash),
    /// ECDSA over a hash of any length.
    EcdsaAny,
    /// ECDSA with the nonce of RFC 6979.
    DeterministicEcdsa(SignHash),
}

impl AsymmetricSignature {
    /// Its hash, where the scheme names one.
    pub fn hash(self) -> Option<SignHash> {
        match self {
            AsymmetricSignature::RsaPkcs1v15Sign(hash)
            | AsymmetricSignature::RsaPss(hash)
            | AsymmetricSignature::Ecdsa(hash)
            | AsymmetricSignature::DeterministicEcdsa(hash) => Some(hash),
            AsymmetricSignature::RsaPkcs1v15SignRaw | AsymmetricSignature::EcdsaAny => None,
        }
    }
}

/// Asymmetric encryption scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AsymmetricEncryption {
    /// RSAES-PKCS1-v1_5.
    RsaPkcs1v15Crypt,
    /// RSAES-OAEP with this hash, also for MGF1.
    RsaOaep(Hash),
}

/// Key agreement algorithm of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyAgreement {
    /// The shared secret as it is.
    Raw(RawKeyAgreement),
    /// The shared secret through a key derivation.
    WithKeyDerivation {
        /// The agreement.
        agreement: RawKeyAgreement,
        /// The derivation.
        derivation: KeyDerivation,
    },
}

/// Raw key agreement algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RawKeyAgreement {
    /// Finite-field Diffie-Hellman.
    Ffdh,
    /// Elliptic curve Diffie-Hellman.
    Ecdh,
}

/// Key derivation algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyDerivation {
    /// HKDF.
    Hkdf(Hash),
    /// TLS 1.2 pseudorandom function.
    Tls12Prf(Hash),
    /// TLS 1.2 pre-shared key to master secret.
    Tls12PskToMs(Hash),
}
