//! Ciphertexts of the executor, decrypted by the software provider, and hashes of both.

mod support;

use parsecd_core::job::{Job, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_executor::{capabilities, run};
use parsecd_wire::SecretBytes;
use parsecd_wire::algorithm::{Algorithm, AsymmetricEncryption, Hash};
use parsecd_wire::attributes::KeyType;
use support::*;

#[test]
fn what_is_encrypted_is_decrypted_by_the_software_provider() {
    with_provider(|provider| {
        for bits in [1024, 2048, 4096] {
            let key = rsa_pair(provider, bits);
            let table = capabilities();
            for listed in &table.key(KeyType::RsaKeyPair).unwrap().algorithms {
                let Algorithm::AsymmetricEncryption(scheme) = listed.algorithm else { continue };
                if !table.works(KeyType::RsaKeyPair, bits, listed.algorithm) {
                    continue;
                }
                let (overhead, salts) = match scheme {
                    AsymmetricEncryption::RsaPkcs1v15Crypt => (11, vec![Vec::new()]),
                    AsymmetricEncryption::RsaOaep(hash) => {
                        (2 * hash.length() + 2, vec![Vec::new(), b"a label".to_vec()])
                    }
                };
                let longest = usize::try_from(bits).unwrap() / 8 - overhead;
                for salt in salts {
                    for length in [1, longest] {
                        let plaintext = vec![0x5A; length];
                        let job = encrypt_job(&key, scheme, &plaintext, &salt);
                        let ciphertext = output(run(&job));
                        assert_ne!(output(run(&job)), ciphertext, "padding is random");
                        let operation = KeyOperation::AsymmetricDecrypt {
                            algorithm: scheme,
                            ciphertext,
                            salt: salt.clone(),
                        };
                        let decrypted = provider.run(&Job::Use { key: key.clone(), operation });
                        assert_eq!(decrypted, Outcome::Done(Effect::Secret(SecretBytes::new(plaintext))));
                    }
                    let job = encrypt_job(&key, scheme, &vec![1; longest + 1], &salt);
                    assert_eq!(both(provider, &job), INVALID_ARGUMENT, "{scheme:?}");
                }
            }
            let job = encrypt_job(&key, AsymmetricEncryption::RsaPkcs1v15Crypt, b"text", b"salt");
            assert_eq!(both(provider, &job), INVALID_ARGUMENT);
        }
    });
}

#[test]
fn encryption_that_is_not_listed_is_not_supported() {
    with_provider(|provider| {
        let key = rsa_pair(provider, 1024);
        for scheme in [
            AsymmetricEncryption::RsaOaep(Hash::Md2),
            AsymmetricEncryption::RsaOaep(Hash::Sha512),
            AsymmetricEncryption::RsaOaep(Hash::Sha512_256),
        ] {
            assert_eq!(both(provider, &encrypt_job(&key, scheme, b"text", &[])), NOT_SUPPORTED);
        }
        let point = generate(provider, P256, 256);
        let job = encrypt_job(&point, AsymmetricEncryption::RsaPkcs1v15Crypt, b"text", &[]);
        assert_eq!(both(provider, &job), NOT_SUPPORTED);
    });
}

#[test]
fn every_hash_agrees_with_the_software_provider() {
    with_provider(|provider| {
        for algorithm in Hash::ALL {
            for length in [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 135, 136, 137, 4096, 100_000] {
                let input: Vec<u8> =
                    (0..length).map(|at: u32| at.wrapping_mul(31).to_le_bytes()[0]).collect();
                let job = Job::HashCompute { algorithm, input: SecretBytes::new(input) };
                let outcome = both(provider, &job);
                if capabilities().hashes.contains(&algorithm) {
                    assert_eq!(output(outcome).len(), algorithm.length());
                } else {
                    assert_eq!(outcome, NOT_SUPPORTED);
                }
            }
        }
    });
}

#[test]
fn the_software_provider_can_do_everything_that_is_listed() {
    let listed = capabilities();
    let provided = with_provider(|provider| match provider.run(&Job::Open) {
        Outcome::Done(Effect::Opened { capabilities, .. }) => capabilities,
        other => panic!("{other:?}"),
    });
    assert_eq!(listed.hashes, provided.hashes);
    assert!(listed.opcodes.is_subset(&provided.opcodes));
    for key in &listed.keys {
        for range in &key.bits {
            for bits in (range.min..=range.max).step_by(usize::try_from(range.step).unwrap()) {
                for algorithm in &key.algorithms {
                    assert_eq!(
                        listed.works(key.key_type, bits, algorithm.algorithm),
                        provided.works(key.key_type, bits, algorithm.algorithm),
                        "{:?} {bits} {algorithm:?}",
                        key.key_type
                    );
                }
            }
        }
    }
}

#[test]
fn jobs_that_need_more_than_a_public_part_are_not_supported() {
    with_provider(|provider| {
        let key = generate(provider, P256, 256);
        for job in [
            Job::Open,
            Job::Random { length: 8 },
            Job::Use { key: key.clone(), operation: KeyOperation::Export },
            Job::Use {
                key,
                operation: KeyOperation::SignHash {
                    algorithm: parsecd_wire::algorithm::AsymmetricSignature::EcdsaAny,
                    hash: vec![1; 32],
                },
            },
        ] {
            assert_eq!(run(&job), NOT_SUPPORTED);
        }
    });
}
