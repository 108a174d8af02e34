//! Algorithms, ours and the reference's.

use super::same_members;
use parsec_interface::operations::psa_algorithm as theirs;
use parsecd_wire::algorithm as ours;

same_members!(
    to_hash,
    from_hash,
    ours::Hash,
    theirs::Hash,
    [
        Md2 = Md2,
        Md4 = Md4,
        Md5 = Md5,
        Ripemd160 = Ripemd160,
        Sha1 = Sha1,
        Sha224 = Sha224,
        Sha256 = Sha256,
        Sha384 = Sha384,
        Sha512 = Sha512,
        Sha512_224 = Sha512_224,
        Sha512_256 = Sha512_256,
        Sha3_224 = Sha3_224,
        Sha3_256 = Sha3_256,
        Sha3_384 = Sha3_384,
        Sha3_512 = Sha3_512,
    ]
);

same_members!(
    to_cipher,
    from_cipher,
    ours::Cipher,
    theirs::Cipher,
    [
        StreamCipher = StreamCipher,
        Ctr = Ctr,
        Cfb = Cfb,
        Ofb = Ofb,
        Xts = Xts,
        EcbNoPadding = EcbNoPadding,
        CbcNoPadding = CbcNoPadding,
        CbcPkcs7 = CbcPkcs7,
    ]
);

same_members!(
    to_aead_algorithm,
    from_aead_algorithm,
    ours::AeadAlgorithm,
    theirs::AeadWithDefaultLengthTag,
    [Ccm = Ccm, Gcm = Gcm, ChaCha20Poly1305 = Chacha20Poly1305,]
);

same_members!(
    to_raw_key_agreement,
    from_raw_key_agreement,
    ours::RawKeyAgreement,
    theirs::RawKeyAgreement,
    [Ffdh = Ffdh, Ecdh = Ecdh,]
);

/// A length of the reference, which takes it from a u32 of the wire.
fn length(length: usize) -> u32 {
    length.try_into().expect("a length fits a u32")
}

fn to_full_length_mac(mac: ours::FullLengthMac) -> theirs::FullLengthMac {
    match mac {
        ours::FullLengthMac::Hmac(hash) => theirs::FullLengthMac::Hmac { hash_alg: to_hash(hash) },
        ours::FullLengthMac::CbcMac => theirs::FullLengthMac::CbcMac,
        ours::FullLengthMac::Cmac => theirs::FullLengthMac::Cmac,
    }
}

fn from_full_length_mac(mac: theirs::FullLengthMac) -> ours::FullLengthMac {
    match mac {
        theirs::FullLengthMac::Hmac { hash_alg } => ours::FullLengthMac::Hmac(from_hash(hash_alg)),
        theirs::FullLengthMac::CbcMac => ours::FullLengthMac::CbcMac,
        theirs::FullLengthMac::Cmac => ours::FullLengthMac::Cmac,
    }
}

fn to_mac(mac: ours::Mac) -> theirs::Mac {
    match mac {
        ours::Mac::FullLength(algorithm) => theirs::Mac::FullLength(to_full_length_mac(algorithm)),
        ours::Mac::Truncated { algorithm, length } => {
            theirs::Mac::Truncated { mac_alg: to_full_length_mac(algorithm), mac_length: length as usize }
        }
    }
}

fn from_mac(mac: theirs::Mac) -> ours::Mac {
    match mac {
        theirs::Mac::FullLength(mac_alg) => ours::Mac::FullLength(from_full_length_mac(mac_alg)),
        theirs::Mac::Truncated { mac_alg, mac_length } => {
            ours::Mac::Truncated { algorithm: from_full_length_mac(mac_alg), length: length(mac_length) }
        }
    }
}

pub fn to_aead(aead: ours::Aead) -> theirs::Aead {
    match aead {
        ours::Aead::DefaultLengthTag(algorithm) => {
            theirs::Aead::AeadWithDefaultLengthTag(to_aead_algorithm(algorithm))
        }
        ours::Aead::ShortenedTag { algorithm, tag_length } => theirs::Aead::AeadWithShortenedTag {
            aead_alg: to_aead_algorithm(algorithm),
            tag_length: tag_length as usize,
        },
    }
}

