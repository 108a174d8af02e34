//! A connection: bytes become frames, answers become bytes, and its end is such that they can be read.

pub mod chunks;
mod closing;
mod events;
pub mod frame;
mod groups;
pub mod outgoing;
mod reading;
mod room;
mod state;
mod table;

pub use chunks::Chunks;
pub use frame::{Frame, FrameReader, Progress, Push};
pub(crate) use groups::PeerGroups;
pub use outgoing::Outgoing;
pub(crate) use room::RoomQueue;
pub(crate) use state::Response;
pub(crate) use table::Connections;
