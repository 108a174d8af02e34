//! Strategies for requests.

use crate::algorithms::{
    aead, asymmetric_encryption, asymmetric_signature, cipher, hash, mac, raw_key_agreement,
};
use crate::attributes::key_attributes;
use crate::{bytes, secret_bytes, text};
use parsecd_wire::{CheckType, Opcode, Operation, ProviderId};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Any provider id.
pub fn provider_id() -> impl Strategy<Value = ProviderId> {
    select(&ProviderId::ALL[..])
}

/// A name that is not empty, or none: an empty one means none on the wire.
fn optional_name() -> impl Strategy<Value = Option<String>> {
    option::of(text()).prop_map(|name| name.filter(|name| !name.is_empty()))
}

/// A salt that is not empty, or none: an empty one means none on the wire.
fn salt() -> impl Strategy<Value = Option<Vec<u8>>> {
    option::of(bytes()).prop_map(|salt| salt.filter(|salt| !salt.is_empty()))
}

/// Any request with this opcode.
#[allow(clippy::too_many_lines, reason = "one arm per operation")]
pub fn operation(opcode: Opcode) -> BoxedStrategy<Operation> {
    match opcode {
        Opcode::Ping => Just(Operation::Ping).boxed(),
        Opcode::ListProviders => Just(Operation::ListProviders).boxed(),
        Opcode::ListOpcodes => provider_id().prop_map(|provider| Operation::ListOpcodes { provider }).boxed(),
        Opcode::ListAuthenticators => Just(Operation::ListAuthenticators).boxed(),
        Opcode::ListKeys => Just(Operation::ListKeys).boxed(),
        Opcode::ListClients => Just(Operation::ListClients).boxed(),
        Opcode::DeleteClient => text().prop_map(|client| Operation::DeleteClient { client }).boxed(),
        Opcode::PsaGenerateKey => (text(), key_attributes())
            .prop_map(|(key_name, attributes)| Operation::PsaGenerateKey { key_name, attributes })
            .boxed(),
        Opcode::PsaImportKey => (text(), key_attributes(), secret_bytes())
            .prop_map(|(key_name, attributes, data)| Operation::PsaImportKey { key_name, attributes, data })
            .boxed(),
        Opcode::PsaExportPublicKey => {
            text().prop_map(|key_name| Operation::PsaExportPublicKey { key_name }).boxed()
        }
        Opcode::PsaExportKey => text().prop_map(|key_name| Operation::PsaExportKey { key_name }).boxed(),
        Opcode::PsaDestroyKey => text().prop_map(|key_name| Operation::PsaDestroyKey { key_name }).boxed(),
        Opcode::PsaSignHash => (text(), asymmetric_signature(), bytes())
            .prop_map(|(key_name, algorithm, hash)| Operation::PsaSignHash { key_name, algorithm, hash })
            .boxed(),
        Opcode::PsaVerifyHash => (text(), asymmetric_signature(), bytes(), bytes())
            .prop_map(|(key_name, algorithm, hash, signature)| Operation::PsaVerifyHash {
                key_name,
                algorithm,
                hash,
                signature,
            })
            .boxed(),
        Opcode::PsaSignMessage => (text(), asymmetric_signature(), secret_bytes())
            .prop_map(|(key_name, algorithm, message)| Operation::PsaSignMessage {
                key_name,
                algorithm,
                message,
            })
            .boxed(),
        Opcode::PsaVerifyMessage => (text(), asymmetric_signature(), secret_bytes(), bytes())
            .prop_map(|(key_name, algorithm, message, signature)| Operation::PsaVerifyMessage {
                key_name,
                algorithm,
                message,
                signature,
            })
            .boxed(),
        Opcode::PsaAsymmetricEncrypt => (text(), asymmetric_encryption(), secret_bytes(), salt())
            .prop_map(|(key_name, algorithm, plaintext, salt)| Operation::PsaAsymmetricEncrypt {
                key_name,
                algorithm,
                plaintext,
                salt,
            })
            .boxed(),
        Opcode::PsaAsymmetricDecrypt => (text(), asymmetric_encryption(), bytes(), salt())
            .prop_map(|(key_name, algorithm, ciphertext, salt)| Operation::PsaAsymmetricDecrypt {
                key_name,
                algorithm,
                ciphertext,
                salt,
            })
            .boxed(),
        Opcode::PsaAeadEncrypt => {
            (text(), aead(), bytes(), bytes(), secret_bytes())
                .prop_map(|(key_name, algorithm, nonce, additional_data, plaintext)| {
                    Operation::PsaAeadEncrypt { key_name, algorithm, nonce, additional_data, plaintext }
                })
                .boxed()
        }
        Opcode::PsaAeadDecrypt => {
            (text(), aead(), bytes(), bytes(), bytes())
                .prop_map(|(key_name, algorithm, nonce, additional_data, ciphertext)| {
                    Operation::PsaAeadDecrypt { key_name, algorithm, nonce, additional_data, ciphertext }
                })
                .boxed()
        }
        Opcode::PsaCipherEncrypt => (text(), cipher(), secret_bytes())
            .prop_map(|(key_name, algorithm, plaintext)| Operation::PsaCipherEncrypt {
                key_name,
                algorithm,
                plaintext,
            })
            .boxed(),
        Opcode::PsaCipherDecrypt => (text(), cipher(), bytes())
            .prop_map(|(key_name, algorithm, ciphertext)| Operation::PsaCipherDecrypt {
                key_name,
                algorithm,
                ciphertext,
            })
            .boxed(),
        Opcode::PsaMacCompute => (text(), mac(), secret_bytes())
            .prop_map(|(key_name, algorithm, input)| Operation::PsaMacCompute { key_name, algorithm, input })
            .boxed(),
        Opcode::PsaMacVerify => (text(), mac(), secret_bytes(), bytes())
            .prop_map(|(key_name, algorithm, input, mac)| Operation::PsaMacVerify {
                key_name,
                algorithm,
                input,
                mac,
            })
            .boxed(),
        Opcode::PsaHashCompute => (hash(), secret_bytes())
            .prop_map(|(algorithm, input)| Operation::PsaHashCompute { algorithm, input })
            .boxed(),
        Opcode::PsaHashCompare => (hash(), secret_bytes(), bytes())
            .prop_map(|(algorithm, input, hash)| Operation::PsaHashCompare { algorithm, input, hash })
            .boxed(),
        Opcode::PsaGenerateRandom => {
            any::<u64>().prop_map(|size| Operation::PsaGenerateRandom { size }).boxed()
        }
        Opcode::PsaRawKeyAgreement => (raw_key_agreement(), text(), bytes())
            .prop_map(|(algorithm, private_key_name, peer_key)| Operation::PsaRawKeyAgreement {
                algorithm,
                private_key_name,
                peer_key,
            })
            .boxed(),
        Opcode::CanDoCrypto => {
            let check_type =
                select(&[CheckType::Use, CheckType::Generate, CheckType::Import, CheckType::Derive][..]);
            (check_type, key_attributes())
                .prop_map(|(check_type, attributes)| Operation::CanDoCrypto { check_type, attributes })
                .boxed()
        }
        Opcode::PrepareKeyAttestation => (text(), optional_name())
            .prop_map(|(attested_key_name, attesting_key_name)| Operation::PrepareKeyAttestation {
                attested_key_name,
                attesting_key_name,
            })
            .boxed(),
        Opcode::AttestKey => (text(), optional_name(), bytes(), secret_bytes())
            .prop_map(|(attested_key_name, attesting_key_name, credential_blob, secret)| {
                Operation::AttestKey { attested_key_name, attesting_key_name, credential_blob, secret }
            })
            .boxed(),
    }
}
