//! I7: what the core may hold, worked out from `Limits` and from what the world owes it.

use crate::limit::Limit;
use crate::oracle::Oracle;
use crate::world::World;
use parsecd_core::config::Limits;
use parsecd_core::service::MemoryReport;

/// Bytes of a connection that need no reservation, and most bytes that are read at once.
pub const ALLOWANCE: u64 = 16 << 10;
const READ_MAX: u64 = 64 << 10;
/// Longest authentication field, and header of an answer with its place in the list of answers.
const AUTHENTICATION: u64 = 64 << 10;
const ENVELOPE: u64 = 256;

/// What the world owes the core, and what goes on without a client.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owed {
    /// Orders with a ticket that have no answer yet.
    pub tickets: u64,
    /// Deletions of clients whose admins have left.
    pub deletions: u64,
    /// Lanes of all hosts, and hosts.
    pub lanes: u64,
    /// Largest `request_memory` that was in force: a smaller one takes nothing from who has more.
    pub memory: u64,
}

/// Outputs of one step, and how many there may be: each connection, request, life and lane is gone through once,
/// and held requests of 64 connections at most.
pub fn step(memory: &MemoryReport, limits: &Limits, owed: Owed, ordered: u64) -> (u64, u64) {
    let pipelined = memory.connections.min(64) * u64::from(limits.pipeline);
    let there = memory.connections + memory.requests + memory.key_lives + owed.lanes + pipelined;
    (ordered, 64 + 8 * there + 4 * owed.tickets)
}

/// Each category: its name, its size, its bound.
pub fn bounds(memory: &MemoryReport, limits: &Limits, owed: Owed) -> [(&'static str, u64, u64); 10] {
    let (connections, pipeline) = (u64::from(limits.connections), u64::from(limits.pipeline));
    let open = memory.connections;
    let largest = u64::from(limits.body_length) + AUTHENTICATION + limits.buffer_size;
    let answers = limits.unsent + (pipeline + 1) * (limits.response + ENVELOPE);
    let work = memory.requests + memory.key_lives;
    [
        ("connections", memory.connections, connections),
        ("requests", memory.requests, open * pipeline + owed.deletions),
        ("tickets", memory.tickets, owed.tickets),
        ("deadlines", memory.deadlines, open + 2 * work + 3 * owed.lanes + 8),
        ("groups", memory.groups, 2 * open),
        ("entries", memory.entries, work + memory.tickets + memory.queued + memory.cache / 256),
        ("input", memory.input, open * (ALLOWANCE + READ_MAX) + memory.reserved),
        ("reserved", memory.reserved, limits.request_memory.max(owed.memory) + largest + memory.outgoing),
        ("outgoing", memory.outgoing, open * answers),
        ("cache", memory.cache, limits.cache),
    ]
}

impl World {
    /// What holds after each step, in which so much was ordered.
    pub(crate) fn check_step(&mut self, ordered: u64) {
        if let Some(broken) = self.fleet.made.take_broken().into_iter().next() {
            self.auditor.findings.check(Oracle::I13Corruption, false, || broken);
        }
        let Some(service) = &self.service else { return };
        self.stage.trace.checkpoint(|| service.fingerprint());
        let memory = service.memory();
        let owed = Owed {
            tickets: self.owed,
            deletions: self.auditor.deletions,
            lanes: self.fleet.lanes(),
            memory: self.most_memory,
        };
        let (work, per_step) = step(&memory, &self.plan.config.limits, owed, ordered);
        self.auditor.findings.check(Oracle::I8BoundedStep, work <= per_step, || {
            format!("one step orders {work}, of {per_step} it may: {memory:?}")
        });
        let bounds = bounds(&memory, &self.plan.config.limits, owed);
        let exceeded = bounds.iter().find(|(_, size, bound)| size > bound);
        if self.moment.is_multiple_of(64) {
            let findings = &mut self.auditor.findings;
            bounds.iter().for_each(|(name, size, bound)| findings.peak(name, *size, *bound));
        }
        self.note_distances(&memory);
        self.auditor.findings.check(Oracle::I7Memory, exceeded.is_none(), || {
            format!("{exceeded:?} is more than it may be: {memory:?}, {owed:?}")
        });
    }

    /// How near what is held now comes to the limits.
    fn note_distances(&mut self, memory: &MemoryReport) {
        let limits = &self.plan.config.limits;
        let distances = &mut self.auditor.findings.distances;
        distances.note(Limit::Connections, memory.connections, limits);
        distances.note(Limit::Cache, memory.cache, limits);
        distances.note(Limit::RequestMemory, memory.reserved, limits);
    }
}
