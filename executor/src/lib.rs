//! The software executor: what can be done with the public part of a key, and hashes. It holds no secret and
//! needs no device, so it does this work for every provider, on threads of the daemon.
//!
//! Tenants choose every byte that gets here: keys they imported, signatures, ciphertext lengths. That is why it
//! is Rust, although C is faster. Microseconds of processor time on a shared x86-64 with its other hyperthread
//! busy, the key decoded each time (the example `compare` measures the executor beside Mbed TLS):
//!
//! | | RustCrypto | aws-lc-rs 1.19 | OpenSSL 3.0 |
//! |---|---|---|---|
//! | ECDSA verify P-256 | 275 | 52 | 122 |
//! | ECDSA verify P-384 | 885 | 196 | 1145 |
//! | ECDSA verify P-521 | 615 | 342 | 807 |
//! | RSA-2048 verify | 74 | 19 | 31 |
//! | RSA-4096 verify | 287 | 65 | 86 |
//! | SHA-256 of 64 KiB | 37 | 37 | 38 |
//!
//! That is enough, also without keeping decoded keys: with a thread for each of two cores, which loop, hosts and
//! clients use too, the daemon verifies four to five times as many P-256 signatures as Mbed TLS does in a bare loop,
//! and 99 of 100 pings beside that take less than a millisecond. With one thread it is twice as many. A faster
//! library would gain most of the rest, at the price of C and assembler that tenants feed in the process that parses
//! everybody's requests.
//!
//! The tests hold its outcomes against those of the software provider.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::arithmetic_side_effects
    )
)]

mod capabilities;
mod elliptic;
mod hash;
mod modular;

pub use capabilities::capabilities;

use parsecd_core::capability::Capabilities;
use parsecd_core::job::{Job, KeyInUse, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_wire::Status;
use parsecd_wire::algorithm::{Algorithm, AsymmetricEncryption, AsymmetricSignature, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType};
use std::sync::LazyLock;

static CAPABILITIES: LazyLock<Capabilities> = LazyLock::new(capabilities);

/// Why a job was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// It is answered with this status.
    Refused(Status),
    /// It is for a lane, which can do more.
    NotHere,
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure::Refused(status)
    }
}

/// Runs a job to its end: VerifyHash, AsymmetricEncrypt, HashCompute with what [`capabilities`] lists.
///
/// Everything else is refused as not supported. [`Outcome::NoEffect`] means that a lane has to try: the key is
/// one of those that only show when they are decoded that they are not for the executor.
pub fn run(job: &Job) -> Outcome {
    let result = match job {
        Job::HashCompute { algorithm, input } => hash::compute(*algorithm, input.expose()),
        Job::Use { key, operation: KeyOperation::VerifyHash { algorithm, hash, signature } } => {
            verify_hash(key, *algorithm, hash, signature)
        }
        Job::Use { key, operation: KeyOperation::AsymmetricEncrypt { algorithm, plaintext, salt } } => {
            encrypt(key, *algorithm, plaintext.expose(), salt)
        }
        _ => Err(Status::PsaErrorNotSupported.into()),
    };
    match result {
        Ok(effect) => Outcome::Done(effect),
        Err(Failure::Refused(status)) => Outcome::Refused(status),
        Err(Failure::NotHere) => Outcome::NoEffect,
    }
}

/// VerifyHash (operations.md 8).
fn verify_hash(
    key: &KeyInUse,
    scheme: AsymmetricSignature,
    hash: &[u8],
    signature: &[u8],
) -> Result<Effect, Failure> {
    check_algorithm(key, Algorithm::AsymmetricSignature(scheme))?;
    match scheme.hash() {
        Some(SignHash::Any) => return Err(Status::PsaErrorNotSupported.into()),
        Some(SignHash::Specific(algorithm)) if hash.len() != algorithm.length() => {
            return Err(Status::PsaErrorInvalidArgument.into());
        }
        Some(SignHash::Specific(_)) | None => {}
    }
    let KeyInUse { public, attributes, .. } = key;
    match (attributes.key_type.public_type(), attributes.bits) {
        (Some(KeyType::RsaPublicKey), bits) => {
            modular::PublicKey::decode(public, bits)?.verify(scheme, hash, signature)?;
        }
        (Some(KeyType::EccPublicKey(EccFamily::SecpR1)), 256) => {
            elliptic::verify::<p256::NistP256>(public, hash, signature)?;
        }
        (Some(KeyType::EccPublicKey(EccFamily::SecpR1)), 384) => {
            elliptic::verify::<p384::NistP384>(public, hash, signature)?;
        }
        (Some(KeyType::EccPublicKey(EccFamily::SecpR1)), 521) => {
            elliptic::verify::<p521::NistP521>(public, hash, signature)?;
        }
        (Some(KeyType::EccPublicKey(EccFamily::SecpK1)), 256) => {
            elliptic::verify::<k256::Secp256k1>(public, hash, signature)?;
        }
        _ => return Err(Status::PsaErrorNotSupported.into()),
    }
    Ok(Effect::Verified)
}

/// AsymmetricEncrypt (operations.md 9).
fn encrypt(
    key: &KeyInUse,
    scheme: AsymmetricEncryption,
    plaintext: &[u8],
    salt: &[u8],
) -> Result<Effect, Failure> {
    check_algorithm(key, Algorithm::AsymmetricEncryption(scheme))?;
    let public = modular::PublicKey::decode(&key.public, key.attributes.bits)?;
    Ok(Effect::Output(public.encrypt(scheme, plaintext, salt)?))
}

fn check_algorithm(key: &KeyInUse, algorithm: Algorithm) -> Result<(), Failure> {
    if CAPABILITIES.works(key.attributes.key_type, key.attributes.bits, algorithm) {
        Ok(())
    } else {
        Err(Status::PsaErrorNotSupported.into())
    }
}
