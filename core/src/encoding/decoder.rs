//! Reading values from bytes that may be anything.

use alloc::string::String;
use alloc::vec::Vec;
use parsecd_wire::SecretBytes;

/// Why bytes are not the encoding of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the value does.
    #[error("encoding ends early")]
    EndsEarly,
    /// Bytes are left after the value.
    #[error("{0} bytes after the end of the value")]
    Trailing(usize),
    /// A number that means nothing at its place.
    #[error("{number} is no {of}")]
    UnknownNumber {
        /// What it should have been.
        of: &'static str,
        /// The number.
        number: u32,
    },
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// Elements of a set that do not ascend.
    #[error("elements of a set do not ascend")]
    NotAscending,
}

/// Gives the parts of a value one after the other. Never reads or allocates beyond the bytes it was given.
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Starts at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Decoder { rest: bytes }
    }

    /// Fails if anything is left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            length => Err(DecodeError::Trailing(length)),
        }
    }

    /// `length` bytes.
    pub fn fixed(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::EndsEarly)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(DecodeError::EndsEarly)?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_le_bytes)
    }

    /// 0 or 1.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(unknown("truth value", other)),
        }
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Bytes with their number in front.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.u32()?;
        self.fixed(usize::try_from(length).map_err(|_| DecodeError::EndsEarly)?)
    }

    /// Bytes with their number in front, copied.
    pub fn vec(&mut self) -> Result<Vec<u8>, DecodeError> {
        self.bytes().map(Vec::from)
    }

    /// Secret bytes with their number in front, copied.
    pub fn secret(&mut self) -> Result<SecretBytes, DecodeError> {
        self.bytes().map(SecretBytes::from)
    }

    /// Text with its number of bytes in front, copied.
    pub fn text(&mut self) -> Result<String, DecodeError> {
        core::str::from_utf8(self.bytes()?).map(String::from).map_err(|_| DecodeError::NotUtf8)
    }

    /// A list with its number of elements in front. Nothing is reserved for elements that are only announced.
    pub fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut list = Vec::new();
        for _ in 0..self.u32()? {
            list.push(element(self)?);
        }
        Ok(list)
    }
}

/// An enum's number that means nothing.
pub(super) fn unknown(of: &'static str, number: impl Into<u32>) -> DecodeError {
    DecodeError::UnknownNumber { of, number: number.into() }
}

/// Decodes a whole value with `read`.
pub(super) fn decode<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut Decoder<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let value = read(&mut decoder)?;
    decoder.finish()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_bytes_is_an_early_end() {
        assert_eq!(Decoder::new(&[255, 255, 255, 255, 1]).bytes(), Err(DecodeError::EndsEarly));
        assert_eq!(Decoder::new(&[255, 255, 255]).bytes(), Err(DecodeError::EndsEarly));
        assert_eq!(
            Decoder::new(&[255, 255, 255, 255, 1]).list(|element| element.u16()),
            Err(DecodeError::EndsEarly)
        );
    }

    #[test]
    fn bytes_after_the_value_are_an_error() {
        assert_eq!(decode(&[1, 0, 9], |input| input.u16()), Err(DecodeError::Trailing(1)));
        assert_eq!(decode(&[1, 0], |input| input.u16()), Ok(1));
    }

    #[test]
    fn a_truth_value_has_one_encoding() {
        assert_eq!(decode(&[2], |input| input.bool()), Err(unknown("truth value", 2_u8)));
    }

    #[test]
    fn text_has_to_be_utf8() {
        assert_eq!(decode(&[1, 0, 0, 0, 0xff], |input| input.text()), Err(DecodeError::NotUtf8));
    }
}
