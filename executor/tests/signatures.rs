//! Signatures that the software provider makes, verified by both.

mod support;

use parsecd_core::job::KeyInUse;
use parsecd_executor::{capabilities, run};
use parsecd_psa::Provider;
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType};
use support::*;

const ELLIPTIC_KEYS: [(EccFamily, u32); 4] =
    [(EccFamily::SecpR1, 256), (EccFamily::SecpR1, 384), (EccFamily::SecpR1, 521), (EccFamily::SecpK1, 256)];

fn schemes(key: &KeyInUse) -> Vec<AsymmetricSignature> {
    let table = capabilities();
    let works = |scheme: &AsymmetricSignature| {
        let algorithm = Algorithm::AsymmetricSignature(*scheme);
        table.works(key.attributes.key_type, key.attributes.bits, algorithm)
    };
    let listed = table.key(key.attributes.key_type).unwrap().algorithms.iter();
    listed
        .filter_map(|listed| match listed.algorithm {
            Algorithm::AsymmetricSignature(scheme) => Some(scheme),
            _ => None,
        })
        .filter(works)
        .collect()
}

/// A hash as the scheme wants it, with its first bits set: what is cut off from the left must not matter.
fn hash_for(scheme: AsymmetricSignature) -> Vec<u8> {
    let length = match scheme.hash() {
        Some(SignHash::Specific(hash)) => hash.length(),
        Some(SignHash::Any) | None => 32,
    };
    (0..length).map(|at| 0xF5_u8.wrapping_sub(u8::try_from(at).unwrap().wrapping_mul(7))).collect()
}

fn public_half(key: &KeyInUse) -> KeyInUse {
    public_key(key.attributes.key_type.public_type().unwrap(), key.attributes.bits, &key.public)
}

/// Everything that can be wrong with a signature is found, and found alike.
fn check_damage(
    provider: &mut Provider,
    key: &KeyInUse,
    scheme: AsymmetricSignature,
    hash: &[u8],
    signature: &[u8],
) {
    let mut damaged: Vec<Vec<u8>> = Vec::new();
    for at in [0, 1, signature.len() / 2 - 1, signature.len() / 2, signature.len() - 1] {
        for bit in [0x01, 0x80] {
            let mut copy = signature.to_vec();
            copy[at] ^= bit;
            damaged.push(copy);
        }
    }
    damaged.push(Vec::new());
    damaged.push(signature[1..].to_vec());
    damaged.push(signature[..signature.len() - 1].to_vec());
    damaged.push([signature, &[0]].concat());
    damaged.push([&[0], signature].concat());
    damaged.push(vec![0; signature.len()]);
    for signature in damaged {
        let job = verify_job(key, scheme, hash, &signature);
        assert_eq!(both(provider, &job), INVALID_SIGNATURE, "{job:?}");
    }
    for at in [0, hash.len() / 2, hash.len() - 1] {
        let mut other = hash.to_vec();
        other[at] ^= 0x10;
        let expected = if is_cut_off(key, at) { VERIFIED } else { INVALID_SIGNATURE };
        assert_eq!(both(provider, &verify_job(key, scheme, &other, signature)), expected);
    }
}

/// ECDSA uses as many bits of a hash as the curve has.
fn is_cut_off(key: &KeyInUse, at: usize) -> bool {
    key.attributes.key_type != KeyType::RsaKeyPair && 8 * at >= key.attributes.bits as usize
}

fn check_lengths(provider: &mut Provider, key: &KeyInUse, scheme: AsymmetricSignature, signature: &[u8]) {
    if let Some(SignHash::Specific(hash)) = scheme.hash() {
        for length in [0, 1, hash.length() - 1, hash.length() + 1, 200] {
            let job = verify_job(key, scheme, &vec![1; length], signature);
            assert_eq!(both(provider, &job), INVALID_ARGUMENT);
        }
    }
}

