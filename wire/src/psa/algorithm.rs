//! PSA numbers of algorithms: `psa_algorithm_t`, a u32.

use crate::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
};

const HASH_BASE: u32 = 0x0200_0000;
const HMAC_BASE: u32 = 0x0380_0000;
const CBC_MAC: u32 = 0x03C0_0100;
const CMAC: u32 = 0x03C0_0200;
const RSA_PKCS1V15_SIGN_BASE: u32 = 0x0600_0200;
const RSA_PSS_BASE: u32 = 0x0600_0300;
const ECDSA_BASE: u32 = 0x0600_0600;
const DETERMINISTIC_ECDSA_BASE: u32 = 0x0600_0700;
const RSA_PKCS1V15_CRYPT: u32 = 0x0700_0200;
const RSA_OAEP_BASE: u32 = 0x0700_0300;
const KEY_DERIVATION_BASE: u32 = 0x0800_0000;
const HKDF_BASE: u32 = 0x0800_0100;
const TLS12_PRF_BASE: u32 = 0x0800_0200;
const TLS12_PSK_TO_MS_BASE: u32 = 0x0800_0300;
const FFDH: u32 = 0x0901_0000;
const ECDH: u32 = 0x0902_0000;

/// Bits of an algorithm with the number of its hash.
const HASH_MASK: u32 = 0x0000_00FF;
/// The hash number that stands for any hash.
const ANY_HASH: u32 = 0xFF;
/// Bits of a MAC with the length it is truncated to, and of an AEAD with the length of its tag.
const LENGTH_MASK: u32 = 0x003F_0000;
const LENGTH_SHIFT: u32 = 16;
/// Bits of a key agreement with its key derivation.
const DERIVATION_MASK: u32 = 0x0000_FFFF;
/// Length in bytes of the default tag of every AEAD.
const DEFAULT_TAG_LENGTH: u32 = 16;

/// `length` in the bits of [`LENGTH_MASK`], if it is between `least` and what the bits can hold.
fn length_bits(length: u32, least: u32) -> Option<u32> {
    (least..=LENGTH_MASK >> LENGTH_SHIFT).contains(&length).then_some(length << LENGTH_SHIFT)
}

/// The algorithm made of a base number and a hash, and its two parts.
fn with_hash(base: u32, hash: Hash) -> u32 {
    base | (hash.psa() & HASH_MASK)
}

fn base_and_hash(number: u32) -> (u32, Option<Hash>) {
    (number & !HASH_MASK, Hash::from_psa(HASH_BASE | (number & HASH_MASK)))
}

impl Hash {
    /// The PSA algorithm.
    pub const fn psa(self) -> u32 {
        HASH_BASE
            | match self {
                Hash::Md2 => 0x01,
                Hash::Md4 => 0x02,
                Hash::Md5 => 0x03,
                Hash::Ripemd160 => 0x04,
                Hash::Sha1 => 0x05,
                Hash::Sha224 => 0x08,
                Hash::Sha256 => 0x09,
                Hash::Sha384 => 0x0A,
                Hash::Sha512 => 0x0B,
                Hash::Sha512_224 => 0x0C,
                Hash::Sha512_256 => 0x0D,
                Hash::Sha3_224 => 0x10,
                Hash::Sha3_256 => 0x11,
                Hash::Sha3_384 => 0x12,
                Hash::Sha3_512 => 0x13,
            }
    }

    /// The hash with this PSA algorithm; *any hash* is none.
    pub fn from_psa(number: u32) -> Option<Hash> {
        Hash::ALL.into_iter().find(|hash| hash.psa() == number)
    }
}

impl Mac {
    /// The PSA algorithm. `None` for a truncated length of 0 or over 63 bytes.
    pub fn psa(self) -> Option<u32> {
        let full = |algorithm| match algorithm {
            FullLengthMac::Hmac(hash) => with_hash(HMAC_BASE, hash),
            FullLengthMac::CbcMac => CBC_MAC,
            FullLengthMac::Cmac => CMAC,
        };
        match self {
            Mac::FullLength(algorithm) => Some(full(algorithm)),
            Mac::Truncated { algorithm, length } => Some(full(algorithm) | length_bits(length, 1)?),
        }
    }

