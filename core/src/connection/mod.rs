//! What belongs to one connection: bytes that become frames, answers that become bytes.

pub mod chunks;
pub mod frame;
pub mod outgoing;

pub use chunks::Chunks;
pub use frame::{Frame, FrameReader, Progress, Push};
pub use outgoing::Outgoing;
