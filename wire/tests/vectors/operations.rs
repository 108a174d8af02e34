//! Requests from JSON.

use super::attributes::{
    aead, asymmetric_encryption, asymmetric_signature, cipher, hash, key_attributes, raw_key_agreement,
};
use super::{bytes, number, string, text};
use parsecd_wire::{CheckType, Opcode, Operation, ProviderId};
use serde_json::Value;

pub fn opcode(name: &str) -> Opcode {
    match name {
        "ping" => Opcode::Ping,
        "list_providers" => Opcode::ListProviders,
        "list_opcodes" => Opcode::ListOpcodes,
        "list_authenticators" => Opcode::ListAuthenticators,
        "list_keys" => Opcode::ListKeys,
        "list_clients" => Opcode::ListClients,
        "delete_client" => Opcode::DeleteClient,
        "psa_generate_key" => Opcode::PsaGenerateKey,
        "psa_import_key" => Opcode::PsaImportKey,
        "psa_export_key" => Opcode::PsaExportKey,
        "psa_export_public_key" => Opcode::PsaExportPublicKey,
        "psa_destroy_key" => Opcode::PsaDestroyKey,
        "psa_sign_hash" => Opcode::PsaSignHash,
        "psa_verify_hash" => Opcode::PsaVerifyHash,
        "psa_sign_message" => Opcode::PsaSignMessage,
        "psa_verify_message" => Opcode::PsaVerifyMessage,
        "psa_asymmetric_encrypt" => Opcode::PsaAsymmetricEncrypt,
        "psa_asymmetric_decrypt" => Opcode::PsaAsymmetricDecrypt,
        "psa_aead_encrypt" => Opcode::PsaAeadEncrypt,
        "psa_aead_decrypt" => Opcode::PsaAeadDecrypt,
        "psa_cipher_encrypt" => Opcode::PsaCipherEncrypt,
        "psa_cipher_decrypt" => Opcode::PsaCipherDecrypt,
        "psa_hash_compute" => Opcode::PsaHashCompute,
        "psa_hash_compare" => Opcode::PsaHashCompare,
        "psa_generate_random" => Opcode::PsaGenerateRandom,
        "psa_raw_key_agreement" => Opcode::PsaRawKeyAgreement,
        "can_do_crypto" => Opcode::CanDoCrypto,
        "prepare_key_attestation" => Opcode::PrepareKeyAttestation,
        "attest_key" => Opcode::AttestKey,
        other => panic!("operation {other}"),
    }
}

