//! Turns at a name: fetch it, let uses share it, let one change at a time have it.

use super::{Entry, EntryState, Waiter};
use crate::identity::{KeyIdentity, Principal};
use crate::ids::{ObjectId, RequestId, Ticket};
use crate::job::{Job, KeyInUse, KeyOperation};
use crate::key_life::{Room, Told};
use crate::observer::Event;
use crate::operations::expected_of;
use crate::policy::usage::{KeyUse, check_use};
use crate::record::{Binding, Record};
use crate::request::{KeyCall, Request};
use crate::schedule::executor::runs_on_executor;
use crate::schedule::principals::Payer;
use crate::state::{Step, StoreHealth};
use crate::store::{Counters, Fetched};
use alloc::sync::Arc;
use parsecd_wire::{Reply, Status};

/// What a waiter at the front of the line can do.
enum Turn {
    /// It has to wait.
    Wait,
    /// It leaves the line and shares the key, or what is known of the name.
    Share,
    /// It leaves the line and has the name for itself.
    Change,
    /// It is not there any more.
    Gone,
}

impl Step<'_> {
    /// Joins the line at a name.
    pub(crate) fn join_line(&mut self, identity: &KeyIdentity, waiter: Waiter) {
        if self.shares_at_once(identity, waiter) {
            return;
        }
        if self.is_in_doubt(identity) {
            return self.refuse_waiter(waiter, Status::KeyInfoManagerError);
        }
        if !self.state.keystore.entries.contains_key(identity) {
            if self.state.store != StoreHealth::Up {
                return self.refuse_waiter(waiter, Status::KeyInfoManagerError);
            }
            let ticket = self.fetch(identity, waiter);
            self.state.keystore.entries.insert(identity.clone(), Entry::fetching(ticket));
        }
        let keystore = &mut self.state.keystore;
        if let Some(entry) = keystore.entries.get_mut(identity) {
            let before = entry.waiters.insert(waiter.request(), waiter);
            assert!(before.is_none(), "a request waits once at a name");
            if let Some(place) = entry.cached.take() {
                keystore.cache.remove(place);
            }
        }
        self.advance_line(identity);
    }

    /// Has whoever shares a key go ahead where nobody is in line. Whether that is so.
    fn shares_at_once(&mut self, identity: &KeyIdentity, waiter: Waiter) -> bool {
        let Waiter::Request(id) = waiter else { return false };
        let exports = match self.state.requests.get(&id).map(|request| &request.state) {
            Some(Request::Resolving { call, .. }) if !call.is_exclusive() => {
                matches!(call, KeyCall::ExportPublic)
            }
            _ => return false,
        };
        let keystore = &mut self.state.keystore;
        let Some(entry) = keystore.entries.get_mut(identity) else { return false };
        if !matches!(entry.state, EntryState::Ready { .. }) || entry.advancing || !entry.waiters.is_empty() {
            return false;
        }
        let state = entry.state.clone();
        // An export is over before anything could give the entry up, and the newest one is in its place.
        let stays = exports && entry.cached == Some(keystore.cache.newest());
        if !stays && let Some(place) = entry.cached.take() {
            keystore.cache.remove(place);
        }
        self.share(identity, waiter, state);
        if !stays {
            let limit = self.state.config.limits.cache;
            self.state.keystore.unpin(identity, limit);
        }
        true
    }

    fn fetch(&mut self, identity: &KeyIdentity, waiter: Waiter) -> Ticket {
        let payer = self.payer_of(waiter);
        let counts_for = self.makes_key(waiter).then(|| payer.clone());
        let ticket = self.read(identity, payer);
        if let Some(payer) = counts_for {
            self.state.makings.asks(ticket, &payer, self.state.mint.newest_request());
        }
        ticket
    }

    /// Has a creation at a name that is free wait until it is known whether there is room for its key. Whether it
    /// does.
    fn waits_for_counters(&mut self, identity: &KeyIdentity, waiter: Waiter) -> bool {
        if self.state.store != StoreHealth::Up || !self.makes_key(waiter) {
            return false;
        }
        let id = waiter.request();
        let waits = match self.room_for(identity, id) {
            Room::Enough | Room::Full => return false,
            Room::Unknown => false,
            Room::Unclear => {
                let payer = self.payer_of(waiter);
                self.state.makings.wait(id, &payer, identity)
            }
        };
        let fetching = (!waits).then(|| self.fetch(identity, waiter));
        if let Some(entry) = self.state.keystore.entries.get_mut(identity) {
            if let Some(ticket) = fetching {
                entry.state = EntryState::Fetching { ticket };
            }
            entry.waiters.insert(id, waiter);
        }
        true
    }

    fn makes_key(&self, waiter: Waiter) -> bool {
        let Waiter::Request(id) = waiter else { return false };
        let state = self.state.requests.get(&id).map(|request| &request.state);
        matches!(state, Some(Request::Resolving { call: KeyCall::Create { .. }, .. }))
    }

    /// What the store has just said that whoever makes a key of this name holds.
    pub(crate) fn told(&self, identity: &KeyIdentity) -> Option<&Told> {
        self.state.keystore.entries.get(identity)?.told.as_ref()
    }

    fn payer_of(&self, waiter: Waiter) -> Payer {
        let request = self.state.requests.get(&waiter.request());
        request.map_or(Payer { principal: Principal::Sweeper, tenant: None }, |request| request.payer())
    }

    /// A request gives up its place in the line.
    pub(crate) fn leave_name(&mut self, identity: &KeyIdentity, request: RequestId) {
        self.leave_gate(&identity.application, request);
        if let Some(entry) = self.state.keystore.entries.get_mut(identity) {
            entry.waiters.remove(&request);
            if let EntryState::Fetching { ticket } = entry.state
                && entry.waiters.is_empty()
                && entry.uses == 0
                && self.read_unwanted(ticket)
            {
                self.state.makings.told(ticket, Counters::default());
                self.state.keystore.entries.remove(identity);
                return;
            }
        }
        self.advance_line(identity);
    }

    pub(crate) fn record_fetched(
        &mut self,
        identity: &KeyIdentity,
        ticket: Ticket,
        fetched: Fetched,
        counters: Counters,
    ) {
        let told = self.state.makings.told(ticket, counters);
        let entry = self.state.keystore.entries.get_mut(identity);
        let Some(entry) = entry.filter(|entry| entry.awaits(ticket)) else {
            return self.observer.event(Event::Stale { ticket });
        };
        entry.told = told;
        let state = match fetched {
            Fetched::Absent => EntryState::Absent,
            Fetched::Unreadable => self.unreadable(identity),
            Fetched::Found(row) => match row.decode_for(identity) {
                Ok(record) => EntryState::Ready { record: Arc::new(record) },
                Err(_) => self.unreadable(identity),
            },
            Fetched::Failed => return self.fetch_failed(identity),
        };
        self.name_becomes(identity, state);
        if let Some(entry) = self.state.keystore.entries.get_mut(identity) {
            entry.told = None;
        }
    }

    fn unreadable(&mut self, identity: &KeyIdentity) -> EntryState {
        self.observer.event(Event::UnreadableRecord {
            application: &identity.application,
            provider: &identity.provider,
            name: &identity.name,
        });
        EntryState::Unreadable
    }

    fn fetch_failed(&mut self, identity: &KeyIdentity) {
        if let Some(entry) = self.state.keystore.entries.remove(identity) {
            for waiter in entry.waiters.into_values() {
                self.refuse_waiter(waiter, Status::KeyInfoManagerError);
            }
        }
    }

    /// What a name is after a key life, or the store, has decided it.
    fn name_becomes(&mut self, identity: &KeyIdentity, state: EntryState) {
        if let Some(entry) = self.state.keystore.entries.get_mut(identity) {
            entry.state = state;
        }
        self.advance_line(identity);
    }

    /// A key life gives its name back: there is no such key, or not any more.
    pub(crate) fn name_is_free(&mut self, identity: &KeyIdentity) {
        self.name_becomes(identity, EntryState::Absent);
    }

    /// A key life gives its name back: this is the key.
    pub(crate) fn name_is_ready(&mut self, identity: &KeyIdentity, record: Arc<Record>) {
        self.name_becomes(identity, EntryState::Ready { record });
    }

    /// A key life gives its name back without knowing what it is: the store is asked again.
    pub(crate) fn name_is_unknown(&mut self, identity: &KeyIdentity) {
        let Some(entry) = self.state.keystore.entries.remove(identity) else { return };
        for waiter in entry.waiters.into_values() {
            self.join_line(identity, waiter);
        }
    }

    /// A job that used the key has ended.
    pub(crate) fn use_ended(&mut self, identity: &KeyIdentity) {
        let Some(entry) = self.state.keystore.entries.get_mut(identity) else { return };
        assert!(entry.uses > 0, "a use ends once");
        entry.uses = entry.uses.saturating_sub(1);
        if entry.uses > 0 {
            return;
        }
        if let EntryState::Changing { object } = entry.state {
            self.uses_ended(object);
        }
        self.advance_line(identity);
    }

    /// Whether jobs still use the key of this name.
    pub(crate) fn is_used(&self, identity: &KeyIdentity) -> bool {
        self.state.keystore.entries.get(identity).is_some_and(|entry| entry.uses > 0)
    }

    /// Lets everyone act whose turn it is.
    pub(crate) fn advance_line(&mut self, identity: &KeyIdentity) {
        match self.state.keystore.entries.get_mut(identity) {
            Some(entry) if !entry.advancing => entry.advancing = true,
            _ => return,
        }
        loop {
            let Some(entry) = self.state.keystore.entries.get(identity) else { return };
            let Some(waiter) = entry.waiters.values().next().copied() else { break };
            let turn = match entry.state {
                EntryState::Fetching { .. } | EntryState::Changing { .. } => Turn::Wait,
                _ if self.state.makings.waits(waiter.request()) => Turn::Wait,
                EntryState::Absent | EntryState::Ready { .. } | EntryState::Unreadable => {
                    self.turn_of(waiter)
                }
            };
            let state = entry.state.clone();
            if matches!(turn, Turn::Wait) {
                break;
            }
            if let Some(entry) = self.state.keystore.entries.get_mut(identity) {
                entry.waiters.remove(&waiter.request());
            }
            match turn {
                Turn::Wait | Turn::Gone => {}
                Turn::Share => self.share(identity, waiter, state),
                Turn::Change => self.change(identity, waiter, state),
            }
        }
        if let Some(entry) = self.state.keystore.entries.get_mut(identity) {
            entry.advancing = false;
        }
        let limit = self.state.config.limits.cache;
        self.state.keystore.unpin(identity, limit);
    }

    fn turn_of(&self, waiter: Waiter) -> Turn {
        match waiter {
            Waiter::Deletion { .. } => Turn::Change,
            Waiter::Request(id) => match self.state.requests.get(&id).map(|request| &request.state) {
                Some(Request::Resolving { call, .. }) if call.is_exclusive() => Turn::Change,
                Some(Request::Resolving { .. }) => Turn::Share,
                _ => Turn::Gone,
            },
        }
    }

    /// A use, or an export of the public part.
    fn share(&mut self, identity: &KeyIdentity, waiter: Waiter, state: EntryState) {
        let Waiter::Request(id) = waiter else { return };
        let record = match state {
            EntryState::Ready { record } => record,
            EntryState::Unreadable => return self.answer(id, Err(Status::PsaErrorDataCorrupt)),
            _ => return self.answer(id, Err(Status::PsaErrorDoesNotExist)),
        };
        if let Some(request) = self.state.requests.get_mut(&id) {
            request.object = Some(record.object);
        }
        let Some(Request::Resolving { call, .. }) = self.request_becomes(id, Request::Admitted) else {
            return;
        };
        match call {
            KeyCall::ExportPublic => {
                let data =
                    check_use(&record.attributes, KeyUse::ExportPublic).map(|()| record.public.clone());
                self.answer(id, data.map(|data| Reply::PsaExportPublicKey { data }));
            }
            KeyCall::Use { operation, key_use } => self.use_key(id, identity, &record, operation, key_use),
            KeyCall::Create { .. } | KeyCall::Destroy => {}
        }
    }

    fn use_key(
        &mut self,
        id: RequestId,
        identity: &KeyIdentity,
        record: &Arc<Record>,
        operation: KeyOperation,
        key_use: KeyUse,
    ) {
        if let Err(status) = check_use(&record.attributes, key_use) {
            return self.answer(id, Err(status));
        }
        if key_use == KeyUse::Export && record.attributes.key_type.is_public() {
            let data = record.public.as_slice().into();
            return self.answer(id, Ok(Reply::PsaExportKey { data }));
        }
        let Some(provider) = self.state.requests.get(&id).and_then(|request| request.provider) else {
            return;
        };
        let expected = expected_of(&operation, &record.attributes);
        let key = KeyInUse {
            object: record.object,
            binding: Binding::of(identity, record.object),
            attributes: record.attributes,
            public: record.public.clone(),
            material: record.material.clone(),
        };
        let job = Job::Use { key, operation };
        let executor = self.state.config.executor.as_ref().map(|executor| &executor.capabilities);
        if !runs_on_executor(executor, &job) {
            let allowed = self
                .check_device(provider, record)
                .and_then(|()| self.serving_capabilities(provider)?.check_use(&record.attributes, key_use));
            if let Err(status) = allowed {
                return self.answer(id, Err(status));
            }
        }
        if let Some(entry) = self.state.keystore.entries.get_mut(identity) {
            entry.uses = entry.uses.saturating_add(1);
        }
        self.queue_job(id, provider, job, Some(record.clone()), expected);
    }

    /// A creation or a destruction.
    fn change(&mut self, identity: &KeyIdentity, waiter: Waiter, state: EntryState) {
        let id = match waiter {
            Waiter::Deletion { request, object } if matches!(state, EntryState::Unreadable) => {
                return self.deletion_step_ended(request, object, Err(Status::PsaErrorDataCorrupt));
            }
            Waiter::Deletion { request, object } => {
                return self.destroy_for_deletion(identity, request, object, state_record(state));
            }
            Waiter::Request(_)
                if matches!(state, EntryState::Absent) && self.waits_for_counters(identity, waiter) =>
            {
                return;
            }
            Waiter::Request(id) => id,
        };
        let record = match state {
            EntryState::Unreadable => return self.answer(id, Err(Status::PsaErrorDataCorrupt)),
            state => state_record(state),
        };
        let Some(Request::Resolving { call, .. }) = self.request_becomes(id, Request::Admitted) else {
            return;
        };
        match (call, record) {
            (KeyCall::Create { .. }, Some(_)) => self.answer(id, Err(Status::PsaErrorAlreadyExists)),
            (KeyCall::Create { attributes, data }, None) => self.create(id, identity, attributes, data),
            (KeyCall::Destroy, None) => self.answer(id, Err(Status::PsaErrorDoesNotExist)),
            (KeyCall::Destroy, Some(record)) => self.destroy(id, identity, &record),
            (KeyCall::Use { .. } | KeyCall::ExportPublic, _) => {}
        }
    }

    /// Gives the name to a key life.
    pub(crate) fn name_is_changing(&mut self, identity: &KeyIdentity, object: ObjectId) {
        if let Some(entry) = self.state.keystore.entries.get_mut(identity) {
            entry.state = EntryState::Changing { object };
        }
    }

    /// Whether nobody knows what a name is before the store is out of doubt, however long that takes.
    fn is_in_doubt(&self, identity: &KeyIdentity) -> bool {
        let entry = self.state.keystore.entries.get(identity);
        match entry.map(|entry| &entry.state) {
            Some(EntryState::Changing { object }) => {
                self.state.store != StoreHealth::Up
                    && self.state.lives.get(object).is_some_and(|life| life.is_doubtful())
            }
            _ => false,
        }
    }

    /// Refuses whoever waits at the name of a key life, if it is in doubt.
    pub(crate) fn refuse_line_in_doubt(&mut self, identity: &KeyIdentity) {
        if !self.is_in_doubt(identity) {
            return;
        }
        let entry = self.state.keystore.entries.get_mut(identity);
        let waiters = entry.map(|entry| core::mem::take(&mut entry.waiters)).unwrap_or_default();
        for waiter in waiters.into_values() {
            self.refuse_waiter(waiter, Status::KeyInfoManagerError);
        }
    }

    fn refuse_waiter(&mut self, waiter: Waiter, status: Status) {
        match waiter {
            Waiter::Request(id) => self.answer(id, Err(status)),
            Waiter::Deletion { request, object } => self.deletion_step_ended(request, object, Err(status)),
        }
    }
}

fn state_record(state: EntryState) -> Option<Arc<Record>> {
    match state {
        EntryState::Ready { record } => Some(record),
        _ => None,
    }
}
