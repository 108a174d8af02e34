//! Creation: what operations.md 18 and decisions.md 3 say of each request.

use super::*;
use crate::capability::BitRange;
use crate::capability::samples::software;
use crate::policy::samples::{algorithms, usage};
use alloc::string::String;
use alloc::vec::Vec;
use parsecd_wire::algorithm::{Aead, AeadAlgorithm, Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::DhFamily;

fn attributes(key_type: KeyType, bits: u32) -> KeyAttributes {
    KeyAttributes { key_type, bits, usage: usage(0), algorithm: Algorithm::None }
}

fn generate(key_type: KeyType, bits: u32) -> Result<(), Status> {
    check_generate(&attributes(key_type, bits), &software(), false)
}

fn import(key_type: KeyType, bits: u32, length: usize) -> Result<(), Status> {
    check_import(&attributes(key_type, bits), length, &software())
}

fn curve(family: EccFamily, bits: u32) -> Result<(), Status> {
    generate(KeyType::EccKeyPair(family), bits)
}

const UNSUPPORTED: Result<(), Status> = Err(Status::PsaErrorNotSupported);
const INVALID: Result<(), Status> = Err(Status::PsaErrorInvalidArgument);
const DEPRECATED: Result<(), Status> = Err(Status::DeprecatedPrimitive);

#[test]
fn what_the_provider_holds_is_generated() {
    for bits in [192, 224, 256, 384, 521] {
        assert_eq!(curve(EccFamily::SecpR1, bits), Ok(()));
    }
    assert_eq!(curve(EccFamily::SecpK1, 256), Ok(()));
    assert_eq!(curve(EccFamily::BrainpoolPR1, 512), Ok(()));
    assert_eq!(curve(EccFamily::Montgomery, 255), Ok(()));
    assert_eq!(generate(KeyType::DhKeyPair(DhFamily::Rfc7919), 2048), Ok(()));
    for bits in [1024, 1032, 2048, 3072, 4096] {
        assert_eq!(generate(KeyType::RsaKeyPair, bits), Ok(()));
    }
    assert_eq!(generate(KeyType::Aes, 192), Ok(()));
    assert_eq!(generate(KeyType::RawData, 8), Ok(()));
}

#[test]
fn a_size_that_is_none_is_invalid() {
    for bits in [0, 512, 1023, 1028, 4104, u32::MAX] {
        assert_eq!(generate(KeyType::RsaKeyPair, bits), INVALID, "RSA {bits}");
    }
    for bits in [0, 100, 512] {
        assert_eq!(generate(KeyType::Aes, bits), INVALID, "AES {bits}");
    }
    for bits in [0, 255, 257, 1024] {
        assert_eq!(curve(EccFamily::SecpR1, bits), INVALID, "P-{bits}");
    }
    assert_eq!(curve(EccFamily::Montgomery, 256), INVALID);
    assert_eq!(generate(KeyType::DhKeyPair(DhFamily::Rfc7919), 1024), INVALID);
}

#[test]
fn a_curve_or_type_that_the_provider_does_not_hold_is_not_supported() {
    assert_eq!(curve(EccFamily::SecpK1, 224), UNSUPPORTED);
    assert_eq!(curve(EccFamily::SecpK1, 225), UNSUPPORTED);
    assert_eq!(curve(EccFamily::BrainpoolPR1, 320), UNSUPPORTED);
    assert_eq!(curve(EccFamily::BrainpoolPR1, 160), UNSUPPORTED);
    assert_eq!(curve(EccFamily::Frp, 256), UNSUPPORTED);
    assert_eq!(curve(EccFamily::SectK1, 233), UNSUPPORTED);
    assert_eq!(curve(EccFamily::SecpR2, 160), UNSUPPORTED);
    assert_eq!(generate(KeyType::Camellia, 128), UNSUPPORTED);
}

#[test]
fn public_keys_are_not_generated() {
    for key_type in [
        KeyType::RsaPublicKey,
        KeyType::EccPublicKey(EccFamily::SecpR1),
        KeyType::DhPublicKey(DhFamily::Rfc7919),
    ] {
        assert_eq!(generate(key_type, 2048), INVALID);
    }
}

#[test]
fn deprecated_primitives_are_refused_first_and_only_unless_allowed() {
    let sha1 = Algorithm::AsymmetricSignature(AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha1)));
    let of = |key_type, bits, algorithm, allow| {
        let attributes = KeyAttributes { algorithm, ..attributes(key_type, bits) };
        check_generate(&attributes, &software(), allow)
    };
    let p256 = KeyType::EccKeyPair(EccFamily::SecpR1);
    assert_eq!(of(p256, 256, sha1, false), DEPRECATED);
    assert_eq!(of(p256, 256, sha1, true), Ok(()));
    assert_eq!(of(p256, 1, sha1, false), DEPRECATED);
    assert_eq!(of(p256, 1, sha1, true), INVALID);
    assert_eq!(of(KeyType::Arc4, 128, Algorithm::None, false), DEPRECATED);
    assert_eq!(of(KeyType::Arc4, 128, Algorithm::None, true), UNSUPPORTED);
    assert_eq!(of(KeyType::Des, 192, Algorithm::None, false), DEPRECATED);
    assert_eq!(of(KeyType::Des, 192, Algorithm::None, true), Ok(()));
    for (family, bits) in [
        (EccFamily::SecpR2, 160),
        (EccFamily::SectR2, 163),
        (EccFamily::SectR1, 163),
        (EccFamily::SectK1, 163),
        (EccFamily::BrainpoolPR1, 160),
    ] {
        let public = KeyType::EccPublicKey(family);
        assert_eq!(of(public, bits, Algorithm::None, false), DEPRECATED, "{family:?}");
        assert_eq!(of(public, bits, Algorithm::None, true), INVALID, "{family:?}");
    }
    assert_eq!(of(KeyType::EccPublicKey(EccFamily::SectR1), 233, Algorithm::None, false), INVALID);
}

