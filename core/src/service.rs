//! The state machine: one input in, outputs out.

use crate::config::Config;
use crate::ids::{ConnectionKey, ListenerKey};
use crate::input::Input;
use crate::observer::Observer;
use crate::output::Output;
use crate::time::Now;
use alloc::collections::VecDeque;

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
    config: Config,
    outputs: VecDeque<Output>,
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
    pub fn new(config: Config, _start: Start) -> Self {
        Service { config, outputs: VecDeque::new() }
    }

    /// Takes one input. `now.instant` is strictly greater than in the step before.
    pub fn step(&mut self, _now: Now, _input: Input<'_>, _observer: &mut impl Observer) -> Drain<'_> {
        self.outputs.push_back(Output::Idle { wake: None, more_work: false });
        Drain { outputs: &mut self.outputs }
    }

    /// What is to be written to `connection`; [`Input::BytesSent`] takes it off. Empty if it is unknown.
    pub fn outgoing(&self, _connection: ConnectionKey) -> &[u8] {
        &[]
    }

    /// How many bytes may be read from `connection`; valid until the next step. 0: do not read.
    pub fn read_budget(&self, _connection: ConnectionKey) -> u32 {
        0
    }

    /// How many connections may be accepted from `listener`; valid until the next step.
    pub fn accept_budget(&self, _listener: ListenerKey) -> u32 {
        self.config.limits.connections
    }

    /// Memory held, exact.
    pub fn memory(&self) -> MemoryReport {
        MemoryReport::default()
    }

    /// Hash of the whole state; equal states have equal hashes on every machine.
    pub fn fingerprint(&self) -> u64 {
        0
    }
}
