//! Key agreement (operations.md 14).

use crate::ffi::Usage;
use crate::provider::Provider;
use parsecd_core::job::KeyInUse;
use parsecd_core::outcome::Effect;
use parsecd_wire::Status;
use parsecd_wire::algorithm::{Algorithm, KeyAgreement, RawKeyAgreement};

/// RawKeyAgreement.
pub fn agree(
    provider: &Provider,
    key: &KeyInUse,
    agreement: RawKeyAgreement,
    peer_key: &[u8],
) -> Result<Effect, Status> {
    if key.attributes.key_type.is_public() {
        return Err(Status::PsaErrorInvalidArgument);
    }
    provider.check_algorithm(&key.attributes, Algorithm::KeyAgreement(KeyAgreement::Raw(agreement)))?;
    let loaded = provider.load(key, Usage::Derive, agreement.psa())?;
    let size = key.attributes.bits.div_ceil(8) as usize;
    let secret = loaded.agree(agreement.psa(), peer_key, size).map_err(|error| match error.status() {
        // The library's answers to a key on another curve, or not on any.
        Status::PsaErrorNotSupported | Status::PsaErrorGenericError => Status::PsaErrorInvalidArgument,
        status => status,
    })?;
    Ok(Effect::Secret(secret))
}
