//! The loop: owns the core and everything the core talks to, on one thread.
//!
//! A *turn* takes what is ready and steps the core with it, in this order: answers of the store, of the executor
//! and of hosts, room for writes, reads, new connections and their first reads, time. What the core asks for is
//! done in batches: one write per host for all jobs, one write of the audit log before the answers that it tells
//! of. An answer without such an event leaves before the next connection is read. When nothing is left the loop
//! waits for the epoll set ([`crate::poller`]), a signal, or the instant the core named, and for nothing else:
//! without clients it sleeps.
//!
//! There is no task per connection and nothing is borrowed from the core across an await: turns are plain
//! functions and only the wait between them is asynchronous.

mod reload;

use crate::audit::AuditLog;
use crate::bell::Bell;
use crate::clock::Clock;
use crate::connections::{Connections, Read, Write};
use crate::executor::Executor;
use crate::hosts::Hosts;
use crate::listener::{Accept, Listener, peer};
use crate::observe::LogObserver;
use crate::poller::{Poller, Readiness};
use crate::reload::InForce;
use crate::service_manager::{tell_ready, tell_stopping};
use crate::signals::{Signals, Wish};
use crate::store::{Store, StoreAnswer};
use crate::world::{Gate, World};
use parsecd_core::identity::{Peer, PeerGroup};
use parsecd_core::ids::ConnectionKey;
use parsecd_core::input::Input;
use parsecd_core::output::Output;
use parsecd_core::service::Service;
use parsecd_core::store::StoreState;
use parsecd_core::time::Instant;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;
use tracing::{error, info, warn};
use zeroize::Zeroize;

/// Most bytes read from a connection at a time.
const READ_MAX: usize = 64 << 10;

/// Most connections accepted from a listener per turn.
const ACCEPT_MAX: usize = 64;

/// Connections read before the loop looks who else has become ready: the fewer, the sooner it is somebody else's
/// turn.
const READS_MAX: usize = 16;

/// Turns in a row before the runtime's own work and signals are looked at.
const TURNS: usize = 16;

/// Rounds of writing and stepping that end a turn; what is left then waits for the next one.
const ROUNDS: usize = 4;

/// Time for running requests after SIGTERM or SIGINT.
const GRACE: Duration = Duration::from_secs(10);

/// Time for lane hosts to exit after that.
const HOST_GRACE: Duration = Duration::from_secs(1);

/// What the loop drives.
pub struct Parts {
    /// The core.
    pub service: Service,
    /// Gets the core's events.
    pub observer: LogObserver,
    /// Readiness of all descriptors.
    pub poller: Poller,
    /// Rung by the threads of the store and of the executor.
    pub bell: Bell,
    /// Signals.
    pub signals: Signals,
    /// Sockets to accept from.
    pub listeners: Vec<Listener>,
    /// Lane hosts.
    pub hosts: Hosts,
    /// The executor.
    pub executor: Executor,
    /// The store.
    pub store: Store,
    /// The audit log.
    pub audit: AuditLog,
    /// The configuration.
    pub in_force: InForce,
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The core has nothing left to do.
    Stopped,
    /// A second signal came before that.
    Forced,
}

/// The loop.
pub struct Runtime {
    service: Service,
    observer: LogObserver,
    clock: Clock,
    signals: Signals,
    in_force: InForce,
    world: World,
    /// What the core wants: `TimePassed` at this instant, or soon.
    wake: Option<Instant>,
    /// When sockets without a name are closed.
    leave_at: Option<Instant>,
    more_work: bool,
    /// Every listener has accepted, or could have.
    ready: bool,
    stopping: bool,
    stopped: bool,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    readiness: Vec<Readiness>,
    /// Every connection is read into this; what was read is wiped at once.
    buffer: Box<[u8]>,
}

/// What ended a wait.
enum Woken {
    Signal(Wish),
    Work,
}

