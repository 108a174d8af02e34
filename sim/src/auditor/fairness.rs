//! I9: principals that both wait for a provider get equal lane time, tenants of one principal take turns.
//!
//! What is known: who waits, from the requests that are queued for a lane; what a lane's time went to, from
//! when jobs were given to it and ended. A principal here is worked out from what the client showed and from
//! its uid, so that a hundred names that clients give themselves are one.

use super::lead::{Lead, Swing};
use crate::call::Call;
use parsecd_core::identity::{ApplicationIdentity, Principal};
use parsecd_core::ids::{LaneKey, ProviderKey, Ticket};
use parsecd_wire::AuthenticationType;
use std::collections::{BTreeMap, VecDeque};

/// Jobs that take longer are kept off the last lane, and wait while others are served: no promise holds then.
const SHORT: u64 = 20_000_000;

/// A tenant: `None` without identity.
type Tenant = Option<ApplicationIdentity>;

/// Who pays for a request, and for which of its tenants.
pub fn payer(call: &Call) -> (Principal, Tenant) {
    let tenant = call.application.clone();
    let verified = |application: &ApplicationIdentity| {
        matches!(
            application.authenticator,
            AuthenticationType::UnixPeerCredentials | AuthenticationType::JwtSvid
        )
    };
    match &tenant {
        Some(application) if verified(application) => (Principal::Verified(application.clone()), tenant),
        _ => (Principal::Peers(call.peer.group), tenant),
    }
}

/// What came of a job's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Largest difference of lane time between two principals that both wait, or by which one was ahead of
    /// another that waited all the time, and how much it may be.
    pub difference: u64,
    /// See `difference`.
    pub allowed: u64,
    /// The same as near as can be, where it is known.
    pub swing: Option<Swing>,
    /// Four principals have waited for a thousand starts, and the swing has come within a tenth of what it may be:
    /// told once.
    pub saturated: bool,
}

/// The lanes of all providers.
#[derive(Clone, Debug, Default)]
pub struct Fairness {
    /// All jobs of clients are of one kind and nothing goes wrong: see [`Lead`].
    pub even: bool,
    providers: BTreeMap<ProviderKey, Shares>,
    /// Where each queued request waits.
    waiting: BTreeMap<usize, (ProviderKey, Principal, Tenant)>,
}

#[derive(Clone, Debug, Default)]
struct Shares {
    lanes: BTreeMap<LaneKey, VecDeque<Given>>,
    waiting: BTreeMap<Principal, BTreeMap<Tenant, u32>>,
    /// How many wait.
    length: u64,
    used: BTreeMap<Principal, u64>,
    /// Lane time that both had used when both began to wait.
    both: BTreeMap<(Principal, Principal), (u64, u64)>,
    /// Lane time that each had used when this one began to wait.
    since: BTreeMap<Principal, BTreeMap<Principal, u64>>,
    /// Starts of each tenant since both began to wait.
    turns: BTreeMap<(Principal, Tenant, Tenant), (u32, u32)>,
    longest: u64,
    /// Most jobs that lanes had at a time.
    depth: u64,
    /// Starts while at least four principals wait.
    crowded: u64,
    saturated: bool,
    tight: bool,
    told: bool,
    lead: Lead,
}

#[derive(Clone, Debug)]
struct Given {
    ticket: Ticket,
    principal: Option<Principal>,
    began: u64,
}

impl Fairness {
    /// A request waits for a lane. How many do, and how many of its tenant.
    pub fn queued(&mut self, id: usize, provider: ProviderKey, call: &Call) -> (u64, u64) {
        let (principal, tenant) = payer(call);
        let shares = self.providers.entry(provider).or_default();
        if self.even && !shares.waiting.contains_key(&principal) {
            shares.lead.begins(&principal);
        }
        shares.begins(&principal, &tenant);
        let of_tenant = shares.waiting.get(&principal).and_then(|tenants| tenants.get(&tenant));
        let lengths = (shares.length, u64::from(of_tenant.copied().unwrap_or_default()));
        self.waiting.insert(id, (provider, principal, tenant));
        lengths
    }

    /// A request does not wait any more.
    pub fn left(&mut self, id: usize) {
        if let Some((provider, principal, tenant)) = self.waiting.remove(&id) {
            let shares = self.providers.entry(provider).or_default();
            shares.ends(&principal, &tenant);
            if self.even && !shares.waiting.contains_key(&principal) {
                shares.lead.ends(&principal);
            }
        }
    }

    /// A request that waits for this provider.
    pub fn waits_for(&self, provider: ProviderKey) -> Option<usize> {
        self.waiting.iter().find(|(_, (of, ..))| *of == provider).map(|(id, _)| *id)
    }

    /// A lane is given a job. Whether a tenant that waits has been passed over too often.
    pub fn started(&mut self, lane: LaneKey, ticket: Ticket, call: Option<&Call>, now: u64) -> bool {
        let shares = self.providers.entry(lane.host.provider).or_default();
        let payer = call.map(payer);
        let principal = payer.as_ref().map(|(principal, _)| principal.clone());
        if principal.is_none() {
            // Somebody may pay for it who waits.
            shares.since.values_mut().for_each(|since| since.clone_from(&shares.used));
        }
        let whose = principal.clone();
        shares.lanes.entry(lane).or_default().push_back(Given { ticket, principal, began: now });
        let depth = shares.lanes.values().map(|jobs| jobs.len() as u64).sum();
        shares.depth = shares.depth.max(depth);
        if self.even {
            shares.lead.started(ticket, whose.as_ref(), depth);
        }
        shares.crowded = if shares.waiting.len() >= 4 { shares.crowded + 1 } else { 0 };
        shares.saturated |= shares.crowded >= 1000;
        let most = if self.even { 1 } else { 2 };
        payer.is_some_and(|(principal, tenant)| shares.turn(&principal, &tenant, most))
    }

