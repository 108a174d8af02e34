//! Strategies for results.

use crate::attributes::key_attributes;
use crate::operations::provider_id;
use crate::{bytes, secret_bytes, text};
use parsecd_wire::{AuthenticationType, AuthenticatorInfo, KeyInfo, Opcode, ProviderInfo, Reply, Uuid};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

fn provider_info() -> impl Strategy<Value = ProviderInfo> {
    (any::<[u8; 16]>(), text(), text(), any::<(u32, u32, u32)>(), provider_id()).prop_map(
        |(uuid, description, vendor, version, id)| ProviderInfo {
            uuid: Uuid(uuid),
            description,
            vendor,
            version,
            id,
        },
    )
}

fn authenticator_info() -> impl Strategy<Value = AuthenticatorInfo> {
    (text(), any::<(u32, u32, u32)>(), select(&AuthenticationType::ALL[..]))
        .prop_map(|(description, version, id)| AuthenticatorInfo { description, version, id })
}

fn key_info() -> impl Strategy<Value = KeyInfo> {
    (provider_id(), text(), key_attributes()).prop_map(|(provider, name, attributes)| KeyInfo {
        provider,
        name,
        attributes,
    })
}

/// Any result of this opcode. ListOpcodes answers with assigned opcodes, in ascending order.
pub fn reply(opcode: Opcode) -> BoxedStrategy<Reply> {
    match opcode {
        Opcode::Ping => any::<(u8, u8)>().prop_map(|(major, minor)| Reply::Ping { major, minor }).boxed(),
        Opcode::ListProviders => {
            vec(provider_info(), 0..=4).prop_map(|providers| Reply::ListProviders { providers }).boxed()
        }
        Opcode::ListOpcodes => subsequence(&Opcode::ALL[..], 0..=Opcode::ALL.len())
            .prop_map(|opcodes| Reply::ListOpcodes {
                opcodes: opcodes.into_iter().map(Opcode::number).collect(),
            })
            .boxed(),
        Opcode::ListAuthenticators => vec(authenticator_info(), 0..=4)
            .prop_map(|authenticators| Reply::ListAuthenticators { authenticators })
            .boxed(),
        Opcode::ListKeys => vec(key_info(), 0..=4).prop_map(|keys| Reply::ListKeys { keys }).boxed(),
        Opcode::ListClients => vec(text(), 0..=4).prop_map(|clients| Reply::ListClients { clients }).boxed(),
        Opcode::DeleteClient => Just(Reply::DeleteClient).boxed(),
        Opcode::PsaGenerateKey => Just(Reply::PsaGenerateKey).boxed(),
        Opcode::PsaImportKey => Just(Reply::PsaImportKey).boxed(),
        Opcode::PsaExportPublicKey => bytes().prop_map(|data| Reply::PsaExportPublicKey { data }).boxed(),
        Opcode::PsaExportKey => secret_bytes().prop_map(|data| Reply::PsaExportKey { data }).boxed(),
        Opcode::PsaDestroyKey => Just(Reply::PsaDestroyKey).boxed(),
        Opcode::PsaSignHash => bytes().prop_map(|signature| Reply::PsaSignHash { signature }).boxed(),
        Opcode::PsaVerifyHash => Just(Reply::PsaVerifyHash).boxed(),
        Opcode::PsaSignMessage => bytes().prop_map(|signature| Reply::PsaSignMessage { signature }).boxed(),
        Opcode::PsaVerifyMessage => Just(Reply::PsaVerifyMessage).boxed(),
        Opcode::PsaAsymmetricEncrypt => {
            bytes().prop_map(|ciphertext| Reply::PsaAsymmetricEncrypt { ciphertext }).boxed()
        }
        Opcode::PsaAsymmetricDecrypt => {
            secret_bytes().prop_map(|plaintext| Reply::PsaAsymmetricDecrypt { plaintext }).boxed()
        }
        Opcode::PsaAeadEncrypt => bytes().prop_map(|ciphertext| Reply::PsaAeadEncrypt { ciphertext }).boxed(),
        Opcode::PsaAeadDecrypt => {
            secret_bytes().prop_map(|plaintext| Reply::PsaAeadDecrypt { plaintext }).boxed()
        }
        Opcode::PsaCipherEncrypt => {
            bytes().prop_map(|ciphertext| Reply::PsaCipherEncrypt { ciphertext }).boxed()
        }
        Opcode::PsaCipherDecrypt => {
            secret_bytes().prop_map(|plaintext| Reply::PsaCipherDecrypt { plaintext }).boxed()
        }
        Opcode::PsaMacCompute => bytes().prop_map(|mac| Reply::PsaMacCompute { mac }).boxed(),
        Opcode::PsaMacVerify => Just(Reply::PsaMacVerify).boxed(),
        Opcode::PsaHashCompute => bytes().prop_map(|hash| Reply::PsaHashCompute { hash }).boxed(),
        Opcode::PsaHashCompare => Just(Reply::PsaHashCompare).boxed(),
        Opcode::PsaGenerateRandom => {
            secret_bytes().prop_map(|random_bytes| Reply::PsaGenerateRandom { random_bytes }).boxed()
        }
        Opcode::PsaRawKeyAgreement => {
            secret_bytes().prop_map(|shared_secret| Reply::PsaRawKeyAgreement { shared_secret }).boxed()
        }
        Opcode::CanDoCrypto => Just(Reply::CanDoCrypto).boxed(),
        Opcode::PrepareKeyAttestation => (bytes(), bytes(), bytes())
            .prop_map(|(name, public, attesting_key_pub)| Reply::PrepareKeyAttestation {
                name,
                public,
                attesting_key_pub,
            })
            .boxed(),
        Opcode::AttestKey => secret_bytes().prop_map(|credential| Reply::AttestKey { credential }).boxed(),
    }
}