impl Runtime {
    /// Puts the parts together; inside a tokio runtime.
    pub fn new(parts: Parts) -> io::Result<Runtime> {
        let mut runtime = Runtime {
            service: parts.service,
            observer: parts.observer,
            clock: Clock::new(),
            signals: parts.signals,
            in_force: parts.in_force,
            world: World {
                poller: parts.poller,
                bell: parts.bell,
                connections: Connections::default(),
                gates: Vec::new(),
                gates_made: 0,
                hosts: parts.hosts,
                executor: parts.executor,
                store: parts.store,
                store_down: false,
                audit: parts.audit,
                aborts: Vec::new(),
                answers: VecDeque::new(),
            },
            wake: None,
            leave_at: None,
            more_work: false,
            ready: false,
            stopping: false,
            stopped: false,
            timer: None,
            readiness: Vec::new(),
            buffer: vec![0; READ_MAX].into(),
        };
        for listener in parts.listeners {
            let gate = runtime.world.gate(listener)?;
            runtime.world.gates.push(gate);
        }
        Ok(runtime)
    }

    /// Runs until the service has stopped.
    ///
    /// # Errors
    /// Only those of the epoll set itself.
    pub async fn run(mut self) -> io::Result<End> {
        // The first step opens the hosts.
        self.step(Input::TimePassed);
        loop {
            let mut turns = 0;
            let mut busy = true;
            while busy && turns < TURNS && !self.stopped {
                busy = self.turn()?;
                turns += 1;
            }
            if self.stopped {
                self.write_connections();
                self.world.connections.abort_all();
                self.world.hosts.end(HOST_GRACE);
                return Ok(End::Stopped);
            }
            if busy {
                tokio::task::yield_now().await;
            }
            match self.wait(busy).await? {
                Woken::Work => {}
                Woken::Signal(Wish::Reload) => self.reload(),
                Woken::Signal(Wish::Stop) if self.stopping => {
                    // At once: without waiting for the threads of the store, as after a crash.
                    std::mem::forget(self);
                    return Ok(End::Forced);
                }
                Woken::Signal(Wish::Stop) => self.stop(),
            }
        }
    }

    fn stop(&mut self) {
        info!(grace_s = GRACE.as_secs(), "stopping: running requests are finished");
        tell_stopping();
        self.stopping = true;
        self.observer.expect_hosts_to_end();
        // Nobody finds the socket any more; who has connected already is served or told, never reset.
        self.world.gates.iter_mut().for_each(|gate| {
            gate.listener.unlink();
            gate.ready = true;
        });
        while self.accept() {}
        self.read_connections(usize::MAX);
        self.step(Input::ShutdownRequested { grace: GRACE });
    }

    /// One step of the core, and what it asks for.
    fn step(&mut self, input: Input<'_>) {
        let now = self.clock.now();
        let mut accepts = false;
        for output in self.service.step(now, input, &mut self.observer) {
            match output {
                Output::Idle { wake, more_work } => {
                    self.wake = wake.map(|(instant, _)| instant);
                    self.more_work = more_work;
                }
                Output::Stopped => self.stopped = true,
                // A turn asks for the budget of every listener somebody waits at.
                Output::AcceptAgain { .. } => accepts = true,
                output => self.world.take(output),
            }
        }
        if accepts && !self.ready {
            let closed = |gate: &Gate| self.service.accept_budget(gate.listener.key()) == 0;
            self.ready = !self.world.gates.iter().any(closed);
            if self.ready {
                tell_ready(None);
            }
        }
    }

    /// Takes what is ready and does what follows from it. `true`: there is more that need not be waited for.
    fn turn(&mut self) -> io::Result<bool> {
        let mut readiness = std::mem::take(&mut self.readiness);
        let more_events = self.world.poller.collect(&mut readiness)?;
        let gone = self.world.note(&readiness);
        readiness.clear();
        self.readiness = readiness;

        self.completions();
        // Lanes go on while connections are served.
        self.world.hosts.write();
        for connection in gone {
            self.lose(connection);
        }
        self.write_connections();
        self.read_connections(READS_MAX);
        self.accept();
        self.read_connections(READS_MAX);
        self.pass_time();
        for _ in 0..ROUNDS {
            if !self.do_batch() {
                break;
            }
        }
        for connection in self.world.connections.watch_new(&self.world.poller) {
            warn!(slot = connection.slot, "cannot watch a connection, closing it");
            self.lose(connection);
        }
        Ok(more_events || self.has_work())
    }

