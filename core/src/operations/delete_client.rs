//! DeleteClient: every key of a client is destroyed, whatever its provider (decisions.md 5).
//!
//! While it lasts, requests of that client that came after it wait at a gate; running ones finish. Success
//! only when nothing is left: neither a row nor an object that its provider still has to remove.

use crate::identity::{ApplicationIdentity, KeyIdentity, Text};
use crate::ids::{ObjectId, RequestId};
use crate::keystore::Waiter;
use crate::output::Output;
use crate::request::Request;
use crate::state::{Purpose, Step, StoreHealth};
use crate::store::{ListedKey, Page, Query};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use parsecd_wire::{Reply, Status};

/// Holds requests of a client back while the client is being deleted.
#[derive(Debug, Hash)]
pub(crate) struct Gate {
    deletion: RequestId,
    waiting: BTreeSet<RequestId>,
}

impl Gate {
    /// The deletion and who waits for its end.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len().saturating_add(1)
    }
}

/// How far a deletion is.
#[derive(Debug, Hash)]
pub(crate) struct Deletion {
    client: ApplicationIdentity,
    /// Objects minted later belong to requests that came later.
    newest: u64,
    /// Keys of the page that are not destroyed yet.
    outstanding: u64,
    stage: Stage,
    /// Objects whose last lives have ended meanwhile and left no row: a page that shows one was read before.
    settled: BTreeSet<ObjectId>,
    /// Something could not be destroyed.
    failed: bool,
}

#[derive(Clone, Debug, Hash)]
enum Stage {
    /// Keys after this (provider, name) are to be listed.
    Keys(Option<(Text, Text)>),
    /// Unfinished objects after this one are to be listed.
    Unfinished(Option<ObjectId>),
    Done,
}

