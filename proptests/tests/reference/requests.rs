//! Requests as whole frames: header, body and authentication.

use super::algorithms::{
    from_aead, from_asymmetric_encryption, from_asymmetric_signature, from_cipher, from_hash,
    from_raw_key_agreement, to_aead, to_asymmetric_encryption, to_asymmetric_signature, to_cipher, to_hash,
    to_raw_key_agreement,
};
use super::attributes::{
    from_attributes, from_check_type, from_provider, to_attributes, to_authentication_type, to_check_type,
    to_provider,
};
use super::opcode;
use parsec_interface::operations as theirs;
use parsec_interface::operations::{Convert, NativeOperation};
use parsec_interface::operations_protobuf::ProtobufConverter;
use parsec_interface::requests::request::{RequestAuth, RequestHeader as ReferenceHeader};
use parsec_interface::requests::{BodyType, Request};
use parsec_interface::secrecy::{ExposeSecret, Secret};
use parsecd_proptests::operations::{operation, provider_id};
use parsecd_wire::header::HEADER_LENGTH;
use parsecd_wire::{
    AuthenticationType, KeyAttributes, Opcode, Operation, ProviderId, RawHeader, RequestHeader,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn wiped(bytes: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
    bytes.to_vec().into()
}

#[allow(clippy::too_many_lines, reason = "one arm per operation")]
fn to_reference(operation: &Operation) -> NativeOperation {
    use NativeOperation as Native;
    match operation.clone() {
        Operation::Ping => Native::Ping(theirs::ping::Operation),
        Operation::ListProviders => Native::ListProviders(theirs::list_providers::Operation),
        Operation::ListOpcodes { provider } => {
            Native::ListOpcodes(theirs::list_opcodes::Operation { provider_id: to_provider(provider) })
        }
        Operation::ListAuthenticators => Native::ListAuthenticators(theirs::list_authenticators::Operation),
        Operation::ListKeys => Native::ListKeys(theirs::list_keys::Operation),
        Operation::ListClients => Native::ListClients(theirs::list_clients::Operation),
        Operation::DeleteClient { client } => {
            Native::DeleteClient(theirs::delete_client::Operation { client })
        }
        Operation::PsaGenerateKey { key_name, attributes } => {
            Native::PsaGenerateKey(theirs::psa_generate_key::Operation {
                key_name,
                attributes: to_attributes(attributes),
            })
        }
        Operation::PsaImportKey { key_name, attributes, data } => {
            Native::PsaImportKey(theirs::psa_import_key::Operation {
                key_name,
                attributes: to_attributes(attributes),
                data: Secret::new(data.expose().to_vec()),
            })
        }
        Operation::PsaExportPublicKey { key_name } => {
            Native::PsaExportPublicKey(theirs::psa_export_public_key::Operation { key_name })
        }
        Operation::PsaExportKey { key_name } => {
            Native::PsaExportKey(theirs::psa_export_key::Operation { key_name })
        }
        Operation::PsaDestroyKey { key_name } => {
            Native::PsaDestroyKey(theirs::psa_destroy_key::Operation { key_name })
        }
        Operation::PsaSignHash { key_name, algorithm, hash } => {
            Native::PsaSignHash(theirs::psa_sign_hash::Operation {
                key_name,
                alg: to_asymmetric_signature(algorithm),
                hash: wiped(&hash),
            })
        }
        Operation::PsaVerifyHash { key_name, algorithm, hash, signature } => {
            Native::PsaVerifyHash(theirs::psa_verify_hash::Operation {
                key_name,
                alg: to_asymmetric_signature(algorithm),
                hash: wiped(&hash),
                signature: wiped(&signature),
            })
        }
        Operation::PsaSignMessage { key_name, algorithm, message } => {
            Native::PsaSignMessage(theirs::psa_sign_message::Operation {
                key_name,
                alg: to_asymmetric_signature(algorithm),
                message: wiped(message.expose()),
            })
        }
        Operation::PsaVerifyMessage { key_name, algorithm, message, signature } => {
            Native::PsaVerifyMessage(theirs::psa_verify_message::Operation {
                key_name,
                alg: to_asymmetric_signature(algorithm),
                message: wiped(message.expose()),
                signature: wiped(&signature),
            })
        }
        Operation::PsaAsymmetricEncrypt { key_name, algorithm, plaintext, salt } => {
            Native::PsaAsymmetricEncrypt(theirs::psa_asymmetric_encrypt::Operation {
                key_name,
                alg: to_asymmetric_encryption(algorithm),
                plaintext: wiped(plaintext.expose()),
                salt: salt.map(Into::into),
            })
        }
        Operation::PsaAsymmetricDecrypt { key_name, algorithm, ciphertext, salt } => {
            Native::PsaAsymmetricDecrypt(theirs::psa_asymmetric_decrypt::Operation {
                key_name,
                alg: to_asymmetric_encryption(algorithm),
                ciphertext: wiped(&ciphertext),
                salt: salt.map(Into::into),
            })
        }
        Operation::PsaAeadEncrypt { key_name, algorithm, nonce, additional_data, plaintext } => {
            Native::PsaAeadEncrypt(theirs::psa_aead_encrypt::Operation {
                key_name,
                alg: to_aead(algorithm),
                nonce: wiped(&nonce),
                additional_data: wiped(&additional_data),
                plaintext: wiped(plaintext.expose()),
            })
        }
        Operation::PsaAeadDecrypt { key_name, algorithm, nonce, additional_data, ciphertext } => {
            Native::PsaAeadDecrypt(theirs::psa_aead_decrypt::Operation {
                key_name,
                alg: to_aead(algorithm),
                nonce: wiped(&nonce),
                additional_data: wiped(&additional_data),
                ciphertext: wiped(&ciphertext),
            })
        }
        Operation::PsaCipherEncrypt { key_name, algorithm, plaintext } => {
            Native::PsaCipherEncrypt(theirs::psa_cipher_encrypt::Operation {
                key_name,
                alg: to_cipher(algorithm),
                plaintext: wiped(plaintext.expose()),
            })
        }
        Operation::PsaCipherDecrypt { key_name, algorithm, ciphertext } => {
            Native::PsaCipherDecrypt(theirs::psa_cipher_decrypt::Operation {
                key_name,
                alg: to_cipher(algorithm),
                ciphertext: wiped(&ciphertext),
            })
        }
        Operation::PsaHashCompute { algorithm, input } => {
            Native::PsaHashCompute(theirs::psa_hash_compute::Operation {
                alg: to_hash(algorithm),
                input: wiped(input.expose()),
            })
        }
        Operation::PsaHashCompare { algorithm, input, hash } => {
            Native::PsaHashCompare(theirs::psa_hash_compare::Operation {
                alg: to_hash(algorithm),
                input: wiped(input.expose()),
                hash: wiped(&hash),
            })
        }
        Operation::PsaGenerateRandom { size } => {
            Native::PsaGenerateRandom(theirs::psa_generate_random::Operation {
                size: size.try_into().expect("a size fits a usize"),
            })
        }
        Operation::PsaRawKeyAgreement { algorithm, private_key_name, peer_key } => {
            Native::PsaRawKeyAgreement(theirs::psa_raw_key_agreement::Operation {
                alg: to_raw_key_agreement(algorithm),
                private_key_name,
                peer_key: wiped(&peer_key),
            })
        }
        Operation::CanDoCrypto { check_type, attributes } => {
            Native::CanDoCrypto(theirs::can_do_crypto::Operation {
                check_type: to_check_type(check_type),
                attributes: to_attributes(attributes),
            })
        }
        Operation::PrepareKeyAttestation { attested_key_name, attesting_key_name } => {
            Native::PrepareKeyAttestation(theirs::prepare_key_attestation::Operation::ActivateCredential {
                attested_key_name,
                attesting_key_name,
            })
        }
        Operation::AttestKey { attested_key_name, attesting_key_name, credential_blob, secret } => {
            Native::AttestKey(theirs::attest_key::Operation::ActivateCredential {
                attested_key_name,
                attesting_key_name,
                credential_blob: wiped(&credential_blob),
                secret: wiped(secret.expose()),
            })
        }
        Operation::PsaMacCompute { .. } | Operation::PsaMacVerify { .. } => {
            panic!("the reference has no MAC operations")
        }
    }
}

#[allow(clippy::too_many_lines, reason = "one arm per operation")]
pub fn from_reference(operation: NativeOperation) -> Operation {
    use NativeOperation as Native;
    match operation {
        Native::Ping(_) => Operation::Ping,
        Native::ListProviders(_) => Operation::ListProviders,
        Native::ListOpcodes(request) => {
            Operation::ListOpcodes { provider: from_provider(request.provider_id) }
        }
        Native::ListAuthenticators(_) => Operation::ListAuthenticators,
        Native::ListKeys(_) => Operation::ListKeys,
        Native::ListClients(_) => Operation::ListClients,
        Native::DeleteClient(request) => Operation::DeleteClient { client: request.client },
        Native::PsaGenerateKey(request) => Operation::PsaGenerateKey {
            key_name: request.key_name,
            attributes: from_attributes(request.attributes),
        },
        Native::PsaImportKey(request) => Operation::PsaImportKey {
            key_name: request.key_name,
            attributes: from_attributes(request.attributes),
            data: request.data.expose_secret().clone().into(),
        },
        Native::PsaExportPublicKey(request) => Operation::PsaExportPublicKey { key_name: request.key_name },
        Native::PsaExportKey(request) => Operation::PsaExportKey { key_name: request.key_name },
        Native::PsaDestroyKey(request) => Operation::PsaDestroyKey { key_name: request.key_name },
        Native::PsaSignHash(request) => Operation::PsaSignHash {
            key_name: request.key_name,
            algorithm: from_asymmetric_signature(request.alg),
            hash: request.hash.to_vec(),
        },
        Native::PsaVerifyHash(request) => Operation::PsaVerifyHash {
            key_name: request.key_name,
            algorithm: from_asymmetric_signature(request.alg),
            hash: request.hash.to_vec(),
            signature: request.signature.to_vec(),
        },
        Native::PsaSignMessage(request) => Operation::PsaSignMessage {
            key_name: request.key_name,
            algorithm: from_asymmetric_signature(request.alg),
            message: request.message.to_vec().into(),
        },
        Native::PsaVerifyMessage(request) => Operation::PsaVerifyMessage {
            key_name: request.key_name,
            algorithm: from_asymmetric_signature(request.alg),
            message: request.message.to_vec().into(),
            signature: request.signature.to_vec(),
        },
        Native::PsaAsymmetricEncrypt(request) => Operation::PsaAsymmetricEncrypt {
            key_name: request.key_name,
            algorithm: from_asymmetric_encryption(request.alg),
            plaintext: request.plaintext.to_vec().into(),
            salt: request.salt.map(|salt| salt.to_vec()),
        },
        Native::PsaAsymmetricDecrypt(request) => Operation::PsaAsymmetricDecrypt {
            key_name: request.key_name,
            algorithm: from_asymmetric_encryption(request.alg),
            ciphertext: request.ciphertext.to_vec(),
            salt: request.salt.map(|salt| salt.to_vec()),
        },
        Native::PsaAeadEncrypt(request) => Operation::PsaAeadEncrypt {
            key_name: request.key_name,
            algorithm: from_aead(request.alg),
            nonce: request.nonce.to_vec(),
            additional_data: request.additional_data.to_vec(),
            plaintext: request.plaintext.to_vec().into(),
        },
        Native::PsaAeadDecrypt(request) => Operation::PsaAeadDecrypt {
            key_name: request.key_name,
            algorithm: from_aead(request.alg),
            nonce: request.nonce.to_vec(),
            additional_data: request.additional_data.to_vec(),
            ciphertext: request.ciphertext.to_vec(),
        },
        Native::PsaCipherEncrypt(request) => Operation::PsaCipherEncrypt {
            key_name: request.key_name,
            algorithm: from_cipher(request.alg),
            plaintext: request.plaintext.to_vec().into(),
        },
        Native::PsaCipherDecrypt(request) => Operation::PsaCipherDecrypt {
            key_name: request.key_name,
            algorithm: from_cipher(request.alg),
            ciphertext: request.ciphertext.to_vec(),
        },
        Native::PsaHashCompute(request) => Operation::PsaHashCompute {
            algorithm: from_hash(request.alg),
            input: request.input.to_vec().into(),
        },
        Native::PsaHashCompare(request) => Operation::PsaHashCompare {
            algorithm: from_hash(request.alg),
            input: request.input.to_vec().into(),
            hash: request.hash.to_vec(),
        },
        Native::PsaGenerateRandom(request) => {
            Operation::PsaGenerateRandom { size: request.size.try_into().expect("a size fits a u64") }
        }
        Native::PsaRawKeyAgreement(request) => Operation::PsaRawKeyAgreement {
            algorithm: from_raw_key_agreement(request.alg),
            private_key_name: request.private_key_name,
            peer_key: request.peer_key.to_vec(),
        },
        Native::CanDoCrypto(request) => Operation::CanDoCrypto {
            check_type: from_check_type(request.check_type),
            attributes: from_attributes(request.attributes),
        },
        Native::PrepareKeyAttestation(request) => match request {
            theirs::prepare_key_attestation::Operation::ActivateCredential {
                attested_key_name,
                attesting_key_name,
            } => Operation::PrepareKeyAttestation { attested_key_name, attesting_key_name },
            other => panic!("{other:?} is not in protocol 1.0"),
        },
        Native::AttestKey(request) => match request {
            theirs::attest_key::Operation::ActivateCredential {
                attested_key_name,
                attesting_key_name,
                credential_blob,
                secret,
            } => Operation::AttestKey {
                attested_key_name,
                attesting_key_name,
                credential_blob: credential_blob.to_vec(),
                secret: secret.to_vec().into(),
            },
            other => panic!("{other:?} is not in protocol 1.0"),
        },
    }
}

/// The operation as it arrives: decoding sets the usage flags that others imply.
fn with_implied_usage(mut operation: Operation) -> Operation {
    if let Operation::PsaGenerateKey { attributes, .. }
    | Operation::PsaImportKey { attributes, .. }
    | Operation::CanDoCrypto { attributes, .. } = &mut operation
    {
        *attributes = KeyAttributes { usage: attributes.usage.with_implied(), ..*attributes };
    }
    operation
}

/// Provider, session, authentication type and authentication of a request.
fn envelope() -> impl Strategy<Value = (ProviderId, u64, AuthenticationType, Vec<u8>)> {
    let authentication_type = select(&AuthenticationType::ALL[..]);
    (provider_id(), any::<u64>(), authentication_type, vec(any::<u8>(), 0..=20))
}

fn agree(
    operation: &Operation,
    (provider, session, authentication_type, authentication): (ProviderId, u64, AuthenticationType, Vec<u8>),
) -> Result<(), TestCaseError> {
    let body = operation.encode();
    let header = RequestHeader {
        flags: 0,
        provider,
        session,
        authentication_type,
        body_length: body.len().try_into().expect("a short body"),
        authentication_length: authentication.len().try_into().expect("short authentication"),
        opcode: operation.opcode(),
    };
    let frame = [&header.to_bytes(), body.expose(), &authentication].concat();

    let read = Request::read_from_stream(&mut &frame[..], usize::MAX).expect("the reference reads it");
    let reference_header = ReferenceHeader {
        provider: to_provider(provider),
        session,
        content_type: BodyType::Protobuf,
        accept_type: BodyType::Protobuf,
        auth_type: to_authentication_type(authentication_type),
        opcode: opcode(operation.opcode()),
    };
    prop_assert_eq!(read.header, reference_header);
    prop_assert_eq!(read.auth.buffer.expose_secret(), &authentication);
    let decoded = ProtobufConverter.body_to_operation(read.body, read.header.opcode);
    let expected = with_implied_usage(operation.clone());
    prop_assert_eq!(Operation::decode(operation.opcode(), body.expose()), Ok(expected.clone()));
    prop_assert_eq!(from_reference(decoded.expect("the reference decodes it")), expected.clone());

    let written = Request {
        header: reference_header,
        body: ProtobufConverter.operation_to_body(to_reference(&expected)).expect("the reference encodes it"),
        auth: RequestAuth::new(authentication.clone()),
    };
    let mut reference_frame = Vec::new();
    written.write_to_stream(&mut reference_frame).expect("the reference writes it");
    let (raw, rest) = reference_frame.split_first_chunk::<HEADER_LENGTH>().expect("a frame has a header");
    let raw = RawHeader::from_bytes(raw);
    prop_assert_eq!(raw.check_constants(), Ok(()));
    let (reference_body, reference_authentication) = rest.split_at(raw.body_length as usize);
    let reference_length = reference_body.len().try_into().expect("a short body");
    prop_assert_eq!(raw.convert(), Ok(RequestHeader { body_length: reference_length, ..header }));
    prop_assert_eq!(reference_authentication, &authentication);
    prop_assert_eq!(Operation::decode(operation.opcode(), reference_body), Ok(expected.clone()));
    let body = expected.encode();
    prop_assert_eq!(reference_body, body.expose());
    Ok(())
}

/// One property per operation.
macro_rules! requests_agree {
    ($($name:ident: $opcode:ident),+ $(,)?) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(10_000))]
            $(
                #[test]
                fn $name(operation in operation(Opcode::$opcode), envelope in envelope()) {
                    agree(&operation, envelope)?;
                }
            )+
        }

        #[test]
        fn every_request_that_the_reference_knows_has_a_property() {
            assert!(super::common_opcodes().eq([$(Opcode::$opcode),+]));
        }
    };
}

