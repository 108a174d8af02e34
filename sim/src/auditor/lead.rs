//! I9 as near as can be: who is served is never ahead of another one that waits.
//!
//! Where every job of a provider is charged by one average, and nothing goes wrong, the core's promise is this. It
//! starts a job of a principal only if that principal has used no more than any other that waits, as far as is known:
//! jobs that are under way count as what jobs take on average. So a principal is ahead by no more than what is thought
//! wrongly of the jobs under way (a *quantum*: with `depth` jobs on all lanes, this one included, `depth - 1` times the
//! difference of the longest and the shortest job), and afterwards by one longest job more. That holds in either
//! direction: while both wait, the lead of one of them moves within twice one longest job and one quantum.
//!
//! It is checked in hindsight, job by job in the order in which they were started, once it is known what each took:
//! then nothing need be assumed of jobs that are under way, nor of where the two began.

use parsecd_core::identity::Principal;
use parsecd_core::ids::Ticket;
use std::collections::{BTreeMap, VecDeque};

/// What a job is thought to take of which none was measured, in nanoseconds.
const ASSUMED: u64 = 500_000;
/// What an average of whole nanoseconds may be less than it should be.
const ROUNDED: u64 = 10;

/// How far the lead of one principal over another has moved, and how far it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swing {
    /// How far it has moved.
    pub seen: u64,
    /// How far it may.
    pub allowed: u64,
}

/// Who has used how much of a provider's lanes, as far as the jobs are known that were started first.
#[derive(Clone, Debug, Default)]
pub struct Lead {
    numbers: BTreeMap<Principal, usize>,
    used: Vec<u64>,
    /// Who waits, and how many began to wait before.
    waiting: BTreeMap<usize, u64>,
    began: u64,
    /// Jobs in the order in which they were started, from the first on of which it is not known what it took.
    started: VecDeque<Started>,
    /// Where the lead of one of two that both wait has been.
    pairs: BTreeMap<(usize, usize), Range>,
    longest: u64,
    shortest: u64,
    depth: u64,
}

#[derive(Clone, Debug)]
struct Started {
    ticket: Ticket,
    whose: Option<usize>,
    took: Option<u64>,
    /// Who waited then.
    waiting: Vec<(usize, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    /// When each began to wait.
    since: (u64, u64),
    least: i64,
    most: i64,
}

impl Lead {
    fn number(&mut self, principal: &Principal) -> usize {
        if let Some(number) = self.numbers.get(principal) {
            return *number;
        }
        let number = self.used.len();
        self.numbers.insert(principal.clone(), number);
        self.used.push(0);
        number
    }

    /// A principal begins to wait.
    pub fn begins(&mut self, principal: &Principal) {
        let number = self.number(principal);
        self.began += 1;
        self.waiting.insert(number, self.began);
    }

    /// A principal does not wait any more.
    pub fn ends(&mut self, principal: &Principal) {
        let number = self.number(principal);
        self.waiting.remove(&number);
    }

    /// A job is given to a lane; lanes have so many now.
    pub fn started(&mut self, ticket: Ticket, principal: Option<&Principal>, depth: u64) {
        self.depth = self.depth.max(depth);
        let whose = principal.map(|principal| self.number(principal));
        let waiting = self.waiting.iter().map(|(number, since)| (*number, *since)).collect();
        self.started.push_back(Started { ticket, whose, took: None, waiting });
    }

    /// A job has left its lane, and has taken so long of it. The widest swing of which more is known now.
    pub fn ended(&mut self, ticket: Ticket, took: u64) -> Option<Swing> {
        let ended = self.started.iter_mut().find(|job| job.ticket == ticket)?;
        ended.took = Some(took);
        self.longest = self.longest.max(took).max(ASSUMED);
        self.shortest = if self.shortest == 0 { took.min(ASSUMED) } else { self.shortest.min(took) };
        let mut widest = None;
        while let Some(Started { took: Some(took), .. }) = self.started.front() {
            let took = *took;
            let job = self.started.pop_front()?;
            widest = widest.max(self.goes_ahead(&job, took));
        }
        let quantum = self.depth.saturating_sub(1) * (self.longest - self.shortest + ROUNDED);
        widest.map(|seen| Swing { seen, allowed: 2 * (self.longest + quantum) })
    }

    /// How far the lead of the one whose job this is has moved over another that waited, at most.
    fn goes_ahead(&mut self, job: &Started, took: u64) -> Option<u64> {
        let own = job.whose?;
        let before = self.used[own];
        self.used[own] += took;
        let (_, since) = *job.waiting.iter().find(|(number, _)| *number == own)?;
        let mut widest = None;
        for &(other, others) in job.waiting.iter().filter(|(number, _)| *number != own) {
            let lead = before as i64 - self.used[other] as i64;
            let (from, to) = (lead, lead + took as i64);
            let (pair, since, from, to) = match own < other {
                true => ((own, other), (since, others), from, to),
                false => ((other, own), (others, since), -to, -from),
            };
            let fresh = Range { since, least: from, most: to };
            let range = self.pairs.entry(pair).or_insert(fresh);
            if range.since != since {
                *range = fresh;
            }
            range.least = range.least.min(from);
            range.most = range.most.max(to);
            widest = widest.max(Some((range.most - range.least) as u64));
        }
        widest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parsecd_core::identity::PeerGroup;

    fn swing(order: &[(u64, u64)]) -> Swing {
        let mut lead = Lead::default();
        let who = |number: u64| Principal::Peers(PeerGroup(number));
        [1, 2].into_iter().for_each(|number| lead.begins(&who(number)));
        let swings = order.iter().zip(0..).filter_map(|((number, took), ticket)| {
            lead.started(Ticket(ticket), Some(&who(*number)), 1);
            lead.ended(Ticket(ticket), *took)
        });
        swings.last().expect("both wait")
    }

    #[test]
    fn a_lead_moves_within_two_longest_jobs_where_whoever_has_used_less_is_served() {
        let ms = 1_000_000;
        let Swing { seen, allowed } = swing(&[(1, ms), (2, ms), (2, ms), (1, ms), (1, ms), (2, ms)]);
        assert_eq!((seen, allowed), (2 * ms, 2 * ms));
        let Swing { seen, allowed } = swing(&[(1, ms), (1, ms), (1, ms), (2, ms)]);
        assert_eq!((seen, allowed), (3 * ms, 2 * ms));
    }

    #[test]
    fn what_was_used_before_both_waited_does_not_count() {
        let who = |number: u64| Principal::Peers(PeerGroup(number));
        let mut lead = Lead::default();
        lead.begins(&who(1));
        for ticket in 0..9 {
            lead.started(Ticket(ticket), Some(&who(1)), 1);
            assert_eq!(lead.ended(Ticket(ticket), 600_000), None);
        }
        lead.begins(&who(2));
        lead.started(Ticket(9), Some(&who(2)), 1);
        assert_eq!(lead.ended(Ticket(9), 600_000).map(|swing| swing.seen), Some(600_000));
    }
}
