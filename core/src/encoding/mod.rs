//! Binary encoding of what leaves the daemon's memory: jobs, outcomes, the messages of the host link, and
//! the parts that records share with them.
//!
//! Integers are little-endian. Text, byte strings and lists carry their length or number of elements as a
//! u32 in front. Enums are a u8. There is exactly one encoding of each value: a decoder refuses everything
//! else, bytes after the value included, so two equal values have equal bytes and can be authenticated as
//! such. Numbers of the enums are part of formats that are stored: they are never changed or given to
//! another meaning.
//!
//! Secrets are encoded into a buffer of exactly the right size that is wiped when it is dropped.

mod algorithm;
mod attributes;
mod capabilities;
mod decoder;
mod encoder;
mod frame;
mod host_link;
mod job;
mod outcome;

pub use attributes::{decode_attributes, encode_attributes};
pub use capabilities::{decode_capabilities, encode_capabilities};
pub use decoder::{DecodeError, Decoder};
pub use encoder::{Encoder, TooLong, encode};
pub use frame::{FRAME_MAX, FrameSplitter, FrameTooLarge};
pub use host_link::{HostRequest, HostResponse};
pub use job::{decode_job, encode_job};
pub use outcome::{decode_outcome, encode_outcome};
