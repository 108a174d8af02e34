//! Whether a key may be used for an operation (operations.md 4.3, decisions.md 3).

use super::algorithm::{is_compatible, permits};
use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac,
    KeyAgreement, Mac, RawKeyAgreement, SignHash,
};
use parsecd_wire::attributes::{KeyAttributes, KeyType, UsageFlags};
use parsecd_wire::{Operation, Status};

/// Bytes that PKCS#1 v1.5 padding adds at least.
const PKCS1V15_OVERHEAD: usize = 11;

/// Bytes of the tag of every AEAD algorithm when it is not shortened.
const DEFAULT_TAG: usize = 16;

/// A use of a key as its policy sees it: algorithm and lengths in bytes, no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "fields are those of operations.md, section of the operation")]
pub enum KeyUse {
    SignHash { algorithm: AsymmetricSignature, hash: usize },
    VerifyHash { algorithm: AsymmetricSignature, hash: usize },
    SignMessage { algorithm: AsymmetricSignature },
    VerifyMessage { algorithm: AsymmetricSignature },
    AsymmetricEncrypt { algorithm: AsymmetricEncryption, plaintext: usize, has_salt: bool },
    AsymmetricDecrypt { algorithm: AsymmetricEncryption, ciphertext: usize, has_salt: bool },
    AeadEncrypt { algorithm: Aead, nonce: usize, plaintext: usize },
    AeadDecrypt { algorithm: Aead, nonce: usize, ciphertext: usize },
    CipherEncrypt { algorithm: Cipher, plaintext: usize },
    CipherDecrypt { algorithm: Cipher, ciphertext: usize },
    MacCompute { algorithm: Mac },
    MacVerify { algorithm: Mac },
    RawKeyAgreement { algorithm: RawKeyAgreement },
    Export,
    ExportPublic,
}

impl KeyUse {
    /// The use that `operation` makes of the key it names; `None` if no policy governs it (it makes or
    /// destroys a key, attests one, or names none).
    pub fn of(operation: &Operation) -> Option<KeyUse> {
        let key_use = match operation {
            Operation::PsaSignHash { algorithm, hash, .. } => {
                KeyUse::SignHash { algorithm: *algorithm, hash: hash.len() }
            }
            Operation::PsaVerifyHash { algorithm, hash, .. } => {
                KeyUse::VerifyHash { algorithm: *algorithm, hash: hash.len() }
            }
            Operation::PsaSignMessage { algorithm, .. } => KeyUse::SignMessage { algorithm: *algorithm },
            Operation::PsaVerifyMessage { algorithm, .. } => KeyUse::VerifyMessage { algorithm: *algorithm },
            Operation::PsaAsymmetricEncrypt { algorithm, plaintext, salt, .. } => KeyUse::AsymmetricEncrypt {
                algorithm: *algorithm,
                plaintext: plaintext.len(),
                has_salt: salt.is_some(),
            },
            Operation::PsaAsymmetricDecrypt { algorithm, ciphertext, salt, .. } => {
                KeyUse::AsymmetricDecrypt {
                    algorithm: *algorithm,
                    ciphertext: ciphertext.len(),
                    has_salt: salt.is_some(),
                }
            }
            Operation::PsaAeadEncrypt { algorithm, nonce, plaintext, .. } => {
                KeyUse::AeadEncrypt { algorithm: *algorithm, nonce: nonce.len(), plaintext: plaintext.len() }
            }
            Operation::PsaAeadDecrypt { algorithm, nonce, ciphertext, .. } => KeyUse::AeadDecrypt {
                algorithm: *algorithm,
                nonce: nonce.len(),
                ciphertext: ciphertext.len(),
            },
            Operation::PsaCipherEncrypt { algorithm, plaintext, .. } => {
                KeyUse::CipherEncrypt { algorithm: *algorithm, plaintext: plaintext.len() }
            }
            Operation::PsaCipherDecrypt { algorithm, ciphertext, .. } => {
                KeyUse::CipherDecrypt { algorithm: *algorithm, ciphertext: ciphertext.len() }
            }
            Operation::PsaMacCompute { algorithm, .. } => KeyUse::MacCompute { algorithm: *algorithm },
            Operation::PsaMacVerify { algorithm, .. } => KeyUse::MacVerify { algorithm: *algorithm },
            Operation::PsaRawKeyAgreement { algorithm, .. } => {
                KeyUse::RawKeyAgreement { algorithm: *algorithm }
            }
            Operation::PsaExportKey { .. } => KeyUse::Export,
            Operation::PsaExportPublicKey { .. } => KeyUse::ExportPublic,
            Operation::Ping
            | Operation::ListProviders
            | Operation::ListOpcodes { .. }
            | Operation::ListAuthenticators
            | Operation::ListKeys
            | Operation::ListClients
            | Operation::DeleteClient { .. }
            | Operation::PsaGenerateKey { .. }
            | Operation::PsaImportKey { .. }
            | Operation::PsaDestroyKey { .. }
            | Operation::PsaHashCompute { .. }
            | Operation::PsaHashCompare { .. }
            | Operation::PsaGenerateRandom { .. }
            | Operation::CanDoCrypto { .. }
            | Operation::PrepareKeyAttestation { .. }
            | Operation::AttestKey { .. } => return None,
        };
        Some(key_use)
    }