    /// The MAC with this PSA algorithm. Policies for *at least* a length are none.
    pub fn from_psa(number: u32) -> Option<Mac> {
        let algorithm = match number & !LENGTH_MASK {
            CBC_MAC => FullLengthMac::CbcMac,
            CMAC => FullLengthMac::Cmac,
            hmac => match base_and_hash(hmac) {
                (HMAC_BASE, Some(hash)) => FullLengthMac::Hmac(hash),
                _ => return None,
            },
        };
        Some(match (number & LENGTH_MASK) >> LENGTH_SHIFT {
            0 => Mac::FullLength(algorithm),
            length => Mac::Truncated { algorithm, length },
        })
    }
}

impl Cipher {
    /// The PSA algorithm.
    pub const fn psa(self) -> u32 {
        match self {
            Cipher::StreamCipher => 0x0480_0100,
            Cipher::Ctr => 0x04C0_1000,
            Cipher::Cfb => 0x04C0_1100,
            Cipher::Ofb => 0x04C0_1200,
            Cipher::Xts => 0x0440_FF00,
            Cipher::EcbNoPadding => 0x0440_4400,
            Cipher::CbcNoPadding => 0x0440_4000,
            Cipher::CbcPkcs7 => 0x0440_4100,
        }
    }

    /// The mode with this PSA algorithm.
    pub fn from_psa(number: u32) -> Option<Cipher> {
        Cipher::ALL.into_iter().find(|cipher| cipher.psa() == number)
    }
}

impl AeadAlgorithm {
    /// The PSA algorithm without the bits of the tag's length.
    const fn psa_base(self) -> u32 {
        match self {
            AeadAlgorithm::Ccm => 0x0540_0100,
            AeadAlgorithm::Gcm => 0x0540_0200,
            AeadAlgorithm::ChaCha20Poly1305 => 0x0500_0500,
        }
    }
}

impl Aead {
    /// The PSA algorithm. `None` for tags over 63 bytes.
    pub fn psa(self) -> Option<u32> {
        let (algorithm, tag_length) = match self {
            Aead::DefaultLengthTag(algorithm) => (algorithm, DEFAULT_TAG_LENGTH),
            Aead::ShortenedTag { algorithm, tag_length } => (algorithm, tag_length),
        };
        Some(algorithm.psa_base() | length_bits(tag_length, 0)?)
    }

    /// The AEAD with this PSA algorithm. Policies for *at least* a tag length are none.
    pub fn from_psa(number: u32) -> Option<Aead> {
        let base = number & !LENGTH_MASK;
        let algorithm = AeadAlgorithm::ALL.into_iter().find(|algorithm| algorithm.psa_base() == base)?;
        Some(match (number & LENGTH_MASK) >> LENGTH_SHIFT {
            DEFAULT_TAG_LENGTH => Aead::DefaultLengthTag(algorithm),
            tag_length => Aead::ShortenedTag { algorithm, tag_length },
        })
    }
}

impl AsymmetricSignature {
    /// The PSA algorithm.
    pub fn psa(self) -> u32 {
        let with = |base, hash| match hash {
            SignHash::Any => base | ANY_HASH,
            SignHash::Specific(hash) => with_hash(base, hash),
        };
        match self {
            AsymmetricSignature::RsaPkcs1v15Sign(hash) => with(RSA_PKCS1V15_SIGN_BASE, hash),
            AsymmetricSignature::RsaPkcs1v15SignRaw => RSA_PKCS1V15_SIGN_BASE,
            AsymmetricSignature::RsaPss(hash) => with(RSA_PSS_BASE, hash),
            AsymmetricSignature::Ecdsa(hash) => with(ECDSA_BASE, hash),
            AsymmetricSignature::EcdsaAny => ECDSA_BASE,
            AsymmetricSignature::DeterministicEcdsa(hash) => with(DETERMINISTIC_ECDSA_BASE, hash),
        }
    }

