//! Bytes of a request become a frame: steps 1 to 8 of the pipeline (wire-protocol.md 4).

use super::chunks::Chunks;
use core::fmt;
use parsecd_wire::header::{self, HEADER_LENGTH, HEADER_PREFIX_LENGTH};
use parsecd_wire::{RawHeader, SecretBytes, Status};

/// Bytes of the magic number.
const MAGIC_LENGTH: usize = 4;

/// A complete request whose header passed steps 1 to 6.
#[derive(Debug, Hash)]
pub struct Frame {
    /// Not yet converted (step 9).
    pub header: RawHeader,
    /// As many bytes as the header says.
    pub body: Chunks,
    /// As many bytes as the header says.
    pub authentication: SecretBytes,
}

/// What became of the bytes given to [`FrameReader::push`].
#[derive(Debug, Hash)]
pub struct Push {
    /// How many of the bytes belong to this frame: all of them while it is incomplete; else those up to its
    /// end, or up to the one that failed a check.
    pub consumed: usize,
    /// Where the frame stands.
    pub progress: Progress,
}

/// Where a frame stands.
#[derive(Debug, Hash)]
pub enum Progress {
    /// More bytes are needed.
    Incomplete,
    /// It is whole. The reader is used up.
    Complete(Frame),
    /// It is refused with this status, and where it would end cannot be told. The reader is used up.
    Failed(Status),
}

/// Reads one frame from any split of its bytes. The result and the number of consumed bytes never depend on
/// the split.
#[derive(Hash)]
pub struct FrameReader {
    body_length_limit: u32,
    stage: Stage,
}

/// What the next byte belongs to.
#[derive(Hash)]
enum Stage {
    /// The header, however long it says it is; what exceeds a header is counted and dropped.
    Header { bytes: [u8; HEADER_LENGTH], seen: usize },
    /// Body, then authentication.
    Payload { header: RawHeader, body: Chunks, authentication: Chunks },
    /// Nothing: the frame was handed over or refused.
    Ended,
}

impl FrameReader {
    /// A reader that refuses bodies longer than `body_length_limit` bytes. Allocates nothing.
    pub const fn new(body_length_limit: u32) -> Self {
        FrameReader { body_length_limit, stage: Stage::Header { bytes: [0; HEADER_LENGTH], seen: 0 } }
    }

    /// Takes the next bytes of the stream.
    ///
    /// # Panics
    /// If this reader has already returned [`Progress::Complete`] or [`Progress::Failed`].
    pub fn push(&mut self, bytes: &[u8]) -> Push {
        let mut rest = bytes;
        let progress = match self.advance(&mut rest) {
            Ok(None) => Progress::Incomplete,
            Ok(Some(frame)) => Progress::Complete(frame),
            Err(status) => Progress::Failed(status),
        };
        if matches!(progress, Progress::Incomplete) {
            assert!(rest.is_empty(), "an incomplete frame takes all bytes");
        } else {
            self.stage = Stage::Ended;
        }
        Push { consumed: bytes.len().saturating_sub(rest.len()), progress }
    }

