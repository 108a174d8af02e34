//! Making, destroying and showing keys.

use crate::arguments::{CreateKey, Curve};
use crate::failure::Failure;
use crate::{formats, text};
use parsecd_client::Client;
use parsecd_wire::KeyAttributes;
use parsecd_wire::algorithm::{Algorithm, AsymmetricSignature, SignHash};
use parsecd_wire::attributes::{KeyType, UsageFlags};

pub(super) fn create(client: &Client, key: &CreateKey) -> Result<Vec<u8>, Failure> {
    let hash = SignHash::Specific(key.hash.into());
    let (key_type, bits, scheme) = match key.rsa {
        Some(bits) if key.pss => (KeyType::RsaKeyPair, bits, AsymmetricSignature::RsaPss(hash)),
        Some(bits) => (KeyType::RsaKeyPair, bits, AsymmetricSignature::RsaPkcs1v15Sign(hash)),
        None => {
            let (family, bits) = key.ecc.unwrap_or(Curve::P256).parameters();
            (KeyType::EccKeyPair(family), bits, AsymmetricSignature::Ecdsa(hash))
        }
    };
    let usage =
        UsageFlags { sign_hash: true, verify_hash: true, export: key.exportable, ..UsageFlags::default() };
    let algorithm = Algorithm::AsymmetricSignature(scheme);
    let attributes = KeyAttributes { key_type, bits, usage: usage.with_implied(), algorithm };
    client.generate_key(&key.name, attributes)?;
    Ok(format!(
        "created {}: {}, {}\n",
        text::printable(&key.name),
        text::key_type(key_type, bits),
        text::algorithm(algorithm)
    )
    .into())
}

pub(super) fn delete(client: &Client, name: &str) -> Result<Vec<u8>, Failure> {
    client.destroy_key(name)?;
    Ok(format!("destroyed {}\n", text::printable(name)).into())
}

pub(super) fn export_public(client: &Client, name: &str) -> Result<Vec<u8>, Failure> {
    let attributes = client.key_attributes(name)?;
    let public_key = client.export_public_key(name)?;
    Ok(formats::public_key_pem(&attributes, &public_key)?.into())
}
