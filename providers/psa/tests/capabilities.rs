//! The table of capabilities is what the provider does: every row works, everything else is refused.

mod support;

use parsecd_core::job::{Job, KeyInUse, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{DhFamily, EccFamily, KeyType};
use parsecd_wire::{Opcode, SecretBytes};
use support::*;

fn every_signature() -> Vec<AsymmetricSignature> {
    let mut all = vec![AsymmetricSignature::RsaPkcs1v15SignRaw, AsymmetricSignature::EcdsaAny];
    for hash in Hash::ALL.map(SignHash::Specific).into_iter().chain([SignHash::Any]) {
        all.extend([
            AsymmetricSignature::RsaPkcs1v15Sign(hash),
            AsymmetricSignature::RsaPss(hash),
            AsymmetricSignature::Ecdsa(hash),
            AsymmetricSignature::DeterministicEcdsa(hash),
        ]);
    }
    all
}

#[test]
fn keys_of_every_type_and_size_are_made_exported_and_imported_again() {
    with_provider(|provider| {
        every_key(provider, |provider, key| {
            let key_type = key.attributes.key_type;
            assert_eq!(key.public.is_empty(), !key_type.is_asymmetric(), "{key_type:?}");
            assert_eq!(key.material.0.is_empty(), key_type.is_public(), "{key_type:?}");
            let data = export(provider, key);
            for bits in [0, key.attributes.bits] {
                let again = made(import(provider, attributes(key_type, bits), data.expose()));
                assert_eq!(again.attributes, key.attributes);
                assert_eq!(again.public, key.public);
                assert_eq!(export(provider, &again), data);
            }
        });
    });
}

#[test]
fn every_signature_of_the_table_signs_and_verifies_and_every_other_is_refused() {
    with_provider(|provider| {
        let table = capabilities(provider);
        let mut signatures = 0;
        every_key(provider, |provider, key| {
            let bits = key.attributes.bits;
            let capability = table.keys.iter().find(|row| row.key_type == key.attributes.key_type).unwrap();
            for algorithm in every_signature() {
                let listed = capability.algorithms.iter().any(|row| {
                    row.algorithm == Algorithm::AsymmetricSignature(algorithm)
                        && row.bits.is_none_or(|range| (range.min..=range.max).contains(&bits))
                });
                let hash = hash_for(algorithm);
                if key.attributes.key_type.is_public() {
                    assert_eq!(sign(provider, key, algorithm, &hash), INVALID_ARGUMENT);
                    let outcome = verify(provider, key, algorithm, &hash, &[0; 5]);
                    assert_eq!(outcome, if listed { INVALID_SIGNATURE } else { NOT_SUPPORTED });
                    continue;
                }
                if !listed {
                    assert_eq!(sign(provider, key, algorithm, &hash), NOT_SUPPORTED);
                    assert_eq!(verify(provider, key, algorithm, &hash, &[0; 64]), NOT_SUPPORTED);
                    continue;
                }
                let signature = output(sign(provider, key, algorithm, &hash));
                assert_eq!(verify(provider, key, algorithm, &hash, &signature), VERIFIED);
                let public = KeyInUse {
                    attributes: attributes(key.attributes.key_type.public_type().unwrap(), bits),
                    material: Default::default(),
                    ..key.clone()
                };
                assert_eq!(verify(provider, &public, algorithm, &hash, &signature), VERIFIED);
                let mut other = hash.clone();
                other[0] ^= 1;
                assert_eq!(verify(provider, key, algorithm, &other, &signature), INVALID_SIGNATURE);
                let short = &signature[..signature.len() - 1];
                assert_eq!(verify(provider, key, algorithm, &hash, short), INVALID_SIGNATURE);
                signatures += 1;
            }
        });
        assert!(signatures > 300, "{signatures}");
    });
}

#[test]
fn sizes_and_types_beyond_the_table_are_refused() {
    with_provider(|provider| {
        let secp_k1 = KeyType::EccKeyPair(EccFamily::SecpK1);
        let brainpool = KeyType::EccKeyPair(EccFamily::BrainpoolPR1);
        let montgomery = KeyType::EccKeyPair(EccFamily::Montgomery);
        let dh = KeyType::DhKeyPair(DhFamily::Rfc7919);
        for (key_type, sizes) in [
            (KeyType::RsaKeyPair, [0, 512, 1016, 1025, 2049, 4104]),
            (P256, [0, 160, 255, 257, 512, 528]),
            (secp_k1, [0, 160, 224, 225, 521, u32::MAX]),
            (brainpool, [0, 160, 192, 224, 320, 521]),
            (montgomery, [0, 256, 254, 447, 521, 1 << 16]),
            (dh, [0, 1024, 2047, 2056, 8191, 16_384]),
            (KeyType::Aes, [0, 8, 100, 129, 320, 1 << 20]),
            (KeyType::Hmac, [0, 1, 7, 9, 65_529, 65_536]),
            (KeyType::RawData, [0, 1, 7, 9, 65_529, 1 << 31]),
            (KeyType::Des, [0, 56, 65, 112, 168, 256]),
        ] {
            for bits in sizes {
                let outcome = generate(provider, attributes(key_type, bits));
                assert_eq!(outcome, INVALID_ARGUMENT, "{key_type:?} {bits}");
                if bits != 0 {
                    let outcome = import(provider, attributes(key_type, bits), &[1; 32]);
                    assert_eq!(outcome, INVALID_ARGUMENT, "{key_type:?} {bits}");
                }
            }
        }
        for family in
            [EccFamily::SecpR2, EccFamily::SectK1, EccFamily::SectR1, EccFamily::SectR2, EccFamily::Frp]
        {
            let key_type = KeyType::EccKeyPair(family);
            assert_eq!(generate(provider, attributes(key_type, 256)), NOT_SUPPORTED);
            assert_eq!(import(provider, attributes(key_type, 0), &[1; 32]), NOT_SUPPORTED);
        }
        assert_eq!(generate(provider, attributes(KeyType::Arc4, 128)), NOT_SUPPORTED);
        assert_eq!(import(provider, attributes(KeyType::Arc4, 128), &[1; 16]), NOT_SUPPORTED);
        for key_type in [KeyType::RsaPublicKey, KeyType::EccPublicKey(EccFamily::SecpR1)] {
            assert_eq!(generate(provider, attributes(key_type, 2048)), INVALID_ARGUMENT);
        }
    });
}

#[test]
fn every_hash_of_the_table_is_computed_and_every_other_refused() {
    with_provider(|provider| {
        let table = capabilities(provider).hashes;
        for algorithm in Hash::ALL {
            let input = SecretBytes::from(b"abc".as_slice());
            let outcome = provider.run(&Job::HashCompute { algorithm, input });
            if table.contains(&algorithm) {
                assert_eq!(output(outcome).len(), algorithm.length());
            } else {
                assert_eq!(outcome, NOT_SUPPORTED);
            }
        }
    });
}

#[test]
fn only_what_is_served_is_listed() {
    with_provider(|provider| {
        let listed = capabilities(provider).opcodes;
        let served = [
            Opcode::PsaGenerateKey,
            Opcode::PsaDestroyKey,
            Opcode::PsaSignHash,
            Opcode::PsaVerifyHash,
            Opcode::PsaImportKey,
            Opcode::PsaExportPublicKey,
            Opcode::PsaExportKey,
            Opcode::PsaGenerateRandom,
            Opcode::PsaHashCompute,
            Opcode::PsaHashCompare,
            Opcode::PsaAsymmetricEncrypt,
            Opcode::PsaAsymmetricDecrypt,
            Opcode::PsaAeadEncrypt,
            Opcode::PsaAeadDecrypt,
            Opcode::PsaCipherEncrypt,
            Opcode::PsaCipherDecrypt,
            Opcode::PsaMacCompute,
            Opcode::PsaMacVerify,
            Opcode::PsaRawKeyAgreement,
            Opcode::CanDoCrypto,
        ];
        assert_eq!(listed, served.into_iter().collect());
        assert_eq!(provider.run(&Job::Remove { object: OBJECT }), NOT_SUPPORTED);
        let key = made(generate(provider, attributes(P256, 256)));
        assert_eq!(key_use(provider, &key, KeyOperation::PrepareAttestation), NOT_SUPPORTED);
    });
}

#[test]
fn random_bytes_come_in_any_number_and_do_not_repeat() {
    with_provider(|provider| {
        let mut last = SecretBytes::default();
        for length in [0, 1, 16, 1024, 1025, 1 << 20] {
            let Outcome::Done(Effect::Secret(bytes)) = provider.run(&Job::Random { length }) else {
                panic!("no random bytes")
            };
            assert_eq!(bytes.len(), length as usize);
            assert!(length < 16 || bytes.expose()[..16] != last.expose()[..16.min(last.len())]);
            last = bytes;
        }
    });
}
