//! Measuring the service: a load generator that speaks the protocol to any server, an echo that shows what a
//! socket costs at least, and bare loops of the software back end.
#![forbid(unsafe_code)]

pub mod bare;
mod client;
pub mod echo;
pub mod exchange;
pub mod frame;
pub mod latencies;
pub mod load;
pub mod process;
pub mod server;
pub mod workload;
