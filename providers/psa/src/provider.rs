//! The provider: runs jobs.

use crate::capabilities::capabilities;
use crate::ffi::{AeadInput, Key, KeyPolicy, Library, LibraryError, PsaError, Usage};
use crate::seal::{NotSealedHere, Owner, STORE_KEY_LENGTH, Sealer};
use crate::{agreement, encryption, hash, signature, symmetric};
use parsecd_core::capability::{Capabilities, KeyCapability};
use parsecd_core::job::{Job, KeyInUse, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::{Binding, Device, SealedMaterial};
use parsecd_wire::algorithm::Algorithm;
use parsecd_wire::attributes::KeyType;
use parsecd_wire::{KeyAttributes, SecretBytes, Status};

/// Why the provider cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Mbed TLS cannot be used.
    #[error("Mbed TLS: {0}")]
    Library(#[from] LibraryError),
}

/// The software provider. One at a time in a process; stays in the thread that opened it.
pub struct Provider {
    library: Library,
    sealer: Sealer,
    device: Device,
    capabilities: Capabilities,
}

impl From<PsaError> for Status {
    fn from(error: PsaError) -> Status {
        error.status()
    }
}

impl Provider {
    /// Starts Mbed TLS. Keys are sealed with `store_key`; the caller wipes it.
    ///
    /// # Errors
    ///
    /// [`LibraryError::InUse`] while this process has another provider; [`LibraryError::Init`].
    pub fn open(store_key: &[u8; STORE_KEY_LENGTH]) -> Result<Provider, OpenError> {
        let library = Library::open()?;
        let (sealer, device) = Sealer::new(store_key);
        Ok(Provider { library, sealer, device, capabilities: capabilities() })
    }

    /// Name and version of the library that was linked.
    pub fn library(&self) -> String {
        format!("Mbed TLS {}", self.library.version())
    }

    /// Runs a job to its end.
    pub fn run(&mut self, job: &Job) -> Outcome {
        let result = match job {
            Job::Open => {
                Ok(Effect::Opened { device: self.device.clone(), capabilities: self.capabilities.clone() })
            }
            Job::Generate { object: _, binding, attributes } => self.generate(binding, attributes),
            Job::Import { object: _, attributes, binding, data } => self.import(binding, attributes, data),
            // Objects are never the provider's: nothing to remove, and nothing that could have been made.
            Job::Remove { object: _ } => Err(Status::PsaErrorNotSupported),
            Job::Use { key, operation } => self.use_key(key, operation),
            Job::Random { length } => self.random(*length),
            Job::HashCompute { algorithm, input } => hash::compute(&self.library, *algorithm, input.expose()),
        };
        match result {
            Ok(effect) => Outcome::Done(effect),
            Err(status) => Outcome::Refused(status),
        }
    }

    fn generate(&self, binding: &Binding, attributes: &KeyAttributes) -> Result<Effect, Status> {
        let KeyAttributes { key_type, bits, .. } = *attributes;
        let capability = self.capability(key_type)?;
        if !capability.generate || !capability.holds(bits) {
            return Err(Status::PsaErrorInvalidArgument);
        }
        let key = self.library.generate(key_type, bits, KeyPolicy::EXPORT)?;
        let size = self.library.export_size(key_type, bits);
        self.made(&key, binding, *attributes, size)
    }

    fn import(
        &self,
        binding: &Binding,
        attributes: &KeyAttributes,
        data: &SecretBytes,
    ) -> Result<Effect, Status> {
        let KeyAttributes { key_type, bits, .. } = *attributes;
        let capability = self.capability(key_type)?;
        if !capability.import {
            return Err(Status::PsaErrorNotSupported);
        }
        if (bits != 0 && !capability.holds(bits)) || data.is_empty() {
            return Err(Status::PsaErrorInvalidArgument);
        }
        let policy =
            if key_type == KeyType::RsaKeyPair { signature::proof_policy() } else { KeyPolicy::EXPORT };
        let key = self.library.import(key_type, bits, policy, data.expose()).map_err(import_status)?;
        let attributes = KeyAttributes { bits: key.bits()?, ..*attributes };
        if !capability.holds(attributes.bits) {
            return Err(Status::PsaErrorInvalidArgument);
        }
        if key_type == KeyType::RsaKeyPair {
            signature::prove(&key, attributes.bits)?;
        }
        // The export format is never longer than what was imported, whatever the public exponent.
        let size = self.library.export_size(key_type, attributes.bits).max(data.len());
        self.made(&key, binding, attributes, size)
    }

    /// A key that was made: its public part, and its material, at most `size` bytes, sealed.
    fn made(
        &self,
        key: &Key<'_>,
        binding: &Binding,
        attributes: KeyAttributes,
        size: usize,
    ) -> Result<Effect, Status> {
        let public = match attributes.key_type.public_type() {
            Some(public_type) => {
                key.export_public(self.library.export_size(public_type, attributes.bits).max(size))?
            }
            None => Vec::new(),
        };
        let material = if attributes.key_type.is_public() {
            SealedMaterial::default()
        } else {
            let owner = Owner { binding, attributes: &attributes, public: &public };
            self.sealer.seal(&self.library, owner, &key.export(size)?)?
        };
        Ok(Effect::Made { attributes, public, material })
    }

    fn use_key(&self, key: &KeyInUse, operation: &KeyOperation) -> Result<Effect, Status> {
        match operation {
            KeyOperation::SignHash { algorithm, hash } => signature::sign_hash(self, key, *algorithm, hash),
            KeyOperation::VerifyHash { algorithm, hash, signature } => {
                signature::verify_hash(self, key, *algorithm, hash, signature)
            }
            KeyOperation::Export => self.export(key),
            KeyOperation::AsymmetricEncrypt { algorithm, plaintext, salt } => {
                encryption::encrypt(self, key, *algorithm, plaintext.expose(), salt)
            }
            KeyOperation::AsymmetricDecrypt { algorithm, ciphertext, salt } => {
                encryption::decrypt(self, key, *algorithm, ciphertext, salt)
            }
            KeyOperation::AeadEncrypt { algorithm, nonce, additional_data, plaintext } => {
                let input = AeadInput { nonce, additional_data };
                symmetric::aead_encrypt(self, key, *algorithm, input, plaintext.expose())
            }
            KeyOperation::AeadDecrypt { algorithm, nonce, additional_data, ciphertext } => {
                let input = AeadInput { nonce, additional_data };
                symmetric::aead_decrypt(self, key, *algorithm, input, ciphertext)
            }
            KeyOperation::CipherEncrypt { algorithm, plaintext } => {
                symmetric::cipher_encrypt(self, key, *algorithm, plaintext.expose())
            }
            KeyOperation::CipherDecrypt { algorithm, ciphertext } => {
                symmetric::cipher_decrypt(self, key, *algorithm, ciphertext)
            }
            KeyOperation::MacCompute { algorithm, input } => {
                symmetric::mac_compute(self, key, *algorithm, input.expose())
            }
            KeyOperation::MacVerify { algorithm, input, mac } => {
                symmetric::mac_verify(self, key, *algorithm, input.expose(), mac)
            }
            KeyOperation::RawKeyAgreement { algorithm, peer_key } => {
                agreement::agree(self, key, *algorithm, peer_key)
            }
            KeyOperation::PrepareAttestation | KeyOperation::Attest { .. } => {
                Err(Status::PsaErrorNotSupported)
            }
        }
    }

    fn export(&self, key: &KeyInUse) -> Result<Effect, Status> {
        if key.attributes.key_type.is_public() {
            return Ok(Effect::Secret(SecretBytes::from(key.public.as_slice())));
        }
        Ok(Effect::Secret(self.material(key)?))
    }

    fn random(&self, length: u32) -> Result<Effect, Status> {
        let length = usize::try_from(length).map_err(|_| Status::PsaErrorInsufficientMemory)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| Status::PsaErrorInsufficientMemory)?;
        bytes.resize(length, 0);
        let mut bytes = zeroize::Zeroizing::new(bytes);
        self.library.random(&mut bytes)?;
        Ok(Effect::Secret(SecretBytes::new(core::mem::take(&mut *bytes))))
    }

    fn capability(&self, key_type: KeyType) -> Result<&KeyCapability, Status> {
        self.capabilities.key(key_type).ok_or(Status::PsaErrorNotSupported)
    }

    /// Fails unless the table has this algorithm for keys of this type and size.
    pub(crate) fn check_algorithm(
        &self,
        attributes: &KeyAttributes,
        algorithm: Algorithm,
    ) -> Result<(), Status> {
        if self.capabilities.works(attributes.key_type, attributes.bits, algorithm) {
            Ok(())
        } else {
            Err(Status::PsaErrorNotSupported)
        }
    }

    /// The material of a key.
    fn material(&self, key: &KeyInUse) -> Result<SecretBytes, NotSealedHere> {
        let owner = Owner { binding: &key.binding, attributes: &key.attributes, public: &key.public };
        self.sealer.open(owner, &key.material)
    }

    /// The key in the library, for one use.
    pub(crate) fn load(&self, key: &KeyInUse, usage: Usage, algorithm: u32) -> Result<Key<'_>, Status> {
        let material = self.material(key)?;
        let KeyAttributes { key_type, bits, .. } = key.attributes;
        Ok(self.library.import(key_type, bits, usage.with(algorithm), material.expose())?)
    }

    /// Its public part in the library, for one use.
    pub(crate) fn load_public(
        &self,
        key: &KeyInUse,
        usage: Usage,
        algorithm: u32,
    ) -> Result<Key<'_>, Status> {
        let public_type = key.attributes.key_type.public_type().ok_or(Status::PsaErrorInvalidArgument)?;
        Ok(self.library.import(public_type, key.attributes.bits, usage.with(algorithm), &key.public)?)
    }
}

/// The library answers *not supported*, *not permitted* and others to data that is not what the type says.
fn import_status(error: PsaError) -> Status {
    match error.status() {
        status @ (Status::PsaErrorInsufficientMemory
        | Status::PsaErrorInsufficientStorage
        | Status::PsaErrorInsufficientEntropy
        | Status::PsaErrorCorruptionDetected) => status,
        _ => Status::PsaErrorInvalidArgument,
    }
}
