//! Requests as the daemon receives them (operations.md 6 to 17).

use super::algorithm::Enumeration;
use super::buffer::{public, secret};
use super::{DecodeError, decode, non_empty, provider_id, required};
use crate::algorithm::{Cipher, Hash, RawKeyAgreement};
use crate::generated as proto;
use crate::{CheckType, Opcode, Operation};
use bytes::{Buf, Bytes};

impl Operation {
    /// Decodes the body of a request with this opcode. Requests without fields have a body as well.
    ///
    /// # Errors
    /// The body is malformed, or a value is not representable; [`DecodeError::status`] is the answer's
    /// status.
    pub fn decode(opcode: Opcode, body: impl Buf) -> Result<Operation, DecodeError> {
        match opcode {
            Opcode::Ping => decode::<proto::PingRequest, _>(body),
            Opcode::ListProviders => decode::<proto::ListProvidersRequest, _>(body),
            Opcode::ListOpcodes => decode::<proto::ListOpcodesRequest, _>(body),
            Opcode::ListAuthenticators => decode::<proto::ListAuthenticatorsRequest, _>(body),
            Opcode::ListKeys => decode::<proto::ListKeysRequest, _>(body),
            Opcode::ListClients => decode::<proto::ListClientsRequest, _>(body),
            Opcode::DeleteClient => decode::<proto::DeleteClientRequest, _>(body),
            Opcode::PsaGenerateKey => decode::<proto::PsaGenerateKeyRequest, _>(body),
            Opcode::PsaImportKey => decode::<proto::PsaImportKeyRequest, _>(body),
            Opcode::PsaExportPublicKey => decode::<proto::PsaExportPublicKeyRequest, _>(body),
            Opcode::PsaExportKey => decode::<proto::PsaExportKeyRequest, _>(body),
            Opcode::PsaDestroyKey => decode::<proto::PsaDestroyKeyRequest, _>(body),
            Opcode::PsaSignHash => decode::<proto::PsaSignHashRequest, _>(body),
            Opcode::PsaVerifyHash => decode::<proto::PsaVerifyHashRequest, _>(body),
            Opcode::PsaSignMessage => decode::<proto::PsaSignMessageRequest, _>(body),
            Opcode::PsaVerifyMessage => decode::<proto::PsaVerifyMessageRequest, _>(body),
            Opcode::PsaAsymmetricEncrypt => decode::<proto::PsaAsymmetricEncryptRequest, _>(body),
            Opcode::PsaAsymmetricDecrypt => decode::<proto::PsaAsymmetricDecryptRequest, _>(body),
            Opcode::PsaAeadEncrypt => decode::<proto::PsaAeadEncryptRequest, _>(body),
            Opcode::PsaAeadDecrypt => decode::<proto::PsaAeadDecryptRequest, _>(body),
            Opcode::PsaCipherEncrypt => decode::<proto::PsaCipherEncryptRequest, _>(body),
            Opcode::PsaCipherDecrypt => decode::<proto::PsaCipherDecryptRequest, _>(body),
            Opcode::PsaMacCompute => decode::<proto::PsaMacComputeRequest, _>(body),
            Opcode::PsaMacVerify => decode::<proto::PsaMacVerifyRequest, _>(body),
            Opcode::PsaHashCompute => decode::<proto::PsaHashComputeRequest, _>(body),
            Opcode::PsaHashCompare => decode::<proto::PsaHashCompareRequest, _>(body),
            Opcode::PsaGenerateRandom => decode::<proto::PsaGenerateRandomRequest, _>(body),
            Opcode::PsaRawKeyAgreement => decode::<proto::PsaRawKeyAgreementRequest, _>(body),
            Opcode::CanDoCrypto => decode::<proto::CanDoCryptoRequest, _>(body),
            Opcode::PrepareKeyAttestation => decode::<proto::PrepareKeyAttestationRequest, _>(body),
            Opcode::AttestKey => decode::<proto::AttestKeyRequest, _>(body),
        }
    }
}

/// How each message becomes an operation; conversions may fail with [`DecodeError`].
macro_rules! operations {
    ($($message:ident($request:pat) => $operation:expr;)+) => {$(
        impl TryFrom<proto::$message> for Operation {
            type Error = DecodeError;

            fn try_from($request: proto::$message) -> Result<Self, DecodeError> {
                Ok($operation)
            }
        }
    )+};
}

