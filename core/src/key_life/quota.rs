//! Quotas of keys and bytes, for principals and for tenants inside them. What is being made counts as if it were
//! held; its bytes count from when its record is on its way to the store.
//!
//! A creation is held to what the store says when it is asked for it at the creation's turn. Records that are on
//! their way to the store meanwhile may be in the answer or not. Where that matters, the answer decides nothing:
//! the creation waits until they have arrived, and the store is asked again.

use crate::config::{Limits, Quota};
use crate::identity::{KeyIdentity, Principal};
use crate::ids::{RequestId, Ticket};
use crate::schedule::principals::Payer;
use crate::state::Step;
use crate::store::Counters;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Keys that are being made, questions for counters, creations that wait to ask again.
#[derive(Debug, Default, Hash)]
pub(crate) struct Makings {
    /// Of tenants, and of principals, which have no tenant.
    accounts: BTreeMap<Payer, Account>,
    questions: BTreeMap<Ticket, Question>,
    waiting: BTreeMap<RequestId, (Principal, KeyIdentity)>,
}

/// Records, and the bytes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Records {
    keys: u64,
    bytes: u64,
}

/// What the store does not tell of a tenant or a principal.
#[derive(Debug, Default, Hash)]
struct Account {
    /// Keys that are being made.
    making: u64,
    /// Those of them whose records are on their way to the store.
    under_way: Records,
    /// Records that were on their way, and have arrived or not.
    settled: Records,
    /// Questions for its counters.
    questions: u64,
}

/// A question for counters.
#[derive(Debug, Hash)]
struct Question {
    payer: Payer,
    /// The request that came last before it was asked.
    newest: RequestId,
    /// What was settled when it was asked.
    tenant: Records,
    principal: Records,
}

/// What the store has just said that a tenant and its principal hold.
#[derive(Debug, Hash)]
pub(crate) struct Told {
    payer: Payer,
    newest: RequestId,
    counters: Counters,
    /// What was settled since it was asked.
    tenant: Records,
    principal: Records,
}

/// Whether there is room for one more key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Room {
    /// There is.
    Enough,
    /// The store has to be asked.
    Unknown,
    /// There may be: records are on their way that the store has counted or not.
    Unclear,
    /// There is none.
    Full,
}

impl Records {
    fn one(bytes: u64) -> Records {
        Records { keys: 1, bytes }
    }

    fn and(self, other: Records) -> Records {
        Records { keys: self.keys.saturating_add(other.keys), bytes: self.bytes.saturating_add(other.bytes) }
    }

    fn without(self, other: Records) -> Records {
        Records { keys: self.keys.saturating_sub(other.keys), bytes: self.bytes.saturating_sub(other.bytes) }
    }

    fn fit(self, quota: Quota) -> bool {
        self.keys < quota.keys && self.bytes < quota.bytes
    }
}

impl Makings {
    /// A key is being made.
    pub(super) fn begun(&mut self, payer: &Payer) {
        self.change(payer, |account| account.making = account.making.saturating_add(1));
    }

    /// Its record, of so many bytes, is on its way to the store.
    pub(super) fn publishes(&mut self, payer: &Payer, bytes: u64) {
        self.change(payer, |account| account.under_way = account.under_way.and(Records::one(bytes)));
    }

    /// It is not being made any more; `published`: bytes of its record, if that was on its way.
    pub(super) fn ended(&mut self, payer: &Payer, published: Option<u64>) {
        self.change(payer, |account| {
            account.making = account.making.saturating_sub(1);
            if let Some(record) = published.map(Records::one) {
                account.under_way = account.under_way.without(record);
                account.settled = account.settled.and(record);
            }
        });
    }

    /// The store is asked what a payer holds.
    pub(crate) fn asks(&mut self, ticket: Ticket, payer: &Payer, newest: RequestId) {
        self.change(payer, |account| account.questions = account.questions.saturating_add(1));
        let settled = |of: &Payer| self.accounts.get(of).map(|account| account.settled).unwrap_or_default();
        let (tenant, principal) = (settled(payer), settled(&of_principal(payer)));
        let question = Question { payer: payer.clone(), newest, tenant, principal };
        self.questions.insert(ticket, question);
    }

