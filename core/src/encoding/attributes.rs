//! Key attributes: part of jobs, outcomes and records, and of what sealed material is tied to.

use super::algorithm::{get_algorithm, put_algorithm};
use super::decoder::{DecodeError, Decoder, unknown};
use super::encoder::Encoder;
use parsecd_wire::KeyAttributes;
use parsecd_wire::attributes::{DhFamily, EccFamily, KeyType, UsageFlags};

/// Writes key attributes: at most 20 bytes, one encoding for each value.
pub fn encode_attributes(out: &mut Encoder, attributes: &KeyAttributes) {
    put_key_type(out, attributes.key_type);
    out.u32(attributes.bits);
    put_usage(out, attributes.usage);
    put_algorithm(out, attributes.algorithm);
}

/// Reads what [`encode_attributes`] wrote.
pub fn decode_attributes(input: &mut Decoder<'_>) -> Result<KeyAttributes, DecodeError> {
    Ok(KeyAttributes {
        key_type: get_key_type(input)?,
        bits: input.u32()?,
        usage: get_usage(input)?,
        algorithm: get_algorithm(input)?,
    })
}

/// Numbers of the wire's oneof (operations.md 3.2), then the family.
pub(super) fn put_key_type(out: &mut Encoder, key_type: KeyType) {
    let (number, family) = match key_type {
        KeyType::RawData => (1, None),
        KeyType::Hmac => (2, None),
        KeyType::Derive => (3, None),
        KeyType::Aes => (4, None),
        KeyType::Des => (5, None),
        KeyType::Camellia => (6, None),
        KeyType::Arc4 => (7, None),
        KeyType::ChaCha20 => (8, None),
        KeyType::RsaPublicKey => (9, None),
        KeyType::RsaKeyPair => (10, None),
        KeyType::EccKeyPair(family) => (11, Some(ecc_family_number(family))),
        KeyType::EccPublicKey(family) => (12, Some(ecc_family_number(family))),
        KeyType::DhKeyPair(family) => (13, Some(dh_family_number(family))),
        KeyType::DhPublicKey(family) => (14, Some(dh_family_number(family))),
    };
    out.u8(number);
    if let Some(family) = family {
        out.u8(family);
    }
}

pub(super) fn get_key_type(input: &mut Decoder<'_>) -> Result<KeyType, DecodeError> {
    Ok(match input.u8()? {
        1 => KeyType::RawData,
        2 => KeyType::Hmac,
        3 => KeyType::Derive,
        4 => KeyType::Aes,
        5 => KeyType::Des,
        6 => KeyType::Camellia,
        7 => KeyType::Arc4,
        8 => KeyType::ChaCha20,
        9 => KeyType::RsaPublicKey,
        10 => KeyType::RsaKeyPair,
        11 => KeyType::EccKeyPair(get_ecc_family(input)?),
        12 => KeyType::EccPublicKey(get_ecc_family(input)?),
        13 => KeyType::DhKeyPair(get_dh_family(input)?),
        14 => KeyType::DhPublicKey(get_dh_family(input)?),
        other => return Err(unknown("key type", other)),
    })
}

fn ecc_family_number(family: EccFamily) -> u8 {
    match family {
        EccFamily::SecpK1 => 1,
        EccFamily::SecpR1 => 2,
        EccFamily::SecpR2 => 3,
        EccFamily::SectK1 => 4,
        EccFamily::SectR1 => 5,
        EccFamily::SectR2 => 6,
        EccFamily::BrainpoolPR1 => 7,
        EccFamily::Frp => 8,
        EccFamily::Montgomery => 9,
    }
}

fn get_ecc_family(input: &mut Decoder<'_>) -> Result<EccFamily, DecodeError> {
    Ok(match input.u8()? {
        1 => EccFamily::SecpK1,
        2 => EccFamily::SecpR1,
        3 => EccFamily::SecpR2,
        4 => EccFamily::SectK1,
        5 => EccFamily::SectR1,
        6 => EccFamily::SectR2,
        7 => EccFamily::BrainpoolPR1,
        8 => EccFamily::Frp,
        9 => EccFamily::Montgomery,
        other => return Err(unknown("curve family", other)),
    })
}

fn dh_family_number(family: DhFamily) -> u8 {
    match family {
        DhFamily::Rfc7919 => 0,
    }
}

