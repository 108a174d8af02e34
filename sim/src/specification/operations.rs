//! Bodies of requests (operations.md 6 to 17).

use super::protobuf::{Arms, Field, Kind, Message};
use super::{algorithm, attributes, numbers};
use parsecd_wire::{CheckType, Operation};

/// How a credential is activated is the only member there is.
const MECHANISMS: Arms = &[(1, Kind::Message)];
/// Numbers of check types end here.
const LAST_CHECK: u64 = 4;

/// The body of a request.
pub fn body(operation: &Operation) -> Message {
    match operation {
        Operation::Ping
        | Operation::ListProviders
        | Operation::ListAuthenticators
        | Operation::ListKeys
        | Operation::ListClients => Message::default(),
        Operation::ListOpcodes { provider } => {
            Message::new(vec![Field::number32(1, numbers::provider(*provider).into())])
        }
        Operation::DeleteClient { client } => named(client),
        Operation::PsaExportPublicKey { key_name }
        | Operation::PsaExportKey { key_name }
        | Operation::PsaDestroyKey { key_name } => named(key_name),
        Operation::PsaGenerateKey { key_name, attributes } => Message::new(vec![
            Field::text(1, key_name),
            Field::message(2, attributes::attributes(attributes)),
        ]),
        Operation::PsaImportKey { key_name, attributes, data } => Message::new(vec![
            Field::text(1, key_name),
            Field::message(2, attributes::attributes(attributes)),
            Field::bytes(3, data.expose()),
        ]),
        Operation::PsaSignHash { key_name, algorithm, hash } => Message::new(vec![
            Field::text(1, key_name),
            Field::message(2, algorithm::signature(algorithm)),
            Field::bytes(3, hash),
        ]),
        Operation::PsaVerifyHash { key_name, algorithm, hash, signature } => Message::new(vec![
            Field::text(1, key_name),
            Field::message(2, algorithm::signature(algorithm)),
            Field::bytes(3, hash),
            Field::bytes(4, signature),
        ]),
        Operation::PsaSignMessage { key_name, algorithm, message } => Message::new(vec![
            Field::text(1, key_name),
            Field::message(2, algorithm::signature(algorithm)),
            Field::bytes(3, message.expose()),
        ]),
        Operation::PsaVerifyMessage { key_name, algorithm, message, signature } => Message::new(vec![
            Field::text(1, key_name),
            Field::message(2, algorithm::signature(algorithm)),
            Field::bytes(3, message.expose()),
            Field::bytes(4, signature),
        ]),
        Operation::PsaAsymmetricEncrypt { key_name, algorithm, plaintext, salt } => Message::new(vec![
            Field::text(1, key_name),
            Field::message(2, algorithm::encryption(algorithm)),
            Field::bytes(3, plaintext.expose()),
            Field::bytes(4, salt.as_deref().unwrap_or_default()),
        ]),
        Operation::PsaAsymmetricDecrypt { key_name, algorithm, ciphertext, salt } => Message::new(vec![
            Field::text(1, key_name),
            Field::message(2, algorithm::encryption(algorithm)),
            Field::bytes(3, ciphertext),
            Field::bytes(4, salt.as_deref().unwrap_or_default()),
        ]),
        Operation::PsaAeadEncrypt { key_name, algorithm, nonce, additional_data, plaintext } => {
            Message::new(vec![
                Field::text(1, key_name),
                Field::message(2, algorithm::aead(algorithm)),
                Field::bytes(3, nonce),
                Field::bytes(4, additional_data),
                Field::bytes(5, plaintext.expose()),
            ])
        }
        Operation::PsaAeadDecrypt { key_name, algorithm, nonce, additional_data, ciphertext } => {
            Message::new(vec![
                Field::text(1, key_name),
                Field::message(2, algorithm::aead(algorithm)),
                Field::bytes(3, nonce),
                Field::bytes(4, additional_data),
                Field::bytes(5, ciphertext),
            ])
        }
        Operation::PsaCipherEncrypt { key_name, algorithm, plaintext } => Message::new(vec![
            Field::text(1, key_name),
            algorithm::cipher_field(2, *algorithm),
            Field::bytes(3, plaintext.expose()),
        ]),
        Operation::PsaCipherDecrypt { key_name, algorithm, ciphertext } => Message::new(vec![
            Field::text(1, key_name),
            algorithm::cipher_field(2, *algorithm),
            Field::bytes(3, ciphertext),
        ]),
        Operation::PsaMacCompute { key_name, algorithm, input } => Message::new(vec![
            Field::text(1, key_name),
            Field::message(2, algorithm::mac(algorithm)),
            Field::bytes(3, input.expose()),
        ]),
        Operation::PsaMacVerify { key_name, algorithm, input, mac } => Message::new(vec![
            Field::text(1, key_name),
            Field::message(2, algorithm::mac(algorithm)),
            Field::bytes(3, input.expose()),
            Field::bytes(4, mac),
        ]),
        Operation::PsaHashCompute { algorithm, input } => {
            Message::new(vec![algorithm::hash_field(1, *algorithm), Field::bytes(2, input.expose())])
        }
        Operation::PsaHashCompare { algorithm, input, hash } => Message::new(vec![
            algorithm::hash_field(1, *algorithm),
            Field::bytes(2, input.expose()),
            Field::bytes(3, hash),
        ]),
        Operation::PsaGenerateRandom { size } => Message::new(vec![Field::number64(1, *size)]),
        Operation::PsaRawKeyAgreement { algorithm, private_key_name, peer_key } => Message::new(vec![
            algorithm::raw_agreement_field(1, *algorithm),
            Field::text(2, private_key_name),
            Field::bytes(3, peer_key),
        ]),
        Operation::CanDoCrypto { check_type, attributes } => {
            let check = match check_type {
                CheckType::Use => 1,
                CheckType::Generate => 2,
                CheckType::Import => 3,
                CheckType::Derive => 4,
            };
            Message::new(vec![
                Field::enumeration(1, check, LAST_CHECK),
                Field::message(2, attributes::attributes(attributes)),
            ])
        }
        Operation::PrepareKeyAttestation { attested_key_name, attesting_key_name } => {
            let names = Message::new(vec![
                Field::text(1, attested_key_name),
                Field::text(2, attesting_key_name.as_deref().unwrap_or_default()),
            ]);
            let parameters = Message::one_of(Field::message(1, names), MECHANISMS);
            Message::new(vec![Field::message(1, parameters)])
        }
        Operation::AttestKey { attested_key_name, attesting_key_name, credential_blob, secret } => {
            let credential =
                Message::new(vec![Field::bytes(1, credential_blob), Field::bytes(2, secret.expose())]);
            let parameters = Message::one_of(Field::message(1, credential), MECHANISMS);
            Message::new(vec![
                Field::text(1, attested_key_name),
                Field::message(2, parameters),
                Field::text(3, attesting_key_name.as_deref().unwrap_or_default()),
            ])
        }
    }
}

fn named(name: &str) -> Message {
    Message::new(vec![Field::text(1, name)])
}

/// Where a request has attributes of a key: it does not say of messages what it says of hashes (operations.md
/// 3.3), which changes nothing.
pub fn leave_implied_flags_away(body: &mut Message) {
    let Some(attributes) = body.inner(2) else { return };
    let Some(usage) = attributes.inner(3).and_then(|policy| policy.inner(1)) else { return };
    for (message, hash) in [(5, 7), (6, 8)] {
        let said = usage.fields.get(hash).is_some_and(|flag| !flag.is_default());
        if let Some(flag) = usage.fields.get_mut(message).filter(|_| said) {
            *flag = Field::flag(flag.number, false);
        }
    }
}
