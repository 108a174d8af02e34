//! The rules against tables that were written down on their own, row by row as in operations.md 4, and
//! compared for every combination.

use super::algorithm::{is_compatible, is_deprecated, permits};
use super::samples::{
    AEADS, CIPHERS, CURVES, algorithms, derivations, hashing_signatures, key_types, usage, usages,
};
use super::usage::{KeyUse, check_use};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
};
use parsecd_wire::attributes::{DhFamily, KeyAttributes, KeyType, UsageFlags};
use parsecd_wire::{Operation, Status};

const LENGTHS: [u32; 3] = [4, 12, 16];

fn mac_row(algorithm: FullLengthMac) -> Vec<Algorithm> {
    let mut row = Vec::from([Algorithm::Mac(Mac::FullLength(algorithm))]);
    row.extend(LENGTHS.map(|length| Algorithm::Mac(Mac::Truncated { algorithm, length })));
    row
}

fn aead_row(algorithm: AeadAlgorithm) -> Vec<Algorithm> {
    let mut row = Vec::from([Algorithm::Aead(Aead::DefaultLengthTag(algorithm))]);
    row.extend(LENGTHS.map(|tag_length| Algorithm::Aead(Aead::ShortenedTag { algorithm, tag_length })));
    row
}

fn agreement_row(agreement: RawKeyAgreement) -> Vec<Algorithm> {
    let mut row = Vec::from([Algorithm::KeyAgreement(KeyAgreement::Raw(agreement))]);
    for derivation in Hash::ALL.into_iter().flat_map(derivations) {
        row.push(Algorithm::KeyAgreement(KeyAgreement::WithKeyDerivation { agreement, derivation }));
    }
    row
}

/// The table of operations.md 4.2, one insertion per cell.
fn compatible_pairs() -> BTreeSet<(KeyType, Algorithm)> {
    let mut table: Vec<(Vec<KeyType>, Vec<Algorithm>)> = Vec::new();
    let block_macs = [mac_row(FullLengthMac::CbcMac), mac_row(FullLengthMac::Cmac)].concat();
    let block_modes: Vec<Algorithm> =
        CIPHERS.into_iter().filter(|cipher| *cipher != Cipher::StreamCipher).map(Algorithm::Cipher).collect();
    let hmacs = Hash::ALL.into_iter().flat_map(|hash| mac_row(FullLengthMac::Hmac(hash))).collect();
    let kdfs = Hash::ALL.into_iter().flat_map(derivations).map(Algorithm::KeyDerivation).collect();
    let stream = Algorithm::Cipher(Cipher::StreamCipher);
    table.push((Vec::from([KeyType::Hmac]), hmacs));
    table.push((Vec::from([KeyType::Derive]), kdfs));
    table.push((Vec::from([KeyType::Aes, KeyType::Camellia, KeyType::Des]), block_macs));
    table.push((Vec::from([KeyType::Aes, KeyType::Camellia, KeyType::Des]), block_modes));
    table.push((Vec::from([KeyType::Aes, KeyType::Camellia]), aead_row(AeadAlgorithm::Ccm)));
    table.push((Vec::from([KeyType::Aes, KeyType::Camellia]), aead_row(AeadAlgorithm::Gcm)));
    table.push((Vec::from([KeyType::Arc4, KeyType::ChaCha20]), Vec::from([stream])));
    table.push((Vec::from([KeyType::ChaCha20]), aead_row(AeadAlgorithm::ChaCha20Poly1305)));

    let mut rsa = Vec::from([
        Algorithm::AsymmetricSignature(AsymmetricSignature::RsaPkcs1v15SignRaw),
        Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaPkcs1v15Crypt),
    ]);
    let mut ecc = Vec::from([Algorithm::AsymmetricSignature(AsymmetricSignature::EcdsaAny)]);
    rsa.extend(Hash::ALL.map(|hash| Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaOaep(hash))));
    for hash in core::iter::once(SignHash::Any).chain(Hash::ALL.map(SignHash::Specific)) {
        let [pkcs1v15, pss, ecdsa, deterministic] =
            hashing_signatures(hash).map(Algorithm::AsymmetricSignature);
        rsa.extend([pkcs1v15, pss]);
        ecc.extend([ecdsa, deterministic]);
    }
    ecc.extend(agreement_row(RawKeyAgreement::Ecdh));
    table.push((Vec::from([KeyType::RsaKeyPair, KeyType::RsaPublicKey]), rsa));
    table.push((CURVES.map(KeyType::EccKeyPair).to_vec(), ecc.clone()));
    table.push((CURVES.map(KeyType::EccPublicKey).to_vec(), ecc));
    table.push((
        Vec::from([KeyType::DhKeyPair(DhFamily::Rfc7919), KeyType::DhPublicKey(DhFamily::Rfc7919)]),
        agreement_row(RawKeyAgreement::Ffdh),
    ));

    let mut pairs = BTreeSet::new();
    for (types, algorithms) in table {
        for key_type in types {
            pairs.extend(algorithms.iter().map(|algorithm| (key_type, *algorithm)));
        }
    }
    pairs
}

