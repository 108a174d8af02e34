//! A provider that keeps its objects: they survive the daemon and its hosts, whole or by halves.

use super::{Backend, JobFault, Made, MadeKey, Part, crypto, run_keyless};
use crate::capabilities;
use crate::trace::digest;
use parsecd_core::capability::Capabilities;
use parsecd_core::ids::ObjectId;
use parsecd_core::job::{Job, KeyInUse, KeyOperation};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::{Device, SealedMaterial};
use parsecd_wire::{KeyAttributes, Status};
use std::collections::BTreeMap;

/// What a token holds of an id.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) secret: Vec<u8>,
    pub(crate) attributes: KeyAttributes,
    /// Whether its private object is there; a public one without it is half a pair.
    pub(crate) whole: bool,
}

/// The provider: a slot that holds one of two tokens.
#[derive(Clone, Debug, Default)]
pub struct Owning {
    pub(crate) tokens: [BTreeMap<ObjectId, Object>; 2],
    /// Which token each object was made on, also when it is there no more.
    pub(crate) made_on: BTreeMap<ObjectId, usize>,
    inserted: usize,
    generated: u64,
}

impl Owning {
    fn device(&self) -> Device {
        Device(vec![b'T', self.inserted as u8])
    }

    /// Whether the token that made everything is in the slot.
    pub fn is_home(&self) -> bool {
        self.inserted == 0
    }

    /// Which token is in the slot.
    pub fn slot(&self) -> usize {
        self.inserted
    }

    /// A token finishes a job by itself, wherever it is by now.
    pub fn land(&mut self, token: usize, job: &Job, made: &mut Made) {
        let inserted = std::mem::replace(&mut self.inserted, token);
        self.run(job, Part::Whole, made);
        self.inserted = inserted;
    }

    /// Whether an object was made on the token that is not in the slot.
    pub fn is_away(&self, object: ObjectId) -> bool {
        self.made_on.get(&object).is_some_and(|token| *token != self.inserted)
    }

    /// Whether this is the token in the slot.
    pub fn is_inserted(&self, device: &Device) -> bool {
        *device == self.device()
    }

    /// Removes an object behind the daemon's back.
    /// Whether it was there.
    pub fn lose(&mut self, object: ObjectId) -> bool {
        self.tokens[0].remove(&object).is_some()
    }

    /// Whether only half of a pair is there.
    pub fn is_half(&self, object: ObjectId) -> bool {
        self.tokens.iter().any(|token| token.get(&object).is_some_and(|object| !object.whole))
    }

    fn token(&mut self) -> &mut BTreeMap<ObjectId, Object> {
        &mut self.tokens[self.inserted]
    }

    fn make(
        &mut self,
        object: ObjectId,
        binding: &[u8],
        key: (KeyAttributes, Vec<u8>),
        part: Part,
        made: &mut Made,
    ) -> Outcome {
        let (attributes, secret) = key;
        let whole = part == Part::Whole;
        let public = crypto::public(&attributes, &secret);
        self.token().insert(object, Object { secret: secret.clone(), attributes, whole });
        self.made_on.insert(object, self.inserted);
        if !whole {
            return Outcome::Unknown;
        }
        made.insert(
            object,
            MadeKey { attributes, public: public.clone(), secret, binding: binding.to_vec() },
        );
        Outcome::Done(Effect::Made { attributes, public, material: SealedMaterial::default() })
    }

    fn absent(&self, login_confirmed: bool) -> Outcome {
        Outcome::Absent { device: self.device(), login_confirmed }
    }

    fn operate(&mut self, key: &KeyInUse, operation: &KeyOperation, made: &mut Made) -> Outcome {
        let Some(object) = self.token().get(&key.object).filter(|object| object.whole).cloned() else {
            return self.absent(true);
        };
        let public = crypto::public(&object.attributes, &object.secret);
        if object.attributes != key.attributes || public != key.public {
            made.complain(format!("{} is used with another key's attributes", key.object));
        }
        crypto::operate(&object.attributes, &public, &object.secret, operation)
    }
}

impl Backend for Owning {
    fn capabilities(&self) -> Capabilities {
        capabilities::owning()
    }

    fn run(&mut self, job: &Job, part: Part, made: &mut Made) -> Outcome {
        match job {
            Job::Generate { object, binding, attributes } => {
                self.generated += 1;
                let secret = crypto::generate(attributes, digest(&("owning", self.generated)));
                self.make(*object, &binding.0, (*attributes, secret), part, made)
            }
            Job::Import { object, attributes, binding, data } => {
                if !crypto::importable(attributes, data.expose()) {
                    return Outcome::Refused(Status::PsaErrorInvalidArgument);
                }
                let attributes = crypto::sized(attributes, data.expose());
                self.make(*object, &binding.0, (attributes, data.expose().to_vec()), part, made)
            }
            Job::Remove { object } => match (self.token().get_mut(object), part) {
                (None, _) => self.absent(true),
                (Some(half), Part::Half) => {
                    half.whole = false;
                    Outcome::Unknown
                }
                (Some(_), Part::Whole) => {
                    self.token().remove(object);
                    Outcome::Done(Effect::Removed)
                }
            },
            Job::Use { key, operation } => self.operate(key, operation, made),
            other => run_keyless(other, made),
        }
    }

    fn run_logged_out(&mut self, job: &Job, made: &mut Made) -> Outcome {
        match job {
            Job::Remove { .. } | Job::Use { .. } => self.absent(false),
            _ => self.run(job, Part::Whole, made),
        }
    }

    fn open(&mut self, fault: JobFault) -> Outcome {
        self.inserted = usize::from(fault == JobFault::OtherDevice);
        Outcome::Done(Effect::Opened { device: self.device(), capabilities: self.capabilities() })
    }

    fn objects(&self) -> Vec<ObjectId> {
        self.tokens.iter().flat_map(|token| token.keys().copied()).collect()
    }
}
