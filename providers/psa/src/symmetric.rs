//! Symmetric encryption and message authentication codes (operations.md 10, 11, 17).

use crate::ffi::{AeadInput, PsaError, Usage};
use crate::provider::Provider;
use parsecd_core::job::KeyInUse;
use parsecd_core::outcome::Effect;
use parsecd_wire::Status;
use parsecd_wire::algorithm::{Aead, Algorithm, Cipher, FullLengthMac, Mac};

/// Longest initialisation vector and longest block of any cipher, in bytes.
const BLOCK_MAX: usize = 16;

/// Longest code of CMAC, in bytes; shorter with 3DES.
const CMAC_MAX: usize = 16;

/// Longest tag of any authenticated encryption, in bytes.
const TAG_MAX: usize = 16;

/// AeadEncrypt.
pub fn aead_encrypt(
    provider: &Provider,
    key: &KeyInUse,
    aead: Aead,
    input: AeadInput<'_>,
    plaintext: &[u8],
) -> Result<Effect, Status> {
    provider.check_algorithm(&key.attributes, Algorithm::Aead(aead))?;
    let algorithm = aead.psa().ok_or(Status::PsaErrorInvalidArgument)?;
    let loaded = provider.load(key, Usage::Encrypt, algorithm)?;
    let size = plaintext.len().checked_add(TAG_MAX).ok_or(Status::PsaErrorInvalidArgument)?;
    Ok(Effect::Output(loaded.aead_encrypt(algorithm, input, plaintext, size).map_err(aead_status)?))
}

/// AeadDecrypt.
pub fn aead_decrypt(
    provider: &Provider,
    key: &KeyInUse,
    aead: Aead,
    input: AeadInput<'_>,
    ciphertext: &[u8],
) -> Result<Effect, Status> {
    provider.check_algorithm(&key.attributes, Algorithm::Aead(aead))?;
    let algorithm = aead.psa().ok_or(Status::PsaErrorInvalidArgument)?;
    let loaded = provider.load(key, Usage::Decrypt, algorithm)?;
    Ok(Effect::Secret(loaded.aead_decrypt(algorithm, input, ciphertext).map_err(aead_status)?))
}

/// The algorithm works with the key, so what the library does not support is the length of the nonce.
fn aead_status(error: PsaError) -> Status {
    match error.status() {
        Status::PsaErrorNotSupported => Status::PsaErrorInvalidArgument,
        status => status,
    }
}

/// CipherEncrypt.
pub fn cipher_encrypt(
    provider: &Provider,
    key: &KeyInUse,
    cipher: Cipher,
    plaintext: &[u8],
) -> Result<Effect, Status> {
    provider.check_algorithm(&key.attributes, Algorithm::Cipher(cipher))?;
    let loaded = provider.load(key, Usage::Encrypt, cipher.psa())?;
    // The vector in front, and up to a block of padding behind.
    let size = plaintext.len().checked_add(2 * BLOCK_MAX).ok_or(Status::PsaErrorInvalidArgument)?;
    Ok(Effect::Output(loaded.cipher_encrypt(cipher.psa(), plaintext, size)?))
}

/// CipherDecrypt.
pub fn cipher_decrypt(
    provider: &Provider,
    key: &KeyInUse,
    cipher: Cipher,
    ciphertext: &[u8],
) -> Result<Effect, Status> {
    provider.check_algorithm(&key.attributes, Algorithm::Cipher(cipher))?;
    let loaded = provider.load(key, Usage::Decrypt, cipher.psa())?;
    let size = ciphertext.len().checked_add(BLOCK_MAX).ok_or(Status::PsaErrorInvalidArgument)?;
    Ok(Effect::Secret(loaded.cipher_decrypt(cipher.psa(), ciphertext, size)?))
}

/// MacCompute.
pub fn mac_compute(provider: &Provider, key: &KeyInUse, mac: Mac, input: &[u8]) -> Result<Effect, Status> {
    provider.check_algorithm(&key.attributes, Algorithm::Mac(mac))?;
    let algorithm = library_mac(mac)?;
    let loaded = provider.load(key, Usage::SignMessage, algorithm)?;
    Ok(Effect::Output(loaded.mac_compute(algorithm, input, longest(mac))?))
}

/// MacVerify.
pub fn mac_verify(
    provider: &Provider,
    key: &KeyInUse,
    mac: Mac,
    input: &[u8],
    code: &[u8],
) -> Result<Effect, Status> {
    provider.check_algorithm(&key.attributes, Algorithm::Mac(mac))?;
    let algorithm = library_mac(mac)?;
    provider.load(key, Usage::VerifyMessage, algorithm)?.mac_verify(algorithm, input, code)?;
    Ok(Effect::Verified)
}

/// The PSA algorithm that makes these codes. A code truncated to all of its bytes is the whole code; PSA has
/// no number for 64 of them.
fn library_mac(mac: Mac) -> Result<u32, Status> {
    match mac {
        Mac::Truncated { algorithm, length } if length as usize == longest(mac) => Mac::FullLength(algorithm),
        other => other,
    }
    .psa()
    .ok_or(Status::PsaErrorInvalidArgument)
}

/// Bytes that are enough for the code.
fn longest(mac: Mac) -> usize {
    match mac {
        Mac::FullLength(algorithm) | Mac::Truncated { algorithm, length: _ } => match algorithm {
            FullLengthMac::Hmac(hash) => hash.length(),
            FullLengthMac::CbcMac | FullLengthMac::Cmac => CMAC_MAX,
        },
    }
}
