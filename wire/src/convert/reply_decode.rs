//! Results as a client receives them (operations.md 6 to 17).

use super::buffer::{public, secret};
use super::{DecodeError, authentication_type, decode, provider_id, required};
use crate::generated as proto;
use crate::{AuthenticatorInfo, KeyInfo, Opcode, ProviderInfo, Reply, Uuid};
use alloc::vec::Vec;
use bytes::Buf;

impl Reply {
    /// Decodes the body of a successful answer to this opcode. Answers of other statuses have no body.
    ///
    /// # Errors
    /// The body is malformed, or a value is not representable; [`DecodeError::status`] is the status that
    /// a client reports.
    pub fn decode(opcode: Opcode, body: impl Buf) -> Result<Reply, DecodeError> {
        match opcode {
            Opcode::Ping => decode::<proto::PingResponse, _>(body),
            Opcode::ListProviders => decode::<proto::ListProvidersResponse, _>(body),
            Opcode::ListOpcodes => decode::<proto::ListOpcodesResponse, _>(body),
            Opcode::ListAuthenticators => decode::<proto::ListAuthenticatorsResponse, _>(body),
            Opcode::ListKeys => decode::<proto::ListKeysResponse, _>(body),
            Opcode::ListClients => decode::<proto::ListClientsResponse, _>(body),
            Opcode::DeleteClient => decode::<proto::DeleteClientResponse, _>(body),
            Opcode::PsaGenerateKey => decode::<proto::PsaGenerateKeyResponse, _>(body),
            Opcode::PsaImportKey => decode::<proto::PsaImportKeyResponse, _>(body),
            Opcode::PsaExportPublicKey => decode::<proto::PsaExportPublicKeyResponse, _>(body),
            Opcode::PsaExportKey => decode::<proto::PsaExportKeyResponse, _>(body),
            Opcode::PsaDestroyKey => decode::<proto::PsaDestroyKeyResponse, _>(body),
            Opcode::PsaSignHash => decode::<proto::PsaSignHashResponse, _>(body),
            Opcode::PsaVerifyHash => decode::<proto::PsaVerifyHashResponse, _>(body),
            Opcode::PsaSignMessage => decode::<proto::PsaSignMessageResponse, _>(body),
            Opcode::PsaVerifyMessage => decode::<proto::PsaVerifyMessageResponse, _>(body),
            Opcode::PsaAsymmetricEncrypt => decode::<proto::PsaAsymmetricEncryptResponse, _>(body),
            Opcode::PsaAsymmetricDecrypt => decode::<proto::PsaAsymmetricDecryptResponse, _>(body),
            Opcode::PsaAeadEncrypt => decode::<proto::PsaAeadEncryptResponse, _>(body),
            Opcode::PsaAeadDecrypt => decode::<proto::PsaAeadDecryptResponse, _>(body),
            Opcode::PsaCipherEncrypt => decode::<proto::PsaCipherEncryptResponse, _>(body),
            Opcode::PsaCipherDecrypt => decode::<proto::PsaCipherDecryptResponse, _>(body),
            Opcode::PsaMacCompute => decode::<proto::PsaMacComputeResponse, _>(body),
            Opcode::PsaMacVerify => decode::<proto::PsaMacVerifyResponse, _>(body),
            Opcode::PsaHashCompute => decode::<proto::PsaHashComputeResponse, _>(body),
            Opcode::PsaHashCompare => decode::<proto::PsaHashCompareResponse, _>(body),
            Opcode::PsaGenerateRandom => decode::<proto::PsaGenerateRandomResponse, _>(body),
            Opcode::PsaRawKeyAgreement => decode::<proto::PsaRawKeyAgreementResponse, _>(body),
            Opcode::CanDoCrypto => decode::<proto::CanDoCryptoResponse, _>(body),
            Opcode::PrepareKeyAttestation => decode::<proto::PrepareKeyAttestationResponse, _>(body),
            Opcode::AttestKey => decode::<proto::AttestKeyResponse, _>(body),
        }
    }
}

/// How each message becomes a reply; conversions may fail with [`DecodeError`].
macro_rules! replies {
    ($($message:ident($response:pat) => $reply:expr;)+) => {$(
        impl TryFrom<proto::$message> for Reply {
            type Error = DecodeError;

            fn try_from($response: proto::$message) -> Result<Self, DecodeError> {
                Ok($reply)
            }
        }
    )+};
}

