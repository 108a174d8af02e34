//! The world heals, in whole or in part, and what must hold from then on.

use crate::auditor::Scene;
use crate::call::{Auth, Call, Meaning};
use crate::client::{Client, Manner, Step};
use crate::clock::real;
use crate::lasting::{Lasting, Nuisance, Pending};
use crate::oracle::{Mark, Oracle};
use crate::plan::{LISTENER, OWNING, SEALING};
use crate::provider::fleet::Fleet;
use crate::stage::{Event, SECOND, Told};
use crate::world::World;
use parsecd_core::config::Config;
use parsecd_core::service::MemoryReport;
use parsecd_wire::{Operation, ProviderId};
use std::collections::VecDeque;

/// Uid of the client that stays difficult: whoever else there is has another.
const DIFFICULT: u32 = 4242;
/// Requests that one connection may make one after another, and some more.
const REQUESTS: u64 = 40;
/// Time in which everything that is not over has to be explained.
const WATCHED: u64 = 40 * SECOND;
/// How often it is looked whether anybody still waits; what recovery does takes less.
const LOOK: u64 = 240 * SECOND;
/// Requests that may be in line at one name.
const NAMESAKES: u64 = 16;
/// Wake-ups within that time for hosts that are opened again and again.
const WAKES: u64 = 400;

/// How long after healing a request may be open: each of those before it at its name waits for a lane, and is
/// lost with its host.
pub(crate) fn patience(config: &Config) -> u64 {
    let deadlines = &config.deadlines;
    let (queue, operation) = (deadlines.queue.as_nanos() as u64, deadlines.operation.as_nanos() as u64);
    NAMESAKES * (queue + operation) + 60 * SECOND
}

impl World {
    /// Ends all faults and tells the daemon what an operator would.
    pub fn heal(&mut self) {
        self.heal_all_but(Lasting::default());
    }

    /// Ends all faults but these.
    pub(crate) fn heal_all_but(&mut self, lasting: Lasting) {
        self.stage.trace.note(|| format!("--- the world heals, except {lasting:?}"));
        lasting.marks().into_iter().for_each(|mark| self.auditor.findings.mark(mark));
        self.lasting = lasting;
        self.workload.identities.heal();
        self.workload.identities.down = lasting.identity;
        self.workload.identities.time = real(self.stage.now);
        self.stage.heal(lasting.store);
        self.crash_at = None;
        self.repair_perhaps(500);
        let base = self.auditor.config.clone();
        let reload = self.fleet.pin_refused || self.plan.config != base;
        self.plan.config = base;
        self.fleet.heal(lasting.provider, &mut self.stage);
        if self.store_down {
            self.store_changes(false);
        }
        if reload {
            self.tell_configuration();
        }
        let from = self.stage.now.max(self.stage.stopped_until);
        self.auditor.healed = Some((from, patience(&self.plan.config)));
        let late = self
            .clients
            .iter_mut()
            .filter(|client| matches!(client.manner, Manner::ReadsLate | Manner::ReadsSlowly));
        late.for_each(|client| client.manner = Manner::Good);
        self.difficult_client_comes();
    }

    /// The client that stays difficult connects.
    pub(crate) fn difficult_client_comes(&mut self) {
        let Some(nuisance) = self.lasting.client.filter(|_| self.difficult.is_none()) else { return };
        let auth = Auth::Unix(DIFFICULT);
        let well = [(OWNING, ProviderId::Pkcs11), (SEALING, ProviderId::MbedCrypto)];
        let broken = self.lasting.provider.map(|(provider, _)| provider);
        let (_, provider) = well.into_iter().find(|(key, _)| Some(*key) != broken).unwrap_or(well[0]);
        let count = if nuisance == Nuisance::NeverReads { 8 } else { 1 };
        let mut calls: Vec<Call> = (0..count)
            .map(|_| match nuisance {
                Nuisance::NeverReads => {
                    let size = 2048;
                    let operation = Operation::PsaGenerateRandom { size };
                    self.workload.call(operation, provider, &auth, Meaning::Random(size))
                }
                _ => self.workload.call(Operation::Ping, ProviderId::Core, &auth, Meaning::Ask),
            })
            .collect();
        calls.iter_mut().for_each(Call::keep);
        let total: usize = calls.iter().map(|call| call.length).sum();
        let sent = if nuisance == Nuisance::Silent { total / 2 } else { total };
        let manner = match nuisance {
            Nuisance::Silent => Manner::Silent,
            Nuisance::Idle => Manner::Good,
            Nuisance::NeverReads => Manner::NeverReads,
        };
        let client = Client::scripted(calls, manner, VecDeque::from([(0, Step::Send(sent))]));
        self.difficult = Some(self.connect_to(LISTENER, client));
    }

