//! Destroying a key: wait for its uses, take it out of `keys`, remove its object where there is one.

use super::{KeyLife, Life, LifeWaiter};
use crate::config::MaterialPlace;
use crate::identity::KeyIdentity;
use crate::ids::{ObjectId, RequestId};
use crate::record::Record;
use crate::state::{Step, StoreHealth};
use crate::store::{Mutation, UnfinishedState};
use alloc::sync::Arc;
use parsecd_wire::Status;

impl Step<'_> {
    /// Destroys a key for the application that owns it.
    pub(crate) fn destroy(&mut self, id: RequestId, identity: &KeyIdentity, record: &Arc<Record>) {
        let Some(provider) = self.state.requests.get(&id).and_then(|request| request.provider) else {
            return;
        };
        if self.is_down(provider) {
            return self.answer(id, Err(self.down_status(provider)));
        }
        let sealed = self
            .state
            .providers
            .get(&provider)
            .is_some_and(|provider| provider.material() == MaterialPlace::Record);
        if !sealed && let Err(status) = self.check_device(provider, record) {
            return self.answer(id, Err(status));
        }
        self.begin_destruction(id, identity, record, LifeWaiter::Request(id));
    }

    /// Destroys a key whose client is being deleted, whatever state its provider is in. Nothing happens if
    /// the name belongs to another object by now.
    pub(crate) fn destroy_for_deletion(
        &mut self,
        identity: &KeyIdentity,
        deletion: RequestId,
        object: ObjectId,
        record: Option<Arc<Record>>,
    ) {
        match record {
            Some(record) if record.object == object => {
                self.begin_destruction(deletion, identity, &record, LifeWaiter::Deletion(deletion));
            }
            _ => self.deletion_step_ended(deletion, object, Ok(())),
        }
    }

    fn begin_destruction(
        &mut self,
        id: RequestId,
        identity: &KeyIdentity,
        record: &Arc<Record>,
        waiter: LifeWaiter,
    ) {
        let Some(payer) = self.state.requests.get(&id).map(|request| request.payer()) else { return };
        let object = record.object;
        let provider = self.provider_named(&identity.provider);
        let sealed = match provider.and_then(|key| self.state.providers.get(&key)) {
            Some(provider) => provider.material() == MaterialPlace::Record,
            None => !record.material.0.is_empty(),
        };
        self.begin_life(Life {
            object,
            identity: identity.clone(),
            provider,
            sealed,
            device: record.device.clone(),
            payer,
            waiter,
            holds_name: true,
            creation: None,
            record: Some(record.clone()),
            publishes: None,
            uncertain: false,
            attempts: 0,
            state: KeyLife::Emptying,
        });
        if !self.is_used(identity) {
            self.uses_ended(object);
        }
    }

    /// Nobody uses the key any more: take it out of `keys`.
    pub(crate) fn uses_ended(&mut self, object: ObjectId) {
        let Some(life) = self.state.lives.get(&object) else { return };
        if life.state != KeyLife::Emptying {
            return;
        }
        let identity = life.identity.clone();
        let sealed = life.sealed;
        let row = Step::unfinished(life, UnfinishedState::Removing);
        if self.state.store != StoreHealth::Up {
            return self.end_as_usable(object, Err(Status::KeyInfoManagerError));
        }
        if sealed {
            let commit = self.commit(object, Mutation::Delete { identity, object });
            self.life_becomes(object, KeyLife::Erasing { commit });
        } else {
            let commit = self.commit(object, Mutation::Retire(row));
            self.life_becomes(object, KeyLife::Retiring { commit });
        }
    }
}