/// The table of operations.md 4.1: (policy, request) that it permits.
fn permitted_pairs() -> BTreeSet<(Algorithm, Algorithm)> {
    let any = hashing_signatures(SignHash::Any).map(Algorithm::AsymmetricSignature);
    let mut pairs = BTreeSet::new();
    for algorithm in algorithms() {
        if algorithm != Algorithm::None && !any.contains(&algorithm) {
            pairs.insert((algorithm, algorithm));
        }
    }
    for hash in Hash::ALL {
        let specific = hashing_signatures(SignHash::Specific(hash)).map(Algorithm::AsymmetricSignature);
        pairs.extend(any.into_iter().zip(specific));
    }
    pairs
}

#[test]
fn types_and_algorithms_fit_exactly_as_in_the_table() {
    let table = compatible_pairs();
    for key_type in key_types() {
        for algorithm in algorithms() {
            assert_eq!(
                is_compatible(key_type, algorithm),
                table.contains(&(key_type, algorithm)),
                "{key_type:?} with {algorithm:?}"
            );
        }
    }
}

#[test]
fn a_policy_permits_exactly_what_the_table_says() {
    let table = permitted_pairs();
    for policy in algorithms() {
        for requested in algorithms() {
            assert_eq!(
                permits(policy, requested),
                table.contains(&(policy, requested)),
                "{policy:?} asked for {requested:?}"
            );
        }
    }
}

/// A use with possible lengths, the flags of which one is needed, whether the private half is needed.
type UseRow = (KeyUse, u16, bool);

