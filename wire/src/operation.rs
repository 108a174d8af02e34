//! Requests and their replies as values (operations.md 6 to 17).

use crate::algorithm::{Aead, AsymmetricEncryption, AsymmetricSignature, Cipher, Hash, Mac, RawKeyAgreement};
use crate::{KeyAttributes, Opcode, ProviderId, SecretBytes, Uuid};
use alloc::string::String;
use alloc::vec::Vec;

/// What a request asks for. Fields are named as in operations.md; *empty* salt and attesting key name are
/// `None`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "fields are those of operations.md, section of the opcode")]
pub enum Operation {
    Ping,
    ListProviders,
    ListOpcodes {
        provider: ProviderId,
    },
    ListAuthenticators,
    ListKeys,
    ListClients,
    DeleteClient {
        client: String,
    },
    PsaGenerateKey {
        key_name: String,
        attributes: KeyAttributes,
    },
    PsaImportKey {
        key_name: String,
        attributes: KeyAttributes,
        data: SecretBytes,
    },
    PsaExportPublicKey {
        key_name: String,
    },
    PsaExportKey {
        key_name: String,
    },
    PsaDestroyKey {
        key_name: String,
    },
    PsaSignHash {
        key_name: String,
        algorithm: AsymmetricSignature,
        hash: Vec<u8>,
    },
    PsaVerifyHash {
        key_name: String,
        algorithm: AsymmetricSignature,
        hash: Vec<u8>,
        signature: Vec<u8>,
    },
    PsaSignMessage {
        key_name: String,
        algorithm: AsymmetricSignature,
        message: SecretBytes,
    },
    PsaVerifyMessage {
        key_name: String,
        algorithm: AsymmetricSignature,
        message: SecretBytes,
        signature: Vec<u8>,
    },
    PsaAsymmetricEncrypt {
        key_name: String,
        algorithm: AsymmetricEncryption,
        plaintext: SecretBytes,
        salt: Option<Vec<u8>>,
    },
    PsaAsymmetricDecrypt {
        key_name: String,
        algorithm: AsymmetricEncryption,
        ciphertext: Vec<u8>,
        salt: Option<Vec<u8>>,
    },
    PsaAeadEncrypt {
        key_name: String,
        algorithm: Aead,
        nonce: Vec<u8>,
        additional_data: Vec<u8>,
        plaintext: SecretBytes,
    },
    PsaAeadDecrypt {
        key_name: String,
        algorithm: Aead,
        nonce: Vec<u8>,
        additional_data: Vec<u8>,
        ciphertext: Vec<u8>,
    },
    PsaCipherEncrypt {
        key_name: String,
        algorithm: Cipher,
        plaintext: SecretBytes,
    },
    PsaCipherDecrypt {
        key_name: String,
        algorithm: Cipher,
        ciphertext: Vec<u8>,
    },
    PsaMacCompute {
        key_name: String,
        algorithm: Mac,
        input: SecretBytes,
    },
    PsaMacVerify {
        key_name: String,
        algorithm: Mac,
        input: SecretBytes,
        mac: Vec<u8>,
    },
    PsaHashCompute {
        algorithm: Hash,
        input: SecretBytes,
    },
    PsaHashCompare {
        algorithm: Hash,
        input: SecretBytes,
        hash: Vec<u8>,
    },
    PsaGenerateRandom {
        size: u64,
    },
    PsaRawKeyAgreement {
        algorithm: RawKeyAgreement,
        private_key_name: String,
        peer_key: Vec<u8>,
    },
    CanDoCrypto {
        check_type: CheckType,
        attributes: KeyAttributes,
    },
    PrepareKeyAttestation {
        attested_key_name: String,
        attesting_key_name: Option<String>,
    },
    AttestKey {
        attested_key_name: String,
        attesting_key_name: Option<String>,
        credential_blob: Vec<u8>,
        secret: SecretBytes,
    },
}