operations! {
    PingRequest(_) => Operation::Ping;
    ListProvidersRequest(_) => Operation::ListProviders;
    ListOpcodesRequest(request) => Operation::ListOpcodes { provider: provider_id(request.provider_id)? };
    ListAuthenticatorsRequest(_) => Operation::ListAuthenticators;
    ListKeysRequest(_) => Operation::ListKeys;
    ListClientsRequest(_) => Operation::ListClients;
    DeleteClientRequest(request) => Operation::DeleteClient { client: request.client };
    PsaGenerateKeyRequest(request) => Operation::PsaGenerateKey {
        key_name: request.key_name,
        attributes: required("key attributes", request.attributes)?,
    };
    PsaImportKeyRequest(request) => Operation::PsaImportKey {
        key_name: request.key_name,
        attributes: required("key attributes", request.attributes)?,
        data: secret(&request.data),
    };
    PsaExportPublicKeyRequest(request) => Operation::PsaExportPublicKey { key_name: request.key_name };
    PsaExportKeyRequest(request) => Operation::PsaExportKey { key_name: request.key_name };
    PsaDestroyKeyRequest(request) => Operation::PsaDestroyKey { key_name: request.key_name };
    PsaSignHashRequest(request) => Operation::PsaSignHash {
        key_name: request.key_name,
        algorithm: required("signature scheme", request.alg)?,
        hash: public(&request.hash),
    };
    PsaVerifyHashRequest(request) => Operation::PsaVerifyHash {
        key_name: request.key_name,
        algorithm: required("signature scheme", request.alg)?,
        hash: public(&request.hash),
        signature: public(&request.signature),
    };
    PsaSignMessageRequest(request) => Operation::PsaSignMessage {
        key_name: request.key_name,
        algorithm: required("signature scheme", request.alg)?,
        message: secret(&request.message),
    };
    PsaVerifyMessageRequest(request) => Operation::PsaVerifyMessage {
        key_name: request.key_name,
        algorithm: required("signature scheme", request.alg)?,
        message: secret(&request.message),
        signature: public(&request.signature),
    };
    PsaAsymmetricEncryptRequest(request) => Operation::PsaAsymmetricEncrypt {
        key_name: request.key_name,
        algorithm: required("encryption scheme", request.alg)?,
        plaintext: secret(&request.plaintext),
        salt: salt(&request.salt),
    };
    PsaAsymmetricDecryptRequest(request) => Operation::PsaAsymmetricDecrypt {
        key_name: request.key_name,
        algorithm: required("encryption scheme", request.alg)?,
        ciphertext: public(&request.ciphertext),
        salt: salt(&request.salt),
    };
    PsaAeadEncryptRequest(request) => Operation::PsaAeadEncrypt {
        key_name: request.key_name,
        algorithm: required("AEAD algorithm", request.alg)?,
        nonce: public(&request.nonce),
        additional_data: public(&request.additional_data),
        plaintext: secret(&request.plaintext),
    };
    PsaAeadDecryptRequest(request) => Operation::PsaAeadDecrypt {
        key_name: request.key_name,
        algorithm: required("AEAD algorithm", request.alg)?,
        nonce: public(&request.nonce),
        additional_data: public(&request.additional_data),
        ciphertext: public(&request.ciphertext),
    };
    PsaCipherEncryptRequest(request) => Operation::PsaCipherEncrypt {
        key_name: request.key_name,
        algorithm: Cipher::from_number(request.alg)?,
        plaintext: secret(&request.plaintext),
    };
    PsaCipherDecryptRequest(request) => Operation::PsaCipherDecrypt {
        key_name: request.key_name,
        algorithm: Cipher::from_number(request.alg)?,
        ciphertext: public(&request.ciphertext),
    };
    PsaMacComputeRequest(request) => Operation::PsaMacCompute {
        key_name: request.key_name,
        algorithm: required("MAC", request.alg)?,
        input: secret(&request.input),
    };
    PsaMacVerifyRequest(request) => Operation::PsaMacVerify {
        key_name: request.key_name,
        algorithm: required("MAC", request.alg)?,
        input: secret(&request.input),
        mac: public(&request.mac),
    };
    PsaHashComputeRequest(request) => Operation::PsaHashCompute {
        algorithm: Hash::from_number(request.alg)?,
        input: secret(&request.input),
    };
    PsaHashCompareRequest(request) => Operation::PsaHashCompare {
        algorithm: Hash::from_number(request.alg)?,
        input: secret(&request.input),
        hash: public(&request.hash),
    };
    PsaGenerateRandomRequest(request) => Operation::PsaGenerateRandom { size: request.size };
    PsaRawKeyAgreementRequest(request) => Operation::PsaRawKeyAgreement {
        algorithm: RawKeyAgreement::from_number(request.alg)?,
        private_key_name: request.private_key_name,
        peer_key: public(&request.peer_key),
    };
    CanDoCryptoRequest(request) => Operation::CanDoCrypto {
        check_type: CheckType::from_number(request.check_type)?,
        attributes: required("key attributes", request.attributes)?,
    };
    PrepareKeyAttestationRequest(request) => {
        use proto::prepare_key_attestation_request::parameters::Mechanism;
        let parameters = request.parameters.ok_or(DecodeError::Missing("attestation parameters"))?;
        let Mechanism::ActivateCredential(parameters) =
            parameters.mechanism.ok_or(DecodeError::Missing("attestation mechanism"))?;
        Operation::PrepareKeyAttestation {
            attested_key_name: parameters.attested_key_name,
            attesting_key_name: non_empty(parameters.attesting_key_name),
        }
    };
    AttestKeyRequest(request) => {
        use proto::attest_key_request::parameters::Mechanism;
        let parameters = request.parameters.ok_or(DecodeError::Missing("attestation parameters"))?;
        let Mechanism::ActivateCredential(parameters) =
            parameters.mechanism.ok_or(DecodeError::Missing("attestation mechanism"))?;
        Operation::AttestKey {
            attested_key_name: request.attested_key_name,
            attesting_key_name: non_empty(request.attesting_key_name),
            credential_blob: public(&parameters.credential_blob),
            secret: secret(&parameters.secret),
        }
    };
}

/// An empty salt is no salt.
fn salt(field: &Bytes) -> Option<alloc::vec::Vec<u8>> {
    (!field.is_empty()).then(|| public(field))
}
