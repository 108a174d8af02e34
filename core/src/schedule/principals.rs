//! A provider's queue: principals by the lane time they have used, their tenants in turn.
//!
//! A principal that asks for the first time, or again after a pause, starts at the current minimum: it has
//! no credit for the time it did not ask. What a job is expected to take is charged when it starts and
//! corrected when it ends, so that one principal does not get every lane before the first bill.

use crate::identity::{ApplicationIdentity, Principal};
use crate::providers::Queued;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::time::Duration;

/// Whose work something is: the principal that pays, and the tenant inside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Payer {
    pub(crate) principal: Principal,
    /// `None`: without identity.
    pub(crate) tenant: Option<ApplicationIdentity>,
}

/// Work that waits for a lane, and who pays for it.
#[derive(Debug, Hash)]
pub(crate) struct Queue<W = Queued> {
    accounts: BTreeMap<Principal, LaneTime<W>>,
    /// Principals with waiting work, least lane time first.
    order: BTreeSet<(Duration, Principal)>,
    /// Lane time of the principal that was served last: where newcomers start.
    minimum: Duration,
    length: usize,
    /// How much of the waiting work is slow.
    slow: usize,
}

#[derive(Debug, Hash)]
struct LaneTime<W> {
    used: Duration,
    /// Tenants with waiting work, next turn first.
    turns: VecDeque<Option<ApplicationIdentity>>,
    waiting: BTreeMap<Option<ApplicationIdentity>, VecDeque<Waiting<W>>>,
    /// How much of the waiting work is short: where it is none, nobody need look for it.
    short: usize,
    /// Jobs on lanes.
    running: usize,
}

/// Work that waits, and whether it was expected to be slow when it came.
#[derive(Clone, Copy, Debug, Hash)]
struct Waiting<W> {
    work: W,
    slow: bool,
}

/// Where work goes in the queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entrance {
    /// Whether it is expected to be slow.
    pub(crate) slow: bool,
    /// Whether it goes before its tenant's other work.
    pub(crate) first: bool,
}

impl<W> Default for Queue<W> {
    fn default() -> Self {
        Queue {
            accounts: BTreeMap::new(),
            order: BTreeSet::new(),
            minimum: Duration::ZERO,
            length: 0,
            slow: 0,
        }
    }
}

impl<W> Default for LaneTime<W> {
    fn default() -> Self {
        LaneTime {
            used: Duration::ZERO,
            turns: VecDeque::new(),
            waiting: BTreeMap::new(),
            short: 0,
            running: 0,
        }
    }
}

impl<W: Copy + PartialEq> Queue<W> {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Whether work waits that is expected to be slow.
    pub(crate) fn has_slow(&self) -> bool {
        self.slow > 0
    }

    /// Work of a tenant that waits here.
    pub(crate) fn waiting_of(&self, payer: &Payer) -> usize {
        let account = self.accounts.get(&payer.principal);
        account.and_then(|account| account.waiting.get(&payer.tenant)).map_or(0, VecDeque::len)
    }

    /// Adds work behind its tenant's other work, or before it.
    pub(crate) fn push(&mut self, payer: &Payer, work: W, Entrance { slow, first }: Entrance) {
        let minimum = self.minimum;
        let account = self.accounts.entry(payer.principal.clone()).or_default();
        if account.waiting.is_empty() {
            account.used = account.used.max(minimum);
            self.order.insert((account.used, payer.principal.clone()));
        }
        let waiting = account.waiting.entry(payer.tenant.clone()).or_default();
        if waiting.is_empty() {
            account.turns.push_back(payer.tenant.clone());
        }
        if first {
            waiting.push_front(Waiting { work, slow });
        } else {
            waiting.push_back(Waiting { work, slow });
        }
        account.short = account.short.saturating_add(usize::from(!slow));
        self.slow = self.slow.saturating_add(usize::from(slow));
        self.length = self.length.saturating_add(1);
    }

    /// Takes the work whose turn it is; with `short_only` among that which is short.
    pub(crate) fn pop(&mut self, short_only: bool) -> Option<(W, Payer)> {
        let (place, turn, index) = self.order.iter().find_map(|place| {
            let account = self.accounts.get(&place.1)?;
            let (turn, index) = account.next(short_only)?;
            Some((place.clone(), turn, index))
        })?;
        let account = self.accounts.get_mut(&place.1)?;
        let tenant = account.turns.remove(turn)?;
        let waiting = account.waiting.get_mut(&tenant)?;
        let Waiting { work, slow } = waiting.remove(index)?;
        account.short = account.short.saturating_sub(usize::from(!slow));
        self.slow = self.slow.saturating_sub(usize::from(slow));
        if waiting.is_empty() {
            account.waiting.remove(&tenant);
        } else {
            account.turns.push_back(tenant.clone());
        }
        self.minimum = self.minimum.max(place.0);
        self.length = self.length.saturating_sub(1);
        let principal = place.1.clone();
        if account.waiting.is_empty() {
            self.order.remove(&place);
        }
        self.forget_idle(&principal);
        Some((work, Payer { principal, tenant }))
    }

