//! What the core's observer tells, kept as owned values for the auditor.

use crate::canary::Reader;
use parsecd_core::identity::ApplicationIdentity;
use parsecd_core::ids::{ConnectionKey, HostKey, LaneKey, ObjectId, RequestId, Ticket};
use parsecd_core::observer::{Answered, Event, Observer};
use parsecd_wire::{Opcode, Status};

/// What the auditor needs of an event.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A request came in whole.
    Received {
        /// The request.
        request: RequestId,
        /// Its connection.
        connection: ConnectionKey,
        /// Number of the configuration it is to run under.
        generation: u64,
    },
    /// A request was admitted.
    Admitted {
        /// The request.
        request: RequestId,
        /// Number of the configuration it runs under.
        generation: u64,
        /// Who asks.
        application: Option<ApplicationIdentity>,
        /// What for.
        opcode: Opcode,
    },
    /// A job was given to a lane.
    Started {
        /// For whom.
        request: Option<RequestId>,
        /// The lane.
        lane: LaneKey,
        /// Its ticket.
        ticket: Ticket,
    },
    /// A request changed its state.
    Request(RequestId, &'static str, &'static str),
    /// A key's life changed its state.
    KeyLife(ObjectId, &'static str, &'static str),
    /// A signature that this host has made was wrong, and did not leave.
    WrongSignature(RequestId, HostKey),
    /// A key cannot be used: its provider has another device.
    OtherDevice,
    /// The core began or ended to doubt what the store says.
    StoreDoubt(bool),
    /// A request was answered.
    Answered {
        /// The request.
        request: RequestId,
        /// Its connection, if whoever asked is there.
        connection: Option<ConnectionKey>,
        /// What it will be told, in its turn.
        status: Status,
        /// Number of the configuration it ran under.
        generation: u64,
    },
    /// A connection was refused, or a request of it that was not converted, and why.
    Refused(ConnectionKey, Status),
}

/// Collects the events of one step.
#[derive(Debug)]
pub struct Watch {
    /// What the auditor needs.
    pub seen: Vec<Seen>,
    /// Looks for secrets in what is told.
    pub reader: Reader,
}

impl Watch {
    /// Of the step `moment`.
    pub fn new(moment: u64) -> Self {
        Watch { seen: Vec::new(), reader: Reader::new(moment) }
    }

    /// Connections that were given up, in order.
    pub fn given_up(&self) -> Vec<ConnectionKey> {
        let refused = self.seen.iter().filter_map(|seen| match seen {
            Seen::Refused(connection, Status::ConnectionError) => Some(*connection),
            _ => None,
        });
        refused.collect()
    }

    /// Connections of which requests were taken, in order.
    pub fn taken(&self) -> Vec<ConnectionKey> {
        let taken = self.seen.iter().filter_map(|seen| match seen {
            Seen::Received { connection, .. } => Some(*connection),
            _ => None,
        });
        let mut connections: Vec<_> = taken.collect();
        connections.dedup();
        connections
    }

    /// Connections that may have answers ready, in order.
    pub fn answered(&self) -> Vec<ConnectionKey> {
        let answered = self.seen.iter().filter_map(|seen| match seen {
            Seen::Answered { connection, .. } => *connection,
            Seen::Refused(connection, _) => Some(*connection),
            _ => None,
        });
        let mut connections: Vec<_> = answered.collect();
        connections.dedup();
        connections
    }
}

impl Observer for Watch {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Received { .. }
            | Event::Admitted { .. }
            | Event::Started { .. }
            | Event::RequestTransition { .. }
            | Event::KeyLifeTransition { .. }
            | Event::Stale { .. }
            | Event::Answered(_) => self.reader.sample(&event),
            _ => self.reader.read(&event),
        }
        let seen = match event {
            Event::Received { request, connection, generation } => {
                Seen::Received { request, connection, generation }
            }
            Event::Admitted { request, application, opcode, generation, .. } => {
                Seen::Admitted { request, application: application.cloned(), opcode, generation }
            }
            Event::Started { request, lane, ticket } => Seen::Started { request, lane, ticket },
            Event::RequestTransition { request, from, to } => Seen::Request(request, from, to),
            Event::KeyLifeTransition { object, from, to } => Seen::KeyLife(object, from, to),
            Event::WrongSignature { request, host } => Seen::WrongSignature(request, host),
            Event::OtherDevice { .. } => Seen::OtherDevice,
            Event::StoreDoubt { began } => Seen::StoreDoubt(began),
            Event::Answered(answered) => {
                let Answered { request, connection, status, generation, .. } = answered;
                Seen::Answered { request, connection, status, generation }
            }
            Event::Refused { connection, status, .. } => Seen::Refused(connection, status),
            _ => return,
        };
        self.seen.push(seen);
    }
}
