//! Algorithms (operations.md 3.4).

use super::protobuf::{Arms, Field, Kind, Message, Reader, Wrong};
use parsecd_wire::algorithm::{
    Aead, AeadAlgorithm, Algorithm, AsymmetricEncryption, AsymmetricSignature, Cipher, FullLengthMac, Hash,
    KeyAgreement, KeyDerivation, Mac, RawKeyAgreement, SignHash,
};

/// Every hash, by its number (operations.md 3.3).
pub(super) const HASHES: [(u64, Hash); 15] = [
    (1, Hash::Md2),
    (2, Hash::Md4),
    (3, Hash::Md5),
    (4, Hash::Ripemd160),
    (5, Hash::Sha1),
    (6, Hash::Sha224),
    (7, Hash::Sha256),
    (8, Hash::Sha384),
    (9, Hash::Sha512),
    (10, Hash::Sha512_224),
    (11, Hash::Sha512_256),
    (12, Hash::Sha3_224),
    (13, Hash::Sha3_256),
    (14, Hash::Sha3_384),
    (15, Hash::Sha3_512),
];
const CIPHERS: [(u64, Cipher); 8] = [
    (1, Cipher::StreamCipher),
    (2, Cipher::Ctr),
    (3, Cipher::Cfb),
    (4, Cipher::Ofb),
    (5, Cipher::Xts),
    (6, Cipher::EcbNoPadding),
    (7, Cipher::CbcNoPadding),
    (8, Cipher::CbcPkcs7),
];
const AEADS: [(u64, AeadAlgorithm); 3] =
    [(1, AeadAlgorithm::Ccm), (2, AeadAlgorithm::Gcm), (3, AeadAlgorithm::ChaCha20Poly1305)];
const RAW_AGREEMENTS: [(u64, RawKeyAgreement); 2] = [(1, RawKeyAgreement::Ffdh), (2, RawKeyAgreement::Ecdh)];

const HASH: Kind = Kind::Enumeration { zero: false, last: 15 };
const CIPHER: Kind = Kind::Enumeration { zero: false, last: 8 };
const AEAD: Kind = Kind::Enumeration { zero: false, last: 3 };
const RAW_AGREEMENT: Kind = Kind::Enumeration { zero: false, last: 2 };

const ALGORITHM_ARMS: Arms = &[
    (1, Kind::Message),
    (2, HASH),
    (3, Kind::Message),
    (4, CIPHER),
    (5, Kind::Message),
    (6, Kind::Message),
    (7, Kind::Message),
    (8, Kind::Message),
    (9, Kind::Message),
];
const MAC_ARMS: Arms = &[(1, Kind::Message), (2, Kind::Message)];
const FULL_LENGTH_ARMS: Arms = &[(1, Kind::Message), (2, Kind::Message), (3, Kind::Message)];
const AEAD_ARMS: Arms = &[(1, AEAD), (2, Kind::Message)];
const SIGNATURE_ARMS: Arms = &[
    (1, Kind::Message),
    (2, Kind::Message),
    (3, Kind::Message),
    (4, Kind::Message),
    (5, Kind::Message),
    (6, Kind::Message),
];
const SIGN_HASH_ARMS: Arms = &[(1, Kind::Message), (2, HASH)];
const ENCRYPTION_ARMS: Arms = &[(1, Kind::Message), (2, Kind::Message)];
const AGREEMENT_ARMS: Arms = &[(1, RAW_AGREEMENT), (2, Kind::Message)];
const DERIVATION_ARMS: Arms = &[(1, Kind::Message), (2, Kind::Message), (3, Kind::Message)];

fn number_of<T: PartialEq, const N: usize>(table: &[(u64, T); N], value: &T) -> u64 {
    table.iter().find(|(_, other)| other == value).map(|(number, _)| *number).unwrap_or_default()
}

fn named<T: Copy, const N: usize>(table: &[(u64, T); N], number: u64) -> Result<T, Wrong> {
    let found = table.iter().find(|(other, _)| *other == number);
    found.map(|(_, value)| *value).ok_or("a number that names nothing")
}