    /// Takes everything of one kind out, in any order.
    pub(crate) fn take_any(&mut self) -> Option<W> {
        self.pop(false).map(|(work, _)| work)
    }

    /// Takes work out. Whether it was there.
    pub(crate) fn remove(&mut self, payer: &Payer, work: W) -> bool {
        let Some(account) = self.accounts.get_mut(&payer.principal) else { return false };
        let Some(waiting) = account.waiting.get_mut(&payer.tenant) else { return false };
        let Some(index) = waiting.iter().position(|waits| waits.work == work) else { return false };
        let slow = waiting.remove(index).is_some_and(|waits| waits.slow);
        account.short = account.short.saturating_sub(usize::from(!slow));
        self.slow = self.slow.saturating_sub(usize::from(slow));
        self.length = self.length.saturating_sub(1);
        if waiting.is_empty() {
            account.waiting.remove(&payer.tenant);
            account.turns.retain(|tenant| *tenant != payer.tenant);
        }
        if account.waiting.is_empty() {
            self.order.remove(&(account.used, payer.principal.clone()));
        }
        self.forget_idle(&payer.principal);
        true
    }

    /// A job of this principal starts, and is expected to take so long.
    pub(crate) fn started(&mut self, principal: &Principal, expected: Duration) {
        let minimum = self.minimum;
        let account = self.accounts.entry(principal.clone()).or_default();
        // Who waits keeps what its jobs took less than was expected. Not more than that: where a principal was
        // overtaken for want of a lane for its work, others would wait for all of it afterwards.
        let credit = if account.waiting.is_empty() { Duration::ZERO } else { expected.saturating_mul(2) };
        let least = if account.running == 0 { minimum.saturating_sub(credit) } else { Duration::ZERO };
        account.running = account.running.saturating_add(1);
        self.charge(principal, |used| used.max(least).saturating_add(expected));
    }

    /// A job of this principal has ended, and has taken so long.
    pub(crate) fn ended(&mut self, principal: &Principal, expected: Duration, took: Duration) {
        self.charge(principal, |used| used.saturating_sub(expected).saturating_add(took));
        if let Some(account) = self.accounts.get_mut(principal) {
            account.running = account.running.saturating_sub(1);
        }
        self.forget_idle(principal);
    }

    fn charge(&mut self, principal: &Principal, change: impl FnOnce(Duration) -> Duration) {
        let Some(account) = self.accounts.get_mut(principal) else { return };
        let before = account.used;
        account.used = change(before);
        if self.order.remove(&(before, principal.clone())) {
            self.order.insert((account.used, principal.clone()));
        }
    }

    /// A principal that neither waits nor runs is forgotten, unless it is ahead: then it would come back
    /// as a newcomer and be served before those that waited.
    fn forget_idle(&mut self, principal: &Principal) {
        let minimum = self.minimum;
        let idle = |account: &LaneTime<W>| account.waiting.is_empty() && account.running == 0;
        if self.accounts.get(principal).is_some_and(|account| idle(account) && account.used <= minimum) {
            self.accounts.remove(principal);
        }
        if self.length == 0 {
            self.accounts.retain(|_, account| !idle(account));
        }
    }

    /// Principals that are known.
    pub(crate) fn principals(&self) -> usize {
        self.accounts.len()
    }
}

