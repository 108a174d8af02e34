//! Fake providers: what is behind a lane, and the faults it can have.

pub mod crypto;
pub mod fleet;
pub mod owning;
pub mod sealing;

use crate::canary;
use parsecd_core::capability::Capabilities;
use parsecd_core::ids::ObjectId;
use parsecd_core::job::Job;
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_wire::{KeyAttributes, Status};
use std::collections::BTreeMap;

/// How a job goes wrong. Drawn when a lane begins it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JobFault {
    /// Not at all.
    #[default]
    None,
    /// It never returns, until its host is killed.
    Hangs,
    /// Its host dies before it had an effect.
    HostDiesBefore,
    /// Its host dies after it had its effect: the answer is lost.
    HostDiesAfter,
    /// Its host dies with half of the effect: one class of a pair.
    HostDiesHalfway,
    /// Its host dies; the device finishes the job later, by itself.
    LandsLate,
    /// The device is busy.
    Busy,
    /// A transient failure before the effect that the provider cannot tell from one after it.
    UnknownBefore,
    /// A transient failure after the effect.
    UnknownAfter,
    /// A transient failure with half of the effect.
    UnknownHalfway,
    /// The device refuses with this status.
    Refused(Status),
    /// The log-in is lost: private objects look absent.
    LoginLost,
    /// The library has to be opened again.
    Rebuild,
    /// A byte of the signature is flipped; only where signatures are verified before they leave.
    WrongSignature,
    /// The result is a byte short.
    WrongLength,
    /// The signature is that of another key; only where signatures are verified before they leave.
    OtherKey,
    /// The result is one of another kind of job.
    WrongKind,
    /// The key that was made is not as it was to be.
    WrongAttributes,
    /// The device refuses the PIN (opening only).
    PinRefused,
    /// The device is away (opening only).
    Away,
    /// Another device is there (opening only).
    OtherDevice,
}

/// What comes of a job whose host dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// Half of its effect.
    Half,
    /// All of it.
    Whole,
    /// All of it, later: the device finishes it by itself.
    Later,
}

/// How much of a job's effect a device has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// One class of a pair.
    Half,
    /// All of it.
    Whole,
}

/// What a fake provider is.
pub trait Backend {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Lets a job have its effect, as far as `part` says, and answers as a healthy device would.
    fn run(&mut self, job: &Job, part: Part, made: &mut Made) -> Outcome;

    /// Answers as if the log-in were lost.
    fn run_logged_out(&mut self, job: &Job, made: &mut Made) -> Outcome;

    /// Does what opening in this way does to the device.
    fn open(&mut self, fault: JobFault) -> Outcome;

    /// Ids of which the device holds anything.
    fn objects(&self) -> Vec<ObjectId>;
}

/// Every key that was ever made, by object: what a signature or an export must look like.
#[derive(Clone, Debug, Default)]
pub struct Made {
    keys: BTreeMap<ObjectId, MadeKey>,
    /// Bytes that were handed out as random.
    pub random: u64,
    broken: Vec<String>,
}

/// A key as it was made.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// Attributes with the real size.
    pub attributes: KeyAttributes,
    /// Public part, empty for symmetric keys.
    pub public: Vec<u8>,
    /// Private or secret part in export format.
    pub secret: Vec<u8>,
    /// What the core tied it to.
    pub binding: Vec<u8>,
}

impl Made {
    /// The key of this object.
    pub fn get(&self, object: ObjectId) -> Option<&MadeKey> {
        self.keys.get(&object)
    }

    /// Another key of the same kind.
    pub fn other_than(&self, object: ObjectId, attributes: &KeyAttributes) -> Option<&MadeKey> {
        let mut others = self.keys.iter().filter(|(other, _)| **other != object);
        others.find(|(_, key)| key.attributes == *attributes).map(|(_, key)| key)
    }

    /// The broken promises of jobs since the last call.
    pub fn take_broken(&mut self) -> Vec<String> {
        std::mem::take(&mut self.broken)
    }

    fn insert(&mut self, object: ObjectId, key: MadeKey) {
        if self.keys.insert(object, key).is_some() {
            self.broken.push(format!("object {object} was made twice"));
        }
    }

    fn complain(&mut self, text: String) {
        self.broken.push(text);
    }

    /// Bytes that were never handed out before.
    fn fresh_random(&mut self, length: u32) -> Vec<u8> {
        self.random += 1;
        canary::mark(crypto::expand(self.random ^ 0x5EED_0000_0000_0000, length as usize))
    }
}

/// Answers jobs that need no key and no device.
fn run_keyless(job: &Job, made: &mut Made) -> Outcome {
    match job {
        Job::Random { length } => Outcome::Done(Effect::Secret(made.fresh_random(*length).into())),
        Job::HashCompute { algorithm, input } => {
            Outcome::Done(Effect::Output(crypto::hash(*algorithm, input.expose())))
        }
        _ => Outcome::Refused(Status::PsaErrorNotSupported),
    }
}
