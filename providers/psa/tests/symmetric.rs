//! Symmetric encryption and message authentication codes: every row of the table works, everything else is
//! refused.

mod support;

use parsecd_core::job::{KeyInUse, KeyOperation};
use parsecd_core::outcome::Outcome;
use parsecd_psa::Provider;
use parsecd_wire::SecretBytes;
use parsecd_wire::algorithm::{Aead, AeadAlgorithm, Algorithm, Cipher, FullLengthMac, Hash, Mac};
use parsecd_wire::attributes::KeyType;
use support::*;

fn seal(provider: &mut Provider, key: &KeyInUse, algorithm: Aead, nonce: &[u8], plaintext: &[u8]) -> Outcome {
    let operation = KeyOperation::AeadEncrypt {
        algorithm,
        nonce: nonce.to_vec(),
        additional_data: b"additional".to_vec(),
        plaintext: SecretBytes::from(plaintext),
    };
    key_use(provider, key, operation)
}

fn unseal(
    provider: &mut Provider,
    key: &KeyInUse,
    algorithm: Aead,
    nonce: &[u8],
    additional_data: &[u8],
    ciphertext: &[u8],
) -> Outcome {
    let operation = KeyOperation::AeadDecrypt {
        algorithm,
        nonce: nonce.to_vec(),
        additional_data: additional_data.to_vec(),
        ciphertext: ciphertext.to_vec(),
    };
    key_use(provider, key, operation)
}

fn every_aead() -> Vec<(Aead, usize)> {
    let mut all = Vec::new();
    for algorithm in [AeadAlgorithm::Ccm, AeadAlgorithm::Gcm, AeadAlgorithm::ChaCha20Poly1305] {
        all.push((Aead::DefaultLengthTag(algorithm), 16));
        let lengths = (0..=20).chain([63, 64, u32::MAX]);
        all.extend(
            lengths.map(|tag_length| (Aead::ShortenedTag { algorithm, tag_length }, tag_length as usize)),
        );
    }
    all
}

#[test]
fn what_is_encrypted_with_a_tag_decrypts_and_damaged_it_does_not() {
    with_provider(|provider| {
        let table = capabilities(provider);
        let mut worked = 0;
        every_key_of(provider, is_made_quickly, |provider, key| {
            for (algorithm, tag_length) in every_aead() {
                let nonce = [9; 12];
                if !is_listed(&table, key, Algorithm::Aead(algorithm)) {
                    assert_eq!(seal(provider, key, algorithm, &nonce, b"text"), NOT_SUPPORTED);
                    let outcome = unseal(provider, key, algorithm, &nonce, b"additional", &[0; 40]);
                    assert_eq!(outcome, NOT_SUPPORTED);
                    continue;
                }
                let ciphertext = output(seal(provider, key, algorithm, &nonce, b"text"));
                assert_eq!(ciphertext.len(), 4 + tag_length);
                let plaintext = unseal(provider, key, algorithm, &nonce, b"additional", &ciphertext);
                assert_eq!(secret(plaintext).expose(), b"text");
                let other = unseal(provider, key, algorithm, &nonce, b"Additional", &ciphertext);
                assert_eq!(other, INVALID_SIGNATURE);
                for position in [0, ciphertext.len() - 1] {
                    let mut damaged = ciphertext.clone();
                    damaged[position] ^= 1;
                    let outcome = unseal(provider, key, algorithm, &nonce, b"additional", &damaged);
                    assert_eq!(outcome, INVALID_SIGNATURE);
                }
                let short = &ciphertext[..tag_length - 1];
                let outcome = unseal(provider, key, algorithm, &nonce, b"additional", short);
                assert_eq!(outcome, INVALID_ARGUMENT);
                assert_eq!(seal(provider, key, algorithm, &[], b"text"), INVALID_ARGUMENT);
                worked += 1;
            }
        });
        // AES and Camellia, smallest and largest: CCM has 7 lengths of tags, GCM 13, each a default as well.
        assert_eq!(worked, 4 * (7 + 1 + 13 + 1) + 2);
    });
}