/// The uses that ask for this algorithm.
fn uses(requested: Algorithm) -> Vec<UseRow> {
    const ENCRYPT: u16 = 1 << 3;
    const DECRYPT: u16 = 1 << 4;
    const SIGN_MESSAGE: u16 = 1 << 5 | 1 << 7;
    const VERIFY_MESSAGE: u16 = 1 << 6 | 1 << 8;
    const SIGN_HASH: u16 = 1 << 7;
    const VERIFY_HASH: u16 = 1 << 8;
    const DERIVE: u16 = 1 << 9;
    match requested {
        Algorithm::AsymmetricSignature(algorithm) => {
            let hash = match algorithm.hash() {
                Some(SignHash::Specific(hash)) => hash.length(),
                Some(SignHash::Any) | None => 20,
            };
            Vec::from([
                (KeyUse::SignHash { algorithm, hash }, SIGN_HASH, true),
                (KeyUse::VerifyHash { algorithm, hash }, VERIFY_HASH, false),
                (KeyUse::SignMessage { algorithm }, SIGN_MESSAGE, true),
                (KeyUse::VerifyMessage { algorithm }, VERIFY_MESSAGE, false),
            ])
        }
        Algorithm::AsymmetricEncryption(algorithm) => Vec::from([
            (KeyUse::AsymmetricEncrypt { algorithm, plaintext: 1, has_salt: false }, ENCRYPT, false),
            (KeyUse::AsymmetricDecrypt { algorithm, ciphertext: 256, has_salt: false }, DECRYPT, true),
        ]),
        Algorithm::Aead(algorithm) => Vec::from([
            (KeyUse::AeadEncrypt { algorithm, nonce: 12, plaintext: 1 }, ENCRYPT, false),
            (KeyUse::AeadDecrypt { algorithm, nonce: 12, ciphertext: 16 }, DECRYPT, false),
        ]),
        Algorithm::Cipher(algorithm) => Vec::from([
            (KeyUse::CipherEncrypt { algorithm, plaintext: 1 }, ENCRYPT, false),
            (KeyUse::CipherDecrypt { algorithm, ciphertext: 1 }, DECRYPT, false),
        ]),
        Algorithm::Mac(algorithm) => Vec::from([
            (KeyUse::MacCompute { algorithm }, SIGN_MESSAGE, false),
            (KeyUse::MacVerify { algorithm }, VERIFY_MESSAGE, false),
        ]),
        Algorithm::KeyAgreement(KeyAgreement::Raw(algorithm)) => {
            Vec::from([(KeyUse::RawKeyAgreement { algorithm }, DERIVE, true)])
        }
        _ => Vec::new(),
    }
}

fn usage_bits(flags: UsageFlags) -> u16 {
    (0..1 << 10).find(|bits| usage(*bits) == flags).unwrap()
}

#[test]
fn a_use_passes_exactly_if_flag_policy_and_type_permit_it_and_the_private_half_is_there() {
    let compatible = compatible_pairs();
    let permitted = permitted_pairs();
    let flags: Vec<(UsageFlags, u16)> =
        usages().into_iter().map(|flags| (flags, usage_bits(flags))).collect();
    let uses: Vec<(Algorithm, Vec<UseRow>)> = algorithms()
        .into_iter()
        .map(|requested| (requested, uses(requested)))
        .filter(|(_, uses)| !uses.is_empty())
        .collect();
    let mut passed = 0_u32;
    for key_type in key_types() {
        for (requested, uses) in &uses {
            // What a policy permits is compared in full above; a sample of those that do not is enough here.
            let policies = algorithms()
                .into_iter()
                .enumerate()
                .filter(|(index, policy)| index % 37 == 0 || permitted.contains(&(*policy, *requested)));
            for (_, algorithm) in policies {
                let fits = permitted.contains(&(algorithm, *requested))
                    && compatible.contains(&(key_type, *requested));
                for (usage, bits) in &flags {
                    let attributes = KeyAttributes { key_type, bits: 2048, usage: *usage, algorithm };
                    for (key_use, needed, private) in uses {
                        // A block of DES is shorter than some of the truncated MACs.
                        let is_long_des_mac = key_type == KeyType::Des
                            && matches!(requested, Algorithm::Mac(Mac::Truncated { length: 12 | 16, .. }));
                        let expected = if !fits || bits & needed == 0 {
                            Err(Status::PsaErrorNotPermitted)
                        } else if *private && key_type.is_public() || is_long_des_mac {
                            Err(Status::PsaErrorInvalidArgument)
                        } else {
                            passed += 1;
                            Ok(())
                        };
                        assert_eq!(check_use(&attributes, *key_use), expected, "{attributes:?} {key_use:?}");
                    }
                }
            }
        }
    }
    assert!(passed > 10_000, "{passed} uses passed");
}

#[test]
fn material_is_exported_with_the_flag_and_public_keys_without_it() {
    for key_type in key_types() {
        for usage in usages() {
            let attributes = KeyAttributes { key_type, bits: 256, usage, algorithm: Algorithm::None };
            let is_public = matches!(
                key_type,
                KeyType::RsaPublicKey | KeyType::EccPublicKey(_) | KeyType::DhPublicKey(_)
            );
            assert_eq!(check_use(&attributes, KeyUse::Export).is_ok(), usage.export || is_public);
            let public = check_use(&attributes, KeyUse::ExportPublic);
            if super::samples::SYMMETRIC.contains(&key_type) {
                assert_eq!(public, Err(Status::PsaErrorInvalidArgument), "{key_type:?}");
            } else {
                assert_eq!(public, Ok(()), "{key_type:?}");
            }
        }
    }
}

