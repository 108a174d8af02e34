//! Public parts that are damaged, chosen with care, or random.

mod support;

use parsecd_core::outcome::Outcome;
use parsecd_executor::run;
use parsecd_wire::algorithm::{AsymmetricEncryption, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::KeyType;
use proptest::prelude::*;
use support::*;

const RAW: AsymmetricSignature = AsymmetricSignature::RsaPkcs1v15SignRaw;

#[test]
fn a_point_that_is_none_is_refused_as_by_the_software_provider() {
    with_provider(|provider| {
        let good = generate(provider, P256, 256).public;
        let changed = |at: usize, value: u8| {
            let mut copy = good.clone();
            copy[at] = value;
            copy
        };
        let compressed = |tag: u8| [&[tag], &good[1..33]].concat();
        let cases = [
            Vec::new(),
            vec![0],
            vec![4],
            vec![0; 65],
            changed(0, 0),
            changed(0, 2),
            changed(0, 5),
            changed(0, 6),
            changed(0, 7),
            changed(64, good[64] ^ 1),
            changed(1, good[1] ^ 1),
            compressed(2),
            compressed(3),
            good[..64].to_vec(),
            [&good, [0].as_slice()].concat(),
            // Coordinates above the prime of the field.
            [vec![4], vec![0xFF; 64]].concat(),
            [vec![4], vec![0; 64]].concat(),
        ];
        for public in cases {
            let key = public_key(P256, 256, &public);
            let job = verify_job(&key, AsymmetricSignature::EcdsaAny, &[1; 32], &[1; 64]);
            assert_eq!(both(provider, &job), INVALID_ARGUMENT, "{public:02x?}");
        }
    });
}

/// RSAPublicKey of `modulus` and `exponent`, given with the zero that keeps them positive.
fn rsa_public(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let element = |tag: u8, content: &[u8]| {
        let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
        let header = match content.len() {
            0..=0x7F => vec![tag, low],
            0x80..=0xFF => vec![tag, 0x81, low],
            _ => vec![tag, 0x82, high, low],
        };
        [header.as_slice(), content].concat()
    };
    element(0x30, &[element(2, modulus), element(2, exponent)].concat())
}

fn modulus() -> Vec<u8> {
    let mut modulus = vec![0xC7; 129];
    modulus[0] = 0;
    modulus
}

#[test]
fn an_rsa_key_that_is_none_is_refused() {
    let good = rsa_public(&modulus(), &[1, 0, 1]);
    let key = public_key(KeyType::RsaPublicKey, 1024, &good);
    assert_eq!(run(&verify_job(&key, RAW, &[1; 32], &[1; 128])), INVALID_SIGNATURE);
    let even = [modulus()[..128].to_vec(), vec![0xC6]].concat();
    let cases = [
        Vec::new(),
        vec![0x30, 0],
        good[..good.len() - 1].to_vec(),
        [&good, [0].as_slice()].concat(),
        rsa_public(&even, &[1, 0, 1]),
        rsa_public(&modulus(), &[0]),
        rsa_public(&modulus(), &[1]),
        rsa_public(&modulus(), &[4]),
        // Negative: no zero in front.
        rsa_public(&modulus()[1..], &[1, 0, 1]),
        // Another size than the attributes say.
        rsa_public(&[0x7F; 128], &[1, 0, 1]),
        rsa_public(&[modulus(), vec![0xC7; 8]].concat(), &[1, 0, 1]),
    ];
    with_provider(|provider| {
        for public in cases {
            let key = public_key(KeyType::RsaPublicKey, 1024, &public);
            let job = verify_job(&key, RAW, &[1; 32], &[1; 128]);
            assert_eq!(run(&job), INVALID_ARGUMENT, "{public:02x?}");
            let refused = provider.run(&job);
            assert!(matches!(refused, Outcome::Refused(_)), "{refused:?} {public:02x?}");
        }
    });
}

#[test]
fn a_long_public_exponent_is_left_to_a_lane() {
    let pem = openssl(
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:1024",
            "-pkeyopt",
            "rsa_keygen_pubexp:1099511627777",
        ],
        &[],
    );
    let der = openssl(&["rsa", "-traditional", "-outform", "DER"], &pem);
    with_provider(|provider| {
        let key = import(provider, KeyType::RsaKeyPair, &der);
        let scheme = AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(Hash::Sha256));
        let signature = sign(provider, &key, scheme, &[3; 32]);
        let job = verify_job(&key, scheme, &[3; 32], &signature);
        assert_eq!(run(&job), Outcome::NoEffect);
        assert_eq!(provider.run(&job), VERIFIED);
        let job = encrypt_job(&key, AsymmetricEncryption::RsaPkcs1v15Crypt, b"text", &[]);
        assert_eq!(run(&job), Outcome::NoEffect);
    });
}

