//! Results from JSON.

use super::attributes::key_attributes;
use super::{bytes, number, string, text};
use parsecd_wire::{
    AuthenticationType, AuthenticatorInfo, KeyInfo, Opcode, ProviderId, ProviderInfo, Reply, Status, Uuid,
};
use serde_json::Value;

pub fn status(name: &str) -> Status {
    match name {
        "Success" => Status::Success,
        "InvalidHeader" => Status::InvalidHeader,
        "NotAuthenticated" => Status::NotAuthenticated,
        "AdminOperation" => Status::AdminOperation,
        "DeprecatedPrimitive" => Status::DeprecatedPrimitive,
        "PsaErrorDoesNotExist" => Status::PsaErrorDoesNotExist,
        other => panic!("status {other}"),
    }
}

fn list<T>(value: &Value, entry: impl Fn(&Value) -> T) -> Vec<T> {
    if value.is_null() { Vec::new() } else { value.as_array().expect("a list").iter().map(entry).collect() }
}

fn version(entry: &Value) -> (u32, u32, u32) {
    (number(&entry["version_maj"]), number(&entry["version_min"]), number(&entry["version_rev"]))
}

fn provider(value: &Value) -> ProviderId {
    ProviderId::from_number(number(value)).expect("a provider")
}

pub fn from_json(opcode: Opcode, body: &Value) -> Reply {
    match opcode {
        Opcode::Ping => Reply::Ping {
            major: number(&body["wire_protocol_version_maj"]),
            minor: number(&body["wire_protocol_version_min"]),
        },
        Opcode::ListProviders => Reply::ListProviders {
            providers: list(&body["providers"], |entry| ProviderInfo {
                uuid: Uuid::parse(text(&entry["uuid"])).expect("a UUID"),
                description: string(&entry["description"]),
                vendor: string(&entry["vendor"]),
                version: version(entry),
                id: provider(&entry["id"]),
            }),
        },
        Opcode::ListOpcodes => Reply::ListOpcodes { opcodes: list(&body["opcodes"], number) },
        Opcode::ListAuthenticators => Reply::ListAuthenticators {
            authenticators: list(&body["authenticators"], |entry| AuthenticatorInfo {
                description: string(&entry["description"]),
                version: version(entry),
                id: AuthenticationType::from_number(number(&entry["id"])).expect("a type"),
            }),
        },
        Opcode::ListKeys => Reply::ListKeys {
            keys: list(&body["keys"], |entry| KeyInfo {
                provider: provider(&entry["provider_id"]),
                name: string(&entry["name"]),
                attributes: key_attributes(&entry["attributes"]),
            }),
        },
        Opcode::ListClients => Reply::ListClients { clients: list(&body["clients"], string) },
        Opcode::DeleteClient => Reply::DeleteClient,
        Opcode::PsaGenerateKey => Reply::PsaGenerateKey,
        Opcode::PsaImportKey => Reply::PsaImportKey,
        Opcode::PsaExportPublicKey => Reply::PsaExportPublicKey { data: bytes(&body["data"]) },
        Opcode::PsaExportKey => Reply::PsaExportKey { data: bytes(&body["data"]).into() },
        Opcode::PsaDestroyKey => Reply::PsaDestroyKey,
        Opcode::PsaSignHash => Reply::PsaSignHash { signature: bytes(&body["signature"]) },
        Opcode::PsaVerifyHash => Reply::PsaVerifyHash,
        Opcode::PsaSignMessage => Reply::PsaSignMessage { signature: bytes(&body["signature"]) },
        Opcode::PsaVerifyMessage => Reply::PsaVerifyMessage,
        Opcode::PsaAsymmetricEncrypt => {
            Reply::PsaAsymmetricEncrypt { ciphertext: bytes(&body["ciphertext"]) }
        }
        Opcode::PsaAsymmetricDecrypt => {
            Reply::PsaAsymmetricDecrypt { plaintext: bytes(&body["plaintext"]).into() }
        }
        Opcode::PsaAeadEncrypt => Reply::PsaAeadEncrypt { ciphertext: bytes(&body["ciphertext"]) },
        Opcode::PsaAeadDecrypt => Reply::PsaAeadDecrypt { plaintext: bytes(&body["plaintext"]).into() },
        Opcode::PsaCipherEncrypt => Reply::PsaCipherEncrypt { ciphertext: bytes(&body["ciphertext"]) },
        Opcode::PsaCipherDecrypt => Reply::PsaCipherDecrypt { plaintext: bytes(&body["plaintext"]).into() },
        Opcode::PsaHashCompute => Reply::PsaHashCompute { hash: bytes(&body["hash"]) },
        Opcode::PsaHashCompare => Reply::PsaHashCompare,
        Opcode::PsaGenerateRandom => {
            Reply::PsaGenerateRandom { random_bytes: bytes(&body["random_bytes"]).into() }
        }
        Opcode::PsaRawKeyAgreement => {
            Reply::PsaRawKeyAgreement { shared_secret: bytes(&body["shared_secret"]).into() }
        }
        Opcode::CanDoCrypto => Reply::CanDoCrypto,
        Opcode::PrepareKeyAttestation => {
            let output = &body["output"]["activate_credential"];
            Reply::PrepareKeyAttestation {
                name: bytes(&output["name"]),
                public: bytes(&output["public"]),
                attesting_key_pub: bytes(&output["attesting_key_pub"]),
            }
        }
        Opcode::AttestKey => {
            let output = &body["output"]["activate_credential"];
            Reply::AttestKey { credential: bytes(&output["credential"]).into() }
        }
        Opcode::PsaMacCompute | Opcode::PsaMacVerify => panic!("the reference does not know {opcode:?}"),
    }
}
