//! Asymmetric encryption and key agreement: every row of the table works, everything else is refused.

mod support;

use parsecd_core::job::{KeyInUse, KeyOperation};
use parsecd_core::outcome::Outcome;
use parsecd_psa::Provider;
use parsecd_wire::SecretBytes;
use parsecd_wire::algorithm::{Algorithm, AsymmetricEncryption, Hash, KeyAgreement, RawKeyAgreement};
use parsecd_wire::attributes::{DhFamily, EccFamily, KeyType};
use support::*;

fn every_scheme() -> impl Iterator<Item = AsymmetricEncryption> {
    let oaep = Hash::ALL.into_iter().map(AsymmetricEncryption::RsaOaep);
    oaep.chain([AsymmetricEncryption::RsaPkcs1v15Crypt])
}

fn encrypt(
    provider: &mut Provider,
    key: &KeyInUse,
    algorithm: AsymmetricEncryption,
    plaintext: &[u8],
    salt: &[u8],
) -> Outcome {
    let plaintext = SecretBytes::from(plaintext);
    key_use(provider, key, KeyOperation::AsymmetricEncrypt { algorithm, plaintext, salt: salt.to_vec() })
}

fn decrypt(
    provider: &mut Provider,
    key: &KeyInUse,
    algorithm: AsymmetricEncryption,
    ciphertext: &[u8],
    salt: &[u8],
) -> Outcome {
    let ciphertext = ciphertext.to_vec();
    key_use(provider, key, KeyOperation::AsymmetricDecrypt { algorithm, ciphertext, salt: salt.to_vec() })
}

/// Most bytes that a scheme can encrypt (operations.md 20).
fn room(algorithm: AsymmetricEncryption, bits: u32) -> usize {
    let modulus = bits as usize / 8;
    match algorithm {
        AsymmetricEncryption::RsaPkcs1v15Crypt => modulus - 11,
        AsymmetricEncryption::RsaOaep(hash) => modulus - 2 * hash.length() - 2,
    }
}

#[test]
fn what_a_public_key_encrypts_its_pair_decrypts() {
    with_provider(|provider| {
        let table = capabilities(provider);
        for bits in [1024, 2048] {
            let pair = made(generate(provider, attributes(KeyType::RsaKeyPair, bits)));
            let public_attributes = attributes(KeyType::RsaPublicKey, bits);
            let public = made(import(provider, public_attributes, &pair.public));
            for algorithm in every_scheme() {
                if !is_listed(&table, &pair, Algorithm::AsymmetricEncryption(algorithm)) {
                    assert_eq!(encrypt(provider, &pair, algorithm, &[1], &[]), NOT_SUPPORTED);
                    assert_eq!(decrypt(provider, &pair, algorithm, &[1; 128], &[]), NOT_SUPPORTED);
                    continue;
                }
                let is_oaep = algorithm != AsymmetricEncryption::RsaPkcs1v15Crypt;
                let label: &[u8] = if is_oaep { b"label" } else { b"" };
                let most = room(algorithm, bits);
                for plaintext in [vec![5; 1], vec![6; most]] {
                    for key in [&pair, &public] {
                        let ciphertext = output(encrypt(provider, key, algorithm, &plaintext, label));
                        let decrypted = decrypt(provider, &pair, algorithm, &ciphertext, label);
                        assert_eq!(secret(decrypted).expose(), plaintext);
                        if is_oaep {
                            let other = decrypt(provider, &pair, algorithm, &ciphertext, b"other");
                            assert_eq!(other, INVALID_PADDING);
                        }
                        let by_public = decrypt(provider, &public, algorithm, &ciphertext, label);
                        assert_eq!(by_public, INVALID_ARGUMENT);
                    }
                }
                let too_long = vec![7; most + 1];
                assert_eq!(encrypt(provider, &pair, algorithm, &too_long, label), INVALID_ARGUMENT);
            }
        }
    });
}