fn check_every_scheme(provider: &mut Provider, key: &KeyInUse) {
    for scheme in schemes(key) {
        let hash = hash_for(scheme);
        let signature = sign(provider, key, scheme, &hash);
        assert_eq!(both(provider, &verify_job(key, scheme, &hash, &signature)), VERIFIED, "{scheme:?}");
        assert_eq!(run(&verify_job(&public_half(key), scheme, &hash, &signature)), VERIFIED);
        check_lengths(provider, key, scheme, &signature);
        check_damage(provider, key, scheme, &hash, &signature);
    }
}

#[test]
fn every_elliptic_scheme_agrees_with_the_software_provider() {
    with_provider(|provider| {
        for (family, bits) in ELLIPTIC_KEYS {
            let key = generate(provider, KeyType::EccKeyPair(family), bits);
            for scheme in schemes(&key) {
                let hash = hash_for(scheme);
                let signature = sign(provider, &key, scheme, &hash);
                let job = verify_job(&key, scheme, &hash, &signature);
                assert_eq!(both(provider, &job), VERIFIED, "{scheme:?}");
                assert_eq!(run(&verify_job(&public_half(&key), scheme, &hash, &signature)), VERIFIED);
                check_lengths(provider, &key, scheme, &signature);
            }
            let scheme = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha512));
            let hash = hash_for(scheme);
            let signature = sign(provider, &key, scheme, &hash);
            check_damage(provider, &key, scheme, &hash, &signature);
        }
    });
}

#[test]
fn hashes_of_any_length_are_cut_to_the_size_of_the_curve() {
    with_provider(|provider| {
        for (family, bits) in ELLIPTIC_KEYS {
            let key = generate(provider, KeyType::EccKeyPair(family), bits);
            for length in [1, 8, 20, 31, 32, 33, 48, 49, 64, 65, 66, 67, 100, 200] {
                let hash: Vec<u8> = (0..length).map(|at| 0xFF - at).collect();
                let signature = sign(provider, &key, AsymmetricSignature::EcdsaAny, &hash);
                let job = verify_job(&key, AsymmetricSignature::EcdsaAny, &hash, &signature);
                assert_eq!(both(provider, &job), VERIFIED, "{bits} {length}");
            }
        }
    });
}

#[test]
fn both_signatures_of_a_hash_that_differ_in_sign_verify() {
    // n - s in place of s; n is the order of secp256k1.
    let order: [u8; 32] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xBA,
        0xAE, 0xDC, 0xE6, 0xAF, 0x48, 0xA0, 0x3B, 0xBF, 0xD2, 0x5E, 0x8C, 0xD0, 0x36, 0x41, 0x41,
    ];
    with_provider(|provider| {
        let key = generate(provider, KeyType::EccKeyPair(EccFamily::SecpK1), 256);
        let mut signature = sign(provider, &key, AsymmetricSignature::EcdsaAny, &[9; 32]);
        let job = verify_job(&key, AsymmetricSignature::EcdsaAny, &[9; 32], &signature);
        assert_eq!(both(provider, &job), VERIFIED);
        let mut borrow = 0;
        for (s, n) in signature[32..].iter_mut().zip(order).rev() {
            let difference = 256 + u16::from(n) - u16::from(*s) - borrow;
            *s = difference.to_le_bytes()[0];
            borrow = 1 - difference / 256;
        }
        let job = verify_job(&key, AsymmetricSignature::EcdsaAny, &[9; 32], &signature);
        assert_eq!(both(provider, &job), VERIFIED);
        // r and s have to be below the order.
        signature[32..].copy_from_slice(&order);
        let job = verify_job(&key, AsymmetricSignature::EcdsaAny, &[9; 32], &signature);
        assert_eq!(both(provider, &job), INVALID_SIGNATURE);
    });
}

#[test]
fn every_rsa_scheme_agrees_with_the_software_provider() {
    with_provider(|provider| {
        for bits in [1024, 1032, 2048] {
            let key = rsa_pair(provider, bits);
            check_every_scheme(provider, &key);
        }
    });
}

