//! The host's side of the socket pair.

use parsecd_core::encoding::{DecodeError, FrameSplitter, FrameTooLarge, HostRequest, HostResponse};
use parsecd_core::ids::Ticket;
use parsecd_core::job::{Job, KeyOperation};
use parsecd_core::outcome::Outcome;
use parsecd_wire::{SecretBytes, Status};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::os::unix::net::UnixStream;
use zeroize::{Zeroize, Zeroizing};

/// Bytes read at a time.
const READ_SIZE: usize = 64 << 10;

/// Jobs that may wait here before the socket holds the others back.
const WAITING_MAX: usize = 64;

/// Answers that may wait for one write.
const ANSWERS_MAX: usize = 64;

/// Largest input, in bytes, of a job that takes no longer than a write.
const SHORT_INPUT: usize = 1024;

/// The daemon is gone, and everything that was begun is finished.
#[derive(Clone, Copy, Debug)]
pub struct Ended;

/// Why the link cannot go on although the daemon is there.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The socket cannot be read or written.
    #[error("socket: {0}")]
    Socket(#[from] io::Error),
    /// A frame beyond the maximum.
    #[error("malformed request: {0}")]
    Frame(#[from] FrameTooLarge),
    /// A frame that is no request.
    #[error("malformed request: {0}")]
    Request(#[from] DecodeError),
}

/// The link to the daemon: jobs that wait, and answers that are to be written.
pub struct Link {
    socket: UnixStream,
    buffer: Zeroizing<Vec<u8>>,
    splitter: FrameSplitter,
    waiting: VecDeque<(Ticket, Job)>,
    answers: Vec<SecretBytes>,
    gone: bool,
}

impl Link {
    /// Tells the daemon that the library is loaded.
    pub fn open(socket: UnixStream, lanes: u16, library: String) -> Result<Link, LinkError> {
        let mut link = Link {
            socket,
            buffer: Zeroizing::new(vec![0; READ_SIZE]),
            splitter: FrameSplitter::new(),
            waiting: VecDeque::new(),
            answers: Vec::new(),
            gone: false,
        };
        link.answers.extend(HostResponse::Opened { lanes, library }.to_frame());
        link.write_answers()?;
        Ok(link)
    }

    /// Runs jobs one after the other until the daemon is gone. What waits then is not begun.
    pub fn serve(mut self, mut run: impl FnMut(&Job) -> Outcome) -> Result<Ended, LinkError> {
        loop {
            self.read()?;
            if self.gone {
                return Ok(Ended);
            }
            let Some((ticket, job)) = self.waiting.pop_front() else { continue };
            if !is_short(&job) {
                self.write_answers()?;
            }
            let outcome = run(&job);
            // The material in it is wiped before anything else happens.
            drop(job);
            self.answer(ticket, outcome);
            if self.waiting.is_empty() || self.answers.len() >= ANSWERS_MAX {
                self.write_answers()?;
            }
        }
    }

    /// Takes what the daemon has sent; blocks only if there is nothing to do.
    fn read(&mut self) -> Result<(), LinkError> {
        while self.waiting.len() < WAITING_MAX && !self.gone {
            let flags = if self.waiting.is_empty() {
                self.write_answers()?;
                RecvFlags::empty()
            } else {
                RecvFlags::DONTWAIT
            };
            let count = match rustix::net::recv(&self.socket, self.buffer.as_mut_slice(), flags) {
                Ok((0, _)) | Err(Errno::CONNRESET) => {
                    self.gone = true;
                    return Ok(());
                }
                Ok((count, _)) => count,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(LinkError::Socket(error.into())),
            };
            let taken = self.take_requests(count);
            self.buffer[..count].zeroize();
            taken?;
        }
        Ok(())
    }

    /// Takes the requests out of the first `count` bytes of the buffer.
    fn take_requests(&mut self, count: usize) -> Result<(), LinkError> {
        let Link { buffer, splitter, waiting, answers, .. } = self;
        let mut bytes = &buffer[..count];
        while let Some(frame) = splitter.next_frame(&mut bytes)? {
            match HostRequest::from_frame(frame.expose())? {
                HostRequest::Job { ticket, job } => waiting.push_back((ticket, job)),
                HostRequest::Cancel { ticket } => {
                    if let Some(position) = waiting.iter().position(|(waits, _)| *waits == ticket) {
                        waiting.remove(position);
                        answers.push(encoded(ticket, Outcome::NoEffect));
                    }
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self, ticket: Ticket, outcome: Outcome) {
        self.answers.push(encoded(ticket, outcome));
    }

    /// Writes every answer, as few times as the socket allows.
    fn write_answers(&mut self) -> Result<(), LinkError> {
        if self.answers.is_empty() {
            return Ok(());
        }
        let mut slices: Vec<IoSlice<'_>> =
            self.answers.iter().map(|answer| IoSlice::new(answer.expose())).collect();
        let mut left = slices.as_mut_slice();
        while !left.is_empty() {
            match (&self.socket).write_vectored(left) {
                Ok(count) => IoSlice::advance_slices(&mut left, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Nobody is left to read the answers; the next read says so too.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    self.gone = true;
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.answers.clear();
        Ok(())
    }
}

/// The answer as a frame; an outcome too long for a frame becomes a refusal.
fn encoded(ticket: Ticket, outcome: Outcome) -> SecretBytes {
    HostResponse::Finished { ticket, outcome }
        .to_frame()
        .or_else(|_| {
            let outcome = Outcome::Refused(Status::ResponseTooLarge);
            HostResponse::Finished { ticket, outcome }.to_frame()
        })
        .expect("a refusal fits into a frame")
}

/// Whether a job takes no longer than writing an answer does, so that answers may wait for it.
fn is_short(job: &Job) -> bool {
    match job {
        Job::Open => true,
        Job::Random { length } => *length as usize <= SHORT_INPUT,
        Job::HashCompute { input, .. } => input.len() <= SHORT_INPUT,
        Job::Use { operation: KeyOperation::MacCompute { input, .. }, .. } => input.len() <= SHORT_INPUT,
        Job::Use { operation: KeyOperation::AeadEncrypt { plaintext, .. }, .. } => {
            plaintext.len() <= SHORT_INPUT
        }
        Job::Use { operation: KeyOperation::AeadDecrypt { ciphertext, .. }, .. } => {
            ciphertext.len() <= SHORT_INPUT
        }
        Job::Generate { .. } | Job::Import { .. } | Job::Remove { .. } | Job::Use { .. } => false,
    }
}