pub fn from_aead(aead: theirs::Aead) -> ours::Aead {
    match aead {
        theirs::Aead::AeadWithDefaultLengthTag(aead_alg) => {
            ours::Aead::DefaultLengthTag(from_aead_algorithm(aead_alg))
        }
        theirs::Aead::AeadWithShortenedTag { aead_alg, tag_length } => ours::Aead::ShortenedTag {
            algorithm: from_aead_algorithm(aead_alg),
            tag_length: length(tag_length),
        },
    }
}

fn to_sign_hash(hash: ours::SignHash) -> theirs::SignHash {
    match hash {
        ours::SignHash::Any => theirs::SignHash::Any,
        ours::SignHash::Specific(hash) => theirs::SignHash::Specific(to_hash(hash)),
    }
}

fn from_sign_hash(hash: theirs::SignHash) -> ours::SignHash {
    match hash {
        theirs::SignHash::Any => ours::SignHash::Any,
        theirs::SignHash::Specific(hash) => ours::SignHash::Specific(from_hash(hash)),
    }
}

pub fn to_asymmetric_signature(scheme: ours::AsymmetricSignature) -> theirs::AsymmetricSignature {
    use ours::AsymmetricSignature as Ours;
    use theirs::AsymmetricSignature as Theirs;
    match scheme {
        Ours::RsaPkcs1v15Sign(hash) => Theirs::RsaPkcs1v15Sign { hash_alg: to_sign_hash(hash) },
        Ours::RsaPkcs1v15SignRaw => Theirs::RsaPkcs1v15SignRaw,
        Ours::RsaPss(hash) => Theirs::RsaPss { hash_alg: to_sign_hash(hash) },
        Ours::Ecdsa(hash) => Theirs::Ecdsa { hash_alg: to_sign_hash(hash) },
        Ours::EcdsaAny => Theirs::EcdsaAny,
        Ours::DeterministicEcdsa(hash) => Theirs::DeterministicEcdsa { hash_alg: to_sign_hash(hash) },
    }
}

pub fn from_asymmetric_signature(scheme: theirs::AsymmetricSignature) -> ours::AsymmetricSignature {
    use ours::AsymmetricSignature as Ours;
    use theirs::AsymmetricSignature as Theirs;
    match scheme {
        Theirs::RsaPkcs1v15Sign { hash_alg } => Ours::RsaPkcs1v15Sign(from_sign_hash(hash_alg)),
        Theirs::RsaPkcs1v15SignRaw => Ours::RsaPkcs1v15SignRaw,
        Theirs::RsaPss { hash_alg } => Ours::RsaPss(from_sign_hash(hash_alg)),
        Theirs::Ecdsa { hash_alg } => Ours::Ecdsa(from_sign_hash(hash_alg)),
        Theirs::EcdsaAny => Ours::EcdsaAny,
        Theirs::DeterministicEcdsa { hash_alg } => Ours::DeterministicEcdsa(from_sign_hash(hash_alg)),
    }
}

pub fn to_asymmetric_encryption(scheme: ours::AsymmetricEncryption) -> theirs::AsymmetricEncryption {
    match scheme {
        ours::AsymmetricEncryption::RsaPkcs1v15Crypt => theirs::AsymmetricEncryption::RsaPkcs1v15Crypt,
        ours::AsymmetricEncryption::RsaOaep(hash) => {
            theirs::AsymmetricEncryption::RsaOaep { hash_alg: to_hash(hash) }
        }
    }
}

pub fn from_asymmetric_encryption(scheme: theirs::AsymmetricEncryption) -> ours::AsymmetricEncryption {
    match scheme {
        theirs::AsymmetricEncryption::RsaPkcs1v15Crypt => ours::AsymmetricEncryption::RsaPkcs1v15Crypt,
        theirs::AsymmetricEncryption::RsaOaep { hash_alg } => {
            ours::AsymmetricEncryption::RsaOaep(from_hash(hash_alg))
        }
    }
}

