//! What clients ask for: frames that each client sends one after the other, over and over.

use crate::exchange::ask;
use crate::frame::{Caller, Keep, RequestError, request};
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};
use parsecd_wire::{KeyAttributes, Operation, Reply, Status};
use std::path::Path;

/// Operations that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// Ping without authentication.
    Ping,
    /// Sign a hash with a P-256 key.
    Sign,
    /// Verify such a signature.
    Verify,
    /// Export the public part of a P-256 key.
    ExportPublic,
    /// Generate a P-256 key and destroy it; both are durable before they are answered.
    GenerateDestroy,
    /// 32 random bytes.
    Random,
}

impl Kind {
    /// Requests that make one of what is counted: a pair of generation and destruction is two.
    pub fn requests(self) -> u32 {
        if self == Kind::GenerateDestroy { 2 } else { 1 }
    }
}

/// The frames of each client.
pub type Frames = Vec<Vec<Vec<u8>>>;

/// ECDSA over P-256 with SHA-256.
pub const ECDSA: AsymmetricSignature = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));

/// The hash that is signed.
pub const HASH: [u8; 32] = [0x5A; 32];

/// A key pair that signs and verifies.
pub fn signing_key() -> KeyAttributes {
    KeyAttributes {
        key_type: KeyType::EccKeyPair(EccFamily::SecpR1),
        bits: 256,
        usage: UsageFlags { sign_hash: true, verify_hash: true, ..UsageFlags::default() }.with_implied(),
        algorithm: Algorithm::AsymmetricSignature(ECDSA),
    }
}

/// Makes the key that `kind` needs, if it is not there yet, and the frames of `clients` clients.
///
/// # Errors
/// If the key cannot be made or used.
pub fn prepare(
    kind: Kind,
    socket: &Path,
    caller: &Caller,
    clients: u32,
    keep: Keep,
) -> Result<Frames, RequestError> {
    let key = || String::from("bench");
    if matches!(kind, Kind::Sign | Kind::Verify | Kind::ExportPublic) {
        let made =
            ask(socket, caller, &Operation::PsaGenerateKey { key_name: key(), attributes: signing_key() });
        match made {
            Ok(_) | Err(RequestError::Status { status: Status::PsaErrorAlreadyExists, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let sign = || Operation::PsaSignHash { key_name: key(), algorithm: ECDSA, hash: HASH.to_vec() };
    let same = |operation: Operation, caller: &Caller| {
        Ok((0..clients).map(|_| vec![request(&operation, caller, keep)]).collect())
    };
    match kind {
        Kind::Ping => same(Operation::Ping, &Caller::Anonymous),
        Kind::Sign => same(sign(), caller),
        Kind::Verify => {
            let Reply::PsaSignHash { signature } = ask(socket, caller, &sign())? else {
                return Err(RequestError::Body(sign().opcode()));
            };
            let verify = Operation::PsaVerifyHash {
                key_name: key(),
                algorithm: ECDSA,
                hash: HASH.to_vec(),
                signature,
            };
            same(verify, caller)
        }
        Kind::ExportPublic => same(Operation::PsaExportPublicKey { key_name: key() }, caller),
        Kind::GenerateDestroy => Ok((0..clients).map(|client| pair(client, caller, keep)).collect()),
        Kind::Random => same(Operation::PsaGenerateRandom { size: 32 }, caller),
    }
}

fn pair(client: u32, caller: &Caller, keep: Keep) -> Vec<Vec<u8>> {
    let key_name = format!("bench pair {client}");
    let generate = Operation::PsaGenerateKey { key_name: key_name.clone(), attributes: signing_key() };
    let destroy = Operation::PsaDestroyKey { key_name };
    [generate, destroy].iter().map(|operation| request(operation, caller, keep)).collect()
}