    fn has_work(&self) -> bool {
        let world = &self.world;
        self.more_work
            || world.connections.reads_waiting() > 0
            || world.connections.writes_waiting() > 0
            || world.hosts.has_input()
            || world.audit.is_waiting()
            || !world.aborts.is_empty()
            || !world.answers.is_empty()
            || world
                .gates
                .iter()
                .any(|gate| gate.ready && self.service.accept_budget(gate.listener.key()) > 0)
    }

    /// Answers of the store, of the executor and of hosts.
    fn completions(&mut self) {
        for answer in self.world.store.completions() {
            self.step(match answer {
                StoreAnswer::Fetched { ticket, fetched, counters } => {
                    Input::RecordFetched { ticket, fetched, counters }
                }
                StoreAnswer::Listed { ticket, page } => Input::Listed { ticket, page },
                StoreAnswer::Committed { ticket, result } => Input::Committed { ticket, result },
            });
        }
        if !self.world.store_down && self.world.store.state() == StoreState::Down {
            self.world.store_down = true;
            error!("a thread of the store died; restart parsecd");
            self.step(Input::StoreChanged { state: StoreState::Down });
        }
        for (ticket, outcome) in self.world.executor.completions() {
            self.step(Input::JobFinished { ticket, outcome });
        }
        self.world.hosts.read();
        while let Some(event) = self.world.hosts.next_event() {
            self.step(event);
        }
        while let Some(answer) = self.world.answers.pop_front() {
            self.step(answer);
        }
    }

    fn write_connections(&mut self) {
        for _ in 0..self.world.connections.writes_waiting() {
            if let Some(connection) = self.world.connections.next_write() {
                self.write(connection);
            }
        }
    }

    /// Writes what is there to be written before the next connection is read: clients work on their answers
    /// meanwhile. Not where audit events come first, which share one write per turn.
    fn write_early(&mut self) {
        if !self.world.audit.is_waiting() {
            self.write_connections();
        }
    }

    /// Writes the audit events of all steps so far. `false`: there were none.
    fn write_audit(&mut self) -> bool {
        if !self.world.audit.is_waiting() {
            return false;
        }
        let (tickets, written) = self.world.audit.write();
        for ticket in tickets {
            self.step(Input::Audited { ticket, written });
        }
        true
    }

    fn write(&mut self, connection: ConnectionKey) {
        // An answer leaves after the event that tells of it.
        self.write_audit();
        if !self.service.outgoing(connection).is_empty() {
            let unsent = self.service.outgoing_pieces(connection);
            match self.world.connections.write(connection, unsent) {
                Write::Taken(count) => {
                    let count = u32::try_from(count).unwrap_or(u32::MAX);
                    self.step(Input::BytesSent { connection, count });
                }
                Write::Nothing => return,
                Write::Broken => return self.lose(connection),
            }
        }
        if !self.service.outgoing(connection).is_empty() {
            self.world.connections.queue_write(connection);
        } else if self.world.connections.written(connection) {
            self.step(Input::ConnectionLost { connection });
        }
    }

    /// Reads at most so many of the connections that are waiting for it.
    fn read_connections(&mut self, most: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..self.world.connections.reads_waiting().min(most) {
            if let Some(connection) = self.world.connections.next_read() {
                self.read(connection, &mut buffer);
            }
        }
        self.buffer = buffer;
    }

    fn read(&mut self, connection: ConnectionKey, buffer: &mut [u8]) {
        let budget = usize::try_from(self.service.read_budget(connection)).unwrap_or(usize::MAX);
        let room = budget.min(buffer.len());
        if room == 0 {
            // `ReadAgain` puts it back.
            return;
        }
        let room = buffer.get_mut(..room).unwrap_or_default();
        match self.world.connections.read(connection, room) {
            Read::Bytes(count) => {
                let bytes = room.get_mut(..count).unwrap_or_default();
                self.step(Input::BytesReceived { connection, bytes });
                bytes.zeroize();
                self.world.connections.queue_read(connection);
                self.write_early();
            }
            Read::Closed => self.step(Input::ReadClosed { connection }),
            Read::Nothing => {}
            Read::Broken => self.lose(connection),
        }
    }

