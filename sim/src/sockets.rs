//! Bytes on their way, half-closes, full buffers, and how each end of a connection learns of the other's end.

use crate::auditor::{Arrival, Scene};
use crate::bounds;
use crate::client::{Manner, Step};
use crate::faults::Family;
use crate::limit::Limit;
use crate::link::{Finish, Link};
use crate::oracle::{Mark, Oracle};
use crate::random::Domain;
use crate::stage::{Event, MICRO, MILLI};
use crate::world::World;
use parsecd_core::config::Deadlines;
use parsecd_core::ids::{ConnectionKey, ListenerKey};
use parsecd_core::input::Input;
use parsecd_core::output::Output;
use parsecd_wire::header::{HEADER_LENGTH, RawHeader};
use std::collections::VecDeque;

impl World {
    pub(crate) fn accept(&mut self, listener: ListenerKey) {
        let Some(service) = &self.service else { return };
        let waiting = self.backlog.get(&listener).map_or(0, VecDeque::len);
        if waiting == 0 || self.accept_blocked.contains(&listener) {
            return;
        }
        if service.accept_budget(listener) == 0 {
            self.accept_blocked.insert(listener);
            self.auditor.findings.mark(Mark::ConnectionLimitReached);
            return;
        }
        if self.stage.random.chance(Domain::Socket, self.stage.weights.accept_fails) {
            self.stage.faults.strikes(Family::Process);
            self.feed(Input::AcceptFailed { listener });
            let Some(service) = &self.service else { return };
            if service.accept_budget(listener) == 0 {
                self.accept_blocked.insert(listener);
            } else {
                self.stage.after(10 * MILLI, Event::Accept(listener));
            }
            return;
        }
        let Some(client) = self.backlog.get_mut(&listener).and_then(VecDeque::pop_front) else { return };
        let connection = self.free_slot();
        self.clients[client].connection = Some(connection);
        let first = self.clients[client].first;
        let peer = self.calls[first].peer;
        self.links.insert(connection, Link::new(client, listener, peer.group, self.stage.now));
        self.note_crowd(peer.group);
        self.auditor.accepted(connection, first, self.clients[client].ends.len());
        if let Some((delay, _)) = self.clients[client].next_step() {
            self.stage.after(delay, Event::Client(client));
        }
        if waiting > 1 {
            self.stage.after(0, Event::Accept(listener));
        }
        self.feed(Input::ConnectionOpened { connection, listener, peer });
    }

    fn note_crowd(&mut self, group: parsecd_core::identity::PeerGroup) {
        let cap = self.plan.config.limits.connections_per_group as usize;
        let of_group = |link: &&mut Link| link.group == group;
        let crowd = self.links.values_mut().filter(of_group).count();
        self.note_distance(Limit::ConnectionsPerGroup, crowd as u64);
        if crowd > cap {
            self.auditor.findings.mark(Mark::GroupLimitReached);
            self.links.values_mut().filter(of_group).for_each(|link| link.crowded = true);
        }
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
                let bytes = client.send(count);
                let Some(link) = self.links.get_mut(&connection) else { return };
                link.inbound.extend(bytes);
                self.wake_reader(connection);
            }
            Step::Await(_) => {}
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
        self.client_gone(id);
        let client = &mut self.clients[id];
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

    /// A client closes, or is cut off.
    pub(crate) fn client_gone(&mut self, id: usize) {
        if !self.clients[id].gone {
            self.ask_again_perhaps(id);
            self.clients[id].leave();
            self.present.remove(&id);
            self.difficult_client_gone(id);
            if std::mem::take(&mut self.request_waits) {
                self.stage.after(0, Event::Request);
            }
        }
    }

    /// A client that has not all its answers asks again for what it misses, perhaps, without knowing whether it was
    /// done.
    fn ask_again_perhaps(&mut self, id: usize) {
        let client = &self.clients[id];
        let calls = client.first..client.first + client.ends.len();
        // Whoever shows tokens gets a new one for each connection.
        let shows_token = self.calls[calls.clone()].iter().any(|call| call.token.is_some());
        let lost = client.connection.is_some() && !client.is_answered() && !shows_token;
        if lost && self.stage.random.chance(Domain::Socket, self.stage.weights.asks_again) {
            self.asked_again.push_back(client.unanswered(&self.calls[calls]));
        }
    }