/// A field that holds a hash.
pub fn hash_field(number: u32, hash: Hash) -> Field {
    Field::enumeration(number, number_of(&HASHES, &hash), HASHES.len() as u64)
}

/// A field that holds a cipher.
pub fn cipher_field(number: u32, cipher: Cipher) -> Field {
    Field::enumeration(number, number_of(&CIPHERS, &cipher), CIPHERS.len() as u64)
}

/// A field that holds a key agreement without derivation.
pub fn raw_agreement_field(number: u32, agreement: RawKeyAgreement) -> Field {
    Field::enumeration(number, number_of(&RAW_AGREEMENTS, &agreement), RAW_AGREEMENTS.len() as u64)
}

fn aead_field(number: u32, aead: AeadAlgorithm) -> Field {
    Field::enumeration(number, number_of(&AEADS, &aead), AEADS.len() as u64)
}

fn empty(number: u32) -> Field {
    Field::message(number, Message::default())
}

fn holding(number: u32, field: Field) -> Field {
    Field::message(number, Message::new(vec![field]))
}

/// `Algorithm`
pub fn algorithm(algorithm: &Algorithm) -> Message {
    let arm = match algorithm {
        Algorithm::None => empty(1),
        Algorithm::Hash(hash) => hash_field(2, *hash),
        Algorithm::Mac(inner) => Field::message(3, mac(inner)),
        Algorithm::Cipher(cipher) => cipher_field(4, *cipher),
        Algorithm::Aead(inner) => Field::message(5, aead(inner)),
        Algorithm::AsymmetricSignature(inner) => Field::message(6, signature(inner)),
        Algorithm::AsymmetricEncryption(inner) => Field::message(7, encryption(inner)),
        Algorithm::KeyAgreement(inner) => Field::message(8, agreement(inner)),
        Algorithm::KeyDerivation(inner) => Field::message(9, derivation(inner)),
    };
    Message::one_of(arm, ALGORITHM_ARMS)
}

/// `Mac`
pub fn mac(mac: &Mac) -> Message {
    let arm = match mac {
        Mac::FullLength(inner) => Field::message(1, full_length(inner)),
        Mac::Truncated { algorithm, length } => Field::message(
            2,
            Message::new(vec![
                Field::message(1, full_length(algorithm)),
                Field::number32(2, (*length).into()),
            ]),
        ),
    };
    Message::one_of(arm, MAC_ARMS)
}

fn full_length(mac: &FullLengthMac) -> Message {
    let arm = match mac {
        FullLengthMac::Hmac(hash) => holding(1, hash_field(1, *hash)),
        FullLengthMac::CbcMac => empty(2),
        FullLengthMac::Cmac => empty(3),
    };
    Message::one_of(arm, FULL_LENGTH_ARMS)
}

/// `Aead`
pub fn aead(aead: &Aead) -> Message {
    let arm = match aead {
        Aead::DefaultLengthTag(algorithm) => aead_field(1, *algorithm),
        Aead::ShortenedTag { algorithm, tag_length } => Field::message(
            2,
            Message::new(vec![aead_field(1, *algorithm), Field::number32(2, (*tag_length).into())]),
        ),
    };
    Message::one_of(arm, AEAD_ARMS)
}

/// `AsymmetricSignature`
pub fn signature(signature: &AsymmetricSignature) -> Message {
    let hashed = |number: u32, hash: &SignHash| holding(number, Field::message(1, sign_hash(hash)));
    let arm = match signature {
        AsymmetricSignature::RsaPkcs1v15Sign(hash) => hashed(1, hash),
        AsymmetricSignature::RsaPkcs1v15SignRaw => empty(2),
        AsymmetricSignature::RsaPss(hash) => hashed(3, hash),
        AsymmetricSignature::Ecdsa(hash) => hashed(4, hash),
        AsymmetricSignature::EcdsaAny => empty(5),
        AsymmetricSignature::DeterministicEcdsa(hash) => hashed(6, hash),
    };
    Message::one_of(arm, SIGNATURE_ARMS)
}

fn sign_hash(hash: &SignHash) -> Message {
    let arm = match hash {
        SignHash::Any => empty(1),
        SignHash::Specific(hash) => hash_field(2, *hash),
    };
    Message::one_of(arm, SIGN_HASH_ARMS)
}