#[test]
fn large_rsa_keys_agree_with_the_software_provider() {
    with_provider(|provider| {
        for bits in [3072, 4096] {
            let key = rsa_pair(provider, bits);
            for scheme in [
                AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(Hash::Sha256)),
                AsymmetricSignature::RsaPss(SignHash::Specific(Hash::Sha512)),
                AsymmetricSignature::RsaPkcs1v15SignRaw,
            ] {
                let hash = hash_for(scheme);
                let signature = sign(provider, &key, scheme, &hash);
                assert_eq!(both(provider, &verify_job(&key, scheme, &hash, &signature)), VERIFIED);
                check_damage(provider, &key, scheme, &hash, &signature);
            }
        }
    });
}

#[test]
fn raw_rsa_signatures_are_of_anything_that_fits_the_modulus() {
    with_provider(|provider| {
        let key = rsa_pair(provider, 1024);
        let scheme = AsymmetricSignature::RsaPkcs1v15SignRaw;
        for length in [1, 16, 20, 100, 117] {
            let content = vec![0xA5; length];
            let signature = sign(provider, &key, scheme, &content);
            assert_eq!(both(provider, &verify_job(&key, scheme, &content, &signature)), VERIFIED);
        }
        for length in [118, 128, 1000] {
            let job = verify_job(&key, scheme, &vec![0xA5; length], &[1; 128]);
            assert_eq!(both(provider, &job), INVALID_ARGUMENT);
        }
    });
}

#[test]
fn a_salt_of_another_length_is_not_verified() {
    with_provider(|provider| {
        let directory = std::env::temp_dir().join(format!("parsecd-executor-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("key.pem");
        let pem = openssl(&["genrsa", "-traditional", "2048"], &[]);
        std::fs::write(&path, &pem).unwrap();
        let der = openssl(&["rsa", "-traditional", "-outform", "DER"], &pem);
        let key = import(provider, KeyType::RsaKeyPair, &der);
        let scheme = AsymmetricSignature::RsaPss(SignHash::Specific(Hash::Sha256));
        let hash = [0x77; 32];
        for (salt, expected) in [("32", VERIFIED), ("0", INVALID_SIGNATURE), ("64", INVALID_SIGNATURE)] {
            let salt = format!("rsa_pss_saltlen:{salt}");
            let arguments = ["pkeyutl", "-sign", "-pkeyopt", "digest:sha256", "-pkeyopt"];
            let more = ["rsa_padding_mode:pss", "-pkeyopt", &salt, "-inkey", path.to_str().unwrap()];
            let signature = openssl(&[arguments.as_slice(), &more].concat(), &hash);
            assert_eq!(both(provider, &verify_job(&key, scheme, &hash, &signature)), expected);
        }
        std::fs::remove_dir_all(&directory).unwrap();
    });
}

#[test]
fn what_is_not_listed_is_not_supported() {
    let any = AsymmetricSignature::Ecdsa(SignHash::Any);
    let rsa = AsymmetricSignature::RsaPkcs1v15SignRaw;
    let point = [4; 65];
    for (key_type, bits, scheme) in [
        (P256, 256, any),
        (P256, 256, rsa),
        (P256, 255, AsymmetricSignature::EcdsaAny),
        (KeyType::Aes, 256, AsymmetricSignature::EcdsaAny),
        (KeyType::RsaPublicKey, 1024, AsymmetricSignature::EcdsaAny),
        (KeyType::RsaPublicKey, 512, rsa),
        (KeyType::RsaPublicKey, 8192, rsa),
        (KeyType::RsaPublicKey, 1024, AsymmetricSignature::RsaPss(SignHash::Specific(Hash::Sha512))),
        (KeyType::EccKeyPair(EccFamily::SecpR1), 192, AsymmetricSignature::EcdsaAny),
    ] {
        let job = verify_job(&public_key(key_type, bits, &point), scheme, &[1; 32], &[1; 64]);
        assert_eq!(run(&job), NOT_SUPPORTED, "{job:?}");
    }
}
