//! Who gets a lane next.

pub(crate) mod jobs;
pub(crate) mod lanes;
mod queue;
