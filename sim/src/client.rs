//! Fake clients: one connection, one request or several, and every way to be difficult about it.

use crate::call::{Call, Meaning};
use crate::faults::Family;
use crate::plan::Plan;
use crate::random::Domain;
use crate::stage::{MICRO, MILLI, SECOND, Stage};
use crate::workload::PAUSES;
use parsecd_core::ids::ConnectionKey;
use parsecd_wire::header::{HEADER_LENGTH, RawHeader};
use parsecd_wire::{ResponseHeader, Status};
use std::collections::VecDeque;

/// Bytes the kernel keeps for a client that does not read.
const BUFFER: usize = 4096;
/// The same where it keeps little.
const SMALL_BUFFER: usize = 256;

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends so many bytes.
    Send(usize),
    /// Waits until it has so many answers.
    Await(usize),
    /// Sends no more.
    HalfClose,
    /// Closes, whatever is owed.
    Leave,
}

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Sends its requests, reads its answers.
    Good,
    /// Leaves before, while or after it sends.
    Leaves,
    /// Falls silent before its last request is whole.
    Silent,
    /// Half-closes before its last request is whole.
    CutShort,
    /// Sends its last request a byte at a time, each just in time, for longer than a request may take.
    Drips,
    /// Reads very late.
    ReadsLate,
    /// Reads a part of its answers at a time, each just in time.
    ReadsSlowly,
    /// Reads nothing.
    NeverReads,
}

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    /// What it asks, until it is in the world's list of requests.
    pub calls: Vec<Call>,
    /// Its first request in that list; the others follow.
    pub first: usize,
    /// Where in what it sends each of its requests ends.
    pub ends: Vec<usize>,
    /// How it behaves.
    pub manner: Manner,
    /// Its connection, once it is accepted.
    pub connection: Option<ConnectionKey>,
    /// All bytes it sends.
    stream: Vec<u8>,
    sent: usize,
    /// Bytes that wait to be read by it.
    pub inbox: Vec<u8>,
    /// No more bytes will come.
    pub ended: bool,
    /// What it was told, in order.
    pub answers: Vec<Status>,
    partial: Vec<u8>,
    /// It has closed.
    pub gone: bool,
    /// It closes as soon as it has its answers, instead of reading to the end of the stream.
    pub hasty: bool,
    /// It has one request at a time.
    pauses: bool,
    /// How long it waits before it reads, where it reads slowly.
    reading: u64,
    /// Bytes of body and authentication that its first request announces.
    pub announced: Option<u64>,
    steps: VecDeque<(u64, Step)>,
}

