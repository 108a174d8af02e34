//! CanDoCrypto: its order of questions, and that a *yes* keeps its promise.

use super::samples::software;
use super::{BitRange, Capabilities, can_do};
use crate::policy::creation::{check_generate, check_import};
use crate::policy::samples::{algorithms, key_types, usage, usages};
use crate::policy::usage::{KeyUse, check_use};
use alloc::vec::Vec;
use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricSignature, FullLengthMac, Hash, KeyAgreement, Mac,
    RawKeyAgreement, SignHash,
};
use parsecd_wire::attributes::{EccFamily, KeyAttributes, KeyType};
use parsecd_wire::{CheckType, Opcode, Status};
use proptest::prelude::*;

const NO: Result<(), Status> = Err(Status::PsaErrorNotSupported);

const ENCRYPT: u16 = 1 << 3;
const VERIFY_MESSAGE: u16 = 1 << 6;
const SIGN_HASH: u16 = 1 << 7;
const DERIVE: u16 = 1 << 9;

fn ecdsa(hash: SignHash) -> Algorithm {
    Algorithm::AsymmetricSignature(AsymmetricSignature::Ecdsa(hash))
}

fn p256(flags: u16) -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
        bits: 256,
        usage: usage(flags),
        algorithm: ecdsa(SignHash::Specific(Hash::Sha256)),
    }
}

fn asks(check: CheckType, attributes: &KeyAttributes) -> Result<(), Status> {
    can_do(&software(), check, attributes, false)
}

/// Uses with possible lengths that the flags and the algorithm of these attributes permit.
fn permitted_uses(attributes: &KeyAttributes) -> Vec<KeyUse> {
    let mut uses = Vec::new();
    match attributes.algorithm {
        Algorithm::AsymmetricSignature(scheme) => {
            let hashes: Vec<SignHash> = match scheme.hash() {
                Some(SignHash::Any) => Hash::ALL.map(SignHash::Specific).to_vec(),
                Some(hash) => Vec::from([hash]),
                None => Vec::from([SignHash::Specific(Hash::Sha256)]),
            };
            for sign_hash in hashes {
                let SignHash::Specific(hash) = sign_hash else { continue };
                let algorithm = crate::policy::algorithm::with_hash(scheme, sign_hash);
                uses.extend([
                    KeyUse::SignHash { algorithm, hash: hash.length() },
                    KeyUse::VerifyHash { algorithm, hash: hash.length() },
                    KeyUse::SignMessage { algorithm },
                    KeyUse::VerifyMessage { algorithm },
                ]);
            }
        }
        Algorithm::AsymmetricEncryption(algorithm) => {
            let ciphertext = usize::try_from(attributes.bits.div_ceil(8)).unwrap();
            uses.extend([
                KeyUse::AsymmetricEncrypt { algorithm, plaintext: 1, has_salt: false },
                KeyUse::AsymmetricDecrypt { algorithm, ciphertext, has_salt: false },
            ]);
        }
        Algorithm::Aead(algorithm) => uses.extend([
            KeyUse::AeadEncrypt { algorithm, nonce: 12, plaintext: 1 },
            KeyUse::AeadDecrypt { algorithm, nonce: 12, ciphertext: 17 },
        ]),
        Algorithm::Cipher(algorithm) => uses.extend([
            KeyUse::CipherEncrypt { algorithm, plaintext: 16 },
            KeyUse::CipherDecrypt { algorithm, ciphertext: 32 },
        ]),
        Algorithm::Mac(algorithm) => {
            uses.extend([KeyUse::MacCompute { algorithm }, KeyUse::MacVerify { algorithm }]);
        }
        Algorithm::KeyAgreement(KeyAgreement::Raw(algorithm)) => {
            uses.push(KeyUse::RawKeyAgreement { algorithm });
        }
        Algorithm::None
        | Algorithm::Hash(_)
        | Algorithm::KeyAgreement(KeyAgreement::WithKeyDerivation { .. })
        | Algorithm::KeyDerivation(_) => {}
    }
    uses.retain(|key_use| check_use(attributes, *key_use) != Err(Status::PsaErrorNotPermitted));
    // A public half has no private operation; which one is tried, it says so itself.
    if attributes.key_type.is_public() {
        uses.retain(|key_use| {
            !matches!(
                key_use,
                KeyUse::SignHash { .. }
                    | KeyUse::SignMessage { .. }
                    | KeyUse::AsymmetricDecrypt { .. }
                    | KeyUse::RawKeyAgreement { .. }
            )
        });
    }
    uses
}