impl<W> LaneTime<W> {
    /// The turn and the place in it of the first work, or of the first that is short.
    fn next(&self, short_only: bool) -> Option<(usize, usize)> {
        if short_only && self.short == 0 {
            return None;
        }
        self.turns.iter().enumerate().find_map(|(turn, tenant)| {
            let index = self.waiting.get(tenant)?.iter().position(|waits| !(short_only && waits.slow))?;
            Some((turn, index))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::PeerGroup;
    use crate::ids::RequestId;

    fn payer(group: u64, tenant: &str) -> Payer {
        let tenant = ApplicationIdentity {
            authenticator: parsecd_wire::AuthenticationType::Direct,
            name: tenant.into(),
        };
        Payer { principal: Principal::Peers(PeerGroup(group)), tenant: Some(tenant) }
    }

    fn run(queue: &mut Queue, took: Duration) -> u64 {
        let (work, payer) = queue.pop(false).expect("work waits");
        queue.started(&payer.principal, Duration::ZERO);
        queue.ended(&payer.principal, Duration::ZERO, took);
        match work {
            Queued::Request(RequestId(id)) => id,
            Queued::Life(_) => unreachable!("only requests are queued"),
        }
    }

    #[test]
    fn principals_get_equal_lane_time_whatever_the_number_of_their_names_and_jobs() {
        let mut queue = Queue::default();
        for id in 0..100 {
            queue.push(
                &payer(1, &alloc::format!("name{id}")),
                Queued::Request(RequestId(1)),
                Entrance::default(),
            );
        }
        for _ in 0..50 {
            queue.push(&payer(2, "one"), Queued::Request(RequestId(2)), Entrance::default());
        }
        let mut time = [0_u64; 3];
        for _ in 0..60 {
            let id = match queue.order.first() {
                Some((_, Principal::Peers(PeerGroup(1)))) => 1,
                _ => 2,
            };
            let took = if id == 1 { 3 } else { 1 };
            assert_eq!(run(&mut queue, Duration::from_millis(took)), id);
            time[usize::try_from(id).unwrap()] += took;
        }
        assert!(time[1].abs_diff(time[2]) <= 3, "{time:?}");
    }

    #[test]
    fn tenants_of_one_principal_take_turns() {
        let mut queue = Queue::default();
        for _ in 0..3 {
            queue.push(&payer(1, "a"), Queued::Request(RequestId(1)), Entrance::default());
        }
        queue.push(&payer(1, "b"), Queued::Request(RequestId(2)), Entrance::default());
        let order: alloc::vec::Vec<u64> = (0..4).map(|_| run(&mut queue, Duration::from_millis(1))).collect();
        assert_eq!(order, [1, 2, 1, 1]);
        assert_eq!((queue.len(), queue.principals()), (0, 0));
    }

    #[test]
    fn whoever_was_overtaken_for_want_of_a_lane_is_charged_like_everybody() {
        let mut queue = Queue::default();
        let slow = Queued::Request(RequestId(1));
        for _ in 0..3 {
            queue.push(&payer(1, "a"), slow, Entrance { slow: true, first: false });
        }
        for _ in 0..10 {
            queue.push(&payer(2, "b"), Queued::Request(RequestId(2)), Entrance::default());
        }
        for _ in 0..5 {
            let (_, payer) = queue.pop(true).expect("short work waits");
            queue.started(&payer.principal, Duration::from_millis(5));
            queue.ended(&payer.principal, Duration::from_millis(5), Duration::from_millis(5));
        }
        let order: alloc::vec::Vec<u64> = (0..4).map(|_| run(&mut queue, Duration::from_millis(9))).collect();
        assert_eq!(order, [1, 2, 1, 2], "one turn each, not all of one principal first");
        while queue.take_any().is_some() {}
        assert_eq!((queue.len(), queue.principals(), queue.order.len()), (0, 0, 0));
    }

    #[test]
    fn who_waits_keeps_what_its_jobs_took_less_than_was_expected() {
        let mut queue = Queue::default();
        for _ in 0..1000 {
            queue.push(&payer(1, "a"), Queued::Request(RequestId(1)), Entrance::default());
            queue.push(&payer(2, "b"), Queued::Request(RequestId(2)), Entrance::default());
        }
        let mut time = [0_u64; 3];
        for _ in 0..1000 {
            let (_, payer) = queue.pop(false).expect("work waits");
            let Principal::Peers(PeerGroup(group)) = payer.principal else { unreachable!("both are peers") };
            let took = if group == 1 { 1 } else { 9 };
            queue.started(&payer.principal, Duration::from_millis(5));
            queue.ended(&payer.principal, Duration::from_millis(5), Duration::from_millis(took));
            time[usize::try_from(group).unwrap()] += took;
        }
        assert!(time[1].abs_diff(time[2]) <= 14, "{time:?}");
    }

    #[test]
    fn who_does_not_wait_gets_no_credit_although_a_job_of_it_runs() {
        let mut queue = Queue::default();
        let long = payer(1, "a").principal;
        queue.started(&long, Duration::from_millis(1));
        for _ in 0..100 {
            queue.push(&payer(2, "b"), Queued::Request(RequestId(2)), Entrance::default());
        }
        (0..50).for_each(|_| assert_eq!(run(&mut queue, Duration::from_millis(5)), 2));
        for _ in 0..10 {
            queue.push(&payer(1, "a"), Queued::Request(RequestId(1)), Entrance::default());
        }
        let order: alloc::vec::Vec<u64> = (0..8).map(|_| run(&mut queue, Duration::from_millis(5))).collect();
        assert!(order.iter().filter(|id| **id == 1).count() <= 5, "{order:?}");
    }

    #[test]
    fn a_newcomer_starts_at_the_minimum_and_gets_no_credit_for_its_absence() {
        let mut queue = Queue::default();
        for _ in 0..20 {
            queue.push(&payer(1, "a"), Queued::Request(RequestId(1)), Entrance::default());
        }
        for _ in 0..10 {
            run(&mut queue, Duration::from_millis(5));
        }
        for _ in 0..10 {
            queue.push(&payer(2, "b"), Queued::Request(RequestId(2)), Entrance::default());
        }
        let order: alloc::vec::Vec<u64> = (0..6).map(|_| run(&mut queue, Duration::from_millis(5))).collect();
        assert_eq!(order.iter().filter(|id| **id == 1).count(), 3, "{order:?}");
    }
}