fn to_key_derivation(derivation: ours::KeyDerivation) -> theirs::KeyDerivation {
    match derivation {
        ours::KeyDerivation::Hkdf(hash) => theirs::KeyDerivation::Hkdf { hash_alg: to_hash(hash) },
        ours::KeyDerivation::Tls12Prf(hash) => theirs::KeyDerivation::Tls12Prf { hash_alg: to_hash(hash) },
        ours::KeyDerivation::Tls12PskToMs(hash) => {
            theirs::KeyDerivation::Tls12PskToMs { hash_alg: to_hash(hash) }
        }
    }
}

fn from_key_derivation(derivation: theirs::KeyDerivation) -> ours::KeyDerivation {
    match derivation {
        theirs::KeyDerivation::Hkdf { hash_alg } => ours::KeyDerivation::Hkdf(from_hash(hash_alg)),
        theirs::KeyDerivation::Tls12Prf { hash_alg } => ours::KeyDerivation::Tls12Prf(from_hash(hash_alg)),
        theirs::KeyDerivation::Tls12PskToMs { hash_alg } => {
            ours::KeyDerivation::Tls12PskToMs(from_hash(hash_alg))
        }
    }
}

fn to_key_agreement(agreement: ours::KeyAgreement) -> theirs::KeyAgreement {
    match agreement {
        ours::KeyAgreement::Raw(agreement) => theirs::KeyAgreement::Raw(to_raw_key_agreement(agreement)),
        ours::KeyAgreement::WithKeyDerivation { agreement, derivation } => {
            theirs::KeyAgreement::WithKeyDerivation {
                ka_alg: to_raw_key_agreement(agreement),
                kdf_alg: to_key_derivation(derivation),
            }
        }
    }
}

fn from_key_agreement(agreement: theirs::KeyAgreement) -> ours::KeyAgreement {
    match agreement {
        theirs::KeyAgreement::Raw(agreement) => ours::KeyAgreement::Raw(from_raw_key_agreement(agreement)),
        theirs::KeyAgreement::WithKeyDerivation { ka_alg, kdf_alg } => {
            ours::KeyAgreement::WithKeyDerivation {
                agreement: from_raw_key_agreement(ka_alg),
                derivation: from_key_derivation(kdf_alg),
            }
        }
    }
}

pub fn to_algorithm(algorithm: ours::Algorithm) -> theirs::Algorithm {
    use ours::Algorithm as Ours;
    use theirs::Algorithm as Theirs;
    match algorithm {
        Ours::None => Theirs::None,
        Ours::Hash(hash) => Theirs::Hash(to_hash(hash)),
        Ours::Mac(mac) => Theirs::Mac(to_mac(mac)),
        Ours::Cipher(cipher) => Theirs::Cipher(to_cipher(cipher)),
        Ours::Aead(aead) => Theirs::Aead(to_aead(aead)),
        Ours::AsymmetricSignature(scheme) => Theirs::AsymmetricSignature(to_asymmetric_signature(scheme)),
        Ours::AsymmetricEncryption(scheme) => Theirs::AsymmetricEncryption(to_asymmetric_encryption(scheme)),
        Ours::KeyAgreement(agreement) => Theirs::KeyAgreement(to_key_agreement(agreement)),
        Ours::KeyDerivation(derivation) => Theirs::KeyDerivation(to_key_derivation(derivation)),
    }
}

pub fn from_algorithm(algorithm: theirs::Algorithm) -> ours::Algorithm {
    use ours::Algorithm as Ours;
    use theirs::Algorithm as Theirs;
    match algorithm {
        Theirs::None => Ours::None,
        Theirs::Hash(hash) => Ours::Hash(from_hash(hash)),
        Theirs::Mac(mac) => Ours::Mac(from_mac(mac)),
        Theirs::Cipher(cipher) => Ours::Cipher(from_cipher(cipher)),
        Theirs::Aead(aead) => Ours::Aead(from_aead(aead)),
        Theirs::AsymmetricSignature(scheme) => Ours::AsymmetricSignature(from_asymmetric_signature(scheme)),
        Theirs::AsymmetricEncryption(scheme) => {
            Ours::AsymmetricEncryption(from_asymmetric_encryption(scheme))
        }
        Theirs::KeyAgreement(agreement) => Ours::KeyAgreement(from_key_agreement(agreement)),
        Theirs::KeyDerivation(derivation) => Ours::KeyDerivation(from_key_derivation(derivation)),
    }
}
