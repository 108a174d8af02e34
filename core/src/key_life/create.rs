//! Making a key: reserve where the provider owns objects, make, publish.

use super::{At, KeyLife, Life, LifeWaiter, Room};
use crate::config::MaterialPlace;
use crate::identity::KeyIdentity;
use crate::ids::{ObjectId, RequestId};
use crate::job::Job;
use crate::outcome::{Effect, Outcome};
use crate::record::{Binding, Record, SealedMaterial};
use crate::schedule::costs::JobKind;
use crate::state::{Step, StoreHealth};
use crate::store::{Mutation, UnfinishedState};
use alloc::sync::Arc;
use alloc::vec::Vec;
use parsecd_wire::{KeyAttributes, SecretBytes, Status};

/// Jobs without effect after which a creation is given up.
const ATTEMPTS_MAX: u8 = 3;

/// What is to be made.
#[derive(Debug, Hash)]
pub(crate) struct Creation {
    attributes: KeyAttributes,
    data: Option<SecretBytes>,
}

impl Creation {
    pub(super) fn is_import(&self) -> bool {
        self.data.is_some()
    }

    pub(super) fn job_kind(&self) -> JobKind {
        if self.is_import() { JobKind::import(&self.attributes) } else { JobKind::generate(&self.attributes) }
    }
}

