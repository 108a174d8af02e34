//! Bytes received piece by piece, in memory that is wiped and never moved.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::{Buf, Bytes};
use core::fmt;
use core::hash::{Hash, Hasher};
use parsecd_wire::SecretBytes;
use zeroize::Zeroizing;

/// Largest chunk in bytes.
pub const CHUNK_LENGTH: usize = 16 << 10;

/// A part of a frame whose length was announced, held in chunks that are allocated as bytes come.
///
/// A buffer that grows is copied, and its old memory is not wiped. So each chunk gets its final size when
/// it is allocated: [`CHUNK_LENGTH`] or what is left of the announced length. Chunks are wiped when they are
/// dropped, or read to their end through [`Buf`].
pub struct Chunks {
    /// Only the last one may have room left.
    chunks: VecDeque<SecretBytes>,
    /// Bytes of the first chunk that were read through [`Buf`].
    read: usize,
    /// Bytes held and not yet read.
    held: usize,
    /// Bytes announced that did not come yet.
    missing: usize,
}

impl Chunks {
    /// An empty part of which `announced` bytes will come. Allocates nothing.
    pub const fn new(announced: usize) -> Self {
        Chunks { chunks: VecDeque::new(), read: 0, held: 0, missing: announced }
    }

    /// Takes as many of `bytes` as are still missing, and returns how many those were.
    pub fn fill(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while self.missing > 0 && !rest.is_empty() {
            let (taken, later) = rest.split_at(self.room().min(rest.len()));
            assert!(!taken.is_empty(), "a chunk has room while bytes are missing");
            if let Some(chunk) = self.chunks.back_mut() {
                chunk.extend_in_place(taken);
            }
            self.held = self.held.saturating_add(taken.len());
            self.missing = self.missing.saturating_sub(taken.len());
            rest = later;
        }
        bytes.len().saturating_sub(rest.len())
    }

    /// Bytes that the last chunk can take; at least 1 while bytes are missing, for which a chunk may be added.
    fn room(&mut self) -> usize {
        let room = self.chunks.back().map_or(0, |last| last.capacity().saturating_sub(last.len()));
        if room > 0 {
            return room.min(self.missing);
        }
        let size = self.missing.min(CHUNK_LENGTH);
        self.chunks.push_back(SecretBytes::with_capacity(size));
        size
    }

    /// Bytes announced that did not come yet.
    pub const fn missing(&self) -> usize {
        self.missing
    }

    /// Bytes of memory held on the heap, for the memory account.
    pub fn memory(&self) -> u64 {
        let index = self.chunks.capacity().saturating_mul(size_of::<SecretBytes>());
        let bytes = self.chunks.iter().map(SecretBytes::capacity);
        let total = bytes.fold(index, usize::saturating_add);
        u64::try_from(total).unwrap_or(u64::MAX)
    }

    /// The bytes in one piece. Copies only what does not lie in a single unread chunk.
    pub fn into_secret(mut self) -> SecretBytes {
        if self.read == 0
            && self.chunks.len() == 1
            && let Some(only) = self.chunks.pop_front()
        {
            return only;
        }
        SecretBytes::new(self.take_exact(self.held))
    }

    /// The next `length` bytes, in a buffer that never grew. The caller wipes it.
    fn take_exact(&mut self, length: usize) -> Vec<u8> {
        assert!(length <= self.held, "no more is taken than is held");
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let wanted = length.saturating_sub(bytes.len());
            let chunk = self.chunk();
            let part = chunk.get(..wanted).unwrap_or(chunk);
            bytes.extend_from_slice(part);
            let count = part.len();
            self.advance(count);
        }
        bytes
    }
}

/// # Panics
/// [`Buf::advance`] and [`Buf::copy_to_bytes`] panic on more bytes than remain, as their contract says.
impl Buf for Chunks {
    fn remaining(&self) -> usize {
        self.held
    }

    fn chunk(&self) -> &[u8] {
        self.chunks.front().and_then(|first| first.expose().get(self.read..)).unwrap_or_default()
    }

    fn advance(&mut self, count: usize) {
        assert!(count <= self.held, "no more is read than is held");
        self.held = self.held.saturating_sub(count);
        self.read = self.read.saturating_add(count);
        while let Some(first) = self.chunks.front() {
            let filling = self.missing > 0 && first.len() < first.capacity();
            if self.read < first.len() || filling {
                break;
            }
            self.read = self.read.saturating_sub(first.len());
            self.chunks.pop_front();
        }
    }

    /// Unlike the default of the trait, the copy is wiped when its last owner is gone: protobuf decoding
    /// takes every `bytes` field through such a copy.
    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        if length == 0 {
            return Bytes::new();
        }
        Bytes::from_owner(Zeroizing::new(self.take_exact(length)))
    }
}

