//! Safe functions over the PSA Crypto API of Mbed TLS: the only place with unsafe code.
//!
//! Mbed TLS may be used by one thread of a process, ever: several at once repeat random numbers and nonces.
//! So there is one [`Library`] at a time, it cannot leave its thread, and everything else borrows it.

mod key;
mod operations;

pub use key::{Key, KeyPolicy};
pub use operations::{AeadInput, Usage};

use core::ffi::{CStr, c_char};
use core::marker::PhantomData;
use core::sync::atomic::{AtomicBool, Ordering};
use parsecd_wire::Status;
use psa_crypto::ffi;

/// What PSA Crypto answers instead of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("PSA status {0}")]
pub struct PsaError(ffi::psa_status_t);

impl PsaError {
    /// The status of the protocol.
    pub fn status(self) -> Status {
        Status::from_psa(self.0)
    }
}

fn check(status: ffi::psa_status_t) -> Result<(), PsaError> {
    if status == ffi::PSA_SUCCESS { Ok(()) } else { Err(PsaError(status)) }
}

/// Why the library cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// This process uses it already.
    #[error("the library is already in use in this process")]
    InUse,
    /// It does not start.
    #[error("the library does not start")]
    Init(#[from] PsaError),
}

static IN_USE: AtomicBool = AtomicBool::new(false);

/// The right to call Mbed TLS. One at a time in a process; stays in its thread.
#[derive(Debug)]
pub struct Library {
    stays_in_its_thread: PhantomData<*const ()>,
}

// SAFETY: as in Mbed TLS's version.h.
unsafe extern "C" {
    fn mbedtls_version_get_string(string: *mut c_char);
}

impl Library {
    /// Starts the library.
    pub fn open() -> Result<Library, LibraryError> {
        if IN_USE.swap(true, Ordering::Acquire) {
            return Err(LibraryError::InUse);
        }
        let library = Library { stays_in_its_thread: PhantomData };
        // SAFETY: takes nothing, may be called again, and no other thread is in the library.
        let status = unsafe { ffi::psa_crypto_init() };
        check(status)?;
        Ok(library)
    }

    /// Version of the Mbed TLS that was linked.
    pub fn version(&self) -> String {
        // The contract promises that nine bytes are enough.
        let mut version = [0_u8; 32];
        // SAFETY: writes a short string, its NUL included, into the buffer.
        unsafe { mbedtls_version_get_string(version.as_mut_ptr().cast()) };
        CStr::from_bytes_until_nul(&version).unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Fills `output` with random bytes.
    pub fn random(&self, output: &mut [u8]) -> Result<(), PsaError> {
        // SAFETY: writes `output.len()` bytes to `output`.
        let status = unsafe { ffi::psa_generate_random(output.as_mut_ptr(), output.len()) };
        check(status)
    }

    /// Hash of `input` with the PSA algorithm `algorithm`, whose hashes are `length` bytes long.
    pub fn hash(&self, algorithm: u32, length: usize, input: &[u8]) -> Result<Vec<u8>, PsaError> {
        operations::output(length, |hash, written| {
            // SAFETY: reads `input`, writes at most `hash.len()` bytes to `hash` and their number to
            // `written`.
            unsafe {
                ffi::psa_hash_compute(
                    algorithm,
                    input.as_ptr(),
                    input.len(),
                    hash.as_mut_ptr(),
                    hash.len(),
                    written,
                )
            }
        })
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        IN_USE.store(false, Ordering::Release);
    }
}
