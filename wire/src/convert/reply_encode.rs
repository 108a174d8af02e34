//! Results as the daemon sends them (operations.md 6 to 17).

use super::buffer::{public_field, secret_field};
use crate::generated as proto;
use crate::{AuthenticatorInfo, KeyInfo, ProviderInfo, Reply, SecretBytes};
use alloc::string::ToString;
use prost::Message;

impl Reply {
    /// The body of a successful answer, in a buffer that was allocated at its full size.
    #[allow(clippy::too_many_lines, reason = "one arm per operation")]
    pub fn encode(&self) -> SecretBytes {
        SecretBytes::new(match self {
            Reply::Ping { major, minor } => proto::PingResponse {
                wire_protocol_version_maj: u32::from(*major),
                wire_protocol_version_min: u32::from(*minor),
            }
            .encode_to_vec(),
            Reply::ListProviders { providers } => proto::ListProvidersResponse {
                providers: providers.iter().map(proto::ProviderInfo::from).collect(),
            }
            .encode_to_vec(),
            Reply::ListOpcodes { opcodes } => {
                proto::ListOpcodesResponse { opcodes: opcodes.clone() }.encode_to_vec()
            }
            Reply::ListAuthenticators { authenticators } => proto::ListAuthenticatorsResponse {
                authenticators: authenticators.iter().map(proto::AuthenticatorInfo::from).collect(),
            }
            .encode_to_vec(),
            Reply::ListKeys { keys } => {
                proto::ListKeysResponse { keys: keys.iter().map(proto::KeyInfo::from).collect() }
                    .encode_to_vec()
            }
            Reply::ListClients { clients } => {
                proto::ListClientsResponse { clients: clients.clone() }.encode_to_vec()
            }
            Reply::DeleteClient => proto::DeleteClientResponse {}.encode_to_vec(),
            Reply::PsaGenerateKey => proto::PsaGenerateKeyResponse {}.encode_to_vec(),
            Reply::PsaImportKey => proto::PsaImportKeyResponse {}.encode_to_vec(),
            Reply::PsaExportPublicKey { data } => {
                proto::PsaExportPublicKeyResponse { data: public_field(data) }.encode_to_vec()
            }
            Reply::PsaExportKey { data } => {
                proto::PsaExportKeyResponse { data: secret_field(data) }.encode_to_vec()
            }
            Reply::PsaDestroyKey => proto::PsaDestroyKeyResponse {}.encode_to_vec(),
            Reply::PsaSignHash { signature } => {
                proto::PsaSignHashResponse { signature: public_field(signature) }.encode_to_vec()
            }
            Reply::PsaVerifyHash => proto::PsaVerifyHashResponse {}.encode_to_vec(),
            Reply::PsaSignMessage { signature } => {
                proto::PsaSignMessageResponse { signature: public_field(signature) }.encode_to_vec()
            }
            Reply::PsaVerifyMessage => proto::PsaVerifyMessageResponse {}.encode_to_vec(),
            Reply::PsaAsymmetricEncrypt { ciphertext } => {
                proto::PsaAsymmetricEncryptResponse { ciphertext: public_field(ciphertext) }.encode_to_vec()
            }
            Reply::PsaAsymmetricDecrypt { plaintext } => {
                proto::PsaAsymmetricDecryptResponse { plaintext: secret_field(plaintext) }.encode_to_vec()
            }
            Reply::PsaAeadEncrypt { ciphertext } => {
                proto::PsaAeadEncryptResponse { ciphertext: public_field(ciphertext) }.encode_to_vec()
            }
            Reply::PsaAeadDecrypt { plaintext } => {
                proto::PsaAeadDecryptResponse { plaintext: secret_field(plaintext) }.encode_to_vec()
            }
            Reply::PsaCipherEncrypt { ciphertext } => {
                proto::PsaCipherEncryptResponse { ciphertext: public_field(ciphertext) }.encode_to_vec()
            }
            Reply::PsaCipherDecrypt { plaintext } => {
                proto::PsaCipherDecryptResponse { plaintext: secret_field(plaintext) }.encode_to_vec()
            }
            Reply::PsaMacCompute { mac } => {
                proto::PsaMacComputeResponse { mac: public_field(mac) }.encode_to_vec()
            }
            Reply::PsaMacVerify => proto::PsaMacVerifyResponse {}.encode_to_vec(),
            Reply::PsaHashCompute { hash } => {
                proto::PsaHashComputeResponse { hash: public_field(hash) }.encode_to_vec()
            }
            Reply::PsaHashCompare => proto::PsaHashCompareResponse {}.encode_to_vec(),
            Reply::PsaGenerateRandom { random_bytes } => {
                proto::PsaGenerateRandomResponse { random_bytes: secret_field(random_bytes) }.encode_to_vec()
            }
            Reply::PsaRawKeyAgreement { shared_secret } => {
                proto::PsaRawKeyAgreementResponse { shared_secret: secret_field(shared_secret) }
                    .encode_to_vec()
            }
            Reply::CanDoCrypto => proto::CanDoCryptoResponse {}.encode_to_vec(),
            Reply::PrepareKeyAttestation { name, public, attesting_key_pub } => {
                use proto::prepare_key_attestation_response::output::Mechanism;
                use proto::prepare_key_attestation_response::{ActivateCredential, Output};
                let mechanism = Mechanism::ActivateCredential(ActivateCredential {
                    name: public_field(name),
                    public: public_field(public),
                    attesting_key_pub: public_field(attesting_key_pub),
                });
                proto::PrepareKeyAttestationResponse { output: Some(Output { mechanism: Some(mechanism) }) }
                    .encode_to_vec()
            }
            Reply::AttestKey { credential } => {
                use proto::attest_key_response::output::Mechanism;
                use proto::attest_key_response::{ActivateCredential, Output};
                let mechanism = Mechanism::ActivateCredential(ActivateCredential {
                    credential: secret_field(credential),
                });
                proto::AttestKeyResponse { output: Some(Output { mechanism: Some(mechanism) }) }
                    .encode_to_vec()
            }
        })
    }
}

impl From<&ProviderInfo> for proto::ProviderInfo {
    fn from(info: &ProviderInfo) -> Self {
        let (version_maj, version_min, version_rev) = info.version;
        proto::ProviderInfo {
            uuid: info.uuid.to_string(),
            description: info.description.clone(),
            vendor: info.vendor.clone(),
            version_maj,
            version_min,
            version_rev,
            id: u32::from(info.id.number()),
        }
    }
}

impl From<&AuthenticatorInfo> for proto::AuthenticatorInfo {
    fn from(info: &AuthenticatorInfo) -> Self {
        let (version_maj, version_min, version_rev) = info.version;
        proto::AuthenticatorInfo {
            description: info.description.clone(),
            version_maj,
            version_min,
            version_rev,
            id: u32::from(info.id.number()),
        }
    }
}

impl From<&KeyInfo> for proto::KeyInfo {
    fn from(info: &KeyInfo) -> Self {
        proto::KeyInfo {
            provider_id: u32::from(info.provider.number()),
            name: info.name.clone(),
            attributes: Some(info.attributes.into()),
        }
    }
}
