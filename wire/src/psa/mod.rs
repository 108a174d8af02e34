//! Numbers of the PSA Crypto API 1.1 for key types, algorithms and usage flags.
//!
//! Every value of the protocol that PSA can express maps to one number and back, with one exception: PSA
//! has one number for an AEAD with its default tag and with a tag shortened to that length (16 bytes),
//! which reads back as the default tag. Numbers are those of the specification; an implementation may
//! lack some (Mbed TLS 3.5 does not define the FRP family, MD2, MD4 and the cache flag).

mod algorithm;
mod attributes;
