//! Material is sealed to its record, imports are checked, results are those of the standards.

mod support;

use parsecd_core::job::{Job, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::{Binding, SealedMaterial};
use parsecd_psa::{LibraryError, OpenError, Provider};
use parsecd_wire::SecretBytes;
use parsecd_wire::algorithm::{AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use support::*;

const SHA256: SignHash = SignHash::Specific(Hash::Sha256);

#[test]
fn material_opens_for_its_own_record_and_store_key_only() {
    let key = with_provider(|provider| {
        let key = made(generate(provider, attributes(P256, 256)));
        let export = |provider: &mut Provider, key| key_use(provider, key, KeyOperation::Export);
        assert!(matches!(export(provider, &key), Outcome::Done(Effect::Secret(_))));

        let mut moved = key.clone();
        moved.binding = Binding(b"another name".to_vec());
        assert_eq!(export(provider, &moved), DATA_CORRUPT);

        let mut widened = key.clone();
        widened.attributes.usage = UsageFlags { export: true, ..UsageFlags::default() };
        assert_eq!(export(provider, &widened), DATA_CORRUPT);

        let mut swapped = key.clone();
        swapped.public[1] ^= 1;
        assert_eq!(export(provider, &swapped), DATA_CORRUPT);
        let scheme = AsymmetricSignature::Ecdsa(SHA256);
        assert_eq!(sign(provider, &swapped, scheme, &[1; 32]), DATA_CORRUPT);
        key
    });
    with_store_key(&[8; 32], |provider| {
        assert_eq!(key_use(provider, &key, KeyOperation::Export), DATA_CORRUPT);
    });
}

#[test]
fn damaged_material_is_refused() {
    with_provider(|provider| {
        let key = made(generate(provider, attributes(KeyType::Aes, 128)));
        let sealed = key.material.0.clone();
        for position in 0..sealed.len() {
            let mut damaged = key.clone();
            damaged.material.0[position] ^= 1;
            assert_eq!(key_use(provider, &damaged, KeyOperation::Export), DATA_CORRUPT);
            damaged.material = SealedMaterial(sealed[..position].to_vec());
            assert_eq!(key_use(provider, &damaged, KeyOperation::Export), DATA_CORRUPT);
        }
    });
}

#[test]
fn sealed_material_does_not_contain_the_material_and_never_repeats() {
    with_provider(|provider| {
        let data = [0xC5; 32];
        let first = made(import(provider, attributes(KeyType::RawData, 0), &data)).material.0;
        let second = made(import(provider, attributes(KeyType::RawData, 0), &data)).material.0;
        assert_ne!(first[1..25], second[1..25], "nonce");
        assert!(!first.windows(8).any(|bytes| bytes == &data[..8]));
        assert_eq!(first.len(), 1 + 24 + data.len() + 16);
    });
}

#[test]
fn the_device_follows_from_the_store_key() {
    let device = |store_key: [u8; 32]| {
        with_store_key(&store_key, |provider| match provider.run(&Job::Open) {
            Outcome::Done(Effect::Opened { device, .. }) => device,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(device([1; 32]), device([1; 32]));
    assert_ne!(device([1; 32]), device([2; 32]));
    assert_eq!(device([1; 32]).0.len(), 16);
}

#[test]
fn one_provider_at_a_time_in_a_process() {
    with_provider(|_first| {
        let second = Provider::open(&STORE_KEY).err();
        assert_eq!(second, Some(OpenError::Library(LibraryError::InUse)));
    });
}

#[test]
fn the_library_says_which_one_it_is() {
    with_provider(|provider| {
        let library = provider.library();
        let version = library.strip_prefix("Mbed TLS ").unwrap();
        assert!(version.split('.').all(|part| part.parse::<u32>().is_ok()), "{library}");
    });
}

#[test]
fn imports_that_are_not_what_their_type_says_are_refused() {
    with_provider(|provider| {
        let p256_public = KeyType::EccPublicKey(EccFamily::SecpR1);
        let montgomery = KeyType::EccKeyPair(EccFamily::Montgomery);
        let point = made(generate(provider, attributes(P256, 256))).public;
        let mut off_the_curve = point.clone();
        off_the_curve[64] ^= 1;
        let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
        for (key_type, bits, data) in [
            (p256_public, 256, off_the_curve),
            (p256_public, 384, point.clone()),
            (p256_public, 0, point[..64].to_vec()),
            (p256_public, 0, Vec::new()),
            (P256, 0, vec![0; 32]),
            (P256, 256, order),
            (P256, 256, vec![1; 33]),
            (P256, 0, vec![1; 31]),
            (KeyType::EccKeyPair(EccFamily::SecpK1), 0, vec![1; 28]),
            (KeyType::EccKeyPair(EccFamily::BrainpoolPR1), 0, vec![1; 20]),
            (montgomery, 255, vec![1; 31]),
            (montgomery, 448, vec![1; 32]),
            (KeyType::Aes, 0, vec![1; 15]),
            (KeyType::Aes, 128, vec![1; 32]),
            (KeyType::RawData, 8, vec![1; 2]),
            (KeyType::RawData, 0, vec![1; 8192]),
            (KeyType::RsaKeyPair, 0, vec![0x30; 100]),
            (KeyType::RsaPublicKey, 0, point),
        ] {
            let length = data.len();
            let outcome = import(provider, attributes(key_type, bits), &data);
            assert_eq!(outcome, INVALID_ARGUMENT, "{key_type:?} {bits} from {length} bytes");
        }
    });
}

#[test]
fn a_damaged_rsa_pair_is_not_imported() {
    with_provider(|provider| {
        let pair = made(generate(provider, attributes(KeyType::RsaKeyPair, 1024)));
        let good = export(provider, &pair);
        let again = made(import(provider, attributes(KeyType::RsaKeyPair, 0), good.expose()));
        assert_eq!((again.attributes, again.public), (pair.attributes, pair.public));
        // The primes and the numbers that follow from them fill the second half of the encoding.
        let mut refused = 0;
        for position in (good.len() / 2 + 20..good.len() - 20).step_by(31) {
            let mut damaged = good.expose().to_vec();
            damaged[position] ^= 0x10;
            match import(provider, attributes(KeyType::RsaKeyPair, 1024), &damaged) {
                INVALID_ARGUMENT => refused += 1,
                other => panic!("position {position}: {other:?}"),
            }
        }
        assert!(refused > 5);
    });
}

#[test]
fn rsa_keys_outside_the_table_are_not_imported() {
    // RSA-512 with e = 65537: SEQUENCE { INTEGER modulus, INTEGER exponent }.
    let mut modulus = vec![0xC3; 64];
    modulus[63] |= 1;
    let mut der = vec![0x30, 72, 0x02, 65, 0];
    der.extend_from_slice(&modulus);
    der.extend_from_slice(&[0x02, 3, 1, 0, 1]);
    with_provider(|provider| {
        for bits in [0, 512] {
            assert_eq!(import(provider, attributes(KeyType::RsaPublicKey, bits), &der), INVALID_ARGUMENT);
        }
    });
}

#[test]
fn hashes_of_another_length_are_refused_before_the_key_is_used() {
    with_provider(|provider| {
        let ecc = made(generate(provider, attributes(P256, 256)));
        let rsa = made(generate(provider, attributes(KeyType::RsaKeyPair, 1024)));
        for (key, algorithm) in [
            (&ecc, AsymmetricSignature::Ecdsa(SHA256)),
            (&ecc, AsymmetricSignature::DeterministicEcdsa(SHA256)),
            (&rsa, AsymmetricSignature::RsaPkcs1v15Sign(SHA256)),
            (&rsa, AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(Hash::Sha512_256))),
            (&rsa, AsymmetricSignature::RsaPss(SHA256)),
        ] {
            for length in [0, 31, 33, 64] {
                assert_eq!(sign(provider, key, algorithm, &vec![1; length]), INVALID_ARGUMENT);
                assert_eq!(verify(provider, key, algorithm, &vec![1; length], &[1; 64]), INVALID_ARGUMENT);
            }
        }
        let raw = AsymmetricSignature::RsaPkcs1v15SignRaw;
        assert_eq!(output(sign(provider, &rsa, raw, &[1; 128 - 11])).len(), 128);
        assert_eq!(sign(provider, &rsa, raw, &[1; 128 - 10]), INVALID_ARGUMENT);
        assert_eq!(verify(provider, &rsa, raw, &[1; 128 - 10], &[1; 128]), INVALID_ARGUMENT);
        assert_eq!(verify(provider, &rsa, raw, &[1; 128 - 10], &[0xFF; 128]), INVALID_ARGUMENT);
    });
}

#[test]
fn a_signature_that_is_not_below_the_modulus_is_invalid() {
    with_provider(|provider| {
        let pair = made(generate(provider, attributes(KeyType::RsaKeyPair, 1024)));
        let public = made(import(provider, attributes(KeyType::RsaPublicKey, 1024), &pair.public));
        // RSAPublicKey of 1024 bits: the modulus stands at a fixed place, behind a zero.
        let modulus = &pair.public[7..7 + 128];
        for algorithm in [
            AsymmetricSignature::RsaPkcs1v15SignRaw,
            AsymmetricSignature::RsaPkcs1v15Sign(SHA256),
            AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(Hash::Sha512_256)),
            AsymmetricSignature::RsaPss(SHA256),
        ] {
            for signature in [modulus, &[0xFF; 128]] {
                for key in [&pair, &public] {
                    assert_eq!(verify(provider, key, algorithm, &[7; 32], signature), INVALID_SIGNATURE);
                }
            }
        }
    });
}

#[test]
fn deterministic_ecdsa_gives_the_signature_of_rfc_6979() {
    // RFC 6979, A.2.5: P-256, SHA-256, message "sample".
    let private = hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    let expected = hex(concat!(
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    ));
    with_provider(|provider| {
        let key = made(import(provider, attributes(P256, 0), &private));
        let input = SecretBytes::from(b"sample".as_slice());
        let hash = output(provider.run(&Job::HashCompute { algorithm: Hash::Sha256, input }));
        let deterministic = AsymmetricSignature::DeterministicEcdsa(SHA256);
        assert_eq!(output(sign(provider, &key, deterministic, &hash)), expected);
        assert_eq!(verify(provider, &key, AsymmetricSignature::Ecdsa(SHA256), &hash, &expected), VERIFIED);
    });
}

#[test]
fn hashes_are_those_of_the_standards() {
    with_provider(|provider| {
        for (algorithm, expected) in [
            (Hash::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Hash::Ripemd160, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
            (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Hash::Sha3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
        ] {
            let input = SecretBytes::from(b"abc".as_slice());
            assert_eq!(output(provider.run(&Job::HashCompute { algorithm, input })), hex(expected));
        }
    });
}
