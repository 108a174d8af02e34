//! Quotas: what each principal and each of its tenants really holds and has made, and what follows for a creation.
//!
//! A key counts for whoever asked for it, from when its making begins until that has failed or its row is gone. Its
//! bytes count from when its record is handed to the store. A creation is held to the configuration that its request
//! came under. Where no quota is ever near nothing is kept.

use super::Auditor;
use super::fairness::payer;
use crate::call::{Call, Meaning};
use crate::knobs;
use crate::limit::Limit;
use crate::oracle::{Mark, Oracle};
use crate::store::{Store, Tables};
use parsecd_core::config::{Config, Limits, Quota};
use parsecd_core::identity::{ApplicationIdentity, KeyIdentity, Principal};
use parsecd_core::ids::{ObjectId, RequestId};
use parsecd_core::store::Mutation;
use parsecd_wire::Status;
use std::collections::{BTreeMap, BTreeSet};

/// A key that somebody asked for.
#[derive(Clone, Debug)]
struct Key {
    identity: KeyIdentity,
    tenant: Option<ApplicationIdentity>,
    bytes: u64,
    /// Nobody was told that it failed.
    making: bool,
    /// There is a row of it.
    held: bool,
    /// Step in which neither was so any more.
    ended: Option<u64>,
}

/// Keys, and bytes of their records.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    keys: u64,
    bytes: u64,
}

/// All keys there ever were, and who pays for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quotas {
    near: bool,
    /// Those that count, or did when the oldest open creation came.
    counted: BTreeMap<Principal, BTreeMap<ObjectId, Key>>,
    /// The others: the copy of a store may bring them back.
    past: BTreeMap<ObjectId, (Principal, Key)>,
    principals: BTreeMap<ObjectId, Principal>,
    /// The request that goes on as the life of a key.
    begins: Option<usize>,
    /// Requests whose keys are being made.
    made_for: BTreeMap<usize, ObjectId>,
    /// Requests that were refused although no life began, when there may have been no room.
    no_room: BTreeSet<usize>,
    /// Principals that were refused for their quota, and whether a key of them has gone since.
    refused: BTreeMap<Principal, bool>,
}

impl Quotas {
    /// Of a world that begins with this configuration.
    pub(crate) fn new(config: &Config) -> Self {
        Quotas { near: knobs::has_quotas(&config.limits), ..Quotas::default() }
    }

    fn key(&mut self, object: ObjectId) -> Option<&mut Key> {
        self.counted.get_mut(self.principals.get(&object)?)?.get_mut(&object)
    }

    /// What counts for a tenant and for its principal, of what `wanted` lets through.
    fn sums(&self, of: &(Principal, Option<ApplicationIdentity>), wanted: impl Fn(&Key) -> bool) -> [Sum; 2] {
        let mut sums = [Sum::default(); 2];
        let keys = self.counted.get(&of.0).into_iter().flat_map(BTreeMap::values);
        for key in keys.filter(|key| wanted(key)) {
            let whose = if key.tenant == of.1 { &mut sums[..] } else { &mut sums[1..] };
            for sum in whose {
                sum.keys += 1;
                sum.bytes += key.bytes;
            }
        }
        sums
    }

    /// Keys that have ended before the oldest open request came are past.
    fn forget(&mut self, principal: &Principal, oldest: u64) {
        let Quotas { counted, past, .. } = self;
        let Some(keys) = counted.get_mut(principal) else { return };
        let over: Vec<ObjectId> = keys
            .iter()
            .filter(|(_, key)| key.ended.is_some_and(|ended| ended < oldest))
            .map(|(object, _)| *object)
            .collect();
        for object in over {
            past.extend(keys.remove(&object).map(|key| (object, (principal.clone(), key))));
        }
    }

    /// A making is over, well or not.
    fn ends(&mut self, object: ObjectId, moment: u64) {
        if let Some(key) = self.key(object) {
            key.making = false;
            key.ended = key.ended.or((!key.held).then_some(moment));
        }
    }

    /// The store has written something. `all`: not only what was handed to it may differ.
    pub(crate) fn written(&mut self, moment: u64, store: &Store, all: bool) {
        if !self.near {
            return;
        }
        let tables = store.visible();
        if all {
            self.back_again(tables);
        }
        for (principal, keys) in &mut self.counted {
            for (object, key) in keys {
                let was = key.held;
                key.held = tables.keys.get(&key.identity).is_some_and(|row| row.object == *object);
                key.ended = match key.ended {
                    _ if key.held || key.making => None,
                    ended => ended.or(Some(moment)),
                };
                if was && !key.held {
                    self.refused.get_mut(principal).into_iter().for_each(|freed| *freed = true);
                }
            }
        }
    }

    fn back_again(&mut self, tables: &Tables) {
        for row in tables.keys.values() {
            if let Some((principal, key)) = self.past.remove(&row.object) {
                self.counted.entry(principal).or_default().insert(row.object, key);
            }
        }
    }

    /// The daemon died.
    pub(crate) fn crashed(&mut self, moment: u64, store: &Store) {
        self.begins = None;
        self.made_for.clear();
        self.no_room.clear();
        self.counted.values_mut().flat_map(BTreeMap::values_mut).for_each(|key| key.making = false);
        self.written(moment, store, true);
    }

    /// A request has its answer, or is gone.
    pub(crate) fn over(&mut self, id: usize) {
        self.made_for.remove(&id);
        self.no_room.remove(&id);
    }

