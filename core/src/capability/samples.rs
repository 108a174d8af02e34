//! A provider that can do much, for tests: every operation, sizes and gaps as software has them.

use super::{AlgorithmCapability, BitRange, Capabilities, KeyCapability};
use crate::policy::samples::{CIPHERS, hashing_signatures};
use alloc::vec::Vec;
use parsecd_wire::Opcode;
use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, Mac, RawKeyAgreement, SignHash,
};
use parsecd_wire::attributes::{DhFamily, EccFamily, KeyType};

const HASHES: [Hash; 4] = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512];

fn works(algorithm: Algorithm) -> AlgorithmCapability {
    AlgorithmCapability { algorithm, bits: None, shortened: Vec::new() }
}

fn shortened(algorithm: Algorithm, lengths: impl IntoIterator<Item = u32>) -> AlgorithmCapability {
    AlgorithmCapability { algorithm, bits: None, shortened: lengths.into_iter().collect() }
}

fn key(key_type: KeyType, bits: Vec<BitRange>, algorithms: Vec<AlgorithmCapability>) -> KeyCapability {
    KeyCapability { key_type, bits, generate: !key_type.is_public(), import: true, algorithms }
}

/// A pair and its public half.
fn both(pair: KeyType, bits: Vec<BitRange>, algorithms: Vec<AlgorithmCapability>) -> [KeyCapability; 2] {
    let public = key(pair.public_type().unwrap(), bits.clone(), algorithms.clone());
    [key(pair, bits, algorithms), public]
}

fn sizes(bits: &[u32]) -> Vec<BitRange> {
    bits.iter().copied().map(BitRange::only).collect()
}

pub fn software() -> Capabilities {
    let mut keys = Vec::new();
    let any_bytes = Vec::from([BitRange { min: 8, max: 65_528, step: 8 }]);
    let block = Vec::from([BitRange { min: 128, max: 256, step: 64 }]);
    let macs = HASHES.map(|hash| {
        let whole = u32::try_from(hash.length()).unwrap();
        shortened(Algorithm::Mac(Mac::FullLength(FullLengthMac::Hmac(hash))), 4..=whole)
    });
    let ccm = Algorithm::Aead(Aead::DefaultLengthTag(AeadAlgorithm::Ccm));
    let gcm = Algorithm::Aead(Aead::DefaultLengthTag(AeadAlgorithm::Gcm));
    let poly = Algorithm::Aead(Aead::DefaultLengthTag(AeadAlgorithm::ChaCha20Poly1305));
    let cmac = Algorithm::Mac(Mac::FullLength(FullLengthMac::Cmac));
    let mut aes = Vec::from([
        shortened(ccm, [4, 6, 8, 10, 12, 14, 16]),
        shortened(gcm, 4..=16),
        shortened(cmac, 4..=16),
    ]);
    aes.extend(
        CIPHERS
            .into_iter()
            .filter(|cipher| !matches!(cipher, Cipher::StreamCipher | Cipher::Xts))
            .map(|cipher| works(Algorithm::Cipher(cipher))),
    );
    keys.push(key(KeyType::RawData, any_bytes.clone(), Vec::new()));
    keys.push(key(KeyType::Derive, any_bytes.clone(), Vec::new()));
    keys.push(key(KeyType::Hmac, any_bytes, macs.to_vec()));
    keys.push(key(KeyType::Aes, block, aes));
    keys.push(key(KeyType::Des, sizes(&[64, 128, 192]), Vec::new()));
    keys.push(key(KeyType::ChaCha20, sizes(&[256]), Vec::from([works(poly)])));

    let mut rsa = Vec::from([
        works(Algorithm::AsymmetricSignature(AsymmetricSignature::RsaPkcs1v15SignRaw)),
        works(Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaPkcs1v15Crypt)),
    ]);
    let mut ecc = Vec::from([works(Algorithm::AsymmetricSignature(AsymmetricSignature::EcdsaAny))]);
    let ecdh = works(Algorithm::KeyAgreement(KeyAgreement::Raw(RawKeyAgreement::Ecdh)));
    for hash in HASHES {
        let [pkcs1v15, pss, ecdsa, deterministic] =
            hashing_signatures(SignHash::Specific(hash)).map(Algorithm::AsymmetricSignature).map(works);
        // SHA-512 leaves no room for its salt, or for any plaintext, in the smallest modulus.
        let from = |bits| Some(BitRange { min: bits, max: 4096, step: 8 });
        let (signs, encrypts) = if hash == Hash::Sha512 { (1040, 1048) } else { (1024, 1024) };
        rsa.push(pkcs1v15);
        rsa.push(AlgorithmCapability { bits: from(signs), ..pss });
        rsa.push(AlgorithmCapability {
            bits: from(encrypts),
            ..works(Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaOaep(hash)))
        });
        ecc.extend([ecdsa, deterministic]);
    }
    ecc.push(ecdh.clone());
    let curves = |family, bits: &[u32]| (KeyType::EccKeyPair(family), sizes(bits));
    keys.extend(both(KeyType::RsaKeyPair, Vec::from([BitRange { min: 1024, max: 4096, step: 8 }]), rsa));
    for (pair, bits) in [
        curves(EccFamily::SecpK1, &[192, 256]),
        curves(EccFamily::SecpR1, &[192, 224, 256, 384, 521]),
        curves(EccFamily::BrainpoolPR1, &[256, 384, 512]),
    ] {
        keys.extend(both(pair, bits, ecc.clone()));
    }
    let (pair, bits) = curves(EccFamily::Montgomery, &[255, 448]);
    keys.extend(both(pair, bits, Vec::from([ecdh])));
    keys.extend(both(
        KeyType::DhKeyPair(DhFamily::Rfc7919),
        sizes(&[2048, 3072, 4096, 6144, 8192]),
        Vec::new(),
    ));
    Capabilities {
        opcodes: Opcode::ALL.into_iter().filter(|opcode| !opcode.is_core()).collect(),
        keys,
        hashes: HASHES.into_iter().collect(),
    }
}
