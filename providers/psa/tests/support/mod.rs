//! What the tests of the provider share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use parsecd_core::capability::{Capabilities, KeyCapability};
use parsecd_core::ids::ObjectId;
use parsecd_core::job::{Job, KeyInUse, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::Binding;
use parsecd_psa::Provider;
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_wire::{KeyAttributes, SecretBytes, Status};
use std::sync::{Mutex, PoisonError};

pub const STORE_KEY: [u8; 32] = [7; 32];
pub const OBJECT: ObjectId = ObjectId { boot: 1, counter: 2 };
pub const P256: KeyType = KeyType::EccKeyPair(EccFamily::SecpR1);

/// Tests run in threads, the library takes one at a time.
static TURN: Mutex<()> = Mutex::new(());

pub fn with_store_key<R>(store_key: &[u8; 32], run: impl FnOnce(&mut Provider) -> R) -> R {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    run(&mut Provider::open(store_key).unwrap())
}

pub fn with_provider<R>(run: impl FnOnce(&mut Provider) -> R) -> R {
    with_store_key(&STORE_KEY, run)
}

pub fn binding() -> Binding {
    Binding(b"application, provider, name, object".to_vec())
}

/// Attributes whose policy permits nothing: the provider has to do as it is told.
pub fn attributes(key_type: KeyType, bits: u32) -> KeyAttributes {
    KeyAttributes { key_type, bits, usage: UsageFlags::default(), algorithm: Algorithm::None }
}

pub fn capabilities(provider: &mut Provider) -> Capabilities {
    match provider.run(&Job::Open) {
        Outcome::Done(Effect::Opened { capabilities, .. }) => capabilities,
        other => panic!("{other:?}"),
    }
}

pub fn made(outcome: Outcome) -> KeyInUse {
    match outcome {
        Outcome::Done(Effect::Made { attributes, public, material }) => {
            KeyInUse { object: OBJECT, binding: binding(), attributes, public, material }
        }
        other => panic!("{other:?}"),
    }
}

pub fn generate(provider: &mut Provider, attributes: KeyAttributes) -> Outcome {
    provider.run(&Job::Generate { object: OBJECT, binding: binding(), attributes })
}

pub fn import(provider: &mut Provider, attributes: KeyAttributes, data: &[u8]) -> Outcome {
    let data = SecretBytes::from(data);
    provider.run(&Job::Import { object: OBJECT, attributes, binding: binding(), data })
}

pub fn key_use(provider: &mut Provider, key: &KeyInUse, operation: KeyOperation) -> Outcome {
    provider.run(&Job::Use { key: key.clone(), operation })
}

pub fn export(provider: &mut Provider, key: &KeyInUse) -> SecretBytes {
    match key_use(provider, key, KeyOperation::Export) {
        Outcome::Done(Effect::Secret(data)) => data,
        other => panic!("{other:?}"),
    }
}

pub fn sign(provider: &mut Provider, key: &KeyInUse, algorithm: AsymmetricSignature, hash: &[u8]) -> Outcome {
    key_use(provider, key, KeyOperation::SignHash { algorithm, hash: hash.to_vec() })
}

pub fn verify(
    provider: &mut Provider,
    key: &KeyInUse,
    algorithm: AsymmetricSignature,
    hash: &[u8],
    signature: &[u8],
) -> Outcome {
    let operation =
        KeyOperation::VerifyHash { algorithm, hash: hash.to_vec(), signature: signature.to_vec() };
    key_use(provider, key, operation)
}

pub fn output(outcome: Outcome) -> Vec<u8> {
    match outcome {
        Outcome::Done(Effect::Output(output)) => output,
        other => panic!("{other:?}"),
    }
}

/// A hash of the length that the scheme wants.
pub fn hash_for(algorithm: AsymmetricSignature) -> Vec<u8> {
    match algorithm.hash() {
        Some(SignHash::Specific(hash)) => vec![0x3C; hash.length()],
        Some(SignHash::Any) | None => vec![0x3C; 32],
    }
}

/// The smallest and the largest size of each range; of RSA, whose large keys take seconds, 1024 and 2048.
pub fn sizes_to_try(capability: &KeyCapability) -> Vec<u32> {
    if matches!(capability.key_type, KeyType::RsaKeyPair | KeyType::RsaPublicKey) {
        return vec![1024, 2048];
    }
    let mut sizes: Vec<u32> = capability.bits.iter().flat_map(|range| [range.min, range.max]).collect();
    sizes.dedup();
    sizes
}

/// A key of every type and every size to try, made by generation; public keys from the pair made before.
pub fn every_key(provider: &mut Provider, each: impl FnMut(&mut Provider, &KeyInUse)) {
    every_key_of(provider, |_| true, each);
}

/// Those of some types.
pub fn every_key_of(
    provider: &mut Provider,
    types: impl Fn(KeyType) -> bool,
    mut each: impl FnMut(&mut Provider, &KeyInUse),
) {
    for capability in capabilities(provider).keys {
        if !types(capability.key_type) {
            continue;
        }
        for bits in sizes_to_try(&capability) {
            let wanted = attributes(capability.key_type, bits);
            let key = if capability.generate {
                made(generate(provider, wanted))
            } else {
                let pair = pair_type(capability.key_type);
                let pair = made(generate(provider, attributes(pair, bits)));
                made(import(provider, wanted, &pair.public))
            };
            assert_eq!(key.attributes, wanted);
            each(provider, &key);
        }
    }
}

pub fn pair_type(public: KeyType) -> KeyType {
    match public {
        KeyType::RsaPublicKey => KeyType::RsaKeyPair,
        KeyType::EccPublicKey(family) => KeyType::EccKeyPair(family),
        KeyType::DhPublicKey(family) => KeyType::DhKeyPair(family),
        other => panic!("{other:?} cannot be generated and is no public key"),
    }
}

pub fn secret(outcome: Outcome) -> SecretBytes {
    match outcome {
        Outcome::Done(Effect::Secret(secret)) => secret,
        other => panic!("{other:?}"),
    }
}

/// Whether the table of capabilities has this algorithm for such a key.
pub fn is_listed(table: &Capabilities, key: &KeyInUse, algorithm: Algorithm) -> bool {
    table.works(key.attributes.key_type, key.attributes.bits, algorithm)
}

pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

pub const VERIFIED: Outcome = Outcome::Done(Effect::Verified);
pub const INVALID_SIGNATURE: Outcome = Outcome::Refused(Status::PsaErrorInvalidSignature);
pub const INVALID_ARGUMENT: Outcome = Outcome::Refused(Status::PsaErrorInvalidArgument);
pub const NOT_SUPPORTED: Outcome = Outcome::Refused(Status::PsaErrorNotSupported);
pub const DATA_CORRUPT: Outcome = Outcome::Refused(Status::PsaErrorDataCorrupt);
pub const INVALID_PADDING: Outcome = Outcome::Refused(Status::PsaErrorInvalidPadding);

/// All but RSA and finite-field Diffie-Hellman, whose keys take long to make.
pub fn is_made_quickly(key_type: KeyType) -> bool {
    let public = key_type.public_type();
    !matches!(public, Some(KeyType::RsaPublicKey | KeyType::DhPublicKey(_)))
}
