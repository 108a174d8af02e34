//! Public keys and signatures in the forms that other tools read.

use crate::failure::Failure;
use crate::text;
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::pem::LineEnding;
use der::{Decode, Encode, EncodePem};
use parsecd_wire::KeyAttributes;
use parsecd_wire::attributes::{EccFamily, KeyType};
use spki::{AlgorithmIdentifier, ObjectIdentifier, SubjectPublicKeyInfo};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");
const X448: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.111");

/// `public_key`, in the format of the protocol, as a PEM SubjectPublicKeyInfo (RFC 5280, 5480, 8410).
pub(crate) fn public_key_pem(attributes: &KeyAttributes, public_key: &[u8]) -> Result<String, Failure> {
    let no_format = || Failure::NoPublicKeyFormat(text::key_type(attributes.key_type, attributes.bits));
    let curve;
    let algorithm = match attributes.key_type {
        KeyType::RsaKeyPair | KeyType::RsaPublicKey => {
            AlgorithmIdentifier { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) }
        }
        KeyType::EccKeyPair(EccFamily::Montgomery) | KeyType::EccPublicKey(EccFamily::Montgomery) => {
            let oid = match attributes.bits {
                255 => X25519,
                448 => X448,
                _ => return Err(no_format()),
            };
            AlgorithmIdentifier { oid, parameters: None }
        }
        KeyType::EccKeyPair(family) | KeyType::EccPublicKey(family) => {
            curve = curve_oid(family, attributes.bits).ok_or_else(no_format)?;
            AlgorithmIdentifier { oid: EC_PUBLIC_KEY, parameters: Some(AnyRef::from(&curve)) }
        }
        _ => return Err(no_format()),
    };
    let malformed = |_| Failure::Malformed { what: "the public key from the service".into() };
    let subject_public_key = BitStringRef::from_bytes(public_key).map_err(malformed)?;
    SubjectPublicKeyInfo { algorithm, subject_public_key }.to_pem(LineEnding::LF).map_err(malformed)
}

/// Object identifier of a named curve.
fn curve_oid(family: EccFamily, bits: u32) -> Option<ObjectIdentifier> {
    Some(ObjectIdentifier::new_unwrap(match (family, bits) {
        (EccFamily::SecpR1, 192) => "1.2.840.10045.3.1.1",
        (EccFamily::SecpR1, 224) => "1.3.132.0.33",
        (EccFamily::SecpR1, 256) => "1.2.840.10045.3.1.7",
        (EccFamily::SecpR1, 384) => "1.3.132.0.34",
        (EccFamily::SecpR1, 521) => "1.3.132.0.35",
        (EccFamily::SecpK1, 192) => "1.3.132.0.31",
        (EccFamily::SecpK1, 224 | 225) => "1.3.132.0.32",
        (EccFamily::SecpK1, 256) => "1.3.132.0.10",
        (EccFamily::BrainpoolPR1, 192) => "1.3.36.3.3.2.8.1.1.3",
        (EccFamily::BrainpoolPR1, 224) => "1.3.36.3.3.2.8.1.1.5",
        (EccFamily::BrainpoolPR1, 256) => "1.3.36.3.3.2.8.1.1.7",
        (EccFamily::BrainpoolPR1, 320) => "1.3.36.3.3.2.8.1.1.9",
        (EccFamily::BrainpoolPR1, 384) => "1.3.36.3.3.2.8.1.1.11",
        (EccFamily::BrainpoolPR1, 512) => "1.3.36.3.3.2.8.1.1.13",
        _ => return None,
    }))
}

/// An ECDSA signature, r then s of equal length, as the DER of RFC 3279.
pub(crate) fn ecdsa_to_der(signature: &[u8]) -> Result<Vec<u8>, Failure> {
    let malformed = || Failure::Malformed { what: "the ECDSA signature".into() };
    if signature.is_empty() || !signature.len().is_multiple_of(2) {
        return Err(malformed());
    }
    let (r, s) = signature.split_at(signature.len() / 2);
    let integers =
        [r, s].into_iter().map(UintRef::new).collect::<Result<Vec<_>, _>>().map_err(|_| malformed())?;
    integers.to_der().map_err(|_| malformed())
}

/// The DER of an ECDSA signature of a key of `bits` as r then s, each as long as the order.
pub(crate) fn ecdsa_from_der(signature: &[u8], bits: u32) -> Result<Vec<u8>, Failure> {
    let malformed = || Failure::Malformed { what: "the DER of the ECDSA signature".into() };
    let integers = Vec::<UintRef<'_>>::from_der(signature).map_err(|_| malformed())?;
    let length = bits.div_ceil(8) as usize;
    if integers.len() != 2 {
        return Err(malformed());
    }
    let mut fixed = Vec::with_capacity(length.saturating_mul(2));
    for integer in integers {
        let bytes = integer.as_bytes();
        let padding = length.checked_sub(bytes.len()).ok_or_else(malformed)?;
        fixed.resize(fixed.len().saturating_add(padding), 0);
        fixed.extend_from_slice(bytes);
    }
    Ok(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use parsecd_wire::algorithm::Algorithm;

    #[test]
    fn ecdsa_signatures_survive_der_and_back_with_leading_zeroes_and_high_bits() {
        for (r, s) in [([0x00, 0x00, 0x7F], [0xFF, 0x00, 0x00]), ([0x80, 0x01, 0x02], [0x00, 0x80, 0x00])] {
            let signature = [r, s].concat();
            let der = ecdsa_to_der(&signature).unwrap();
            assert_eq!(ecdsa_from_der(&der, 24).unwrap(), signature);
        }
        assert_eq!(ecdsa_to_der(&[0x00, 0x01, 0x80, 0x00]).unwrap(), [0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 0]);
    }

    #[test]
    fn a_p256_key_is_written_as_rfc_5480_says() {
        let key_type = KeyType::EccKeyPair(EccFamily::SecpR1);
        let attributes =
            KeyAttributes { key_type, bits: 256, usage: Default::default(), algorithm: Algorithm::None };
        let point = [[4; 1].as_slice(), &[0xAB; 64]].concat();
        let pem = public_key_pem(&attributes, &point).unwrap();
        let (label, der) = der::pem::decode_vec(pem.as_bytes()).unwrap();
        assert_eq!(label, "PUBLIC KEY");
        let prefix = [
            0x30, 0x59, 0x30, 0x13, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 8, 0x2A, 0x86, 0x48, 0xCE,
            0x3D, 3, 1, 7, 3, 0x42, 0,
        ];
        assert_eq!(der, [prefix.as_slice(), &point].concat());
    }

    #[test]
    fn what_is_no_ecdsa_signature_is_refused() {
        assert!(ecdsa_to_der(&[]).is_err());
        assert!(ecdsa_to_der(&[1, 2, 3]).is_err());
        let too_long = ecdsa_to_der(&[0x7F; 8]).unwrap();
        assert!(ecdsa_from_der(&too_long, 24).is_err());
        assert!(ecdsa_from_der(&[0x30, 3, 2, 1, 1], 24).is_err());
        assert!(ecdsa_from_der(&[], 24).is_err());
    }
}
