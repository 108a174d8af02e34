//! Requests that only the second generator makes: of every kind that providers need not serve, with every
//! hash, every policy, every number.

use super::{Auth, Call, Meaning, Workload};
use crate::call::KeyUse;
use crate::provider::crypto;
use crate::random::{Domain, Random};
use crate::specification::choices::Choices;
use crate::specification::{header, numbers, policy, protobuf, requests};
use parsecd_core::identity::KeyIdentity;
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType};
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
                let mut attributes = requests::attributes(&mut choices);
                let held = matches!(
                    attributes.key_type,
                    KeyType::Aes
                        | KeyType::RsaKeyPair
                        | KeyType::EccKeyPair(EccFamily::SecpR1)
                        | KeyType::EccPublicKey(EccFamily::SecpR1)
                );
                let check = [CheckType::Use, CheckType::Generate, CheckType::Import, CheckType::Derive];
                let check_type = check[if held { 3 } else { choices.below(4) as usize }];
                attributes.bits = attributes.bits.max(1);
                let operation = Operation::CanDoCrypto { check_type, attributes };
                let meaning = match anonymous {
                    true => Meaning::Fixed(Status::NotAuthenticated),
                    false => Meaning::CanDo(false),
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