impl Step<'_> {
    /// Lets a request through to its name, or makes it wait while its client is being deleted.
    pub(crate) fn enter_gate(&mut self, id: RequestId, identity: &KeyIdentity) {
        if !self.waits_at_gate(id, &identity.application) {
            self.join_line(identity, Waiter::Request(id));
        }
    }

    /// Whether the request has to wait; it then does.
    pub(super) fn waits_at_gate(&mut self, id: RequestId, application: &ApplicationIdentity) -> bool {
        match self.state.gates.get_mut(application) {
            Some(gate) => {
                gate.waiting.insert(id);
                true
            }
            None => false,
        }
    }

    pub(crate) fn leave_gate(&mut self, application: &ApplicationIdentity, id: RequestId) {
        if let Some(gate) = self.state.gates.get_mut(application) {
            gate.waiting.remove(&id);
        }
    }

    pub(super) fn delete_client(&mut self, id: RequestId, client: &str) {
        let Some(request) = self.state.requests.get_mut(&id) else { return };
        let Some(authenticator) = request.caller.identity().map(|admin| admin.authenticator) else {
            return self.answer(id, Err(Status::NotAuthenticated));
        };
        request.subject = Some(Text::from(client));
        let client = ApplicationIdentity { authenticator, name: Text::from(client) };
        let deletion = Deletion {
            client: client.clone(),
            newest: self.state.mint.objects(),
            outstanding: 0,
            stage: Stage::Keys(None),
            settled: BTreeSet::new(),
            failed: false,
        };
        self.request_becomes(id, Request::Deleting(deletion));
        if !self.waits_at_gate(id, &client) {
            self.begin_deletion(id, client);
        }
    }

    fn begin_deletion(&mut self, id: RequestId, client: ApplicationIdentity) {
        self.state.gates.insert(client, Gate { deletion: id, waiting: BTreeSet::new() });
        self.deletion_goes_on(id);
    }

    fn deletion_goes_on(&mut self, id: RequestId) {
        let Some(request) = self.state.requests.get(&id) else { return };
        let limit = request.config.limits.page;
        let Request::Deleting(deletion) = &request.state else { return };
        let client = deletion.client.clone();
        let application = client.clone();
        let query = match deletion.stage.clone() {
            Stage::Keys(after) => Query::Keys { application, provider: None, after, limit },
            Stage::Unfinished(after) => Query::UnfinishedOf { application, after, limit },
            Stage::Done => {
                let result = if deletion.failed {
                    Err(Status::PsaErrorCommunicationFailure)
                } else {
                    Ok(Reply::DeleteClient)
                };
                return self.end_deletion(id, &client, result);
            }
        };
        if self.state.store != StoreHealth::Up {
            return self.end_deletion(id, &client, Err(Status::KeyInfoManagerError));
        }
        let ticket = self.ticket(Purpose::List(id));
        self.output(Output::List { ticket, query });
    }

    fn end_deletion(&mut self, id: RequestId, client: &ApplicationIdentity, result: Result<Reply, Status>) {
        let gate = self.state.gates.remove(client);
        self.answer(id, result);
        let Some(gate) = gate else { return };
        assert!(gate.deletion == id, "a gate is opened by the deletion that closed it");
        for waiting in gate.waiting {
            self.pass_gate(waiting);
        }
    }

    fn pass_gate(&mut self, id: RequestId) {
        let Some(request) = self.state.requests.get(&id) else { return };
        match &request.state {
            Request::Resolving { identity, .. } => {
                let identity = identity.clone();
                self.enter_gate(id, &identity);
            }
            Request::Collecting(_) => self.next_page(id),
            Request::Deleting(deletion) => {
                let client = deletion.client.clone();
                if !self.waits_at_gate(id, &client) {
                    self.begin_deletion(id, client);
                }
            }
            _ => {}
        }
    }

    pub(super) fn deletion_listed(&mut self, id: RequestId, page: Page) {
        match page {
            Page::Keys(rows) => self.delete_keys(id, rows),
            Page::Unfinished(rows) => {
                let Some(request) = self.state.requests.get(&id) else { return };
                let limit = crate::length(request.config.limits.page);
                let next = rows.last().map(|row| row.object).filter(|_| rows.len() >= limit);
                let being_made: BTreeMap<ObjectId, bool> = rows
                    .iter()
                    .filter_map(|row| self.state.lives.get(&row.object))
                    .map(|life| (life.object, life.is_being_made()))
                    .collect();
                self.change_deletion(id, |deletion| {
                    deletion.failed |= rows.iter().any(|row| match being_made.get(&row.object) {
                        Some(being_made) => !being_made,
                        None => !deletion.settled.contains(&row.object),
                    });
                    deletion.stage = match next {
                        Some(object) => Stage::Unfinished(Some(object)),
                        None => Stage::Done,
                    };
                });
                self.deletion_goes_on(id);
            }
            Page::Clients(_) | Page::Failed => {
                let client = match self.state.requests.get(&id).map(|request| &request.state) {
                    Some(Request::Deleting(deletion)) => deletion.client.clone(),
                    _ => return,
                };
                self.end_deletion(id, &client, Err(Status::KeyInfoManagerError));
            }
        }
    }

    /// A life is about to end that leaves no row of `unfinished`.
    pub(crate) fn settled_for_deletion(&mut self, object: ObjectId) {
        self.change_deletion_of(object, |deletion| {
            deletion.settled.insert(object);
        });
    }

    /// A life begins that may leave one, also of an object that was made or kept meanwhile.
    pub(crate) fn unsettled_for_deletion(&mut self, object: ObjectId) {
        self.change_deletion_of(object, |deletion| {
            deletion.settled.remove(&object);
        });
    }

    /// Changes the deletion of the client whose object it is, if there is one.
    fn change_deletion_of(&mut self, object: ObjectId, change: impl FnOnce(&mut Deletion)) {
        let application = self.state.lives.get(&object).map(|life| &life.identity.application);
        let gate = application.and_then(|name| self.state.gates.get(name));
        if let Some(deletion) = gate.map(|gate| gate.deletion) {
            self.change_deletion(deletion, change);
        }
    }

    fn change_deletion(&mut self, id: RequestId, change: impl FnOnce(&mut Deletion)) {
        if let Some(Request::Deleting(deletion)) =
            self.state.requests.get_mut(&id).map(|request| &mut request.state)
        {
            change(deletion);
        }
    }

    fn delete_keys(&mut self, id: RequestId, rows: Vec<ListedKey>) {
        let Some(request) = self.state.requests.get(&id) else { return };
        let limit = crate::length(request.config.limits.page);
        let Request::Deleting(deletion) = &request.state else { return };
        let (client, newest) = (deletion.client.clone(), deletion.newest);
        let next = rows.last().map(|row| (row.provider.clone(), row.name.clone()));
        let last = rows.len() < limit;
        let mut doomed: Vec<(KeyIdentity, ObjectId)> = Vec::new();
        let mut unreadable = false;
        for row in rows {
            let identity = KeyIdentity::new(&client, &row.provider, &row.name);
            match row.record.and_then(|record| record.decode_for(&identity).ok()) {
                Some(record) if self.state.mint.is_later(record.object, newest) => {}
                Some(record) => doomed.push((identity, record.object)),
                None => unreadable = true,
            }
        }
        self.change_deletion(id, |deletion| {
            deletion.failed |= unreadable;
            deletion.stage = if last { Stage::Unfinished(None) } else { Stage::Keys(next) };
            deletion.outstanding = crate::size(doomed.len());
        });
        if doomed.is_empty() {
            return self.deletion_goes_on(id);
        }
        for (identity, object) in doomed {
            self.join_line(&identity, Waiter::Deletion { request: id, object });
        }
    }

    /// One key of the page is destroyed, or cannot be.
    pub(crate) fn deletion_step_ended(
        &mut self,
        id: RequestId,
        _object: ObjectId,
        result: Result<(), Status>,
    ) {
        let mut page_done = false;
        self.change_deletion(id, |deletion| {
            deletion.failed |= result.is_err();
            deletion.outstanding = deletion.outstanding.saturating_sub(1);
            page_done = deletion.outstanding == 0;
        });
        if page_done {
            self.deletion_goes_on(id);
        }
    }
}
