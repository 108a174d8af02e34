//! What each operation does once its request is admitted.

mod core;
mod crypto;
pub(crate) mod delete_client;
pub(crate) mod list;
pub(crate) mod replies;

pub(crate) use crypto::expected_of;
