//! Work for a lane. Plain data: a lane knows nothing of clients.

use crate::ids::ObjectId;
use crate::record::{Binding, SealedMaterial};
use alloc::vec::Vec;
use parsecd_wire::algorithm::{
    Aead, AsymmetricEncryption, AsymmetricSignature, Cipher, Hash, Mac, RawKeyAgreement,
};
use parsecd_wire::{KeyAttributes, SecretBytes};

/// One piece of work. Lengths and policy were checked by the core before it was made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// Log in where that is needed; say which device this is and what it can do.
    Open,
    /// Make a key. Attempted once per object id.
    Generate {
        /// Id the object is to have.
        object: ObjectId,
        /// What sealed material is tied to.
        binding: Binding,
        /// Attributes of the key.
        attributes: KeyAttributes,
    },
    /// Make a key from given material. Attempted once per object id.
    Import {
        /// Id the object is to have.
        object: ObjectId,
        /// Attributes; `bits` may be 0: take it from the data.
        attributes: KeyAttributes,
        /// What sealed material is tied to.
        binding: Binding,
        /// Material in import format (operations.md 5).
        data: SecretBytes,
    },
    /// Remove every object of this id, both halves of a pair. Only where the provider owns objects.
    Remove {
        /// The id.
        object: ObjectId,
    },
    /// Use a key.
    Use {
        /// The key.
        key: KeyInUse,
        /// What for.
        operation: KeyOperation,
    },
    /// Random bytes.
    Random {
        /// How many.
        length: u32,
    },
    /// Hash `input`.
    HashCompute {
        /// Hash algorithm.
        algorithm: Hash,
        /// Message.
        input: SecretBytes,
    },
}

/// A key as a lane needs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyInUse {
    /// Its object.
    pub object: ObjectId,
    /// What its sealed material is tied to.
    pub binding: Binding,
    /// Its attributes.
    pub attributes: KeyAttributes,
    /// Public part in export format; empty for symmetric keys.
    pub public: Vec<u8>,
    /// Sealed material; empty where the provider owns the object.
    pub material: SealedMaterial,
}

/// What a key is used for. Fields as in operations.md 8 to 17.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "fields are those of operations.md, section of the operation")]
pub enum KeyOperation {
    SignHash { algorithm: AsymmetricSignature, hash: Vec<u8> },
    VerifyHash { algorithm: AsymmetricSignature, hash: Vec<u8>, signature: Vec<u8> },
    Export,
    AsymmetricEncrypt { algorithm: AsymmetricEncryption, plaintext: SecretBytes, salt: Vec<u8> },
    AsymmetricDecrypt { algorithm: AsymmetricEncryption, ciphertext: Vec<u8>, salt: Vec<u8> },
    AeadEncrypt { algorithm: Aead, nonce: Vec<u8>, additional_data: Vec<u8>, plaintext: SecretBytes },
    AeadDecrypt { algorithm: Aead, nonce: Vec<u8>, additional_data: Vec<u8>, ciphertext: Vec<u8> },
    CipherEncrypt { algorithm: Cipher, plaintext: SecretBytes },
    CipherDecrypt { algorithm: Cipher, ciphertext: Vec<u8> },
    MacCompute { algorithm: Mac, input: SecretBytes },
    MacVerify { algorithm: Mac, input: SecretBytes, mac: Vec<u8> },
    RawKeyAgreement { algorithm: RawKeyAgreement, peer_key: Vec<u8> },
    PrepareAttestation,
    Attest { credential_blob: Vec<u8>, secret: SecretBytes },
}
