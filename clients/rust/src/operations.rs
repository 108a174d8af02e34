//! A method for each operation (operations.md 6 to 15). Operations on keys and cryptography go to the chosen
//! provider and fail with [`UsageError::CoreProvider`](crate::UsageError::CoreProvider) while that is Core;
//! all of them fail with [`Error`].

use crate::{Client, Error, ProtocolError};
use parsecd_wire::algorithm::{AsymmetricSignature, Hash};
use parsecd_wire::{
    AuthenticatorInfo, CheckType, KeyAttributes, KeyInfo, Operation, ProviderId, ProviderInfo, Reply,
    SecretBytes, Status,
};

/// Sends an operation by `$send` and takes its reply apart.
macro_rules! reply {
    ($client:ident . $send:ident ( $operation:expr ), $pattern:pat => $result:expr) => {{
        let operation = $operation;
        match $client.$send(&operation)? {
            $pattern => Ok($result),
            _ => Err(Error::Protocol(ProtocolError::Reply(operation.opcode()))),
        }
    }};
}

impl Client {
    /// Version of the protocol the service speaks: major, minor.
    pub fn ping(&self) -> Result<(u8, u8), Error> {
        reply!(self.core(Operation::Ping), Reply::Ping { major, minor } => (major, minor))
    }

    /// Providers in the order in which the service prefers them, Core last.
    pub fn list_providers(&self) -> Result<Vec<ProviderInfo>, Error> {
        reply!(self.core(Operation::ListProviders), Reply::ListProviders { providers } => providers)
    }

    /// Numbers of the opcodes that `provider` serves, in no order. Some may be unknown to this version.
    pub fn list_opcodes(&self, provider: ProviderId) -> Result<Vec<u32>, Error> {
        reply!(self.core(Operation::ListOpcodes { provider }), Reply::ListOpcodes { opcodes } => opcodes)
    }

    /// Authenticators in the order in which the service prefers them.
    pub fn list_authenticators(&self) -> Result<Vec<AuthenticatorInfo>, Error> {
        reply!(
            self.core(Operation::ListAuthenticators),
            Reply::ListAuthenticators { authenticators } => authenticators
        )
    }

    /// Keys of this application, over all providers.
    pub fn list_keys(&self) -> Result<Vec<KeyInfo>, Error> {
        reply!(self.core(Operation::ListKeys), Reply::ListKeys { keys } => keys)
    }

    /// Applications that have keys. For admins.
    pub fn list_clients(&self) -> Result<Vec<String>, Error> {
        reply!(self.core(Operation::ListClients), Reply::ListClients { clients } => clients)
    }

    /// Destroys all keys of the application `client`. For admins.
    pub fn delete_client(&self, client: &str) -> Result<(), Error> {
        let operation = Operation::DeleteClient { client: client.to_owned() };
        reply!(self.core(operation), Reply::DeleteClient => ())
    }

    /// Attributes of the key of this name at the chosen provider: other providers may hold one of the same
    /// name.
    ///
    /// # Errors
    /// [`Status::PsaErrorDoesNotExist`] if it is not listed.
    pub fn key_attributes(&self, key_name: &str) -> Result<KeyAttributes, Error> {
        self.list_keys()?
            .into_iter()
            .find(|key| key.provider == self.provider() && key.name == key_name)
            .map(|key| key.attributes)
            .ok_or(Error::Service(Status::PsaErrorDoesNotExist))
    }

    /// Generates a key.
    ///
    /// A service may refuse a free name because of something a crashed creation left behind. So if it says
    /// that the name is taken and does not list it, the request is sent once more.
    pub fn generate_key(&self, key_name: &str, attributes: KeyAttributes) -> Result<(), Error> {
        match self.generate_key_once(key_name, attributes) {
            Err(Error::Service(Status::PsaErrorAlreadyExists))
                if !self.list_keys()?.iter().any(|key| key.name == key_name) =>
            {
                self.generate_key_once(key_name, attributes)
            }
            outcome => outcome,
        }
    }

    fn generate_key_once(&self, key_name: &str, attributes: KeyAttributes) -> Result<(), Error> {
        let operation = Operation::PsaGenerateKey { key_name: key_name.to_owned(), attributes };
        reply!(self.crypto(operation), Reply::PsaGenerateKey => ())
    }

