//! A connection as the kernel and the auditor see it.

use crate::auditor::Arrival;
use parsecd_core::identity::PeerGroup;
use parsecd_core::ids::ListenerKey;
use parsecd_core::output::Output;
use std::collections::VecDeque;

/// How the daemon ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It shuts its write side.
    ShutdownWrite,
    /// It closes.
    Close,
    /// It closes, whatever is unread or unsent.
    Abort,
}

impl Finish {
    /// What an output says; [`Output::Abort`] is all the rest.
    pub fn of(output: &Output) -> Finish {
        match output {
            Output::ShutdownWrite { .. } => Finish::ShutdownWrite,
            Output::Close { .. } => Finish::Close,
            _ => Finish::Abort,
        }
    }
}

/// A connection.
#[derive(Debug)]
pub struct Link {
    pub(crate) client: usize,
    pub(crate) listener: ListenerKey,
    pub(crate) group: PeerGroup,
    pub(crate) inbound: VecDeque<u8>,
    pub(crate) inbound_closed: bool,
    pub(crate) read_closed_told: bool,
    pub(crate) read_blocked: bool,
    /// It has as many unanswered requests as it may, and is not read for that.
    pub(crate) pipeline_full: bool,
    /// Bytes that were delivered to the core.
    pub(crate) delivered: usize,
    /// Requests that were delivered whole.
    pub(crate) complete: usize,
    /// Answers that have appeared.
    pub(crate) answers: usize,
    /// What was known of the request that was given up, when it was.
    pub(crate) given_up: Option<Arrival>,
    /// An answer said that it is the last.
    pub(crate) ending: bool,
    /// Bytes of answers that have appeared and were not handed over.
    pub(crate) announced: VecDeque<u8>,
    pub(crate) write_blocked: bool,
    pub(crate) peer_gone: bool,
    pub(crate) finish: Option<Finish>,
    /// The daemon has begun to end it.
    pub(crate) finishing: bool,
    pub(crate) write_shut: bool,
    /// It is ended silently, between two requests: what comes after that is too late.
    pub(crate) silent_end: bool,
    /// When it was accepted, or its last answer appeared.
    pub(crate) quiet_since: u64,
    /// When bytes were last handed over, or the first of them appeared, or the end was ordered.
    pub(crate) taken_at: u64,
    /// When the first byte came of the request that is being delivered.
    pub(crate) first_at: Option<u64>,
    /// When its last byte came.
    pub(crate) last_at: u64,
    pub(crate) longest_gap: u64,
    /// The core did not want to read, or stood still, while that request was not whole.
    pub(crate) stalled: bool,
    /// Since when the core has not wanted to read, by its own clock.
    pub(crate) held_since: Option<u64>,
    /// Its peer group had more connections than it may, at some time.
    pub(crate) crowded: bool,
}

impl Link {
    pub(crate) fn new(client: usize, listener: ListenerKey, group: PeerGroup, now: u64) -> Self {
        Link {
            client,
            listener,
            group,
            inbound: VecDeque::new(),
            inbound_closed: false,
            read_closed_told: false,
            read_blocked: false,
            pipeline_full: false,
            delivered: 0,
            complete: 0,
            answers: 0,
            given_up: None,
            ending: false,
            announced: VecDeque::new(),
            write_blocked: false,
            peer_gone: false,
            finish: None,
            finishing: false,
            write_shut: false,
            silent_end: false,
            quiet_since: now,
            taken_at: now,
            first_at: None,
            last_at: now,
            longest_gap: 0,
            stalled: false,
            held_since: None,
            crowded: false,
        }
    }

    /// Bytes were delivered; `ends` is where the client's requests end. Returns how many became whole.
    pub(crate) fn deliver(&mut self, count: usize, ends: &[usize], now: u64) -> usize {
        self.delivered += count;
        let before = self.complete;
        self.complete = ends.partition_point(|end| *end <= self.delivered);
        if self.complete > before {
            self.first_at = None;
            self.longest_gap = 0;
            self.stalled = false;
        }
        let boundary = self.complete.checked_sub(1).map_or(0, |last| ends[last]);
        if self.delivered > boundary {
            match self.first_at {
                None => self.first_at = Some(now),
                Some(_) => self.longest_gap = self.longest_gap.max(now.saturating_sub(self.last_at)),
            }
        }
        self.last_at = now;
        self.complete - before
    }

    /// The core does not want to read.
    pub(crate) fn hold(&mut self, now: u64) {
        self.stalled = true;
        self.held_since.get_or_insert(now);
    }

    /// The core wants to read again: deadlines stood still meanwhile (decisions.md 6).
    pub(crate) fn reads_on(&mut self, now: u64) {
        if let Some(since) = self.held_since.take() {
            self.first_at = self.first_at.map(|first| first + (now - since));
            self.last_at = now;
        }
    }

    /// Whether it owes and is owed nothing and no part of a request has come.
    pub(crate) fn is_quiet(&self) -> bool {
        self.answers == self.complete && self.first_at.is_none()
    }
}
