//! Bodies that cannot be decoded, or not be converted (wire-protocol.md 3).

use super::choices::Choices;
use super::odd;
use super::protobuf::{
    DELIMITED, FIXED32, FIXED64, Field, GROUP_BEGINS, GROUP_ENDS, Kind, Message, VARINT, Value, write_key,
    write_varint,
};

/// Undecodable, wherever they stand in a message.
const BROKEN: [&[u8]; 9] = [
    // Field number 0.
    &[0x00],
    &[0x02, 0x00],
    // Wire types that there are not.
    &[0x7E, 0x00],
    &[0x7F, 0x00],
    // A number of eleven bytes.
    &[0x78, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
    // The number of a field in more than 29 bits.
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00],
    // The end of a group that has not begun, and of another one than has.
    &[0x7C],
    &[0x7B, 0x84, 0x01],
    &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
];
/// Undecodable where nothing follows in the message.
const CUT: [&[u8]; 9] = [
    &[0x80],
    &[0x78],
    &[0x78, 0x80],
    &[0x7A],
    &[0x7A, 0x05, 0x01],
    &[0x7A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
    &[0x7D, 0x00, 0x00, 0x00],
    &[0x79, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
    &[0x7B],
];
/// What is no text.
const NO_TEXT: [&[u8]; 4] = [&[0xFF, 0xFE], &[0xC3], &[0xED, 0xA0, 0x80], &[b'a', 0xC0, 0x80]];

/// A body that is not a message.
pub fn undecodable(message: &Message, choices: &mut Choices) -> Vec<u8> {
    let place = choices.below(count(message));
    let mut left = place;
    encode(message, &mut left, choices).0
}

/// Number of messages in this one, itself included.
fn count(message: &Message) -> u64 {
    1 + message.fields.iter().map(|field| inside(field).map_or(0, count)).sum::<u64>()
}

fn inside(field: &Field) -> Option<&Message> {
    match &field.value {
        Value::Message(message) => Some(message),
        _ => None,
    }
}

/// Encodes a message of which the one that is `left` further on is broken. Whether it was.
fn encode(message: &Message, left: &mut u64, choices: &mut Choices) -> (Vec<u8>, bool) {
    if *left == 0 {
        *left = u64::MAX;
        return (broken(message, choices), true);
    }
    *left -= 1;
    let (mut bytes, mut done) = (Vec::new(), false);
    for field in &message.fields {
        match inside(field) {
            Some(inner) if !done => {
                let (content, broken) = encode(inner, left, choices);
                done = broken;
                write_key(&mut bytes, field.number, DELIMITED);
                write_varint(&mut bytes, content.len() as u64);
                bytes.extend(content);
            }
            _ => bytes.extend(Message::new(vec![field.clone()]).encode()),
        }
    }
    (bytes, done)
}

fn broken(message: &Message, choices: &mut Choices) -> Vec<u8> {
    let good = message.encode();
    let known = message.fields.iter().map(|field| (field.number, field.kind));
    let known: Vec<(u32, Kind)> = known.chain(message.arms.iter().copied()).collect();
    let texts: Vec<u32> =
        known.iter().filter(|(_, kind)| *kind == Kind::Text).map(|(number, _)| *number).collect();
    match choices.below(4) {
        0 => [&good[..], CUT[choices.below(9) as usize]].concat(),
        1 if !known.is_empty() => {
            let wrong = of_wrong_type(known[choices.below(known.len() as u64) as usize], choices);
            around(&good, &wrong, choices)
        }
        2 if !texts.is_empty() => {
            let text = NO_TEXT[choices.below(4) as usize];
            let mut wrong = Vec::new();
            write_key(&mut wrong, texts[choices.below(texts.len() as u64) as usize], DELIMITED);
            write_varint(&mut wrong, text.len() as u64);
            wrong.extend(text);
            around(&good, &wrong, choices)
        }
        _ => around(&good, BROKEN[choices.below(9) as usize], choices),
    }
}

fn around(good: &[u8], wrong: &[u8], choices: &mut Choices) -> Vec<u8> {
    if choices.one_in(2) { [wrong, good].concat() } else { [good, wrong].concat() }
}

/// A field of another wire type than its own, right in itself.
fn of_wrong_type((number, kind): (u32, Kind), choices: &mut Choices) -> Vec<u8> {
    let own = if matches!(kind, Kind::Text | Kind::Bytes | Kind::Message) { DELIMITED } else { VARINT };
    let other = if own == VARINT { DELIMITED } else { VARINT };
    let wire_type = [other, FIXED32, FIXED64, GROUP_BEGINS][choices.below(4) as usize];
    let mut bytes = Vec::new();
    write_key(&mut bytes, number, wire_type);
    match wire_type {
        VARINT => bytes.push(1),
        DELIMITED => bytes.extend([1, 1]),
        FIXED32 => bytes.extend([1; 4]),
        FIXED64 => bytes.extend([1; 8]),
        _ => write_key(&mut bytes, number, GROUP_ENDS),
    }
    bytes
}

/// A message in which something is absent that has to be there, or named by a number that names nothing.
/// `None` if there is no such thing in it.
pub fn inconvertible(message: &Message, choices: &mut Choices, longest: usize) -> Option<Vec<u8>> {
    let mut left = choices.below(spots(message).max(1));
    let mut spoiled = message.clone();
    take_away(&mut spoiled, &mut left, choices).then(|| odd::encode(&spoiled, choices, longest))
}

fn is_spot(field: &Field, of: &Message) -> bool {
    match field.kind {
        Kind::Message => of.arms.is_empty(),
        Kind::Enumeration { .. } => true,
        _ => false,
    }
}

/// Number of things that can be taken away or renamed. A oneof without its member is one.
fn spots(message: &Message) -> u64 {
    let own = u64::from(!message.arms.is_empty());
    let of_field =
        |field: &Field| u64::from(is_spot(field, message)) + inside(field).map(spots).unwrap_or_default();
    own + message.fields.iter().map(of_field).sum::<u64>()
}

/// Spoils the spot that is `left` further on. Whether it was found.
fn take_away(message: &mut Message, left: &mut u64, choices: &mut Choices) -> bool {
    let here = |left: &mut u64| {
        let found = *left == 0;
        *left = left.wrapping_sub(1);
        found
    };
    if !message.arms.is_empty() && here(left) {
        message.fields.clear();
        return true;
    }
    for index in 0..message.fields.len() {
        if is_spot(&message.fields[index], message) && here(left) {
            match message.fields[index].kind {
                Kind::Enumeration { zero, last } => {
                    let Value::Number(right) = message.fields[index].value else { return false };
                    let wrong = [last + 1, 99, 255, right | 256, 0x7FFF_FFFF, u64::MAX, 0, 0];
                    let count = if zero { 6 } else { 8 };
                    message.fields[index].value = Value::Number(wrong[choices.below(count) as usize]);
                }
                _ => drop(message.fields.remove(index)),
            }
            return true;
        }
        if let Value::Message(inner) = &mut message.fields[index].value
            && take_away(inner, left, choices)
        {
            return true;
        }
    }
    false
}
