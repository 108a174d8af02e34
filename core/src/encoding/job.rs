//! Jobs.

use super::algorithm::{
    get_aead, get_cipher, get_encryption, get_hash, get_mac, get_raw_agreement, get_signature, put_aead,
    put_cipher, put_encryption, put_hash, put_mac, put_raw_agreement, put_signature,
};
use super::attributes::{decode_attributes, encode_attributes};
use super::decoder::{DecodeError, Decoder, unknown};
use super::encoder::Encoder;
use crate::ids::ObjectId;
use crate::job::{Job, KeyInUse, KeyOperation};
use crate::record::{Binding, SealedMaterial};

/// Writes a job.
pub fn encode_job(out: &mut Encoder, job: &Job) {
    match job {
        Job::Open => out.u8(1),
        Job::Generate { object, binding, attributes } => {
            out.u8(2);
            put_object(out, *object);
            out.bytes(&binding.0);
            encode_attributes(out, attributes);
        }
        Job::Import { object, attributes, binding, data } => {
            out.u8(3);
            put_object(out, *object);
            encode_attributes(out, attributes);
            out.bytes(&binding.0);
            out.bytes(data.expose());
        }
        Job::Remove { object } => {
            out.u8(4);
            put_object(out, *object);
        }
        Job::Use { key, operation } => {
            out.u8(5);
            put_key(out, key);
            put_operation(out, operation);
        }
        Job::Random { length } => {
            out.u8(6);
            out.u32(*length);
        }
        Job::HashCompute { algorithm, input } => {
            out.u8(7);
            put_hash(out, *algorithm);
            out.bytes(input.expose());
        }
    }
}

/// Reads what [`encode_job`] wrote.
pub fn decode_job(input: &mut Decoder<'_>) -> Result<Job, DecodeError> {
    Ok(match input.u8()? {
        1 => Job::Open,
        2 => Job::Generate {
            object: get_object(input)?,
            binding: Binding(input.vec()?),
            attributes: decode_attributes(input)?,
        },
        3 => Job::Import {
            object: get_object(input)?,
            attributes: decode_attributes(input)?,
            binding: Binding(input.vec()?),
            data: input.secret()?,
        },
        4 => Job::Remove { object: get_object(input)? },
        5 => Job::Use { key: get_key(input)?, operation: get_operation(input)? },
        6 => Job::Random { length: input.u32()? },
        7 => Job::HashCompute { algorithm: get_hash(input)?, input: input.secret()? },
        other => return Err(unknown("job", other)),
    })
}

fn put_object(out: &mut Encoder, object: ObjectId) {
    out.fixed(&object.to_bytes());
}

fn get_object(input: &mut Decoder<'_>) -> Result<ObjectId, DecodeError> {
    input.array().map(ObjectId::from_bytes)
}

fn put_key(out: &mut Encoder, key: &KeyInUse) {
    let KeyInUse { object, binding, attributes, public, material } = key;
    put_object(out, *object);
    out.bytes(&binding.0);
    encode_attributes(out, attributes);
    out.bytes(public);
    out.bytes(&material.0);
}

fn get_key(input: &mut Decoder<'_>) -> Result<KeyInUse, DecodeError> {
    Ok(KeyInUse {
        object: get_object(input)?,
        binding: Binding(input.vec()?),
        attributes: decode_attributes(input)?,
        public: input.vec()?,
        material: SealedMaterial(input.vec()?),
    })
}