fn get_dh_family(input: &mut Decoder<'_>) -> Result<DhFamily, DecodeError> {
    match input.u8()? {
        0 => Ok(DhFamily::Rfc7919),
        other => Err(unknown("group family", other)),
    }
}

/// Number of usage flags; flag `n` of the wire (operations.md 3.3) is bit `n - 1`.
const USAGE_FLAGS: u32 = 10;

fn put_usage(out: &mut Encoder, usage: UsageFlags) {
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
    let flags: [bool; USAGE_FLAGS as usize] =
        [export, copy, cache, encrypt, decrypt, sign_message, verify_message, sign_hash, verify_hash, derive];
    out.u16(flags.into_iter().rev().fold(0, |bits, flag| (bits << 1) | u16::from(flag)));
}

fn get_usage(input: &mut Decoder<'_>) -> Result<UsageFlags, DecodeError> {
    let bits = input.u16()?;
    if bits >> USAGE_FLAGS != 0 {
        return Err(unknown("set of usage flags", bits));
    }
    let flag = |position: u32| (bits >> position) & 1 == 1;
    Ok(UsageFlags {
        export: flag(0),
        copy: flag(1),
        cache: flag(2),
        encrypt: flag(3),
        decrypt: flag(4),
        sign_message: flag(5),
        verify_message: flag(6),
        sign_hash: flag(7),
        verify_hash: flag(8),
        derive: flag(9),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::decoder::decode;
    use super::super::encoder::encode;
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use parsecd_wire::algorithm::{
        Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac,
        Hash, KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
    };

    pub fn every_key_type() -> Vec<KeyType> {
        let curves = [
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
        let mut types = Vec::from([
            KeyType::RawData,
            KeyType::Hmac,
            KeyType::Derive,
            KeyType::Aes,
            KeyType::Des,
            KeyType::Camellia,
            KeyType::Arc4,
            KeyType::ChaCha20,
            KeyType::RsaPublicKey,
            KeyType::RsaKeyPair,
            KeyType::DhKeyPair(DhFamily::Rfc7919),
            KeyType::DhPublicKey(DhFamily::Rfc7919),
        ]);
        types.extend(curves.map(KeyType::EccKeyPair));
        types.extend(curves.map(KeyType::EccPublicKey));
        types
    }

    pub fn every_signature() -> Vec<AsymmetricSignature> {
        let mut signatures =
            Vec::from([AsymmetricSignature::RsaPkcs1v15SignRaw, AsymmetricSignature::EcdsaAny]);
        for hash in core::iter::once(SignHash::Any).chain(Hash::ALL.map(SignHash::Specific)) {
            signatures.extend([
                AsymmetricSignature::RsaPkcs1v15Sign(hash),
                AsymmetricSignature::RsaPss(hash),
                AsymmetricSignature::Ecdsa(hash),
                AsymmetricSignature::DeterministicEcdsa(hash),
            ]);
        }
        signatures
    }

    pub fn every_encryption() -> Vec<AsymmetricEncryption> {
        let mut encryptions = Vec::from([AsymmetricEncryption::RsaPkcs1v15Crypt]);
        encryptions.extend(Hash::ALL.map(AsymmetricEncryption::RsaOaep));
        encryptions
    }

    pub fn every_aead() -> Vec<Aead> {
        let algorithms = [AeadAlgorithm::Ccm, AeadAlgorithm::Gcm, AeadAlgorithm::ChaCha20Poly1305];
        let mut aeads = Vec::from(algorithms.map(Aead::DefaultLengthTag));
        for algorithm in algorithms {
            aeads
                .extend([0, 15, 16, u32::MAX].map(|tag_length| Aead::ShortenedTag { algorithm, tag_length }));
        }
        aeads
    }

    pub fn every_mac() -> Vec<Mac> {
        let mut macs = Vec::new();
        let mut algorithms = Vec::from([FullLengthMac::CbcMac, FullLengthMac::Cmac]);
        algorithms.extend(Hash::ALL.map(FullLengthMac::Hmac));
        for algorithm in algorithms {
            macs.push(Mac::FullLength(algorithm));
            macs.extend([0, 20, 32, u32::MAX].map(|length| Mac::Truncated { algorithm, length }));
        }
        macs
    }

    pub fn every_cipher() -> [Cipher; 8] {
        [
            Cipher::StreamCipher,
            Cipher::Ctr,
            Cipher::Cfb,
            Cipher::Ofb,
            Cipher::Xts,
            Cipher::EcbNoPadding,
            Cipher::CbcNoPadding,
            Cipher::CbcPkcs7,
        ]
    }

    pub fn every_algorithm() -> Vec<Algorithm> {
        let mut derivations = Vec::new();
        for hash in Hash::ALL {
            derivations.extend([
                KeyDerivation::Hkdf(hash),
                KeyDerivation::Tls12Prf(hash),
                KeyDerivation::Tls12PskToMs(hash),
            ]);
        }
        let mut algorithms = Vec::from([Algorithm::None]);
        algorithms.extend(Hash::ALL.map(Algorithm::Hash));
        algorithms.extend(every_mac().into_iter().map(Algorithm::Mac));
        algorithms.extend(every_cipher().map(Algorithm::Cipher));
        algorithms.extend(every_aead().into_iter().map(Algorithm::Aead));
        algorithms.extend(every_signature().into_iter().map(Algorithm::AsymmetricSignature));
        algorithms.extend(every_encryption().into_iter().map(Algorithm::AsymmetricEncryption));
        for agreement in [RawKeyAgreement::Ffdh, RawKeyAgreement::Ecdh] {
            algorithms.push(Algorithm::KeyAgreement(KeyAgreement::Raw(agreement)));
            algorithms.extend(derivations.iter().map(|derivation| {
                Algorithm::KeyAgreement(KeyAgreement::WithKeyDerivation {
                    agreement,
                    derivation: *derivation,
                })
            }));
        }
        algorithms.extend(derivations.into_iter().map(Algorithm::KeyDerivation));
        algorithms
    }

    /// Every key type, every algorithm, every single usage flag.
    pub fn many_attributes() -> Vec<KeyAttributes> {
        let usage = UsageFlags { sign_hash: true, export: true, ..UsageFlags::default() };
        let plain = KeyAttributes { key_type: KeyType::Aes, bits: 256, usage, algorithm: Algorithm::None };
        let mut all = Vec::new();
        all.extend(every_key_type().into_iter().map(|key_type| KeyAttributes { key_type, ..plain }));
        all.extend(every_algorithm().into_iter().map(|algorithm| KeyAttributes { algorithm, ..plain }));
        all.extend([0, u32::MAX].map(|bits| KeyAttributes { bits, ..plain }));
        let off = UsageFlags::default();
        let flags = [
            off,
            UsageFlags { export: true, ..off },
            UsageFlags { copy: true, ..off },
            UsageFlags { cache: true, ..off },
            UsageFlags { encrypt: true, ..off },
            UsageFlags { decrypt: true, ..off },
            UsageFlags { sign_message: true, ..off },
            UsageFlags { verify_message: true, ..off },
            UsageFlags { sign_hash: true, ..off },
            UsageFlags { verify_hash: true, ..off },
            UsageFlags { derive: true, ..off },
        ];
        all.extend(flags.map(|usage| KeyAttributes { usage, ..plain }));
        all
    }

    #[test]
    fn attributes_of_every_type_and_algorithm_come_back_and_have_bytes_of_their_own() {
        let mut seen = BTreeSet::new();
        let all: BTreeSet<KeyAttributes> = many_attributes().into_iter().collect();
        for attributes in &all {
            let encoded = encode(|out| encode_attributes(out, attributes)).unwrap();
            assert!(encoded.len() <= 20, "{attributes:?}");
            assert_eq!(decode(encoded.expose(), decode_attributes).as_ref(), Ok(attributes));
            assert!(seen.insert(encoded.expose().to_vec()), "{attributes:?} shares its bytes");
        }
        assert!(all.len() > 200);
    }

    #[test]
    fn flags_that_do_not_exist_are_refused() {
        let plain = many_attributes()[0];
        let mut encoded = encode(|out| encode_attributes(out, &plain)).unwrap().into_exposed();
        encoded[6] |= 0x04;
        assert!(matches!(
            decode(&encoded, decode_attributes),
            Err(DecodeError::UnknownNumber { of: "set of usage flags", .. })
        ));
    }
}