    /// The client that stays difficult was sent away: it comes again.
    pub(crate) fn difficult_client_gone(&mut self, id: usize) {
        if self.difficult == Some(id) {
            self.difficult = None;
            self.stage.after(SECOND, Event::DifficultClient);
        }
    }

    /// Runs until nothing happens any more, or until every client but the difficult one has gone: each is
    /// answered, or sent away, in bounded time. Whether it rests.
    pub(crate) fn settle(&mut self) -> bool {
        let patience = patience(&self.plan.config);
        let began = self.stage.now.max(self.stage.stopped_until);
        let mut rests = false;
        while self.stage.now < began + REQUESTS * patience {
            rests = self.run_until(self.stage.now.max(self.stage.stopped_until) + LOOK);
            if rests || self.is_broken() || self.present.len() <= usize::from(self.difficult.is_some()) {
                break;
            }
            let now = self.stage.now;
            if now < began + patience {
                continue;
            }
            let calls = &self.calls;
            let late = self.auditor.unanswered_since(now.saturating_sub(patience));
            let late: Vec<_> = late.map(|id| (id, calls[id].opcode)).collect();
            self.auditor.findings.check(Oracle::I15Liveness, late.is_empty(), || {
                format!("requests {late:?} have no answer long after the world healed in part")
            });
        }
        if self.is_broken() {
            return rests;
        }
        let others = self.present.len().saturating_sub(usize::from(self.difficult.is_some()));
        self.auditor.findings.check(Oracle::I15Liveness, others == 0, || {
            format!("{others} clients are neither answered nor sent away")
        });
        if rests {
            self.check_rest();
        }
        rests
    }

    fn run_until(&mut self, limit: u64) -> bool {
        let mut events = 0;
        while !self.is_broken() {
            let next = [self.stage.next_at(), self.wake_at()].into_iter().flatten().min();
            match next {
                None => return true,
                Some(at) if at > limit => break,
                Some(_) => self.advance(),
            };
            events += 1;
            self.auditor.findings.check(Oracle::I15Liveness, events < crate::world::PATIENCE, || {
                "the core never comes to rest, and time does not pass".to_owned()
            });
        }
        self.stage.now = self.stage.now.max(limit);
        false
    }

    /// The excuse prover: the world does not rest, so whatever happens, and whatever the core holds, must come
    /// from a fault that stays.
    pub(crate) fn prove(&mut self) {
        self.auditor.findings.mark(Mark::RestImpossible);
        self.proving = true;
        let before = self.wakes;
        let rests = self.run_until(self.stage.now + WATCHED);
        self.proving = false;
        let wakes = self.wakes - before;
        // A barrier is tried again after each such pause.
        let pauses = WATCHED / (self.plan.config.deadlines.settling.as_nanos() as u64).max(1);
        let few = wakes <= WAKES + if self.lasting.store.is_some() { pauses } else { 0 };
        let findings = &mut self.auditor.findings;
        findings.check(Oracle::I15Liveness, few, || format!("{wakes} wake-ups while nothing is asked"));
        if rests || self.is_broken() {
            return;
        }
        let Some(service) = &self.service else { return };
        let memory = service.memory();
        let (client, provider) = (self.lasting.client.is_some(), self.lasting.provider.is_some());
        let (store, lives) = (self.lasting.store.is_some(), self.lasting.keeps_lives());
        let explained = |size: u64, by: bool| if by { 0 } else { size };
        let MemoryReport { entries, cache, measured, .. } = memory;
        let unexplained = MemoryReport {
            connections: explained(memory.connections, client),
            requests: explained(memory.requests, client),
            key_lives: explained(memory.key_lives, lives),
            entries,
            groups: explained(memory.groups, client),
            tickets: explained(memory.tickets, client || provider || store),
            deadlines: explained(memory.deadlines, client || provider || store),
            queued: explained(memory.queued, client || provider || store),
            measured,
            input: explained(memory.input, client),
            reserved: explained(memory.reserved, client),
            outgoing: explained(memory.outgoing, client),
            cache,
        };
        let nothing = MemoryReport { entries, cache, measured, ..MemoryReport::default() };
        let lasting = self.lasting;
        self.auditor.findings.check(Oracle::I15Liveness, unexplained == nothing, || {
            format!("{unexplained:?} is not explained by {lasting:?}")
        });
    }