    pub(crate) fn read_again(&mut self, connection: ConnectionKey) {
        let now = self.last_instant;
        let Some(link) = self.links.get_mut(&connection) else { return };
        link.reads_on(now);
        self.read_on(connection);
        let Some(link) = self.links.get_mut(&connection) else { return };
        if std::mem::take(&mut link.read_blocked) {
            if std::mem::take(&mut link.pipeline_full) {
                self.auditor.findings.mark(Mark::ResumesReading);
            }
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
            link.hold(self.last_instant);
            let unanswered = link.complete.saturating_sub(link.answers);
            if unanswered >= self.plan.config.limits.pipeline as usize && !link.ending {
                link.pipeline_full = true;
                self.auditor.findings.mark(Mark::PipelineFullStopsReading);
            } else if link.first_at.is_some() {
                let id = self.clients[link.client].first + link.complete;
                self.waits_for_room(id);
            }
            return;
        }
        if link.inbound.is_empty() {
            link.read_closed_told = true;
            return self.feed(Input::ReadClosed { connection });
        }
        let count = budget.min(link.inbound.len());
        let bytes = take_front(&mut link.inbound, count);
        let client = &self.clients[link.client];
        let whole = link.deliver(count, &client.ends, self.stage.now);
        let requests = client.first + link.complete - whole..client.first + link.complete;
        let ending = link.ending;
        for id in requests {
            self.asked_at = self.stage.now;
            self.counts.requests += 1;
            if ending {
                continue;
            }
            let scene = Scene {
                store: &self.store,
                fleet: &self.fleet,
                moment: self.moment + 1,
                now: self.stage.now,
            };
            self.auditor.received(id, &self.calls[id], scene);
        }
        if !link.inbound.is_empty() || link.inbound_closed {
            self.stage.after(0, Event::Readable(connection));
        }
        self.feed(Input::BytesReceived { connection, bytes: &bytes });
        self.begin_to_wait_for_room(connection);
        if let (Some(service), Some(link)) = (&self.service, self.links.get_mut(&connection))
            && service.read_budget(connection) == 0
        {
            link.hold(self.last_instant);
        }
    }

    /// A request that was announced is not read on.
    fn waits_for_room(&mut self, id: usize) {
        let (Some(service), Some(call)) = (&self.service, self.calls.get(id)) else { return };
        let announced = u64::from(call.announced.0) + u64::from(call.announced.1);
        if announced > bounds::ALLOWANCE {
            let wanted = service.memory().reserved + announced;
            self.note_distance(Limit::RequestMemory, wanted);
        }
    }

    /// The core has taken requests of a connection: as many may be unanswered as the limit says.
    pub(crate) fn check_pipeline(&mut self, connection: ConnectionKey) {
        let (Some(link), Some(last)) = (self.links.get(&connection), self.auditor.last_taken(connection))
        else {
            return;
        };
        let answered = self.clients[link.client].first + link.answers;
        let unanswered = (last + 1).saturating_sub(answered) as u64;
        self.note_distance(Limit::Pipeline, unanswered);
        let most = u64::from(self.plan.config.limits.pipeline);
        self.auditor.findings.check(Oracle::I8BoundedStep, unanswered <= most, || {
            format!("{connection:?} has {unanswered} unanswered requests, {most} it may")
        });
    }

    /// The core may have answers ready: what they say must be true from now on.
    pub(crate) fn answers_appear(&mut self, connection: ConnectionKey) {
        let (Some(service), Some(link)) = (&self.service, self.links.get_mut(&connection)) else { return };
        if link.finish == Some(Finish::Abort) {
            return;
        }
        let known = link.announced.len();
        let mut passed = 0;
        let mut new = Vec::new();
        for piece in service.outgoing_pieces(connection) {
            new.extend_from_slice(piece.get(known - passed..).unwrap_or_default());
            passed = (passed + piece.len()).min(known);
        }
        if known == 0 && !new.is_empty() {
            link.taken_at = self.stage.now;
        }
        link.announced.extend(&new);
        let unsent = link.announced.len() as u64;
        self.auditor.findings.distances.note(Limit::Unsent, unsent, &self.plan.config.limits);
        let mut rest = &new[..];
        let mut decided = Vec::new();
        while let Some(header) = rest.first_chunk::<HEADER_LENGTH>() {
            let raw = RawHeader::from_bytes(header);
            let length = HEADER_LENGTH + raw.body_length as usize;
            let Some(body) = rest.get(HEADER_LENGTH..length) else { break };
            decided.extend(self.next_decided(connection));
            self.answer_appears(connection, header, body);
            rest = &rest[length..];
        }
        self.auditor.findings.check(Oracle::I4OneAnswer, rest.is_empty(), || "half an answer".to_owned());
        // One that was decided in an earlier step waited for one before it.
        if decided.iter().any(|moment| decided.first().is_some_and(|first| moment < first)) {
            self.auditor.findings.mark(Mark::OutOfOrderCompletionsReordered);
        }
    }

