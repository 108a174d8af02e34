//! Sealing of key material with the store key.
//!
//! Sealed material is a format version (u8), a nonce of 24 random bytes, then the material encrypted with
//! XChaCha20-Poly1305 and its tag of 16 bytes. Associated data are the version, the binding, the attributes
//! and the public part: material that was moved to another record is refused.

use crate::ffi::{Library, PsaError};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use parsecd_core::encoding::{TooLong, encode, encode_attributes};
use parsecd_core::record::{Binding, Device, SealedMaterial};
use parsecd_wire::{KeyAttributes, SecretBytes, Status};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Length of the store key in bytes.
pub const STORE_KEY_LENGTH: usize = 32;

/// Format of sealed material that this version writes.
const VERSION: u8 = 1;
const NONCE_LENGTH: usize = 24;
const TAG_LENGTH: usize = 16;
const DEVICE_LENGTH: usize = 16;

/// What sealed material belongs to.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    /// Identity and object.
    pub binding: &'a Binding,
    /// Attributes, with the real size.
    pub attributes: &'a KeyAttributes,
    /// Public part; empty for symmetric keys.
    pub public: &'a [u8],
}

/// Why sealed material cannot be opened: it is damaged, or belongs to another key or store key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key material cannot be opened")]
pub struct NotSealedHere;

impl From<NotSealedHere> for Status {
    fn from(_: NotSealedHere) -> Status {
        Status::PsaErrorDataCorrupt
    }
}

/// Why material cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No random bytes for the nonce.
    #[error("no random bytes")]
    Random(#[from] PsaError),
    /// Material or associated data beyond what can be sealed.
    #[error("too long to be sealed")]
    TooLong(#[from] TooLong),
}

impl From<SealError> for Status {
    fn from(error: SealError) -> Status {
        match error {
            SealError::Random(error) => error.into(),
            SealError::TooLong(_) => Status::PsaErrorInvalidArgument,
        }
    }
}

/// Seals and opens material; wiped when it is dropped.
pub struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// From the store key: the sealer, and the device that keys sealed by it belong to.
    pub fn new(store_key: &[u8; STORE_KEY_LENGTH]) -> (Sealer, Device) {
        let keys = Hkdf::<Sha256>::new(None, store_key);
        let mut key = Zeroizing::new([0; 32]);
        let mut device = vec![0; DEVICE_LENGTH];
        let expanded = keys
            .expand(b"parsecd psa sealing key 1", key.as_mut_slice())
            .and_then(|()| keys.expand(b"parsecd psa device 1", &mut device));
        assert!(expanded.is_ok(), "HKDF-SHA256 yields up to 8160 bytes");
        (Sealer { cipher: XChaCha20Poly1305::new((&*key).into()) }, Device(device))
    }

    /// Seals `material`.
    pub fn seal(
        &self,
        library: &Library,
        owner: Owner<'_>,
        material: &SecretBytes,
    ) -> Result<SealedMaterial, SealError> {
        let mut nonce = [0; NONCE_LENGTH];
        library.random(&mut nonce)?;
        let associated = owner.associated_data()?;
        // Room for everything from the start: growing would leave a copy of the material behind.
        let mut sealed = Vec::with_capacity(1 + NONCE_LENGTH + material.len() + TAG_LENGTH);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(material.expose());
        let tag = self
            .cipher
            .encrypt_inout_detached(
                &XNonce::from(nonce),
                associated.expose(),
                (&mut sealed[1 + NONCE_LENGTH..]).into(),
            )
            .map_err(|_| TooLong)?;
        sealed.extend_from_slice(&tag);
        Ok(SealedMaterial(sealed))
    }

    /// The material that [`Sealer::seal`] sealed for the same owner.
    pub fn open(&self, owner: Owner<'_>, sealed: &SealedMaterial) -> Result<SecretBytes, NotSealedHere> {
        let (version, rest) = sealed.0.split_first().ok_or(NotSealedHere)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LENGTH>().ok_or(NotSealedHere)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_LENGTH>().ok_or(NotSealedHere)?;
        if *version != VERSION {
            return Err(NotSealedHere);
        }
        let associated = owner.associated_data().map_err(|_| NotSealedHere)?;
        let mut material = Zeroizing::new(ciphertext.to_vec());
        self.cipher
            .decrypt_inout_detached(
                &XNonce::from(*nonce),
                associated.expose(),
                material.as_mut_slice().into(),
                tag.into(),
            )
            .map_err(|_| NotSealedHere)?;
        Ok(SecretBytes::new(core::mem::take(&mut *material)))
    }
}

impl Owner<'_> {
    fn associated_data(self) -> Result<SecretBytes, TooLong> {
        encode(|out| {
            out.u8(VERSION);
            out.bytes(&self.binding.0);
            encode_attributes(out, self.attributes);
            out.bytes(self.public);
        })
    }
}
