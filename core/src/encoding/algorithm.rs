//! Algorithms. Numbers of hashes, ciphers and the like are those of the wire (operations.md 3.4); the wire
//! itself would not do, because one meaning can have several encodings there.

use super::decoder::{DecodeError, Decoder, unknown};
use super::encoder::Encoder;
use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
};

type Decoded<T> = Result<T, DecodeError>;

pub(super) fn put_algorithm(out: &mut Encoder, algorithm: Algorithm) {
    match algorithm {
        Algorithm::None => out.u8(1),
        Algorithm::Hash(hash) => {
            out.u8(2);
            put_hash(out, hash);
        }
        Algorithm::Mac(mac) => {
            out.u8(3);
            put_mac(out, mac);
        }
        Algorithm::Cipher(cipher) => {
            out.u8(4);
            put_cipher(out, cipher);
        }
        Algorithm::Aead(aead) => {
            out.u8(5);
            put_aead(out, aead);
        }
        Algorithm::AsymmetricSignature(signature) => {
            out.u8(6);
            put_signature(out, signature);
        }
        Algorithm::AsymmetricEncryption(encryption) => {
            out.u8(7);
            put_encryption(out, encryption);
        }
        Algorithm::KeyAgreement(agreement) => {
            out.u8(8);
            match agreement {
                KeyAgreement::Raw(raw) => {
                    out.u8(1);
                    put_raw_agreement(out, raw);
                }
                KeyAgreement::WithKeyDerivation { agreement, derivation } => {
                    out.u8(2);
                    put_raw_agreement(out, agreement);
                    put_derivation(out, derivation);
                }
            }
        }
        Algorithm::KeyDerivation(derivation) => {
            out.u8(9);
            put_derivation(out, derivation);
        }
    }
}

pub(super) fn get_algorithm(input: &mut Decoder<'_>) -> Decoded<Algorithm> {
    Ok(match input.u8()? {
        1 => Algorithm::None,
        2 => Algorithm::Hash(get_hash(input)?),
        3 => Algorithm::Mac(get_mac(input)?),
        4 => Algorithm::Cipher(get_cipher(input)?),
        5 => Algorithm::Aead(get_aead(input)?),
        6 => Algorithm::AsymmetricSignature(get_signature(input)?),
        7 => Algorithm::AsymmetricEncryption(get_encryption(input)?),
        8 => Algorithm::KeyAgreement(match input.u8()? {
            1 => KeyAgreement::Raw(get_raw_agreement(input)?),
            2 => KeyAgreement::WithKeyDerivation {
                agreement: get_raw_agreement(input)?,
                derivation: get_derivation(input)?,
            },
            other => return Err(unknown("key agreement", other)),
        }),
        9 => Algorithm::KeyDerivation(get_derivation(input)?),
        other => return Err(unknown("algorithm", other)),
    })
}

/// 1 to 15, as on the wire.
pub(super) fn put_hash(out: &mut Encoder, hash: Hash) {
    out.u8(match hash {
        Hash::Md2 => 1,
        Hash::Md4 => 2,
        Hash::Md5 => 3,
        Hash::Ripemd160 => 4,
        Hash::Sha1 => 5,
        Hash::Sha224 => 6,
        Hash::Sha256 => 7,
        Hash::Sha384 => 8,
        Hash::Sha512 => 9,
        Hash::Sha512_224 => 10,
        Hash::Sha512_256 => 11,
        Hash::Sha3_224 => 12,
        Hash::Sha3_256 => 13,
        Hash::Sha3_384 => 14,
        Hash::Sha3_512 => 15,
    });
}

pub(super) fn get_hash(input: &mut Decoder<'_>) -> Decoded<Hash> {
    Ok(match input.u8()? {
        1 => Hash::Md2,
        2 => Hash::Md4,
        3 => Hash::Md5,
        4 => Hash::Ripemd160,
        5 => Hash::Sha1,
        6 => Hash::Sha224,
        7 => Hash::Sha256,
        8 => Hash::Sha384,
        9 => Hash::Sha512,
        10 => Hash::Sha512_224,
        11 => Hash::Sha512_256,
        12 => Hash::Sha3_224,
        13 => Hash::Sha3_256,
        14 => Hash::Sha3_384,
        15 => Hash::Sha3_512,
        other => return Err(unknown("hash", other)),
    })
}

