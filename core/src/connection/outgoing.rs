//! Answers that were not yet handed to the kernel.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use parsecd_wire::header::HEADER_LENGTH;
use parsecd_wire::{ResponseHeader, SecretBytes};

/// Bodies up to this many bytes are copied behind their header, so that one write sends both.
const JOINED_LENGTH: usize = 16 << 10;

/// Bytes to be sent on one connection, in order. Wiped as soon as they are sent, and on drop.
#[derive(Default, Hash)]
pub struct Outgoing {
    /// None is empty.
    parts: VecDeque<SecretBytes>,
    /// Bytes of the first part that were sent.
    sent: usize,
    /// Bytes of all parts that are still to be sent.
    left: usize,
}

impl Outgoing {
    /// Nothing to send. Allocates nothing.
    pub const fn new() -> Self {
        Outgoing { parts: VecDeque::new(), sent: 0, left: 0 }
    }

    /// Appends an answer.
    ///
    /// # Panics
    /// Unless `header.body_length` is the length of `body`.
    pub fn push(&mut self, header: &ResponseHeader, body: SecretBytes) {
        assert!(usize::try_from(header.body_length) == Ok(body.len()), "the header tells the body's length");
        let joined = if body.len() <= JOINED_LENGTH { body.expose() } else { &[] };
        let mut part = Vec::with_capacity(HEADER_LENGTH.saturating_add(joined.len()));
        part.extend_from_slice(&header.to_bytes());
        part.extend_from_slice(joined);
        self.left = self.left.saturating_add(HEADER_LENGTH).saturating_add(body.len());
        self.parts.push_back(SecretBytes::new(part));
        if body.len() > JOINED_LENGTH {
            self.parts.push_back(body);
        }
    }

    /// The bytes to send next; empty only if nothing is left.
    pub fn as_slice(&self) -> &[u8] {
        self.parts.front().and_then(|part| part.expose().get(self.sent..)).unwrap_or_default()
    }

    /// All bytes to send, in the pieces they lie in; none is empty.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let later = self.parts.iter().skip(1).map(SecretBytes::expose);
        core::iter::once(self.as_slice()).filter(|first| !first.is_empty()).chain(later)
    }

    /// Takes the first `count` bytes of [`Outgoing::pieces`] off.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn sent(&mut self, count: usize) {
        assert!(count <= self.left, "no more is sent than there was");
        self.left = self.left.saturating_sub(count);
        self.sent = self.sent.saturating_add(count);
        while let Some(length) = self.parts.front().map(SecretBytes::len)
            && self.sent >= length
        {
            self.sent = self.sent.saturating_sub(length);
            self.parts.pop_front();
        }
    }

    /// Gives everything up that is not sent.
    pub fn clear(&mut self) {
        self.parts.clear();
        self.sent = 0;
        self.left = 0;
    }

    /// Whether everything is sent.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Bytes still to be sent.
    pub fn len(&self) -> u64 {
        u64::try_from(self.left).unwrap_or(u64::MAX)
    }

    /// Bytes of memory held on the heap, for the memory account.
    pub fn memory(&self) -> u64 {
        let index = self.parts.capacity().saturating_mul(size_of::<SecretBytes>());
        let total = self.parts.iter().map(SecretBytes::capacity).fold(index, usize::saturating_add);
        u64::try_from(total).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use parsecd_wire::{Opcode, ProviderId, Status};

    fn header(body_length: u32) -> ResponseHeader {
        ResponseHeader {
            flags: 0,
            provider: ProviderId::Core,
            session: 0,
            opcode: Opcode::Ping,
            status: Status::Success,
            body_length,
        }
    }

    fn answer(length: u32) -> (Outgoing, Vec<u8>) {
        let body: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mut expected = header(length).to_bytes().to_vec();
        expected.extend_from_slice(&body);
        let mut outgoing = Outgoing::new();
        outgoing.push(&header(length), SecretBytes::new(body));
        (outgoing, expected)
    }

    #[test]
    fn bytes_leave_in_order_whatever_the_writes() {
        for length in [0, 2, 16384, 16385, 50_000] {
            for write in [1, 35, 36, 37, 100_000] {
                let (mut outgoing, mut expected) = answer(length);
                outgoing.push(&header(0), SecretBytes::default());
                expected.extend_from_slice(&header(0).to_bytes());
                let mut written = Vec::new();
                while !outgoing.is_empty() {
                    let part = outgoing.as_slice();
                    assert!(!part.is_empty(), "there is something to write until all is sent");
                    let count = part.len().min(write);
                    written.extend_from_slice(&part[..count]);
                    outgoing.sent(count);
                    assert_eq!(outgoing.len(), u64::try_from(expected.len() - written.len()).unwrap());
                }
                assert_eq!(written, expected);
                assert!(outgoing.as_slice().is_empty());
            }
        }
    }

    #[test]
    fn a_write_may_take_several_answers() {
        let (mut outgoing, mut expected) = answer(50_000);
        outgoing.push(&header(0), SecretBytes::default());
        expected.extend_from_slice(&header(0).to_bytes());
        outgoing.sent(20);
        let pieces: Vec<&[u8]> = outgoing.pieces().collect();
        assert_eq!(pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>(), [16, 50_000, 36]);
        assert_eq!(pieces.concat(), expected[20..]);
        outgoing.sent(16 + 50_000 + 1);
        assert_eq!(outgoing.as_slice(), &expected[expected.len() - 35..]);
        outgoing.sent(35);
        assert!(outgoing.is_empty() && outgoing.pieces().next().is_none());
    }

    #[test]
    fn a_small_answer_is_one_write() {
        let (outgoing, expected) = answer(16384);
        assert_eq!(outgoing.as_slice(), expected);
    }

    #[test]
    fn memory_is_given_back_as_answers_are_sent() {
        assert_eq!(Outgoing::new().memory(), 0);
        let (mut outgoing, expected) = answer(1000);
        let index = outgoing.memory() - 1036;
        assert!(index <= 256, "{index}");
        outgoing.sent(500);
        assert_eq!(outgoing.memory(), 1036 + index);
        outgoing.sent(expected.len() - 500);
        assert_eq!(outgoing.memory(), index);
    }

    #[test]
    #[should_panic(expected = "no more is sent than there was")]
    fn sending_more_than_there_was_is_an_error_of_the_caller() {
        let (mut outgoing, _) = answer(2);
        outgoing.sent(39);
    }

    #[test]
    #[should_panic(expected = "the header tells the body's length")]
    fn a_header_with_another_length_is_an_error_of_the_caller() {
        Outgoing::new().push(&header(1), SecretBytes::default());
    }

    #[test]
    fn debug_shows_the_length_and_nothing_else() {
        let (mut outgoing, _) = answer(2);
        outgoing.sent(8);
        assert_eq!(format!("{outgoing:?}"), "Outgoing(30 bytes)");
    }
}