requests_agree! {
    ping_agrees: Ping,
    psa_generate_key_agrees: PsaGenerateKey,
    psa_destroy_key_agrees: PsaDestroyKey,
    psa_sign_hash_agrees: PsaSignHash,
    psa_verify_hash_agrees: PsaVerifyHash,
    psa_import_key_agrees: PsaImportKey,
    psa_export_public_key_agrees: PsaExportPublicKey,
    list_providers_agrees: ListProviders,
    list_opcodes_agrees: ListOpcodes,
    psa_asymmetric_encrypt_agrees: PsaAsymmetricEncrypt,
    psa_asymmetric_decrypt_agrees: PsaAsymmetricDecrypt,
    psa_export_key_agrees: PsaExportKey,
    psa_generate_random_agrees: PsaGenerateRandom,
    list_authenticators_agrees: ListAuthenticators,
    psa_hash_compute_agrees: PsaHashCompute,
    psa_hash_compare_agrees: PsaHashCompare,
    psa_aead_encrypt_agrees: PsaAeadEncrypt,
    psa_aead_decrypt_agrees: PsaAeadDecrypt,
    psa_raw_key_agreement_agrees: PsaRawKeyAgreement,
    psa_cipher_encrypt_agrees: PsaCipherEncrypt,
    psa_cipher_decrypt_agrees: PsaCipherDecrypt,
    psa_sign_message_agrees: PsaSignMessage,
    psa_verify_message_agrees: PsaVerifyMessage,
    list_keys_agrees: ListKeys,
    list_clients_agrees: ListClients,
    delete_client_agrees: DeleteClient,
    attest_key_agrees: AttestKey,
    prepare_key_attestation_agrees: PrepareKeyAttestation,
    can_do_crypto_agrees: CanDoCrypto,
}
