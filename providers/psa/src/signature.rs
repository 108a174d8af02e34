//! Signatures.

use crate::digest_info::digest_info;
use crate::ffi::{Key, KeyPolicy, Usage};
use crate::provider::Provider;
use parsecd_core::job::KeyInUse;
use parsecd_core::outcome::Effect;
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::KeyType;
use parsecd_wire::{KeyAttributes, Status};
use std::borrow::Cow;

/// Signature that an RSA key pair makes to prove that its two halves belong together.
const PROOF_SCHEME: AsymmetricSignature =
    AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(Hash::Sha256));

/// Bytes of the modulus that PKCS #1 v1.5 needs beside the content (RFC 8017, 9.2). PSS needs more.
const PKCS1V15_OVERHEAD: usize = 11;

/// Policy of a key pair that is to be exported after its proof.
pub fn proof_policy() -> KeyPolicy {
    let algorithm = PROOF_SCHEME.psa();
    KeyPolicy {
        usage: KeyPolicy::EXPORT.usage
            | Usage::SignHash.with(algorithm).usage
            | Usage::VerifyHash.with(algorithm).usage,
        algorithm,
    }
}

/// Signs and verifies once: the library imports RSA key pairs unchecked, and damaged ones sign wrongly.
pub fn prove(pair: &Key<'_>, bits: u32) -> Result<(), Status> {
    let hash = [0x5A; 32];
    let size = signature_size(KeyType::RsaKeyPair, bits);
    pair.sign_hash(PROOF_SCHEME.psa(), &hash, size)
        .and_then(|signature| pair.verify_hash(PROOF_SCHEME.psa(), &hash, &signature))
        .map_err(|_| Status::PsaErrorInvalidArgument)
}

/// SignHash (operations.md 8).
pub fn sign_hash(
    provider: &Provider,
    key: &KeyInUse,
    scheme: AsymmetricSignature,
    hash: &[u8],
) -> Result<Effect, Status> {
    let KeyAttributes { key_type, bits, .. } = key.attributes;
    if key_type.is_public() {
        return Err(Status::PsaErrorInvalidArgument);
    }
    provider.check_algorithm(&key.attributes, Algorithm::AsymmetricSignature(scheme))?;
    let (algorithm, input) = library_scheme(scheme, hash)?;
    let loaded = provider.load(key, Usage::SignHash, algorithm)?;
    Ok(Effect::Output(loaded.sign_hash(algorithm, &input, signature_size(key_type, bits))?))
}

/// VerifyHash (operations.md 8).
pub fn verify_hash(
    provider: &Provider,
    key: &KeyInUse,
    scheme: AsymmetricSignature,
    hash: &[u8],
    signature: &[u8],
) -> Result<Effect, Status> {
    provider.check_algorithm(&key.attributes, Algorithm::AsymmetricSignature(scheme))?;
    let (algorithm, input) = library_scheme(scheme, hash)?;
    let KeyAttributes { key_type, bits, .. } = key.attributes;
    let is_rsa = key_type.public_type() == Some(KeyType::RsaPublicKey);
    if is_rsa && input.len() + PKCS1V15_OVERHEAD > signature_size(KeyType::RsaKeyPair, bits) {
        return Err(Status::PsaErrorInvalidArgument);
    }
    match provider.load_public(key, Usage::VerifyHash, algorithm)?.verify_hash(algorithm, &input, signature) {
        Ok(()) => Ok(Effect::Verified),
        // Key and hash fit: a number that is not below the modulus is left, which RFC 8017, 8.1.2 and 8.2.2, call
        // an invalid signature.
        Err(error) if is_rsa && error.status() == Status::PsaErrorInvalidArgument => {
            Err(Status::PsaErrorInvalidSignature)
        }
        Err(error) => Err(error.status()),
    }
}

/// The PSA algorithm by which the library makes signatures of `scheme`, and what it signs for `hash`.
fn library_scheme(scheme: AsymmetricSignature, hash: &[u8]) -> Result<(u32, Cow<'_, [u8]>), Status> {
    if scheme.hash() == Some(SignHash::Any) {
        return Err(Status::PsaErrorNotSupported);
    }
    if let Some(SignHash::Specific(algorithm)) = scheme.hash() {
        // The library accepts hashes of any length for some schemes.
        if hash.len() != algorithm.length() {
            return Err(Status::PsaErrorInvalidArgument);
        }
        if let AsymmetricSignature::RsaPkcs1v15Sign(_) = scheme
            && let Some(input) = digest_info(algorithm, hash)
        {
            return Ok((AsymmetricSignature::RsaPkcs1v15SignRaw.psa(), Cow::Owned(input)));
        }
    }
    Ok((scheme.psa(), Cow::Borrowed(hash)))
}

/// Length of signatures in bytes (operations.md 5).
fn signature_size(key_type: KeyType, bits: u32) -> usize {
    let bytes = bits.div_ceil(8) as usize;
    if key_type == KeyType::RsaKeyPair { bytes } else { 2 * bytes }
}
