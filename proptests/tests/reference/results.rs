//! Results as whole frames: header and body.

use super::attributes::{
    from_attributes, from_authentication_type, from_provider, to_attributes, to_authentication_type,
    to_provider,
};
use super::opcode;
use parsec_interface::operations as theirs;
use parsec_interface::operations::{Convert, NativeResult};
use parsec_interface::operations_protobuf::ProtobufConverter;
use parsec_interface::requests::response::ResponseHeader as ReferenceHeader;
use parsec_interface::requests::{BodyType, Response, ResponseStatus};
use parsec_interface::secrecy::{ExposeSecret, Secret};
use parsecd_proptests::operations::provider_id;
use parsecd_proptests::replies::reply;
use parsecd_wire::header::HEADER_LENGTH;
use parsecd_wire::{
    AuthenticatorInfo, KeyInfo, Opcode, ProviderId, ProviderInfo, Reply, ResponseHeader, SecretBytes, Status,
    Uuid,
};
use proptest::prelude::*;

fn wiped(bytes: Vec<u8>) -> zeroize::Zeroizing<Vec<u8>> {
    bytes.into()
}

fn secret(bytes: &SecretBytes) -> Secret<Vec<u8>> {
    Secret::new(bytes.expose().to_vec())
}

fn to_provider_info(info: ProviderInfo) -> theirs::list_providers::ProviderInfo {
    theirs::list_providers::ProviderInfo {
        uuid: theirs::list_providers::Uuid::from_bytes(info.uuid.0),
        description: info.description,
        vendor: info.vendor,
        version_maj: info.version.0,
        version_min: info.version.1,
        version_rev: info.version.2,
        id: to_provider(info.id),
    }
}

fn from_provider_info(info: theirs::list_providers::ProviderInfo) -> ProviderInfo {
    ProviderInfo {
        uuid: Uuid(*info.uuid.as_bytes()),
        description: info.description,
        vendor: info.vendor,
        version: (info.version_maj, info.version_min, info.version_rev),
        id: from_provider(info.id),
    }
}

fn to_authenticator_info(info: AuthenticatorInfo) -> theirs::list_authenticators::AuthenticatorInfo {
    theirs::list_authenticators::AuthenticatorInfo {
        description: info.description,
        version_maj: info.version.0,
        version_min: info.version.1,
        version_rev: info.version.2,
        id: to_authentication_type(info.id),
    }
}

fn from_authenticator_info(info: theirs::list_authenticators::AuthenticatorInfo) -> AuthenticatorInfo {
    AuthenticatorInfo {
        description: info.description,
        version: (info.version_maj, info.version_min, info.version_rev),
        id: from_authentication_type(info.id),
    }
}

fn to_key_info(info: KeyInfo) -> theirs::list_keys::KeyInfo {
    theirs::list_keys::KeyInfo {
        provider_id: to_provider(info.provider),
        name: info.name,
        attributes: to_attributes(info.attributes),
    }
}

fn from_key_info(info: theirs::list_keys::KeyInfo) -> KeyInfo {
    KeyInfo {
        provider: from_provider(info.provider_id),
        name: info.name,
        attributes: from_attributes(info.attributes),
    }
}