#[test]
fn a_signature_above_the_modulus_is_invalid() {
    let key = public_key(KeyType::RsaPublicKey, 1024, &rsa_public(&modulus(), &[1, 0, 1]));
    let pss = AsymmetricSignature::RsaPss(SignHash::Specific(Hash::Sha256));
    for scheme in [RAW, pss] {
        for signature in [modulus()[1..].to_vec(), vec![0xFF; 128]] {
            assert_eq!(run(&verify_job(&key, scheme, &[1; 32], &signature)), INVALID_SIGNATURE);
        }
    }
}

fn any_scheme() -> impl Strategy<Value = AsymmetricSignature> {
    let hash = prop::sample::select(Hash::ALL.to_vec()).prop_map(SignHash::Specific);
    let hash = prop_oneof![1 => Just(SignHash::Any), 9 => hash];
    (0..6, hash).prop_map(|(scheme, hash)| match scheme {
        0 => AsymmetricSignature::RsaPkcs1v15Sign(hash),
        1 => AsymmetricSignature::RsaPkcs1v15SignRaw,
        2 => AsymmetricSignature::RsaPss(hash),
        3 => AsymmetricSignature::Ecdsa(hash),
        4 => AsymmetricSignature::EcdsaAny,
        _ => AsymmetricSignature::DeterministicEcdsa(hash),
    })
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![0..600usize, Just(20), Just(32), Just(64), Just(65), Just(128), Just(256)];
    length.prop_flat_map(|length| prop::collection::vec(any::<u8>(), length))
}

/// Public parts from noise to keys: RSA with any odd modulus, points with any coordinates.
fn any_key() -> impl Strategy<Value = (KeyType, u32, Vec<u8>)> {
    let rsa = (128..300usize, any::<[u8; 300]>(), prop::sample::select(vec![3u8, 17, 1, 0, 255]));
    let rsa = rsa.prop_map(|(length, bytes, exponent)| {
        let mut modulus = bytes[..length].to_vec();
        modulus[0] |= 0x80;
        modulus[length - 1] |= 1;
        let bits = u32::try_from(8 * length).unwrap();
        let exponent = if exponent < 0x80 { vec![exponent] } else { vec![0, exponent] };
        let public = rsa_public(&[vec![0], modulus].concat(), &exponent);
        (KeyType::RsaPublicKey, bits, public)
    });
    let noise = (any_bytes(), prop::sample::select(vec![1024, 2048, 4096, 256, 384, 521]));
    let noise = noise.prop_flat_map(|(public, bits)| {
        let key_type = prop::sample::select(vec![KeyType::RsaKeyPair, P256, KeyType::RsaPublicKey]);
        (key_type, Just(bits), Just(public))
    });
    let point = any::<[u8; 32]>().prop_map(|x| (P256, 256, [vec![4], x.to_vec(), x.to_vec()].concat()));
    prop_oneof![rsa, noise, point]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_it_panic_or_verify(
        (key_type, bits, public) in any_key(),
        scheme in any_scheme(),
        hash in any_bytes(),
        signature in any_bytes(),
    ) {
        let key = public_key(key_type, bits, &public);
        prop_assert!(run(&verify_job(&key, scheme, &hash, &signature)) != VERIFIED);
        if let Some(SignHash::Specific(algorithm)) = scheme.hash() {
            let hash = vec![0xEE; algorithm.length()];
            prop_assert!(run(&verify_job(&key, scheme, &hash, &signature)) != VERIFIED);
        }
    }

    #[test]
    fn no_plaintext_makes_it_panic(
        (key_type, bits, public) in any_key(),
        hash in prop::sample::select(Hash::ALL.to_vec()),
        plaintext in any_bytes(),
        salt in any_bytes(),
    ) {
        let key = public_key(key_type, bits, &public);
        for scheme in [AsymmetricEncryption::RsaPkcs1v15Crypt, AsymmetricEncryption::RsaOaep(hash)] {
            let outcome = run(&encrypt_job(&key, scheme, &plaintext, &salt));
            if let Outcome::Done(_) = outcome {
                prop_assert_eq!(output(outcome).len() * 8, usize::try_from(bits).unwrap());
            }
        }
    }
}