fn put_sign_hash(out: &mut Encoder, hash: SignHash) {
    match hash {
        SignHash::Any => out.u8(1),
        SignHash::Specific(hash) => {
            out.u8(2);
            put_hash(out, hash);
        }
    }
}

fn get_sign_hash(input: &mut Decoder<'_>) -> Decoded<SignHash> {
    Ok(match input.u8()? {
        1 => SignHash::Any,
        2 => SignHash::Specific(get_hash(input)?),
        other => return Err(unknown("hash of a signature", other)),
    })
}

pub(super) fn put_mac(out: &mut Encoder, mac: Mac) {
    match mac {
        Mac::FullLength(algorithm) => {
            out.u8(1);
            put_full_length_mac(out, algorithm);
        }
        Mac::Truncated { algorithm, length } => {
            out.u8(2);
            put_full_length_mac(out, algorithm);
            out.u32(length);
        }
    }
}

pub(super) fn get_mac(input: &mut Decoder<'_>) -> Decoded<Mac> {
    Ok(match input.u8()? {
        1 => Mac::FullLength(get_full_length_mac(input)?),
        2 => Mac::Truncated { algorithm: get_full_length_mac(input)?, length: input.u32()? },
        other => return Err(unknown("message authentication code", other)),
    })
}

fn put_full_length_mac(out: &mut Encoder, mac: FullLengthMac) {
    match mac {
        FullLengthMac::Hmac(hash) => {
            out.u8(1);
            put_hash(out, hash);
        }
        FullLengthMac::CbcMac => out.u8(2),
        FullLengthMac::Cmac => out.u8(3),
    }
}

fn get_full_length_mac(input: &mut Decoder<'_>) -> Decoded<FullLengthMac> {
    Ok(match input.u8()? {
        1 => FullLengthMac::Hmac(get_hash(input)?),
        2 => FullLengthMac::CbcMac,
        3 => FullLengthMac::Cmac,
        other => return Err(unknown("message authentication code", other)),
    })
}

pub(super) fn put_cipher(out: &mut Encoder, cipher: Cipher) {
    out.u8(match cipher {
        Cipher::StreamCipher => 1,
        Cipher::Ctr => 2,
        Cipher::Cfb => 3,
        Cipher::Ofb => 4,
        Cipher::Xts => 5,
        Cipher::EcbNoPadding => 6,
        Cipher::CbcNoPadding => 7,
        Cipher::CbcPkcs7 => 8,
    });
}

pub(super) fn get_cipher(input: &mut Decoder<'_>) -> Decoded<Cipher> {
    Ok(match input.u8()? {
        1 => Cipher::StreamCipher,
        2 => Cipher::Ctr,
        3 => Cipher::Cfb,
        4 => Cipher::Ofb,
        5 => Cipher::Xts,
        6 => Cipher::EcbNoPadding,
        7 => Cipher::CbcNoPadding,
        8 => Cipher::CbcPkcs7,
        other => return Err(unknown("cipher", other)),
    })
}

pub(super) fn put_aead(out: &mut Encoder, aead: Aead) {
    match aead {
        Aead::DefaultLengthTag(algorithm) => {
            out.u8(1);
            put_aead_algorithm(out, algorithm);
        }
        Aead::ShortenedTag { algorithm, tag_length } => {
            out.u8(2);
            put_aead_algorithm(out, algorithm);
            out.u32(tag_length);
        }
    }
}

pub(super) fn get_aead(input: &mut Decoder<'_>) -> Decoded<Aead> {
    Ok(match input.u8()? {
        1 => Aead::DefaultLengthTag(get_aead_algorithm(input)?),
        2 => Aead::ShortenedTag { algorithm: get_aead_algorithm(input)?, tag_length: input.u32()? },
        other => return Err(unknown("authenticated encryption", other)),
    })
}

