//! One request and its answer over a Unix domain socket, within one deadline.

use crate::{Endpoint, Error, ProtocolError, TransportError};
use parsecd_wire::SecretBytes;
use parsecd_wire::header::{HEADER_LENGTH, ResponseHeader};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The end of a request's time, and how long that was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    total: Duration,
    at: Option<Instant>,
}

impl Deadline {
    /// `total` from now on.
    pub(crate) fn after(total: Duration) -> Deadline {
        Deadline { total, at: Instant::now().checked_add(total) }
    }

    /// Time left, never zero: zero would mean *for ever* to the kernel.
    fn remaining(self) -> Result<Option<Duration>, TransportError> {
        match self.at {
            // Further away than the clock reaches.
            None => Ok(None),
            Some(at) => match at.checked_duration_since(Instant::now()) {
                Some(left) if left >= Duration::from_micros(1) => Ok(Some(left)),
                _ => Err(TransportError::Deadline(self.total)),
            },
        }
    }

    /// What an error of a system call means that was given the remaining time.
    fn explain(self, error: io::Error, otherwise: fn(io::Error) -> TransportError) -> TransportError {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => TransportError::Deadline(self.total),
            _ => otherwise(error),
        }
    }
}

/// Sends `frame` on a connection of its own and reads the answer: its header, and its body of at most
/// `limit` bytes.
pub(crate) fn exchange(
    endpoint: &Endpoint,
    frame: &SecretBytes,
    deadline: Deadline,
    limit: usize,
) -> Result<(ResponseHeader, SecretBytes), Error> {
    let stream = open(endpoint, deadline)?;
    match write_all(&stream, frame.expose(), deadline) {
        Ok(()) => read_answer(&stream, deadline, limit),
        // The service may have refused the request before it had read all of it: then its answer is waiting.
        Err(TransportError::Send(broken)) => match read_answer(&stream, deadline, limit) {
            Err(Error::Transport(_)) => Err(TransportError::Send(broken).into()),
            answer => answer,
        },
        Err(error) => Err(error.into()),
    }
}

/// Connects; the kernel holds the wait for a full queue of connections to the send timeout.
fn open(endpoint: &Endpoint, deadline: Deadline) -> Result<UnixStream, TransportError> {
    let refused =
        |errno: Errno| TransportError::Connect { path: endpoint.path().to_owned(), source: errno.into() };
    let address = SocketAddrUnix::new(endpoint.path()).map_err(refused)?;
    let socket =
        socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).map_err(refused)?;
    loop {
        set_socket_timeout(&socket, Timeout::Send, deadline.remaining()?).map_err(refused)?;
        match connect(&socket, &address) {
            Ok(()) => return Ok(UnixStream::from(socket)),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Err(TransportError::Deadline(deadline.total)),
            Err(errno) => return Err(refused(errno)),
        }
    }
}

fn write_all(stream: &UnixStream, mut bytes: &[u8], deadline: Deadline) -> Result<(), TransportError> {
    while !bytes.is_empty() {
        let left = deadline.remaining()?;
        stream.set_write_timeout(left).map_err(TransportError::Send)?;
        // Not `write`: in a process that has not set SIGPIPE aside it would be killed.
        match send(stream, bytes, SendFlags::NOSIGNAL) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(deadline.explain(errno.into(), TransportError::Send)),
        }
    }
    Ok(())
}

/// Reads exactly one answer; what follows it, an end of stream or a reset, is of no interest.
fn read_answer(
    stream: &UnixStream,
    deadline: Deadline,
    limit: usize,
) -> Result<(ResponseHeader, SecretBytes), Error> {
    let mut header = [0; HEADER_LENGTH];
    read_exact(stream, &mut header, deadline, 0)?;
    let header = ResponseHeader::from_bytes(&header).map_err(ProtocolError::Header)?;
    let announced = header.body_length;
    let length = usize::try_from(announced)
        .ok()
        .filter(|length| *length <= limit)
        .ok_or(ProtocolError::BodyTooLong { announced, limit })?;
    let mut body = Vec::new();
    body.try_reserve_exact(length).map_err(|_| ProtocolError::BodyTooLong { announced, limit })?;
    body.resize(length, 0);
    let outcome = read_exact(stream, &mut body, deadline, HEADER_LENGTH);
    let body = SecretBytes::new(body);
    outcome?;
    Ok((header, body))
}

/// Fills `buffer`. `before` is the number of bytes of the answer that came before it.
fn read_exact(
    mut stream: &UnixStream,
    buffer: &mut [u8],
    deadline: Deadline,
    before: usize,
) -> Result<(), TransportError> {
    let expected = before.saturating_add(buffer.len());
    let mut rest = buffer;
    while !rest.is_empty() {
        stream.set_read_timeout(deadline.remaining()?).map_err(TransportError::Receive)?;
        match stream.read(rest) {
            Ok(0) => {
                return Err(TransportError::Truncated {
                    received: expected.saturating_sub(rest.len()),
                    expected,
                });
            }
            Ok(count) => rest = rest.get_mut(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(deadline.explain(error, TransportError::Receive)),
        }
    }
    Ok(())
}
