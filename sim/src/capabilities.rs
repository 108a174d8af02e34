//! What the two fake providers say they can do.

use parsecd_core::capability::{AlgorithmCapability, BitRange, Capabilities, KeyCapability};
use parsecd_wire::Opcode;
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType};

/// ECDSA over SHA-256, which both providers have.
pub const ECDSA: AsymmetricSignature = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));
/// PKCS#1 v1.5 over SHA-256, which both providers have.
pub const RSA: AsymmetricSignature = AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(Hash::Sha256));

/// Operations that both serve.
const COMMON: [Opcode; 9] = [
    Opcode::PsaGenerateKey,
    Opcode::PsaImportKey,
    Opcode::PsaExportPublicKey,
    Opcode::PsaDestroyKey,
    Opcode::PsaSignHash,
    Opcode::PsaVerifyHash,
    Opcode::PsaGenerateRandom,
    Opcode::PsaHashCompute,
    Opcode::PsaHashCompare,
];

/// Those of the provider that seals.
pub fn sealing() -> Capabilities {
    let mut all = owning();
    all.opcodes.insert(Opcode::PsaExportKey);
    all.keys.push(KeyCapability {
        key_type: KeyType::Aes,
        bits: vec![BitRange { min: 128, max: 256, step: 64 }],
        generate: true,
        import: true,
        algorithms: Vec::new(),
    });
    all
}

/// Those of the provider that owns its objects.
pub fn owning() -> Capabilities {
    let key = |key_type: KeyType, bits: BitRange, signature: AsymmetricSignature| KeyCapability {
        key_type,
        bits: vec![bits],
        generate: key_type.is_key_pair(),
        import: key_type != KeyType::RsaKeyPair,
        algorithms: vec![AlgorithmCapability {
            algorithm: Algorithm::AsymmetricSignature(signature),
            bits: None,
            shortened: Vec::new(),
        }],
    };
    let curve = BitRange { min: 256, max: 256, step: 1 };
    Capabilities {
        opcodes: COMMON.into_iter().chain([Opcode::CanDoCrypto]).collect(),
        keys: vec![
            key(KeyType::EccKeyPair(EccFamily::SecpR1), curve, ECDSA),
            key(KeyType::EccPublicKey(EccFamily::SecpR1), curve, ECDSA),
            key(KeyType::RsaKeyPair, BitRange { min: 1024, max: 2048, step: 1024 }, RSA),
        ],
        hashes: [Hash::Sha256, Hash::Sha512].into(),
    }
}
