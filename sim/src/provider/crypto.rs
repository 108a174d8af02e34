//! Fake cryptography: right in form and length, a plain function of its inputs, so that every result can
//! be checked from what the client knows.

use crate::canary;
use crate::specification::policy;
use crate::trace::digest;
use parsecd_core::job::KeyOperation;
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_wire::algorithm::{AsymmetricSignature, Hash};
use parsecd_wire::attributes::KeyType;
use parsecd_wire::{KeyAttributes, Status};

/// `length` bytes that follow from `seed`.
pub fn expand(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 8);
    let mut block = 0_u64;
    while bytes.len() < length {
        bytes.extend_from_slice(&digest(&(seed, block)).to_le_bytes());
        block += 1;
    }
    bytes.truncate(length);
    bytes
}

fn bytes_of(bits: u32) -> usize {
    bits.div_ceil(8) as usize
}

/// Secret part of a generated key.
pub fn generate(attributes: &KeyAttributes, seed: u64) -> Vec<u8> {
    canary::mark(expand(seed, bytes_of(attributes.bits)))
}

/// Attributes with the real size.
pub fn sized(attributes: &KeyAttributes, data: &[u8]) -> KeyAttributes {
    let bits = match (attributes.bits, attributes.key_type) {
        (0, KeyType::EccPublicKey(_)) => (data.len() as u32).saturating_sub(1) * 4,
        (0, _) => data.len() as u32 * 8,
        (bits, _) => bits,
    };
    KeyAttributes { bits, ..*attributes }
}

/// Public part that belongs to a secret part, in export format; empty for symmetric keys.
pub fn public(attributes: &KeyAttributes, secret: &[u8]) -> Vec<u8> {
    let seed = digest(&("public", secret));
    match attributes.key_type {
        KeyType::EccKeyPair(_) => {
            let mut point = vec![4];
            point.extend(expand(seed, 2 * bytes_of(attributes.bits)));
            point
        }
        KeyType::RsaKeyPair => rsa_public(&expand(seed, bytes_of(attributes.bits))),
        public if public.is_public() => secret.to_vec(),
        _ => Vec::new(),
    }
}

/// DER of an RSAPublicKey with the exponent 65537; `modulus` is made odd and of full length.
fn rsa_public(modulus: &[u8]) -> Vec<u8> {
    let mut integer = vec![0];
    integer.extend_from_slice(modulus);
    if let Some(first) = integer.get_mut(1) {
        *first |= 0x80;
    }
    if let Some(last) = integer.last_mut() {
        *last |= 1;
    }
    let mut content = tagged(0x02, &integer);
    content.extend(tagged(0x02, &[1, 0, 1]));
    tagged(0x30, &content)
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        length @ 0..128 => bytes.push(length as u8),
        length @ 128..256 => bytes.extend([0x81, length as u8]),
        length => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    bytes.extend_from_slice(content);
    bytes
}

/// Whether `data` is import material of this type and size.
pub fn importable(attributes: &KeyAttributes, data: &[u8]) -> bool {
    let attributes = sized(attributes, data);
    match attributes.key_type {
        KeyType::EccPublicKey(_) => {
            data.first() == Some(&4) && data.len() == 1 + 2 * bytes_of(attributes.bits)
        }
        _ => !data.is_empty() && data.len() == bytes_of(attributes.bits),
    }
}

/// The signature of the private key that belongs to `public`.
pub fn sign(
    attributes: &KeyAttributes,
    public: &[u8],
    algorithm: AsymmetricSignature,
    hash: &[u8],
) -> Vec<u8> {
    let length = match attributes.key_type {
        KeyType::RsaKeyPair | KeyType::RsaPublicKey => bytes_of(attributes.bits),
        _ => 2 * bytes_of(attributes.bits),
    };
    expand(digest(&("signature", public, algorithm, hash)), length)
}

/// The hash of `input`.
pub fn hash(algorithm: Hash, input: &[u8]) -> Vec<u8> {
    expand(digest(&("hash", algorithm, input)), policy::length(algorithm))
}

/// Uses a key whose parts are known. `secret` is empty where only the public part is there.
pub fn operate(
    attributes: &KeyAttributes,
    public: &[u8],
    secret: &[u8],
    operation: &KeyOperation,
) -> Outcome {
    match operation {
        KeyOperation::SignHash { algorithm, hash } if !secret.is_empty() => {
            Outcome::Done(Effect::Output(sign(attributes, public, *algorithm, hash)))
        }
        KeyOperation::VerifyHash { algorithm, hash, signature } => {
            if sign(attributes, public, *algorithm, hash) == *signature {
                Outcome::Done(Effect::Verified)
            } else {
                Outcome::Refused(Status::PsaErrorInvalidSignature)
            }
        }
        KeyOperation::Export if !secret.is_empty() => Outcome::Done(Effect::Secret(secret.to_vec().into())),
        _ => Outcome::Refused(Status::PsaErrorNotSupported),
    }
}
