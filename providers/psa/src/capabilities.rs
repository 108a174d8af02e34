//! What Mbed TLS can do with the configuration that psa-crypto-sys builds. The tests of this crate try
//! every row.

use parsecd_core::capability::{AlgorithmCapability, BitRange, Capabilities, KeyCapability};
use parsecd_wire::Opcode;
use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, Mac, RawKeyAgreement, SignHash,
};
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

/// Smallest and largest RSA key in bits.
const RSA_MIN: u32 = 1024;
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
            Opcode::PsaAsymmetricEncrypt,
            Opcode::PsaAsymmetricDecrypt,
            Opcode::PsaExportKey,
            Opcode::PsaGenerateRandom,
            Opcode::PsaHashCompute,
            Opcode::PsaHashCompare,
            Opcode::PsaAeadEncrypt,
            Opcode::PsaAeadDecrypt,
            Opcode::PsaRawKeyAgreement,
            Opcode::PsaCipherEncrypt,
            Opcode::PsaCipherDecrypt,
            Opcode::PsaMacCompute,
            Opcode::PsaMacVerify,
            Opcode::CanDoCrypto,
        ]
        .into_iter()
        .collect(),
        keys: keys(),
        hashes: HASHES.into_iter().collect(),
    }
}

fn keys() -> Vec<KeyCapability> {
    // The library counts bits of a key in a u16, and no key has more than 65,528.
    let bytes = || vec![BitRange { min: 8, max: 65_528, step: 8 }];
    let block = || vec![BitRange { min: 128, max: 256, step: 64 }];
    let mut keys = vec![
        symmetric(KeyType::RawData, bytes(), Vec::new()),
        symmetric(KeyType::Hmac, bytes(), HASHES.map(hmac).into()),
        symmetric(KeyType::Derive, bytes(), Vec::new()),
        symmetric(KeyType::Aes, block(), aes_algorithms()),
        symmetric(KeyType::Camellia, block(), camellia_algorithms()),
        symmetric(KeyType::Des, sizes(&[64, 128, 192]), des_algorithms()),
        symmetric(KeyType::ChaCha20, sizes(&[256]), chacha20_algorithms()),
    ];
    let rsa = vec![BitRange { min: RSA_MIN, max: RSA_MAX, step: 8 }];
    keys.extend(pair_and_public(KeyType::RsaKeyPair, rsa, rsa_algorithms()));
    for (family, bits) in [
        (EccFamily::SecpK1, sizes(&[192, 256])),
        (EccFamily::SecpR1, sizes(&[192, 224, 256, 384, 521])),
        (EccFamily::BrainpoolPR1, sizes(&[256, 384, 512])),
    ] {
        let algorithms = ecdsa_algorithms().into_iter().chain([ecdh()]).collect();
        keys.extend(pair_and_public(KeyType::EccKeyPair(family), bits, algorithms));
    }
    let montgomery = KeyType::EccKeyPair(EccFamily::Montgomery);
    keys.extend(pair_and_public(montgomery, sizes(&[255, 448]), vec![ecdh()]));
    let rfc7919 = sizes(&[2048, 3072, 4096, 6144, 8192]);
    keys.extend(pair_and_public(KeyType::DhKeyPair(DhFamily::Rfc7919), rfc7919, Vec::new()));
    keys
}

fn sizes(bits: &[u32]) -> Vec<BitRange> {
    bits.iter().copied().map(BitRange::only).collect()
}

fn symmetric(key_type: KeyType, bits: Vec<BitRange>, algorithms: Vec<AlgorithmCapability>) -> KeyCapability {
    KeyCapability { key_type, bits, generate: true, import: true, algorithms }
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
        // Room for the hash and a salt as long as the hash (RFC 8017, 9.1.1). Where there is less, the
        // library would shorten the salt, and verifiers that expect the whole would refuse the signature.
        let room = 2 * hash.length() + 2;
        let pss = signature(AsymmetricSignature::RsaPss(SignHash::Specific(hash)));
        algorithms.push(AlgorithmCapability { bits: rsa_from(room), ..pss });
        // Room for one byte of plaintext (RFC 8017, 7.1.1).
        let oaep = works(Algorithm::AsymmetricEncryption(AsymmetricEncryption::RsaOaep(hash)));
        algorithms.push(AlgorithmCapability { bits: rsa_from(room + 1), ..oaep });
    }
    algorithms
}

