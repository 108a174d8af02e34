//! Messages as the specification describes their encoding (wire-protocol.md 3): a tree of fields that knows
//! what is in it, how it is written, and a reader that takes nothing but what an encoder writes.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number of which 32 bits count.
    Number32,
    /// A number of 64 bits.
    Number64,
    /// True or false.
    Flag,
    /// A number that names something.
    Enumeration {
        /// 0 names something, too.
        zero: bool,
        /// The largest number that names something.
        last: u64,
    },
    /// UTF-8.
    Text,
    /// Bytes.
    Bytes,
    /// Another message.
    Message,
}

/// What is in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of all kinds that are numbers.
    Number(u64),
    /// Of texts and bytes.
    Bytes(Vec<u8>),
    /// Of messages.
    Message(Message),
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its number.
    pub number: u32,
    /// What it holds.
    pub kind: Kind,
    /// It is written although it has the default value: messages, and members of a oneof.
    pub always: bool,
    /// What is in it.
    pub value: Value,
}

/// Members of a oneof.
pub type Arms = &'static [(u32, Kind)];

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its fields, in the order of their numbers.
    pub fields: Vec<Field>,
    /// It is a oneof of these.
    pub arms: Arms,
}

impl Field {
    fn new(number: u32, kind: Kind, value: Value) -> Field {
        Field { number, kind, always: false, value }
    }

    /// `u32`
    pub fn number32(number: u32, value: u64) -> Field {
        Field::new(number, Kind::Number32, Value::Number(value))
    }

    /// `u64`
    pub fn number64(number: u32, value: u64) -> Field {
        Field::new(number, Kind::Number64, Value::Number(value))
    }

    /// `bool`
    pub fn flag(number: u32, value: bool) -> Field {
        Field::new(number, Kind::Flag, Value::Number(value.into()))
    }

    /// An enumeration of which 0 names nothing.
    pub fn enumeration(number: u32, value: u64, last: u64) -> Field {
        Field::new(number, Kind::Enumeration { zero: false, last }, Value::Number(value))
    }

    /// `string`
    pub fn text(number: u32, value: &str) -> Field {
        Field::new(number, Kind::Text, Value::Bytes(value.as_bytes().to_vec()))
    }

    /// `bytes`
    pub fn bytes(number: u32, value: &[u8]) -> Field {
        Field::new(number, Kind::Bytes, Value::Bytes(value.to_vec()))
    }

    /// A message that is there, with whatever is in it.
    pub fn message(number: u32, value: Message) -> Field {
        Field { always: true, ..Field::new(number, Kind::Message, Value::Message(value)) }
    }

    /// As a member of a oneof.
    pub fn chosen(self) -> Field {
        Field { always: true, ..self }
    }

    /// Whether it has the value that its absence means.
    pub fn is_default(&self) -> bool {
        match &self.value {
            Value::Number(value) => *value == 0,
            Value::Bytes(bytes) => bytes.is_empty(),
            Value::Message(_) => false,
        }
    }
}

impl Message {
    /// A message with these fields.
    pub fn new(fields: Vec<Field>) -> Message {
        Message { fields, arms: &[] }
    }

    /// A oneof with this member.
    pub fn one_of(field: Field, arms: Arms) -> Message {
        Message { fields: vec![field.chosen()], arms }
    }

    /// The message in a field.
    pub fn inner(&mut self, number: u32) -> Option<&mut Message> {
        let field = self.fields.iter_mut().find(|field| field.number == number)?;
        match &mut field.value {
            Value::Message(message) => Some(message),
            _ => None,
        }
    }

    /// As every encoder writes it: fields in order, nothing that has its default value.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in self.fields.iter().filter(|field| field.always || !field.is_default()) {
            match &field.value {
                Value::Number(value) => {
                    write_key(&mut bytes, field.number, VARINT);
                    write_varint(&mut bytes, *value);
                }
                Value::Bytes(value) => write_delimited(&mut bytes, field.number, value),
                Value::Message(message) => write_delimited(&mut bytes, field.number, &message.encode()),
            }
        }
        bytes
    }
}

/// Wire type of numbers.
pub const VARINT: u64 = 0;
/// Wire type of eight bytes.
pub const FIXED64: u64 = 1;
/// Wire type of what has a length.
pub const DELIMITED: u64 = 2;
/// Wire type of the begin of a group.
pub const GROUP_BEGINS: u64 = 3;
/// Wire type of the end of a group.
pub const GROUP_ENDS: u64 = 4;
/// Wire type of four bytes.
pub const FIXED32: u64 = 5;

