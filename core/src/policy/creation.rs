//! Whether a key may be made (operations.md 4.4 and 7, decisions.md 3). Only what the provider cannot hold
//! is refused: whether the policy makes sense shows when the key is used.

use super::algorithm;
use crate::capability::{Capabilities, KeyCapability};
use crate::config::Limits;
use parsecd_wire::attributes::{EccFamily, KeyType};
use parsecd_wire::{KeyAttributes, Status};

/// Checks the name of a key that is to be made. Any text is a name, the empty one included.
///
/// # Errors
///
/// [`Status::PsaErrorInvalidArgument`] if it has more than `limits.key_name` bytes.
pub fn check_name(name: &str, limits: &Limits) -> Result<(), Status> {
    match u32::try_from(name.len()) {
        Ok(length) if length <= limits.key_name => Ok(()),
        Ok(_) | Err(_) => Err(Status::PsaErrorInvalidArgument),
    }
}

/// Checks the attributes of a key that is to be generated.
///
/// # Errors
///
/// In this order: [`Status::DeprecatedPrimitive`] for deprecated primitives unless `allow_deprecated`;
/// [`Status::PsaErrorInvalidArgument`] for public types; [`Status::PsaErrorNotSupported`] for types and
/// curves that the provider cannot generate, [`Status::PsaErrorInvalidArgument`] for other sizes;
/// [`Status::DeprecatedPrimitive`] for pairs of deprecated curves that the provider could generate.
pub fn check_generate(
    attributes: &KeyAttributes,
    capabilities: &Capabilities,
    allow_deprecated: bool,
) -> Result<(), Status> {
    if !allow_deprecated && is_deprecated(attributes) {
        return Err(Status::DeprecatedPrimitive);
    }
    if attributes.key_type.is_public() {
        return Err(Status::PsaErrorInvalidArgument);
    }
    let key = capabilities
        .key(attributes.key_type)
        .filter(|key| key.generate)
        .ok_or(Status::PsaErrorNotSupported)?;
    check_size(key, attributes.bits)?;
    // The reference never catches pairs of deprecated curves, but it cannot hold them either, so it tells
    // clients that the curve is not supported. A token that holds one must not make such a key unasked.
    if !allow_deprecated && is_deprecated_curve(attributes.key_type, attributes.bits) {
        return Err(Status::DeprecatedPrimitive);
    }
    Ok(())
}

/// Checks the attributes of a key that is to be imported from `length` bytes of data. Whether the data is a
/// key is the provider's to find out.
///
/// # Errors
///
/// [`Status::PsaErrorNotSupported`] for types and curves that the provider cannot import, else
/// [`Status::PsaErrorInvalidArgument`] for sizes it cannot hold, no data, and data whose length cannot be
/// that of such a key.
pub fn check_import(
    attributes: &KeyAttributes,
    length: usize,
    capabilities: &Capabilities,
) -> Result<(), Status> {
    let key =
        capabilities.key(attributes.key_type).filter(|key| key.import).ok_or(Status::PsaErrorNotSupported)?;
    if length == 0 {
        return Err(Status::PsaErrorInvalidArgument);
    }
    let family = match attributes.key_type {
        KeyType::EccKeyPair(family) | KeyType::EccPublicKey(family) => family,
        KeyType::RsaKeyPair | KeyType::RsaPublicKey | KeyType::DhKeyPair(_) | KeyType::DhPublicKey(_) => {
            // The length says nothing exact about the size.
            return if attributes.bits == 0 { Ok(()) } else { check_size(key, attributes.bits) };
        }
        KeyType::RawData
        | KeyType::Hmac
        | KeyType::Derive
        | KeyType::Aes
        | KeyType::Des
        | KeyType::Camellia
        | KeyType::Arc4
        | KeyType::ChaCha20 => {
            let bits = u32::try_from(length).ok().and_then(|bytes| bytes.checked_mul(8));
            return match bits {
                Some(bits) if attributes.bits == 0 || attributes.bits == bits => check_size(key, bits),
                Some(_) | None => Err(Status::PsaErrorInvalidArgument),
            };
        }
    };
    let has_length = |bits: u32| usize::try_from(point_or_scalar(key.key_type, bits)) == Ok(length);
    if attributes.bits != 0 {
        check_size(key, attributes.bits)?;
        return if has_length(attributes.bits) { Ok(()) } else { Err(Status::PsaErrorInvalidArgument) };
    }
    let mut status = Status::PsaErrorInvalidArgument;
    for bits in curves(family).iter().copied().filter(|bits| has_length(*bits)) {
        match check_size(key, bits) {
            Ok(()) => return Ok(()),
            Err(other) => status = other,
        }
    }
    Err(status)
}

/// Whether a key of this type and size can be held.
fn check_size(key: &KeyCapability, bits: u32) -> Result<(), Status> {
    if key.holds(bits) {
        return Ok(());
    }
    match key.key_type {
        KeyType::EccKeyPair(family) | KeyType::EccPublicKey(family) if curves(family).contains(&bits) => {
            Err(Status::PsaErrorNotSupported)
        }
        _ => Err(Status::PsaErrorInvalidArgument),
    }
}

/// Whether operations.md 4.4 calls these attributes deprecated. GenerateKey refuses them unless configured
/// otherwise, ImportKey only warns.
pub fn is_deprecated(attributes: &KeyAttributes) -> bool {
    algorithm::is_deprecated(attributes.algorithm)
        || matches!(attributes.key_type, KeyType::Des | KeyType::Arc4)
        || (attributes.key_type.is_public() && is_deprecated_curve(attributes.key_type, attributes.bits))
}

/// Whether this is a deprecated curve, of a pair or of a public key.
pub fn is_deprecated_curve(key_type: KeyType, bits: u32) -> bool {
    let (KeyType::EccKeyPair(family) | KeyType::EccPublicKey(family)) = key_type else { return false };
    match family {
        EccFamily::SecpR2 | EccFamily::SectR2 => true,
        EccFamily::BrainpoolPR1 => bits == 160,
        EccFamily::SectK1 | EccFamily::SectR1 => bits == 163,
        EccFamily::SecpK1 | EccFamily::SecpR1 | EccFamily::Frp | EccFamily::Montgomery => false,
    }
}

/// Sizes in bits of the curves of a family (operations.md 3.2). secp224k1 goes by two sizes.
fn curves(family: EccFamily) -> &'static [u32] {
    match family {
        EccFamily::SecpK1 => &[192, 224, 225, 256],
        EccFamily::SecpR1 => &[192, 224, 256, 384, 521],
        EccFamily::SecpR2 => &[160],
        EccFamily::SectK1 => &[163, 233, 239, 283, 409, 571],
        EccFamily::SectR1 => &[163, 233, 283, 409, 571],
        EccFamily::SectR2 => &[163],
        EccFamily::BrainpoolPR1 => &[160, 192, 224, 256, 320, 384, 512],
        EccFamily::Frp => &[256],
        EccFamily::Montgomery => &[255, 448],
    }
}

/// Bytes of the import format of a key of an elliptic curve (operations.md 5): `04`, x, y of a public key
/// on a Weierstrass curve, else one coordinate or scalar.
fn point_or_scalar(key_type: KeyType, bits: u32) -> u32 {
    let coordinate = bits.div_ceil(8);
    match key_type {
        KeyType::EccPublicKey(family) if family != EccFamily::Montgomery => {
            coordinate.saturating_mul(2).saturating_add(1)
        }
        _ => coordinate,
    }
}

#[cfg(test)]
mod tests;