#[test]
fn an_algorithm_is_deprecated_exactly_if_one_of_the_four_hashes_is_in_it() {
    let old = |hash| matches!(hash, Hash::Md2 | Hash::Md4 | Hash::Md5 | Hash::Sha1);
    for algorithm in algorithms() {
        let name = alloc::format!("{algorithm:?}");
        let names_old = Hash::ALL
            .into_iter()
            .filter(|hash| old(*hash))
            .any(|hash| name.contains(&alloc::format!("({hash:?})")));
        assert_eq!(is_deprecated(algorithm), names_old, "{algorithm:?}");
    }
    assert!(is_deprecated(Algorithm::KeyAgreement(KeyAgreement::WithKeyDerivation {
        agreement: RawKeyAgreement::Ecdh,
        derivation: KeyDerivation::Hkdf(Hash::Sha1),
    })));
}

fn rsa(algorithm: Algorithm) -> KeyAttributes {
    KeyAttributes { key_type: KeyType::RsaKeyPair, bits: 1024, usage: usage(0x3ff), algorithm }
}

fn aes(algorithm: Aead) -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::Aes,
        bits: 128,
        usage: usage(0x3ff),
        algorithm: Algorithm::Aead(algorithm),
    }
}

const BAD_LENGTH: Result<(), Status> = Err(Status::PsaErrorInvalidArgument);

fn expected(is_possible: bool) -> Result<(), Status> {
    if is_possible { Ok(()) } else { BAD_LENGTH }
}

#[test]
fn a_hash_has_the_length_of_its_algorithm() {
    for hash in Hash::ALL {
        for algorithm in hashing_signatures(SignHash::Specific(hash)) {
            let key_type = match algorithm {
                AsymmetricSignature::Ecdsa(_) | AsymmetricSignature::DeterministicEcdsa(_) => {
                    KeyType::EccKeyPair(CURVES[1])
                }
                _ => KeyType::RsaKeyPair,
            };
            let attributes = KeyAttributes { key_type, ..rsa(Algorithm::AsymmetricSignature(algorithm)) };
            for length in 0..70 {
                let expected = expected(length == hash.length());
                for key_use in [
                    KeyUse::SignHash { algorithm, hash: length },
                    KeyUse::VerifyHash { algorithm, hash: length },
                ] {
                    assert_eq!(check_use(&attributes, key_use), expected, "{key_use:?}");
                }
            }
        }
    }
}

#[test]
fn schemes_without_a_hash_take_any_length_that_their_padding_leaves_room_for() {
    let algorithm = AsymmetricSignature::EcdsaAny;
    let key_type = KeyType::EccKeyPair(CURVES[1]);
    let ecc = KeyAttributes { key_type, ..rsa(Algorithm::AsymmetricSignature(algorithm)) };
    assert_eq!(check_use(&ecc, KeyUse::SignHash { algorithm, hash: 1000 }), Ok(()));
    let algorithm = AsymmetricSignature::RsaPkcs1v15SignRaw;
    let raw = rsa(Algorithm::AsymmetricSignature(algorithm));
    for hash in [0, 1, 116, 117, 118, 128, usize::MAX] {
        assert_eq!(check_use(&raw, KeyUse::SignHash { algorithm, hash }), expected(hash <= 117));
    }
}