    /// The scheme with this PSA algorithm.
    pub fn from_psa(number: u32) -> Option<AsymmetricSignature> {
        match number {
            RSA_PKCS1V15_SIGN_BASE => return Some(AsymmetricSignature::RsaPkcs1v15SignRaw),
            ECDSA_BASE => return Some(AsymmetricSignature::EcdsaAny),
            _ => {}
        }
        let (base, hash) = base_and_hash(number);
        let hash = if number & HASH_MASK == ANY_HASH { SignHash::Any } else { SignHash::Specific(hash?) };
        match base {
            RSA_PKCS1V15_SIGN_BASE => Some(AsymmetricSignature::RsaPkcs1v15Sign(hash)),
            RSA_PSS_BASE => Some(AsymmetricSignature::RsaPss(hash)),
            ECDSA_BASE => Some(AsymmetricSignature::Ecdsa(hash)),
            DETERMINISTIC_ECDSA_BASE => Some(AsymmetricSignature::DeterministicEcdsa(hash)),
            _ => None,
        }
    }
}

impl AsymmetricEncryption {
    /// The PSA algorithm.
    pub fn psa(self) -> u32 {
        match self {
            AsymmetricEncryption::RsaPkcs1v15Crypt => RSA_PKCS1V15_CRYPT,
            AsymmetricEncryption::RsaOaep(hash) => with_hash(RSA_OAEP_BASE, hash),
        }
    }

    /// The scheme with this PSA algorithm.
    pub fn from_psa(number: u32) -> Option<AsymmetricEncryption> {
        match (number, base_and_hash(number)) {
            (RSA_PKCS1V15_CRYPT, _) => Some(AsymmetricEncryption::RsaPkcs1v15Crypt),
            (_, (RSA_OAEP_BASE, Some(hash))) => Some(AsymmetricEncryption::RsaOaep(hash)),
            _ => None,
        }
    }
}

impl KeyDerivation {
    /// The PSA algorithm.
    pub fn psa(self) -> u32 {
        match self {
            KeyDerivation::Hkdf(hash) => with_hash(HKDF_BASE, hash),
            KeyDerivation::Tls12Prf(hash) => with_hash(TLS12_PRF_BASE, hash),
            KeyDerivation::Tls12PskToMs(hash) => with_hash(TLS12_PSK_TO_MS_BASE, hash),
        }
    }

    /// The key derivation with this PSA algorithm.
    pub fn from_psa(number: u32) -> Option<KeyDerivation> {
        let (base, hash) = base_and_hash(number);
        match base {
            HKDF_BASE => hash.map(KeyDerivation::Hkdf),
            TLS12_PRF_BASE => hash.map(KeyDerivation::Tls12Prf),
            TLS12_PSK_TO_MS_BASE => hash.map(KeyDerivation::Tls12PskToMs),
            _ => None,
        }
    }
}

impl RawKeyAgreement {
    /// The PSA algorithm.
    pub const fn psa(self) -> u32 {
        match self {
            RawKeyAgreement::Ffdh => FFDH,
            RawKeyAgreement::Ecdh => ECDH,
        }
    }

    /// The raw key agreement with this PSA algorithm.
    pub const fn from_psa(number: u32) -> Option<RawKeyAgreement> {
        match number {
            FFDH => Some(RawKeyAgreement::Ffdh),
            ECDH => Some(RawKeyAgreement::Ecdh),
            _ => None,
        }
    }
}

impl KeyAgreement {
    /// The PSA algorithm.
    pub fn psa(self) -> u32 {
        match self {
            KeyAgreement::Raw(agreement) => agreement.psa(),
            KeyAgreement::WithKeyDerivation { agreement, derivation } => {
                agreement.psa() | (derivation.psa() & DERIVATION_MASK)
            }
        }
    }

    /// The key agreement with this PSA algorithm.
    pub fn from_psa(number: u32) -> Option<KeyAgreement> {
        let agreement = RawKeyAgreement::from_psa(number & !DERIVATION_MASK)?;
        match number & DERIVATION_MASK {
            0 => Some(KeyAgreement::Raw(agreement)),
            derivation => {
                let derivation = KeyDerivation::from_psa(KEY_DERIVATION_BASE | derivation)?;
                Some(KeyAgreement::WithKeyDerivation { agreement, derivation })
            }
        }
    }
}

