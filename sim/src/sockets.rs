//! Connections: bytes on their way, half-closes, full buffers, and how each end learns of the other's end.

use crate::auditor::{Arrival, Scene};
use crate::client::Step;
use crate::oracle::{Mark, Oracle};
use crate::random::Domain;
use crate::stage::{Event, MICRO, MILLI};
use crate::world::World;
use parsecd_core::ids::{ConnectionKey, ListenerKey};
use parsecd_core::input::Input;
use parsecd_core::output::Output;
use parsecd_wire::header::{HEADER_LENGTH, RawHeader};
use std::collections::VecDeque;

/// Bytes the kernel keeps for a client that does not read.
const BUFFER: usize = 4096;

/// How the daemon ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finish {
    ShutdownWrite,
    Close,
    Abort,
}

/// A connection as the kernel sees it.
#[derive(Debug)]
pub struct Link {
    client: usize,
    inbound: VecDeque<u8>,
    inbound_closed: bool,
    read_closed_told: bool,
    read_blocked: bool,
    delivered: usize,
    produced: Vec<u8>,
    write_blocked: bool,
    peer_gone: bool,
    finish: Option<Finish>,
    write_shut: bool,
    accepted_at: u64,
    first_at: Option<u64>,
    last_at: u64,
    longest_gap: u64,
    stalled: bool,
}

impl Link {
    fn new(client: usize, now: u64) -> Self {
        Link {
            client,
            inbound: VecDeque::new(),
            inbound_closed: false,
            read_closed_told: false,
            read_blocked: false,
            delivered: 0,
            produced: Vec::new(),
            write_blocked: false,
            peer_gone: false,
            finish: None,
            write_shut: false,
            accepted_at: now,
            first_at: None,
            last_at: now,
            longest_gap: 0,
            stalled: false,
        }
    }

    fn delivered(&mut self, count: usize, now: u64) {
        if self.first_at.is_none() {
            self.first_at = Some(now);
        } else {
            self.longest_gap = self.longest_gap.max(now - self.last_at);
        }
        self.last_at = now;
        self.delivered += count;
    }
}

impl World {
    pub(crate) fn accept(&mut self, listener: ListenerKey) {
        let Some(service) = &self.service else { return };
        if self.backlog.is_empty() || self.accept_blocked {
            return;
        }
        if service.accept_budget(listener) == 0 {
            self.accept_blocked = true;
            self.auditor.findings.mark(Mark::ConnectionLimitReached);
            return;
        }
        if self.stage.random.chance(Domain::Socket, self.stage.weights.accept_fails) {
            self.feed(Input::AcceptFailed { listener });
            let budget = self.service.as_ref().map_or(0, |service| service.accept_budget(listener));
            self.accept_blocked = budget == 0;
            if !self.accept_blocked {
                self.stage.after(10 * MILLI, Event::Accept(listener));
            }
            return;
        }
        let Some(client) = self.backlog.pop_front() else { return };
        let connection = self.free_slot();
        self.clients[client].connection = Some(connection);
        self.links.insert(connection, Link::new(client, self.stage.now));
        self.auditor.accepted(connection, client);
        let peer = self.clients[client].call.peer;
        if let Some((delay, _)) = self.clients[client].next_step() {
            self.stage.after(delay, Event::Client(client));
        }
        if !self.backlog.is_empty() {
            self.stage.after(0, Event::Accept(listener));
        }
        self.feed(Input::ConnectionOpened { connection, listener, peer });
    }

    fn free_slot(&mut self) -> ConnectionKey {
        let used: Vec<u32> = self.links.keys().map(|key| key.slot).collect();
        let slot = (0..).find(|slot| !used.contains(slot)).unwrap_or_default();
        if self.generations.len() <= slot as usize {
            self.generations.resize(slot as usize + 1, 0);
        }
        let generation = &mut self.generations[slot as usize];
        *generation += 1;
        ConnectionKey { slot, generation: *generation }
    }

    pub(crate) fn client_steps(&mut self, id: usize) {
        let client = &mut self.clients[id];
        let Some(connection) = client.connection.filter(|_| !client.gone) else { return };
        let Some(step) = client.take_step() else { return };
        if let Some((delay, _)) = client.next_step() {
            self.stage.after(delay, Event::Client(id));
        }
        match step {
            Step::Send(count) => {
                let bytes = &client.call.bytes[client.sent..client.sent + count];
                client.sent += count;
                let Some(link) = self.links.get_mut(&connection) else { return };
                link.inbound.extend(bytes);
                self.wake_reader(connection);
            }
            Step::HalfClose => {
                if let Some(link) = self.links.get_mut(&connection) {
                    link.inbound_closed = true;
                    self.wake_reader(connection);
                }
            }
            Step::Leave => self.client_leaves(id),
        }
    }

