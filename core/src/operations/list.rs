//! ListKeys and ListClients: pages of the store, collected up to the response limit.

use crate::identity::{ApplicationIdentity, Text};
use crate::ids::{ProviderKey, RequestId};
use crate::observer::Event;
use crate::output::Output;
use crate::request::Request;
use crate::state::{Purpose, Step, StoreHealth};
use crate::store::{ListedKey, Page, Query};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use parsecd_wire::{AuthenticationType, KeyInfo, ProviderId, Reply, Status};

/// Memory of an entry beside its name.
const ENTRY_OVERHEAD: u64 = 64;

/// A list that is being collected.
#[derive(Debug, Hash)]
pub(crate) enum Collection {
    /// Keys of an application, provider by provider.
    Keys {
        application: ApplicationIdentity,
        /// Providers still to be asked; the first is being asked.
        providers: VecDeque<(ProviderId, Text)>,
        /// Last name of the page before.
        after: Option<Text>,
        keys: Vec<KeyInfo>,
        /// Bytes of the answer.
        size: u64,
    },
    /// Clients of an authenticator.
    Clients { authenticator: AuthenticationType, clients: Vec<String>, size: u64 },
}

impl Step<'_> {
    /// The application's keys on this listener's providers, in their order, then by name.
    pub(crate) fn list_keys(&mut self, id: RequestId) {
        let Some(request) = self.state.requests.get(&id) else { return };
        let Some(application) = request.caller.identity().cloned() else {
            return self.answer(id, Err(Status::NotAuthenticated));
        };
        let providers = self
            .providers_of(request)
            .into_iter()
            .filter_map(|key: ProviderKey| request.config.providers.get(&key))
            .map(|provider| (provider.info.id, provider.name.clone()))
            .collect();
        let collection = Collection::Keys {
            application: application.clone(),
            providers,
            after: None,
            keys: Vec::new(),
            size: 0,
        };
        self.request_becomes(id, Request::Collecting(collection));
        if !self.waits_at_gate(id, &application) {
            self.next_page(id);
        }
    }

    /// The admin's authenticator's clients that have at least one key.
    pub(crate) fn list_clients(&mut self, id: RequestId) {
        let Some(request) = self.state.requests.get(&id) else { return };
        let Some(authenticator) = request.caller.identity().map(|identity| identity.authenticator) else {
            return self.answer(id, Err(Status::NotAuthenticated));
        };
        let collection = Collection::Clients { authenticator, clients: Vec::new(), size: 0 };
        self.request_becomes(id, Request::Collecting(collection));
        self.next_page(id);
    }

    /// Asks for the next page, or answers if there is none.
    pub(crate) fn next_page(&mut self, id: RequestId) {
        let Some(request) = self.state.requests.get_mut(&id) else { return };
        let (limit, response) = (request.config.limits.page, request.config.limits.response);
        let Request::Collecting(collection) = &mut request.state else { return };
        let (size, query) = match collection {
            Collection::Keys { application, providers, after, size, .. } => {
                let query = providers.front().map(|(_, provider)| Query::Keys {
                    application: application.clone(),
                    provider: Some(provider.clone()),
                    after: after.clone().map(|name| (provider.clone(), name)),
                    limit,
                });
                (*size, query)
            }
            Collection::Clients { authenticator, clients, size } => {
                let after = clients.last().map(|name| Text::from(name.as_str()));
                (*size, Some(Query::Clients { authenticator: *authenticator, after, limit }))
            }
        };
        if size > response {
            return self.answer(id, Err(Status::ResponseTooLarge));
        }
        match query {
            Some(_) if self.state.store != StoreHealth::Up => {
                self.answer(id, Err(Status::KeyInfoManagerError));
            }
            Some(query) => {
                let ticket = self.ticket(Purpose::List(id));
                self.output(Output::List { ticket, query });
            }
            None => self.finish_list(id),
        }
    }

    fn finish_list(&mut self, id: RequestId) {
        let Some(Request::Collecting(collection)) = self.request_becomes(id, Request::Admitted) else {
            return;
        };
        let reply = match collection {
            Collection::Keys { keys, .. } => Reply::ListKeys { keys },
            Collection::Clients { clients, .. } => Reply::ListClients { clients },
        };
        self.answer(id, Ok(reply));
    }

    pub(crate) fn page_listed(&mut self, id: RequestId, page: Page) {
        let Some(request) = self.state.requests.get_mut(&id) else { return };
        let limit = crate::length(request.config.limits.page);
        match (&mut request.state, page) {
            (Request::Deleting(_), page) => self.deletion_listed(id, page),
            (Request::Collecting(Collection::Clients { clients, size, .. }), Page::Clients(names)) => {
                let last = names.len() < limit;
                let mut grown = 0_u64;
                for name in names {
                    grown = grown.saturating_add(crate::size(name.len())).saturating_add(ENTRY_OVERHEAD);
                    let entry = Reply::ListClients { clients: alloc::vec![String::from(&*name)] };
                    *size = size.saturating_add(crate::size(entry.encode().len()));
                    clients.push(String::from(&*name));
                }
                if self.list_grew(id, grown) {
                    if last { self.finish_list(id) } else { self.next_page(id) }
                }
            }
            (
                Request::Collecting(Collection::Keys { application, providers, after, keys, size }),
                Page::Keys(rows),
            ) => {
                *after = rows.last().map(|row| row.name.clone()).filter(|_| rows.len() >= limit);
                let (provider, _) = match after {
                    Some(_) => providers.front().cloned(),
                    None => providers.pop_front(),
                }
                .unwrap_or((ProviderId::Core, Text::from("")));
                let mut grown = 0_u64;
                for row in rows {
                    match readable(application, &row) {
                        Some(info) => {
                            let bytes = crate::size(info.name.len()).saturating_add(ENTRY_OVERHEAD);
                            grown = grown.saturating_add(bytes);
                            let info = KeyInfo { provider, ..info };
                            let entry = Reply::ListKeys { keys: alloc::vec![info.clone()] };
                            *size = size.saturating_add(crate::size(entry.encode().len()));
                            keys.push(info);
                        }
                        None => self.observer.event(Event::UnreadableRecord {
                            application,
                            provider: &row.provider,
                            name: &row.name,
                        }),
                    }
                }
                if self.list_grew(id, grown) {
                    self.next_page(id);
                }
            }
            _ => self.answer(id, Err(Status::KeyInfoManagerError)),
        }
    }
}

impl Step<'_> {
    /// Reserves memory for what a page has added, or tells the request that there is none. Whether it goes on.
    fn list_grew(&mut self, id: RequestId, bytes: u64) -> bool {
        let limit = self.state.config.limits.request_memory;
        let Some(request) = self.state.requests.get_mut(&id) else { return false };
        let fits = self.state.accounts.reserve(request.peer.group, request.reserved, bytes, limit);
        if fits {
            request.reserved = request.reserved.saturating_add(bytes);
        } else {
            self.answer(id, Err(Status::PsaErrorInsufficientMemory));
        }
        fits
    }
}

/// What ListKeys shows of a row; `None` if its record cannot be read.
fn readable(application: &ApplicationIdentity, row: &ListedKey) -> Option<KeyInfo> {
    let identity = crate::identity::KeyIdentity::new(application, &row.provider, &row.name);
    let record = row.record.as_ref()?.decode_for(&identity).ok()?;
    Some(KeyInfo {
        provider: ProviderId::Core,
        name: String::from(&*row.name),
        attributes: record.attributes,
    })
}
