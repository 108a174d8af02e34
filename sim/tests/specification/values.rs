//! What `vectors.json` says in words, as values.

use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
};
use parsecd_wire::attributes::{DhFamily, EccFamily, KeyType, UsageFlags};
use parsecd_wire::{
    AuthenticationType, AuthenticatorInfo, CheckType, KeyAttributes, KeyInfo, Operation, ProviderId,
    ProviderInfo, Reply, Status, Uuid,
};
use serde_json::Value;

/// Bytes of hexadecimal text.
pub fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_default();
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digits).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex(&value["hex"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn optional(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap_or_default() as u32
}

fn provider(value: &Value) -> ProviderId {
    [ProviderId::Core, ProviderId::MbedCrypto, ProviderId::Pkcs11, ProviderId::Tpm][number(value) as usize]
}

/// The only member of a oneof, and what is in it.
fn member(value: &Value) -> (&str, &Value) {
    let (name, content) = value.as_object().and_then(|members| members.iter().next()).expect("a member");
    (name, content)
}

fn hash(value: &Value) -> Hash {
    match value["name"].as_str() {
        Some("SHA_256") => Hash::Sha256,
        Some("SHA_384") => Hash::Sha384,
        Some("SHA_512") => Hash::Sha512,
        other => panic!("hash {other:?}"),
    }
}

fn sign_hash(value: &Value) -> SignHash {
    match member(&value["hash_alg"]) {
        ("any", _) => SignHash::Any,
        (_, specific) => SignHash::Specific(hash(specific)),
    }
}

fn signature(value: &Value) -> AsymmetricSignature {
    match member(value) {
        ("rsa_pkcs1v15_sign", content) => AsymmetricSignature::RsaPkcs1v15Sign(sign_hash(content)),
        ("rsa_pkcs1v15_sign_raw", _) => AsymmetricSignature::RsaPkcs1v15SignRaw,
        ("rsa_pss", content) => AsymmetricSignature::RsaPss(sign_hash(content)),
        ("ecdsa", content) => AsymmetricSignature::Ecdsa(sign_hash(content)),
        ("ecdsa_any", _) => AsymmetricSignature::EcdsaAny,
        ("deterministic_ecdsa", content) => AsymmetricSignature::DeterministicEcdsa(sign_hash(content)),
        other => panic!("signature {other:?}"),
    }
}

fn encryption(value: &Value) -> AsymmetricEncryption {
    match member(value) {
        ("rsa_pkcs1v15_crypt", _) => AsymmetricEncryption::RsaPkcs1v15Crypt,
        (_, content) => AsymmetricEncryption::RsaOaep(hash(&content["hash_alg"])),
    }
}

fn aead_algorithm(value: &Value) -> AeadAlgorithm {
    match value["name"].as_str() {
        Some("CCM") => AeadAlgorithm::Ccm,
        Some("GCM") => AeadAlgorithm::Gcm,
        _ => AeadAlgorithm::ChaCha20Poly1305,
    }
}

fn aead(value: &Value) -> Aead {
    match member(value) {
        ("aead_with_default_length_tag", content) => Aead::DefaultLengthTag(aead_algorithm(content)),
        (_, content) => Aead::ShortenedTag {
            algorithm: aead_algorithm(&content["aead_alg"]),
            tag_length: number(&content["tag_length"]),
        },
    }
}

fn full_length(value: &Value) -> FullLengthMac {
    match member(value) {
        ("hmac", content) => FullLengthMac::Hmac(hash(&content["hash_alg"])),
        ("cbc_mac", _) => FullLengthMac::CbcMac,
        _ => FullLengthMac::Cmac,
    }
}

fn mac(value: &Value) -> Mac {
    match member(value) {
        ("full_length", content) => Mac::FullLength(full_length(content)),
        (_, content) => Mac::Truncated {
            algorithm: full_length(&content["mac_alg"]),
            length: number(&content["mac_length"]),
        },
    }
}

fn cipher(value: &Value) -> Cipher {
    match value["name"].as_str() {
        Some("CTR") => Cipher::Ctr,
        Some("CBC_PKCS7") => Cipher::CbcPkcs7,
        other => panic!("cipher {other:?}"),
    }
}

fn agreement(value: &Value) -> RawKeyAgreement {
    if value["name"] == "FFDH" { RawKeyAgreement::Ffdh } else { RawKeyAgreement::Ecdh }
}

fn derivation(value: &Value) -> KeyDerivation {
    let (name, content) = member(value);
    let hash = hash(&content["hash_alg"]);
    match name {
        "hkdf" => KeyDerivation::Hkdf(hash),
        "tls12_prf" => KeyDerivation::Tls12Prf(hash),
        _ => KeyDerivation::Tls12PskToMs(hash),
    }
}

fn algorithm(value: &Value) -> Algorithm {
    match member(value) {
        ("none", _) => Algorithm::None,
        ("mac", content) => Algorithm::Mac(mac(content)),
        ("cipher", content) => Algorithm::Cipher(cipher(content)),
        ("aead", content) => Algorithm::Aead(aead(content)),
        ("asymmetric_signature", content) => Algorithm::AsymmetricSignature(signature(content)),
        ("asymmetric_encryption", content) => Algorithm::AsymmetricEncryption(encryption(content)),
        ("key_agreement", content) => Algorithm::KeyAgreement(match member(content) {
            ("raw", raw) => KeyAgreement::Raw(agreement(raw)),
            (_, both) => KeyAgreement::WithKeyDerivation {
                agreement: agreement(&both["ka_alg"]),
                derivation: derivation(&both["kdf_alg"]),
            },
        }),
        ("key_derivation", content) => Algorithm::KeyDerivation(derivation(content)),
        other => panic!("algorithm {other:?}"),
    }
}

fn family(value: &Value) -> EccFamily {
    match value["curve_family"]["name"].as_str() {
        Some("SECP_R1") => EccFamily::SecpR1,
        Some("BRAINPOOL_P_R1") => EccFamily::BrainpoolPR1,
        Some("MONTGOMERY") => EccFamily::Montgomery,
        other => panic!("family {other:?}"),
    }
}

fn key_type(value: &Value) -> KeyType {
    match member(value) {
        ("raw_data", _) => KeyType::RawData,
        ("hmac", _) => KeyType::Hmac,
        ("derive", _) => KeyType::Derive,
        ("aes", _) => KeyType::Aes,
        ("camellia", _) => KeyType::Camellia,
        ("chacha20", _) => KeyType::ChaCha20,
        ("rsa_public_key", _) => KeyType::RsaPublicKey,
        ("rsa_key_pair", _) => KeyType::RsaKeyPair,
        ("ecc_key_pair", content) => KeyType::EccKeyPair(family(content)),
        ("ecc_public_key", content) => KeyType::EccPublicKey(family(content)),
        ("dh_key_pair", _) => KeyType::DhKeyPair(DhFamily::Rfc7919),
        other => panic!("type {other:?}"),
    }
}

fn attributes(value: &Value) -> KeyAttributes {
    let policy = &value["key_policy"];
    let flag = |name: &str| policy["key_usage_flags"][name] == true;
    KeyAttributes {
        key_type: key_type(&value["key_type"]),
        bits: number(&value["key_bits"]),
        usage: UsageFlags {
            export: flag("export"),
            copy: flag("copy"),
            cache: flag("cache"),
            encrypt: flag("encrypt"),
            decrypt: flag("decrypt"),
            sign_message: flag("sign_message"),
            verify_message: flag("verify_message"),
            sign_hash: flag("sign_hash"),
            verify_hash: flag("verify_hash"),
            derive: flag("derive"),
        },
        algorithm: algorithm(&policy["key_algorithm"]),
    }
}

fn check(value: &Value) -> CheckType {
    match value["name"].as_str() {
        Some("USE") => CheckType::Use,
        Some("GENERATE") => CheckType::Generate,
        Some("IMPORT") => CheckType::Import,
        _ => CheckType::Derive,
    }
}

/// The request of a vector.
pub fn operation(vector: &Value) -> Operation {
    let body = &vector["body"];
    let key_name = text(&body["key_name"]);
    let secret = |name: &str| bytes(&body[name]).into();
    match vector["operation"].as_str().expect("an operation") {
        "ping" => Operation::Ping,
        "list_providers" => Operation::ListProviders,
        "list_opcodes" => Operation::ListOpcodes { provider: provider(&body["provider_id"]) },
        "list_authenticators" => Operation::ListAuthenticators,
        "list_keys" => Operation::ListKeys,
        "list_clients" => Operation::ListClients,
        "delete_client" => Operation::DeleteClient { client: text(&body["client"]) },
        "psa_generate_key" => {
            Operation::PsaGenerateKey { key_name, attributes: attributes(&body["attributes"]) }
        }
        "psa_import_key" => Operation::PsaImportKey {
            key_name,
            attributes: attributes(&body["attributes"]),
            data: secret("data"),
        },
        "psa_export_key" => Operation::PsaExportKey { key_name },
        "psa_export_public_key" => Operation::PsaExportPublicKey { key_name },
        "psa_destroy_key" => Operation::PsaDestroyKey { key_name },
        "psa_sign_hash" => Operation::PsaSignHash {
            key_name,
            algorithm: signature(&body["alg"]),
            hash: bytes(&body["hash"]),
        },
        "psa_verify_hash" => Operation::PsaVerifyHash {
            key_name,
            algorithm: signature(&body["alg"]),
            hash: bytes(&body["hash"]),
            signature: bytes(&body["signature"]),
        },
        "psa_sign_message" => Operation::PsaSignMessage {
            key_name,
            algorithm: signature(&body["alg"]),
            message: secret("message"),
        },
        "psa_verify_message" => Operation::PsaVerifyMessage {
            key_name,
            algorithm: signature(&body["alg"]),
            message: secret("message"),
            signature: bytes(&body["signature"]),
        },
        "psa_asymmetric_encrypt" => Operation::PsaAsymmetricEncrypt {
            key_name,
            algorithm: encryption(&body["alg"]),
            plaintext: secret("plaintext"),
            salt: Some(bytes(&body["salt"])).filter(|salt| !salt.is_empty()),
        },
        "psa_asymmetric_decrypt" => Operation::PsaAsymmetricDecrypt {
            key_name,
            algorithm: encryption(&body["alg"]),
            ciphertext: bytes(&body["ciphertext"]),
            salt: Some(bytes(&body["salt"])).filter(|salt| !salt.is_empty()),
        },
        "psa_aead_encrypt" => Operation::PsaAeadEncrypt {
            key_name,
            algorithm: aead(&body["alg"]),
            nonce: bytes(&body["nonce"]),
            additional_data: bytes(&body["additional_data"]),
            plaintext: secret("plaintext"),
        },
        "psa_aead_decrypt" => Operation::PsaAeadDecrypt {
            key_name,
            algorithm: aead(&body["alg"]),
            nonce: bytes(&body["nonce"]),
            additional_data: bytes(&body["additional_data"]),
            ciphertext: bytes(&body["ciphertext"]),
        },
        "psa_cipher_encrypt" => Operation::PsaCipherEncrypt {
            key_name,
            algorithm: cipher(&body["alg"]),
            plaintext: secret("plaintext"),
        },
        "psa_cipher_decrypt" => Operation::PsaCipherDecrypt {
            key_name,
            algorithm: cipher(&body["alg"]),
            ciphertext: bytes(&body["ciphertext"]),
        },
        "psa_hash_compute" => {
            Operation::PsaHashCompute { algorithm: hash(&body["alg"]), input: secret("input") }
        }
        "psa_hash_compare" => Operation::PsaHashCompare {
            algorithm: hash(&body["alg"]),
            input: secret("input"),
            hash: bytes(&body["hash"]),
        },
        "psa_generate_random" => Operation::PsaGenerateRandom { size: number(&body["size"]).into() },
        "psa_raw_key_agreement" => Operation::PsaRawKeyAgreement {
            algorithm: agreement(&body["alg"]),
            private_key_name: text(&body["private_key_name"]),
            peer_key: bytes(&body["peer_key"]),
        },
        "can_do_crypto" => Operation::CanDoCrypto {
            check_type: check(&body["check_type"]),
            attributes: attributes(&body["attributes"]),
        },
        "prepare_key_attestation" => {
            let names = &body["parameters"]["activate_credential"];
            Operation::PrepareKeyAttestation {
                attested_key_name: text(&names["attested_key_name"]),
                attesting_key_name: optional(text(&names["attesting_key_name"])),
            }
        }
        "attest_key" => {
            let credential = &body["parameters"]["activate_credential"];
            Operation::AttestKey {
                attested_key_name: text(&body["attested_key_name"]),
                attesting_key_name: optional(text(&body["attesting_key_name"])),
                credential_blob: bytes(&credential["credential_blob"]),
                secret: bytes(&credential["secret"]).into(),
            }
        }
        other => panic!("operation {other}"),
    }
}

fn version(value: &Value) -> (u32, u32, u32) {
    (number(&value["version_maj"]), number(&value["version_min"]), number(&value["version_rev"]))
}

fn uuid(value: &Value) -> Uuid {
    let digits: String = text(value).chars().filter(|character| *character != '-').collect();
    Uuid(hex(&Value::String(digits)).try_into().expect("sixteen bytes"))
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The answer of a vector.
pub fn reply(vector: &Value) -> Reply {
    let body = &vector["body"];
    let secret = |name: &str| bytes(&body[name]).into();
    match vector["operation"].as_str().expect("an operation") {
        "ping" => Reply::Ping {
            major: number(&body["wire_protocol_version_maj"]) as u8,
            minor: number(&body["wire_protocol_version_min"]) as u8,
        },
        "list_providers" => Reply::ListProviders {
            providers: items(&body["providers"])
                .iter()
                .map(|info| ProviderInfo {
                    uuid: uuid(&info["uuid"]),
                    description: text(&info["description"]),
                    vendor: text(&info["vendor"]),
                    version: version(info),
                    id: provider(&info["id"]),
                })
                .collect(),
        },
        "list_opcodes" => {
            Reply::ListOpcodes { opcodes: items(&body["opcodes"]).iter().map(number).collect() }
        }
        "list_authenticators" => Reply::ListAuthenticators {
            authenticators: items(&body["authenticators"])
                .iter()
                .map(|info| AuthenticatorInfo {
                    description: text(&info["description"]),
                    version: version(info),
                    id: match number(&info["id"]) {
                        3 => AuthenticationType::UnixPeerCredentials,
                        other => panic!("authenticator {other}"),
                    },
                })
                .collect(),
        },
        "list_keys" => Reply::ListKeys {
            keys: items(&body["keys"])
                .iter()
                .map(|info| KeyInfo {
                    provider: provider(&info["provider_id"]),
                    name: text(&info["name"]),
                    attributes: attributes(&info["attributes"]),
                })
                .collect(),
        },
        "list_clients" => Reply::ListClients { clients: items(&body["clients"]).iter().map(text).collect() },
        "delete_client" => Reply::DeleteClient,
        "psa_generate_key" => Reply::PsaGenerateKey,
        "psa_import_key" => Reply::PsaImportKey,
        "psa_destroy_key" => Reply::PsaDestroyKey,
        "psa_verify_hash" => Reply::PsaVerifyHash,
        "psa_verify_message" => Reply::PsaVerifyMessage,
        "psa_hash_compare" => Reply::PsaHashCompare,
        "can_do_crypto" => Reply::CanDoCrypto,
        "psa_export_key" => Reply::PsaExportKey { data: secret("data") },
        "psa_export_public_key" => Reply::PsaExportPublicKey { data: bytes(&body["data"]) },
        "psa_sign_hash" => Reply::PsaSignHash { signature: bytes(&body["signature"]) },
        "psa_sign_message" => Reply::PsaSignMessage { signature: bytes(&body["signature"]) },
        "psa_asymmetric_encrypt" => Reply::PsaAsymmetricEncrypt { ciphertext: bytes(&body["ciphertext"]) },
        "psa_asymmetric_decrypt" => Reply::PsaAsymmetricDecrypt { plaintext: secret("plaintext") },
        "psa_aead_encrypt" => Reply::PsaAeadEncrypt { ciphertext: bytes(&body["ciphertext"]) },
        "psa_aead_decrypt" => Reply::PsaAeadDecrypt { plaintext: secret("plaintext") },
        "psa_cipher_encrypt" => Reply::PsaCipherEncrypt { ciphertext: bytes(&body["ciphertext"]) },
        "psa_cipher_decrypt" => Reply::PsaCipherDecrypt { plaintext: secret("plaintext") },
        "psa_hash_compute" => Reply::PsaHashCompute { hash: bytes(&body["hash"]) },
        "psa_generate_random" => Reply::PsaGenerateRandom { random_bytes: secret("random_bytes") },
        "psa_raw_key_agreement" => Reply::PsaRawKeyAgreement { shared_secret: secret("shared_secret") },
        "prepare_key_attestation" => {
            let output = &body["output"]["activate_credential"];
            Reply::PrepareKeyAttestation {
                name: bytes(&output["name"]),
                public: bytes(&output["public"]),
                attesting_key_pub: bytes(&output["attesting_key_pub"]),
            }
        }
        "attest_key" => Reply::AttestKey {
            credential: bytes(&body["output"]["activate_credential"]["credential"]).into(),
        },
        other => panic!("operation {other}"),
    }
}

/// The status of a vector.
pub fn status(value: &Value) -> Status {
    match value.as_str() {
        Some("Success") => Status::Success,
        Some("PsaErrorDoesNotExist") => Status::PsaErrorDoesNotExist,
        Some("NotAuthenticated") => Status::NotAuthenticated,
        Some("AdminOperation") => Status::AdminOperation,
        Some("DeprecatedPrimitive") => Status::DeprecatedPrimitive,
        Some("InvalidHeader") => Status::InvalidHeader,
        other => panic!("status {other:?}"),
    }
}
