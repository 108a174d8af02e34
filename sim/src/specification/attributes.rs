//! Attributes of keys (operations.md 3.1 to 3.3).

use super::algorithm;
use super::protobuf::{Arms, Field, Kind, Message, Reader, Wrong};
use parsecd_wire::KeyAttributes;
use parsecd_wire::attributes::{DhFamily, EccFamily, KeyType, UsageFlags};

/// Every curve family, by its number (operations.md 3.1).
pub(super) const FAMILIES: [(u64, EccFamily); 9] = [
    (1, EccFamily::SecpK1),
    (2, EccFamily::SecpR1),
    (3, EccFamily::SecpR2),
    (4, EccFamily::SectK1),
    (5, EccFamily::SectR1),
    (6, EccFamily::SectR2),
    (7, EccFamily::BrainpoolPR1),
    (8, EccFamily::Frp),
    (9, EccFamily::Montgomery),
];

/// Key types without a family, in the order of their numbers from 1 on.
pub(super) const PLAIN_TYPES: [KeyType; 10] = [
    KeyType::RawData,
    KeyType::Hmac,
    KeyType::Derive,
    KeyType::Aes,
    KeyType::Des,
    KeyType::Camellia,
    KeyType::Arc4,
    KeyType::ChaCha20,
    KeyType::RsaPublicKey,
    KeyType::RsaKeyPair,
];

const TYPE_ARMS: Arms = &[
    (1, Kind::Message),
    (2, Kind::Message),
    (3, Kind::Message),
    (4, Kind::Message),
    (5, Kind::Message),
    (6, Kind::Message),
    (7, Kind::Message),
    (8, Kind::Message),
    (9, Kind::Message),
    (10, Kind::Message),
    (11, Kind::Message),
    (12, Kind::Message),
    (13, Kind::Message),
    (14, Kind::Message),
];

/// `KeyAttributes`
pub fn attributes(attributes: &KeyAttributes) -> Message {
    let policy = Message::new(vec![
        Field::message(1, usage(&attributes.usage)),
        Field::message(2, algorithm::algorithm(&attributes.algorithm)),
    ]);
    Message::new(vec![
        Field::message(1, key_type(attributes.key_type)),
        Field::number32(2, attributes.bits.into()),
        Field::message(3, policy),
    ])
}

fn key_type(key_type: KeyType) -> Message {
    let family = |family: EccFamily| {
        let found = FAMILIES.iter().find(|(_, other)| *other == family);
        let number = found.map(|(number, _)| *number).unwrap_or_default();
        Message::new(vec![Field::enumeration(1, number, FAMILIES.len() as u64)])
    };
    let group = |DhFamily::Rfc7919: DhFamily| {
        let number = Field::number32(1, 0);
        Message::new(vec![Field { kind: Kind::Enumeration { zero: true, last: 0 }, ..number }])
    };
    let (number, content) = match key_type {
        KeyType::RawData => (1, Message::default()),
        KeyType::Hmac => (2, Message::default()),
        KeyType::Derive => (3, Message::default()),
        KeyType::Aes => (4, Message::default()),
        KeyType::Des => (5, Message::default()),
        KeyType::Camellia => (6, Message::default()),
        KeyType::Arc4 => (7, Message::default()),
        KeyType::ChaCha20 => (8, Message::default()),
        KeyType::RsaPublicKey => (9, Message::default()),
        KeyType::RsaKeyPair => (10, Message::default()),
        KeyType::EccKeyPair(curve) => (11, family(curve)),
        KeyType::EccPublicKey(curve) => (12, family(curve)),
        KeyType::DhKeyPair(dh) => (13, group(dh)),
        KeyType::DhPublicKey(dh) => (14, group(dh)),
    };
    Message::one_of(Field::message(number, content), TYPE_ARMS)
}

fn usage(usage: &UsageFlags) -> Message {
    Message::new(vec![
        Field::flag(1, usage.export),
        Field::flag(2, usage.copy),
        Field::flag(3, usage.cache),
        Field::flag(4, usage.encrypt),
        Field::flag(5, usage.decrypt),
        Field::flag(6, usage.sign_message),
        Field::flag(7, usage.verify_message),
        Field::flag(8, usage.sign_hash),
        Field::flag(9, usage.verify_hash),
        Field::flag(10, usage.derive),
    ])
}

/// Reads `KeyAttributes`.
pub fn read(mut reader: Reader<'_>) -> Result<KeyAttributes, Wrong> {
    let key_type = read_type(reader.message(1)?.ok_or("attributes without a type")?)?;
    let bits = reader.number32(2)?;
    let mut policy = reader.message(3)?.ok_or("attributes without a policy")?;
    reader.end()?;
    let usage = read_usage(policy.message(1)?.ok_or("a policy without flags")?)?;
    let algorithm = algorithm::read(policy.message(2)?.ok_or("a policy without an algorithm")?)?;
    policy.end()?;
    Ok(KeyAttributes { key_type, bits, usage, algorithm })
}

fn read_type(mut reader: Reader<'_>) -> Result<KeyType, Wrong> {
    for number in 1..=14 {
        let Some(mut content) = reader.message(number)? else { continue };
        reader.end()?;
        let read = match number {
            11 => KeyType::EccKeyPair(read_family(&mut content)?),
            12 => KeyType::EccPublicKey(read_family(&mut content)?),
            13 => KeyType::DhKeyPair(DhFamily::Rfc7919),
            14 => KeyType::DhPublicKey(DhFamily::Rfc7919),
            plain => PLAIN_TYPES[plain as usize - 1],
        };
        content.end()?;
        return Ok(read);
    }
    Err("a type without a member")
}

fn read_family(reader: &mut Reader<'_>) -> Result<EccFamily, Wrong> {
    let number = reader.number(1)?;
    let found = FAMILIES.iter().find(|(other, _)| *other == number);
    found.map(|(_, family)| *family).ok_or("a curve family that there is not")
}

fn read_usage(mut reader: Reader<'_>) -> Result<UsageFlags, Wrong> {
    let usage = UsageFlags {
        export: reader.flag(1)?,
        copy: reader.flag(2)?,
        cache: reader.flag(3)?,
        encrypt: reader.flag(4)?,
        decrypt: reader.flag(5)?,
        sign_message: reader.flag(6)?,
        verify_message: reader.flag(7)?,
        sign_hash: reader.flag(8)?,
        verify_hash: reader.flag(9)?,
        derive: reader.flag(10)?,
    };
    reader.end()?;
    Ok(usage)
}
