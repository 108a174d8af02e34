//! Who gets a lane next.

pub(crate) mod costs;
pub(crate) mod executor;
pub(crate) mod jobs;
pub(crate) mod lanes;
#[cfg(test)]
mod model;
pub(crate) mod principals;
mod queue;
pub(crate) mod reads;
pub(crate) mod writes;