    /// Something happens although the world should rest: a fault that stays must be why.
    pub(crate) fn explain(&mut self, event: &Event) {
        let pending = self.pending(event);
        self.check_explained(pending, |_| format!("{event:?}"));
    }

    /// The core wants to be woken.
    pub(crate) fn explain_wake(&mut self) {
        let Some(reason) = self.wake_reason else { return };
        self.check_explained(Pending::Deadline(reason), |_| "a wake-up".to_owned());
    }

    fn check_explained(&mut self, pending: Pending, what: impl FnOnce(&Fleet) -> String) {
        let lasting = self.lasting;
        let World { auditor, fleet, .. } = self;
        auditor.findings.check(Oracle::I15Liveness, lasting.explains(pending), || {
            format!("{} ({pending:?}) is not explained by {lasting:?}", what(fleet))
        });
    }

    fn pending(&self, event: &Event) -> Pending {
        let lasts = |id: usize| {
            let client = &self.clients[id];
            client.gone || self.calls[client.first].peer.group.0 == u64::from(DIFFICULT)
        };
        match event {
            Event::Client(id) | Event::ClientReads(id) => Pending::Client(lasts(*id)),
            Event::Readable(connection) | Event::Writable(connection) | Event::Lost(connection) => {
                Pending::Client(self.links.get(connection).is_none_or(|link| lasts(link.client)))
            }
            Event::Accept(_) => Pending::Client(self.backlog.values().flatten().all(|id| lasts(*id))),
            Event::DifficultClient | Event::MoreWork(_) => Pending::Client(true),
            Event::Tell(_, told) => match told {
                Told::Finished(ticket, _) | Told::FinishedTwice(ticket, _) => {
                    self.auditor.excuses.provider_of(*ticket).map_or(Pending::Client(true), Pending::Host)
                }
                Told::HostUp(host, _) | Told::HostDown(host) => Pending::Host(host.provider),
                Told::Listed(..) => Pending::Page,
                Told::Committed(_) => Pending::Commit,
                Told::Fetched(..) | Told::Audited(_) | Told::TokenVerified(..) => Pending::Other,
            },
            Event::HostStarts(id) | Event::JobEnds(id, ..) | Event::HostDies(id) => {
                Pending::Host(id.key.provider)
            }
            Event::Lands(..) => Pending::Host(OWNING),
            Event::Flush => Pending::Commit,
            _ => Pending::Other,
        }
    }

    /// The daemon dies and starts again while a part of the world is broken: no row is lost.
    pub(crate) fn restart_keeps_rows(&mut self) {
        let rows = |world: &World| {
            let tables = world.store.visible();
            let unfinished: Vec<_> = tables.unfinished.keys().copied().collect();
            (tables.keys.keys().cloned().collect::<Vec<_>>(), unfinished)
        };
        let (doubted, before) = (self.store.in_doubt(), rows(self));
        self.crash();
        self.settle();
        let same = doubted || before == rows(self);
        let lasting = self.lasting;
        self.auditor.findings.check(Oracle::I17Recovery, same, || {
            format!("a start changes the rows of a world at rest in which {lasting:?} is broken")
        });
    }

    /// Whether an invariant is broken.
    pub(crate) fn is_broken(&self) -> bool {
        !self.auditor.findings.violations.is_empty()
    }

    /// Notes how the core was woken: without another input, once for each deadline at most, and for what follows
    /// from it.
    pub(crate) fn woken(&mut self) {
        self.wakes += 1;
        let (row, deadlines) = &mut self.wakes_in_a_row;
        *row += 1;
        let (row, deadlines) = (*row, *deadlines);
        self.auditor.findings.check(Oracle::I15Liveness, row <= 4 * deadlines + 8, || {
            format!("the core is woken {row} times in a row for {deadlines} deadlines")
        });
    }
}

impl World {
    /// Compares records and objects. Only at rest, with every device there.
    pub fn check_objects(&mut self) {
        let scene =
            Scene { store: &self.store, fleet: &self.fleet, moment: self.moment, now: self.stage.now };
        self.auditor.at_rest(scene);
    }
}