    /// In which step the next answer of a connection was decided.
    fn next_decided(&self, connection: ConnectionKey) -> Option<u64> {
        let link = self.links.get(&connection)?;
        self.auditor.decided_in(self.clients[link.client].first + link.answers)
    }

    fn answer_appears(&mut self, connection: ConnectionKey, header: &[u8; HEADER_LENGTH], body: &[u8]) {
        let Some(link) = self.links.get(&connection) else { return };
        let client = &self.clients[link.client];
        let (index, count) = (link.answers, client.ends.len());
        let id = client.first + index;
        let expected = index < count && !link.ending && !link.write_shut;
        self.auditor.findings.check(Oracle::I4OneAnswer, expected, || {
            format!("{connection:?} is sent answer {index} to {count} requests, or more after the last")
        });
        if index >= count {
            return;
        }
        let arrival = link.given_up.unwrap_or_else(|| self.arrival(link, index));
        let call = &self.calls[id];
        let scene =
            Scene { store: &self.store, fleet: &self.fleet, moment: self.moment, now: self.stage.now };
        self.auditor.told(id, call, header, arrival, scene);
        self.auditor.body(id, call, body, scene);
        if let (Some(key), crate::call::Meaning::Use { operation, .. }) = (call.meaning.key(), &call.meaning)
            && let Ok(parsecd_wire::Reply::PsaSignHash { signature }) =
                parsecd_wire::Reply::decode(call.opcode, body)
        {
            self.workload.signed(key, operation, &signature);
        }
        let keeps = RawHeader::from_bytes(header).keeps_connection();
        let now = self.stage.now;
        let Some(link) = self.links.get_mut(&connection) else { return };
        link.answers += 1;
        link.quiet_since = now;
        link.ending |= !keeps;
        if link.ending {
            let (from, to) = (id + 1, self.clients[link.client].first + link.complete);
            for later in from..to {
                self.auditor.gone(later, &self.calls[later]);
            }
        }
    }

    /// The core gives up the request that is being delivered.
    pub(crate) fn give_up(&mut self, connection: ConnectionKey) {
        let Some(link) = self.links.get(&connection) else { return };
        let first = self.clients[link.client].first;
        let Some(index) = self.auditor.last_taken(connection).and_then(|id| id.checked_sub(first)) else {
            return;
        };
        let arrival = self.arrival(link, index);
        if let Some(link) = self.links.get_mut(&connection) {
            link.given_up = Some(arrival);
        }
    }

    fn arrival(&self, link: &Link, index: usize) -> Arrival {
        let deadlines = &self.auditor.excuses.deadlines;
        let now = self.stage.now.max(self.last_instant);
        let complete = index < link.complete;
        let begun = index == link.complete && (index == 0 || link.first_at.is_some());
        let due = |deadlines: &Deadlines| match link.first_at {
            None => link.quiet_since + nanos(deadlines.first_byte),
            Some(first) => (first + nanos(deadlines.request)).min(link.last_at + nanos(deadlines.silence)),
        };
        let gap = link.longest_gap >= nanos(deadlines.shortest.silence);
        Arrival {
            complete,
            ended: begun && link.inbound_closed,
            in_time: !begun || (now < due(&deadlines.shortest) && !gap),
            overdue: begun && !link.inbound_closed && !link.stalled && now > due(&deadlines.longest) + MILLI,
            excused: self.auditor.excuses.stopping || (link.crowded && index == 0),
        }
    }

    pub(crate) fn finish(&mut self, connection: ConnectionKey, how: &Output) {
        let now = self.stage.now;
        if let Some(link) = self.links.get_mut(&connection) {
            let finish = Finish::of(how);
            link.finish = Some(finish);
            link.silent_end |= !link.ending;
            if finish == Finish::Abort {
                link.announced.clear();
            }
            self.finished.push((connection, finish));
            self.stage.after(0, Event::Writable(connection));
            if finish != Finish::Abort && !std::mem::replace(&mut link.finishing, true) {
                link.taken_at = now;
            }
        }
    }