#[test]
fn nonces_have_the_lengths_of_their_algorithm() {
    with_provider(|provider| {
        let aes = made(generate(provider, attributes(KeyType::Aes, 256)));
        let chacha20 = made(generate(provider, attributes(KeyType::ChaCha20, 256)));
        for length in 1..=20 {
            for (key, algorithm, fits) in [
                (&aes, AeadAlgorithm::Gcm, true),
                (&aes, AeadAlgorithm::Ccm, (7..=13).contains(&length)),
                (&chacha20, AeadAlgorithm::ChaCha20Poly1305, length == 12),
            ] {
                let outcome =
                    seal(provider, key, Aead::DefaultLengthTag(algorithm), &vec![1; length], b"text");
                if fits {
                    assert_eq!(output(outcome).len(), 4 + 16);
                } else {
                    assert_eq!(outcome, INVALID_ARGUMENT, "{algorithm:?} {length}");
                }
            }
        }
    });
}

fn encrypt(provider: &mut Provider, key: &KeyInUse, algorithm: Cipher, plaintext: &[u8]) -> Outcome {
    let plaintext = SecretBytes::from(plaintext);
    key_use(provider, key, KeyOperation::CipherEncrypt { algorithm, plaintext })
}

fn decrypt(provider: &mut Provider, key: &KeyInUse, algorithm: Cipher, ciphertext: &[u8]) -> Outcome {
    let ciphertext = ciphertext.to_vec();
    key_use(provider, key, KeyOperation::CipherDecrypt { algorithm, ciphertext })
}

#[test]
fn what_a_cipher_encrypts_it_decrypts_with_another_vector_each_time() {
    let modes = [
        Cipher::StreamCipher,
        Cipher::Ctr,
        Cipher::Cfb,
        Cipher::Ofb,
        Cipher::Xts,
        Cipher::EcbNoPadding,
        Cipher::CbcNoPadding,
        Cipher::CbcPkcs7,
    ];
    with_provider(|provider| {
        let table = capabilities(provider);
        let mut worked = 0;
        every_key_of(provider, is_made_quickly, |provider, key| {
            for mode in modes {
                if !is_listed(&table, key, Algorithm::Cipher(mode)) {
                    assert_eq!(encrypt(provider, key, mode, &[1; 48]), NOT_SUPPORTED);
                    assert_eq!(decrypt(provider, key, mode, &[1; 48]), NOT_SUPPORTED);
                    continue;
                }
                let needs_blocks = matches!(mode, Cipher::EcbNoPadding | Cipher::CbcNoPadding);
                for plaintext in [vec![3; 48], vec![4; 1], vec![5; 100_001]] {
                    let outcome = encrypt(provider, key, mode, &plaintext);
                    if needs_blocks && plaintext.len() != 48 {
                        assert_eq!(outcome, INVALID_ARGUMENT);
                        continue;
                    }
                    let ciphertext = output(outcome);
                    assert_eq!(secret(decrypt(provider, key, mode, &ciphertext)).expose(), plaintext);
                    let again = output(encrypt(provider, key, mode, &plaintext));
                    assert_eq!(again == ciphertext, mode == Cipher::EcbNoPadding);
                }
                if mode != Cipher::EcbNoPadding {
                    assert_eq!(decrypt(provider, key, mode, &[1; 7]), INVALID_ARGUMENT, "{mode:?}");
                }
                worked += 1;
            }
        });
        assert_eq!(worked, 2 * (6 + 5) + 3 * 3 + 1, "AES and Camellia twice, DES in three sizes, ChaCha20");
    });
}

