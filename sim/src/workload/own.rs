//! Requests that only the second generator makes: of every kind that providers need not serve, with every
//! hash, every policy, every number.

use super::{Auth, Call, Meaning, Workload};
use crate::call::KeyUse;
use crate::capabilities::{ECDSA, RSA};
use crate::provider::crypto;
use crate::random::{Domain, Random};
use crate::specification::choices::Choices;
use crate::specification::{header, numbers, policy, protobuf, requests};
use parsecd_core::identity::KeyIdentity;
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_wire::{CheckType, KeyAttributes, Operation, ProviderId, Status};

impl Workload {
    /// A request about `key`, if it is about any.
    pub(super) fn own(&mut self, auth: &Auth, key: KeyIdentity, id: ProviderId, random: &mut Random) -> Call {
        let mut choices = Choices::new(random.bits(Domain::Workload));
        let anonymous = choices.one_in(6);
        let auth = if anonymous { &Auth::Anonymous } else { auth };
        match choices.below(8) {
            0 => {
                let algorithm = requests::hash(&mut choices);
                let input = crypto::expand(choices.bits(), choices.below(100) as usize);
                let (operation, expected) = match choices.below(3) {
                    0 => (Operation::PsaHashCompute { algorithm, input: input.clone().into() }, None),
                    other => {
                        let mut hash = crypto::hash(algorithm, &input);
                        hash.truncate(if other == 1 { hash.len() } else { choices.below(65) as usize });
                        let input = input.clone().into();
                        (Operation::PsaHashCompare { algorithm, input, hash: hash.clone() }, Some(hash))
                    }
                };
                self.call(operation, id, auth, Meaning::Hash { algorithm, input, expected })
            }
            1 => {
                // Even: an odd number of bytes tells the auditor that a result was cut short.
                let size = requests::size(&mut choices) & !1;
                self.call(Operation::PsaGenerateRandom { size }, id, auth, Meaning::Random(size))
            }
            2 => self.list_opcodes(auth, &mut choices),
            3 => {
                let attributes = asked_about(&mut choices);
                let check = [CheckType::Use, CheckType::Generate, CheckType::Import, CheckType::Derive];
                let check_type = check[choices.below(4) as usize];
                let operation = Operation::CanDoCrypto { check_type, attributes };
                let meaning = match anonymous {
                    true => Meaning::Fixed(Status::NotAuthenticated),
                    false => Meaning::CanDo(can_do(check_type, &attributes, id)),
                };
                self.call(operation, id, auth, meaning)
            }
            _ => {
                let operation = requests::unserved(&key.name, &mut choices);
                let meaning = match anonymous {
                    true => Meaning::Fixed(Status::NotAuthenticated),
                    false => Meaning::Use { key, operation: KeyUse::Unserved },
                };
                self.call(operation, id, auth, meaning)
            }
        }
    }

    /// ListOpcodes of a provider that is not here, or not anywhere.
    fn list_opcodes(&mut self, auth: &Auth, choices: &mut Choices) -> Call {
        let absent = Operation::ListOpcodes { provider: ProviderId::Tpm };
        let number = [3, 4, 5, 6, 77, 255, 256, 0x7FFF_FFFF, 0xFFFF_FFFF][choices.below(9) as usize];
        let told = if number < 6 { Status::ProviderNotRegistered } else { Status::ProviderDoesNotExist };
        let mut call = self.call(absent, ProviderId::Core, auth, Meaning::Fixed(told));
        let body = protobuf::Message::new(vec![protobuf::Field::number32(1, number)]).encode();
        let authentication = crate::specification::authentication::encoded(auth);
        let header = header::RequestHeader {
            session: call.session,
            authentication_type: authentication.0,
            opcode: numbers::opcode(call.opcode),
            ..header::RequestHeader::default()
        };
        call.bytes = crate::specification::assemble(header, &body, &authentication.1);
        call.length = call.bytes.len();
        call
    }