impl Operation {
    /// The opcode that carries it.
    pub fn opcode(&self) -> Opcode {
        match self {
            Operation::Ping => Opcode::Ping,
            Operation::ListProviders => Opcode::ListProviders,
            Operation::ListOpcodes { .. } => Opcode::ListOpcodes,
            Operation::ListAuthenticators => Opcode::ListAuthenticators,
            Operation::ListKeys => Opcode::ListKeys,
            Operation::ListClients => Opcode::ListClients,
            Operation::DeleteClient { .. } => Opcode::DeleteClient,
            Operation::PsaGenerateKey { .. } => Opcode::PsaGenerateKey,
            Operation::PsaImportKey { .. } => Opcode::PsaImportKey,
            Operation::PsaExportPublicKey { .. } => Opcode::PsaExportPublicKey,
            Operation::PsaExportKey { .. } => Opcode::PsaExportKey,
            Operation::PsaDestroyKey { .. } => Opcode::PsaDestroyKey,
            Operation::PsaSignHash { .. } => Opcode::PsaSignHash,
            Operation::PsaVerifyHash { .. } => Opcode::PsaVerifyHash,
            Operation::PsaSignMessage { .. } => Opcode::PsaSignMessage,
            Operation::PsaVerifyMessage { .. } => Opcode::PsaVerifyMessage,
            Operation::PsaAsymmetricEncrypt { .. } => Opcode::PsaAsymmetricEncrypt,
            Operation::PsaAsymmetricDecrypt { .. } => Opcode::PsaAsymmetricDecrypt,
            Operation::PsaAeadEncrypt { .. } => Opcode::PsaAeadEncrypt,
            Operation::PsaAeadDecrypt { .. } => Opcode::PsaAeadDecrypt,
            Operation::PsaCipherEncrypt { .. } => Opcode::PsaCipherEncrypt,
            Operation::PsaCipherDecrypt { .. } => Opcode::PsaCipherDecrypt,
            Operation::PsaMacCompute { .. } => Opcode::PsaMacCompute,
            Operation::PsaMacVerify { .. } => Opcode::PsaMacVerify,
            Operation::PsaHashCompute { .. } => Opcode::PsaHashCompute,
            Operation::PsaHashCompare { .. } => Opcode::PsaHashCompare,
            Operation::PsaGenerateRandom { .. } => Opcode::PsaGenerateRandom,
            Operation::PsaRawKeyAgreement { .. } => Opcode::PsaRawKeyAgreement,
            Operation::CanDoCrypto { .. } => Opcode::CanDoCrypto,
            Operation::PrepareKeyAttestation { .. } => Opcode::PrepareKeyAttestation,
            Operation::AttestKey { .. } => Opcode::AttestKey,
        }
    }
}

/// What CanDoCrypto asks about (operations.md 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckType {
    /// Use of a key with these attributes.
    Use,
    /// Generation of such a key.
    Generate,
    /// Import of such a key.
    Import,
    /// Derivation of such a key.
    Derive,
}

/// The result of a successful operation. Failed ones have a status and an empty body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "fields are those of operations.md, section of the opcode")]
pub enum Reply {
    Ping {
        major: u8,
        minor: u8,
    },
    ListProviders {
        providers: Vec<ProviderInfo>,
    },
    /// Numbers, so that a client can show opcodes it does not know.
    ListOpcodes {
        opcodes: Vec<u32>,
    },
    ListAuthenticators {
        authenticators: Vec<AuthenticatorInfo>,
    },
    ListKeys {
        keys: Vec<KeyInfo>,
    },
    ListClients {
        clients: Vec<String>,
    },
    DeleteClient,
    PsaGenerateKey,
    PsaImportKey,
    PsaExportPublicKey {
        data: Vec<u8>,
    },
    PsaExportKey {
        data: SecretBytes,
    },
    PsaDestroyKey,
    PsaSignHash {
        signature: Vec<u8>,
    },
    PsaVerifyHash,
    PsaSignMessage {
        signature: Vec<u8>,
    },
    PsaVerifyMessage,
    PsaAsymmetricEncrypt {
        ciphertext: Vec<u8>,
    },
    PsaAsymmetricDecrypt {
        plaintext: SecretBytes,
    },
    PsaAeadEncrypt {
        ciphertext: Vec<u8>,
    },
    PsaAeadDecrypt {
        plaintext: SecretBytes,
    },
    PsaCipherEncrypt {
        ciphertext: Vec<u8>,
    },
    PsaCipherDecrypt {
        plaintext: SecretBytes,
    },
    PsaMacCompute {
        mac: Vec<u8>,
    },
    PsaMacVerify,
    PsaHashCompute {
        hash: Vec<u8>,
    },
    PsaHashCompare,
    PsaGenerateRandom {
        random_bytes: SecretBytes,
    },
    PsaRawKeyAgreement {
        shared_secret: SecretBytes,
    },
    CanDoCrypto,
    PrepareKeyAttestation {
        name: Vec<u8>,
        public: Vec<u8>,
        attesting_key_pub: Vec<u8>,
    },
    AttestKey {
        credential: SecretBytes,
    },
}