    /// The store has answered.
    pub(crate) fn told(&mut self, ticket: Ticket, counters: Counters) -> Option<Told> {
        let Question { payer, newest, tenant, principal } = self.questions.remove(&ticket)?;
        let since = |of: &Payer, before: Records| {
            self.accounts.get(of).map(|account| account.settled.without(before)).unwrap_or_default()
        };
        let (tenant, principal) = (since(&payer, tenant), since(&of_principal(&payer), principal));
        self.change(&payer, |account| account.questions = account.questions.saturating_sub(1));
        Some(Told { payer, newest, counters, tenant, principal })
    }

    /// Changes the accounts of a tenant and its principal, and forgets those that nobody needs.
    fn change(&mut self, payer: &Payer, change: impl Fn(&mut Account)) {
        let tenant = payer.tenant.is_some().then(|| payer.clone());
        for of in tenant.into_iter().chain([of_principal(payer)]) {
            let account = self.accounts.entry(of.clone()).or_default();
            change(account);
            if account.making == 0 && account.questions == 0 {
                self.accounts.remove(&of);
            }
        }
    }

    fn room(&self, payer: &Payer, told: &Told, limits: &Limits) -> Room {
        let Counters { tenant_keys, tenant_bytes, principal_keys, principal_bytes } = told.counters;
        let tenant = Records { keys: tenant_keys, bytes: tenant_bytes };
        let principal = Records { keys: principal_keys, bytes: principal_bytes };
        let of_tenant = self.room_of(payer, tenant, told.tenant, limits.tenant_quota);
        let of_principal =
            self.room_of(&of_principal(payer), principal, told.principal, limits.principal_quota);
        of_tenant.max(of_principal)
    }

    fn room_of(&self, of: &Payer, held: Records, since: Records, quota: Quota) -> Room {
        let account = self.accounts.get(of).map(|account| (account.making, account.under_way));
        let (keys, under_way) = account.unwrap_or_default();
        let making = Records { keys, bytes: under_way.bytes };
        if held.and(since).and(making).fit(quota) {
            Room::Enough
        } else if held.and(making.without(under_way)).fit(quota) {
            Room::Unclear
        } else {
            Room::Full
        }
    }

    /// Has a creation wait until the records of its principal that are under way have arrived. False if there are
    /// none.
    pub(crate) fn wait(&mut self, id: RequestId, payer: &Payer, identity: &KeyIdentity) -> bool {
        let account = self.accounts.get(&of_principal(payer));
        let waits = account.is_some_and(|account| account.under_way.keys > 0);
        if waits {
            self.waiting.insert(id, (payer.principal.clone(), identity.clone()));
        }
        waits
    }

    /// Whether a creation waits for that.
    pub(crate) fn waits(&self, id: RequestId) -> bool {
        self.waiting.contains_key(&id)
    }

    /// A request is over.
    pub(crate) fn forget(&mut self, id: RequestId) {
        self.waiting.remove(&id);
    }

    /// Accounts, questions and creations that wait.
    pub(crate) fn len(&self) -> usize {
        self.accounts.len().saturating_add(self.questions.len()).saturating_add(self.waiting.len())
    }
}

fn of_principal(payer: &Payer) -> Payer {
    Payer { principal: payer.principal.clone(), tenant: None }
}

impl Step<'_> {
    /// Whether there is room for the key that a request is to make under this name.
    pub(crate) fn room_for(&self, identity: &KeyIdentity, id: RequestId) -> Room {
        let Some(request) = self.state.requests.get(&id) else { return Room::Unknown };
        let payer = request.payer();
        let Some(told) = self.told(identity).filter(|told| told.payer == payer) else { return Room::Unknown };
        match self.state.makings.room(&payer, told, &request.config.limits) {
            // What it had no room for may have been gone when it came.
            Room::Full if id > told.newest => Room::Unknown,
            room => room,
        }
    }

    /// Creations of a principal that waited, or of all, ask the store again.
    pub(super) fn ask_again(&mut self, principal: Option<&Principal>) {
        let waiting = self.state.makings.waiting.iter();
        let waiting: Vec<(RequestId, KeyIdentity)> = waiting
            .filter(|(_, (of, _))| principal.is_none_or(|principal| of == principal))
            .map(|(id, (_, identity))| (*id, identity.clone()))
            .collect();
        for (id, _) in &waiting {
            self.state.makings.forget(*id);
        }
        for (_, identity) in waiting {
            self.advance_line(&identity);
        }
    }
}