fn opcode(key_use: KeyUse) -> Opcode {
    match key_use {
        KeyUse::SignHash { .. } | KeyUse::SignMessage { .. } => Opcode::PsaSignHash,
        KeyUse::VerifyHash { .. } | KeyUse::VerifyMessage { .. } => Opcode::PsaVerifyHash,
        KeyUse::AsymmetricEncrypt { .. } => Opcode::PsaAsymmetricEncrypt,
        KeyUse::AsymmetricDecrypt { .. } => Opcode::PsaAsymmetricDecrypt,
        KeyUse::AeadEncrypt { .. } => Opcode::PsaAeadEncrypt,
        KeyUse::AeadDecrypt { .. } => Opcode::PsaAeadDecrypt,
        KeyUse::CipherEncrypt { .. } => Opcode::PsaCipherEncrypt,
        KeyUse::CipherDecrypt { .. } => Opcode::PsaCipherDecrypt,
        KeyUse::MacCompute { .. } => Opcode::PsaMacCompute,
        KeyUse::MacVerify { .. } => Opcode::PsaMacVerify,
        KeyUse::RawKeyAgreement { .. } => Opcode::PsaRawKeyAgreement,
        KeyUse::Export => Opcode::PsaExportKey,
        KeyUse::ExportPublic => Opcode::PsaExportPublicKey,
    }
}

const SIZES: [u32; 7] = [0, 128, 255, 256, 1024, 1040, 2048];

/// Every type, algorithm, size and set of flags that the tests go through.
fn every_attributes() -> impl Iterator<Item = KeyAttributes> {
    key_types().into_iter().flat_map(|key_type| {
        algorithms().into_iter().flat_map(move |algorithm| {
            SIZES.into_iter().flat_map(move |bits| {
                [0, ENCRYPT, SIGN_HASH, DERIVE, 0x3ff].into_iter().map(move |flags| KeyAttributes {
                    key_type,
                    bits,
                    usage: usage(flags),
                    algorithm,
                })
            })
        })
    })
}

/// What a *yes* to use promises: the key can be held, and whatever its policy permits is served and works.
/// With *any* hash one hash that works is enough.
fn assert_works(capabilities: &Capabilities, attributes: &KeyAttributes) {
    assert!(capabilities.holds(attributes.key_type, attributes.bits), "{attributes:?}");
    let uses = permitted_uses(attributes);
    let works = |key_use: &KeyUse| {
        check_use(attributes, *key_use) == Ok(())
            && capabilities.check_use(attributes, *key_use) == Ok(())
            && capabilities.opcodes.contains(&opcode(*key_use))
    };
    let is_any = matches!(attributes.algorithm, Algorithm::AsymmetricSignature(scheme)
        if scheme.hash() == Some(SignHash::Any));
    if is_any {
        assert!(uses.is_empty() || uses.iter().any(works), "{attributes:?}");
    } else {
        for key_use in uses {
            assert!(works(&key_use), "{attributes:?} {key_use:?}");
        }
    }
}

#[test]
fn what_can_be_done_works() {
    let capabilities = software();
    let mut yes = [0_u32; 2];
    for attributes in every_attributes() {
        let asks = |check| {
            let answer = can_do(&capabilities, check, &attributes, false);
            assert!(answer == Ok(()) || answer == NO, "{attributes:?}");
            answer == Ok(())
        };
        if asks(CheckType::Use) {
            yes[0] += 1;
            assert_works(&capabilities, &attributes);
        }
        if asks(CheckType::Generate) {
            yes[1] += 1;
            assert_eq!(check_generate(&attributes, &capabilities, false), Ok(()), "{attributes:?}");
            if attributes.algorithm != Algorithm::None {
                assert_works(&capabilities, &attributes);
            }
        }
        assert!(!asks(CheckType::Derive));
    }
    assert!(yes.into_iter().all(|count| count > 500), "{yes:?}");
}

