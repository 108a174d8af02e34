//! What Mbed TLS can do with the configuration that psa-crypto-sys builds. The tests of this crate try
//! every row.

use parsecd_core::capability::{AlgorithmCapability, BitRange, Capabilities, KeyCapability};
use parsecd_wire::Opcode;
use parsecd_wire::algorithm::{Aead, Algorithm, AsymmetricSignature, Hash, Mac, SignHash};
use parsecd_wire::attributes::{DhFamily, EccFamily, KeyType};

/// Hashes the library computes.
pub const HASHES: [Hash; 11] = [
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

/// Largest RSA key in bits.
const RSA_MAX: u32 = 4096;

/// Everything the provider serves.
pub fn capabilities() -> Capabilities {
    Capabilities {
        opcodes: [
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
            Opcode::CanDoCrypto,
        ]
        .into_iter()
        .collect(),
        keys: keys(),
        hashes: HASHES.into_iter().collect(),
    }
}

/// Whether keys of this type can have this size.
pub fn has_size(capability: &KeyCapability, bits: u32) -> bool {
    capability.bits.iter().any(|range| in_range(*range, bits))
}

/// Whether keys of this type and size work with this algorithm.
pub fn has_algorithm(capability: &KeyCapability, bits: u32, algorithm: Algorithm) -> bool {
    let (wanted, shortened) = match algorithm {
        Algorithm::Mac(Mac::Truncated { algorithm, length }) => {
            (Algorithm::Mac(Mac::FullLength(algorithm)), Some(length))
        }
        Algorithm::Aead(Aead::ShortenedTag { algorithm, tag_length }) => {
            (Algorithm::Aead(Aead::DefaultLengthTag(algorithm)), Some(tag_length))
        }
        other => (other, None),
    };
    capability.algorithms.iter().any(|row| {
        row.algorithm == wanted
            && row.bits.is_none_or(|range| in_range(range, bits))
            && shortened.is_none_or(|length| row.shortened.contains(&length))
    })
}

fn in_range(range: BitRange, bits: u32) -> bool {
    (range.min..=range.max).contains(&bits) && (bits - range.min).is_multiple_of(range.step)
}

fn keys() -> Vec<KeyCapability> {
    // The library counts bits of a key in a u16, and no key has more than 65,528.
    let bytes = vec![BitRange { min: 8, max: 65_528, step: 8 }];
    let block = vec![BitRange { min: 128, max: 256, step: 64 }];
    let mut keys = vec![
        symmetric(KeyType::RawData, bytes.clone()),
        symmetric(KeyType::Hmac, bytes.clone()),
        symmetric(KeyType::Derive, bytes),
        symmetric(KeyType::Aes, block.clone()),
        symmetric(KeyType::Camellia, block),
        symmetric(KeyType::Des, sizes(&[64, 128, 192])),
        symmetric(KeyType::ChaCha20, sizes(&[256])),
    ];
    let rsa = vec![BitRange { min: 1024, max: RSA_MAX, step: 8 }];
    keys.extend(pair_and_public(KeyType::RsaKeyPair, rsa, rsa_algorithms()));
    for (family, bits) in [
        (EccFamily::SecpK1, sizes(&[192, 256])),
        (EccFamily::SecpR1, sizes(&[192, 224, 256, 384, 521])),
        (EccFamily::BrainpoolPR1, sizes(&[256, 384, 512])),
    ] {
        keys.extend(pair_and_public(KeyType::EccKeyPair(family), bits, ecdsa_algorithms()));
    }
    let montgomery = KeyType::EccKeyPair(EccFamily::Montgomery);
    keys.extend(pair_and_public(montgomery, sizes(&[255, 448]), Vec::new()));
    let rfc7919 = sizes(&[2048, 3072, 4096, 6144, 8192]);
    keys.extend(pair_and_public(KeyType::DhKeyPair(DhFamily::Rfc7919), rfc7919, Vec::new()));
    keys
}

fn sizes(bits: &[u32]) -> Vec<BitRange> {
    bits.iter().map(|bits| BitRange { min: *bits, max: *bits, step: 1 }).collect()
}

fn symmetric(key_type: KeyType, bits: Vec<BitRange>) -> KeyCapability {
    KeyCapability { key_type, bits, generate: true, import: true, algorithms: Vec::new() }
}

fn pair_and_public(
    pair: KeyType,
    bits: Vec<BitRange>,
    algorithms: Vec<AlgorithmCapability>,
) -> impl Iterator<Item = KeyCapability> {
    let public = pair.public_type().map(|key_type| KeyCapability {
        key_type,
        bits: bits.clone(),
        generate: false,
        import: true,
        algorithms: algorithms.clone(),
    });
    let pair = KeyCapability { key_type: pair, bits, generate: true, import: true, algorithms };
    core::iter::once(pair).chain(public)
}

fn signature(scheme: AsymmetricSignature, bits: Option<BitRange>) -> AlgorithmCapability {
    AlgorithmCapability { algorithm: Algorithm::AsymmetricSignature(scheme), bits, shortened: Vec::new() }
}

fn rsa_algorithms() -> Vec<AlgorithmCapability> {
    let mut algorithms = vec![signature(AsymmetricSignature::RsaPkcs1v15SignRaw, None)];
    for hash in HASHES.into_iter().chain([Hash::Sha512_224, Hash::Sha512_256]) {
        algorithms.push(signature(AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(hash)), None));
    }
    for hash in HASHES {
        algorithms.push(signature(AsymmetricSignature::RsaPss(SignHash::Specific(hash)), pss_sizes(hash)));
    }
    algorithms
}

/// RSA keys that have room for the hash and a salt as long as the hash (RFC 8017, 9.1.1). Where there is
/// less, the library would shorten the salt, and verifiers that expect the whole would refuse it.
fn pss_sizes(hash: Hash) -> Option<BitRange> {
    let needed = u32::try_from(8 * (2 * hash.length() + 2)).ok()?;
    (needed > 1024).then_some(BitRange { min: needed, max: RSA_MAX, step: 8 })
}

fn ecdsa_algorithms() -> Vec<AlgorithmCapability> {
    let mut algorithms = vec![signature(AsymmetricSignature::EcdsaAny, None)];
    // With a random nonce, ECDSA takes the hash as it is and needs no hash function.
    for hash in Hash::ALL {
        algorithms.push(signature(AsymmetricSignature::Ecdsa(SignHash::Specific(hash)), None));
    }
    for hash in HASHES {
        let scheme = AsymmetricSignature::DeterministicEcdsa(SignHash::Specific(hash));
        algorithms.push(signature(scheme, None));
    }
    algorithms
}
