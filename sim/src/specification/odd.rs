//! Encodings that no encoder writes and every decoder must take (wire-protocol.md 3): fields in any order,
//! repeated, split, with unknown ones between them, numbers longer than they have to be.

use super::choices::Choices;
use super::protobuf::{
    DELIMITED, FIXED32, FIXED64, Field, GROUP_BEGINS, GROUP_ENDS, Kind, Message, VARINT, Value,
};

/// Numbers that no message has.
const UNKNOWN: [u32; 5] = [15, 16, 2047, 100_000, (1 << 29) - 1];

/// Ways to be odd, each of which may be on or off in one message and what is in it.
#[derive(Clone, Copy, Debug)]
struct Odd {
    choices: Choices,
    any_order: bool,
    repeats: bool,
    splits: bool,
    unknown: bool,
    long_numbers: bool,
    wide_numbers: bool,
    defaults: bool,
}

/// A message, encoded in a way that follows from `choices`, in at most so many bytes: if that is too few, as
/// every encoder writes it.
pub fn encode(message: &Message, choices: &mut Choices, most: usize) -> Vec<u8> {
    let mut flag = || choices.one_in(2);
    let mut odd = Odd {
        any_order: flag(),
        repeats: flag(),
        splits: flag(),
        unknown: flag(),
        long_numbers: flag(),
        wide_numbers: flag(),
        defaults: flag(),
        choices: *choices,
    };
    let mut bytes = odd.pieces(message).concat();
    if odd.choices.one_in(64) {
        odd.fill(&mut bytes, most);
    }
    if bytes.len() > most { message.encode() } else { bytes }
}

impl Odd {
    /// What a message is written as; it may be cut between any two of them.
    fn pieces(&mut self, message: &Message) -> Vec<Vec<u8>> {
        let mut lines: Vec<Vec<Vec<u8>>> = Vec::new();
        for field in &message.fields {
            let mut line = Vec::new();
            self.overruled(field, message, &mut line);
            self.field(field, &mut line);
            lines.push(line);
        }
        while self.unknown && lines.len() < 12 && self.choices.one_in(3) {
            let place = self.choices.below(lines.len() as u64 + 1) as usize;
            let unknown = self.unknown_field(2);
            lines.insert(place, vec![unknown]);
        }
        if !self.any_order {
            return lines.concat();
        }
        let mut pieces = Vec::new();
        lines.iter_mut().for_each(|line| line.reverse());
        while !lines.is_empty() {
            let line = self.choices.below(lines.len() as u64) as usize;
            match lines[line].pop() {
                Some(piece) => pieces.push(piece),
                None => drop(lines.swap_remove(line)),
            }
        }
        pieces
    }

    /// What counts for nothing, because something comes after it.
    fn overruled(&mut self, field: &Field, message: &Message, line: &mut Vec<Vec<u8>>) {
        if !self.repeats || !self.choices.one_in(3) {
            return;
        }
        if let Some((number, kind)) = self.choices.pick(message.arms).copied() {
            if number != field.number {
                line.push(self.anything(number, kind));
            }
        } else if field.kind != Kind::Message {
            line.push(self.anything(field.number, field.kind));
        }
    }

    /// A field of a kind, with no matter what in it.
    fn anything(&mut self, number: u32, kind: Kind) -> Vec<u8> {
        let value = match kind {
            Kind::Number32 | Kind::Number64 | Kind::Enumeration { .. } => {
                let bits = 1 << self.choices.below(9);
                Value::Number(self.choices.below(bits))
            }
            Kind::Flag => Value::Number(self.choices.below(2)),
            Kind::Text => Value::Bytes(
                "naïve 🔑".chars().take(self.choices.below(8) as usize).collect::<String>().into_bytes(),
            ),
            Kind::Bytes => Value::Bytes(self.some_bytes()),
            Kind::Message => Value::Message(Message::default()),
        };
        self.written(number, kind, &value)
    }