#[test]
fn what_can_be_imported_is_not_refused_for_its_attributes() {
    let capabilities = software();
    let mut yes = 0_u32;
    for attributes in every_attributes() {
        if can_do(&capabilities, CheckType::Import, &attributes, false).is_ok() {
            yes += 1;
            let imports =
                (1..260_usize).any(|length| check_import(&attributes, length, &capabilities).is_ok());
            assert!(imports, "{attributes:?}");
        }
    }
    assert!(yes > 500, "{yes}");
}

#[test]
fn any_of_six_flags_is_enough_whether_it_fits_the_algorithm_or_not() {
    const SIX: u16 = 0b01_1111_1000;
    for bits in 0..1 << 10 {
        let expected = if bits & SIX == 0 { NO } else { Ok(()) };
        assert_eq!(asks(CheckType::Use, &p256(bits)), expected, "{bits:#b}");
    }
}

#[test]
fn algorithm_none_can_be_generated_and_imported_without_flags_but_not_used() {
    let none = KeyAttributes { algorithm: Algorithm::None, ..p256(0) };
    assert_eq!(asks(CheckType::Generate, &none), Ok(()));
    assert_eq!(asks(CheckType::Import, &none), Ok(()));
    let flagged = KeyAttributes { usage: usage(0x3ff), ..none };
    assert_eq!(asks(CheckType::Use, &flagged), NO);
}

#[test]
fn public_keys_are_used_and_imported_but_never_generated() {
    let public = KeyAttributes { key_type: KeyType::EccPublicKey(EccFamily::SecpR1), ..p256(ENCRYPT) };
    assert_eq!(asks(CheckType::Generate, &public), NO);
    assert_eq!(asks(CheckType::Generate, &KeyAttributes { algorithm: Algorithm::None, ..public }), NO);
    assert_eq!(asks(CheckType::Import, &public), Ok(()));
    assert_eq!(asks(CheckType::Use, &public), Ok(()));
}

#[test]
fn sizes_that_cannot_be_held_can_neither_be_generated_nor_used() {
    for bits in [0, 1, 255, 257, 1024, u32::MAX] {
        let attributes = KeyAttributes { bits, ..p256(SIGN_HASH) };
        assert_eq!(asks(CheckType::Use, &attributes), NO, "{bits}");
        assert_eq!(asks(CheckType::Generate, &attributes), NO, "{bits}");
        let none = KeyAttributes { algorithm: Algorithm::None, ..attributes };
        assert_eq!(asks(CheckType::Generate, &none), NO, "{bits}");
    }
}

#[test]
fn an_import_without_size_can_be_done_except_for_rsa_with_an_algorithm() {
    let unsized_ecc = KeyAttributes { bits: 0, ..p256(SIGN_HASH) };
    assert_eq!(asks(CheckType::Import, &unsized_ecc), Ok(()));
    let scheme = AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(Hash::Sha256));
    for key_type in [KeyType::RsaKeyPair, KeyType::RsaPublicKey] {
        let rsa =
            KeyAttributes { key_type, algorithm: Algorithm::AsymmetricSignature(scheme), ..unsized_ecc };
        assert_eq!(asks(CheckType::Import, &rsa), NO);
        assert_eq!(asks(CheckType::Import, &KeyAttributes { bits: 2048, ..rsa }), Ok(()));
        assert_eq!(asks(CheckType::Import, &KeyAttributes { algorithm: Algorithm::None, ..rsa }), Ok(()));
    }
}

#[test]
fn a_deprecated_primitive_can_be_generated_only_where_it_is_allowed() {
    let sha1 = KeyAttributes { algorithm: ecdsa(SignHash::Specific(Hash::Sha1)), ..p256(SIGN_HASH) };
    assert_eq!(asks(CheckType::Generate, &sha1), NO);
    assert_eq!(can_do(&software(), CheckType::Generate, &sha1, true), Ok(()));
    assert_eq!(asks(CheckType::Use, &sha1), Ok(()));
    assert_eq!(asks(CheckType::Import, &sha1), Ok(()));
}