/// `AsymmetricEncryption`
pub fn encryption(encryption: &AsymmetricEncryption) -> Message {
    let arm = match encryption {
        AsymmetricEncryption::RsaPkcs1v15Crypt => empty(1),
        AsymmetricEncryption::RsaOaep(hash) => holding(2, hash_field(1, *hash)),
    };
    Message::one_of(arm, ENCRYPTION_ARMS)
}

fn agreement(agreement: &KeyAgreement) -> Message {
    let arm = match agreement {
        KeyAgreement::Raw(raw) => raw_agreement_field(1, *raw),
        KeyAgreement::WithKeyDerivation { agreement, derivation: inner } => Field::message(
            2,
            Message::new(vec![raw_agreement_field(1, *agreement), Field::message(2, derivation(inner))]),
        ),
    };
    Message::one_of(arm, AGREEMENT_ARMS)
}

fn derivation(derivation: &KeyDerivation) -> Message {
    let (number, hash) = match derivation {
        KeyDerivation::Hkdf(hash) => (1, hash),
        KeyDerivation::Tls12Prf(hash) => (2, hash),
        KeyDerivation::Tls12PskToMs(hash) => (3, hash),
    };
    Message::one_of(holding(number, hash_field(1, *hash)), DERIVATION_ARMS)
}

/// Reads an `Algorithm`.
pub fn read(mut reader: Reader<'_>) -> Result<Algorithm, Wrong> {
    let algorithm = read_arm(&mut reader)?;
    reader.end()?;
    Ok(algorithm)
}

fn read_arm(reader: &mut Reader<'_>) -> Result<Algorithm, Wrong> {
    if let Some(none) = reader.message(1)? {
        none.end()?;
        return Ok(Algorithm::None);
    }
    if let Some(number) = reader.chosen_number(2)? {
        return Ok(Algorithm::Hash(named(&HASHES, number)?));
    }
    if let Some(inner) = reader.message(3)? {
        return Ok(Algorithm::Mac(read_mac(inner)?));
    }
    if let Some(number) = reader.chosen_number(4)? {
        return Ok(Algorithm::Cipher(named(&CIPHERS, number)?));
    }
    if let Some(inner) = reader.message(5)? {
        return Ok(Algorithm::Aead(read_aead(inner)?));
    }
    if let Some(inner) = reader.message(6)? {
        return Ok(Algorithm::AsymmetricSignature(read_signature(inner)?));
    }
    if let Some(inner) = reader.message(7)? {
        return Ok(Algorithm::AsymmetricEncryption(read_encryption(inner)?));
    }
    if let Some(inner) = reader.message(8)? {
        return Ok(Algorithm::KeyAgreement(read_agreement(inner)?));
    }
    if let Some(inner) = reader.message(9)? {
        return Ok(Algorithm::KeyDerivation(read_derivation(inner)?));
    }
    Err(NO_MEMBER)
}

const NO_MEMBER: Wrong = "a oneof without a member";

fn read_mac(mut reader: Reader<'_>) -> Result<Mac, Wrong> {
    let mac = if let Some(inner) = reader.message(1)? {
        Mac::FullLength(read_full_length(inner)?)
    } else {
        let mut inner = reader.message(2)?.ok_or(NO_MEMBER)?;
        let algorithm = read_full_length(inner.message(1)?.ok_or(NO_MEMBER)?)?;
        let length = inner.number32(2)?;
        inner.end()?;
        Mac::Truncated { algorithm, length }
    };
    reader.end()?;
    Ok(mac)
}

fn read_full_length(mut reader: Reader<'_>) -> Result<FullLengthMac, Wrong> {
    let mac = if let Some(inner) = reader.message(1)? {
        FullLengthMac::Hmac(read_hash(inner)?)
    } else if let Some(inner) = reader.message(2)? {
        inner.end()?;
        FullLengthMac::CbcMac
    } else {
        reader.message(3)?.ok_or(NO_MEMBER)?.end()?;
        FullLengthMac::Cmac
    };
    reader.end()?;
    Ok(mac)
}