fn to_reference(reply: Reply) -> NativeResult {
    use NativeResult as Native;
    match reply {
        Reply::Ping { major, minor } => Native::Ping(theirs::ping::Result {
            wire_protocol_version_maj: major,
            wire_protocol_version_min: minor,
        }),
        Reply::ListProviders { providers } => Native::ListProviders(theirs::list_providers::Result {
            providers: providers.into_iter().map(to_provider_info).collect(),
        }),
        Reply::ListOpcodes { opcodes } => Native::ListOpcodes(theirs::list_opcodes::Result {
            opcodes: opcodes
                .into_iter()
                .map(|number| opcode(Opcode::from_number(number).expect("an assigned opcode")))
                .collect(),
        }),
        Reply::ListAuthenticators { authenticators } => {
            Native::ListAuthenticators(theirs::list_authenticators::Result {
                authenticators: authenticators.into_iter().map(to_authenticator_info).collect(),
            })
        }
        Reply::ListKeys { keys } => {
            Native::ListKeys(theirs::list_keys::Result { keys: keys.into_iter().map(to_key_info).collect() })
        }
        Reply::ListClients { clients } => Native::ListClients(theirs::list_clients::Result { clients }),
        Reply::DeleteClient => Native::DeleteClient(theirs::delete_client::Result),
        Reply::PsaGenerateKey => Native::PsaGenerateKey(theirs::psa_generate_key::Result),
        Reply::PsaImportKey => Native::PsaImportKey(theirs::psa_import_key::Result),
        Reply::PsaExportPublicKey { data } => {
            Native::PsaExportPublicKey(theirs::psa_export_public_key::Result { data: wiped(data) })
        }
        Reply::PsaExportKey { data } => {
            Native::PsaExportKey(theirs::psa_export_key::Result { data: secret(&data) })
        }
        Reply::PsaDestroyKey => Native::PsaDestroyKey(theirs::psa_destroy_key::Result),
        Reply::PsaSignHash { signature } => {
            Native::PsaSignHash(theirs::psa_sign_hash::Result { signature: wiped(signature) })
        }
        Reply::PsaVerifyHash => Native::PsaVerifyHash(theirs::psa_verify_hash::Result),
        Reply::PsaSignMessage { signature } => {
            Native::PsaSignMessage(theirs::psa_sign_message::Result { signature: wiped(signature) })
        }
        Reply::PsaVerifyMessage => Native::PsaVerifyMessage(theirs::psa_verify_message::Result),
        Reply::PsaAsymmetricEncrypt { ciphertext } => {
            Native::PsaAsymmetricEncrypt(theirs::psa_asymmetric_encrypt::Result {
                ciphertext: wiped(ciphertext),
            })
        }
        Reply::PsaAsymmetricDecrypt { plaintext } => {
            Native::PsaAsymmetricDecrypt(theirs::psa_asymmetric_decrypt::Result {
                plaintext: wiped(plaintext.into_exposed()),
            })
        }
        Reply::PsaAeadEncrypt { ciphertext } => {
            Native::PsaAeadEncrypt(theirs::psa_aead_encrypt::Result { ciphertext: wiped(ciphertext) })
        }
        Reply::PsaAeadDecrypt { plaintext } => Native::PsaAeadDecrypt(theirs::psa_aead_decrypt::Result {
            plaintext: wiped(plaintext.into_exposed()),
        }),
        Reply::PsaCipherEncrypt { ciphertext } => {
            Native::PsaCipherEncrypt(theirs::psa_cipher_encrypt::Result { ciphertext: wiped(ciphertext) })
        }
        Reply::PsaCipherDecrypt { plaintext } => {
            Native::PsaCipherDecrypt(theirs::psa_cipher_decrypt::Result {
                plaintext: wiped(plaintext.into_exposed()),
            })
        }
        Reply::PsaHashCompute { hash } => {
            Native::PsaHashCompute(theirs::psa_hash_compute::Result { hash: wiped(hash) })
        }
        Reply::PsaHashCompare => Native::PsaHashCompare(theirs::psa_hash_compare::Result),
        Reply::PsaGenerateRandom { random_bytes } => {
            Native::PsaGenerateRandom(theirs::psa_generate_random::Result {
                random_bytes: wiped(random_bytes.into_exposed()),
            })
        }
        Reply::PsaRawKeyAgreement { shared_secret } => {
            Native::PsaRawKeyAgreement(theirs::psa_raw_key_agreement::Result {
                shared_secret: secret(&shared_secret),
            })
        }
        Reply::CanDoCrypto => Native::CanDoCrypto(theirs::can_do_crypto::Result),
        Reply::PrepareKeyAttestation { name, public, attesting_key_pub } => {
            Native::PrepareKeyAttestation(theirs::prepare_key_attestation::Result::ActivateCredential {
                name: wiped(name),
                public: wiped(public),
                attesting_key_pub: wiped(attesting_key_pub),
            })
        }
        Reply::AttestKey { credential } => {
            Native::AttestKey(theirs::attest_key::Result::ActivateCredential {
                credential: wiped(credential.into_exposed()),
            })
        }
        Reply::PsaMacCompute { .. } | Reply::PsaMacVerify => panic!("the reference has no MAC operations"),
    }
}