    /// `true`: there may be more.
    fn accept(&mut self) -> bool {
        let mut more = false;
        for place in 0..self.world.gates.len() {
            more |= (0..ACCEPT_MAX).all(|_| self.accept_one(place));
        }
        more
    }

    /// `true`: there may be another.
    fn accept_one(&mut self, place: usize) -> bool {
        let Some(gate) = self.world.gates.get_mut(place) else { return false };
        let listener = gate.listener.key();
        if !gate.ready || self.service.accept_budget(listener) == 0 {
            return false;
        }
        let socket = match gate.listener.accept() {
            Accept::Connection(socket) => socket,
            Accept::Nothing => {
                gate.ready = false;
                return false;
            }
            Accept::Exhausted(cause) => {
                warn!(%cause, "cannot accept connections for now");
                self.step(Input::AcceptFailed { listener });
                return false;
            }
        };
        let credentials = peer(&socket);
        let group = PeerGroup(credentials.map_or(u64::MAX, |credentials| u64::from(credentials.uid)));
        // Without a free slot the socket is dropped, which closes it.
        if let Some(connection) = self.world.connections.insert(socket, group) {
            self.step(Input::ConnectionOpened { connection, listener, peer: Peer { credentials, group } });
        }
        true
    }

    /// Delivers `TimePassed` if it is due.
    fn pass_time(&mut self) {
        let now = self.clock.now().instant;
        if self.more_work || self.wake.is_some_and(|wake| wake <= now) {
            self.step(Input::TimePassed);
        }
        if self.leave_at.is_some_and(|at| at <= now) {
            self.leave_at = None;
            self.world.gates.retain(|gate| !gate.leaving);
        }
    }

    /// Does what the core asked for. `false`: there was nothing to do.
    fn do_batch(&mut self) -> bool {
        self.world.hosts.write();
        let audited = self.write_audit();
        let aborts = std::mem::take(&mut self.world.aborts);
        let writes = self.world.connections.writes_waiting();
        let nothing = !audited && aborts.is_empty() && writes == 0;
        for connection in aborts {
            self.lose(connection);
        }
        self.write_connections();
        !nothing
    }

    /// Closes a connection at once, in the way that lets a client still read what was sent.
    fn lose(&mut self, connection: ConnectionKey) {
        if self.world.connections.abort(connection) {
            self.step(Input::ConnectionLost { connection });
        }
    }

    /// Waits for something to do; does not wait if `busy`, but sees signals.
    async fn wait(&mut self, busy: bool) -> io::Result<Woken> {
        self.set_timer();
        poll_fn(|context| {
            if let Poll::Ready(wish) = self.signals.poll_next(context) {
                return Poll::Ready(Ok(Woken::Signal(wish)));
            }
            if busy || self.poll_timer(context).is_ready() {
                return Poll::Ready(Ok(Woken::Work));
            }
            self.world.poller.poll_changed(context).map_ok(|()| Woken::Work)
        })
        .await
    }

    /// A timer for the instant the core named; none if it named none.
    fn set_timer(&mut self) {
        let Some(wake) = self.wake.into_iter().chain(self.leave_at).min() else {
            self.timer = None;
            return;
        };
        let at = tokio::time::Instant::from_std(self.clock.system_instant(wake));
        match &mut self.timer {
            // One that is too early wakes once for nothing; setting it anew with every answer costs more.
            Some((set, _)) if *set <= wake => {}
            Some((set, sleep)) => {
                *set = wake;
                sleep.as_mut().reset(at);
            }
            None => self.timer = Some((wake, Box::pin(tokio::time::sleep_until(at)))),
        }
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            Some((_, sleep)) => {
                let elapsed = sleep.as_mut().poll(context);
                if elapsed.is_ready() {
                    self.timer = None;
                }
                elapsed
            }
            None => Poll::Pending,
        }
    }
}
