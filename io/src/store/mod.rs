//! The store: SQLite on a file of its own, one writer thread with group commit, one reader thread.

mod error;
mod request;

pub use error::OpenError;
pub use request::{StoreAnswer, StoreRequest};
