//! Signatures, random bytes and hashes.

use crate::failure::Failure;
use crate::{digest, formats, text};
use parsecd_client::Client;
use parsecd_wire::KeyAttributes;
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, Hash, SignHash};
use std::path::Path;

/// Hash where neither the key nor the user names one.
const DEFAULT_HASH: Hash = Hash::Sha256;

pub(super) fn sign(
    client: &Client,
    name: &str,
    file: &Path,
    wanted: Option<Hash>,
    as_der: bool,
) -> Result<Vec<u8>, Failure> {
    let attributes = client.key_attributes(name)?;
    let (scheme, hash) = scheme(name, &attributes, wanted)?;
    let signature = client.sign_hash(name, scheme, &digest::hash_file(hash, file)?)?;
    if as_der && is_ecdsa(scheme) { formats::ecdsa_to_der(&signature) } else { Ok(signature) }
}

pub(super) fn verify(
    client: &Client,
    name: &str,
    file: &Path,
    signature: &Path,
    wanted: Option<Hash>,
    as_der: bool,
) -> Result<Vec<u8>, Failure> {
    let attributes = client.key_attributes(name)?;
    let (scheme, hash) = scheme(name, &attributes, wanted)?;
    let mut signature = digest::read_file(signature)?;
    if as_der && is_ecdsa(scheme) {
        signature = formats::ecdsa_from_der(&signature, attributes.bits)?;
    }
    client.verify_hash(name, scheme, &digest::hash_file(hash, file)?, &signature)?;
    Ok(b"the signature is valid\n".to_vec())
}

pub(super) fn random(client: &Client, bytes: u64, raw: bool) -> Result<Vec<u8>, Failure> {
    let random = client.generate_random(bytes)?;
    if raw { Ok(random.expose().to_vec()) } else { Ok((text::hexadecimal(random.expose()) + "\n").into()) }
}

pub(super) fn hash(client: &Client, file: &Path, hash: Hash) -> Result<Vec<u8>, Failure> {
    let value = client.hash_compute(hash, &digest::read_file(file)?)?;
    Ok(format!("{}  {}\n", text::hexadecimal(&value), text::printable(&file.to_string_lossy())).into())
}

fn is_ecdsa(scheme: AsymmetricSignature) -> bool {
    matches!(
        scheme,
        AsymmetricSignature::Ecdsa(_)
            | AsymmetricSignature::EcdsaAny
            | AsymmetricSignature::DeterministicEcdsa(_)
    )
}

/// The scheme of the key's policy with its hash made specific, and that hash.
fn scheme(
    name: &str,
    attributes: &KeyAttributes,
    wanted: Option<Hash>,
) -> Result<(AsymmetricSignature, Hash), Failure> {
    let not_for_signing = || Failure::NotForSigning {
        name: text::printable(name),
        made_for: text::algorithm(attributes.algorithm),
    };
    let Algorithm::AsymmetricSignature(policy) = attributes.algorithm else {
        return Err(not_for_signing());
    };
    let hash = match (policy.hash(), wanted) {
        (Some(SignHash::Specific(permitted)), Some(hash)) if hash != permitted => {
            return Err(Failure::HashNotPermitted { permitted: text::hash(permitted).into() });
        }
        (Some(SignHash::Specific(permitted)), _) => permitted,
        (_, wanted) => wanted.unwrap_or(DEFAULT_HASH),
    };
    let specific = SignHash::Specific(hash);
    let scheme = match policy {
        AsymmetricSignature::RsaPkcs1v15Sign(_) => AsymmetricSignature::RsaPkcs1v15Sign(specific),
        AsymmetricSignature::RsaPss(_) => AsymmetricSignature::RsaPss(specific),
        AsymmetricSignature::Ecdsa(_) => AsymmetricSignature::Ecdsa(specific),
        AsymmetricSignature::DeterministicEcdsa(_) => AsymmetricSignature::DeterministicEcdsa(specific),
        AsymmetricSignature::EcdsaAny => AsymmetricSignature::EcdsaAny,
        AsymmetricSignature::RsaPkcs1v15SignRaw => return Err(not_for_signing()),
    };
    Ok((scheme, hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parsecd_wire::attributes::{EccFamily, KeyType, UsageFlags};

    fn attributes(algorithm: Algorithm) -> KeyAttributes {
        let key_type = KeyType::EccKeyPair(EccFamily::SecpR1);
        KeyAttributes { key_type, bits: 256, usage: UsageFlags::default(), algorithm }
    }

    #[test]
    fn the_hash_comes_from_the_policy_then_from_the_user_then_by_default() {
        let with = |hash| attributes(Algorithm::AsymmetricSignature(AsymmetricSignature::Ecdsa(hash)));
        let specific = with(SignHash::Specific(Hash::Sha384));
        assert_eq!(scheme("k", &specific, None).unwrap().1, Hash::Sha384);
        assert!(matches!(scheme("k", &specific, Some(Hash::Sha256)), Err(Failure::HashNotPermitted { .. })));
        assert_eq!(scheme("k", &with(SignHash::Any), Some(Hash::Sha512)).unwrap().1, Hash::Sha512);
        let by_default = AsymmetricSignature::Ecdsa(SignHash::Specific(Hash::Sha256));
        assert_eq!(scheme("k", &with(SignHash::Any), None).unwrap(), (by_default, Hash::Sha256));
    }

    #[test]
    fn a_key_for_something_else_does_not_sign() {
        assert!(matches!(
            scheme("k", &attributes(Algorithm::None), None),
            Err(Failure::NotForSigning { .. })
        ));
    }
}