impl Algorithm {
    /// The PSA algorithm. `None` where PSA has no number: lengths of truncated MACs and shortened tags
    /// that do not fit its six bits, and a MAC truncated to nothing.
    pub fn psa(self) -> Option<u32> {
        match self {
            Algorithm::None => Some(0),
            Algorithm::Hash(hash) => Some(hash.psa()),
            Algorithm::Mac(mac) => mac.psa(),
            Algorithm::Cipher(cipher) => Some(cipher.psa()),
            Algorithm::Aead(aead) => aead.psa(),
            Algorithm::AsymmetricSignature(scheme) => Some(scheme.psa()),
            Algorithm::AsymmetricEncryption(scheme) => Some(scheme.psa()),
            Algorithm::KeyAgreement(agreement) => Some(agreement.psa()),
            Algorithm::KeyDerivation(derivation) => Some(derivation.psa()),
        }
    }

    /// The algorithm with this PSA number. `None` where the protocol has no such algorithm.
    pub fn from_psa(number: u32) -> Option<Algorithm> {
        match number >> 24 {
            0x00 if number == 0 => Some(Algorithm::None),
            0x02 => Hash::from_psa(number).map(Algorithm::Hash),
            0x03 => Mac::from_psa(number).map(Algorithm::Mac),
            0x04 => Cipher::from_psa(number).map(Algorithm::Cipher),
            0x05 => Aead::from_psa(number).map(Algorithm::Aead),
            0x06 => AsymmetricSignature::from_psa(number).map(Algorithm::AsymmetricSignature),
            0x07 => AsymmetricEncryption::from_psa(number).map(Algorithm::AsymmetricEncryption),
            0x08 => KeyDerivation::from_psa(number).map(Algorithm::KeyDerivation),
            0x09 => KeyAgreement::from_psa(number).map(Algorithm::KeyAgreement),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const NUMBERS: [(Algorithm, u32); 44] = {
        use AsymmetricSignature as Sign;
        use SignHash::{Any, Specific};
        const SHA256: Hash = Hash::Sha256;
        const HMAC: FullLengthMac = FullLengthMac::Hmac(SHA256);
        const fn sign(scheme: AsymmetricSignature) -> Algorithm {
            Algorithm::AsymmetricSignature(scheme)
        }
        const fn truncated(algorithm: FullLengthMac, length: u32) -> Algorithm {
            Algorithm::Mac(Mac::Truncated { algorithm, length })
        }
        const fn shortened(algorithm: AeadAlgorithm, tag_length: u32) -> Algorithm {
            Algorithm::Aead(Aead::ShortenedTag { algorithm, tag_length })
        }
        const fn agreement(agreement: RawKeyAgreement, derivation: KeyDerivation) -> Algorithm {
            Algorithm::KeyAgreement(KeyAgreement::WithKeyDerivation { agreement, derivation })
        }
        [
            (Algorithm::None, 0),
            (Algorithm::Hash(Hash::Md5), 0x0200_0003),
            (Algorithm::Hash(Hash::Ripemd160), 0x0200_0004),
            (Algorithm::Hash(Hash::Sha1), 0x0200_0005),
            (Algorithm::Hash(Hash::Sha256), 0x0200_0009),
            (Algorithm::Hash(Hash::Sha512_256), 0x0200_000D),
            (Algorithm::Hash(Hash::Sha3_224), 0x0200_0010),
            (Algorithm::Hash(Hash::Sha3_512), 0x0200_0013),
            (Algorithm::Mac(Mac::FullLength(HMAC)), 0x0380_0009),
            (Algorithm::Mac(Mac::FullLength(FullLengthMac::CbcMac)), 0x03C0_0100),
            (Algorithm::Mac(Mac::FullLength(FullLengthMac::Cmac)), 0x03C0_0200),
            (truncated(HMAC, 10), 0x038A_0009),
            (truncated(FullLengthMac::Cmac, 63), 0x03FF_0200),
            (Algorithm::Cipher(Cipher::StreamCipher), 0x0480_0100),
            (Algorithm::Cipher(Cipher::Ctr), 0x04C0_1000),
            (Algorithm::Cipher(Cipher::Cfb), 0x04C0_1100),
            (Algorithm::Cipher(Cipher::Ofb), 0x04C0_1200),
            (Algorithm::Cipher(Cipher::Xts), 0x0440_FF00),
            (Algorithm::Cipher(Cipher::EcbNoPadding), 0x0440_4400),
            (Algorithm::Cipher(Cipher::CbcNoPadding), 0x0440_4000),
            (Algorithm::Cipher(Cipher::CbcPkcs7), 0x0440_4100),
            (Algorithm::Aead(Aead::DefaultLengthTag(AeadAlgorithm::Ccm)), 0x0550_0100),
            (Algorithm::Aead(Aead::DefaultLengthTag(AeadAlgorithm::Gcm)), 0x0550_0200),
            (Algorithm::Aead(Aead::DefaultLengthTag(AeadAlgorithm::ChaCha20Poly1305)), 0x0510_0500),
            (shortened(AeadAlgorithm::Ccm, 8), 0x0548_0100),
            (shortened(AeadAlgorithm::Gcm, 12), 0x054C_0200),
            (shortened(AeadAlgorithm::ChaCha20Poly1305, 0), 0x0500_0500),
            (sign(Sign::RsaPkcs1v15Sign(Specific(SHA256))), 0x0600_0209),
            (sign(Sign::RsaPkcs1v15Sign(Any)), 0x0600_02FF),
            (sign(Sign::RsaPkcs1v15SignRaw), 0x0600_0200),
            (sign(Sign::RsaPss(Specific(SHA256))), 0x0600_0309),
            (sign(Sign::RsaPss(Any)), 0x0600_03FF),
            (sign(Sign::Ecdsa(Specific(SHA256))), 0x0600_0609),
            (sign(Sign::Ecdsa(Any)), 0x0600_06FF),
            (sign(Sign::EcdsaAny), 0x0600_0600),
            (sign(Sign::DeterministicEcdsa(Specific(Hash::Sha384))), 0x0600_070A),
            (sign(Sign::DeterministicEcdsa(Any)), 0x0600_07FF),
            (Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaPkcs1v15Crypt), 0x0700_0200),
            (Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaOaep(SHA256)), 0x0700_0309),
            (Algorithm::KeyDerivation(KeyDerivation::Hkdf(SHA256)), 0x0800_0109),
            (Algorithm::KeyAgreement(KeyAgreement::Raw(RawKeyAgreement::Ffdh)), 0x0901_0000),
            (Algorithm::KeyAgreement(KeyAgreement::Raw(RawKeyAgreement::Ecdh)), 0x0902_0000),
            (agreement(RawKeyAgreement::Ecdh, KeyDerivation::Tls12Prf(SHA256)), 0x0902_0209),
            (agreement(RawKeyAgreement::Ffdh, KeyDerivation::Tls12PskToMs(SHA256)), 0x0901_0309),
        ]
    };

