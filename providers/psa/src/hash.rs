//! Hashes.

use crate::capabilities::HASHES;
use crate::ffi::Library;
use parsecd_core::outcome::Effect;
use parsecd_wire::Status;
use parsecd_wire::algorithm::Hash;

/// HashCompute (operations.md 12).
pub fn compute(library: &Library, algorithm: Hash, input: &[u8]) -> Result<Effect, Status> {
    if !HASHES.contains(&algorithm) {
        return Err(Status::PsaErrorNotSupported);
    }
    Ok(Effect::Output(library.hash(algorithm.psa(), algorithm.length(), input)?))
}
