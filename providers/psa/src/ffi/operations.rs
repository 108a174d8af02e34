//! What keys are used for. Each function needs a key whose policy has the usage and the algorithm.

use super::{Key, KeyPolicy, PsaError, check};
use parsecd_wire::SecretBytes;
use psa_crypto::ffi;
use zeroize::Zeroizing;

/// PSA usage flag of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// [`Key::sign_hash`].
    SignHash,
    /// [`Key::verify_hash`].
    VerifyHash,
    /// Encryption of every kind.
    Encrypt,
    /// Decryption of every kind.
    Decrypt,
    /// [`Key::mac_compute`].
    SignMessage,
    /// [`Key::mac_verify`].
    VerifyMessage,
    /// [`Key::agree`].
    Derive,
}

impl Usage {
    /// Permits this and nothing else.
    pub fn with(self, algorithm: u32) -> KeyPolicy {
        let usage = match self {
            Usage::SignHash => ffi::PSA_KEY_USAGE_SIGN_HASH,
            Usage::VerifyHash => ffi::PSA_KEY_USAGE_VERIFY_HASH,
            Usage::Encrypt => ffi::PSA_KEY_USAGE_ENCRYPT,
            Usage::Decrypt => ffi::PSA_KEY_USAGE_DECRYPT,
            Usage::SignMessage => ffi::PSA_KEY_USAGE_SIGN_MESSAGE,
            Usage::VerifyMessage => ffi::PSA_KEY_USAGE_VERIFY_MESSAGE,
            Usage::Derive => ffi::PSA_KEY_USAGE_DERIVE,
        };
        KeyPolicy { usage, algorithm }
    }
}

/// Nonce and additional data of authenticated encryption.
#[derive(Clone, Copy)]
pub struct AeadInput<'a> {
    /// Nonce.
    pub nonce: &'a [u8],
    /// Data that is authenticated and not encrypted.
    pub additional_data: &'a [u8],
}

// SAFETY: as in Mbed TLS's psa/crypto.h. psa-crypto-sys does not declare them.
unsafe extern "C" {
    fn psa_cipher_encrypt(
        key: ffi::psa_key_id_t,
        algorithm: ffi::psa_algorithm_t,
        input: *const u8,
        input_length: usize,
        output: *mut u8,
        output_size: usize,
        output_length: *mut usize,
    ) -> ffi::psa_status_t;

    fn psa_cipher_decrypt(
        key: ffi::psa_key_id_t,
        algorithm: ffi::psa_algorithm_t,
        input: *const u8,
        input_length: usize,
        output: *mut u8,
        output_size: usize,
        output_length: *mut usize,
    ) -> ffi::psa_status_t;
}

/// Output that is not secret, into a buffer of `size` bytes.
pub(super) fn output(
    size: usize,
    call: impl FnOnce(&mut [u8], &mut usize) -> ffi::psa_status_t,
) -> Result<Vec<u8>, PsaError> {
    let mut bytes = vec![0; size];
    let mut written = 0;
    check(call(&mut bytes, &mut written))?;
    bytes.truncate(written);
    Ok(bytes)
}

/// Output that is secret, into a buffer of `size` bytes that is wiped.
pub(super) fn secret_output(
    size: usize,
    call: impl FnOnce(&mut [u8], &mut usize) -> ffi::psa_status_t,
) -> Result<SecretBytes, PsaError> {
    let mut bytes = Zeroizing::new(vec![0; size]);
    let mut written = 0;
    check(call(&mut bytes, &mut written))?;
    bytes.truncate(written);
    Ok(SecretBytes::new(core::mem::take(&mut *bytes)))
}