#[test]
fn a_plaintext_leaves_room_for_its_padding_and_is_not_empty() {
    for (algorithm, longest) in [
        (AsymmetricEncryption::RsaPkcs1v15Crypt, 117),
        (AsymmetricEncryption::RsaOaep(Hash::Sha1), 86),
        (AsymmetricEncryption::RsaOaep(Hash::Sha256), 62),
        (AsymmetricEncryption::RsaOaep(Hash::Sha512), 0),
    ] {
        let attributes = rsa(Algorithm::AsymmetricEncryption(algorithm));
        for plaintext in 0..130 {
            let key_use = KeyUse::AsymmetricEncrypt { algorithm, plaintext, has_salt: false };
            assert_eq!(check_use(&attributes, key_use), expected((1..=longest).contains(&plaintext)));
        }
        for ciphertext in [0, 1, 127, 128, 129, 256] {
            let key_use = KeyUse::AsymmetricDecrypt { algorithm, ciphertext, has_salt: false };
            assert_eq!(check_use(&attributes, key_use), expected(ciphertext == 128));
        }
    }
}

#[test]
fn only_oaep_takes_a_salt() {
    for algorithm in [AsymmetricEncryption::RsaPkcs1v15Crypt, AsymmetricEncryption::RsaOaep(Hash::Sha256)] {
        let attributes = rsa(Algorithm::AsymmetricEncryption(algorithm));
        let expected = expected(algorithm != AsymmetricEncryption::RsaPkcs1v15Crypt);
        for key_use in [
            KeyUse::AsymmetricEncrypt { algorithm, plaintext: 5, has_salt: true },
            KeyUse::AsymmetricDecrypt { algorithm, ciphertext: 128, has_salt: true },
        ] {
            assert_eq!(check_use(&attributes, key_use), expected, "{key_use:?}");
        }
    }
}

#[test]
fn tags_that_an_algorithm_does_not_have_are_invalid_at_use() {
    for algorithm in AEADS {
        for tag_length in (0..40).chain([u32::MAX]) {
            let is_possible = match algorithm {
                AeadAlgorithm::Ccm => [4, 6, 8, 10, 12, 14, 16].contains(&tag_length),
                AeadAlgorithm::Gcm => (4..=16).contains(&tag_length),
                AeadAlgorithm::ChaCha20Poly1305 => (1..=16).contains(&tag_length),
            };
            let shortened = Aead::ShortenedTag { algorithm, tag_length };
            let key_type =
                if algorithm == AeadAlgorithm::ChaCha20Poly1305 { KeyType::ChaCha20 } else { KeyType::Aes };
            let attributes = KeyAttributes { key_type, ..aes(shortened) };
            let key_use = KeyUse::AeadEncrypt { algorithm: shortened, nonce: 12, plaintext: 1 };
            assert_eq!(check_use(&attributes, key_use), expected(is_possible), "{shortened:?}");
        }
    }
}

#[test]
fn nonces_have_the_lengths_of_the_algorithm_and_texts_are_not_empty() {
    for algorithm in AEADS {
        let key_type =
            if algorithm == AeadAlgorithm::ChaCha20Poly1305 { KeyType::ChaCha20 } else { KeyType::Aes };
        let full = Aead::DefaultLengthTag(algorithm);
        let attributes = KeyAttributes { key_type, ..aes(full) };
        for nonce in 0..64 {
            let is_possible = match algorithm {
                AeadAlgorithm::Ccm => (7..=13).contains(&nonce),
                AeadAlgorithm::Gcm => nonce != 0,
                AeadAlgorithm::ChaCha20Poly1305 => nonce == 12,
            };
            let encrypt = KeyUse::AeadEncrypt { algorithm: full, nonce, plaintext: 1 };
            let decrypt = KeyUse::AeadDecrypt { algorithm: full, nonce, ciphertext: 17 };
            assert_eq!(check_use(&attributes, encrypt), expected(is_possible), "{encrypt:?}");
            assert_eq!(check_use(&attributes, decrypt), expected(is_possible), "{decrypt:?}");
        }
        let empty = KeyUse::AeadEncrypt { algorithm: full, nonce: 12, plaintext: 0 };
        assert_eq!(check_use(&attributes, empty), BAD_LENGTH);
        for ciphertext in [0, 1, 15, 16, 17] {
            let decrypt = KeyUse::AeadDecrypt { algorithm: full, nonce: 12, ciphertext };
            assert_eq!(check_use(&attributes, decrypt), expected(ciphertext >= 16), "{decrypt:?}");
        }
    }
}

