//! Asymmetric encryption (operations.md 9).

use crate::ffi::Usage;
use crate::provider::Provider;
use parsecd_core::job::KeyInUse;
use parsecd_core::outcome::Effect;
use parsecd_wire::Status;
use parsecd_wire::algorithm::{Algorithm, AsymmetricEncryption};

/// AsymmetricEncrypt.
pub fn encrypt(
    provider: &Provider,
    key: &KeyInUse,
    scheme: AsymmetricEncryption,
    plaintext: &[u8],
    salt: &[u8],
) -> Result<Effect, Status> {
    provider.check_algorithm(&key.attributes, Algorithm::AsymmetricEncryption(scheme))?;
    let loaded = provider.load_public(key, Usage::Encrypt, scheme.psa())?;
    let size = key.attributes.bits.div_ceil(8) as usize;
    Ok(Effect::Output(loaded.asymmetric_encrypt(scheme.psa(), plaintext, salt, size)?))
}

/// AsymmetricDecrypt. Ciphertexts that no encryption with this key can have made are refused before the
/// private key is used.
pub fn decrypt(
    provider: &Provider,
    key: &KeyInUse,
    scheme: AsymmetricEncryption,
    ciphertext: &[u8],
    salt: &[u8],
) -> Result<Effect, Status> {
    if key.attributes.key_type.is_public() {
        return Err(Status::PsaErrorInvalidArgument);
    }
    provider.check_algorithm(&key.attributes, Algorithm::AsymmetricEncryption(scheme))?;
    let modulus = rsa_modulus(&key.public).ok_or(Status::PsaErrorDataCorrupt)?;
    // Big-endian numbers of the same length compare like their bytes.
    if ciphertext.len() != modulus.len() || ciphertext >= modulus {
        return Err(Status::PsaErrorInvalidArgument);
    }
    let loaded = provider.load(key, Usage::Decrypt, scheme.psa())?;
    // As long as the modulus: no plaintext is too long for it, so padding is the only thing that can be wrong.
    Ok(Effect::Secret(loaded.asymmetric_decrypt(scheme.psa(), ciphertext, salt, modulus.len())?))
}

/// Modulus of a PKCS #1 RSAPublicKey in DER, without leading zeros.
fn rsa_modulus(public: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    let content = der_element(public, SEQUENCE)?;
    let modulus = der_element(content, INTEGER)?;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    modulus.get(zeros..)
}

/// Content of the element at the front of `bytes`.
fn der_element(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    if *found == tag { rest.get(..length) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modulus_is_found_whatever_its_length() {
        assert_eq!(rsa_modulus(&[0x30, 6, 2, 1, 7, 2, 1, 3]), Some([7].as_slice()));
        assert_eq!(rsa_modulus(&[0x30, 7, 2, 2, 0, 0x80, 2, 1, 3]), Some([0x80].as_slice()));
        let mut long = vec![0x30, 0x82, 1, 8, 2, 0x82, 1, 1, 0];
        long.extend_from_slice(&[0xFE; 256]);
        long.extend_from_slice(&[2, 1, 3]);
        assert_eq!(rsa_modulus(&long), Some([0xFE; 256].as_slice()));
    }

    #[test]
    fn what_is_no_public_key_has_no_modulus() {
        for bytes in [
            [].as_slice(),
            &[0x30],
            &[0x30, 1],
            &[0x31, 3, 2, 1, 7],
            &[0x30, 3, 4, 1, 7],
            &[0x30, 4, 2, 1, 7],
            &[0x30, 0x84, 0, 0, 0, 1, 2],
            &[0x30, 0x80, 2, 1, 7],
        ] {
            assert_eq!(rsa_modulus(bytes), None, "{bytes:02x?}");
        }
    }
}