/// A message whose only field is 1, a hash.
fn read_hash(mut reader: Reader<'_>) -> Result<Hash, Wrong> {
    let hash = named(&HASHES, reader.number(1)?)?;
    reader.end()?;
    Ok(hash)
}

fn read_aead(mut reader: Reader<'_>) -> Result<Aead, Wrong> {
    let aead = if let Some(number) = reader.chosen_number(1)? {
        Aead::DefaultLengthTag(named(&AEADS, number)?)
    } else {
        let mut inner = reader.message(2)?.ok_or(NO_MEMBER)?;
        let algorithm = named(&AEADS, inner.number(1)?)?;
        let tag_length = inner.number32(2)?;
        inner.end()?;
        Aead::ShortenedTag { algorithm, tag_length }
    };
    reader.end()?;
    Ok(aead)
}

fn read_signature(mut reader: Reader<'_>) -> Result<AsymmetricSignature, Wrong> {
    let signature = if let Some(inner) = reader.message(1)? {
        AsymmetricSignature::RsaPkcs1v15Sign(read_sign_hash(inner)?)
    } else if let Some(inner) = reader.message(2)? {
        inner.end()?;
        AsymmetricSignature::RsaPkcs1v15SignRaw
    } else if let Some(inner) = reader.message(3)? {
        AsymmetricSignature::RsaPss(read_sign_hash(inner)?)
    } else if let Some(inner) = reader.message(4)? {
        AsymmetricSignature::Ecdsa(read_sign_hash(inner)?)
    } else if let Some(inner) = reader.message(5)? {
        inner.end()?;
        AsymmetricSignature::EcdsaAny
    } else {
        let inner = reader.message(6)?.ok_or(NO_MEMBER)?;
        AsymmetricSignature::DeterministicEcdsa(read_sign_hash(inner)?)
    };
    reader.end()?;
    Ok(signature)
}

/// A message whose only field is 1, a `SignHash`.
fn read_sign_hash(mut outer: Reader<'_>) -> Result<SignHash, Wrong> {
    let mut reader = outer.message(1)?.ok_or(NO_MEMBER)?;
    outer.end()?;
    let hash = if let Some(inner) = reader.message(1)? {
        inner.end()?;
        SignHash::Any
    } else {
        SignHash::Specific(named(&HASHES, reader.chosen_number(2)?.ok_or(NO_MEMBER)?)?)
    };
    reader.end()?;
    Ok(hash)
}

fn read_encryption(mut reader: Reader<'_>) -> Result<AsymmetricEncryption, Wrong> {
    let encryption = if let Some(inner) = reader.message(1)? {
        inner.end()?;
        AsymmetricEncryption::RsaPkcs1v15Crypt
    } else {
        AsymmetricEncryption::RsaOaep(read_hash(reader.message(2)?.ok_or(NO_MEMBER)?)?)
    };
    reader.end()?;
    Ok(encryption)
}

fn read_agreement(mut reader: Reader<'_>) -> Result<KeyAgreement, Wrong> {
    let agreement = if let Some(number) = reader.chosen_number(1)? {
        KeyAgreement::Raw(named(&RAW_AGREEMENTS, number)?)
    } else {
        let mut inner = reader.message(2)?.ok_or(NO_MEMBER)?;
        let agreement = named(&RAW_AGREEMENTS, inner.number(1)?)?;
        let derivation = read_derivation(inner.message(2)?.ok_or(NO_MEMBER)?)?;
        inner.end()?;
        KeyAgreement::WithKeyDerivation { agreement, derivation }
    };
    reader.end()?;
    Ok(agreement)
}

fn read_derivation(mut reader: Reader<'_>) -> Result<KeyDerivation, Wrong> {
    let derivation = if let Some(inner) = reader.message(1)? {
        KeyDerivation::Hkdf(read_hash(inner)?)
    } else if let Some(inner) = reader.message(2)? {
        KeyDerivation::Tls12Prf(read_hash(inner)?)
    } else {
        KeyDerivation::Tls12PskToMs(read_hash(reader.message(3)?.ok_or(NO_MEMBER)?)?)
    };
    reader.end()?;
    Ok(derivation)
}
