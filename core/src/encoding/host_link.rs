//! What daemon and lane host say to each other over their socket pair.
//!
//! The host speaks first, with [`HostResponse::Opened`]. Then each [`HostRequest::Job`] gets exactly one
//! [`HostResponse::Finished`] with its ticket; a job that waits can be cancelled.

use super::decoder::{DecodeError, Decoder, decode, unknown};
use super::encoder::TooLong;
use super::frame::encode_frame;
use super::job::{decode_job, encode_job};
use super::outcome::{decode_outcome, encode_outcome};
use crate::ids::Ticket;
use crate::job::Job;
use crate::outcome::Outcome;
use alloc::string::String;
use parsecd_wire::SecretBytes;

/// From the daemon to a lane host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are jobs")]
pub enum HostRequest {
    /// Run this.
    Job {
        /// Comes back with the outcome.
        ticket: Ticket,
        /// What to run.
        job: Job,
    },
    /// If this job still waits, answer it with [`Outcome::NoEffect`]; if not, this means nothing.
    Cancel {
        /// Its ticket.
        ticket: Ticket,
    },
}

/// From a lane host to the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostResponse {
    /// The library is loaded. Sent once, first.
    Opened {
        /// Jobs it runs at a time.
        lanes: u16,
        /// Library and version, for logs and descriptions.
        library: String,
    },
    /// A job ended.
    Finished {
        /// Ticket of the job.
        ticket: Ticket,
        /// How it ended.
        outcome: Outcome,
    },
}

impl HostRequest {
    /// As one frame, length included.
    pub fn to_frame(&self) -> Result<SecretBytes, TooLong> {
        match self {
            HostRequest::Job { ticket, job } => HostRequest::job_frame(*ticket, job),
            HostRequest::Cancel { ticket } => encode_frame(|out| {
                out.u8(2);
                out.u64(ticket.0);
            }),
        }
    }

    /// The frame of [`HostRequest::Job`] for a job that others hold too.
    pub fn job_frame(ticket: Ticket, job: &Job) -> Result<SecretBytes, TooLong> {
        encode_frame(|out| {
            out.u8(1);
            out.u64(ticket.0);
            encode_job(out, job);
        })
    }

    /// From a frame without its length.
    pub fn from_frame(frame: &[u8]) -> Result<HostRequest, DecodeError> {
        decode(frame, |input| {
            Ok(match input.u8()? {
                1 => HostRequest::Job { ticket: get_ticket(input)?, job: decode_job(input)? },
                2 => HostRequest::Cancel { ticket: get_ticket(input)? },
                other => return Err(unknown("message to a host", other)),
            })
        })
    }
}

impl HostResponse {
    /// As one frame, length included.
    pub fn to_frame(&self) -> Result<SecretBytes, TooLong> {
        encode_frame(|out| match self {
            HostResponse::Opened { lanes, library } => {
                out.u8(1);
                out.u16(*lanes);
                out.text(library);
            }
            HostResponse::Finished { ticket, outcome } => {
                out.u8(2);
                out.u64(ticket.0);
                encode_outcome(out, outcome);
            }
        })
    }

    /// From a frame without its length.
    pub fn from_frame(frame: &[u8]) -> Result<HostResponse, DecodeError> {
        decode(frame, |input| {
            Ok(match input.u8()? {
                1 => HostResponse::Opened { lanes: input.u16()?, library: input.text()? },
                2 => HostResponse::Finished { ticket: get_ticket(input)?, outcome: decode_outcome(input)? },
                other => return Err(unknown("message from a host", other)),
            })
        })
    }
}

fn get_ticket(input: &mut Decoder<'_>) -> Result<Ticket, DecodeError> {
    input.u64().map(Ticket)
}

#[cfg(test)]
mod tests {
    use super::super::frame::FrameSplitter;
    use super::super::job::tests::every_job;
    use super::super::outcome::tests::every_outcome;
    use super::*;
    use alloc::vec::Vec;