impl Hash for Chunks {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for chunk in &self.chunks {
            chunk.expose().hash(state);
        }
        (self.read, self.held, self.missing).hash(state);
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunks({} bytes, {} missing)", self.held, self.missing)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use alloc::format;
    use std::hash::DefaultHasher;

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
    }

    fn filled(length: usize, step: usize) -> Chunks {
        let mut chunks = Chunks::new(length);
        for piece in pattern(length).chunks(step) {
            assert_eq!(chunks.fill(piece), piece.len());
        }
        chunks
    }

    #[test]
    fn nothing_is_allocated_before_the_first_byte() {
        let mut chunks = Chunks::new(1 << 30);
        assert_eq!(chunks.memory(), 0);
        assert_eq!(chunks.fill(&[]), 0);
        assert_eq!(chunks.memory(), 0);
    }

    #[test]
    fn memory_follows_what_came_and_not_what_was_announced() {
        let mut chunks = Chunks::new(1 << 30);
        chunks.fill(&[7]);
        assert!(chunks.memory() <= 16384 + 256, "{}", chunks.memory());
        chunks.fill(&pattern(16383));
        assert!(chunks.memory() <= 16384 + 256, "{}", chunks.memory());
        chunks.fill(&[7]);
        assert!(chunks.memory() >= 2 * 16384 && chunks.memory() <= 2 * 16384 + 256);
        let small = filled(10, 3);
        assert!(small.memory() <= 10 + 256, "{}", small.memory());
    }

    #[test]
    fn chunks_keep_their_place_while_they_fill() {
        let mut chunks = Chunks::new(40_000);
        chunks.fill(&[1]);
        let first = chunks.chunks[0].expose().as_ptr();
        for _ in 1..40_000 {
            chunks.fill(&[1]);
        }
        assert_eq!(chunks.chunks[0].expose().as_ptr(), first);
        let sizes: Vec<usize> = chunks.chunks.iter().map(|chunk| chunk.capacity()).collect();
        assert_eq!(sizes, [16384, 16384, 40_000 - 2 * 16384]);
    }

    #[test]
    fn no_more_is_taken_than_was_announced() {
        let mut chunks = Chunks::new(5);
        assert_eq!(chunks.fill(&[1, 2, 3]), 3);
        assert_eq!(chunks.missing(), 2);
        assert_eq!(chunks.fill(&[4, 5, 6, 7]), 2);
        assert_eq!(chunks.fill(&[8]), 0);
        assert_eq!(chunks.into_secret().expose(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn bytes_come_out_as_they_went_in_whatever_the_pieces() {
        for length in [0, 1, 16383, 16384, 16385, 40_000] {
            for step in [1, 7, 16384, 50_000] {
                let expected = pattern(length);
                assert_eq!(filled(length, step).into_secret().expose(), expected);
                let mut read = Vec::new();
                let mut chunks = filled(length, step);
                while chunks.has_remaining() {
                    let part = chunks.chunk().len().min(1000);
                    read.extend_from_slice(&chunks.chunk()[..part]);
                    chunks.advance(part);
                }
                assert_eq!(read, expected);
                assert_eq!(chunks.chunks.len(), 0, "what was read is let go");
            }
        }
    }

    #[test]
    fn a_copy_may_span_chunks() {
        let mut chunks = filled(40_000, 40_000);
        chunks.advance(16_000);
        assert_eq!(chunks.copy_to_bytes(20_000), pattern(40_000)[16_000..36_000]);
        assert_eq!(chunks.copy_to_bytes(0), Bytes::new());
        assert_eq!(chunks.remaining(), 4_000);
        assert_eq!(chunks.into_secret().expose(), &pattern(40_000)[36_000..]);
    }

    #[test]
    fn reading_may_overtake_the_arrival() {
        let mut chunks = Chunks::new(6);
        chunks.fill(&[1, 2]);
        assert_eq!(chunks.get_u16(), 0x0102);
        assert_eq!((chunks.remaining(), chunks.chunk()), (0, [].as_slice()));
        chunks.fill(&[3, 4, 5, 6]);
        assert_eq!(chunks.get_u32(), 0x0304_0506);
        assert_eq!(chunks.chunks.len(), 0);
        let mut chunks = Chunks::new(CHUNK_LENGTH + 1);
        chunks.fill(&pattern(CHUNK_LENGTH));
        chunks.advance(CHUNK_LENGTH);
        chunks.fill(&[9]);
        assert_eq!(chunks.chunk(), [9]);
    }

    #[test]
    #[should_panic(expected = "no more is read than is held")]
    fn reading_past_the_end_is_an_error_of_the_caller() {
        filled(3, 3).advance(4);
    }

    #[test]
    fn debug_shows_lengths_and_nothing_else() {
        let mut chunks = Chunks::new(9);
        chunks.fill(b"canary");
        assert_eq!(format!("{chunks:?}"), "Chunks(6 bytes, 3 missing)");
    }

    #[test]
    fn the_hash_depends_on_the_bytes_and_not_on_the_pieces() {
        let hash = |chunks: Chunks| {
            let mut hasher = DefaultHasher::new();
            chunks.hash(&mut hasher);
            hasher.finish()
        };
        assert_eq!(hash(filled(40_000, 7)), hash(filled(40_000, 40_000)));
        let mut other = Chunks::new(40_000);
        other.fill(&[0; 40_000]);
        assert_ne!(hash(other), hash(filled(40_000, 7)));
    }
}