impl Reply {
    /// The opcode that it answers.
    pub fn opcode(&self) -> Opcode {
        match self {
            Reply::Ping { .. } => Opcode::Ping,
            Reply::ListProviders { .. } => Opcode::ListProviders,
            Reply::ListOpcodes { .. } => Opcode::ListOpcodes,
            Reply::ListAuthenticators { .. } => Opcode::ListAuthenticators,
            Reply::ListKeys { .. } => Opcode::ListKeys,
            Reply::ListClients { .. } => Opcode::ListClients,
            Reply::DeleteClient => Opcode::DeleteClient,
            Reply::PsaGenerateKey => Opcode::PsaGenerateKey,
            Reply::PsaImportKey => Opcode::PsaImportKey,
            Reply::PsaExportPublicKey { .. } => Opcode::PsaExportPublicKey,
            Reply::PsaExportKey { .. } => Opcode::PsaExportKey,
            Reply::PsaDestroyKey => Opcode::PsaDestroyKey,
            Reply::PsaSignHash { .. } => Opcode::PsaSignHash,
            Reply::PsaVerifyHash => Opcode::PsaVerifyHash,
            Reply::PsaSignMessage { .. } => Opcode::PsaSignMessage,
            Reply::PsaVerifyMessage => Opcode::PsaVerifyMessage,
            Reply::PsaAsymmetricEncrypt { .. } => Opcode::PsaAsymmetricEncrypt,
            Reply::PsaAsymmetricDecrypt { .. } => Opcode::PsaAsymmetricDecrypt,
            Reply::PsaAeadEncrypt { .. } => Opcode::PsaAeadEncrypt,
            Reply::PsaAeadDecrypt { .. } => Opcode::PsaAeadDecrypt,
            Reply::PsaCipherEncrypt { .. } => Opcode::PsaCipherEncrypt,
            Reply::PsaCipherDecrypt { .. } => Opcode::PsaCipherDecrypt,
            Reply::PsaMacCompute { .. } => Opcode::PsaMacCompute,
            Reply::PsaMacVerify => Opcode::PsaMacVerify,
            Reply::PsaHashCompute { .. } => Opcode::PsaHashCompute,
            Reply::PsaHashCompare => Opcode::PsaHashCompare,
            Reply::PsaGenerateRandom { .. } => Opcode::PsaGenerateRandom,
            Reply::PsaRawKeyAgreement { .. } => Opcode::PsaRawKeyAgreement,
            Reply::CanDoCrypto => Opcode::CanDoCrypto,
            Reply::PrepareKeyAttestation { .. } => Opcode::PrepareKeyAttestation,
            Reply::AttestKey { .. } => Opcode::AttestKey,
        }
    }
}

/// An entry of ListProviders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProviderInfo {
    /// Which implementation it is.
    pub uuid: Uuid,
    /// Free text.
    pub description: String,
    /// Free text, empty for Core.
    pub vendor: String,
    /// Version: major, minor, revision.
    pub version: (u32, u32, u32),
    /// Kind.
    pub id: ProviderId,
}

/// An entry of ListAuthenticators.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthenticatorInfo {
    /// Free text.
    pub description: String,
    /// Version: major, minor, revision.
    pub version: (u32, u32, u32),
    /// Authentication type.
    pub id: crate::AuthenticationType,
}

/// An entry of ListKeys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyInfo {
    /// Provider that holds the key.
    pub provider: ProviderId,
    /// Name of the key.
    pub name: String,
    /// Attributes stored with the name.
    pub attributes: KeyAttributes,
}