/// Opcodes in ascending order: the reference has them in a set.
pub fn from_reference(result: NativeResult) -> Reply {
    use NativeResult as Native;
    match result {
        Native::Ping(result) => {
            Reply::Ping { major: result.wire_protocol_version_maj, minor: result.wire_protocol_version_min }
        }
        Native::ListProviders(result) => {
            Reply::ListProviders { providers: result.providers.into_iter().map(from_provider_info).collect() }
        }
        Native::ListOpcodes(result) => {
            let mut opcodes: Vec<u32> = result.opcodes.into_iter().map(|opcode| opcode as u32).collect();
            opcodes.sort_unstable();
            Reply::ListOpcodes { opcodes }
        }
        Native::ListAuthenticators(result) => Reply::ListAuthenticators {
            authenticators: result.authenticators.into_iter().map(from_authenticator_info).collect(),
        },
        Native::ListKeys(result) => {
            Reply::ListKeys { keys: result.keys.into_iter().map(from_key_info).collect() }
        }
        Native::ListClients(result) => Reply::ListClients { clients: result.clients },
        Native::DeleteClient(_) => Reply::DeleteClient,
        Native::PsaGenerateKey(_) => Reply::PsaGenerateKey,
        Native::PsaImportKey(_) => Reply::PsaImportKey,
        Native::PsaExportPublicKey(result) => Reply::PsaExportPublicKey { data: result.data.to_vec() },
        Native::PsaExportKey(result) => {
            Reply::PsaExportKey { data: result.data.expose_secret().clone().into() }
        }
        Native::PsaDestroyKey(_) => Reply::PsaDestroyKey,
        Native::PsaSignHash(result) => Reply::PsaSignHash { signature: result.signature.to_vec() },
        Native::PsaVerifyHash(_) => Reply::PsaVerifyHash,
        Native::PsaSignMessage(result) => Reply::PsaSignMessage { signature: result.signature.to_vec() },
        Native::PsaVerifyMessage(_) => Reply::PsaVerifyMessage,
        Native::PsaAsymmetricEncrypt(result) => {
            Reply::PsaAsymmetricEncrypt { ciphertext: result.ciphertext.to_vec() }
        }
        Native::PsaAsymmetricDecrypt(result) => {
            Reply::PsaAsymmetricDecrypt { plaintext: result.plaintext.to_vec().into() }
        }
        Native::PsaAeadEncrypt(result) => Reply::PsaAeadEncrypt { ciphertext: result.ciphertext.to_vec() },
        Native::PsaAeadDecrypt(result) => {
            Reply::PsaAeadDecrypt { plaintext: result.plaintext.to_vec().into() }
        }
        Native::PsaCipherEncrypt(result) => {
            Reply::PsaCipherEncrypt { ciphertext: result.ciphertext.to_vec() }
        }
        Native::PsaCipherDecrypt(result) => {
            Reply::PsaCipherDecrypt { plaintext: result.plaintext.to_vec().into() }
        }
        Native::PsaHashCompute(result) => Reply::PsaHashCompute { hash: result.hash.to_vec() },
        Native::PsaHashCompare(_) => Reply::PsaHashCompare,
        Native::PsaGenerateRandom(result) => {
            Reply::PsaGenerateRandom { random_bytes: result.random_bytes.to_vec().into() }
        }
        Native::PsaRawKeyAgreement(result) => {
            Reply::PsaRawKeyAgreement { shared_secret: result.shared_secret.expose_secret().clone().into() }
        }
        Native::CanDoCrypto(_) => Reply::CanDoCrypto,
        Native::PrepareKeyAttestation(result) => match result {
            theirs::prepare_key_attestation::Result::ActivateCredential {
                name,
                public,
                attesting_key_pub,
            } => Reply::PrepareKeyAttestation {
                name: name.to_vec(),
                public: public.to_vec(),
                attesting_key_pub: attesting_key_pub.to_vec(),
            },
            other => panic!("{other:?} is not in protocol 1.0"),
        },
        Native::AttestKey(result) => match result {
            theirs::attest_key::Result::ActivateCredential { credential } => {
                Reply::AttestKey { credential: credential.to_vec().into() }
            }
            other => panic!("{other:?} is not in protocol 1.0"),
        },
    }
}

