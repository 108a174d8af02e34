//! What a provider can do, as its host reports it when it opens.

mod can_do;
mod lookup;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use can_do::can_do;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use parsecd_wire::Opcode;
use parsecd_wire::algorithm::{Algorithm, Hash};
use parsecd_wire::attributes::KeyType;

/// What a provider can do. Creation, use and CanDoCrypto are checked against the same table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities {
    /// Operations it serves, the MAC operations included (they are served but never listed).
    pub opcodes: BTreeSet<Opcode>,
    /// Key types it can hold, one entry per type.
    pub keys: Vec<KeyCapability>,
    /// Hashes it can compute by themselves.
    pub hashes: BTreeSet<Hash>,
}

/// A key type a provider can hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyCapability {
    /// The type.
    pub key_type: KeyType,
    /// Its sizes.
    pub bits: Vec<BitRange>,
    /// Whether it can be generated.
    pub generate: bool,
    /// Whether it can be imported.
    pub import: bool,
    /// Algorithms such a key works with.
    pub algorithms: Vec<AlgorithmCapability>,
}

/// Sizes `min`, `min + step`, … up to `max`, in bits. `step` is at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BitRange {
    /// Smallest.
    pub min: u32,
    /// Largest.
    pub max: u32,
    /// Distance.
    pub step: u32,
}

/// An algorithm that works.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AlgorithmCapability {
    /// The algorithm: a specific hash, a MAC of full length, an AEAD with its default tag.
    pub algorithm: Algorithm,
    /// Key sizes it works with, in bits; `None`: all sizes of the type.
    pub bits: Option<BitRange>,
    /// Lengths in bytes that a truncated MAC or a shortened tag of it may have, ascending.
    pub shortened: Vec<u32>,
}