fn put_aead_algorithm(out: &mut Encoder, algorithm: AeadAlgorithm) {
    out.u8(match algorithm {
        AeadAlgorithm::Ccm => 1,
        AeadAlgorithm::Gcm => 2,
        AeadAlgorithm::ChaCha20Poly1305 => 3,
    });
}

fn get_aead_algorithm(input: &mut Decoder<'_>) -> Decoded<AeadAlgorithm> {
    Ok(match input.u8()? {
        1 => AeadAlgorithm::Ccm,
        2 => AeadAlgorithm::Gcm,
        3 => AeadAlgorithm::ChaCha20Poly1305,
        other => return Err(unknown("authenticated encryption", other)),
    })
}

pub(super) fn put_signature(out: &mut Encoder, signature: AsymmetricSignature) {
    let (number, hash) = match signature {
        AsymmetricSignature::RsaPkcs1v15Sign(hash) => (1, Some(hash)),
        AsymmetricSignature::RsaPkcs1v15SignRaw => (2, None),
        AsymmetricSignature::RsaPss(hash) => (3, Some(hash)),
        AsymmetricSignature::Ecdsa(hash) => (4, Some(hash)),
        AsymmetricSignature::EcdsaAny => (5, None),
        AsymmetricSignature::DeterministicEcdsa(hash) => (6, Some(hash)),
    };
    out.u8(number);
    if let Some(hash) = hash {
        put_sign_hash(out, hash);
    }
}

pub(super) fn get_signature(input: &mut Decoder<'_>) -> Decoded<AsymmetricSignature> {
    Ok(match input.u8()? {
        1 => AsymmetricSignature::RsaPkcs1v15Sign(get_sign_hash(input)?),
        2 => AsymmetricSignature::RsaPkcs1v15SignRaw,
        3 => AsymmetricSignature::RsaPss(get_sign_hash(input)?),
        4 => AsymmetricSignature::Ecdsa(get_sign_hash(input)?),
        5 => AsymmetricSignature::EcdsaAny,
        6 => AsymmetricSignature::DeterministicEcdsa(get_sign_hash(input)?),
        other => return Err(unknown("signature", other)),
    })
}

pub(super) fn put_encryption(out: &mut Encoder, encryption: AsymmetricEncryption) {
    match encryption {
        AsymmetricEncryption::RsaPkcs1v15Crypt => out.u8(1),
        AsymmetricEncryption::RsaOaep(hash) => {
            out.u8(2);
            put_hash(out, hash);
        }
    }
}

pub(super) fn get_encryption(input: &mut Decoder<'_>) -> Decoded<AsymmetricEncryption> {
    Ok(match input.u8()? {
        1 => AsymmetricEncryption::RsaPkcs1v15Crypt,
        2 => AsymmetricEncryption::RsaOaep(get_hash(input)?),
        other => return Err(unknown("asymmetric encryption", other)),
    })
}

pub(super) fn put_raw_agreement(out: &mut Encoder, agreement: RawKeyAgreement) {
    out.u8(match agreement {
        RawKeyAgreement::Ffdh => 1,
        RawKeyAgreement::Ecdh => 2,
    });
}

pub(super) fn get_raw_agreement(input: &mut Decoder<'_>) -> Decoded<RawKeyAgreement> {
    Ok(match input.u8()? {
        1 => RawKeyAgreement::Ffdh,
        2 => RawKeyAgreement::Ecdh,
        other => return Err(unknown("raw key agreement", other)),
    })
}

fn put_derivation(out: &mut Encoder, derivation: KeyDerivation) {
    let (number, hash) = match derivation {
        KeyDerivation::Hkdf(hash) => (1, hash),
        KeyDerivation::Tls12Prf(hash) => (2, hash),
        KeyDerivation::Tls12PskToMs(hash) => (3, hash),
    };
    out.u8(number);
    put_hash(out, hash);
}

fn get_derivation(input: &mut Decoder<'_>) -> Decoded<KeyDerivation> {
    Ok(match input.u8()? {
        1 => KeyDerivation::Hkdf(get_hash(input)?),
        2 => KeyDerivation::Tls12Prf(get_hash(input)?),
        3 => KeyDerivation::Tls12PskToMs(get_hash(input)?),
        other => return Err(unknown("key derivation", other)),
    })
}