    fn field(&mut self, field: &Field, line: &mut Vec<Vec<u8>>) {
        let absent = line.is_empty() && !field.always && field.is_default();
        if absent && !(self.defaults && self.choices.one_in(2)) {
            return;
        }
        let Value::Message(message) = &field.value else {
            return line.push(self.written(field.number, field.kind, &field.value));
        };
        let pieces = self.pieces(message);
        let mut parts = vec![pieces.concat()];
        if self.splits && self.choices.one_in(2) {
            let cut = self.choices.below(pieces.len() as u64 + 1) as usize;
            parts = vec![pieces[..cut].concat(), pieces[cut..].concat()];
            if self.choices.one_in(4) {
                parts.push(pieces.concat());
            }
        }
        line.extend(parts.iter().map(|part| self.delimited(field.number, part)));
    }

    fn written(&mut self, number: u32, kind: Kind, value: &Value) -> Vec<u8> {
        match value {
            Value::Number(value) => {
                let mut bytes = self.key(number, VARINT);
                let narrow = matches!(kind, Kind::Number32 | Kind::Enumeration { .. });
                let wide = narrow && self.wide_numbers && self.choices.one_in(3);
                let value = match kind {
                    _ if wide => *value | self.choices.bits() << 32,
                    Kind::Flag if *value > 0 && self.wide_numbers => self.choices.below(200) + 1,
                    _ => *value,
                };
                self.varint(&mut bytes, value, 10);
                bytes
            }
            Value::Bytes(value) => self.delimited(number, value),
            Value::Message(message) => {
                let content = self.pieces(message).concat();
                self.delimited(number, &content)
            }
        }
    }

    fn delimited(&mut self, number: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = self.key(number, DELIMITED);
        self.varint(&mut bytes, content.len() as u64, 5);
        bytes.extend_from_slice(content);
        bytes
    }

    fn key(&mut self, number: u32, wire_type: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.varint(&mut bytes, u64::from(number) << 3 | wire_type, 5);
        bytes
    }

    /// A number in at most so many bytes.
    fn varint(&mut self, bytes: &mut Vec<u8>, value: u64, most: usize) {
        let least = (64 - value.leading_zeros()).max(1).div_ceil(7) as usize;
        let longer = self.long_numbers && least < most && self.choices.one_in(3);
        let more = if longer { 1 + self.choices.below((most - least) as u64) as usize } else { 0 };
        varint_of(bytes, value, least + more);
    }

    /// A field that is skipped. Groups may hold others, `depth` deep, of any number.
    fn unknown_field(&mut self, depth: u32) -> Vec<u8> {
        let number = self.choices.pick(&UNKNOWN).copied().unwrap_or_default();
        let kinds = if depth > 0 { 5 } else { 4 };
        match self.choices.below(kinds) {
            0 => {
                let mut bytes = self.key(number, VARINT);
                let value = self.choices.bits() >> self.choices.below(64);
                self.varint(&mut bytes, value, 10);
                bytes
            }
            1 => {
                let mut bytes = self.key(number, FIXED64);
                bytes.extend(self.choices.bits().to_le_bytes());
                bytes
            }
            2 => {
                let content = self.some_bytes();
                self.delimited(number, &content)
            }
            3 => {
                let mut bytes = self.key(number, FIXED32);
                bytes.extend((self.choices.bits() as u32).to_le_bytes());
                bytes
            }
            _ => {
                let mut bytes = self.key(number, GROUP_BEGINS);
                for _ in 0..self.choices.below(3) {
                    let inner = match self.choices.one_in(2) {
                        true => self.unknown_field(depth - 1),
                        false => self.anything(1, Kind::Text),
                    };
                    bytes.extend(inner);
                }
                bytes.extend(self.key(number, GROUP_ENDS));
                bytes
            }
        }
    }

    fn some_bytes(&mut self) -> Vec<u8> {
        (0..self.choices.below(12)).map(|_| self.choices.bits() as u8).collect()
    }

    /// Adds an unknown field, so that the body is as long as it may be.
    fn fill(&mut self, bytes: &mut Vec<u8>, most: usize) {
        let key = self.key(UNKNOWN[2], DELIMITED);
        if let Some(room) = most.checked_sub(bytes.len() + key.len() + 5) {
            bytes.extend(key);
            varint_of(bytes, room as u64, 5);
            bytes.resize(most, 0);
        }
    }
}

/// A number in so many bytes.
fn varint_of(bytes: &mut Vec<u8>, mut value: u64, length: usize) {
    for _ in 1..length {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
