//! CanDoCrypto (operations.md 15, decisions.md 4).

use super::Capabilities;
use crate::policy::algorithm::is_compatible;
use crate::policy::creation::{is_deprecated, is_deprecated_curve};
use parsecd_wire::algorithm::{Algorithm, KeyAgreement};
use parsecd_wire::attributes::{KeyType, UsageFlags};
use parsecd_wire::{CheckType, KeyAttributes, Opcode, Status};

/// Answers CanDoCrypto for a provider that can do `capabilities`.
///
/// *Yes* to use means that every operation which flags **and** algorithm permit works. A *no* for want of
/// flags (key agreement, export) says nothing about the operation.
///
/// # Errors
///
/// Every *no* is [`Status::PsaErrorNotSupported`].
pub fn can_do(
    capabilities: &Capabilities,
    check: CheckType,
    attributes: &KeyAttributes,
    allow_deprecated: bool,
) -> Result<(), Status> {
    let can = match check {
        CheckType::Use => can_use(capabilities, attributes),
        CheckType::Generate => {
            let is_refused = !allow_deprecated
                && (is_deprecated(attributes) || is_deprecated_curve(attributes.key_type, attributes.bits));
            !is_refused
                && capabilities
                    .key(attributes.key_type)
                    .is_some_and(|key| key.generate && key.holds(attributes.bits))
                && (attributes.algorithm == Algorithm::None || can_use(capabilities, attributes))
        }
        CheckType::Import => can_import(capabilities, attributes),
        CheckType::Derive => false,
    };
    if can { Ok(()) } else { Err(Status::PsaErrorNotSupported) }
}

fn can_use(capabilities: &Capabilities, attributes: &KeyAttributes) -> bool {
    is_usable(capabilities, attributes)
        && capabilities.works(attributes.key_type, attributes.bits, attributes.algorithm)
}

/// Without a size: some key of the type can be imported and works. RSA keys need one, as in the reference.
fn can_import(capabilities: &Capabilities, attributes: &KeyAttributes) -> bool {
    let Some(key) = capabilities.key(attributes.key_type).filter(|key| key.import) else { return false };
    let is_sized = attributes.bits != 0;
    if is_sized && !key.holds(attributes.bits) {
        return false;
    }
    let is_rsa = matches!(key.key_type, KeyType::RsaKeyPair | KeyType::RsaPublicKey);
    match attributes.algorithm {
        Algorithm::None => true,
        _ if is_sized => can_use(capabilities, attributes),
        _ if is_rsa => false,
        algorithm => is_usable(capabilities, attributes) && key.works_with_some_size(algorithm),
    }
}

/// The parts of the use check that do not depend on the size.
fn is_usable(capabilities: &Capabilities, attributes: &KeyAttributes) -> bool {
    attributes.algorithm != Algorithm::None
        && has_flag_of_use(attributes.usage)
        && is_compatible(attributes.key_type, attributes.algorithm)
        && serves_what_is_permitted(capabilities, attributes)
}

/// One of six flags is enough, whether it fits the algorithm or not: clients rely on it.
fn has_flag_of_use(usage: UsageFlags) -> bool {
    usage.encrypt
        || usage.decrypt
        || usage.sign_hash
        || usage.sign_message
        || usage.verify_hash
        || usage.verify_message
}

/// Whether the provider serves every operation that flags and algorithm permit. Messages are hashed and
/// then signed, so signing them is as good as signing hashes.
fn serves_what_is_permitted(capabilities: &Capabilities, attributes: &KeyAttributes) -> bool {
    let usage = attributes.usage.with_implied();
    let needed = match attributes.algorithm {
        Algorithm::AsymmetricSignature(_) => [
            usage.sign_message.then_some(Opcode::PsaSignHash),
            usage.verify_message.then_some(Opcode::PsaVerifyHash),
        ],
        Algorithm::AsymmetricEncryption(_) => [
            usage.encrypt.then_some(Opcode::PsaAsymmetricEncrypt),
            usage.decrypt.then_some(Opcode::PsaAsymmetricDecrypt),
        ],
        Algorithm::Aead(_) => {
            [usage.encrypt.then_some(Opcode::PsaAeadEncrypt), usage.decrypt.then_some(Opcode::PsaAeadDecrypt)]
        }
        Algorithm::Cipher(_) => [
            usage.encrypt.then_some(Opcode::PsaCipherEncrypt),
            usage.decrypt.then_some(Opcode::PsaCipherDecrypt),
        ],
        Algorithm::Mac(_) => [
            usage.sign_message.then_some(Opcode::PsaMacCompute),
            usage.verify_message.then_some(Opcode::PsaMacVerify),
        ],
        Algorithm::KeyAgreement(KeyAgreement::Raw(_)) => {
            [usage.derive.then_some(Opcode::PsaRawKeyAgreement), None]
        }
        Algorithm::None
        | Algorithm::Hash(_)
        | Algorithm::KeyAgreement(KeyAgreement::WithKeyDerivation { .. })
        | Algorithm::KeyDerivation(_) => [None, None],
    };
    needed.into_iter().flatten().all(|opcode| capabilities.opcodes.contains(&opcode))
}
