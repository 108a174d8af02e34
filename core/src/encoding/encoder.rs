//! Writing values into a buffer of exactly the right size.

use alloc::vec::Vec;
use parsecd_wire::SecretBytes;

/// A part of the value is longer than its length field can say, or the value longer than memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("value too long to be encoded")]
pub struct TooLong;

/// Takes the parts of a value one after the other.
pub struct Encoder {
    length: Option<usize>,
    /// Absent while the length is being counted.
    buffer: Option<Vec<u8>>,
}

/// Encodes what `write` writes.
///
/// `write` runs twice, once to count and once to write, and has to write the same both times: so the buffer
/// never grows, and no secret is left behind in one that was too small.
pub fn encode(write: impl Fn(&mut Encoder)) -> Result<SecretBytes, TooLong> {
    let length = encoded_length(&write)?;
    let mut writing = Encoder { length: Some(0), buffer: Some(Vec::with_capacity(length)) };
    write(&mut writing);
    let encoded = SecretBytes::new(writing.buffer.unwrap_or_default());
    assert!(writing.length == Some(length) && encoded.len() == length, "wrote another value than it counted");
    Ok(encoded)
}

/// Number of bytes that `write` writes.
pub(super) fn encoded_length(write: impl Fn(&mut Encoder)) -> Result<usize, TooLong> {
    let mut counting = Encoder { length: Some(0), buffer: None };
    write(&mut counting);
    counting.length.ok_or(TooLong)
}

impl Encoder {
    fn put(&mut self, bytes: &[u8]) {
        self.length = self.length.and_then(|length| length.checked_add(bytes.len()));
        if let Some(buffer) = &mut self.buffer {
            assert!(
                buffer.capacity().saturating_sub(buffer.len()) >= bytes.len(),
                "wrote another value than it counted"
            );
            buffer.extend_from_slice(bytes);
        }
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    /// 0 or 1.
    pub fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    /// Bytes whose number the reader knows.
    pub fn fixed(&mut self, bytes: &[u8]) {
        self.put(bytes);
    }

    /// Number of elements that follow.
    pub fn count(&mut self, elements: usize) {
        match u32::try_from(elements) {
            Ok(count) => self.u32(count),
            Err(_) => self.length = None,
        }
    }

    /// Bytes with their number in front.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.put(bytes);
    }

    /// Text with its number of bytes in front.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_little_endian_and_lengths_stand_in_front() {
        let encoded = encode(|out| {
            out.u8(1);
            out.u16(0x0302);
            out.bool(true);
            out.u32(4);
            out.u64(5);
            out.fixed(&[6]);
            out.text("ab");
        })
        .unwrap();
        assert_eq!(
            encoded.expose(),
            [1, 2, 3, 1, 4, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6, 2, 0, 0, 0, b'a', b'b']
        );
        assert_eq!(encoded.capacity(), encoded.len(), "the buffer has exactly the right size");
    }

    #[test]
    fn a_count_beyond_its_field_is_an_error() {
        assert_eq!(encode(|out| out.count(1 << 32)), Err(TooLong));
    }
}