    /// Moves bytes from the front of `rest` to where they belong; `None` when they are used up too early.
    fn advance(&mut self, rest: &mut &[u8]) -> Result<Option<Frame>, Status> {
        assert!(!matches!(self.stage, Stage::Ended), "a reader reads one frame");
        if let Stage::Header { bytes, seen } = &mut self.stage {
            let Some(header) = read_header(bytes, seen, rest)? else { return Ok(None) };
            if header.body_length > self.body_length_limit {
                return Err(Status::BodySizeExceedsLimit);
            }
            let body = usize::try_from(header.body_length).map_err(|_| Status::BodySizeExceedsLimit)?;
            self.stage = Stage::Payload {
                header,
                body: Chunks::new(body),
                authentication: Chunks::new(header.authentication_length.into()),
            };
        }
        if let Stage::Payload { body, authentication, .. } = &mut self.stage {
            for part in [body, authentication] {
                take(rest, part.fill(rest));
                if part.missing() > 0 {
                    return Ok(None);
                }
            }
        }
        match core::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Payload { header, body, authentication } => {
                Ok(Some(Frame { header, body, authentication: authentication.into_secret() }))
            }
            Stage::Header { .. } | Stage::Ended => Ok(None),
        }
    }

    /// Whether no byte of the frame has come.
    pub const fn is_empty(&self) -> bool {
        matches!(self.stage, Stage::Header { seen: 0, .. })
    }

    /// Bytes of body and authentication together, once the header has passed its checks.
    pub fn announced(&self) -> Option<u64> {
        match &self.stage {
            Stage::Payload { header, .. } => {
                Some(u64::from(header.body_length).saturating_add(header.authentication_length.into()))
            }
            Stage::Header { .. } | Stage::Ended => None,
        }
    }

    /// Bytes that are certainly still needed before the next check can be made, or the frame is complete.
    pub fn wanted(&self) -> u64 {
        let wanted = match &self.stage {
            Stage::Header { bytes, seen } => check_point(bytes, *seen).saturating_sub(*seen),
            Stage::Payload { body, authentication, .. } => {
                body.missing().saturating_add(authentication.missing())
            }
            Stage::Ended => 0,
        };
        u64::try_from(wanted).unwrap_or(u64::MAX)
    }

    /// Bytes of memory held on the heap, for the memory account. Follows what came, not what was announced.
    pub fn memory(&self) -> u64 {
        match &self.stage {
            Stage::Payload { body, authentication, .. } => {
                body.memory().saturating_add(authentication.memory())
            }
            Stage::Header { .. } | Stage::Ended => 0,
        }
    }
}

impl fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Stage::Header { seen, .. } => write!(f, "FrameReader(header, {seen} bytes)"),
            Stage::Payload { body, authentication, .. } => {
                write!(f, "FrameReader(body: {body:?}, authentication: {authentication:?})")
            }
            Stage::Ended => f.write_str("FrameReader(ended)"),
        }
    }
}

/// Steps 1 to 5. `bytes` are the first ones of the header, `seen` is how many of the frame have come.
fn read_header(
    bytes: &mut [u8; HEADER_LENGTH],
    seen: &mut usize,
    rest: &mut &[u8],
) -> Result<Option<RawHeader>, Status> {
    if *seen == 0
        && let Some(whole) = rest.first_chunk::<HEADER_LENGTH>()
        && let header = RawHeader::from_bytes(whole)
        && check(&header).is_ok()
    {
        take(rest, HEADER_LENGTH);
        return Ok(Some(header));
    }
    // In pieces, or wrong: how much of it is taken depends on where the first wrong byte is.
    loop {
        let next = check_point(bytes, *seen);
        let taken = take(rest, next.saturating_sub(*seen));
        for (byte, value) in bytes.iter_mut().skip(*seen).zip(taken) {
            *byte = *value;
        }
        *seen = seen.saturating_add(taken.len());
        if *seen < next {
            return Ok(None);
        }
        let header = RawHeader::from_bytes(bytes);
        if *seen == MAGIC_LENGTH {
            header::check_magic(header.magic)?;
        }
        if *seen >= HEADER_PREFIX_LENGTH && *seen == frame_start(bytes) {
            return check(&header).map(|()| Some(header));
        }
    }
}

/// Steps 1 to 5, in their order.
fn check(header: &RawHeader) -> Result<(), Status> {
    header::check_magic(header.magic)?;
    header::check_size(header.header_size)?;
    header.check_version()?;
    header.check_reserved()
}

/// How many bytes of the frame must have come for the next check.
fn check_point(bytes: &[u8; HEADER_LENGTH], seen: usize) -> usize {
    if seen < MAGIC_LENGTH {
        MAGIC_LENGTH
    } else if seen < HEADER_PREFIX_LENGTH {
        HEADER_PREFIX_LENGTH
    } else {
        frame_start(bytes)
    }
}

/// Where the header ends by its own account, right or wrong. Only meaningful once its size field has come.
fn frame_start(bytes: &[u8; HEADER_LENGTH]) -> usize {
    HEADER_PREFIX_LENGTH.saturating_add(RawHeader::from_bytes(bytes).header_size.into())
}

/// Takes up to `most` bytes off the front of `rest`.
fn take<'a>(rest: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, later) = rest.split_at(most.min(rest.len()));
    *rest = later;
    taken
}