/// The result as it arrives: decoding sets the usage flags that others imply.
fn with_implied_usage(mut reply: Reply) -> Reply {
    if let Reply::ListKeys { keys } = &mut reply {
        for key in keys {
            key.attributes.usage = key.attributes.usage.with_implied();
        }
    }
    reply
}

/// The result without the opcodes that the reference does not know.
fn without_mac(mut reply: Reply) -> Reply {
    if let Reply::ListOpcodes { opcodes } = &mut reply {
        opcodes.retain(|number| ![0x16, 0x17].contains(number));
    }
    reply
}

fn sorted(mut reply: Reply) -> Reply {
    if let Reply::ListOpcodes { opcodes } = &mut reply {
        opcodes.sort_unstable();
    }
    reply
}

fn agree(reply: Reply, provider: ProviderId, session: u64) -> Result<(), TestCaseError> {
    let reply = without_mac(reply);
    let body = reply.encode();
    let header = ResponseHeader {
        flags: 0,
        provider,
        session,
        opcode: reply.opcode(),
        status: Status::Success,
        body_length: body.len().try_into().expect("a short body"),
    };
    let frame = [&header.to_bytes(), body.expose()].concat();

    let read = Response::read_from_stream(&mut &frame[..], usize::MAX).expect("the reference reads it");
    let reference_header = ReferenceHeader {
        provider: to_provider(provider),
        session,
        content_type: BodyType::Protobuf,
        opcode: opcode(reply.opcode()),
        status: ResponseStatus::Success,
    };
    prop_assert_eq!(read.header, reference_header);
    let decoded = ProtobufConverter.body_to_result(read.body, read.header.opcode);
    let expected = with_implied_usage(reply.clone());
    prop_assert_eq!(Reply::decode(reply.opcode(), body.expose()), Ok(expected.clone()));
    prop_assert_eq!(from_reference(decoded.expect("the reference decodes it")), expected.clone());

    let written = Response {
        header: reference_header,
        body: ProtobufConverter
            .result_to_body(to_reference(expected.clone()))
            .expect("the reference encodes it"),
    };
    let mut reference_frame = Vec::new();
    written.write_to_stream(&mut reference_frame).expect("the reference writes it");
    let (raw, reference_body) =
        reference_frame.split_first_chunk::<HEADER_LENGTH>().expect("a frame has a header");
    let reference_length = reference_body.len().try_into().expect("a short body");
    prop_assert_eq!(
        ResponseHeader::from_bytes(raw),
        Ok(ResponseHeader { body_length: reference_length, ..header })
    );
    prop_assert_eq!(Reply::decode(reply.opcode(), reference_body).map(sorted), Ok(expected.clone()));
    if reply.opcode() != Opcode::ListOpcodes {
        let body = expected.encode();
        prop_assert_eq!(reference_body, body.expose());
    }
    Ok(())
}

/// One property per operation.
macro_rules! results_agree {
    ($($name:ident: $opcode:ident),+ $(,)?) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(10_000))]
            $(
                #[test]
                fn $name(
                    reply in reply(Opcode::$opcode),
                    provider in provider_id(),
                    session in any::<u64>(),
                ) {
                    agree(reply, provider, session)?;
                }
            )+
        }

        #[test]
        fn every_result_that_the_reference_knows_has_a_property() {
            assert!(super::common_opcodes().eq([$(Opcode::$opcode),+]));
        }
    };
}

results_agree! {
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