replies! {
    PingResponse(response) => Reply::Ping {
        major: version(response.wire_protocol_version_maj)?,
        minor: version(response.wire_protocol_version_min)?,
    };
    ListProvidersResponse(response) => Reply::ListProviders { providers: all(response.providers)? };
    ListOpcodesResponse(response) => Reply::ListOpcodes { opcodes: response.opcodes };
    ListAuthenticatorsResponse(response) => Reply::ListAuthenticators {
        authenticators: all(response.authenticators)?,
    };
    ListKeysResponse(response) => Reply::ListKeys { keys: all(response.keys)? };
    ListClientsResponse(response) => Reply::ListClients { clients: response.clients };
    DeleteClientResponse(_) => Reply::DeleteClient;
    PsaGenerateKeyResponse(_) => Reply::PsaGenerateKey;
    PsaImportKeyResponse(_) => Reply::PsaImportKey;
    PsaExportPublicKeyResponse(response) => Reply::PsaExportPublicKey { data: public(&response.data) };
    PsaExportKeyResponse(response) => Reply::PsaExportKey { data: secret(&response.data) };
    PsaDestroyKeyResponse(_) => Reply::PsaDestroyKey;
    PsaSignHashResponse(response) => Reply::PsaSignHash { signature: public(&response.signature) };
    PsaVerifyHashResponse(_) => Reply::PsaVerifyHash;
    PsaSignMessageResponse(response) => Reply::PsaSignMessage { signature: public(&response.signature) };
    PsaVerifyMessageResponse(_) => Reply::PsaVerifyMessage;
    PsaAsymmetricEncryptResponse(response) => Reply::PsaAsymmetricEncrypt {
        ciphertext: public(&response.ciphertext),
    };
    PsaAsymmetricDecryptResponse(response) => Reply::PsaAsymmetricDecrypt {
        plaintext: secret(&response.plaintext),
    };
    PsaAeadEncryptResponse(response) => Reply::PsaAeadEncrypt { ciphertext: public(&response.ciphertext) };
    PsaAeadDecryptResponse(response) => Reply::PsaAeadDecrypt { plaintext: secret(&response.plaintext) };
    PsaCipherEncryptResponse(response) => Reply::PsaCipherEncrypt { ciphertext: public(&response.ciphertext) };
    PsaCipherDecryptResponse(response) => Reply::PsaCipherDecrypt { plaintext: secret(&response.plaintext) };
    PsaMacComputeResponse(response) => Reply::PsaMacCompute { mac: public(&response.mac) };
    PsaMacVerifyResponse(_) => Reply::PsaMacVerify;
    PsaHashComputeResponse(response) => Reply::PsaHashCompute { hash: public(&response.hash) };
    PsaHashCompareResponse(_) => Reply::PsaHashCompare;
    PsaGenerateRandomResponse(response) => Reply::PsaGenerateRandom {
        random_bytes: secret(&response.random_bytes),
    };
    PsaRawKeyAgreementResponse(response) => Reply::PsaRawKeyAgreement {
        shared_secret: secret(&response.shared_secret),
    };
    CanDoCryptoResponse(_) => Reply::CanDoCrypto;
    PrepareKeyAttestationResponse(response) => {
        use proto::prepare_key_attestation_response::output::Mechanism;
        let output = response.output.ok_or(DecodeError::Missing("attestation output"))?;
        let Mechanism::ActivateCredential(output) =
            output.mechanism.ok_or(DecodeError::Missing("attestation mechanism"))?;
        Reply::PrepareKeyAttestation {
            name: public(&output.name),
            public: public(&output.public),
            attesting_key_pub: public(&output.attesting_key_pub),
        }
    };
    AttestKeyResponse(response) => {
        use proto::attest_key_response::output::Mechanism;
        let output = response.output.ok_or(DecodeError::Missing("attestation output"))?;
        let Mechanism::ActivateCredential(output) =
            output.mechanism.ok_or(DecodeError::Missing("attestation mechanism"))?;
        Reply::AttestKey { credential: secret(&output.credential) }
    };
}

impl TryFrom<proto::ProviderInfo> for ProviderInfo {
    type Error = DecodeError;

    fn try_from(info: proto::ProviderInfo) -> Result<Self, DecodeError> {
        Ok(ProviderInfo {
            uuid: Uuid::parse(&info.uuid).ok_or(DecodeError::Uuid)?,
            description: info.description,
            vendor: info.vendor,
            version: (info.version_maj, info.version_min, info.version_rev),
            id: provider_id(info.id)?,
        })
    }
}

impl TryFrom<proto::AuthenticatorInfo> for AuthenticatorInfo {
    type Error = DecodeError;

    fn try_from(info: proto::AuthenticatorInfo) -> Result<Self, DecodeError> {
        Ok(AuthenticatorInfo {
            description: info.description,
            version: (info.version_maj, info.version_min, info.version_rev),
            id: authentication_type(info.id)?,
        })
    }
}

impl TryFrom<proto::KeyInfo> for KeyInfo {
    type Error = DecodeError;

    fn try_from(info: proto::KeyInfo) -> Result<Self, DecodeError> {
        Ok(KeyInfo {
            provider: provider_id(info.provider_id)?,
            name: info.name,
            attributes: required("key attributes", info.attributes)?,
        })
    }
}

fn all<M, T>(messages: Vec<M>) -> Result<Vec<T>, DecodeError>
where
    T: TryFrom<M, Error = DecodeError>,
{
    messages.into_iter().map(T::try_from).collect()
}

fn version(number: u32) -> Result<u8, DecodeError> {
    u8::try_from(number).map_err(|_| DecodeError::Version(number))
}