impl Step<'_> {
    /// Begins to make the key of a name that is free.
    pub(crate) fn create(
        &mut self,
        id: RequestId,
        identity: &KeyIdentity,
        attributes: KeyAttributes,
        data: Option<SecretBytes>,
    ) {
        let Some(request) = self.state.requests.get(&id) else { return };
        let payer = request.payer();
        let Some(provider) = request.provider else { return };
        if self.room_for(identity, id) == Room::Full {
            return self.answer(id, Err(Status::PsaErrorInsufficientStorage));
        }
        if let Err(status) = self.check_queue(provider, &payer) {
            return self.answer(id, Err(status));
        }
        if self.state.store != StoreHealth::Up {
            return self.answer(id, Err(Status::KeyInfoManagerError));
        }
        let (material, device) = match self.state.providers.get(&provider) {
            Some(serving) if !self.is_down(provider) => (serving.material(), serving.device().cloned()),
            _ => return self.answer(id, Err(self.down_status(provider))),
        };
        let Some(device) = device else {
            return self.answer(id, Err(Status::PsaErrorCommunicationFailure));
        };
        let sealed = material == MaterialPlace::Record;
        let object = self.state.mint.object();
        let mut life = Life {
            object,
            identity: identity.clone(),
            provider: Some(provider),
            sealed,
            device,
            payer,
            waiter: LifeWaiter::Request(id),
            holds_name: true,
            creation: Some(Creation { attributes, data }),
            record: None,
            publishes: None,
            uncertain: false,
            attempts: 0,
            state: KeyLife::Making { at: At::Queue },
        };
        if sealed {
            self.begin_life(life);
            self.expect_lane(id);
            self.life_enters_queue(provider, object);
        } else {
            let row = Step::unfinished(&life, UnfinishedState::Making);
            life.state = KeyLife::Reserving { commit: self.commit(object, Mutation::Reserve(row)) };
            self.begin_life(life);
        }
    }

    /// The row of `unfinished` is durable: the object may be made, if anybody still wants it.
    pub(super) fn reserved(&mut self, object: ObjectId) {
        let Some(life) = self.state.lives.get(&object) else { return };
        let provider = life.provider;
        let Some(request) = life.waiting_request() else {
            self.give_name_back(object);
            return self.erase(object);
        };
        match provider {
            Some(provider) if !self.is_down(provider) => {
                self.life_becomes(object, KeyLife::Making { at: At::Queue });
                self.expect_lane(request);
                self.life_enters_queue(provider, object);
            }
            Some(provider) => self.fail_and_erase(object, self.down_status(provider)),
            None => self.fail_and_erase(object, Status::PsaErrorCommunicationFailure),
        }
    }

    /// The job that makes the object, or the status if it cannot be made any more.
    pub(super) fn making_job(&self, object: ObjectId) -> Result<Job, Status> {
        let life = self.state.lives.get(&object).ok_or(Status::PsaErrorGenericError)?;
        let device = life
            .provider
            .and_then(|provider| self.state.providers.get(&provider))
            .and_then(|provider| provider.device());
        if device != Some(&life.device) {
            return Err(Status::PsaErrorHardwareFailure);
        }
        let creation = life.creation.as_ref().ok_or(Status::PsaErrorGenericError)?;
        let binding = Binding::of(&life.identity, object);
        let attributes = creation.attributes;
        Ok(match &creation.data {
            None => Job::Generate { object, binding, attributes },
            Some(data) => Job::Import { object, binding, attributes, data: data.clone() },
        })
    }

    /// How the making ended.
    pub(super) fn made(&mut self, object: ObjectId, outcome: Outcome) {
        match outcome {
            Outcome::Done(Effect::Made { attributes, public, material }) => {
                self.publish(object, attributes, public, material);
            }
            Outcome::Refused(status) => self.fail_and_erase(object, status),
            Outcome::NoEffect | Outcome::Busy | Outcome::RebuildNeeded => self.make_again(object),
            Outcome::PinRefused | Outcome::Absent { .. } => {
                self.fail_and_erase(object, Status::PsaErrorCommunicationFailure);
            }
            Outcome::Unknown | Outcome::LaneLost | Outcome::Done(_) => self.fail_uncertain(object),
        }
    }

    /// Nothing happened: the attempt does not count, up to a bound.
    fn make_again(&mut self, object: ObjectId) {
        let Some(life) = self.state.lives.get_mut(&object) else { return };
        life.attempts = life.attempts.saturating_add(1);
        let wanted = life.waiting_request().filter(|_| life.attempts < ATTEMPTS_MAX);
        match (life.provider, wanted) {
            (Some(provider), Some(request)) if !self.is_down(provider) => {
                self.life_becomes(object, KeyLife::Making { at: At::Queue });
                self.expect_lane(request);
                self.life_enters_queue(provider, object);
            }
            (Some(provider), _) if self.is_down(provider) => {
                self.fail_and_erase(object, self.down_status(provider));
            }
            _ => self.fail_and_erase(object, Status::PsaErrorCommunicationFailure),
        }
    }

    fn publish(
        &mut self,
        object: ObjectId,
        attributes: KeyAttributes,
        public: Vec<u8>,
        material: SealedMaterial,
    ) {
        let Some(life) = self.state.lives.get_mut(&object) else { return };
        let wanted = life.creation.as_ref().map(|creation| creation.attributes);
        let fits = wanted.is_some_and(|wanted| {
            let bits = if wanted.bits == 0 { attributes.bits } else { wanted.bits };
            KeyAttributes { bits, ..wanted } == attributes && attributes.bits > 0
        });
        if !fits {
            return self.fail_and_remove(object, Status::PsaErrorCommunicationFailure);
        }
        let record = Arc::new(Record {
            identity: life.identity.clone(),
            object,
            device: life.device.clone(),
            attributes,
            public,
            material,
        });
        life.record = Some(record.clone());
        let principal = life.payer.principal.to_text();
        if self.state.store != StoreHealth::Up {
            return self.fail_and_remove(object, Status::KeyInfoManagerError);
        }
        let encoded = record.encode();
        let bytes = crate::size(encoded.0.len());
        self.life_publishes(object, bytes);
        let mutation =
            Mutation::Publish { identity: record.identity.clone(), object, record: encoded, principal };
        let commit = self.commit(object, mutation);
        self.life_becomes(object, KeyLife::Publishing { commit });
    }

    /// A record of so many bytes is on its way to the store.
    fn life_publishes(&mut self, object: ObjectId, bytes: u64) {
        let Some(life) = self.state.lives.get_mut(&object) else { return };
        life.publishes = Some(bytes);
        self.state.makings.publishes(&life.payer, bytes);
    }

    /// Fails a creation of which nothing was made.
    pub(super) fn fail_and_erase(&mut self, object: ObjectId, status: Status) {
        let sealed = self.state.lives.get(&object).is_none_or(|life| life.sealed);
        if sealed {
            return self.end_as_nothing(object, Err(status));
        }
        self.give_name_back(object);
        self.tell_waiter(object, Err(status));
        self.erase(object);
    }

    /// Fails a creation whose object exists.
    pub(super) fn fail_and_remove(&mut self, object: ObjectId, status: Status) {
        let sealed = self.state.lives.get(&object).is_none_or(|life| life.sealed);
        if sealed {
            return self.end_as_nothing(object, Err(status));
        }
        self.give_name_back(object);
        self.tell_waiter(object, Err(status));
        self.remove(object);
    }

    /// Fails a creation whose object may exist, or come to exist.
    fn fail_uncertain(&mut self, object: ObjectId) {
        if let Some(life) = self.state.lives.get_mut(&object) {
            life.uncertain = true;
        }
        self.fail_and_remove(object, Status::PsaErrorCommunicationFailure);
    }
}
