//! What keys are used for. Each function needs a key whose policy has the usage and the algorithm.

use super::{Key, KeyPolicy, PsaError, check};
use psa_crypto::ffi;

/// PSA usage flag of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// [`Key::sign_hash`].
    SignHash,
    /// [`Key::verify_hash`].
    VerifyHash,
}

impl Usage {
    /// Permits this and nothing else.
    pub fn with(self, algorithm: u32) -> KeyPolicy {
        let usage = match self {
            Usage::SignHash => ffi::PSA_KEY_USAGE_SIGN_HASH,
            Usage::VerifyHash => ffi::PSA_KEY_USAGE_VERIFY_HASH,
        };
        KeyPolicy { usage, algorithm }
    }
}

impl Key<'_> {
    /// Signs a hash. `size` bytes have to be enough for the signature.
    pub fn sign_hash(&self, algorithm: u32, hash: &[u8], size: usize) -> Result<Vec<u8>, PsaError> {
        let mut signature = vec![0; size];
        let mut written = 0;
        // SAFETY: reads `hash`, writes at most `signature.len()` bytes to `signature` and their number to
        // `written`.
        let status = unsafe {
            ffi::psa_sign_hash(
                self.id,
                algorithm,
                hash.as_ptr(),
                hash.len(),
                signature.as_mut_ptr(),
                signature.len(),
                &mut written,
            )
        };
        check(status)?;
        signature.truncate(written);
        Ok(signature)
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
}