/// RSA keys whose modulus has at least so many bytes; `None`: all.
fn rsa_from(bytes: usize) -> Option<BitRange> {
    let min = u32::try_from(8 * bytes).ok()?;
    (min > RSA_MIN).then_some(BitRange { min, max: RSA_MAX, step: 8 })
}

fn ecdsa_algorithms() -> Vec<AlgorithmCapability> {
    let mut algorithms = vec![signature(AsymmetricSignature::EcdsaAny)];
    // With a random nonce, ECDSA takes the hash as it is and needs no hash function.
    for hash in Hash::ALL {
        algorithms.push(signature(AsymmetricSignature::Ecdsa(SignHash::Specific(hash))));
    }
    for hash in HASHES {
        algorithms.push(signature(AsymmetricSignature::DeterministicEcdsa(SignHash::Specific(hash))));
    }
    algorithms
}

/// Finite-field Diffie-Hellman is not among them: the library does not check the peer's number.
fn ecdh() -> AlgorithmCapability {
    works(Algorithm::KeyAgreement(KeyAgreement::Raw(RawKeyAgreement::Ecdh)))
}

fn aead(algorithm: AeadAlgorithm, shortened: impl IntoIterator<Item = u32>) -> AlgorithmCapability {
    AlgorithmCapability {
        algorithm: Algorithm::Aead(Aead::DefaultLengthTag(algorithm)),
        bits: None,
        shortened: shortened.into_iter().collect(),
    }
}

/// The library refuses codes under four bytes.
fn mac(algorithm: FullLengthMac, length: u32, bits: Option<BitRange>) -> AlgorithmCapability {
    AlgorithmCapability {
        algorithm: Algorithm::Mac(Mac::FullLength(algorithm)),
        bits,
        shortened: (4..=length).collect(),
    }
}

fn hmac(hash: Hash) -> AlgorithmCapability {
    mac(FullLengthMac::Hmac(hash), u32::try_from(hash.length()).unwrap_or(0), None)
}

fn ciphers(modes: &[Cipher]) -> impl Iterator<Item = AlgorithmCapability> {
    modes.iter().map(|mode| works(Algorithm::Cipher(*mode)))
}

fn aes_algorithms() -> Vec<AlgorithmCapability> {
    let mut algorithms = camellia_algorithms();
    algorithms.push(mac(FullLengthMac::Cmac, 16, None));
    algorithms.extend(ciphers(&[Cipher::Ofb]));
    algorithms
}

fn camellia_algorithms() -> Vec<AlgorithmCapability> {
    let mut algorithms =
        vec![aead(AeadAlgorithm::Ccm, (4..=16).step_by(2)), aead(AeadAlgorithm::Gcm, 4..=16)];
    algorithms.extend(ciphers(&[
        Cipher::Ctr,
        Cipher::Cfb,
        Cipher::EcbNoPadding,
        Cipher::CbcNoPadding,
        Cipher::CbcPkcs7,
    ]));
    algorithms
}

fn des_algorithms() -> Vec<AlgorithmCapability> {
    let triple = Some(BitRange::only(192));
    let mut algorithms = vec![mac(FullLengthMac::Cmac, 8, triple)];
    algorithms.extend(ciphers(&[Cipher::EcbNoPadding, Cipher::CbcNoPadding, Cipher::CbcPkcs7]));
    algorithms
}

fn chacha20_algorithms() -> Vec<AlgorithmCapability> {
    let mut algorithms = vec![aead(AeadAlgorithm::ChaCha20Poly1305, [16])];
    algorithms.extend(ciphers(&[Cipher::StreamCipher]));
    algorithms
}