impl Client {
    /// A client that behaves as chance has it. All but the last of `calls` keep the connection.
    pub fn new(calls: Vec<Call>, plan: &Plan, stage: &mut Stage) -> Self {
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
                    Manner::ReadsSlowly,
                ],
            )
        } else {
            Manner::Good
        };
        if calls.iter().any(|call| matches!(call.meaning, Meaning::Anonymous(_) | Meaning::Incomplete)) {
            stage.faults.strikes(Family::ClientBytes);
        }
        if manner != Manner::Good {
            stage.faults.strikes(Family::ClientPace);
        }
        let hasty = stage.random.chance(Domain::Socket, 300);
        let pauses = plan.pauses && calls.first().is_some_and(|call| call.peer.group.0 == 2000 + PAUSES);
        let mut client = Client::silent(calls);
        client.pauses = pauses;
        client.manner = manner;
        client.hasty = hasty;
        client.reading = plan.config.deadlines.answer_taken.as_nanos() as u64 / 5 * 4;
        client.steps = steps(&client, manner, plan, stage);
        client
    }

    /// A client that sends its request in one piece and reads to the end.
    pub fn good(call: Call) -> Self {
        let mut client = Client::silent(vec![call]);
        client.steps = VecDeque::from([(0, Step::Send(client.stream.len()))]);
        client
    }

    /// A client that does what it is told.
    pub fn scripted(calls: Vec<Call>, manner: Manner, steps: VecDeque<(u64, Step)>) -> Self {
        Client { manner, steps, ..Client::silent(calls) }
    }

    /// A client that sends nothing by itself.
    fn silent(mut calls: Vec<Call>) -> Self {
        let (mut stream, mut ends) = (Vec::new(), Vec::new());
        for call in &mut calls {
            ends.push(stream.len() + call.length);
            stream.extend(call.take_bytes());
        }
        let announced = stream.first_chunk().map(|header: &[u8; HEADER_LENGTH]| {
            let header = RawHeader::from_bytes(header);
            u64::from(header.body_length) + u64::from(header.authentication_length)
        });
        Client {
            calls,
            first: 0,
            ends,
            manner: Manner::Good,
            connection: None,
            stream,
            sent: 0,
            inbox: Vec::new(),
            ended: false,
            answers: Vec::new(),
            partial: Vec::new(),
            gone: false,
            hasty: false,
            pauses: false,
            reading: 0,
            announced,
            steps: VecDeque::new(),
        }
    }

    /// The next step and how long it waits before it.
    pub fn next_step(&self) -> Option<(u64, Step)> {
        self.steps.front().copied()
    }

    /// Takes the next step, unless it waits for answers that have not come.
    pub fn take_step(&mut self) -> Option<Step> {
        match self.steps.front() {
            Some((_, Step::Await(count))) if self.answers.len() < *count => None,
            _ => self.steps.pop_front().map(|(_, step)| step),
        }
    }

    /// Whether it waited for the answer that has just come.
    pub fn was_waiting(&self) -> bool {
        matches!(self.steps.front(), Some((_, Step::Await(count))) if self.answers.len() >= *count)
    }

    /// The next `count` bytes it sends.
    pub fn send(&mut self, count: usize) -> &[u8] {
        let from = self.sent;
        self.sent = (from + count).min(self.stream.len());
        &self.stream[from..self.sent]
    }

    /// Reads what has come. Whether an answer was completed.
    pub fn read(&mut self) -> bool {
        self.partial.append(&mut self.inbox);
        let before = self.answers.len();
        while let Some(header) = self.partial.first_chunk::<HEADER_LENGTH>() {
            let length = HEADER_LENGTH + RawHeader::from_bytes(header).body_length as usize;
            if self.partial.len() < length {
                break;
            }
            let status = ResponseHeader::from_bytes(header).map(|header| header.status);
            self.answers.push(status.unwrap_or(Status::InvalidHeader));
            self.partial.drain(..length);
        }
        self.answers.len() > before
    }

    /// Whether it has all its answers.
    pub fn is_answered(&self) -> bool {
        self.answers.len() >= self.ends.len()
    }

    /// Its requests of which it has no answer, as it would ask them again; `calls` are all of its requests.
    pub fn unanswered(&self, calls: &[Call]) -> Vec<Call> {
        let begins: Vec<_> = self.ends.iter().zip(calls).map(|(end, call)| end - call.length).collect();
        let ends = begins.iter().skip(1).copied().chain([self.stream.len()]);
        let pieces = begins.iter().zip(ends).zip(calls).skip(self.answers.len());
        pieces
            .map(|((from, to), call)| Call { bytes: self.stream[*from..to].to_vec(), ..call.clone() })
            .collect()
    }

    /// It sends all that it has to ask, and leaves before it has its answers.
    pub fn leaves_early(&mut self, stage: &mut Stage) {
        self.manner = Manner::Leaves;
        let patience = stage.random.log_uniform(Domain::Socket, MILLI, 100 * MILLI);
        self.steps = VecDeque::from([(0, Step::Send(self.stream.len())), (patience, Step::Leave)]);
    }

    /// Closes; what it would have sent is forgotten.
    pub fn leave(&mut self) {
        self.gone = true;
        self.stream = Vec::new();
        self.steps.clear();
        self.sent = 0;
    }

    /// Bytes the kernel keeps for it while it does not read.
    pub fn buffer(&self) -> usize {
        if self.manner == Manner::ReadsSlowly { SMALL_BUFFER } else { BUFFER }
    }

    /// How long it takes to read what has come.
    pub fn reading_delay(&self, stage: &mut Stage) -> u64 {
        match self.manner {
            Manner::ReadsLate => 30 * SECOND,
            Manner::ReadsSlowly => self.reading,
            _ => stage.latency(Domain::Socket, 20 * MICRO),
        }
    }
}