    fn every_request() -> Vec<HostRequest> {
        let mut all = Vec::from([HostRequest::Cancel { ticket: Ticket(u64::MAX) }]);
        all.extend(every_job().into_iter().map(|job| HostRequest::Job { ticket: Ticket(7), job }));
        all
    }

    fn every_response() -> Vec<HostResponse> {
        let mut all = Vec::from([HostResponse::Opened { lanes: 8, library: String::from("Mbed TLS ✓") }]);
        all.extend(
            every_outcome()
                .into_iter()
                .map(|outcome| HostResponse::Finished { ticket: Ticket(1 << 40), outcome }),
        );
        all
    }

    fn only_frame(frame: &SecretBytes) -> SecretBytes {
        let mut bytes = frame.expose();
        let body = FrameSplitter::new().next_frame(&mut bytes).unwrap().unwrap();
        assert!(bytes.is_empty());
        body
    }

    #[test]
    fn every_message_comes_back() {
        for request in every_request() {
            let frame = only_frame(&request.to_frame().unwrap());
            assert_eq!(HostRequest::from_frame(frame.expose()), Ok(request));
        }
        for response in every_response() {
            let frame = only_frame(&response.to_frame().unwrap());
            assert_eq!(HostResponse::from_frame(frame.expose()), Ok(response));
        }
    }

    #[test]
    fn messages_are_encoded_into_buffers_of_exactly_their_size() {
        for request in every_request() {
            let frame = request.to_frame().unwrap();
            assert_eq!(frame.len(), frame.capacity());
        }
    }

    /// A generator of pseudo-random numbers (xorshift64*), so that a failure can be repeated.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
        }

        fn below(&mut self, limit: usize) -> usize {
            usize::try_from(self.next() >> 11).unwrap() % limit
        }

        fn byte(&mut self) -> u8 {
            self.next().to_be_bytes()[0]
        }
    }

    /// What decodes encodes to the same bytes again; everything else is an error, never a panic.
    fn decodes_to_itself_or_not_at_all(frame: &[u8]) -> bool {
        let request = HostRequest::from_frame(frame);
        if let Ok(request) = &request {
            assert_eq!(only_frame(&request.to_frame().unwrap()).expose(), frame);
        }
        let response = HostResponse::from_frame(frame);
        if let Ok(response) = &response {
            assert_eq!(only_frame(&response.to_frame().unwrap()).expose(), frame);
        }
        request.is_ok() || response.is_ok()
    }

    #[test]
    fn any_bytes_are_the_one_encoding_of_a_message_or_refused() {
        let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
        let mut decoded = 0;
        for _ in 0..100_000 {
            // Small bytes are far more often numbers that mean something.
            let limit = if numbers.below(2) == 0 { 256 } else { 16 };
            let frame: Vec<u8> =
                (0..numbers.below(64)).map(|_| (numbers.byte() as usize % limit) as u8).collect();
            decoded += usize::from(decodes_to_itself_or_not_at_all(&frame));
        }
        assert!(decoded > 0, "no frame of 100,000 reached the end of a decoder");
    }

    #[test]
    fn damaged_messages_are_messages_with_one_encoding_or_refused() {
        let mut numbers = Numbers(3);
        let frames: Vec<SecretBytes> = every_request()
            .iter()
            .map(|request| request.to_frame().unwrap())
            .chain(every_response().iter().map(|response| response.to_frame().unwrap()))
            .filter(|frame| frame.len() < 1000)
            .collect();
        for _ in 0..100_000 {
            let mut frame = frames[numbers.below(frames.len())].expose()[4..].to_vec();
            for _ in 0..=numbers.below(3) {
                match numbers.below(4) {
                    0 => frame.truncate(numbers.below(frame.len() + 1)),
                    1 => frame.push(numbers.byte()),
                    _ => {
                        let position = numbers.below(frame.len().max(1));
                        let byte = numbers.byte();
                        if let Some(place) = frame.get_mut(position) {
                            *place = byte;
                        }
                    }
                }
            }
            decodes_to_itself_or_not_at_all(&frame);
        }
    }
}