    /// Every algorithm of the protocol, with all lengths that PSA can express and some that it cannot.
    fn every_algorithm() -> Vec<Algorithm> {
        let mut all = Vec::from([Algorithm::None]);
        let hashes = Hash::ALL.into_iter();
        all.extend(hashes.clone().map(Algorithm::Hash));
        all.extend(Cipher::ALL.map(Algorithm::Cipher));
        let macs = hashes.clone().map(FullLengthMac::Hmac);
        for algorithm in macs.chain([FullLengthMac::CbcMac, FullLengthMac::Cmac]) {
            all.push(Algorithm::Mac(Mac::FullLength(algorithm)));
            all.extend((0..70).map(|length| Algorithm::Mac(Mac::Truncated { algorithm, length })));
        }
        for algorithm in AeadAlgorithm::ALL {
            all.push(Algorithm::Aead(Aead::DefaultLengthTag(algorithm)));
            all.extend(
                (0..70).map(|tag_length| Algorithm::Aead(Aead::ShortenedTag { algorithm, tag_length })),
            );
        }
        let mut schemes = Vec::from([AsymmetricSignature::RsaPkcs1v15SignRaw, AsymmetricSignature::EcdsaAny]);
        for hash in hashes.clone().map(SignHash::Specific).chain([SignHash::Any]) {
            schemes.extend([
                AsymmetricSignature::RsaPkcs1v15Sign(hash),
                AsymmetricSignature::RsaPss(hash),
                AsymmetricSignature::Ecdsa(hash),
                AsymmetricSignature::DeterministicEcdsa(hash),
            ]);
        }
        all.extend(schemes.into_iter().map(Algorithm::AsymmetricSignature));
        let mut derivations = Vec::new();
        for hash in hashes {
            all.push(Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaOaep(hash)));
            derivations.extend([
                KeyDerivation::Hkdf(hash),
                KeyDerivation::Tls12Prf(hash),
                KeyDerivation::Tls12PskToMs(hash),
            ]);
        }
        all.push(Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaPkcs1v15Crypt));
        all.extend(derivations.iter().copied().map(Algorithm::KeyDerivation));
        for agreement in [RawKeyAgreement::Ffdh, RawKeyAgreement::Ecdh] {
            all.push(Algorithm::KeyAgreement(KeyAgreement::Raw(agreement)));
            all.extend(derivations.iter().map(|derivation| {
                Algorithm::KeyAgreement(KeyAgreement::WithKeyDerivation {
                    agreement,
                    derivation: *derivation,
                })
            }));
        }
        all
    }

    #[test]
    fn algorithms_have_the_numbers_of_the_psa_specification() {
        for (algorithm, number) in NUMBERS {
            assert_eq!(algorithm.psa(), Some(number), "{algorithm:?}");
            assert_eq!(Algorithm::from_psa(number), Some(algorithm), "{number:#x}");
        }
    }

    #[test]
    fn every_algorithm_that_psa_can_express_maps_back_to_itself() {
        for algorithm in every_algorithm() {
            match algorithm {
                Algorithm::Mac(Mac::Truncated { length: 0 | 64.., .. })
                | Algorithm::Aead(Aead::ShortenedTag { tag_length: 64.., .. }) => {
                    assert_eq!(algorithm.psa(), None, "{algorithm:?}");
                }
                Algorithm::Aead(Aead::ShortenedTag { algorithm: kind, tag_length: 16 }) => {
                    let default = Algorithm::Aead(Aead::DefaultLengthTag(kind));
                    assert_eq!(algorithm.psa(), default.psa());
                    assert_eq!(algorithm.psa().and_then(Algorithm::from_psa), Some(default));
                }
                _ => assert_eq!(algorithm.psa().and_then(Algorithm::from_psa), Some(algorithm)),
            }
        }
    }

    #[test]
    fn numbers_that_the_protocol_cannot_express_are_none() {
        let any_hash = 0x0200_00FF;
        let vendor = 0x8200_0009;
        let at_least_this_mac = 0x0388_8009;
        let at_least_this_tag = 0x0548_8200;
        let hmac_any_hash = 0x0380_00FF;
        let deterministic_without_hash = 0x0600_0700;
        let pss_any_salt = 0x0600_1309;
        let pure_eddsa = 0x0600_0800;
        let oaep_without_hash = 0x0700_0300;
        let pbkdf2 = 0x0880_0109;
        let ecdh_with_unknown_derivation = 0x0902_0409;
        for number in [
            any_hash,
            vendor,
            at_least_this_mac,
            at_least_this_tag,
            hmac_any_hash,
            deterministic_without_hash,
            pss_any_salt,
            pure_eddsa,
            oaep_without_hash,
            pbkdf2,
            ecdh_with_unknown_derivation,
            1,
            u32::MAX,
        ] {
            assert_eq!(Algorithm::from_psa(number), None, "{number:#x}");
        }
    }
}