impl Key<'_> {
    /// Signs a hash. `size` bytes have to be enough for the signature.
    pub fn sign_hash(&self, algorithm: u32, hash: &[u8], size: usize) -> Result<Vec<u8>, PsaError> {
        output(size, |signature, written| {
            // SAFETY: reads `hash`, writes at most `signature.len()` bytes to `signature` and their number
            // to `written`.
            unsafe {
                ffi::psa_sign_hash(
                    self.id,
                    algorithm,
                    hash.as_ptr(),
                    hash.len(),
                    signature.as_mut_ptr(),
                    signature.len(),
                    written,
                )
            }
        })
    }

    /// Verifies the signature of a hash.
    pub fn verify_hash(&self, algorithm: u32, hash: &[u8], signature: &[u8]) -> Result<(), PsaError> {
        // SAFETY: reads `hash` and `signature`.
        let status = unsafe {
            ffi::psa_verify_hash(
                self.id,
                algorithm,
                hash.as_ptr(),
                hash.len(),
                signature.as_ptr(),
                signature.len(),
            )
        };
        check(status)
    }

    /// Encrypts with a public key. `size` bytes have to be enough for the ciphertext.
    pub fn asymmetric_encrypt(
        &self,
        algorithm: u32,
        plaintext: &[u8],
        salt: &[u8],
        size: usize,
    ) -> Result<Vec<u8>, PsaError> {
        output(size, |ciphertext, written| {
            // SAFETY: reads `plaintext` and `salt`, writes at most `ciphertext.len()` bytes to `ciphertext`
            // and their number to `written`.
            unsafe {
                ffi::psa_asymmetric_encrypt(
                    self.id,
                    algorithm,
                    plaintext.as_ptr(),
                    plaintext.len(),
                    salt.as_ptr(),
                    salt.len(),
                    ciphertext.as_mut_ptr(),
                    ciphertext.len(),
                    written,
                )
            }
        })
    }

    /// Decrypts with a private key. `size` bytes have to be enough for the plaintext.
    pub fn asymmetric_decrypt(
        &self,
        algorithm: u32,
        ciphertext: &[u8],
        salt: &[u8],
        size: usize,
    ) -> Result<SecretBytes, PsaError> {
        secret_output(size, |plaintext, written| {
            // SAFETY: reads `ciphertext` and `salt`, writes at most `plaintext.len()` bytes to `plaintext`
            // and their number to `written`.
            unsafe {
                ffi::psa_asymmetric_decrypt(
                    self.id,
                    algorithm,
                    ciphertext.as_ptr(),
                    ciphertext.len(),
                    salt.as_ptr(),
                    salt.len(),
                    plaintext.as_mut_ptr(),
                    plaintext.len(),
                    written,
                )
            }
        })
    }

    /// Encrypts and authenticates. `size` bytes have to be enough for ciphertext and tag.
    pub fn aead_encrypt(
        &self,
        algorithm: u32,
        input: AeadInput<'_>,
        plaintext: &[u8],
        size: usize,
    ) -> Result<Vec<u8>, PsaError> {
        output(size, |ciphertext, written| {
            // SAFETY: reads `input` and `plaintext`, writes at most `ciphertext.len()` bytes to `ciphertext`
            // and their number to `written`.
            unsafe {
                ffi::psa_aead_encrypt(
                    self.id,
                    algorithm,
                    input.nonce.as_ptr(),
                    input.nonce.len(),
                    input.additional_data.as_ptr(),
                    input.additional_data.len(),
                    plaintext.as_ptr(),
                    plaintext.len(),
                    ciphertext.as_mut_ptr(),
                    ciphertext.len(),
                    written,
                )
            }
        })
    }

    /// Checks the tag at the end of `ciphertext` and decrypts the rest.
    pub fn aead_decrypt(
        &self,
        algorithm: u32,
        input: AeadInput<'_>,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, PsaError> {
        secret_output(ciphertext.len(), |plaintext, written| {
            // SAFETY: reads `input` and `ciphertext`, writes at most `plaintext.len()` bytes to `plaintext`
            // and their number to `written`.
            unsafe {
                ffi::psa_aead_decrypt(
                    self.id,
                    algorithm,
                    input.nonce.as_ptr(),
                    input.nonce.len(),
                    input.additional_data.as_ptr(),
                    input.additional_data.len(),
                    ciphertext.as_ptr(),
                    ciphertext.len(),
                    plaintext.as_mut_ptr(),
                    plaintext.len(),
                    written,
                )
            }
        })
    }

    /// Encrypts with a random initialisation vector, which stands in front of the ciphertext. `size` bytes
    /// have to be enough for both.
    pub fn cipher_encrypt(&self, algorithm: u32, plaintext: &[u8], size: usize) -> Result<Vec<u8>, PsaError> {
        output(size, |ciphertext, written| {
            // SAFETY: reads `plaintext`, writes at most `ciphertext.len()` bytes to `ciphertext` and their
            // number to `written`.
            unsafe {
                psa_cipher_encrypt(
                    self.id,
                    algorithm,
                    plaintext.as_ptr(),
                    plaintext.len(),
                    ciphertext.as_mut_ptr(),
                    ciphertext.len(),
                    written,
                )
            }
        })
    }

    /// Decrypts an initialisation vector with its ciphertext. `size` bytes have to be enough for the
    /// plaintext and its padding.
    pub fn cipher_decrypt(
        &self,
        algorithm: u32,
        ciphertext: &[u8],
        size: usize,
    ) -> Result<SecretBytes, PsaError> {
        secret_output(size, |plaintext, written| {
            // SAFETY: reads `ciphertext`, writes at most `plaintext.len()` bytes to `plaintext` and their
            // number to `written`.
            unsafe {
                psa_cipher_decrypt(
                    self.id,
                    algorithm,
                    ciphertext.as_ptr(),
                    ciphertext.len(),
                    plaintext.as_mut_ptr(),
                    plaintext.len(),
                    written,
                )
            }
        })
    }

    /// Message authentication code of `input`. `size` bytes have to be enough for it.
    pub fn mac_compute(&self, algorithm: u32, input: &[u8], size: usize) -> Result<Vec<u8>, PsaError> {
        output(size, |mac, written| {
            // SAFETY: reads `input`, writes at most `mac.len()` bytes to `mac` and their number to `written`.
            unsafe {
                ffi::psa_mac_compute(
                    self.id,
                    algorithm,
                    input.as_ptr(),
                    input.len(),
                    mac.as_mut_ptr(),
                    mac.len(),
                    written,
                )
            }
        })
    }

    /// Verifies a message authentication code.
    pub fn mac_verify(&self, algorithm: u32, input: &[u8], mac: &[u8]) -> Result<(), PsaError> {
        // SAFETY: reads `input` and `mac`.
        let status = unsafe {
            ffi::psa_mac_verify(self.id, algorithm, input.as_ptr(), input.len(), mac.as_ptr(), mac.len())
        };
        check(status)
    }

    /// Agrees on a secret with the owner of `peer_key`. `size` bytes have to be enough for it.
    pub fn agree(&self, algorithm: u32, peer_key: &[u8], size: usize) -> Result<SecretBytes, PsaError> {
        secret_output(size, |shared, written| {
            // SAFETY: reads `peer_key`, writes at most `shared.len()` bytes to `shared` and their number to
            // `written`.
            unsafe {
                ffi::psa_raw_key_agreement(
                    algorithm,
                    self.id,
                    peer_key.as_ptr(),
                    peer_key.len(),
                    shared.as_mut_ptr(),
                    shared.len(),
                    written,
                )
            }
        })
    }
}