    /// The core ends a connection: it must have a reason.
    pub(crate) fn check_finish(&mut self, connection: ConnectionKey, finish: Finish) {
        let Some(link) = self.links.get(&connection) else { return };
        let deadlines = &self.auditor.excuses.deadlines.shortest;
        let (idle, drain, taken) =
            (nanos(deadlines.idle), nanos(deadlines.drain), nanos(deadlines.answer_taken));
        let now = self.stage.now;
        let idled = link.answers > 0 && link.is_quiet() && now >= link.quiet_since + idle;
        let waited = now - link.taken_at;
        let due = match finish {
            Finish::Abort => {
                waited >= taken || (link.finishing && waited >= drain) || link.ending || link.crowded
            }
            Finish::ShutdownWrite | Finish::Close => {
                link.ending || link.inbound_closed || idled || (link.crowded && link.is_quiet())
            }
        };
        let due = due || self.auditor.excuses.stopping;
        self.auditor
            .findings
            .check(Oracle::I10Deadlines, due, || format!("{link:?} is ended ({finish:?}) for no reason"));
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
        let room = client.buffer().saturating_sub(client.inbox.len());
        if room == 0 {
            link.write_blocked = true;
            return;
        }
        let count = waiting.len().min(room);
        client.inbox.extend_from_slice(&waiting[..count]);
        let announced = count.min(link.announced.len());
        let same = take_front(&mut link.announced, announced) == waiting[..count];
        let after_shutdown = link.write_shut;
        link.taken_at = self.stage.now;
        let findings = &mut self.auditor.findings;
        findings.check(Oracle::I4OneAnswer, same && !after_shutdown, || {
            format!("{connection:?} is sent what was no answer, or something after its end")
        });
        let delay = self.clients[id].reading_delay(&mut self.stage);
        self.stage.after(delay, Event::ClientReads(id));
        self.stage.after(0, Event::Writable(connection));
        self.feed(Input::BytesSent { connection, count: count as u32 });
    }

    fn finish_now(&mut self, connection: ConnectionKey) {
        let Some(link) = self.links.get_mut(&connection) else { return };
        let id = link.client;
        let Some(finish) = link.finish.take() else { return };
        link.write_shut = true;
        let unread = if link.silent_end && !link.ending { 0 } else { link.inbound.len() };
        self.clients[id].ended = true;
        let delay = self.clients[id].reading_delay(&mut self.stage);
        self.stage.after(delay, Event::ClientReads(id));
        if finish == Finish::Close {
            self.auditor.findings.check(Oracle::CleanClose, unread == 0, || {
                format!("{connection:?} is closed with {unread} bytes unread: a reset")
            });
        }
        if finish != Finish::ShutdownWrite {
            self.stage.after(0, Event::Lost(connection));
        }
    }

    pub(crate) fn client_reads(&mut self, id: usize) {
        let client = &mut self.clients[id];
        if client.manner == Manner::NeverReads {
            return;
        }
        if client.read() && client.was_waiting() && !client.gone {
            let delay = client.next_step().map_or(0, |(delay, _)| delay);
            self.stage.after(delay, Event::Client(id));
        }
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
        self.room.remove(&connection);
        self.entered.remove(&connection);
        let id = link.client;
        if link.first_at.is_some() {
            self.auditor.findings.mark(Mark::DisconnectWithPartialFrame);
        }
        if !link.announced.is_empty() {
            self.auditor.findings.mark(Mark::DisconnectWithQueuedResponse);
        }
        let first = self.clients[id].first;
        for request in first + link.answers..first + link.complete {
            self.auditor.gone(request, &self.calls[request]);
        }
        self.auditor.lost(connection);
        self.clients[id].ended = true;
        self.client_gone(id);
        self.feed(Input::ConnectionLost { connection });
    }

    pub(crate) fn cut_all(&mut self) {
        self.room.clear();
        self.entered.clear();
        for (_, link) in std::mem::take(&mut self.links) {
            self.client_gone(link.client);
        }
        for id in std::mem::take(&mut self.backlog).into_values().flatten() {
            self.client_gone(id);
        }
    }
}

/// The first `count` of `bytes`, which are there.
fn take_front(bytes: &mut VecDeque<u8>, count: usize) -> Vec<u8> {
    let (front, back) = bytes.as_slices();
    let from_front = count.min(front.len());
    let taken = [&front[..from_front], &back[..count - from_front]].concat();
    bytes.drain(..count);
    taken
}

fn nanos(duration: std::time::Duration) -> u64 {
    duration.as_nanos() as u64
}