/// Writes a number in as few bytes as possible.
pub fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Writes what stands before a value.
pub fn write_key(bytes: &mut Vec<u8>, number: u32, wire_type: u64) {
    write_varint(bytes, u64::from(number) << 3 | wire_type);
}

fn write_delimited(bytes: &mut Vec<u8>, number: u32, value: &[u8]) {
    write_key(bytes, number, DELIMITED);
    write_varint(bytes, value.len() as u64);
    bytes.extend_from_slice(value);
}

/// Reads what an encoder wrote: fields in order, numbers in as few bytes as possible, nothing that is 0 or
/// empty but members of a oneof. What is not asked for in its turn is left, and found by [`Reader::end`].
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

/// What is wrong with what was read.
pub type Wrong = &'static str;

impl<'a> Reader<'a> {
    /// Reads `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    fn varint(&mut self) -> Result<u64, Wrong> {
        let mut value = 0_u64;
        for (index, byte) in self.rest.iter().copied().enumerate().take(10) {
            let bits = u64::from(byte & 0x7F);
            value |= bits.checked_shl(7 * index as u32).unwrap_or_default();
            if byte < 0x80 {
                if index > 0 && byte == 0 {
                    return Err("a number longer than it has to be");
                }
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err("a number without end")
    }

    /// Whether the next field is `number` of this wire type.
    fn is_next(&mut self, number: u32, wire_type: u64) -> Result<bool, Wrong> {
        let mut ahead = *self;
        if self.rest.is_empty() || ahead.varint()? != u64::from(number) << 3 | wire_type {
            return Ok(false);
        }
        *self = ahead;
        Ok(true)
    }

    /// A member of a oneof that is a number, if it is the one.
    pub fn chosen_number(&mut self, number: u32) -> Result<Option<u64>, Wrong> {
        match self.is_next(number, VARINT)? {
            true => self.varint().map(Some),
            false => Ok(None),
        }
    }

    /// A number; 0 where it is absent.
    pub fn number(&mut self, number: u32) -> Result<u64, Wrong> {
        match self.chosen_number(number)? {
            Some(0) => Err("a 0 that is written"),
            value => Ok(value.unwrap_or_default()),
        }
    }

    /// `u32`
    pub fn number32(&mut self, number: u32) -> Result<u32, Wrong> {
        u32::try_from(self.number(number)?).map_err(|_| "a number of more than 32 bits")
    }

    /// `bool`
    pub fn flag(&mut self, number: u32) -> Result<bool, Wrong> {
        match self.number(number)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err("a truth value that is neither"),
        }
    }

    /// What has a length, if it is there: a message, or the next of repeated messages or texts.
    pub fn delimited(&mut self, number: u32) -> Result<Option<&'a [u8]>, Wrong> {
        if !self.is_next(number, DELIMITED)? {
            return Ok(None);
        }
        let length = usize::try_from(self.varint()?).map_err(|_| "a length out of reach")?;
        let (value, rest) = self.rest.split_at_checked(length).ok_or("a length past the end")?;
        self.rest = rest;
        Ok(Some(value))
    }

    /// `bytes`; empty where they are absent.
    pub fn bytes(&mut self, number: u32) -> Result<&'a [u8], Wrong> {
        match self.delimited(number)? {
            Some([]) => Err("nothing that is written"),
            value => Ok(value.unwrap_or_default()),
        }
    }

    /// `string`
    pub fn text(&mut self, number: u32) -> Result<&'a str, Wrong> {
        std::str::from_utf8(self.bytes(number)?).map_err(|_| "a text that is not UTF-8")
    }

    /// A message, if it is there.
    pub fn message(&mut self, number: u32) -> Result<Option<Reader<'a>>, Wrong> {
        Ok(self.delimited(number)?.map(Reader::new))
    }

    /// Repeated numbers, which are written packed.
    pub fn packed(&mut self, number: u32) -> Result<Vec<u64>, Wrong> {
        let mut inner = Reader::new(self.bytes(number)?);
        let mut values = Vec::new();
        while !inner.rest.is_empty() {
            values.push(inner.varint()?);
        }
        Ok(values)
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<(), Wrong> {
        if self.rest.is_empty() { Ok(()) } else { Err("a field that the specification does not have") }
    }
}
