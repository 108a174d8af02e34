//! What jobs take, measured: a moving average per kind of job.

use crate::job::{Job, KeyOperation};
use alloc::collections::BTreeMap;
use core::time::Duration;
use parsecd_wire::KeyAttributes;
use parsecd_wire::attributes::KeyType;

/// A job that takes longer is slow: it never takes the last free lane, and nothing short waits behind it.
const SLOW: Duration = Duration::from_millis(20);

/// Kinds that are remembered; sizes are rounded, so that there are not more in practice.
const KINDS_MAX: usize = 512;

/// Weight of the average against one measurement.
const WEIGHT: u32 = 7;

/// Jobs that are expected to take the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum JobKind {
    Open,
    Generate(KeyType, u32),
    Import(KeyType, u32),
    Remove,
    Private(KeyType, u32),
    Public(KeyType, u32),
    /// Random, hash, symmetric operations: by length in units of 64 KiB.
    Bytes(u32),
}

/// Sizes are rounded up to 256 bits.
fn rounded(bits: u32) -> u32 {
    bits.div_ceil(256)
}

impl JobKind {
    pub(crate) fn generate(attributes: &KeyAttributes) -> JobKind {
        JobKind::Generate(attributes.key_type, rounded(attributes.bits))
    }

    pub(crate) fn import(attributes: &KeyAttributes) -> JobKind {
        JobKind::Import(attributes.key_type, rounded(attributes.bits))
    }

    pub(crate) fn of(job: &Job) -> JobKind {
        let units = |length: usize| u32::try_from(length >> 16).unwrap_or(u32::MAX).min(64);
        match job {
            Job::Open => JobKind::Open,
            Job::Generate { attributes, .. } => JobKind::generate(attributes),
            Job::Import { attributes, .. } => JobKind::import(attributes),
            Job::Remove { .. } => JobKind::Remove,
            Job::Random { length } => JobKind::Bytes((length >> 16).min(64)),
            Job::HashCompute { input, .. } => JobKind::Bytes(units(input.len())),
            Job::Use { key, operation } => {
                let (key_type, bits) = (key.attributes.key_type, rounded(key.attributes.bits));
                match operation {
                    KeyOperation::SignHash { .. }
                    | KeyOperation::AsymmetricDecrypt { .. }
                    | KeyOperation::RawKeyAgreement { .. }
                    | KeyOperation::PrepareAttestation
                    | KeyOperation::Attest { .. } => JobKind::Private(key_type, bits),
                    KeyOperation::VerifyHash { .. }
                    | KeyOperation::AsymmetricEncrypt { .. }
                    | KeyOperation::Export => JobKind::Public(key_type, bits),
                    KeyOperation::AeadEncrypt { plaintext, .. }
                    | KeyOperation::CipherEncrypt { plaintext, .. } => JobKind::Bytes(units(plaintext.len())),
                    KeyOperation::AeadDecrypt { ciphertext, .. }
                    | KeyOperation::CipherDecrypt { ciphertext, .. } => {
                        JobKind::Bytes(units(ciphertext.len()))
                    }
                    KeyOperation::MacCompute { input, .. } | KeyOperation::MacVerify { input, .. } => {
                        JobKind::Bytes(units(input.len()))
                    }
                }
            }
        }
    }

    /// What is assumed until it was measured: making a key may take long.
    fn assumed(self) -> Duration {
        match self {
            JobKind::Generate(..) => SLOW.saturating_mul(2),
            _ => Duration::from_micros(500),
        }
    }
}

/// What jobs of one provider take.
#[derive(Debug, Default, Hash)]
pub(crate) struct Costs {
    averages: BTreeMap<JobKind, Duration>,
}

impl Costs {
    pub(crate) fn expected(&self, kind: JobKind) -> Duration {
        self.averages.get(&kind).copied().unwrap_or_else(|| kind.assumed())
    }

    pub(crate) fn is_slow(&self, kind: JobKind) -> bool {
        self.expected(kind) > SLOW
    }

    pub(crate) fn measured(&mut self, kind: JobKind, took: Duration) {
        let known = self.averages.contains_key(&kind);
        if known || self.averages.len() < KINDS_MAX {
            let sum = match known {
                true => self.expected(kind).saturating_mul(WEIGHT).saturating_add(took),
                false => took.saturating_mul(WEIGHT.saturating_add(1)),
            };
            let average = sum.checked_div(WEIGHT.saturating_add(1)).unwrap_or(took);
            self.averages.insert(kind, average);
        }
    }

    /// Kinds that are known.
    pub(crate) fn len(&self) -> usize {
        self.averages.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn making_a_key_is_slow_until_it_was_measured_to_be_fast() {
        let mut costs = Costs::default();
        let kind = JobKind::Generate(KeyType::Aes, 1);
        assert!(costs.is_slow(kind));
        costs.measured(kind, Duration::from_micros(10));
        assert!(!costs.is_slow(kind));
        for _ in 0..20 {
            costs.measured(kind, Duration::from_millis(100));
        }
        assert!(costs.is_slow(kind), "an average follows what is measured");
    }
}