    fn wake_reader(&mut self, connection: ConnectionKey) {
        if self.links.get(&connection).is_some_and(|link| !link.read_blocked) {
            self.stage.after(0, Event::Readable(connection));
        }
    }

    fn client_leaves(&mut self, id: usize) {
        let client = &mut self.clients[id];
        client.gone = true;
        let Some(connection) = client.connection else { return };
        let Some(link) = self.links.get_mut(&connection) else { return };
        link.peer_gone = true;
        link.inbound_closed = true;
        if self.stage.random.chance(Domain::Socket, 300) {
            let delay = self.stage.latency(Domain::Socket, 10 * MICRO);
            self.stage.after(delay, Event::Lost(connection));
        } else {
            self.stage.after(0, Event::Writable(connection));
            self.wake_reader(connection);
        }
    }

    pub(crate) fn read_again(&mut self, connection: ConnectionKey) {
        if let Some(link) = self.links.get_mut(&connection)
            && std::mem::take(&mut link.read_blocked)
        {
            self.stage.after(0, Event::Readable(connection));
        }
    }

    pub(crate) fn readable(&mut self, connection: ConnectionKey) {
        let (Some(service), Some(link)) = (&self.service, self.links.get_mut(&connection)) else { return };
        if link.read_closed_told || (link.inbound.is_empty() && !link.inbound_closed) {
            return;
        }
        let budget = service.read_budget(connection) as usize;
        if budget == 0 {
            link.read_blocked = true;
            link.stalled |= link.delivered < self.clients[link.client].call.length;
            return;
        }
        if link.inbound.is_empty() {
            link.read_closed_told = true;
            return self.feed(Input::ReadClosed { connection });
        }
        let count = budget.min(link.inbound.len());
        let bytes: Vec<u8> = link.inbound.drain(..count).collect();
        let call = &self.clients[link.client].call;
        let completes = link.delivered < call.length && link.delivered + count >= call.length;
        link.delivered(count, self.stage.now);
        if completes {
            self.counts.requests += 1;
            let scene = Scene {
                store: &self.store,
                fleet: &self.fleet,
                moment: self.moment + 1,
                now: self.stage.now,
            };
            self.auditor.received(link.client, call, scene);
        }
        self.stage.after(0, Event::Readable(connection));
        self.feed(Input::BytesReceived { connection, bytes: &bytes });
    }

    /// The core has an answer ready: what it says must be true from now on.
    pub(crate) fn answer_appears(&mut self, connection: ConnectionKey) {
        let (Some(service), Some(link)) = (&self.service, self.links.get(&connection)) else { return };
        let id = link.client;
        self.stage.after(0, Event::Writable(connection));
        if self.auditor.is_told(id) {
            return;
        }
        let Some(header) = service.outgoing(connection).first_chunk::<HEADER_LENGTH>().copied() else {
            return;
        };
        let arrival = self.arrival(link);
        let scene =
            Scene { store: &self.store, fleet: &self.fleet, moment: self.moment, now: self.stage.now };
        self.auditor.told(id, &self.clients[id].call, &header, arrival, scene);
    }

    fn arrival(&self, link: &Link) -> Arrival {
        let deadlines = &self.plan.config.deadlines;
        let (first_byte, silence, request) =
            (nanos(deadlines.first_byte), nanos(deadlines.silence), nanos(deadlines.request));
        let now = self.stage.now;
        let complete = link.delivered >= self.clients[link.client].call.length;
        let due = match link.first_at {
            None => link.accepted_at + first_byte,
            Some(first) => (first + request).min(link.last_at + silence),
        };
        let gap = link.longest_gap >= silence;
        Arrival {
            complete,
            ended: link.inbound_closed,
            in_time: now < due && !gap && !self.auditor.excuses.stopping,
            overdue: !complete && !link.inbound_closed && !link.stalled && now > due + MILLI,
        }
    }

    pub(crate) fn finish(&mut self, connection: ConnectionKey, how: &Output) {
        if let Some(link) = self.links.get_mut(&connection) {
            link.finish = Some(match how {
                Output::ShutdownWrite { .. } => Finish::ShutdownWrite,
                Output::Close { .. } => Finish::Close,
                _ => Finish::Abort,
            });
            self.stage.after(0, Event::Writable(connection));
        }
    }