    /// The algorithm that is asked for; `None` for exports.
    pub fn algorithm(self) -> Option<Algorithm> {
        match self {
            KeyUse::SignHash { algorithm, .. }
            | KeyUse::VerifyHash { algorithm, .. }
            | KeyUse::SignMessage { algorithm }
            | KeyUse::VerifyMessage { algorithm } => Some(Algorithm::AsymmetricSignature(algorithm)),
            KeyUse::AsymmetricEncrypt { algorithm, .. } | KeyUse::AsymmetricDecrypt { algorithm, .. } => {
                Some(Algorithm::AsymmetricEncryption(algorithm))
            }
            KeyUse::AeadEncrypt { algorithm, .. } | KeyUse::AeadDecrypt { algorithm, .. } => {
                Some(Algorithm::Aead(algorithm))
            }
            KeyUse::CipherEncrypt { algorithm, .. } | KeyUse::CipherDecrypt { algorithm, .. } => {
                Some(Algorithm::Cipher(algorithm))
            }
            KeyUse::MacCompute { algorithm } | KeyUse::MacVerify { algorithm } => {
                Some(Algorithm::Mac(algorithm))
            }
            KeyUse::RawKeyAgreement { algorithm } => {
                Some(Algorithm::KeyAgreement(KeyAgreement::Raw(algorithm)))
            }
            KeyUse::Export | KeyUse::ExportPublic => None,
        }
    }

    /// Whether `flags` permit it. Public halves are exported without any flag.
    fn is_flagged(self, flags: UsageFlags, key_type: KeyType) -> bool {
        match self {
            KeyUse::SignHash { .. } => flags.sign_hash,
            KeyUse::VerifyHash { .. } => flags.verify_hash,
            KeyUse::SignMessage { .. } | KeyUse::MacCompute { .. } => flags.sign_message,
            KeyUse::VerifyMessage { .. } | KeyUse::MacVerify { .. } => flags.verify_message,
            KeyUse::AsymmetricEncrypt { .. } | KeyUse::AeadEncrypt { .. } | KeyUse::CipherEncrypt { .. } => {
                flags.encrypt
            }
            KeyUse::AsymmetricDecrypt { .. } | KeyUse::AeadDecrypt { .. } | KeyUse::CipherDecrypt { .. } => {
                flags.decrypt
            }
            KeyUse::RawKeyAgreement { .. } => flags.derive,
            KeyUse::Export => flags.export || key_type.is_public(),
            KeyUse::ExportPublic => true,
        }
    }

    /// Whether it takes the private half of a pair.
    fn needs_private_half(self) -> bool {
        match self {
            KeyUse::SignHash { .. }
            | KeyUse::SignMessage { .. }
            | KeyUse::AsymmetricDecrypt { .. }
            | KeyUse::RawKeyAgreement { .. } => true,
            KeyUse::VerifyHash { .. }
            | KeyUse::VerifyMessage { .. }
            | KeyUse::AsymmetricEncrypt { .. }
            | KeyUse::AeadEncrypt { .. }
            | KeyUse::AeadDecrypt { .. }
            | KeyUse::CipherEncrypt { .. }
            | KeyUse::CipherDecrypt { .. }
            | KeyUse::MacCompute { .. }
            | KeyUse::MacVerify { .. }
            | KeyUse::Export
            | KeyUse::ExportPublic => false,
        }
    }