pub fn from_json(opcode: Opcode, body: &Value) -> Operation {
    let key_name = || text(&body["key_name"]).to_owned();
    let salt = || Some(bytes(&body["salt"])).filter(|salt| !salt.is_empty());
    match opcode {
        Opcode::Ping => Operation::Ping,
        Opcode::ListProviders => Operation::ListProviders,
        Opcode::ListOpcodes => Operation::ListOpcodes {
            provider: ProviderId::from_number(number(&body["provider_id"])).expect("a provider"),
        },
        Opcode::ListAuthenticators => Operation::ListAuthenticators,
        Opcode::ListKeys => Operation::ListKeys,
        Opcode::ListClients => Operation::ListClients,
        Opcode::DeleteClient => Operation::DeleteClient { client: string(&body["client"]) },
        Opcode::PsaGenerateKey => Operation::PsaGenerateKey {
            key_name: key_name(),
            attributes: key_attributes(&body["attributes"]),
        },
        Opcode::PsaImportKey => Operation::PsaImportKey {
            key_name: key_name(),
            attributes: key_attributes(&body["attributes"]),
            data: bytes(&body["data"]).into(),
        },
        Opcode::PsaExportPublicKey => Operation::PsaExportPublicKey { key_name: key_name() },
        Opcode::PsaExportKey => Operation::PsaExportKey { key_name: key_name() },
        Opcode::PsaDestroyKey => Operation::PsaDestroyKey { key_name: key_name() },
        Opcode::PsaSignHash => Operation::PsaSignHash {
            key_name: key_name(),
            algorithm: asymmetric_signature(&body["alg"]),
            hash: bytes(&body["hash"]),
        },
        Opcode::PsaVerifyHash => Operation::PsaVerifyHash {
            key_name: key_name(),
            algorithm: asymmetric_signature(&body["alg"]),
            hash: bytes(&body["hash"]),
            signature: bytes(&body["signature"]),
        },
        Opcode::PsaSignMessage => Operation::PsaSignMessage {
            key_name: key_name(),
            algorithm: asymmetric_signature(&body["alg"]),
            message: bytes(&body["message"]).into(),
        },
        Opcode::PsaVerifyMessage => Operation::PsaVerifyMessage {
            key_name: key_name(),
            algorithm: asymmetric_signature(&body["alg"]),
            message: bytes(&body["message"]).into(),
            signature: bytes(&body["signature"]),
        },
        Opcode::PsaAsymmetricEncrypt => Operation::PsaAsymmetricEncrypt {
            key_name: key_name(),
            algorithm: asymmetric_encryption(&body["alg"]),
            plaintext: bytes(&body["plaintext"]).into(),
            salt: salt(),
        },
        Opcode::PsaAsymmetricDecrypt => Operation::PsaAsymmetricDecrypt {
            key_name: key_name(),
            algorithm: asymmetric_encryption(&body["alg"]),
            ciphertext: bytes(&body["ciphertext"]),
            salt: salt(),
        },
        Opcode::PsaAeadEncrypt => Operation::PsaAeadEncrypt {
            key_name: key_name(),
            algorithm: aead(&body["alg"]),
            nonce: bytes(&body["nonce"]),
            additional_data: bytes(&body["additional_data"]),
            plaintext: bytes(&body["plaintext"]).into(),
        },
        Opcode::PsaAeadDecrypt => Operation::PsaAeadDecrypt {
            key_name: key_name(),
            algorithm: aead(&body["alg"]),
            nonce: bytes(&body["nonce"]),
            additional_data: bytes(&body["additional_data"]),
            ciphertext: bytes(&body["ciphertext"]),
        },
        Opcode::PsaCipherEncrypt => Operation::PsaCipherEncrypt {
            key_name: key_name(),
            algorithm: cipher(&body["alg"]),
            plaintext: bytes(&body["plaintext"]).into(),
        },
        Opcode::PsaCipherDecrypt => Operation::PsaCipherDecrypt {
            key_name: key_name(),
            algorithm: cipher(&body["alg"]),
            ciphertext: bytes(&body["ciphertext"]),
        },
        Opcode::PsaHashCompute => {
            Operation::PsaHashCompute { algorithm: hash(&body["alg"]), input: bytes(&body["input"]).into() }
        }
        Opcode::PsaHashCompare => Operation::PsaHashCompare {
            algorithm: hash(&body["alg"]),
            input: bytes(&body["input"]).into(),
            hash: bytes(&body["hash"]),
        },
        Opcode::PsaGenerateRandom => Operation::PsaGenerateRandom { size: number(&body["size"]) },
        Opcode::PsaRawKeyAgreement => Operation::PsaRawKeyAgreement {
            algorithm: raw_key_agreement(&body["alg"]),
            private_key_name: text(&body["private_key_name"]).to_owned(),
            peer_key: bytes(&body["peer_key"]),
        },
        Opcode::CanDoCrypto => Operation::CanDoCrypto {
            check_type: match text(&body["check_type"]["name"]) {
                "USE" => CheckType::Use,
                "GENERATE" => CheckType::Generate,
                "IMPORT" => CheckType::Import,
                "DERIVE" => CheckType::Derive,
                other => panic!("check type {other}"),
            },
            attributes: key_attributes(&body["attributes"]),
        },
        Opcode::PrepareKeyAttestation => {
            let parameters = &body["parameters"]["activate_credential"];
            Operation::PrepareKeyAttestation {
                attested_key_name: text(&parameters["attested_key_name"]).to_owned(),
                attesting_key_name: parameters["attesting_key_name"].as_str().map(str::to_owned),
            }
        }
        Opcode::AttestKey => {
            let parameters = &body["parameters"]["activate_credential"];
            Operation::AttestKey {
                attested_key_name: text(&body["attested_key_name"]).to_owned(),
                attesting_key_name: body["attesting_key_name"].as_str().map(str::to_owned),
                credential_blob: bytes(&parameters["credential_blob"]),
                secret: bytes(&parameters["secret"]).into(),
            }
        }
        Opcode::PsaMacCompute | Opcode::PsaMacVerify => panic!("the reference does not know {opcode:?}"),
    }
}