    /// Imports `data`, in the format of operations.md 5. 0 bits in the attributes: take them from the data.
    pub fn import_key(
        &self,
        key_name: &str,
        attributes: KeyAttributes,
        data: SecretBytes,
    ) -> Result<(), Error> {
        let operation = Operation::PsaImportKey { key_name: key_name.to_owned(), attributes, data };
        reply!(self.crypto(operation), Reply::PsaImportKey => ())
    }

    /// The public part of a key, in the format of operations.md 5.
    pub fn export_public_key(&self, key_name: &str) -> Result<Vec<u8>, Error> {
        let operation = Operation::PsaExportPublicKey { key_name: key_name.to_owned() };
        reply!(self.crypto(operation), Reply::PsaExportPublicKey { data } => data)
    }

    /// The whole key, if its policy permits that, in the format of operations.md 5.
    pub fn export_key(&self, key_name: &str) -> Result<SecretBytes, Error> {
        let operation = Operation::PsaExportKey { key_name: key_name.to_owned() };
        reply!(self.crypto(operation), Reply::PsaExportKey { data } => data)
    }

    /// Destroys a key.
    pub fn destroy_key(&self, key_name: &str) -> Result<(), Error> {
        let operation = Operation::PsaDestroyKey { key_name: key_name.to_owned() };
        reply!(self.crypto(operation), Reply::PsaDestroyKey => ())
    }

    /// Signs a hash. ECDSA signatures are r then s, each as long as the curve's order.
    pub fn sign_hash(
        &self,
        key_name: &str,
        algorithm: AsymmetricSignature,
        hash: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let operation =
            Operation::PsaSignHash { key_name: key_name.to_owned(), algorithm, hash: hash.to_vec() };
        reply!(self.crypto(operation), Reply::PsaSignHash { signature } => signature)
    }

    /// Verifies the signature of a hash.
    ///
    /// # Errors
    /// [`Status::PsaErrorInvalidSignature`] if it is wrong.
    pub fn verify_hash(
        &self,
        key_name: &str,
        algorithm: AsymmetricSignature,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let operation = Operation::PsaVerifyHash {
            key_name: key_name.to_owned(),
            algorithm,
            hash: hash.to_vec(),
            signature: signature.to_vec(),
        };
        reply!(self.crypto(operation), Reply::PsaVerifyHash => ())
    }

    /// `size` random bytes.
    ///
    /// # Errors
    /// [`ProtocolError::RandomLength`] if the service gives more or fewer.
    pub fn generate_random(&self, size: u64) -> Result<SecretBytes, Error> {
        let operation = Operation::PsaGenerateRandom { size };
        let random_bytes: Result<SecretBytes, Error> =
            reply!(self.crypto(operation), Reply::PsaGenerateRandom { random_bytes } => random_bytes);
        let random_bytes = random_bytes?;
        if u64::try_from(random_bytes.len()) != Ok(size) {
            return Err(ProtocolError::RandomLength { asked: size, received: random_bytes.len() }.into());
        }
        Ok(random_bytes)
    }

    /// The hash of `input`.
    pub fn hash_compute(&self, algorithm: Hash, input: &[u8]) -> Result<Vec<u8>, Error> {
        let operation = Operation::PsaHashCompute { algorithm, input: SecretBytes::from(input) };
        reply!(self.crypto(operation), Reply::PsaHashCompute { hash } => hash)
    }

    /// Compares the hash of `input` with `hash`.
    ///
    /// # Errors
    /// [`Status::PsaErrorInvalidSignature`] if they differ.
    pub fn hash_compare(&self, algorithm: Hash, input: &[u8], hash: &[u8]) -> Result<(), Error> {
        let operation =
            Operation::PsaHashCompare { algorithm, input: SecretBytes::from(input), hash: hash.to_vec() };
        reply!(self.crypto(operation), Reply::PsaHashCompare => ())
    }

    /// Whether the provider can do what `check_type` says with a key of these attributes.
    pub fn can_do_crypto(&self, check_type: CheckType, attributes: KeyAttributes) -> Result<bool, Error> {
        match self.crypto(&Operation::CanDoCrypto { check_type, attributes }) {
            Ok(_) => Ok(true),
            Err(Error::Service(Status::PsaErrorNotSupported)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
