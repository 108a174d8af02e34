//! Clients that exist already, and many at once, against the daemon over a real socket.

mod isolation;
mod keys;
mod no_repeats;
mod one_name_one_key;
mod parsec_client;
mod parsec_tool;
mod service;
#[path = "../support/mod.rs"]
mod support;
mod tool;