#[test]
fn a_ciphertext_with_wrong_padding_is_refused() {
    with_provider(|provider| {
        let key = made(generate(provider, attributes(KeyType::Aes, 128)));
        // The last byte of the plaintext is 0, which no padding ends with.
        let ciphertext = output(encrypt(provider, &key, Cipher::CbcNoPadding, &[0; 16]));
        assert_eq!(decrypt(provider, &key, Cipher::CbcPkcs7, &ciphertext), INVALID_PADDING);
    });
}

fn mac(provider: &mut Provider, key: &KeyInUse, algorithm: Mac, input: &[u8]) -> Outcome {
    key_use(provider, key, KeyOperation::MacCompute { algorithm, input: SecretBytes::from(input) })
}

fn verify_mac(provider: &mut Provider, key: &KeyInUse, algorithm: Mac, input: &[u8], mac: &[u8]) -> Outcome {
    let input = SecretBytes::from(input);
    key_use(provider, key, KeyOperation::MacVerify { algorithm, input, mac: mac.to_vec() })
}

#[test]
fn every_code_of_the_table_verifies_and_is_the_beginning_of_the_whole_code() {
    with_provider(|provider| {
        let table = capabilities(provider);
        let hmacs = Hash::ALL.into_iter().map(FullLengthMac::Hmac);
        let algorithms: Vec<FullLengthMac> =
            hmacs.chain([FullLengthMac::CbcMac, FullLengthMac::Cmac]).collect();
        let mut worked = 0;
        every_key_of(provider, is_made_quickly, |provider, key| {
            for algorithm in &algorithms {
                let algorithm = *algorithm;
                let full = Mac::FullLength(algorithm);
                let lengths = (0..=65).chain([u32::MAX]);
                let all =
                    core::iter::once(full).chain(lengths.map(|length| Mac::Truncated { algorithm, length }));
                for one in all {
                    if !is_listed(&table, key, Algorithm::Mac(one)) {
                        assert_eq!(mac(provider, key, one, b"input"), NOT_SUPPORTED);
                        assert_eq!(verify_mac(provider, key, one, b"input", &[0; 16]), NOT_SUPPORTED);
                        continue;
                    }
                    let code = output(mac(provider, key, one, b"input"));
                    if let Mac::Truncated { length, .. } = one {
                        assert_eq!(code.len(), length as usize);
                    }
                    assert!(output(mac(provider, key, full, b"input")).starts_with(&code));
                    assert_eq!(verify_mac(provider, key, one, b"input", &code), VERIFIED);
                    assert_eq!(verify_mac(provider, key, one, b"Input", &code), INVALID_SIGNATURE);
                    let short = &code[..code.len() - 1];
                    assert_eq!(verify_mac(provider, key, one, b"input", short), INVALID_SIGNATURE);
                    worked += 1;
                }
            }
        });
        assert!(worked > 500, "{worked}");
    });
}

#[test]
fn results_are_those_of_the_standards() {
    with_provider(|provider| {
        // RFC 4231, test case 2.
        let hmac = Mac::FullLength(FullLengthMac::Hmac(Hash::Sha256));
        let key = made(import(provider, attributes(KeyType::Hmac, 0), b"Jefe"));
        assert_eq!(
            output(mac(provider, &key, hmac, b"what do ya want for nothing?")),
            hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        );
        // FIPS 197, C.1.
        let key = hex("000102030405060708090a0b0c0d0e0f");
        let key = made(import(provider, attributes(KeyType::Aes, 0), &key));
        let plaintext = hex("00112233445566778899aabbccddeeff");
        assert_eq!(
            output(encrypt(provider, &key, Cipher::EcbNoPadding, &plaintext)),
            hex("69c4e0d86a7b0430d8cdb78070b4c55a")
        );
        // RFC 4493, example 2.
        let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let key = made(import(provider, attributes(KeyType::Aes, 0), &key));
        let input = hex("6bc1bee22e409f96e93d7e117393172a");
        assert_eq!(
            output(mac(provider, &key, Mac::FullLength(FullLengthMac::Cmac), &input)),
            hex("070a16b46b4d4144f79bdd9dd04a287c")
        );
    });
}
