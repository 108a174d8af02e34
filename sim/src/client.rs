//! Fake clients: one connection, one request, and every way to be difficult about it.

use crate::call::Call;
use crate::plan::Plan;
use crate::random::Domain;
use crate::stage::{MICRO, MILLI, SECOND, Stage};
use parsecd_core::ids::ConnectionKey;
use parsecd_wire::header::{HEADER_LENGTH, RawHeader};
use std::collections::VecDeque;

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends so many bytes.
    Send(usize),
    /// Sends no more.
    HalfClose,
    /// Closes, whatever is owed.
    Leave,
}

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Sends its request, reads its answer.
    Good,
    /// Leaves before, while or after it sends.
    Leaves,
    /// Falls silent before its request is whole.
    Silent,
    /// Half-closes before its request is whole.
    CutShort,
    /// Sends a byte at a time, each just in time, for longer than a request may take.
    Drips,
    /// Reads very late.
    ReadsLate,
}

/// A client.
#[derive(Debug)]
pub struct Client {
    /// What it asks.
    pub call: Call,
    /// How it behaves.
    pub manner: Manner,
    /// Its connection, once it is accepted.
    pub connection: Option<ConnectionKey>,
    /// Bytes it has sent.
    pub sent: usize,
    /// Bytes that wait to be read by it.
    pub inbox: Vec<u8>,
    /// No more bytes will come.
    pub ended: bool,
    /// Bytes it has received.
    pub received: Vec<u8>,
    /// It has closed.
    pub gone: bool,
    /// It closes as soon as it has its answer, instead of reading to the end of the stream.
    pub hasty: bool,
    steps: VecDeque<(u64, Step)>,
}

impl Client {
    /// A client that behaves as chance has it.
    pub fn new(call: Call, plan: &Plan, stage: &mut Stage) -> Self {
        let manner = if stage.random.chance(Domain::Socket, stage.weights.misbehaves) {
            *stage.random.pick(
                Domain::Socket,
                &[
                    Manner::Leaves,
                    Manner::Leaves,
                    Manner::Silent,
                    Manner::CutShort,
                    Manner::Drips,
                    Manner::ReadsLate,
                ],
            )
        } else {
            Manner::Good
        };
        let hasty = stage.random.chance(Domain::Socket, 300);
        let mut client = Client::good(call);
        client.manner = manner;
        client.hasty = hasty;
        client.steps = steps(&client.call, manner, plan, stage);
        client
    }

    /// A client that sends its request in one piece and reads to the end.
    pub fn good(call: Call) -> Self {
        let steps = VecDeque::from([(0, Step::Send(call.bytes.len()))]);
        Client {
            call,
            manner: Manner::Good,
            connection: None,
            sent: 0,
            inbox: Vec::new(),
            ended: false,
            received: Vec::new(),
            gone: false,
            hasty: false,
            steps,
        }
    }

    /// The next step and how long it waits before it.
    pub fn next_step(&self) -> Option<(u64, Step)> {
        self.steps.front().copied()
    }

    /// Takes the next step.
    pub fn take_step(&mut self) -> Option<Step> {
        self.steps.pop_front().map(|(_, step)| step)
    }

    /// Whether it has a whole answer.
    pub fn is_answered(&self) -> bool {
        self.received.first_chunk::<HEADER_LENGTH>().is_some_and(|header| {
            self.received.len() >= HEADER_LENGTH + RawHeader::from_bytes(header).body_length as usize
        })
    }

    /// How long it takes to read what has come.
    pub fn reading_delay(&self, stage: &mut Stage) -> u64 {
        match self.manner {
            Manner::ReadsLate => 30 * SECOND,
            _ => stage.latency(Domain::Socket, 20 * MICRO),
        }
    }
}

fn steps(call: &Call, manner: Manner, plan: &Plan, stage: &mut Stage) -> VecDeque<(u64, Step)> {
    let total = call.bytes.len();
    let deadlines = &plan.config.deadlines;
    match manner {
        Manner::Good | Manner::ReadsLate => {
            let mut steps = split(total, stage);
            if stage.random.chance(Domain::Socket, 100) {
                steps.push_back((MICRO, Step::HalfClose));
            }
            steps
        }
        Manner::Leaves => {
            let sent = *stage.random.pick(Domain::Socket, &[0, total / 2, total, total]);
            let mut steps = split(sent, stage);
            let patience = stage.random.log_uniform(Domain::Socket, MICRO, 100 * MILLI);
            steps.push_back((patience, Step::Leave));
            steps
        }
        Manner::Silent => split(partial(call, stage), stage),
        Manner::CutShort => {
            let mut steps = split(partial(call, stage), stage);
            steps.push_back((MILLI, Step::HalfClose));
            steps
        }
        Manner::Drips => {
            let pause = deadlines.silence.as_nanos() as u64 / 5 * 4;
            let wanted = (deadlines.request.as_nanos() as u64 / pause.max(1) + 2) as usize;
            (0..wanted.min(partial(call, stage)).min(24)).map(|_| (pause, Step::Send(1))).collect()
        }
    }
}

/// A length that is less than the request.
fn partial(call: &Call, stage: &mut Stage) -> usize {
    stage.random.between(Domain::Socket, 0, call.length as u64 - 1) as usize
}

/// Sends of `total` bytes, split at random places, often in one piece, sometimes byte by byte.
fn split(total: usize, stage: &mut Stage) -> VecDeque<(u64, Step)> {
    let mut steps = VecDeque::new();
    let largest = *stage.random.pick(Domain::Socket, &[total, total, 36, 7, total / 2 + 1]).max(&1);
    let mut left = total;
    while left > 0 {
        let most = if steps.len() >= 30 { left } else { left.min(largest) };
        let piece =
            if most == left { left } else { stage.random.between(Domain::Socket, 1, most as u64) as usize };
        steps.push_back((stage.latency(Domain::Socket, 10 * MICRO), Step::Send(piece)));
        left -= piece;
    }
    steps
}
