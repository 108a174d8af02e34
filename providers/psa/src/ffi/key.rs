//! Keys that live in the library's memory until they are dropped.

use super::operations::{output, secret_output};
use super::{Library, PsaError, check};
use core::marker::PhantomData;
use parsecd_wire::SecretBytes;
use parsecd_wire::attributes::KeyType;
use psa_crypto::ffi;

/// What a key may be used for while it is in the library: only what the job at hand needs.
#[derive(Clone, Copy, Debug)]
pub struct KeyPolicy {
    /// PSA usage flags.
    pub usage: u32,
    /// PSA algorithm.
    pub algorithm: u32,
}

impl KeyPolicy {
    /// The material can be exported, the key not used.
    pub const EXPORT: KeyPolicy =
        KeyPolicy { usage: ffi::PSA_KEY_USAGE_EXPORT, algorithm: ffi::PSA_ALG_NONE };
}

/// A key in the library's memory. Destroyed and wiped when it is dropped.
#[derive(Debug)]
pub struct Key<'a> {
    pub(super) id: ffi::psa_key_id_t,
    library: PhantomData<&'a Library>,
}

/// Attributes of a volatile key.
struct Attributes(ffi::psa_key_attributes_t);

impl Attributes {
    fn new(key_type: KeyType, bits: u32, policy: KeyPolicy) -> Self {
        let mut attributes = Attributes::empty();
        // SAFETY: the attributes are initialised.
        unsafe { ffi::psa_set_key_type(&mut attributes.0, key_type.psa()) };
        // SAFETY: the attributes are initialised.
        unsafe { ffi::psa_set_key_bits(&mut attributes.0, bits as usize) };
        // SAFETY: the attributes are initialised.
        unsafe { ffi::psa_set_key_usage_flags(&mut attributes.0, policy.usage) };
        // SAFETY: the attributes are initialised.
        unsafe { ffi::psa_set_key_algorithm(&mut attributes.0, policy.algorithm) };
        attributes
    }

    fn empty() -> Self {
        // SAFETY: takes nothing.
        Attributes(unsafe { ffi::psa_key_attributes_init() })
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: the attributes are initialised, and not used after this.
        unsafe { ffi::psa_reset_key_attributes(&mut self.0) };
    }
}

impl Library {
    /// Makes a key.
    pub fn generate(&self, key_type: KeyType, bits: u32, policy: KeyPolicy) -> Result<Key<'_>, PsaError> {
        let attributes = Attributes::new(key_type, bits, policy);
        let mut id = ffi::PSA_KEY_ID_NULL;
        // SAFETY: reads the attributes, writes the id.
        let status = unsafe { ffi::psa_generate_key(&attributes.0, &mut id) };
        check(status)?;
        Ok(Key { id, library: PhantomData })
    }

    /// Bytes that are enough for the export format of a key that was generated.
    pub fn export_size(&self, key_type: KeyType, bits: u32) -> usize {
        // SAFETY: computes with its arguments only.
        unsafe { ffi::PSA_EXPORT_KEY_OUTPUT_SIZE(key_type.psa(), bits as usize) }
    }

    /// Makes a key from `data` in import format. `bits` 0: the size follows from the data.
    pub fn import(
        &self,
        key_type: KeyType,
        bits: u32,
        policy: KeyPolicy,
        data: &[u8],
    ) -> Result<Key<'_>, PsaError> {
        let attributes = Attributes::new(key_type, bits, policy);
        let mut id = ffi::PSA_KEY_ID_NULL;
        // SAFETY: reads the attributes and `data`, writes the id.
        let status = unsafe { ffi::psa_import_key(&attributes.0, data.as_ptr(), data.len(), &mut id) };
        check(status)?;
        Ok(Key { id, library: PhantomData })
    }
}

impl Key<'_> {
    /// Its size.
    pub fn bits(&self) -> Result<u32, PsaError> {
        let mut attributes = Attributes::empty();
        // SAFETY: writes the attributes.
        let status = unsafe { ffi::psa_get_key_attributes(self.id, &mut attributes.0) };
        check(status)?;
        // SAFETY: the attributes are initialised.
        let bits = unsafe { ffi::psa_get_key_bits(&attributes.0) };
        u32::try_from(bits).map_err(|_| PsaError(ffi::PSA_ERROR_CORRUPTION_DETECTED))
    }

    /// Its material in import format. `size` bytes have to be enough.
    pub fn export(&self, size: usize) -> Result<SecretBytes, PsaError> {
        secret_output(size, |data, written| {
            // SAFETY: writes at most `data.len()` bytes to `data` and their number to `written`.
            unsafe { ffi::psa_export_key(self.id, data.as_mut_ptr(), data.len(), written) }
        })
    }

    /// Its public part in export format. `size` bytes have to be enough.
    pub fn export_public(&self, size: usize) -> Result<Vec<u8>, PsaError> {
        output(size, |data, written| {
            // SAFETY: writes at most `data.len()` bytes to `data` and their number to `written`.
            unsafe { ffi::psa_export_public_key(self.id, data.as_mut_ptr(), data.len(), written) }
        })
    }
}

impl Drop for Key<'_> {
    fn drop(&mut self) {
        // SAFETY: the id names a key that was made for this value and that nothing uses any more.
        let status = unsafe { ffi::psa_destroy_key(self.id) };
        assert!(status == ffi::PSA_SUCCESS, "a key is left in memory: this process must not go on");
    }
}