fn put_operation(out: &mut Encoder, operation: &KeyOperation) {
    match operation {
        KeyOperation::SignHash { algorithm, hash } => {
            out.u8(1);
            put_signature(out, *algorithm);
            out.bytes(hash);
        }
        KeyOperation::VerifyHash { algorithm, hash, signature } => {
            out.u8(2);
            put_signature(out, *algorithm);
            out.bytes(hash);
            out.bytes(signature);
        }
        KeyOperation::Export => out.u8(3),
        KeyOperation::AsymmetricEncrypt { algorithm, plaintext, salt } => {
            out.u8(4);
            put_encryption(out, *algorithm);
            out.bytes(plaintext.expose());
            out.bytes(salt);
        }
        KeyOperation::AsymmetricDecrypt { algorithm, ciphertext, salt } => {
            out.u8(5);
            put_encryption(out, *algorithm);
            out.bytes(ciphertext);
            out.bytes(salt);
        }
        KeyOperation::AeadEncrypt { algorithm, nonce, additional_data, plaintext } => {
            out.u8(6);
            put_aead(out, *algorithm);
            out.bytes(nonce);
            out.bytes(additional_data);
            out.bytes(plaintext.expose());
        }
        KeyOperation::AeadDecrypt { algorithm, nonce, additional_data, ciphertext } => {
            out.u8(7);
            put_aead(out, *algorithm);
            out.bytes(nonce);
            out.bytes(additional_data);
            out.bytes(ciphertext);
        }
        KeyOperation::CipherEncrypt { algorithm, plaintext } => {
            out.u8(8);
            put_cipher(out, *algorithm);
            out.bytes(plaintext.expose());
        }
        KeyOperation::CipherDecrypt { algorithm, ciphertext } => {
            out.u8(9);
            put_cipher(out, *algorithm);
            out.bytes(ciphertext);
        }
        KeyOperation::MacCompute { algorithm, input } => {
            out.u8(10);
            put_mac(out, *algorithm);
            out.bytes(input.expose());
        }
        KeyOperation::MacVerify { algorithm, input, mac } => {
            out.u8(11);
            put_mac(out, *algorithm);
            out.bytes(input.expose());
            out.bytes(mac);
        }
        KeyOperation::RawKeyAgreement { algorithm, peer_key } => {
            out.u8(12);
            put_raw_agreement(out, *algorithm);
            out.bytes(peer_key);
        }
        KeyOperation::PrepareAttestation => out.u8(13),
        KeyOperation::Attest { credential_blob, secret } => {
            out.u8(14);
            out.bytes(credential_blob);
            out.bytes(secret.expose());
        }
    }
}

