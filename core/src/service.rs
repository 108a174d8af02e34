//! The state machine: one input in, outputs out.

use crate::accounts::Accounts;
use crate::config::Config;
use crate::connection::{Connections, PeerGroups, RoomQueue};
use crate::deadlines::{Deadlines, Due};
use crate::fingerprint::Fingerprint;
use crate::ids::{ConnectionKey, ListenerKey, Ticket};
use crate::input::Input;
use crate::key_life::Makings;
use crate::keystore::KeyStore;
use crate::observer::{Event, Observer};
use crate::operations::delete_client::Gate;
use crate::output::Output;
use crate::schedule::executor::Executor;
use crate::schedule::reads::Reads;
use crate::schedule::writes::Writes;
use crate::state::{Mint, Purpose, State, Step, StoreHealth};
use crate::time::Now;
use crate::tokens::Tokens;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use core::hash::{Hash, Hasher};

/// Most deadlines handled in one step; the rest is `more_work`.
const EXPIRED_MAX: usize = 256;

/// The only randomness the core ever gets: 128 bits that no other boot had.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Random bits.
    pub boot: [u8; 16],
}

/// The whole service. See ARCHITECTURE.md for the life of a request and of a key.
///
/// * Getters: [`Service::outgoing`], [`Service::read_budget`], [`Service::accept_budget`],
///   [`Service::memory`], [`Service::fingerprint`].
/// * What happened: [`Service::step`], one [`Input`] at a time.
/// * What is to be done: the [`Drain`] that `step` returns, emptied before the next step.
pub struct Service {
    state: State,
}

/// Outputs of one step, in the order in which they are to be done. Ends with [`Output::Idle`]. What is not
/// taken stays for the next drain.
pub struct Drain<'a> {
    outputs: &'a mut VecDeque<Output>,
}

impl Iterator for Drain<'_> {
    type Item = Output;

    fn next(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

/// Memory held, in bytes, by category; counts, not bytes, where said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryReport {
    /// Connections (count).
    pub connections: u64,
    /// Requests (count).
    pub requests: u64,
    /// Key lives (count).
    pub key_lives: u64,
    /// Entries of the key store, cached ones included (count).
    pub entries: u64,
    /// Peer groups and their quiet connections (count).
    pub groups: u64,
    /// Tickets whose answer is awaited (count).
    pub tickets: u64,
    /// Deadlines (count).
    pub deadlines: u64,
    /// Who waits for lanes, the identity provider, the end of a deletion, room or a quota, and principals that
    /// have used lanes (count).
    pub queued: u64,
    /// Kinds of jobs whose time is known (count); kept like the cache.
    pub measured: u64,
    /// Input that was received and is not yet a request.
    pub input: u64,
    /// Reserved for requests: their input, jobs and answers.
    pub reserved: u64,
    /// Answers that were not yet sent.
    pub outgoing: u64,
    /// Records of keys that nobody is using.
    pub cache: u64,
}

impl Service {
    /// A service that has seen nothing. Its first step opens the hosts of every provider.
    pub fn new(config: Config, start: Start) -> Self {
        let state = State {
            config: Arc::new(config),
            generation: 1,
            mint: Mint::new(start.boot),
            last_step: None,
            accept_again_at: None,
            closed_listeners: BTreeSet::new(),
            connections: Connections::default(),
            groups: PeerGroups::default(),
            resumable: BTreeSet::new(),
            waiting_for_room: RoomQueue::default(),
            requests: BTreeMap::new(),
            keystore: KeyStore::default(),
            lives: BTreeMap::new(),
            gates: BTreeMap::new(),
            makings: Makings::default(),
            providers: BTreeMap::new(),
            executor: Executor::default(),
            tokens: Tokens::default(),
            reads: Reads::default(),
            writes: Writes::default(),
            tickets: BTreeMap::new(),
            deadlines: Deadlines::default(),
            accounts: Accounts::default(),
            store: StoreHealth::Up,
            shutdown: None,
            outputs: VecDeque::new(),
        };
        Service { state }
    }