#[test]
fn a_pair_of_a_deprecated_curve_is_not_made_unasked_where_the_provider_holds_it() {
    let pair = KeyType::EccKeyPair(EccFamily::BrainpoolPR1);
    let mut capabilities = software();
    for key in &mut capabilities.keys {
        if key.key_type == pair {
            key.bits.push(BitRange::only(160));
        }
    }
    let attributes = attributes(pair, 160);
    assert_eq!(check_generate(&attributes, &capabilities, false), DEPRECATED);
    assert_eq!(check_generate(&attributes, &capabilities, true), Ok(()));
}

#[test]
fn a_policy_never_stands_in_the_way_of_a_creation() {
    let mut policies = algorithms();
    policies.extend(
        [3, 17].map(|tag_length| {
            Algorithm::Aead(Aead::ShortenedTag { algorithm: AeadAlgorithm::Gcm, tag_length })
        }),
    );
    for algorithm in policies {
        for flags in [0, 1, 0x3ff] {
            let attributes = KeyAttributes {
                algorithm,
                usage: usage(flags),
                ..attributes(KeyType::EccKeyPair(EccFamily::SecpR1), 256)
            };
            assert_eq!(check_generate(&attributes, &software(), true), Ok(()), "{algorithm:?}");
            assert_eq!(check_import(&attributes, 32, &software()), Ok(()), "{algorithm:?}");
        }
    }
}

#[test]
fn an_import_has_the_length_of_its_size() {
    let p521 = KeyType::EccKeyPair(EccFamily::SecpR1);
    let x448 = KeyType::EccKeyPair(EccFamily::Montgomery);
    for (key_type, bits, right) in [
        (KeyType::Aes, 256, 32),
        (KeyType::RawData, 24, 3),
        (p521, 521, 66),
        (KeyType::EccPublicKey(EccFamily::SecpR1), 521, 133),
        (KeyType::EccPublicKey(EccFamily::SecpR1), 256, 65),
        (x448, 448, 56),
        (KeyType::EccPublicKey(EccFamily::Montgomery), 255, 32),
    ] {
        for length in 0..200 {
            let expected = if length == right { Ok(()) } else { INVALID };
            assert_eq!(import(key_type, bits, length), expected, "{key_type:?} {bits} {length}");
        }
    }
}

#[test]
fn an_import_without_size_has_the_length_of_some_size() {
    let lengths =
        |key_type| (0..200).filter(|length| import(key_type, 0, *length).is_ok()).collect::<Vec<usize>>();
    assert_eq!(lengths(KeyType::Aes), [16, 24, 32]);
    assert_eq!(lengths(KeyType::EccKeyPair(EccFamily::SecpR1)), [24, 28, 32, 48, 66]);
    assert_eq!(lengths(KeyType::EccPublicKey(EccFamily::SecpR1)), [49, 57, 65, 97, 133]);
    assert_eq!(lengths(KeyType::EccKeyPair(EccFamily::Montgomery)), [32, 56]);
    assert_eq!(import(KeyType::EccKeyPair(EccFamily::BrainpoolPR1), 0, 40), UNSUPPORTED);
    assert_eq!(import(KeyType::EccKeyPair(EccFamily::BrainpoolPR1), 0, 41), INVALID);
    assert_eq!(import(KeyType::RsaKeyPair, 0, 1), Ok(()));
}

#[test]
fn an_import_of_what_cannot_be_held_is_refused() {
    assert_eq!(import(KeyType::Arc4, 128, 16), UNSUPPORTED);
    assert_eq!(import(KeyType::Arc4, 0, 0), UNSUPPORTED);
    assert_eq!(import(KeyType::EccKeyPair(EccFamily::SectR1), 233, 30), UNSUPPORTED);
    assert_eq!(import(KeyType::EccKeyPair(EccFamily::SecpK1), 225, 29), UNSUPPORTED);
    assert_eq!(import(KeyType::RsaKeyPair, 512, 300), INVALID);
    assert_eq!(import(KeyType::RsaPublicKey, 2048, 0), INVALID);
    assert_eq!(import(KeyType::RawData, 0, 0), INVALID);
    assert_eq!(import(KeyType::RawData, 0, 8191), Ok(()));
    assert_eq!(import(KeyType::RawData, 0, 8192), INVALID);
    assert_eq!(import(KeyType::RawData, 0, usize::MAX), INVALID);
}

#[test]
fn a_key_name_is_any_text_up_to_the_limit() {
    let limits = Limits::default();
    assert_eq!(check_name("", &limits), Ok(()));
    assert_eq!(check_name(&String::from_utf8(alloc::vec![b'k'; 4096]).unwrap(), &limits), Ok(()));
    assert_eq!(check_name(&String::from_utf8(alloc::vec![b'k'; 4097]).unwrap(), &limits), INVALID);
    let emoji = "🦊".repeat(1024);
    assert_eq!(check_name(&emoji, &limits), Ok(()));
}
