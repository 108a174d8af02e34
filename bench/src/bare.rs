//! The software back end without service and socket: loops in this process, on one thread.

use crate::latencies::Latencies;
use crate::load::Measured;
use crate::workload::{ECDSA, HASH, Kind, signing_key};
use parsecd_core::ids::ObjectId;
use parsecd_core::job::{Job, KeyInUse, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::Binding;
use parsecd_psa::{OpenError, Provider};
use std::time::{Duration, Instant};

/// Why a loop could not run.
#[derive(Debug, thiserror::Error)]
pub enum BareError {
    /// The library cannot be used.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// A job did not do what it should.
    #[error("the back end answered {0:?}")]
    Outcome(Outcome),
}

/// Runs jobs of a kind, one after the other, for `time`. Kinds without a job of their own run as signatures.
///
/// # Errors
/// If the library or one of the jobs fails.
pub fn run(kind: Kind, warm_up: Duration, time: Duration) -> Result<Measured, BareError> {
    let mut provider = Provider::open(&[0x2A; parsecd_psa::STORE_KEY_LENGTH])?;
    let binding = Binding(b"bench".to_vec());
    let object = ObjectId { boot: 0, counter: 0 };
    let generate = Job::Generate { object, binding: binding.clone(), attributes: signing_key() };
    let key = match provider.run(&generate) {
        Outcome::Done(Effect::Made { attributes, public, material }) => {
            KeyInUse { object, binding, attributes, public, material }
        }
        outcome => return Err(BareError::Outcome(outcome)),
    };
    let use_for = |operation| Job::Use { key: key.clone(), operation };
    let sign = use_for(KeyOperation::SignHash { algorithm: ECDSA, hash: HASH.to_vec() });
    let job = match kind {
        Kind::Verify => match provider.run(&sign) {
            Outcome::Done(Effect::Output(signature)) => {
                let hash = HASH.to_vec();
                use_for(KeyOperation::VerifyHash { algorithm: ECDSA, hash, signature })
            }
            outcome => return Err(BareError::Outcome(outcome)),
        },
        Kind::Random => Job::Random { length: 32 },
        Kind::GenerateDestroy => generate,
        Kind::Ping | Kind::Sign | Kind::ExportPublic => sign,
    };
    let begin = Instant::now();
    while begin.elapsed() < warm_up {
        done(provider.run(&job))?;
    }
    let mut latencies = Latencies::default();
    let since = Instant::now();
    let mut now = since;
    while now.duration_since(since) < time {
        done(provider.run(&job))?;
        let before = now;
        now = Instant::now();
        latencies.add(now.duration_since(before));
    }
    let answers = u64::try_from(latencies.count()).unwrap_or(u64::MAX);
    Ok(Measured { answers, elapsed: now.duration_since(since), latencies })
}

fn done(outcome: Outcome) -> Result<(), BareError> {
    match outcome {
        Outcome::Done(_) => Ok(()),
        outcome => Err(BareError::Outcome(outcome)),
    }
}
