//! What the executor can do. The tests try every row.

use parsecd_core::capability::{AlgorithmCapability, BitRange, Capabilities, KeyCapability};
use parsecd_wire::Opcode;
use parsecd_wire::algorithm::{Algorithm, AsymmetricEncryption, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType};

/// Hashes it computes, also for PSS and OAEP: those of the software provider.
const HASHES: [Hash; 11] = [
    Hash::Md5,
    Hash::Ripemd160,
    Hash::Sha1,
    Hash::Sha224,
    Hash::Sha256,
    Hash::Sha384,
    Hash::Sha512,
    Hash::Sha3_224,
    Hash::Sha3_256,
    Hash::Sha3_384,
    Hash::Sha3_512,
];

/// Smallest and largest RSA key in bits (decisions.md 3).
const RSA_MIN: u32 = 1024;
const RSA_MAX: u32 = 4096;

/// What runs on the executor: public-key operations with keys of the types and sizes listed, and hashes. Other
/// curves are for lanes.
pub fn capabilities() -> Capabilities {
    let rsa = vec![BitRange { min: RSA_MIN, max: RSA_MAX, step: 8 }];
    let nist = [256, 384, 521].map(BitRange::only).to_vec();
    let koblitz = vec![BitRange::only(256)];
    Capabilities {
        opcodes: [
            Opcode::PsaVerifyHash,
            Opcode::PsaAsymmetricEncrypt,
            Opcode::PsaHashCompute,
            Opcode::PsaHashCompare,
        ]
        .into_iter()
        .collect(),
        keys: pair_and_public(KeyType::RsaKeyPair, rsa, rsa_algorithms())
            .chain(pair_and_public(KeyType::EccKeyPair(EccFamily::SecpR1), nist, ecdsa_algorithms()))
            .chain(pair_and_public(KeyType::EccKeyPair(EccFamily::SecpK1), koblitz, ecdsa_algorithms()))
            .collect(),
        hashes: HASHES.into_iter().collect(),
    }
}

fn pair_and_public(
    pair: KeyType,
    bits: Vec<BitRange>,
    algorithms: Vec<AlgorithmCapability>,
) -> impl Iterator<Item = KeyCapability> {
    [Some(pair), pair.public_type()].into_iter().flatten().map(move |key_type| KeyCapability {
        key_type,
        bits: bits.clone(),
        generate: false,
        import: false,
        algorithms: algorithms.clone(),
    })
}

fn works(algorithm: Algorithm) -> AlgorithmCapability {
    AlgorithmCapability { algorithm, bits: None, shortened: Vec::new() }
}

fn signature(scheme: AsymmetricSignature) -> AlgorithmCapability {
    works(Algorithm::AsymmetricSignature(scheme))
}

fn rsa_algorithms() -> Vec<AlgorithmCapability> {
    let mut algorithms = vec![
        signature(AsymmetricSignature::RsaPkcs1v15SignRaw),
        works(Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaPkcs1v15Crypt)),
    ];
    for hash in HASHES.into_iter().chain([Hash::Sha512_224, Hash::Sha512_256]) {
        algorithms.push(signature(AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(hash))));
    }
    for hash in HASHES {
        // Room for the hash and a salt as long as the hash (RFC 8017, 9.1.1).
        let room = hash.length().saturating_mul(2).saturating_add(2);
        let pss = signature(AsymmetricSignature::RsaPss(SignHash::Specific(hash)));
        algorithms.push(AlgorithmCapability { bits: rsa_from(room), ..pss });
        // Room for one byte of plaintext (RFC 8017, 7.1.1).
        let oaep = works(Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaOaep(hash)));
        algorithms.push(AlgorithmCapability { bits: rsa_from(room.saturating_add(1)), ..oaep });
    }
    algorithms
}

/// RSA keys whose modulus has at least so many bytes; `None`: all.
fn rsa_from(bytes: usize) -> Option<BitRange> {
    let min = u32::try_from(bytes.saturating_mul(8)).ok()?;
    (min > RSA_MIN).then_some(BitRange { min, max: RSA_MAX, step: 8 })
}

/// Verification takes the hash as it is and needs no hash function.
fn ecdsa_algorithms() -> Vec<AlgorithmCapability> {
    let mut algorithms = vec![signature(AsymmetricSignature::EcdsaAny)];
    for hash in Hash::ALL {
        algorithms.push(signature(AsymmetricSignature::Ecdsa(SignHash::Specific(hash))));
    }
    for hash in HASHES {
        algorithms.push(signature(AsymmetricSignature::DeterministicEcdsa(SignHash::Specific(hash))));
    }
    algorithms
}