    pub(crate) fn writable(&mut self, connection: ConnectionKey) {
        let (Some(service), Some(link)) = (&self.service, self.links.get_mut(&connection)) else { return };
        let id = link.client;
        let waiting = service.outgoing(connection);
        if waiting.is_empty() || link.finish == Some(Finish::Abort) {
            return self.finish_now(connection);
        }
        if link.peer_gone {
            return self.lose(connection);
        }
        let client = &mut self.clients[id];
        let room = BUFFER.saturating_sub(client.inbox.len());
        if room == 0 {
            link.write_blocked = true;
            return;
        }
        let count = waiting.len().min(room);
        client.inbox.extend_from_slice(&waiting[..count]);
        link.produced.extend_from_slice(&waiting[..count]);
        let after_shutdown = link.write_shut;
        self.auditor.findings.check(Oracle::I4OneAnswer, !after_shutdown, || {
            format!("request {id} is sent more after its answer")
        });
        self.answer_grows(connection);
        let delay = self.clients[id].reading_delay(&mut self.stage);
        self.stage.after(delay, Event::ClientReads(id));
        self.stage.after(0, Event::Writable(connection));
        self.feed(Input::BytesSent { connection, count: count as u32 });
    }

    fn answer_grows(&mut self, connection: ConnectionKey) {
        let Some(link) = self.links.get(&connection) else { return };
        let Some(header) = link.produced.first_chunk::<HEADER_LENGTH>() else { return };
        let length = HEADER_LENGTH + RawHeader::from_bytes(header).body_length as usize;
        let id = link.client;
        let (within, complete) = (link.produced.len() <= length, link.produced.len() == length);
        self.auditor
            .findings
            .check(Oracle::I4OneAnswer, within, || format!("request {id} is answered with too much"));
        if complete {
            let call = &self.clients[id].call;
            let body = &link.produced[HEADER_LENGTH..];
            let scene =
                Scene { store: &self.store, fleet: &self.fleet, moment: self.moment, now: self.stage.now };
            self.auditor.body(id, call, body, scene);
            if let (Some(key), crate::call::Meaning::Use { operation, .. }) =
                (call.meaning.key(), &call.meaning)
                && let Ok(parsecd_wire::Reply::PsaSignHash { signature }) =
                    parsecd_wire::Reply::decode(call.opcode, body)
            {
                self.workload.signed(key, operation, &signature);
            }
        }
    }

    fn finish_now(&mut self, connection: ConnectionKey) {
        let Some(link) = self.links.get_mut(&connection) else { return };
        let id = link.client;
        let Some(finish) = link.finish.take() else { return };
        link.write_shut = true;
        let unread = link.inbound.len();
        self.clients[id].ended = true;
        let delay = self.clients[id].reading_delay(&mut self.stage);
        self.stage.after(delay, Event::ClientReads(id));
        if finish == Finish::Close {
            self.auditor.findings.check(Oracle::CleanClose, unread == 0, || {
                format!("the connection of request {id} is closed with {unread} bytes unread: a reset")
            });
        }
        if finish != Finish::ShutdownWrite {
            self.stage.after(0, Event::Lost(connection));
        }
    }

    pub(crate) fn client_reads(&mut self, id: usize) {
        let client = &mut self.clients[id];
        let read = std::mem::take(&mut client.inbox);
        client.received.extend_from_slice(&read);
        if client.gone {
            return;
        }
        let done = client.ended || (client.hasty && client.is_answered());
        if let Some(connection) = client.connection
            && let Some(link) = self.links.get_mut(&connection)
            && std::mem::take(&mut link.write_blocked)
        {
            self.stage.after(0, Event::Writable(connection));
        }
        if done {
            self.client_leaves(id);
        }
    }

    pub(crate) fn lose(&mut self, connection: ConnectionKey) {
        let Some(link) = self.links.remove(&connection) else { return };
        let id = link.client;
        let call = &self.clients[id].call;
        if link.delivered > 0 && link.delivered < call.length {
            self.auditor.findings.mark(Mark::DisconnectWithPartialFrame);
        }
        self.auditor.gone(id, call);
        self.clients[id].ended = true;
        self.clients[id].gone = true;
        self.feed(Input::ConnectionLost { connection });
    }

    pub(crate) fn cut_all(&mut self) {
        for (_, link) in std::mem::take(&mut self.links) {
            self.clients[link.client].gone = true;
        }
        for id in std::mem::take(&mut self.backlog) {
            self.clients[id].gone = true;
        }
    }
}

fn nanos(duration: std::time::Duration) -> u64 {
    duration.as_nanos() as u64
}
