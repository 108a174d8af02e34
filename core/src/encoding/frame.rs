//! Frames of the host link: a u32 length, then as many bytes.

use super::encoder::{Encoder, TooLong, encode, encoded_length};
use alloc::vec::Vec;
use core::mem;
use parsecd_wire::SecretBytes;
use zeroize::Zeroize;

/// Longest frame without its length field, in bytes: any job or outcome fits that fits into the memory set
/// aside for requests.
pub const FRAME_MAX: u32 = 256 << 20;

/// Most room that a frame is given before its bytes come.
const FIRST_ROOM: usize = 4096;

/// A frame longer than [`FRAME_MAX`] was announced. Nothing can be read after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("frame of {0} bytes announced, at most {FRAME_MAX} are accepted")]
pub struct FrameTooLarge(pub u32);

/// What `write` writes, as one frame.
pub(super) fn encode_frame(write: impl Fn(&mut Encoder)) -> Result<SecretBytes, TooLong> {
    let length = u32::try_from(encoded_length(&write)?).map_err(|_| TooLong)?;
    if length > FRAME_MAX {
        return Err(TooLong);
    }
    encode(|out| {
        out.u32(length);
        write(out);
    })
}

/// Cuts a stream of bytes into frames, however the bytes are split.
///
/// A frame grows as its bytes come, so a length that is only announced costs nothing, and the buffers it
/// grew out of are wiped.
#[derive(Default)]
pub struct FrameSplitter {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Between,
    Length {
        bytes: [u8; 4],
        have: usize,
    },
    Body {
        length: usize,
        body: Body,
    },
}

/// Wiped when it is dropped, and when it grows.
#[derive(Default)]
struct Body(Vec<u8>);

impl FrameSplitter {
    /// A splitter at the start of a stream.
    pub fn new() -> Self {
        FrameSplitter::default()
    }

    /// Takes bytes off the front of `bytes` until a frame is complete, and returns it without its length.
    ///
    /// `None`: all of `bytes` was taken and more are needed. The caller wipes the buffer that `bytes` points
    /// into.
    pub fn next_frame(&mut self, bytes: &mut &[u8]) -> Result<Option<SecretBytes>, FrameTooLarge> {
        loop {
            self.state = match mem::take(&mut self.state) {
                State::Between if bytes.is_empty() => return Ok(None),
                State::Between => State::Length { bytes: [0; 4], have: 0 },
                State::Length { bytes: length, have: 4 } => {
                    let length = u32::from_le_bytes(length);
                    match usize::try_from(length) {
                        Ok(usable) if length <= FRAME_MAX => {
                            State::Body { length: usable, body: Body::default() }
                        }
                        _ => return Err(FrameTooLarge(length)),
                    }
                }
                State::Length { bytes: mut length, have } => {
                    let Some((byte, rest)) = bytes.split_first() else {
                        self.state = State::Length { bytes: length, have };
                        return Ok(None);
                    };
                    if let Some(place) = length.get_mut(have) {
                        *place = *byte;
                    }
                    *bytes = rest;
                    State::Length { bytes: length, have: have.saturating_add(1) }
                }
                State::Body { length, mut body } => {
                    let missing = length.saturating_sub(body.0.len());
                    let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
                    body.push(taken, length);
                    *bytes = rest;
                    if body.0.len() == length {
                        return Ok(Some(SecretBytes::new(mem::take(&mut body.0))));
                    }
                    self.state = State::Body { length, body };
                    return Ok(None);
                }
            };
        }
    }

    /// Whether the stream may end here: no frame has begun.
    pub fn is_between_frames(&self) -> bool {
        matches!(self.state, State::Between)
    }

    /// Bytes of memory held, for the memory account.
    pub fn capacity(&self) -> usize {
        match &self.state {
            State::Between | State::Length { .. } => 0,
            State::Body { body, .. } => body.0.capacity(),
        }
    }
}

impl Body {
    /// Adds bytes to a body that is to be `length` bytes long.
    fn push(&mut self, bytes: &[u8], length: usize) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() || self.0.capacity() == 0 {
            let room = needed.max(self.0.capacity().saturating_mul(2)).max(FIRST_ROOM).min(length);
            let mut grown = Vec::with_capacity(room);
            grown.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = grown;
        }
        self.0.extend_from_slice(bytes);
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames_of(stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let mut splitter = FrameSplitter::new();
        let mut frames = Vec::new();
        for mut bytes in stream.chunks(piece) {
            while let Some(frame) = splitter.next_frame(&mut bytes).unwrap() {
                frames.push(frame.expose().to_vec());
            }
            assert!(bytes.is_empty());
        }
        assert!(splitter.is_between_frames());
        frames
    }

    #[test]
    fn every_split_gives_the_same_frames() {
        let bodies = [
            Vec::new(),
            Vec::from([1]),
            Vec::from([2; 300]),
            Vec::new(),
            Vec::from([3; 10_000]),
            Vec::from([4]),
        ];
        let stream: Vec<u8> = bodies
            .iter()
            .flat_map(|body| encode_frame(|out| out.fixed(body)).unwrap().expose().to_vec())
            .collect();
        for piece in (1..20).chain([299, 4096, 4097, stream.len()]) {
            assert_eq!(frames_of(&stream, piece), bodies, "pieces of {piece}");
        }
    }

    #[test]
    fn an_announced_length_costs_no_memory_and_above_the_maximum_is_refused() {
        let mut splitter = FrameSplitter::new();
        assert_eq!(splitter.next_frame(&mut FRAME_MAX.to_le_bytes().as_slice()), Ok(None));
        assert!(splitter.capacity() <= FIRST_ROOM);
        assert_eq!(splitter.next_frame(&mut [0; 10_000].as_slice()), Ok(None));
        assert!(splitter.capacity() <= 20_000);
        assert!(!splitter.is_between_frames());

        let above = FRAME_MAX + 1;
        assert_eq!(
            FrameSplitter::new().next_frame(&mut above.to_le_bytes().as_slice()),
            Err(FrameTooLarge(above))
        );
    }

    #[test]
    fn a_frame_has_no_room_to_spare() {
        let mut splitter = FrameSplitter::new();
        let stream = encode_frame(|out| out.fixed(&[5; 5000])).unwrap();
        let frame = splitter.next_frame(&mut stream.expose()).unwrap().unwrap();
        assert_eq!((frame.len(), frame.capacity()), (5000, 5000));
    }

    #[test]
    fn a_value_beyond_the_maximum_is_not_encoded() {
        let long = alloc::vec![0; 1 << 20];
        let write = |out: &mut Encoder| (0..257).for_each(|_| out.fixed(&long));
        assert_eq!(encode_frame(write), Err(TooLong));
    }
}