    /// Whether the lengths are such as the algorithm can have with this key.
    fn has_possible_lengths(self, attributes: &KeyAttributes) -> bool {
        let modulus = bytes(attributes.bits);
        match self {
            KeyUse::SignHash { algorithm, hash } | KeyUse::VerifyHash { algorithm, hash } => {
                match algorithm.hash() {
                    Some(SignHash::Specific(algorithm)) => hash == algorithm.length(),
                    Some(SignHash::Any) => false,
                    None if algorithm == AsymmetricSignature::RsaPkcs1v15SignRaw => {
                        fits(hash, modulus, PKCS1V15_OVERHEAD)
                    }
                    None => true,
                }
            }
            KeyUse::AsymmetricEncrypt { algorithm, plaintext, has_salt } => {
                let overhead = match algorithm {
                    AsymmetricEncryption::RsaPkcs1v15Crypt if has_salt => return false,
                    AsymmetricEncryption::RsaPkcs1v15Crypt => PKCS1V15_OVERHEAD,
                    AsymmetricEncryption::RsaOaep(hash) => hash.length().saturating_mul(2).saturating_add(2),
                };
                plaintext > 0 && fits(plaintext, modulus, overhead)
            }
            KeyUse::AsymmetricDecrypt { algorithm, ciphertext, has_salt } => {
                let salt_fits = !has_salt || algorithm != AsymmetricEncryption::RsaPkcs1v15Crypt;
                salt_fits && ciphertext > 0 && ciphertext == modulus
            }
            KeyUse::AeadEncrypt { algorithm, nonce, plaintext } => {
                plaintext > 0 && is_possible_nonce(algorithm, nonce) && possible_tag(algorithm).is_some()
            }
            KeyUse::AeadDecrypt { algorithm, nonce, ciphertext } => {
                ciphertext > 0
                    && is_possible_nonce(algorithm, nonce)
                    && possible_tag(algorithm).is_some_and(|tag| ciphertext >= tag)
            }
            KeyUse::CipherEncrypt { plaintext: text, .. }
            | KeyUse::CipherDecrypt { ciphertext: text, .. } => text > 0,
            KeyUse::MacCompute { algorithm } | KeyUse::MacVerify { algorithm } => {
                is_possible_mac(algorithm, attributes.key_type)
            }
            KeyUse::SignMessage { .. }
            | KeyUse::VerifyMessage { .. }
            | KeyUse::RawKeyAgreement { .. }
            | KeyUse::Export => true,
            KeyUse::ExportPublic => attributes.key_type.is_asymmetric(),
        }
    }
}

/// Checks a use against the attributes of the key: usage flag, then policy, then key type, then lengths.
///
/// # Errors
///
/// [`Status::PsaErrorNotPermitted`] if flag, policy or type forbid it; then
/// [`Status::PsaErrorInvalidArgument`] for a public key where the private half is needed, for a symmetric
/// key where a public half is, and for lengths that are impossible whatever the provider.
pub fn check_use(attributes: &KeyAttributes, key_use: KeyUse) -> Result<(), Status> {
    let key_type = attributes.key_type;
    if !key_use.is_flagged(attributes.usage.with_implied(), key_type) {
        return Err(Status::PsaErrorNotPermitted);
    }
    if let Some(requested) = key_use.algorithm()
        && !(permits(attributes.algorithm, requested) && is_compatible(key_type, requested))
    {
        return Err(Status::PsaErrorNotPermitted);
    }
    if key_use.needs_private_half() && key_type.is_public() {
        return Err(Status::PsaErrorInvalidArgument);
    }
    if !key_use.has_possible_lengths(attributes) {
        return Err(Status::PsaErrorInvalidArgument);
    }
    Ok(())
}

/// Bytes that hold this many bits.
fn bytes(bits: u32) -> usize {
    usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX)
}

/// Whether `length` bytes and the `overhead` of their padding fit into the modulus.
fn fits(length: usize, modulus: usize, overhead: usize) -> bool {
    modulus.checked_sub(overhead).is_some_and(|room| length <= room)
}

/// Whether the algorithm takes a nonce of this many bytes (operations.md 10).
fn is_possible_nonce(algorithm: Aead, nonce: usize) -> bool {
    let (Aead::DefaultLengthTag(algorithm) | Aead::ShortenedTag { algorithm, .. }) = algorithm;
    match algorithm {
        AeadAlgorithm::Ccm => (7..=13).contains(&nonce),
        AeadAlgorithm::Gcm => nonce > 0,
        AeadAlgorithm::ChaCha20Poly1305 => nonce == 12,
    }
}

/// Bytes of the tag; `None` if the algorithm has no tag of this length. That no provider shortens the tag
/// of ChaCha20-Poly1305 is a capability, not an impossibility (operations.md 10).
fn possible_tag(algorithm: Aead) -> Option<usize> {
    let (algorithm, length) = match algorithm {
        Aead::DefaultLengthTag(_) => return Some(DEFAULT_TAG),
        Aead::ShortenedTag { algorithm, tag_length } => (algorithm, usize::try_from(tag_length).ok()?),
    };
    let is_possible = match algorithm {
        AeadAlgorithm::Ccm => matches!(length, 4 | 6 | 8 | 10 | 12 | 14 | 16),
        AeadAlgorithm::Gcm => (4..=DEFAULT_TAG).contains(&length),
        AeadAlgorithm::ChaCha20Poly1305 => (1..=DEFAULT_TAG).contains(&length),
    };
    is_possible.then_some(length)
}

/// Whether a code of this length can be cut from the code of the whole algorithm.
fn is_possible_mac(algorithm: Mac, key_type: KeyType) -> bool {
    let Mac::Truncated { algorithm, length } = algorithm else { return true };
    let whole = match algorithm {
        FullLengthMac::Hmac(hash) => hash.length(),
        FullLengthMac::CbcMac | FullLengthMac::Cmac if key_type == KeyType::Des => 8,
        FullLengthMac::CbcMac | FullLengthMac::Cmac => 16,
    };
    usize::try_from(length).is_ok_and(|length| (1..=whole).contains(&length))
}