#[test]
fn a_truncated_mac_is_at_least_one_byte_and_at_most_the_whole() {
    for (key_type, algorithm, whole) in [
        (KeyType::Hmac, FullLengthMac::Hmac(Hash::Sha256), 32),
        (KeyType::Hmac, FullLengthMac::Hmac(Hash::Sha1), 20),
        (KeyType::Aes, FullLengthMac::Cmac, 16),
        (KeyType::Des, FullLengthMac::CbcMac, 8),
    ] {
        for length in (0..70).chain([u32::MAX]) {
            let mac = Mac::Truncated { algorithm, length };
            let attributes =
                KeyAttributes { key_type, bits: 128, usage: usage(0x3ff), algorithm: Algorithm::Mac(mac) };
            let expected = expected((1..=whole).contains(&length));
            assert_eq!(check_use(&attributes, KeyUse::MacCompute { algorithm: mac }), expected);
            assert_eq!(check_use(&attributes, KeyUse::MacVerify { algorithm: mac }), expected);
        }
    }
}

#[test]
fn a_wrong_flag_is_told_before_a_wrong_policy_before_a_wrong_length() {
    let sha256 = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));
    let sha384 = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha384));
    let right = KeyAttributes {
        key_type: KeyType::EccPublicKey(CURVES[1]),
        bits: 256,
        usage: usage(0x3ff),
        algorithm: Algorithm::AsymmetricSignature(sha256),
    };
    let not_permitted = Err(Status::PsaErrorNotPermitted);
    let short = |algorithm| KeyUse::SignHash { algorithm, hash: 1 };
    // A public key and a wrong length, and on top of that: no flag, another policy, another type.
    assert_eq!(check_use(&right, short(sha256)), BAD_LENGTH);
    assert_eq!(check_use(&KeyAttributes { usage: usage(0), ..right }, short(sha256)), not_permitted);
    assert_eq!(check_use(&right, short(sha384)), not_permitted);
    let other_type = KeyAttributes { key_type: KeyType::RsaPublicKey, ..right };
    assert_eq!(check_use(&other_type, short(sha256)), not_permitted);
}

#[test]
fn an_operation_is_used_with_its_own_lengths() {
    let algorithm = AsymmetricSignature::EcdsaAny;
    let key_name = || alloc::string::String::from("k");
    assert_eq!(
        KeyUse::of(&Operation::PsaSignHash { key_name: key_name(), algorithm, hash: Vec::from([0; 31]) }),
        Some(KeyUse::SignHash { algorithm, hash: 31 })
    );
    let algorithm = Aead::DefaultLengthTag(AeadAlgorithm::Gcm);
    assert_eq!(
        KeyUse::of(&Operation::PsaAeadDecrypt {
            key_name: key_name(),
            algorithm,
            nonce: Vec::from([0; 12]),
            additional_data: Vec::from([0; 3]),
            ciphertext: Vec::from([0; 40]),
        }),
        Some(KeyUse::AeadDecrypt { algorithm, nonce: 12, ciphertext: 40 })
    );
    let algorithm = AsymmetricEncryption::RsaOaep(Hash::Sha256);
    assert_eq!(
        KeyUse::of(&Operation::PsaAsymmetricDecrypt {
            key_name: key_name(),
            algorithm,
            ciphertext: Vec::from([0; 128]),
            salt: Some(Vec::from([1])),
        }),
        Some(KeyUse::AsymmetricDecrypt { algorithm, ciphertext: 128, has_salt: true })
    );
    assert_eq!(KeyUse::of(&Operation::PsaDestroyKey { key_name: key_name() }), None);
    assert_eq!(KeyUse::of(&Operation::Ping), None);
}