#[test]
fn ciphertexts_that_are_none_are_refused_before_the_key_is_used_and_bad_padding_after() {
    with_provider(|provider| {
        let pair = made(generate(provider, attributes(KeyType::RsaKeyPair, 1024)));
        // RSAPublicKey of 1024 bits: the modulus stands at a fixed place, behind a zero.
        let modulus = pair.public[7..7 + 128].to_vec();
        let mut padding = modulus.clone();
        padding[0] = 0;
        for algorithm in [AsymmetricEncryption::RsaPkcs1v15Crypt, AsymmetricEncryption::RsaOaep(Hash::Sha256)]
        {
            for ciphertext in [&modulus[..], &[0xFF; 128], &modulus[1..], &[], &[1; 129]] {
                assert_eq!(decrypt(provider, &pair, algorithm, ciphertext, &[]), INVALID_ARGUMENT);
            }
            assert_eq!(decrypt(provider, &pair, algorithm, &padding, &[]), INVALID_PADDING);
        }
        let with_salt = encrypt(provider, &pair, AsymmetricEncryption::RsaPkcs1v15Crypt, &[1], b"salt");
        assert_eq!(with_salt, INVALID_ARGUMENT);
    });
}

fn agree(provider: &mut Provider, key: &KeyInUse, algorithm: RawKeyAgreement, peer_key: &[u8]) -> Outcome {
    key_use(provider, key, KeyOperation::RawKeyAgreement { algorithm, peer_key: peer_key.to_vec() })
}

#[test]
fn both_sides_agree_on_every_curve_and_nothing_else_agrees() {
    with_provider(|provider| {
        let table = capabilities(provider);
        let p256 = made(generate(provider, attributes(P256, 256))).public;
        let mut curves = 0;
        every_key_of(provider, is_made_quickly, |provider, key| {
            let ecdh = Algorithm::KeyAgreement(KeyAgreement::Raw(RawKeyAgreement::Ecdh));
            assert_eq!(
                agree(provider, key, RawKeyAgreement::Ffdh, &key.public),
                match key.attributes.key_type {
                    key_type if key_type.is_public() => INVALID_ARGUMENT,
                    _ => NOT_SUPPORTED,
                }
            );
            if key.attributes.key_type.is_public() {
                assert_eq!(agree(provider, key, RawKeyAgreement::Ecdh, &key.public), INVALID_ARGUMENT);
                return;
            }
            if !is_listed(&table, key, ecdh) {
                assert_eq!(agree(provider, key, RawKeyAgreement::Ecdh, &key.public), NOT_SUPPORTED);
                return;
            }
            let peer = made(generate(provider, key.attributes));
            let ours = secret(agree(provider, key, RawKeyAgreement::Ecdh, &peer.public));
            let theirs = secret(agree(provider, &peer, RawKeyAgreement::Ecdh, &key.public));
            assert_eq!(ours, theirs);
            assert_eq!(ours.len(), key.attributes.bits.div_ceil(8) as usize);
            let short = &peer.public[..peer.public.len() - 1];
            let mut refused = vec![Vec::new(), short.to_vec()];
            if key.attributes.bits != 256 || key.attributes.key_type != P256 {
                refused.push(p256.clone());
            }
            if key.attributes.key_type != KeyType::EccKeyPair(EccFamily::Montgomery) {
                let mut off_the_curve = peer.public.clone();
                off_the_curve[5] ^= 1;
                refused.push(off_the_curve);
            }
            for peer_key in refused {
                assert_eq!(agree(provider, key, RawKeyAgreement::Ecdh, &peer_key), INVALID_ARGUMENT);
            }
            curves += 1;
        });
        assert_eq!(curves, 2 + 5 + 3 + 2);
        let finite_field = attributes(KeyType::DhKeyPair(DhFamily::Rfc7919), 2048);
        let key = made(generate(provider, finite_field));
        for algorithm in [RawKeyAgreement::Ecdh, RawKeyAgreement::Ffdh] {
            assert_eq!(agree(provider, &key, algorithm, &key.public), NOT_SUPPORTED);
        }
    });
}

#[test]
fn x25519_gives_the_secret_of_rfc_7748_and_refuses_points_of_small_order() {
    let private = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let public = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    let peer = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    let shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    with_provider(|provider| {
        let x25519 = attributes(KeyType::EccKeyPair(EccFamily::Montgomery), 255);
        let key = made(import(provider, x25519, &private));
        assert_eq!(key.public, public);
        assert_eq!(secret(agree(provider, &key, RawKeyAgreement::Ecdh, &peer)).expose(), shared);
        for small in [0, 1] {
            let mut point = vec![0; 32];
            point[0] = small;
            assert_eq!(agree(provider, &key, RawKeyAgreement::Ecdh, &point), INVALID_ARGUMENT);
        }
    });
}