    /// Takes one input.
    ///
    /// # Panics
    /// If `now.instant` is not strictly greater than in the step before, and where the driver breaks what
    /// [`Input`] says about the order of inputs. No client can make it panic.
    pub fn step(&mut self, now: Now, input: Input<'_>, observer: &mut impl Observer) -> Drain<'_> {
        let first = self.state.last_step.is_none();
        assert!(self.state.last_step.is_none_or(|last| last < now.instant), "time moves on with each step");
        self.state.last_step = Some(now.instant);
        let mut step = Step { state: &mut self.state, now, observer };
        if first {
            step.configure_providers(&BTreeSet::new());
        }
        let expired = step.take(input);
        let more_work = step.resume_connections() || expired;
        step.shutdown_goes_on();
        let wake = step.state.deadlines.next();
        step.output(Output::Idle { wake, more_work });
        Drain { outputs: &mut self.state.outputs }
    }

    /// What is to be written to `connection` next; [`Input::BytesSent`] takes it off. Empty if there is
    /// nothing, or if the connection is unknown.
    pub fn outgoing(&self, connection: ConnectionKey) -> &[u8] {
        self.state.connections.get(&connection).map_or(&[], |connection| connection.outgoing.as_slice())
    }

    /// Everything that is to be written to `connection`, in pieces of which none is empty and the first is
    /// [`Service::outgoing`]. [`Input::BytesSent`] may take several of them off at once.
    pub fn outgoing_pieces(&self, connection: ConnectionKey) -> impl Iterator<Item = &[u8]> {
        self.state
            .connections
            .get(&connection)
            .into_iter()
            .flat_map(|connection| connection.outgoing.pieces())
    }

    /// How many bytes may be read from `connection`; valid until the next step. 0: do not read.
    pub fn read_budget(&self, connection: ConnectionKey) -> u32 {
        self.state.connections.get(&connection).map_or(0, |connection| connection.read_budget())
    }

    /// How many connections may be accepted from `listener`; valid until the next step. 0 also while
    /// providers that it shows are opened for the first time, so that nobody is refused who comes early.
    pub fn accept_budget(&self, listener: ListenerKey) -> u32 {
        self.state.accept_budget(listener)
    }

    /// Memory held, exact.
    pub fn memory(&self) -> MemoryReport {
        let state = &self.state;
        let connections = || state.connections.values();
        MemoryReport {
            connections: crate::size(state.connections.len()),
            requests: crate::size(state.requests.len()),
            key_lives: crate::size(state.lives.len()),
            entries: crate::size(state.keystore.len()),
            groups: crate::size(state.groups.len()),
            tickets: crate::size(state.tickets.len()),
            deadlines: crate::size(state.deadlines.len()),
            queued: state
                .providers
                .values()
                .map(|provider| crate::size(provider.queue.len().saturating_add(provider.queue.principals())))
                .sum::<u64>()
                .saturating_add(crate::size(state.executor.len()))
                .saturating_add(crate::size(state.tokens.len()))
                .saturating_add(crate::size(state.reads.len()))
                .saturating_add(crate::size(state.writes.len()))
                .saturating_add(crate::size(state.gates.values().map(Gate::len).sum()))
                .saturating_add(crate::size(state.waiting_for_room.len()))
                .saturating_add(crate::size(state.makings.len())),
            measured: state
                .providers
                .values()
                .map(|provider| crate::size(provider.costs.len()))
                .sum::<u64>()
                .saturating_add(crate::size(state.executor.measured())),
            input: connections().map(|connection| connection.input_memory()).sum(),
            reserved: state.accounts.reserved(),
            outgoing: connections().map(|connection| connection.outgoing_memory()).sum(),
            cache: state.keystore.cache_memory(),
        }
    }

    /// Hash of the whole state; equal states have equal hashes on every machine.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = Fingerprint::default();
        self.state.hash(&mut hasher);
        hasher.finish()
    }
}

impl Step<'_> {
    /// Whether work is left for another step.
    fn take(&mut self, input: Input<'_>) -> bool {
        match input {
            Input::ConnectionOpened { connection, listener, peer } => {
                self.connection_opened(connection, listener, peer);
            }
            Input::BytesReceived { connection, bytes } => self.bytes_received(connection, bytes),
            Input::BytesSent { connection, count } => self.bytes_sent(connection, count),
            Input::ReadClosed { connection } => self.read_closed(connection),
            Input::ConnectionLost { connection } => self.connection_lost(connection),
            Input::AcceptFailed { .. } => self.accept_failed(),
            Input::RecordFetched { ticket, fetched, counters } => match self.redeem(ticket) {
                Some(Purpose::Fetch(identity)) => {
                    self.read_ended(ticket);
                    self.record_fetched(&identity, ticket, fetched, counters);
                }
                Some(Purpose::FetchDoubtful(object)) => self.doubtful_fetched(object, ticket, fetched),
                _ => self.observer.event(Event::Stale { ticket }),
            },
            Input::Listed { ticket, page } => match self.redeem(ticket) {
                Some(Purpose::List(id)) => self.page_listed(id, page),
                Some(Purpose::ListUnfinished(provider)) => self.unfinished_listed(provider, page),
                _ => self.observer.event(Event::Stale { ticket }),
            },
            Input::Committed { ticket, result } => match self.redeem(ticket) {
                Some(Purpose::Commit(object)) => {
                    self.written(ticket);
                    self.life_committed(object, result);
                }
                Some(Purpose::Barrier) => self.barrier_committed(ticket, result),
                _ => self.observer.event(Event::Stale { ticket }),
            },
            Input::StoreChanged { state } => self.store_changed(state),
            Input::JobFinished { ticket, outcome } => match self.redeem(ticket) {
                Some(purpose) => self.job_finished(ticket, purpose, outcome),
                None => self.observer.event(Event::Stale { ticket }),
            },
            Input::HostChanged { host, state } => self.host_changed(host, &state),
            Input::TokenVerified { ticket, verdict } => match self.redeem(ticket) {
                Some(Purpose::Token(id)) => self.token_verified(id, ticket, verdict),
                _ => self.observer.event(Event::Stale { ticket }),
            },
            Input::Audited { .. } => {}
            Input::Reconfigured { config } => self.reconfigured(*config),
            Input::ShutdownRequested { grace } => self.shutdown_requested(grace),
            Input::TimePassed => return self.time_passed(),
        }
        false
    }

    fn redeem(&mut self, ticket: Ticket) -> Option<Purpose> {
        self.state.tickets.remove(&ticket)
    }

    fn time_passed(&mut self) -> bool {
        for _ in 0..EXPIRED_MAX {
            let Some(due) = self.state.deadlines.take_expired(self.now.instant) else { return false };
            match due {
                Due::Connection(key, _) => self.connection_expired(key),
                Due::Job(ticket) => self.job_expired(ticket),
                Due::Queue(id) => self.queue_expired(id),
                Due::Reopen(provider, slot) => self.open_host(provider, slot),
                Due::FirstOpening(provider) => self.first_opening_expired(provider),
                Due::Settling(object) => self.settled(object),
                Due::Sweep(provider) => self.sweep(provider),
                Due::Barrier => self.try_barrier(),
                Due::Accept => self.accept_pause_ended(),
                Due::Grace => self.grace_expired(),
                Due::Host(host) => self.host_expired(host),
            }
        }
        true
    }
}