fn steps(client: &Client, manner: Manner, plan: &Plan, stage: &mut Stage) -> VecDeque<(u64, Step)> {
    let total = client.stream.len();
    let deadlines = &plan.config.deadlines;
    match manner {
        Manner::Good | Manner::ReadsLate | Manner::ReadsSlowly | Manner::NeverReads => {
            let mut steps = requests(client, total, stage);
            if stage.random.chance(Domain::Socket, 100) {
                steps.push_back((MICRO, Step::HalfClose));
            }
            steps
        }
        Manner::Leaves => {
            let sent = *stage.random.pick(Domain::Socket, &[0, total / 2, total, total, total, total]);
            let mut steps = requests(client, sent, stage);
            let patience = match client.calls.last().map(|call| &call.meaning) {
                // While its key is being made.
                Some(Meaning::Create { .. }) if stage.random.chance(Domain::Socket, 900) => {
                    let read = plan.weights.read_time * MICRO;
                    stage.random.between(Domain::Socket, MICRO, read + 5 * MILLI)
                }
                _ => stage.random.log_uniform(Domain::Socket, MICRO, 100 * MILLI),
            };
            steps.push_back((patience, Step::Leave));
            steps
        }
        Manner::Silent => {
            let sent = partial(client, stage);
            requests(client, sent, stage)
        }
        Manner::CutShort => {
            let sent = partial(client, stage);
            let mut steps = requests(client, sent, stage);
            steps.push_back((MILLI, Step::HalfClose));
            steps
        }
        Manner::Drips => {
            let last = client.ends.iter().rev().nth(1).copied().unwrap_or_default();
            let mut steps = requests(client, last, stage);
            let pause = deadlines.silence.as_nanos() as u64 / 5 * 4;
            let wanted = (deadlines.request.as_nanos() as u64 / pause.max(1) + 2) as usize;
            let dripped = partial(client, stage) - last;
            steps.extend((0..wanted.min(dripped).min(24)).map(|_| (pause, Step::Send(1))));
            steps
        }
    }
}

/// A length that ends within the last request.
fn partial(client: &Client, stage: &mut Stage) -> usize {
    let mut ends = client.ends.iter().rev().copied();
    let (end, from) = (ends.next().unwrap_or_default(), ends.next().unwrap_or_default());
    stage.random.between(Domain::Socket, from as u64, (end as u64).max(1) - 1) as usize
}

/// Sends the first `total` bytes: all at once, or with so many requests unanswered at most.
fn requests(client: &Client, total: usize, stage: &mut Stage) -> VecDeque<(u64, Step)> {
    let count = client.ends.len();
    if count < 2 {
        return split(total, stage);
    }
    let window = *stage.random.pick(Domain::Socket, &[1, 1, 2, 4, count, count]);
    let window = if client.pauses { 1 } else { window };
    let (mut steps, mut from) = (VecDeque::new(), 0);
    for (index, group) in client.ends.chunks(window).enumerate() {
        let end = group.last().copied().unwrap_or_default().min(total);
        if index > 0 {
            let pause = stage.random.log_uniform(Domain::Socket, 1, 10 * MILLI);
            steps.push_back((pause, Step::Await(index * window)));
        }
        if end > from {
            steps.extend(split(end - from, stage));
            from = end;
        }
    }
    if total > from {
        steps.extend(split(total - from, stage));
    }
    steps
}

/// Sends of `total` bytes, in one piece or split at random places, sometimes byte by byte.
fn split(total: usize, stage: &mut Stage) -> VecDeque<(u64, Step)> {
    if total > 0 && !stage.random.chance(Domain::Socket, stage.weights.splits) {
        return VecDeque::from([(stage.latency(Domain::Socket, 10 * MICRO), Step::Send(total))]);
    }
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