fn get_operation(input: &mut Decoder<'_>) -> Result<KeyOperation, DecodeError> {
    Ok(match input.u8()? {
        1 => KeyOperation::SignHash { algorithm: get_signature(input)?, hash: input.vec()? },
        2 => KeyOperation::VerifyHash {
            algorithm: get_signature(input)?,
            hash: input.vec()?,
            signature: input.vec()?,
        },
        3 => KeyOperation::Export,
        4 => KeyOperation::AsymmetricEncrypt {
            algorithm: get_encryption(input)?,
            plaintext: input.secret()?,
            salt: input.vec()?,
        },
        5 => KeyOperation::AsymmetricDecrypt {
            algorithm: get_encryption(input)?,
            ciphertext: input.vec()?,
            salt: input.vec()?,
        },
        6 => KeyOperation::AeadEncrypt {
            algorithm: get_aead(input)?,
            nonce: input.vec()?,
            additional_data: input.vec()?,
            plaintext: input.secret()?,
        },
        7 => KeyOperation::AeadDecrypt {
            algorithm: get_aead(input)?,
            nonce: input.vec()?,
            additional_data: input.vec()?,
            ciphertext: input.vec()?,
        },
        8 => KeyOperation::CipherEncrypt { algorithm: get_cipher(input)?, plaintext: input.secret()? },
        9 => KeyOperation::CipherDecrypt { algorithm: get_cipher(input)?, ciphertext: input.vec()? },
        10 => KeyOperation::MacCompute { algorithm: get_mac(input)?, input: input.secret()? },
        11 => {
            KeyOperation::MacVerify { algorithm: get_mac(input)?, input: input.secret()?, mac: input.vec()? }
        }
        12 => KeyOperation::RawKeyAgreement { algorithm: get_raw_agreement(input)?, peer_key: input.vec()? },
        13 => KeyOperation::PrepareAttestation,
        14 => KeyOperation::Attest { credential_blob: input.vec()?, secret: input.secret()? },
        other => return Err(unknown("use of a key", other)),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::attributes::tests::{
        every_aead, every_cipher, every_encryption, every_mac, every_signature, many_attributes,
    };
    use super::super::decoder::decode;
    use super::super::encoder::encode;
    use super::*;
    use alloc::vec::Vec;
    use parsecd_wire::SecretBytes;
    use parsecd_wire::algorithm::{Hash, RawKeyAgreement};

    fn every_operation() -> Vec<KeyOperation> {
        let secret = |text: &str| SecretBytes::from(text.as_bytes());
        let bytes = |text: &str| Vec::from(text.as_bytes());
        let mut all = Vec::from([
            KeyOperation::Export,
            KeyOperation::PrepareAttestation,
            KeyOperation::Attest { credential_blob: bytes("blob"), secret: secret("seed") },
        ]);
        for algorithm in every_signature() {
            all.push(KeyOperation::SignHash { algorithm, hash: bytes("hash") });
            all.push(KeyOperation::VerifyHash { algorithm, hash: bytes("hash"), signature: bytes("sig") });
        }
        for algorithm in every_encryption() {
            all.push(KeyOperation::AsymmetricEncrypt {
                algorithm,
                plaintext: secret("plain"),
                salt: bytes("s"),
            });
            all.push(KeyOperation::AsymmetricDecrypt { algorithm, ciphertext: bytes("c"), salt: bytes("") });
        }
        for algorithm in every_aead() {
            all.push(KeyOperation::AeadEncrypt {
                algorithm,
                nonce: bytes("nonce"),
                additional_data: bytes("aad"),
                plaintext: secret("plain"),
            });
            all.push(KeyOperation::AeadDecrypt {
                algorithm,
                nonce: bytes("nonce"),
                additional_data: bytes(""),
                ciphertext: bytes("cipher"),
            });
        }
        for algorithm in every_cipher() {
            all.push(KeyOperation::CipherEncrypt { algorithm, plaintext: secret("plain") });
            all.push(KeyOperation::CipherDecrypt { algorithm, ciphertext: bytes("cipher") });
        }
        for algorithm in every_mac() {
            all.push(KeyOperation::MacCompute { algorithm, input: secret("input") });
            all.push(KeyOperation::MacVerify { algorithm, input: secret("input"), mac: bytes("mac") });
        }
        for algorithm in [RawKeyAgreement::Ffdh, RawKeyAgreement::Ecdh] {
            all.push(KeyOperation::RawKeyAgreement { algorithm, peer_key: bytes("peer") });
        }
        all
    }

    /// Every variant, with every algorithm.
    pub fn every_job() -> Vec<Job> {
        let object = ObjectId { boot: 0x0102_0304_0506_0708, counter: 9 };
        let binding = Binding(Vec::from(*b"binding"));
        let mut all = Vec::from([
            Job::Open,
            Job::Remove { object },
            Job::Random { length: 0 },
            Job::Random { length: u32::MAX },
        ]);
        for attributes in many_attributes() {
            all.push(Job::Generate { object, binding: binding.clone(), attributes });
            let data = SecretBytes::from([7; 300].as_slice());
            all.push(Job::Import { object, attributes, binding: binding.clone(), data });
        }
        for algorithm in Hash::ALL {
            all.push(Job::HashCompute { algorithm, input: SecretBytes::default() });
            all.push(Job::HashCompute { algorithm, input: SecretBytes::from([0; 70_000].as_slice()) });
        }
        let key = KeyInUse {
            object,
            binding,
            attributes: many_attributes()[0],
            public: Vec::from(*b"public"),
            material: SealedMaterial(Vec::from(*b"material")),
        };
        all.extend(every_operation().into_iter().map(|operation| Job::Use { key: key.clone(), operation }));
        all
    }

    #[test]
    fn every_job_comes_back() {
        for job in every_job() {
            let encoded = encode(|out| encode_job(out, &job)).unwrap();
            assert_eq!(decode(encoded.expose(), decode_job), Ok(job));
        }
    }

    #[test]
    fn no_part_of_a_job_can_be_missing() {
        for job in every_job() {
            let encoded = encode(|out| encode_job(out, &job)).unwrap();
            let all_but_one = &encoded.expose()[..encoded.len() - 1];
            assert_eq!(decode(all_but_one, decode_job), Err(DecodeError::EndsEarly), "{job:?}");
        }
    }
}
