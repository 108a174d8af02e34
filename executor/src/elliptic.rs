//! ECDSA over curves in short Weierstrass form.

use crate::Failure;
use ecdsa::elliptic_curve::array::ArraySize;
use ecdsa::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use ecdsa::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytesSize, PrimeField, Scalar};
use ecdsa::signature::hazmat::PrehashVerifier;
use ecdsa::{EcdsaCurve, Signature, SignatureSize, VerifyingKey};
use parsecd_wire::Status;
use std::borrow::Cow;

/// First byte of an uncompressed point (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// Verifies the signature of a hash. Formats as in operations.md 5.
pub(crate) fn verify<C>(public: &[u8], hash: &[u8], signature: &[u8]) -> Result<(), Failure>
where
    C: EcdsaCurve + CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
    SignatureSize<C>: ArraySize,
{
    if public.first() != Some(&UNCOMPRESSED) {
        return Err(Status::PsaErrorInvalidArgument.into());
    }
    let key = VerifyingKey::<C>::from_sec1_bytes(public).map_err(|_| Status::PsaErrorInvalidArgument)?;
    let signature = Signature::<C>::from_slice(signature)
        .map_err(|_| Status::PsaErrorInvalidSignature)?
        // (r, n - s) is valid exactly if (r, s) is; for some curves the library takes the lower one only.
        .normalize_s();
    key.verify_prehash(&leftmost_bits(hash, Scalar::<C>::NUM_BITS), &signature)
        .map_err(|_| Status::PsaErrorInvalidSignature.into())
}

/// The leftmost `bits` bits of a hash as a big-endian number (FIPS 186-5, 6.4.2). The library drops bytes but not
/// bits.
fn leftmost_bits(hash: &[u8], bits: u32) -> Cow<'_, [u8]> {
    let length = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
    let Some(leftmost) = hash.get(..length) else { return Cow::Borrowed(hash) };
    let excess = bits.wrapping_neg() & 7;
    if excess == 0 {
        return Cow::Borrowed(leftmost);
    }
    let previous = [0].into_iter().chain(leftmost.iter().copied());
    let shifted = previous.zip(leftmost).map(|(left, byte)| {
        let [_, shifted] = (u16::from_be_bytes([left, *byte]) >> excess).to_be_bytes();
        shifted
    });
    Cow::Owned(shifted.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_that_is_too_long_keeps_its_leftmost_bits() {
        assert_eq!(*leftmost_bits(&[0x12, 0x34, 0x56], 16), [0x12, 0x34]);
        assert_eq!(*leftmost_bits(&[0x12, 0x34], 16), [0x12, 0x34]);
        assert_eq!(*leftmost_bits(&[0x12], 16), [0x12]);
        assert_eq!(*leftmost_bits(&[0xFF, 0x80], 9), [0x01, 0xFF]);
        assert_eq!(*leftmost_bits(&[0x81, 0x42, 0xFF], 12), [0x08, 0x14]);
        assert_eq!(*leftmost_bits(&[0x81], 9), [0x81]);
    }
}