    /// Whether there may have been no room for the key of a request when it was told this.
    pub(crate) fn excuses(&self, id: usize, status: Status) -> bool {
        status == Status::PsaErrorInsufficientStorage && self.no_room.contains(&id)
    }
}

/// Whether there is room for one more key.
fn fits([tenant, principal]: [Sum; 2], limits: &Limits) -> bool {
    let fits = |sum: Sum, quota: Quota| sum.keys < quota.keys && sum.bytes < quota.bytes;
    fits(tenant, limits.tenant_quota) && fits(principal, limits.principal_quota)
}

impl Auditor {
    /// A request goes on as the life of a key, which is told next.
    pub(crate) fn follows(&mut self, request: RequestId) {
        if self.quotas.near {
            self.quotas.begins = self.requests.get(&request).copied();
        }
    }

    /// The life of a key goes on.
    pub(crate) fn key_goes_on(
        &mut self,
        object: ObjectId,
        (from, to): (&str, &str),
        calls: &[Call],
        moment: u64,
    ) {
        if !self.quotas.near {
            return;
        }
        match to {
            "Making" | "Reserving" if from == "None" => self.key_begins(object, calls, moment),
            "None" | "Emptying" | "Retiring" | "Removing" | "Erasing" => self.quotas.ends(object, moment),
            _ => {}
        }
    }

    fn key_begins(&mut self, object: ObjectId, calls: &[Call], moment: u64) {
        let begins = self.quotas.begins.take();
        let Some((id, call)) = begins.and_then(|id| calls.get(id).map(|call| (id, call))) else { return };
        let Meaning::Create { key, .. } = &call.meaning else { return };
        let payer = payer(call);
        let oldest = self.open.values().map(|open| open.received).min().unwrap_or(moment);
        self.quotas.forget(&payer.0, oldest);
        let sums = self.quotas.sums(&payer, |key| key.making || key.held);
        if let Some((_, _, config)) = self.open.get(&id).and_then(|open| open.runs_under.as_ref()) {
            let limits = &config.limits;
            self.findings.check(Oracle::Quota, fits(sums, limits), || {
                let quotas = [limits.tenant_quota, limits.principal_quota];
                format!("request {id} makes a key although {payer:?} have {sums:?} of {quotas:?}")
            });
            let distances = &mut self.findings.distances;
            distances.note(Limit::TenantKeys, sums[0].keys + 1, limits);
            distances.note(Limit::PrincipalKeys, sums[1].keys + 1, limits);
        }
        let (principal, tenant) = payer;
        let key = Key { identity: key.clone(), tenant, bytes: 0, making: true, held: false, ended: None };
        self.quotas.principals.insert(object, principal.clone());
        self.quotas.counted.entry(principal).or_default().insert(object, key);
        self.quotas.made_for.insert(id, object);
    }

    /// A record is handed to the store.
    pub(crate) fn key_is_handed_over(&mut self, mutation: &Mutation) {
        let Mutation::Publish { object, record, principal, .. } = mutation else { return };
        let bytes = record.0.len() as u64;
        let Some(key) = self.quotas.key(*object) else { return };
        key.bytes = bytes;
        let tenant = key.tenant.clone();
        if let Some(payer) = self.quotas.principals.get(object) {
            let sums = self.quotas.sums(&(payer.clone(), tenant), |key| key.making || key.held);
            let (distances, limits) = (&mut self.findings.distances, &self.configurations.current().limits);
            distances.note(Limit::TenantBytes, sums[0].bytes, limits);
            distances.note(Limit::PrincipalBytes, sums[1].bytes, limits);
        }
        let own = self.quotas.principals.get(object).map(Principal::to_text);
        self.findings.check(Oracle::Quota, own.as_ref() == Some(principal), || {
            format!("{object} is to count for {principal:?}, {own:?} asked for it")
        });
    }

    /// The core has decided what a creation is told.
    pub(crate) fn creation_decided(&mut self, id: usize, call: &Call, status: Status, moment: u64) {
        if !self.quotas.near || !matches!(call.meaning, Meaning::Create { .. }) {
            return;
        }
        let payer = payer(call);
        let object = self.quotas.made_for.get(&id).copied();
        match (status, object) {
            (Status::Success, _) if self.quotas.refused.get(&payer.0) == Some(&true) => {
                self.quotas.refused.remove(&payer.0);
                self.findings.mark(Mark::QuotaFreedThenRoom);
            }
            (Status::Success, _) => {}
            (_, Some(object)) => self.quotas.ends(object, moment),
            (Status::PsaErrorInsufficientStorage, None) => self.check_refusal(id, &payer),
            _ => {}
        }
    }

    /// Nothing was begun for a creation that is told that there is no room: its quota must be why.
    fn check_refusal(&mut self, id: usize, payer: &(Principal, Option<ApplicationIdentity>)) {
        let Some(open) = self.open.get(&id) else { return };
        let Some((_, _, config)) = &open.runs_under else { return };
        let (received, limits) = (open.received, &config.limits);
        let sums = self.quotas.sums(payer, |key| key.ended.is_none_or(|ended| ended >= received));
        let full = !fits(sums, limits);
        self.findings.check(Oracle::Quota, full, || {
            let quotas = [limits.tenant_quota, limits.principal_quota];
            format!("request {id} has no room although {payer:?} had no more than {sums:?} of {quotas:?}")
        });
        if full {
            self.findings.mark(Mark::QuotaFull);
            self.quotas.no_room.insert(id);
            self.quotas.refused.entry(payer.0.clone()).or_insert(false);
        }
    }
}