    /// Attributes of a key that can be held, for no matter what.
    pub(super) fn any_policy(&self, attributes: KeyAttributes, random: &mut Random) -> KeyAttributes {
        let mut choices = Choices::new(random.bits(Domain::Workload));
        if self.encoding.is_none() || !choices.one_in(3) {
            return attributes;
        }
        match attributes.key_type {
            KeyType::EccKeyPair(_) if choices.one_in(2) => {
                let algorithm = Algorithm::AsymmetricSignature(AsymmetricSignature::Ecdsa(SignHash::Any));
                KeyAttributes { algorithm, ..attributes }
            }
            _ => {
                let usage = requests::usage(&mut choices);
                KeyAttributes { usage, algorithm: requests::algorithm(&mut choices), ..attributes }
            }
        }
    }

    /// A way to sign, and a hash that fits it most of the time.
    pub(super) fn any_signature(&self, random: &mut Random) -> Option<(AsymmetricSignature, Vec<u8>)> {
        self.encoding?;
        let mut choices = Choices::new(random.bits(Domain::Workload));
        if !choices.one_in(3) {
            return None;
        }
        let algorithm = requests::signature(&mut choices);
        let fitting = match policy::hash_of(&algorithm) {
            Some(SignHash::Specific(hash)) => policy::length(hash),
            _ => 32,
        };
        let length = if choices.one_in(6) { choices.below(65) as usize } else { fitting };
        Some((algorithm, crypto::expand(choices.bits(), length)))
    }
}

/// Attributes of a key that can be held more often than not, for something that can be done now and then.
fn asked_about(choices: &mut Choices) -> KeyAttributes {
    let any = requests::attributes(choices);
    let (key_type, bits) = match choices.below(6) {
        0 => (KeyType::EccKeyPair(EccFamily::SecpR1), 256),
        1 => (KeyType::EccPublicKey(EccFamily::SecpR1), 256),
        2 => (KeyType::RsaKeyPair, 1024),
        3 => (KeyType::RsaKeyPair, 2048),
        4 => (KeyType::Aes, 192),
        _ => (any.key_type, any.bits.max(1)),
    };
    let algorithm = match (choices.below(5), any.algorithm) {
        (0, _) => Algorithm::None,
        (1 | 2, _) => Algorithm::AsymmetricSignature(ECDSA),
        (3, _) => Algorithm::AsymmetricSignature(RSA),
        // Whether a wildcard can be used is the provider's to say.
        (_, Algorithm::AsymmetricSignature(signature))
            if policy::hash_of(&signature) == Some(SignHash::Any) =>
        {
            Algorithm::None
        }
        (_, any) => any,
    };
    let usage = if choices.one_in(4) { UsageFlags::default() } else { any.usage };
    KeyAttributes { key_type, bits, usage, algorithm }
}

/// Whether a provider of these worlds can do it (operations.md 15).
fn can_do(check: CheckType, attributes: &KeyAttributes, provider: ProviderId) -> bool {
    let KeyAttributes { key_type, bits, usage, algorithm } = *attributes;
    let is = |signature| algorithm == Algorithm::AsymmetricSignature(signature);
    let (generated, imported, served) = match (key_type, bits) {
        (KeyType::EccKeyPair(EccFamily::SecpR1), 256) => (true, true, is(ECDSA)),
        (KeyType::EccPublicKey(EccFamily::SecpR1), 256) => (false, true, is(ECDSA)),
        (KeyType::RsaKeyPair, 1024 | 2048) => (true, false, is(RSA)),
        (KeyType::Aes, 128 | 192 | 256) if provider == ProviderId::MbedCrypto => (true, true, false),
        _ => return false,
    };
    let flagged = usage.encrypt
        || usage.decrypt
        || usage.sign_hash
        || usage.sign_message
        || usage.verify_hash
        || usage.verify_message;
    let used = served && flagged;
    let useless = algorithm == Algorithm::None;
    match check {
        CheckType::Use => used,
        CheckType::Generate => generated && !policy::is_deprecated(attributes) && (useless || used),
        CheckType::Import => imported && (useless || used),
        CheckType::Derive => false,
    }
}
