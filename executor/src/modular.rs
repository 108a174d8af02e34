//! RSA with a public key.

use crate::Failure;
use crate::hash::with_hash_function;
use getrandom::SysRng;
use parsecd_wire::Status;
use parsecd_wire::algorithm::{AsymmetricEncryption, AsymmetricSignature, Hash, SignHash};
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::traits::PublicKeyParts;
use rsa::{Oaep, Pkcs1v15Sign};

/// Longest public exponent in bytes that is for the executor. A verification takes as long as the exponent is;
/// tenants may import longer ones.
const EXPONENT_MAX: usize = 4;

/// Bytes of the modulus that PKCS #1 v1.5 needs beside the content (RFC 8017, 9.2).
const PKCS1V15_OVERHEAD: usize = 11;

/// An RSA public key.
pub(crate) struct PublicKey(rsa::PublicKey);

impl PublicKey {
    /// Decodes a PKCS #1 RSAPublicKey whose modulus has `bits` bits.
    pub(crate) fn decode(der: &[u8], bits: u32) -> Result<PublicKey, Failure> {
        let malformed = Failure::Refused(Status::PsaErrorInvalidArgument);
        let encoded = RsaPublicKeyRef::try_from(der).map_err(|_| malformed)?;
        if encoded.public_exponent.as_bytes().len() > EXPONENT_MAX {
            return Err(Failure::NotHere);
        }
        let key = rsa::PublicKey::try_from(encoded).map_err(|_| malformed)?;
        if key.n().bit_width_vartime() != bits {
            return Err(malformed);
        }
        Ok(PublicKey(key))
    }

    /// Verifies the signature of a hash whose length fits the scheme.
    pub(crate) fn verify(
        &self,
        scheme: AsymmetricSignature,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), Failure> {
        let PublicKey(key) = self;
        let verified = match scheme {
            AsymmetricSignature::RsaPkcs1v15SignRaw => {
                if hash.len().saturating_add(PKCS1V15_OVERHEAD) > key.size() {
                    return Err(Status::PsaErrorInvalidArgument.into());
                }
                Some(key.verify(Pkcs1v15Sign::new_unprefixed(), hash, signature))
            }
            AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Specific(algorithm)) => {
                with_hash_function!(algorithm, D => key.pkcs1v15_verify_prehash::<D>(hash, signature))
            }
            AsymmetricSignature::RsaPss(SignHash::Specific(algorithm)) => {
                with_hash_function!(algorithm, D => key.pss_verify_prehash::<D>(hash, signature))
            }
            AsymmetricSignature::RsaPkcs1v15Sign(SignHash::Any)
            | AsymmetricSignature::RsaPss(SignHash::Any)
            | AsymmetricSignature::Ecdsa(_)
            | AsymmetricSignature::EcdsaAny
            | AsymmetricSignature::DeterministicEcdsa(_) => None,
        };
        match verified {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(Status::PsaErrorInvalidSignature.into()),
            None => Err(Status::PsaErrorNotSupported.into()),
        }
    }

    /// Encrypts. `salt` is the label of OAEP; PKCS #1 v1.5 has none.
    pub(crate) fn encrypt(
        &self,
        scheme: AsymmetricEncryption,
        plaintext: &[u8],
        salt: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let PublicKey(key) = self;
        let encrypted = match scheme {
            AsymmetricEncryption::RsaPkcs1v15Crypt if salt.is_empty() => {
                Some(key.pkcs1v15_encrypt_with_rng(&mut SysRng, plaintext))
            }
            AsymmetricEncryption::RsaPkcs1v15Crypt => return Err(Status::PsaErrorInvalidArgument.into()),
            AsymmetricEncryption::RsaOaep(algorithm) => with_hash_function!(algorithm, D => {
                key.encrypt(&mut SysRng, Oaep::<D>::new_with_label(salt), plaintext)
            }),
        };
        match encrypted {
            Some(Ok(ciphertext)) => Ok(ciphertext),
            Some(Err(rsa::Error::Rng)) => Err(Status::PsaErrorInsufficientEntropy.into()),
            // Too long for the modulus.
            Some(Err(_)) => Err(Status::PsaErrorInvalidArgument.into()),
            None => Err(Status::PsaErrorNotSupported.into()),
        }
    }
}
