//! Questions to the table of what a provider can do.

use super::{AlgorithmCapability, BitRange, Capabilities, KeyCapability};
use crate::policy::algorithm::with_hash;
use crate::policy::usage::KeyUse;
use parsecd_wire::algorithm::{Aead, Algorithm, Hash, Mac, SignHash};
use parsecd_wire::attributes::KeyType;
use parsecd_wire::{KeyAttributes, Status};

impl Capabilities {
    /// What it can do with keys of this type.
    pub fn key(&self, key_type: KeyType) -> Option<&KeyCapability> {
        self.keys.iter().find(|key| key.key_type == key_type)
    }

    /// Whether it can hold a key of this type and size.
    pub fn holds(&self, key_type: KeyType, bits: u32) -> bool {
        self.key(key_type).is_some_and(|key| key.holds(bits))
    }

    /// Whether such a key works with this algorithm of a policy or a request.
    pub fn works(&self, key_type: KeyType, bits: u32, algorithm: Algorithm) -> bool {
        self.key(key_type).is_some_and(|key| key.holds(bits) && key.works(algorithm, Some(bits)))
    }

    /// Checks a use that the key's policy permits against what the provider can do.
    ///
    /// # Errors
    ///
    /// [`Status::PsaErrorNotSupported`] if such a key does not work with the algorithm that is asked for.
    pub fn check_use(&self, attributes: &KeyAttributes, key_use: KeyUse) -> Result<(), Status> {
        match key_use.algorithm() {
            Some(algorithm) if !self.works(attributes.key_type, attributes.bits, algorithm) => {
                Err(Status::PsaErrorNotSupported)
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl KeyCapability {
    /// Whether it can have this size in bits.
    pub fn holds(&self, bits: u32) -> bool {
        self.bits.iter().any(|range| range.contains(bits))
    }

    /// Whether keys of at least one size work with this algorithm.
    pub(super) fn works_with_some_size(&self, algorithm: Algorithm) -> bool {
        self.works(algorithm, None)
    }

    /// *Any* hash works if one does; a shortened tag or MAC if its length is listed.
    fn works(&self, algorithm: Algorithm, bits: Option<u32>) -> bool {
        let listed = |algorithm: Algorithm| {
            self.algorithms.iter().filter(move |listed| {
                listed.algorithm == algorithm && bits.is_none_or(|bits| listed.has_size(bits))
            })
        };
        let is_listed = |algorithm: Algorithm| listed(algorithm).next().is_some();
        match algorithm {
            Algorithm::AsymmetricSignature(signature) if signature.hash() == Some(SignHash::Any) => {
                Hash::ALL.into_iter().any(|hash| {
                    is_listed(Algorithm::AsymmetricSignature(with_hash(signature, SignHash::Specific(hash))))
                })
            }
            Algorithm::Mac(Mac::Truncated { algorithm, length }) => {
                listed(Algorithm::Mac(Mac::FullLength(algorithm)))
                    .any(|listed| listed.shortened.contains(&length))
            }
            Algorithm::Aead(Aead::ShortenedTag { algorithm, tag_length }) => {
                listed(Algorithm::Aead(Aead::DefaultLengthTag(algorithm)))
                    .any(|listed| listed.shortened.contains(&tag_length))
            }
            algorithm => is_listed(algorithm),
        }
    }
}

impl AlgorithmCapability {
    fn has_size(&self, bits: u32) -> bool {
        self.bits.is_none_or(|range| range.contains(bits))
    }
}

impl BitRange {
    /// Exactly this size.
    pub const fn only(bits: u32) -> BitRange {
        BitRange { min: bits, max: bits, step: 1 }
    }

    /// Whether `bits` is one of its sizes.
    pub fn contains(&self, bits: u32) -> bool {
        let is_on_step = bits
            .checked_sub(self.min)
            .and_then(|distance| distance.checked_rem(self.step))
            .is_some_and(|rest| rest == 0);
        is_on_step && bits <= self.max
    }
}
