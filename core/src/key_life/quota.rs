//! Quotas of keys and bytes, for tenants and principals. What is being made counts as if it were held.

use crate::config::{Limits, Quota};
use crate::identity::{ApplicationIdentity, KeyIdentity, Principal};
use crate::schedule::principals::Payer;
use crate::state::Step;
use alloc::collections::BTreeMap;
use parsecd_wire::Status;

/// Keys that are being made.
#[derive(Debug, Default, Hash)]
pub(crate) struct Makings {
    tenants: BTreeMap<ApplicationIdentity, u64>,
    principals: BTreeMap<Principal, u64>,
}

impl Makings {
    pub(super) fn begun(&mut self, payer: &Payer) {
        if let Some(tenant) = &payer.tenant {
            increment(&mut self.tenants, tenant);
        }
        increment(&mut self.principals, &payer.principal);
    }

    /// Tenants and principals that make keys.
    pub(crate) fn len(&self) -> usize {
        self.tenants.len().saturating_add(self.principals.len())
    }

    pub(super) fn ended(&mut self, payer: &Payer) {
        if let Some(tenant) = &payer.tenant {
            decrement(&mut self.tenants, tenant);
        }
        decrement(&mut self.principals, &payer.principal);
    }
}

fn increment<K: Ord + Clone>(counts: &mut BTreeMap<K, u64>, key: &K) {
    let count = counts.entry(key.clone()).or_default();
    *count = count.saturating_add(1);
}

fn decrement<K: Ord>(counts: &mut BTreeMap<K, u64>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Step<'_> {
    /// Whether one more key fits into the quotas of whoever pays for it.
    pub(super) fn check_quota(
        &self,
        identity: &KeyIdentity,
        payer: &Payer,
        limits: &Limits,
    ) -> Result<(), Status> {
        let held = self.counters(identity);
        let makings = &self.state.makings;
        let of_tenant = makings.tenants.get(&identity.application).copied().unwrap_or(0);
        let of_principal = makings.principals.get(&payer.principal).copied().unwrap_or(0);
        let tenant_fits = fits(limits.tenant_quota, held.tenant_keys, held.tenant_bytes, of_tenant);
        let principal_fits =
            fits(limits.principal_quota, held.principal_keys, held.principal_bytes, of_principal);
        if tenant_fits && principal_fits { Ok(()) } else { Err(Status::PsaErrorInsufficientStorage) }
    }
}

fn fits(quota: Quota, keys: u64, bytes: u64, making: u64) -> bool {
    keys.saturating_add(making) < quota.keys && bytes < quota.bytes
}