#[test]
fn what_the_provider_does_not_serve_it_cannot_do() {
    let gcm = KeyAttributes {
        key_type: KeyType::Aes,
        bits: 128,
        algorithm: Algorithm::Aead(Aead::DefaultLengthTag(AeadAlgorithm::Gcm)),
        usage: usage(ENCRYPT),
    };
    let mut capabilities = software();
    assert_eq!(can_do(&capabilities, CheckType::Use, &gcm, false), Ok(()));
    capabilities.opcodes.remove(&Opcode::PsaAeadEncrypt);
    assert_eq!(can_do(&capabilities, CheckType::Use, &gcm, false), NO);
    // Flags that permit nothing promise nothing.
    let verify = KeyAttributes { usage: usage(VERIFY_MESSAGE), ..gcm };
    assert_eq!(can_do(&capabilities, CheckType::Use, &verify, false), Ok(()));
}

#[test]
fn any_hash_works_if_one_does() {
    let capabilities = software();
    let key_type = KeyType::EccKeyPair(EccFamily::SecpR1);
    assert!(capabilities.works(key_type, 256, ecdsa(SignHash::Any)));
    assert!(!capabilities.works(key_type, 255, ecdsa(SignHash::Any)));
    assert!(!capabilities.works(key_type, 256, ecdsa(SignHash::Specific(Hash::Sha3_256))));
    let montgomery = KeyType::EccKeyPair(EccFamily::Montgomery);
    assert!(!capabilities.works(montgomery, 255, ecdsa(SignHash::Any)));
    let ecdh = Algorithm::KeyAgreement(KeyAgreement::Raw(RawKeyAgreement::Ecdh));
    assert!(capabilities.works(montgomery, 255, ecdh));
}

#[test]
fn a_shortened_tag_or_mac_works_if_its_length_is_listed() {
    let capabilities = software();
    for length in 0..40 {
        let tag = |algorithm| Algorithm::Aead(Aead::ShortenedTag { algorithm, tag_length: length });
        assert_eq!(
            capabilities.works(KeyType::Aes, 128, tag(AeadAlgorithm::Gcm)),
            (4..=16).contains(&length)
        );
        assert!(!capabilities.works(KeyType::ChaCha20, 256, tag(AeadAlgorithm::ChaCha20Poly1305)));
        let mac = Algorithm::Mac(Mac::Truncated { algorithm: FullLengthMac::Hmac(Hash::Sha256), length });
        assert_eq!(capabilities.works(KeyType::Hmac, 256, mac), (4..=32).contains(&length));
    }
}

#[test]
fn an_algorithm_with_sizes_of_its_own_works_with_those_only() {
    let capabilities = software();
    let pss = |hash| Algorithm::AsymmetricSignature(AsymmetricSignature::RsaPss(SignHash::Specific(hash)));
    assert!(capabilities.works(KeyType::RsaKeyPair, 1024, pss(Hash::Sha256)));
    assert!(!capabilities.works(KeyType::RsaKeyPair, 1024, pss(Hash::Sha512)));
    assert!(capabilities.works(KeyType::RsaKeyPair, 1040, pss(Hash::Sha512)));
}

proptest! {
    #[test]
    fn a_range_holds_its_first_size_and_every_step_up_to_its_last(
        min in 0_u32..5000, length in 0_u32..5000, step in 1_u32..70, bits in 0_u32..11_000,
    ) {
        let range = BitRange { min, max: min + length, step };
        let listed = (min..=min + length).step_by(usize::try_from(step).unwrap()).any(|size| size == bits);
        prop_assert_eq!(range.contains(bits), listed);
    }

    #[test]
    fn what_can_be_done_works_with_any_flags_and_size(
        key_type in prop::sample::select(key_types()),
        algorithm in prop::sample::select(algorithms()),
        usage in prop::sample::select(usages()),
        bits in prop_oneof![prop::sample::select(SIZES.to_vec()), any::<u32>()],
        unserved in prop::sample::subsequence(Opcode::ALL.to_vec(), 0..3),
    ) {
        let mut capabilities = software();
        for opcode in unserved {
            capabilities.opcodes.remove(&opcode);
        }
        let attributes = KeyAttributes { key_type, bits, usage, algorithm };
        if can_do(&capabilities, CheckType::Use, &attributes, false).is_ok() {
            assert_works(&capabilities, &attributes);
        }
    }
}