    /// A lane gives a job back.
    pub fn ended(&mut self, provider: ProviderKey, ticket: Ticket, now: u64) -> Option<Verdict> {
        let shares = self.providers.get_mut(&provider)?;
        let (principal, took) = shares.take(ticket, now)?;
        let swing = if self.even { shares.lead.ended(ticket, took) } else { None };
        shares.tight |= swing.is_some_and(|swing| swing.seen * 10 >= swing.allowed * 9);
        let principal = principal?;
        // One longest job, and three times what lanes hold: what was under way when both began to wait, what
        // is under way now (both are charged by what such jobs take on average), and where a newcomer starts.
        let allowed = shares.longest * (3 * shares.depth + 1);
        if shares.longest > SHORT {
            return None;
        }
        let difference = shares.widest(&principal).max(shares.ahead(&principal))?;
        let saturated = shares.saturated && shares.tight && !shares.told;
        shares.told |= saturated;
        Some(Verdict { difference, allowed, swing, saturated })
    }
}

impl Shares {
    fn begins(&mut self, principal: &Principal, tenant: &Tenant) {
        if !self.waiting.contains_key(principal) {
            for other in self.waiting.keys() {
                let pair = ordered(principal, other);
                let used = |one: &Principal| self.used.get(one).copied().unwrap_or_default();
                self.both.insert(pair.clone(), (used(&pair.0), used(&pair.1)));
            }
            self.since.insert(principal.clone(), self.used.clone());
        }
        let tenants = self.waiting.entry(principal.clone()).or_default();
        if !tenants.contains_key(tenant) {
            for other in tenants.keys() {
                let (low, high) = ordered(tenant, other);
                self.turns.insert((principal.clone(), low, high), (0, 0));
            }
        }
        *tenants.entry(tenant.clone()).or_default() += 1;
        self.length += 1;
    }

    fn ends(&mut self, principal: &Principal, tenant: &Tenant) {
        let Some(tenants) = self.waiting.get_mut(principal) else { return };
        let Some(count) = tenants.get_mut(tenant) else { return };
        *count -= 1;
        self.length -= 1;
        if *count == 0 {
            tenants.remove(tenant);
            self.turns.retain(|(of, low, high), _| of != principal || (low != tenant && high != tenant));
        }
        if tenants.is_empty() {
            self.waiting.remove(principal);
            self.since.remove(principal);
            self.both.retain(|(low, high), _| low != principal && high != principal);
        }
    }

    /// A tenant's work was started. Whether another one of the principal waits that should have been.
    fn turn(&mut self, principal: &Principal, tenant: &Tenant, most: u32) -> bool {
        let mut skipped = false;
        for ((of, low, high), (lows, highs)) in &mut self.turns {
            if of != principal || (low != tenant && high != tenant) {
                continue;
            }
            let count = if low == tenant { &mut *lows } else { &mut *highs };
            *count += 1;
            skipped |= lows.abs_diff(*highs) > most;
        }
        skipped && self.longest <= SHORT
    }

    /// Takes a job off its lane and charges it. Whose it was, if it had begun and somebody pays, and what it took.
    fn take(&mut self, ticket: Ticket, now: u64) -> Option<(Option<Principal>, u64)> {
        let jobs = self.lanes.values_mut().find(|jobs| jobs.iter().any(|job| job.ticket == ticket))?;
        let index = jobs.iter().position(|job| job.ticket == ticket)?;
        let job = jobs.remove(index)?;
        if index > 0 {
            return Some((None, 0));
        }
        if let Some(next) = jobs.front_mut() {
            next.began = now;
        }
        let took = now - job.began;
        if let Some(principal) = &job.principal {
            self.longest = self.longest.max(took);
            *self.used.entry(principal.clone()).or_default() += took;
        }
        Some((job.principal, took))
    }

    /// The largest difference between this principal and another that waits with it.
    fn widest(&self, principal: &Principal) -> Option<u64> {
        let used = |one: &Principal| self.used.get(one).copied().unwrap_or_default();
        let pairs = self.both.iter().filter(|((low, high), _)| low == principal || high == principal);
        pairs
            .map(|((low, high), (before_low, before_high))| {
                (used(low) - before_low).abs_diff(used(high) - before_high)
            })
            .max()
    }
}

impl Shares {
    /// By how much this principal is ahead of another that has waited all the time, at most: pauses give no
    /// credit.
    fn ahead(&self, principal: &Principal) -> Option<u64> {
        let waiting = self.since.iter().filter(|(other, _)| *other != principal);
        let ahead = waiting.map(|(other, since)| {
            let used = |of: &Principal| {
                let before = since.get(of).copied().unwrap_or_default();
                self.used.get(of).copied().unwrap_or_default() - before
            };
            used(principal).saturating_sub(used(other))
        });
        ahead.max()
    }
}

fn ordered<T: Ord + Clone>(one: &T, two: &T) -> (T, T) {
    if one < two { (one.clone(), two.clone()) } else { (two.clone(), one.clone()) }
}
