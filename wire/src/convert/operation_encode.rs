//! Requests as a client sends them (operations.md 6 to 17).

use super::algorithm::Enumeration;
use super::buffer::{public_field, secret_field};
use crate::generated as proto;
use crate::{Operation, SecretBytes};
use prost::Message;

impl Operation {
    /// The body of the request, in a buffer that was allocated at its full size.
    #[allow(clippy::too_many_lines, reason = "one arm per operation")]
    pub fn encode(&self) -> SecretBytes {
        SecretBytes::new(match self {
            Operation::Ping => proto::PingRequest {}.encode_to_vec(),
            Operation::ListProviders => proto::ListProvidersRequest {}.encode_to_vec(),
            Operation::ListOpcodes { provider } => {
                proto::ListOpcodesRequest { provider_id: u32::from(provider.number()) }.encode_to_vec()
            }
            Operation::ListAuthenticators => proto::ListAuthenticatorsRequest {}.encode_to_vec(),
            Operation::ListKeys => proto::ListKeysRequest {}.encode_to_vec(),
            Operation::ListClients => proto::ListClientsRequest {}.encode_to_vec(),
            Operation::DeleteClient { client } => {
                proto::DeleteClientRequest { client: client.clone() }.encode_to_vec()
            }
            Operation::PsaGenerateKey { key_name, attributes } => proto::PsaGenerateKeyRequest {
                key_name: key_name.clone(),
                attributes: Some((*attributes).into()),
            }
            .encode_to_vec(),
            Operation::PsaImportKey { key_name, attributes, data } => proto::PsaImportKeyRequest {
                key_name: key_name.clone(),
                attributes: Some((*attributes).into()),
                data: secret_field(data),
            }
            .encode_to_vec(),
            Operation::PsaExportPublicKey { key_name } => {
                proto::PsaExportPublicKeyRequest { key_name: key_name.clone() }.encode_to_vec()
            }
            Operation::PsaExportKey { key_name } => {
                proto::PsaExportKeyRequest { key_name: key_name.clone() }.encode_to_vec()
            }
            Operation::PsaDestroyKey { key_name } => {
                proto::PsaDestroyKeyRequest { key_name: key_name.clone() }.encode_to_vec()
            }
            Operation::PsaSignHash { key_name, algorithm, hash } => proto::PsaSignHashRequest {
                key_name: key_name.clone(),
                alg: Some((*algorithm).into()),
                hash: public_field(hash),
            }
            .encode_to_vec(),
            Operation::PsaVerifyHash { key_name, algorithm, hash, signature } => {
                proto::PsaVerifyHashRequest {
                    key_name: key_name.clone(),
                    alg: Some((*algorithm).into()),
                    hash: public_field(hash),
                    signature: public_field(signature),
                }
                .encode_to_vec()
            }
            Operation::PsaSignMessage { key_name, algorithm, message } => proto::PsaSignMessageRequest {
                key_name: key_name.clone(),
                alg: Some((*algorithm).into()),
                message: secret_field(message),
            }
            .encode_to_vec(),
            Operation::PsaVerifyMessage { key_name, algorithm, message, signature } => {
                proto::PsaVerifyMessageRequest {
                    key_name: key_name.clone(),
                    alg: Some((*algorithm).into()),
                    message: secret_field(message),
                    signature: public_field(signature),
                }
                .encode_to_vec()
            }
            Operation::PsaAsymmetricEncrypt { key_name, algorithm, plaintext, salt } => {
                proto::PsaAsymmetricEncryptRequest {
                    key_name: key_name.clone(),
                    alg: Some((*algorithm).into()),
                    plaintext: secret_field(plaintext),
                    salt: public_field(salt.as_deref().unwrap_or_default()),
                }
                .encode_to_vec()
            }
            Operation::PsaAsymmetricDecrypt { key_name, algorithm, ciphertext, salt } => {
                proto::PsaAsymmetricDecryptRequest {
                    key_name: key_name.clone(),
                    alg: Some((*algorithm).into()),
                    ciphertext: public_field(ciphertext),
                    salt: public_field(salt.as_deref().unwrap_or_default()),
                }
                .encode_to_vec()
            }
            Operation::PsaAeadEncrypt { key_name, algorithm, nonce, additional_data, plaintext } => {
                proto::PsaAeadEncryptRequest {
                    key_name: key_name.clone(),
                    alg: Some((*algorithm).into()),
                    nonce: public_field(nonce),
                    additional_data: public_field(additional_data),
                    plaintext: secret_field(plaintext),
                }
                .encode_to_vec()
            }
            Operation::PsaAeadDecrypt { key_name, algorithm, nonce, additional_data, ciphertext } => {
                proto::PsaAeadDecryptRequest {
                    key_name: key_name.clone(),
                    alg: Some((*algorithm).into()),
                    nonce: public_field(nonce),
                    additional_data: public_field(additional_data),
                    ciphertext: public_field(ciphertext),
                }
                .encode_to_vec()
            }
            Operation::PsaCipherEncrypt { key_name, algorithm, plaintext } => {
                proto::PsaCipherEncryptRequest {
                    key_name: key_name.clone(),
                    alg: algorithm.number(),
                    plaintext: secret_field(plaintext),
                }
                .encode_to_vec()
            }
            Operation::PsaCipherDecrypt { key_name, algorithm, ciphertext } => {
                proto::PsaCipherDecryptRequest {
                    key_name: key_name.clone(),
                    alg: algorithm.number(),
                    ciphertext: public_field(ciphertext),
                }
                .encode_to_vec()
            }
            Operation::PsaMacCompute { key_name, algorithm, input } => proto::PsaMacComputeRequest {
                key_name: key_name.clone(),
                alg: Some((*algorithm).into()),
                input: secret_field(input),
            }
            .encode_to_vec(),
            Operation::PsaMacVerify { key_name, algorithm, input, mac } => proto::PsaMacVerifyRequest {
                key_name: key_name.clone(),
                alg: Some((*algorithm).into()),
                input: secret_field(input),
                mac: public_field(mac),
            }
            .encode_to_vec(),
            Operation::PsaHashCompute { algorithm, input } => {
                proto::PsaHashComputeRequest { alg: algorithm.number(), input: secret_field(input) }
                    .encode_to_vec()
            }
            Operation::PsaHashCompare { algorithm, input, hash } => proto::PsaHashCompareRequest {
                alg: algorithm.number(),
                input: secret_field(input),
                hash: public_field(hash),
            }
            .encode_to_vec(),
            Operation::PsaGenerateRandom { size } => {
                proto::PsaGenerateRandomRequest { size: *size }.encode_to_vec()
            }
            Operation::PsaRawKeyAgreement { algorithm, private_key_name, peer_key } => {
                proto::PsaRawKeyAgreementRequest {
                    alg: algorithm.number(),
                    private_key_name: private_key_name.clone(),
                    peer_key: public_field(peer_key),
                }
                .encode_to_vec()
            }
            Operation::CanDoCrypto { check_type, attributes } => proto::CanDoCryptoRequest {
                check_type: check_type.number(),
                attributes: Some((*attributes).into()),
            }
            .encode_to_vec(),
            Operation::PrepareKeyAttestation { attested_key_name, attesting_key_name } => {
                use proto::prepare_key_attestation_request::parameters::Mechanism;
                use proto::prepare_key_attestation_request::{ActivateCredential, Parameters};
                let mechanism = Mechanism::ActivateCredential(ActivateCredential {
                    attested_key_name: attested_key_name.clone(),
                    attesting_key_name: attesting_key_name.clone().unwrap_or_default(),
                });
                proto::PrepareKeyAttestationRequest {
                    parameters: Some(Parameters { mechanism: Some(mechanism) }),
                }
                .encode_to_vec()
            }
            Operation::AttestKey { attested_key_name, attesting_key_name, credential_blob, secret } => {
                use proto::attest_key_request::parameters::Mechanism;
                use proto::attest_key_request::{ActivateCredential, Parameters};
                let mechanism = Mechanism::ActivateCredential(ActivateCredential {
                    credential_blob: public_field(credential_blob),
                    secret: secret_field(secret),
                });
                proto::AttestKeyRequest {
                    attested_key_name: attested_key_name.clone(),
                    parameters: Some(Parameters { mechanism: Some(mechanism) }),
                    attesting_key_name: attesting_key_name.clone().unwrap_or_default(),
                }
                .encode_to_vec()
            }
        })
    }
}
